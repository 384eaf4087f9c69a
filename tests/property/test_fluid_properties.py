"""What must hold for any flows: bytes, capacities, bottlenecks, scale, order, tolerance."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from netloom.kernels.flow_clock import Timeline
from netloom.kernels.fluid import TIES, CapacityChanges, run_flows
from netloom.kernels.loads import PathArrays, bundle_loads
from netloom.kernels.maxmin import max_min_rates


@st.composite
def cases(draw: st.DrawFn) -> tuple[PathArrays, np.ndarray, np.ndarray, np.ndarray]:
    """Return paths, capacities, sizes and starts; often many flows at once, to fill anew."""
    seed, many = draw(st.integers(0, 2**32 - 1)), draw(st.booleans())
    rng = np.random.default_rng(seed)
    num_bundles = int(rng.integers(1, 12))
    num_flows = int(rng.integers(40, 80) if many else rng.integers(1, 20))
    rows = [
        rng.permutation(num_bundles)[: rng.integers(1, min(num_bundles, 4) + 1)]
        for _ in range(num_flows)
    ]
    indptr = np.cumsum([0] + [len(row) for row in rows]).astype(np.int64)
    share = rng.choice([1.0, 0.5], indptr[-1]) if seed % 2 else np.ones(indptr[-1])
    paths = PathArrays(indptr, np.concatenate(rows).astype(np.int32), share)
    starts = rng.choice([0.0, 0.5, 1.0], num_flows) if seed % 3 else rng.uniform(0, 3, num_flows)
    return paths, rng.choice([1.0, 2.0, 5.0], num_bundles), rng.uniform(0.1, 3, num_flows), starts


def ends_of(
    paths: PathArrays,
    capacity: np.ndarray,
    sizes: np.ndarray,
    starts: np.ndarray,
    tolerance: float = TIES,
) -> np.ndarray:
    num_flows = len(sizes)
    timeline = Timeline(
        sizes, starts, np.zeros(num_flows, dtype=np.int32),
        np.zeros(num_flows + 1, dtype=np.int64), np.zeros(0, dtype=np.int32),
    )  # fmt: skip
    none = CapacityChanges(np.zeros(0), np.zeros(0, dtype=np.int32), np.zeros(0))
    return run_flows(paths, capacity, timeline, none, tolerance)[0]


def subset(paths: PathArrays, chosen: np.ndarray) -> PathArrays:
    sizes = np.diff(paths.indptr)
    kept = np.repeat(chosen, sizes)
    return PathArrays(
        np.r_[0, np.cumsum(sizes[chosen])].astype(np.int64), paths.bundle[kept], paths.share[kept]
    )


@settings(max_examples=150, deadline=None)
@given(cases())
def test_max_min_rates_between_the_ends_move_exactly_the_bytes(case) -> None:
    paths, capacity, sizes, starts = case
    ends = ends_of(*case)
    times = np.unique(np.r_[starts, ends])
    sent = np.zeros(len(sizes))
    for now, then in pairwise(times):
        running = (starts <= now) & (ends >= then)
        if running.any():
            part = subset(paths, running)
            rates = max_min_rates(part, capacity)
            assert (bundle_loads(part, rates, len(capacity)) <= capacity * (1 + 1e-9)).all()
            sent[running] += rates * (then - now)
    np.testing.assert_allclose(sent, sizes, rtol=1e-8)


@settings(max_examples=100, deadline=None)
@given(cases())
def test_every_flow_is_fastest_on_a_full_bundle(case) -> None:
    paths, capacity, _, _ = case
    rates = max_min_rates(paths, capacity)
    full = bundle_loads(paths, rates, len(capacity)) >= capacity * (1 - 1e-9)
    flow = np.repeat(np.arange(len(rates)), np.diff(paths.indptr))
    fastest = np.zeros(len(capacity))
    np.maximum.at(fastest, paths.bundle, rates[flow])
    held = full[paths.bundle] & (rates[flow] >= fastest[paths.bundle] * (1 - 1e-9))
    assert set(flow[held]) == set(range(len(rates)))


@settings(max_examples=60, deadline=None)
@given(cases(), st.sampled_from([0.25, 3.0]))
def test_time_scales_with_bytes_and_against_capacity(case, factor) -> None:
    paths, capacity, sizes, starts = case
    ends = ends_of(*case)
    scaled = ends_of(paths, capacity / factor, sizes, starts * factor)
    np.testing.assert_allclose(scaled, ends * factor, rtol=1e-9)
    scaled = ends_of(paths, capacity, sizes * factor, starts * factor)
    np.testing.assert_allclose(scaled, ends * factor, rtol=1e-9)


@settings(max_examples=60, deadline=None)
@given(cases(), st.randoms(use_true_random=False))
def test_order_of_flows_changes_nothing(case, random) -> None:
    paths, capacity, sizes, starts = case
    order = list(range(len(sizes)))
    random.shuffle(order)
    rows = [slice(paths.indptr[flow], paths.indptr[flow + 1]) for flow in order]
    other = PathArrays(
        np.r_[0, np.cumsum(np.diff(paths.indptr)[order])].astype(np.int64),
        np.concatenate([paths.bundle[row] for row in rows]),
        np.concatenate([paths.share[row] for row in rows]),
    )
    shuffled = ends_of(other, capacity, sizes[order], starts[order])
    np.testing.assert_allclose(shuffled, ends_of(*case)[order], rtol=1e-9)


@settings(max_examples=60, deadline=None)
@given(cases())
def test_makespan_is_not_below_the_load_bound_and_tolerance_keeps_near_it(case) -> None:
    paths, capacity, sizes, _ = case
    bound = (bundle_loads(paths, sizes, len(capacity)) / capacity).max()
    ends = ends_of(*case)
    assert ends.max() >= bound * (1 - 1e-9)
    rough = ends_of(*case, tolerance=0.01)
    # each batch frees capacity early by at most 1 % of the durations in it
    assert abs(rough.max() - ends.max()) <= 0.05 * ends.max()
