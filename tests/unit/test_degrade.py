"""Fabrics with parts out of order: what is left, by closed form and against networkx."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from netloom.errors import ParameterError
from netloom.simulate.degrade import Loss, degrade
from netloom.simulate.flows import run
from netloom.simulate.routes import routes
from netloom.topology import build
from netloom.topology.fabric import Fabric
from netloom.topology.routing.shortest import ShortestRouting
from netloom.topology.routing.tree import TreeRouting

RATE = 1e9


def two_tiers(**more: object) -> Fabric:
    """Four leaves of 8 hosts, 8 uplinks each, one to each of 8 spines."""
    return build(
        "leaf-spine",
        {"hosts": 32, "radix": 16, "spines": 8, "link_bytes_per_s": RATE, **more},
    )


def across(fabric: Fabric, size: float = RATE) -> float:
    """Return the time of all hosts sending half-way across at the same time."""
    hosts = np.arange(fabric.num_endpoints)
    found = routes(fabric, hosts, np.roll(hosts, len(hosts) // 2))
    return run(found, size).makespan_s


def switches(fabric: Fabric, tier: int) -> list[int]:
    return np.flatnonzero(fabric.switch_tier == tier).tolist()


def graph(fabric: Fabric) -> nx.Graph:
    """Return the fabric as a networkx graph; endpoint e is node -1 - e."""
    made = nx.Graph()
    made.add_nodes_from(range(fabric.num_switches))
    made.add_nodes_from(-1 - e for e in range(fabric.num_endpoints))
    low = np.where(fabric.trunk_class == 0, -1 - fabric.trunk_lower, fabric.trunk_lower)
    made.add_edges_from(zip(low.tolist(), fabric.trunk_upper.tolist(), strict=True))
    return made


@pytest.mark.parametrize("lost", [0, 1, 3, 6])
def test_lost_spines_take_their_part_of_the_uplinks(lost: int) -> None:
    whole = two_tiers()
    left = degrade(whole, Loss(switches=switches(whole, 1)[:lost]))
    assert isinstance(left.routing, TreeRouting)
    assert across(left) == pytest.approx(8 / (8 - lost))


def test_a_lost_trunk_closes_the_spine_for_both_ends_only() -> None:
    whole = two_tiers()
    first = int(np.flatnonzero(whole.trunk_class == 1)[0])
    left = degrade(whole, Loss(trunk_links={first: 1}))
    assert isinstance(left.routing, ShortestRouting)
    hosts = np.arange(32)
    found = routes(left, hosts, np.roll(hosts, 16))
    ends = run(found, RATE).end_s
    # the leaf has 7 links for 8 hosts, and what is sent to it comes by 7 spines too
    leaf = hosts // 8
    cut = whole.trunk_lower[first]
    touched = (leaf == cut) | ((leaf + 2) % 4 == cut)
    np.testing.assert_allclose(ends[touched], 8 / 7)
    np.testing.assert_allclose(ends[~touched], 1.0)


def test_a_lost_leaf_cuts_its_hosts_off_and_leaves_the_rest_alone() -> None:
    whole = two_tiers()
    left = degrade(whole, Loss(switches=switches(whole, 0)[:1]))
    assert isinstance(left.routing, TreeRouting)
    every = np.arange(32)
    hops = left.routing.paths(every, np.roll(every, 16)).num_hops
    assert ((hops < 0) == ((every < 8) | (np.roll(every, 16) < 8))).all()
    hosts = np.arange(8, 16)
    assert run(routes(left, hosts, hosts + 16), RATE).makespan_s == pytest.approx(1.0)


def test_a_lost_plane_and_a_lost_nic() -> None:
    whole = two_tiers(planes=2)
    left = degrade(whole, Loss(planes=[1]))
    assert isinstance(left.routing, TreeRouting)
    assert across(left) == pytest.approx(2 * across(whole))
    one = degrade(whole, Loss(endpoints=[5]))
    hops = one.routing.paths(np.array([5, 0, 0]), np.array([0, 5, 1])).num_hops
    assert (hops < 0).tolist() == [True, True, False]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("fat-tree", {"hosts": 54, "radix": 6, "tiers": 3}),
        ("leaf-spine", {"hosts": 32, "radix": 16, "spines": 8}),
        ("dragonfly", {"p": 2, "a": 4, "h": 2, "g": 9}),
        ("torus", {"dims": [3, 3, 3], "p": 1}),
    ],
)
def test_random_losses_leave_the_paths_that_the_graph_has(
    kind: str, parameters: dict[str, object], seed: int
) -> None:
    whole = build(kind, {**parameters, "link_bytes_per_s": RATE})
    rng = np.random.default_rng(seed)
    trunks = rng.permutation(len(whole.trunk_links))[: int(rng.integers(1, 12))]
    boxes = rng.permutation(whole.num_switches)[: int(rng.integers(0, 3))]
    left = degrade(
        whole,
        Loss(
            trunk_links={int(t): int(whole.trunk_links[t]) for t in trunks},
            switches=boxes.tolist(),
        ),
    )
    distance = dict(nx.all_pairs_shortest_path_length(graph(left)))
    source, target = rng.integers(0, whole.num_endpoints, (2, 60)).astype(np.int32)
    hops = left.routing.paths(source, target).num_hops
    for one, other, crossed in zip(source.tolist(), target.tolist(), hops, strict=True):
        links = distance[-1 - one].get(-1 - other)
        # switches are one fewer than links
        assert crossed == (-1 if links is None else max(links - 1, 0))
    reached = hops >= 0
    for balancing in ("spray", "static", "hash"):
        found = routes(left, source[reached], target[reached], balancing)  # type: ignore[arg-type]
        times = run(found, RATE)
        assert np.isfinite(times.end_s).all()
        assert times.makespan_s >= times.bound_s * (1 - 1e-9)


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("fat-tree", {"hosts": 54, "radix": 6, "tiers": 3}),
        ("leaf-spine", {"hosts": 64, "radix": 32, "planes": 2}),
        ("torus", {"dims": [3, 4, 4], "p": 2}),
        ("hammingmesh", {"board": [2, 2], "grid": [4, 4], "radix": 16}),
    ],
)
def test_flows_that_share_routes_get_those_they_get_alone(
    kind: str, parameters: dict[str, object]
) -> None:
    whole = build(kind, {**parameters, "link_bytes_per_s": RATE})
    left = degrade(whole, Loss(trunk_links={int(whole.num_endpoints * 1.2): 1}))
    routing = ShortestRouting.build(
        left.num_endpoints, left.num_switches, left.link_classes,
        left.trunk_class, left.trunk_lower, left.trunk_upper, left.trunk_links,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    source, target = rng.integers(0, left.num_endpoints, (2, 400)).astype(np.int32)
    together = routing.paths(source, target)
    for flow in range(len(source)):
        alone = routing.paths(source[flow : flow + 1], target[flow : flow + 1])
        row = slice(together.indptr[flow], together.indptr[flow + 1])
        assert together.num_hops[flow] == alone.num_hops[0]
        np.testing.assert_array_equal(together.bundle[row], alone.bundle)
        np.testing.assert_array_equal(together.share[row], alone.share)


def test_losses_that_are_not_there_are_refused() -> None:
    whole = two_tiers()
    for loss in (
        Loss(switches=[99]), Loss(endpoints=[-1]), Loss(trunk_links={999: 1}),
        Loss(trunk_links={0: 7}), Loss(planes=[0]),
    ):  # fmt: skip
        with pytest.raises(ParameterError):
            degrade(whole, loss)
