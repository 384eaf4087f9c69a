"""Rules of direct networks and of Dragonfly+ against general shortest paths and enumeration."""

from __future__ import annotations

import itertools
from collections import defaultdict

import networkx as nx
import numpy as np
import pytest

from netloom.topology import build
from netloom.topology.counts import hops
from netloom.topology.fabric import DetourRouting
from netloom.topology.routing.shortest import ShortestRouting


def rows(paths):
    return [
        dict(zip(paths.bundle[start:stop].tolist(), paths.share[start:stop].tolist(), strict=True))
        for start, stop in zip(paths.indptr, paths.indptr[1:], strict=False)
    ]


def all_pairs(fabric, most=400, seed=3):
    """Return flows between all endpoints, or as many at random."""
    count = fabric.num_endpoints
    source, target = (axis.ravel() for axis in np.indices((count, count)))
    if len(source) > most:
        chosen = np.random.default_rng(seed).choice(len(source), most, replace=False)
        source, target = source[chosen], target[chosen]
    return source.astype(np.int32), target.astype(np.int32)


def shortest_of(fabric):
    return ShortestRouting.build(
        fabric.num_endpoints, fabric.num_switches, fabric.link_classes,
        fabric.trunk_class, fabric.trunk_lower, fabric.trunk_upper, fabric.trunk_links,
    )  # fmt: skip


def assert_equal_paths(one, other):
    assert one.num_hops.tolist() == other.num_hops.tolist()
    for mine, expected in zip(rows(one), rows(other), strict=True):
        assert mine == pytest.approx(expected)


SAME_AS_SHORTEST = [
    ("slim-fly", {"q": 3, "p": 2}), ("slim-fly", {"q": 5}), ("slim-fly", {"q": 8, "hosts": 301}),
    ("polarfly", {"q": 2}), ("polarfly", {"q": 7}), ("polarfly", {"q": 4, "hosts": 17}),
    ("hyperx", {"dims": "6", "p": 2}), ("torus", {"dims": "7"}), ("mesh", {"dims": "5", "p": 2}),
    ("torus", {"dims": "6"}), ("torus", {"dims": "2"}), ("hyperx", {"dims": "1", "p": 3}),
    ("dragonfly-plus", {"p": 2, "a": 2, "h": 2, "g": 5}),
    ("dragonfly-plus", {"p": 2, "a": 3, "h": 3, "g": 10, "hosts": 31}),
    ("dragonfly-plus", {"p": 2, "a": 3, "h": 1, "g": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "parameters"), SAME_AS_SHORTEST)
def test_rule_finds_the_equal_cost_shortest_paths(kind, parameters):
    fabric = build(kind, parameters)
    source, target = all_pairs(fabric)
    assert_equal_paths(
        fabric.routing.paths(source, target), shortest_of(fabric).paths(source, target)
    )


LATTICES = [
    ("torus", {"dims": "4,4,4"}), ("torus", {"dims": "5,2,1,6", "p": 2}),
    ("torus", {"dims": "3,8", "K": "2,1"}), ("mesh", {"dims": "4,3,2"}),
    ("hyperx", {"dims": "3,4,2", "K": "1,2,3"}), ("flattened-butterfly", {"k": 3, "n": 3}),
]  # fmt: skip


def ends(fabric, bundle):
    """Return tail and head of a bundle; endpoints are told from switches by a sign."""
    trunk = bundle % len(fabric.trunk_class)
    lower, upper = int(fabric.trunk_lower[trunk]), int(fabric.trunk_upper[trunk])
    lower = -1 - lower if fabric.trunk_class[trunk] == 0 else lower
    return (lower, upper) if bundle < len(fabric.trunk_class) else (upper, lower)


@pytest.mark.parametrize(("kind", "parameters"), LATTICES)
def test_dimension_order_paths_are_shortest_and_settle_one_dimension_at_once(kind, parameters):
    fabric = build(kind, parameters)
    source, target = all_pairs(fabric)
    paths = fabric.routing.paths(source, target)
    assert paths.num_hops.tolist() == shortest_of(fabric).paths(source, target).num_hops.tolist()
    for flow, path in enumerate(rows(paths)):
        if source[flow] == target[flow]:
            assert path == {}
            continue
        balance = defaultdict(float)
        for bundle, share in path.items():
            tail, head = ends(fabric, bundle)
            balance[tail] -= share
            balance[head] += share
        assert balance.pop(-1 - int(source[flow])) == pytest.approx(-1)
        assert balance.pop(-1 - int(target[flow])) == pytest.approx(1)
        assert all(value == pytest.approx(0) for value in balance.values())
        assert sum(path.values()) == pytest.approx(paths.num_hops[flow] + 1)
        dimension = fabric.trunk_class[np.array(list(path)) % len(fabric.trunk_class)][1:-1]
        assert (np.diff(dimension) >= 0).all()


def test_torus_path_by_hand():
    # from (0, 0) to (1, 2) of a 3 x 4 torus: one step along the first dimension, then both ways
    # round the second; trunks 0-11 are host links, 12-23 and 24-35 the dimensions
    fabric = build("torus", {"dims": "3,4"})
    paths = fabric.routing.paths(np.array([0], np.int32), np.array([6], np.int32))
    assert rows(paths) == [
        {0: 1.0, 12: 1.0, 24 + 4: 0.5, 24 + 5: 0.5, 36 + 24 + 7: 0.5, 36 + 24 + 6: 0.5, 36 + 6: 1.0}
    ]
    assert paths.num_hops.tolist() == [4]


def test_minimal_route_spreads_over_all_orders():
    one = build("hyperx", {"dims": "3,3"})
    spread = build("hyperx", {"dims": "3,3", "route": "minimal"})
    flow = np.array([0], np.int32), np.array([8], np.int32)
    assert len(rows(one.routing.paths(*flow))[0]) == 4
    assert sorted(rows(spread.routing.paths(*flow))[0].values()) == [0.5] * 4 + [1.0] * 2


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [("torus", {"dims": "4,4,4"}), ("torus", {"dims": "5,5"}), ("hyperx", {"dims": "4,4"}),
     ("slim-fly", {"q": 5, "p": 1})],
)  # fmt: skip
def test_uniform_traffic_loads_all_links_of_a_symmetric_network_alike(kind, parameters):
    fabric = build(kind, parameters)
    source, target = (axis.ravel() for axis in np.indices((fabric.num_endpoints,) * 2))
    paths = fabric.routing.paths(source.astype(np.int32), target.astype(np.int32))
    load = np.bincount(paths.bundle, weights=paths.share, minlength=2 * len(fabric.trunk_class))
    inner = np.tile(fabric.trunk_class > 0, 2)
    # total distance over all directed links
    switches = fabric.num_switches
    mean_load = switches * (switches - 1) * hops(fabric).mean / inner.sum()
    np.testing.assert_allclose(load[inner], mean_load)


def global_ways(fabric):
    """Return (spine, spine, links, bundle) of each ordered pair of groups of a Dragonfly+."""
    ways = defaultdict(list)
    block, num_trunks = fabric.switch_block, len(fabric.trunk_class)
    for trunk in np.flatnonzero(fabric.trunk_class == 2).tolist():
        low, high = int(fabric.trunk_lower[trunk]), int(fabric.trunk_upper[trunk])
        links = int(fabric.trunk_links[trunk])
        ways[block[low], block[high]].append((low, high, links, trunk))
        ways[block[high], block[low]].append((high, low, links, num_trunks + trunk))
    return ways


def inner_bundles(fabric):
    """Return the bundle of each (leaf, spine) and (spine, leaf) step."""
    steps = {}
    for trunk in np.flatnonzero(fabric.trunk_class == 1).tolist():
        low, high = int(fabric.trunk_lower[trunk]), int(fabric.trunk_upper[trunk])
        steps[low, high] = trunk
        steps[high, low] = len(fabric.trunk_class) + trunk
    return steps


def naive_row(fabric, source, target, through):
    """Return bundle shares of one flow by way of each of several groups (None: straight)."""
    ways, steps, row = global_ways(fabric), inner_bundles(fabric), defaultdict(float)
    one, other = int(fabric.trunk_upper[source]), int(fabric.trunk_upper[target])
    here, there = int(fabric.switch_block[one]), int(fabric.switch_block[other])
    group = [s for s in range(fabric.num_switches) if fabric.switch_block[s] == here]
    row[source] += 1.0
    row[len(fabric.trunk_class) + target] += 1.0
    if here == there and one != other:
        spines = [s for s in group if fabric.switch_tier[s] == 1]
        for spine in spines:
            row[steps[one, spine]] += 1 / len(spines)
            row[steps[spine, other]] += 1 / len(spines)
        return dict(row)
    if one == other:
        return dict(row)
    for middle in through:
        groups = [here, there] if middle is None else [here, middle, there]
        legs = [ways[pair] for pair in itertools.pairwise(groups)]
        totals = [sum(links for _, _, links, _ in leg) for leg in legs]
        for leave, enter, links, bundle in legs[0]:
            share = links / totals[0] / len(through)
            row[steps[one, leave]] += share
            row[bundle] += share
            if middle is None:
                row[steps[enter, other]] += share
                continue
            leaves = [
                s for s in range(fabric.num_switches)
                if fabric.switch_block[s] == middle and fabric.switch_tier[s] == 0
            ]  # fmt: skip
            for onward, last, more, second in legs[1]:
                part = share * more / totals[1]
                if onward != enter:
                    for leaf in leaves:
                        row[steps[enter, leaf]] += part / len(leaves)
                        row[steps[leaf, onward]] += part / len(leaves)
                row[second] += part
                row[steps[last, other]] += part
    return dict(row)


MEGAFLIES = [
    {"p": 2, "a": 2, "h": 2, "g": 5},
    {"p": 2, "a": 2, "h": 3, "g": 3},
    {"p": 1, "a": 3, "h": 4, "g": 4, "hosts": 11},
    {"p": 2, "a": 1, "h": 5, "g": 4},
    {"p": 3, "a": 2, "h": 3, "g": 2},
]


@pytest.mark.parametrize("shape", MEGAFLIES)
def test_dragonfly_plus_minimal_paths_against_enumeration(shape):
    fabric = build("dragonfly-plus", shape)
    source, target = all_pairs(fabric, 60)
    paths = fabric.routing.paths(source, target)
    for flow, path in enumerate(rows(paths)):
        same = source[flow] == target[flow]
        expected = {} if same else naive_row(fabric, source[flow], target[flow], [None])
        assert path == pytest.approx(expected)
    assert paths.num_hops.max() <= 4


@pytest.mark.parametrize("shape", MEGAFLIES)
def test_dragonfly_plus_detours_against_enumeration(shape):
    fabric = build("dragonfly-plus", shape)
    routing = fabric.routing
    assert isinstance(routing, DetourRouting)
    assert routing.has_detours == (shape["g"] > 2)
    if not routing.has_detours:
        return
    source, target = all_pairs(fabric, 60)
    flow_bytes = np.random.default_rng(5).uniform(1, 9, len(source))
    expected = np.zeros(2 * len(fabric.trunk_class))
    for one, other, size in zip(source.tolist(), target.tolist(), flow_bytes, strict=True):
        if one == other:
            continue
        groups = fabric.endpoint_block[one], fabric.endpoint_block[other]
        through = [middle for middle in range(shape["g"]) if middle not in groups]
        for bundle, share in naive_row(fabric, one, other, through).items():
            expected[bundle] += share * size
    np.testing.assert_allclose(routing.detour_loads(source, target, flow_bytes), expected)


def test_minimal_dragonfly_plus_has_no_detours():
    fabric = build("dragonfly-plus", {"p": 2, "a": 2, "h": 2, "g": 5, "route": "minimal"})
    assert not fabric.routing.has_detours


def test_rails_of_a_dual_tor_network_meet_at_the_aggregation_layer():
    fabric = build("dual-tor", {"segments": 4, "pod_segments": 2, "link_bytes_per_s": 25e9})
    target = np.array([8, 1, 1024, 3 * 1024], np.int32)
    paths = fabric.routing.paths(np.zeros(4, np.int32), target)
    # same rail of a segment, another rail, another segment of the pod, another pod
    assert paths.num_hops.tolist() == [1, 3, 3, 5]
    capacity = fabric.routing.bundles.bytes_per_s[paths.bundle[paths.indptr[3] :][:3]]
    # two links of 200 Gb/s; two ToRs with 60 of 400 Gb/s; the pod's two planes to the cores
    aggs = int((fabric.switch_tier == 1).sum()) // 4
    assert capacity.tolist() == [50e9, 2 * 60 * 50e9, 2 * aggs * 8 * 50e9]


def test_dual_tor_distances_against_networkx():
    fabric = build("dual-tor", {"segments": 3, "segment_hosts": 64, "tor_down": 8, "tor_up": 6})
    graph = nx.Graph()
    inner = fabric.trunk_class > 0
    graph.add_edges_from(
        zip(fabric.trunk_lower[inner].tolist(), fabric.trunk_upper[inner].tolist(), strict=True)
    )
    plane = [s for s in np.flatnonzero(fabric.switch_tier == 0) if fabric.switch_plane[s] == 0]
    lengths = dict(nx.all_pairs_shortest_path_length(graph))
    apart = [lengths[int(a)][int(b)] for a in plane for b in plane if a != b]
    assert hops(fabric).diameter == max(apart)
    assert hops(fabric).mean == pytest.approx(np.mean(apart))
