"""The robust fit against SciPy's distributions and optimisers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from netloom.calibrate.robust_fit import Box, fit, interval, student_quantile


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 10, 53])
def test_quantiles_are_those_of_student(freedom):
    assert student_quantile(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-8)


def observations(num=20):
    """Return places and values of ``exp(-a x) + b`` with a = 0.7, b = 0.4, two of them far off."""
    random = np.random.default_rng(3)
    x = np.linspace(0.0, 5.0, num)
    y = np.exp(-0.7 * x) + 0.4 + random.normal(0.0, 0.01, num)
    y[[4, 11]] += 0.3
    return x, y


def negative_log_likelihood(residuals):
    """Return that of Student's t with 4 degrees of freedom at its most likely scale."""
    found = optimize.minimize_scalar(
        lambda log_scale: -stats.t.logpdf(residuals, 4, scale=np.exp(log_scale)).sum(),
        bounds=(-12.0, 2.0),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return found.fun


def test_two_parameters_are_the_most_likely_ones():
    x, y = observations()
    box = Box(np.array([0.0, 0.0]), np.array([5.0, 5.0]))
    ours = fit(lambda p: np.exp(-p[0] * x) + p[1] - y, np.array([2.0, 2.0]), box)
    theirs = optimize.minimize(
        lambda p: negative_log_likelihood(np.exp(-p[0] * x) + p[1] - y),
        [0.7, 0.4],
        method="Nelder-Mead",
        options={"xatol": 1e-8, "fatol": 1e-10},
    )
    assert ours == pytest.approx(theirs.x, rel=1e-4)
    assert ours == pytest.approx([0.7, 0.4], rel=0.05)


def test_an_interval_ends_where_the_profile_has_fallen_by_its_quantile():
    x, y = observations()
    box = Box(np.array([0.0, 0.0]), np.array([5.0, 5.0]))

    def residuals(p):
        return np.exp(-p[0] * x) + p[1] - y

    best = fit(residuals, np.array([1.0, 1.0]), box)
    least = negative_log_likelihood(residuals(best))
    allowed = 0.5 * 20 * np.log1p(stats.t.ppf(0.975, 18) ** 2 / 18)
    for end in interval(residuals, best, 0, box):
        profile = optimize.minimize_scalar(
            lambda b, end=end: negative_log_likelihood(residuals(np.array([end, b]))),
            bounds=(0.0, 1.0),
            method="bounded",
            options={"xatol": 1e-8},
        )
        assert profile.fun - least == pytest.approx(allowed, rel=0.01)


def test_ninety_five_of_a_hundred_intervals_hold_the_truth():
    random = np.random.default_rng(11)
    box = Box(np.array([-10.0]), np.array([10.0]))
    held = 0
    for _ in range(100):
        seen = random.normal(1.0, 0.2, 6)

        def residuals(p, seen=seen):
            return p - seen

        low, high = interval(residuals, fit(residuals, np.array([0.0]), box), 0, box)
        held += low < 1.0 < high
    # 95 expected, with a standard deviation of 2
    assert 89 <= held <= 99


def test_parameters_stay_within_their_bounds():
    box = Box(np.array([0.0, 0.0]), np.array([1.0, 1.0]))
    seen = np.array([2.0, 2.1, 1.9, -0.4])

    def residuals(p):
        return np.array([p[0], p[0], p[0], p[1]]) - seen

    best = fit(residuals, np.array([0.5, 0.5]), box)
    assert best.tolist() == [1.0, 0.0]


def test_without_more_observations_than_parameters_there_is_no_interval():
    box = Box(np.array([0.0]), np.array([9.0]))
    assert interval(lambda p: p - 3.0, np.array([3.0]), 0, box) is None
