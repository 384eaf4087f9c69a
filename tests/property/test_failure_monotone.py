"""More failures never help, shorter mean times ask for shorter intervals."""

import math

from hypothesis import given
from hypothesis import strategies as st

from netloom import catalog
from netloom.failure.checkpoint import effective_fraction, optimal_interval_s
from netloom.failure.goodput import Policy, goodput
from netloom.failure.inventory import Exposure, Inventory

mean_times = st.floats(60.0, 1e8)
stalls = st.floats(1e-3, 3600.0)
short = st.floats(0.0, 3600.0)
counts = st.integers(0, 200_000)


@given(mean_times, st.floats(0.01, 0.99), stalls)
def test_a_shorter_mean_time_asks_for_a_shorter_interval(mean_s, factor, write_s):
    assert optimal_interval_s(factor * mean_s, write_s) < optimal_interval_s(mean_s, write_s)


@given(mean_times, st.floats(0.01, 0.99), st.floats(1.0, 1e5), stalls, short, short)
def test_a_shorter_mean_time_never_raises_the_effective_share(
    mean_s, factor, interval_s, write_s, detection_s, restart_s
):
    rest = (interval_s, write_s, detection_s, restart_s)
    assert 0 <= effective_fraction(factor * mean_s, *rest) <= effective_fraction(mean_s, *rest) < 1


@given(counts, counts, st.integers(1, 64), st.booleans(), st.floats(0, 1))
def test_more_network_parts_never_raise_goodput(num_parts, more, num_paths, avoidable, exposed):
    rates = catalog.get("failure-rates", "llama3-h100")
    answers = []
    for count in (num_parts, num_parts + more):
        link = Exposure("link", count, 0.01 / 3.15576e7, num_paths, avoidable)
        inventory = Inventory(16_384, 2_048, 16_384, (link,))
        answers.append(goodput(inventory, rates, Policy(1800.0, 10.0, exposed)).effective_fraction)
    fewer_parts, more_parts = answers
    assert more_parts <= fewer_parts * (1 + 1e-12)


@given(counts, st.floats(0, 1), st.floats(600.0, 7200.0))
def test_a_second_plane_never_costs_more_than_the_interruptions_it_avoids(
    num_parts, exposed, interval_s
):
    rates = catalog.get("failure-rates", "llama3-h100")
    planes = [
        goodput(
            Inventory(
                1_024, 128, 1_024, (Exposure("link", num_parts, 0.01 / 3.15576e7, num, True),)
            ),
            rates,
            Policy(interval_s, 10.0, exposed),
        ).effective_fraction
        for num in (1, 2)
    ]
    assert planes[1] >= planes[0] * (1 - 1e-12)
    assert math.isfinite(planes[0])
