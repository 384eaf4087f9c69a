"""Symmetry: classes of flows, and the same answers as flow by flow."""

from __future__ import annotations

import numpy as np
import pytest

from netloom.kernels.refine import colours, quotient, refine
from netloom.simulate.collapse import collapse, run_collapsed
from netloom.simulate.flows import run
from netloom.simulate.routes import Routes, routes
from netloom.topology import build

LINK = 50e9


def ring(hosts: int, radix: int, balancing: str = "spray") -> Routes:
    fabric = build(
        "fat-tree", {"hosts": hosts, "radix": radix, "tiers": 3, "link_bytes_per_s": LINK}
    )
    ranks = np.arange(hosts)
    return routes(fabric, ranks, (ranks + 1) % hosts, balancing)  # type: ignore[arg-type]


@pytest.mark.parametrize(("hosts", "radix"), [(16, 4), (1024, 16), (8192, 32)])
@pytest.mark.parametrize("balancing", ["spray", "static"])
def test_a_ring_has_one_class_per_kind_of_neighbour(hosts: int, radix: int, balancing: str) -> None:
    # neighbours on one leaf, in one pod, further apart
    assert collapse(ring(hosts, radix, balancing), 1e6).num_classes == 3


def test_all_to_all_in_groups_collapses_and_ends_at_the_same_times() -> None:
    fabric = build("fat-tree", {"hosts": 256, "radix": 16, "tiers": 3, "link_bytes_per_s": LINK})
    groups = np.arange(256).reshape(-1, 32)
    source = np.repeat(groups, 31, axis=1).ravel()
    target = np.concatenate([[b for a in group for b in group if a != b] for group in groups])
    found = routes(fabric, source, target)
    small = collapse(found, 1e6, link_latency_s=500e-9)
    assert small.num_classes == 2
    whole = run(found, 1e6, link_latency_s=500e-9)
    classes = run_collapsed(found, 1e6, link_latency_s=500e-9)
    np.testing.assert_allclose(classes.end_s, whole.end_s, rtol=1e-12)
    assert classes.bound_s == pytest.approx(whole.bound_s, rel=1e-12)
    assert classes.bound_stage == whole.bound_stage


def test_flows_that_nothing_makes_alike_stay_apart() -> None:
    fabric = build("fat-tree", {"hosts": 64, "radix": 8, "tiers": 3, "link_bytes_per_s": LINK})
    hosts = np.arange(64)
    found = routes(fabric, hosts, np.roll(hosts, 16))
    sizes = np.arange(1.0, 65.0) * 1e6
    assert collapse(found, sizes).num_classes == 64
    np.testing.assert_allclose(run_collapsed(found, sizes).end_s, run(found, sizes).end_s)


def test_one_odd_flow_splits_only_what_it_meets() -> None:
    found = ring(1024, 16)
    sizes = np.full(1024, 1e6)
    sizes[500] = 2e6
    # a ring's flows share no bundle below the spines, so the odd flow is alone in its class
    assert collapse(found, sizes).num_classes == 4
    np.testing.assert_allclose(run_collapsed(found, sizes).end_s, run(found, sizes).end_s)


def test_the_partition_is_equitable_and_the_coarsest() -> None:
    # a cycle of 6 flows over 6 bundles and one of 4 over 4: regular, so one class of each
    found = []
    for size in (6, 4):
        first = sum(len(rows) for rows in found)
        found.append([(first + i, first + (i + 1) % size) for i in range(size)])
    rows = np.array([row for cycle in found for row in cycle], dtype=np.int32)
    from netloom.kernels.loads import PathArrays

    paths = PathArrays(np.arange(0, 21, 2), rows.ravel(), np.ones(20))
    alike = np.ones(10)
    parts = refine(
        paths, colours(alike, alike, np.zeros(10, int)), colours(alike, alike, rows[:, 0] * 0)
    )
    assert (parts[1], parts[3]) == (1, 1)
    indptr, bundle, share, _, _ = quotient(paths, *parts)
    # one class of bundles, on each of which two flows of the class put a byte per byte
    assert (indptr.tolist(), bundle.tolist(), share.tolist()) == ([0, 1], [0], [2.0])


def test_a_million_accelerators_collapse_to_three_classes() -> None:
    found = ring(2**20, 256)
    times = run_collapsed(found, 2e9, link_latency_s=500e-9)
    # two bytes per byte over one host link, and six links of latency across the cores
    assert times.makespan_s == pytest.approx(2e9 / LINK + 6 * 500e-9, rel=1e-12)
    assert times.num_events <= 3
