"""Checkpoint model: exact against a simulation and scipy, closed forms in their limits."""

import math
import random

import pytest
from scipy.special import lambertw

from netloom.errors import ParameterError
from netloom.failure.checkpoint import (
    effective_fraction,
    effective_fraction_first_order,
    optimal_interval_s,
)

HOUR_S = 3600.0


def simulated_interval_s(mean_s, interval_s, write_s, detection_s, restart_s, clock):
    """Return the wall-clock time of one interval, event by event."""
    wall_s, up = 0.0, True
    while True:
        lasts_s = interval_s + write_s if up else restart_s
        failure_s = clock.expovariate(1 / mean_s)
        if failure_s < lasts_s:
            wall_s += failure_s + clock.expovariate(1 / detection_s)
            up = False
        elif up:
            return wall_s + lasts_s
        else:
            wall_s += lasts_s
            up = True


@pytest.mark.parametrize("mean_h", [0.25, 1.8, 24.0])
@pytest.mark.parametrize("interval_s", [200.0, 1800.0])
def test_expected_time_agrees_with_a_simulation_within_sampling_error(mean_h, interval_s):
    times = (mean_h * HOUR_S, interval_s, 30.0, 120.0, 400.0)
    clock, num_samples = random.Random(7), 10_000
    samples = [simulated_interval_s(*times, clock) for _ in range(num_samples)]
    mean_s = math.fsum(samples) / num_samples
    variance = math.fsum((sample - mean_s) ** 2 for sample in samples) / (num_samples - 1)
    expected_s = interval_s / effective_fraction(*times)
    assert abs(mean_s - expected_s) < 4 * math.sqrt(variance / num_samples)


def test_without_detection_it_is_dalys_formula():
    mean_s, interval_s, write_s, restart_s = 7200.0, 900.0, 60.0, 300.0
    daly_s = mean_s * math.exp(restart_s / mean_s) * math.expm1((interval_s + write_s) / mean_s)
    ours = effective_fraction(mean_s, interval_s, write_s, 0.0, restart_s)
    assert ours == pytest.approx(interval_s / daly_s, rel=1e-14)


@pytest.mark.parametrize("stall", [1e-9, 1e-4, 0.01, 0.5, 5.0, 50.0])
def test_optimal_interval_is_the_lambert_w_solution(stall):
    expected = 1 + lambertw(-math.exp(-1 - stall)).real
    # where the stall is tiny, scipy's own branch point costs half the digits
    assert optimal_interval_s(1.0, stall) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("mean_s", "write_s"), [(1e4, 10.0), (650.0, 43.0), (60.0, 60.0)])
def test_no_other_interval_is_better(mean_s, write_s):
    best_s = optimal_interval_s(mean_s, write_s)
    best = effective_fraction(mean_s, best_s, write_s, 120.0, 600.0)
    for factor in (0.5, 0.9, 0.999, 1.001, 1.1, 2.0):
        assert effective_fraction(mean_s, factor * best_s, write_s, 120.0, 600.0) < best


def test_youngs_interval_is_the_limit_of_a_short_stall():
    mean_s = 3 * HOUR_S
    gaps = [
        optimal_interval_s(mean_s, write_s) / math.sqrt(2 * write_s * mean_s) - 1
        for write_s in (100.0, 1.0, 0.01)
    ]
    # the next term of Daly's expansion is -2/3 of the stall, -sqrt(2 w/M)/3 relatively
    for gap, write_s in zip(gaps, (100.0, 1.0, 0.01), strict=True):
        assert gap == pytest.approx(-math.sqrt(2 * write_s / mean_s) / 3, rel=0.05)


def test_first_order_form_meets_the_exact_one_when_losses_are_small():
    for mean_h in (10.0, 100.0, 1000.0):
        times = (mean_h * HOUR_S, 1800.0, 10.0, 60.0, 300.0)
        loss = (60 + 300 + 900) / times[0]
        gap = effective_fraction_first_order(*times) - effective_fraction(*times)
        # what the expansion drops: the write inside a lost segment, and second orders of the loss
        assert abs(gap) < loss**2 + 10.0 / times[0]


def test_nothing_fails():
    assert effective_fraction(math.inf, 990.0, 10.0, 60.0, 300.0) == pytest.approx(0.99)
    assert optimal_interval_s(math.inf, 10.0) == math.inf
    assert effective_fraction(math.inf, math.inf, 10.0, 60.0, 300.0) == 1.0


def test_a_job_that_never_gets_through_an_interval_makes_no_progress():
    assert effective_fraction(1.0, HOUR_S, 10.0, 60.0, 300.0) == 0.0
    assert effective_fraction_first_order(1.0, HOUR_S, 10.0, 60.0, 300.0) == 0.0


@pytest.mark.parametrize(
    "times",
    [
        (0.0, 900.0, 10.0, 60.0, 300.0),
        (3600.0, 0.0, 10.0, 60.0, 300.0),
        (3600.0, 900.0, -1.0, 60.0, 300.0),
        (3600.0, 900.0, 10.0, math.nan, 300.0),
        (3600.0, 900.0, 10.0, 60.0, math.inf),
    ],
)
def test_impossible_times_are_refused(times):
    for formula in (effective_fraction, effective_fraction_first_order):
        with pytest.raises(ParameterError):
            formula(*times)


def test_free_checkpoints_need_an_interval():
    with pytest.raises(ParameterError, match="checkpoint_interval"):
        optimal_interval_s(3600.0, 0.0)
