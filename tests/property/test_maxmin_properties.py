"""What holds for max-min fair rates on every fabric."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from netloom.kernels.fluid import completion_times
from netloom.kernels.loads import PathArrays, bundle_loads
from netloom.kernels.maxmin import max_min_rates

Case = tuple[PathArrays, np.ndarray]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Return flows over random bundles, each crossed once."""
    num_bundles = draw(st.integers(1, 12))
    rows = draw(
        st.lists(
            st.sets(st.integers(0, num_bundles - 1), min_size=1, max_size=6),
            min_size=1,
            max_size=40,
        )
    )
    capacity = draw(
        st.lists(st.sampled_from([1.0, 3.0, 10.0]), min_size=num_bundles, max_size=num_bundles)
    )
    paths = PathArrays(
        np.cumsum([0] + [len(row) for row in rows]).astype(np.int64),
        np.array([bundle for row in rows for bundle in sorted(row)], dtype=np.int32),
        np.ones(sum(len(row) for row in rows)),
    )
    return paths, np.array(capacity)


@settings(max_examples=200, deadline=None)
@given(cases())
def test_makespan_of_equal_flows_is_the_load_bound(case: Case) -> None:
    paths, capacity = case
    flow_bytes = np.full(len(paths.indptr) - 1, 7.0)
    bound = (bundle_loads(paths, flow_bytes, len(capacity)) / capacity).max()
    makespan = completion_times(paths, capacity, flow_bytes, 1e-12).max()
    np.testing.assert_allclose(makespan, bound, rtol=1e-9)


@settings(max_examples=200, deadline=None)
@given(cases(), st.data())
def test_makespan_of_unequal_flows_is_never_below_the_load_bound(
    case: Case, data: st.DataObject
) -> None:
    paths, capacity = case
    num_flows = len(paths.indptr) - 1
    flow_bytes = np.array(
        data.draw(st.lists(st.floats(0.1, 100), min_size=num_flows, max_size=num_flows))
    )
    bound = (bundle_loads(paths, flow_bytes, len(capacity)) / capacity).max()
    assert completion_times(paths, capacity, flow_bytes, 1e-12).max() >= bound * (1 - 1e-9)


@settings(max_examples=200, deadline=None)
@given(cases())
def test_no_bundle_is_overfull_and_every_flow_has_a_bottleneck(case: Case) -> None:
    paths, capacity = case
    rates = max_min_rates(paths, capacity)
    used = bundle_loads(paths, rates, len(capacity))
    assert (used <= capacity * (1 + 1e-9)).all()
    for flow, rate in enumerate(rates):
        crossed = paths.bundle[paths.indptr[flow] : paths.indptr[flow + 1]]
        others = [
            rates[other]
            for bundle in crossed
            if used[bundle] >= capacity[bundle] * (1 - 1e-9)
            for other in range(len(rates))
            if bundle in paths.bundle[paths.indptr[other] : paths.indptr[other + 1]]
            # a bottleneck is full, and nobody on it is faster
            and rate
            >= max(
                rates[peer]
                for peer in range(len(rates))
                if bundle in paths.bundle[paths.indptr[peer] : paths.indptr[peer + 1]]
            )
            * (1 - 1e-9)
        ]
        assert others, f"flow {flow} has no bottleneck"
