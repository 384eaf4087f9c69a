"""Draws of uncertain inputs against closed forms and another implementation."""

import numpy as np
import pytest
from scipy import stats

from netloom.cost.distribution import mean, quantile, variance
from netloom.cost.draws import Sampling, cheaper_probability, interval
from netloom.errors import ParameterError
from netloom.kernels.draws import triangular_of_normals
from netloom.result import Range

RANGES = [
    Range(1.0, 2.0, 6.0),
    Range(0.0, 0.0, 1.0),
    Range(3.0, 9.0, 9.0),
    Range(100.0, 150.0, 180),
]


def triangle(found: Range):
    width = found.high - found.low
    return stats.triang((found.mode - found.low) / width, loc=found.low, scale=width)


@pytest.mark.parametrize("found", RANGES)
def test_moments_and_quantiles_are_those_of_scipy(found):
    reference = triangle(found)
    assert mean(found) == pytest.approx(reference.mean())
    assert variance(found) == pytest.approx(reference.var())
    for share in (0.0, 0.1, 0.4, 0.5, 0.9, 1.0):
        assert quantile(found, share) == pytest.approx(reference.ppf(share), abs=1e-12)


@pytest.mark.parametrize("found", RANGES)
def test_a_draw_is_the_inverse_at_the_rank_of_its_normal(found):
    normals = np.linspace(-6, 6, 101)
    drawn = triangular_of_normals(normals, found.low, found.mode, found.high)
    assert drawn == pytest.approx(triangle(found).ppf(stats.norm.cdf(normals)), abs=1e-6)
    # near the upper end the complement keeps the digits that 1 - p has lost
    assert drawn[-1] == pytest.approx(triangle(found).isf(stats.norm.sf(6.0)), rel=1e-9)


@pytest.mark.parametrize("found", RANGES)
def test_draws_have_the_mean_and_the_variance_of_the_triangle(found):
    drawn = Sampling(200_000, 7, 0.5).draw("price", found, "factor")
    error = np.sqrt(variance(found) / 200_000)
    assert drawn.mean() == pytest.approx(mean(found), abs=5 * error)
    assert drawn.var() == pytest.approx(variance(found), rel=0.02)
    assert found.low <= drawn.min() <= drawn.max() <= found.high
    assert stats.kstest(drawn[:20_000], triangle(found).cdf).pvalue > 1e-3


@pytest.mark.parametrize("common", [0.0, 0.3, 0.8])
def test_inputs_of_one_factor_correlate_by_the_common_share_and_others_do_not(common):
    sampling, found = Sampling(50_000, 3, common), Range(0.0, 1.0, 2.0)
    first, second, other = (
        stats.norm.ppf(stats.triang(0.5, 0, 2).cdf(sampling.draw(name, found, factor)))
        for name, factor in (("a", "optics"), ("b", "optics"), ("c", "silicon"))
    )
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(common, abs=0.015)
    assert np.corrcoef(first, other)[0, 1] == pytest.approx(0.0, abs=0.015)


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    found = Range(1.0, 2.0, 6.0)
    first = Sampling(1000, 5, 0.5).draw("a", found, "f")
    assert first.tobytes() == Sampling(1000, 5, 0.5).draw("a", found, "f").tobytes()
    assert (first != Sampling(1000, 6, 0.5).draw("a", found, "f")).any()
    assert (first != Sampling(1000, 5, 0.5).draw("b", found, "f")).any()


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (Range(-1.0, 2.0, 3.0), "price of a is negative"),
        (Range(1.0, 5.0, 3.0), "not low, most likely and high"),
        (Range(1.0, 2.0, float("inf")), "not low, most likely and high"),
    ],
)
def test_negative_and_unordered_inputs_are_refused_by_name(found, message):
    with pytest.raises(ParameterError, match=message):
        Sampling(10, 0, 0.5).draw("price of a", found)


def test_impossible_samplings_are_refused():
    for num_draws, common in ((0, 0.5), (3_000_000, 0.5), (10, 1.5), (10, -0.1)):
        with pytest.raises(ParameterError):
            Sampling(num_draws, 0, common)


def test_interval_and_probability_are_those_of_numpy():
    drawn = np.random.default_rng(1).normal(size=(2, 1001))
    found = interval(0.0, drawn[0])
    assert found.percentile_10 == np.quantile(drawn[0], 0.1)
    assert found.percentile_50 == np.median(drawn[0])
    assert cheaper_probability(*drawn) == pytest.approx((drawn[0] < drawn[1]).mean())
