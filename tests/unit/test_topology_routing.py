"""Paths of each routing against hand-made paths, brute force and networkx."""

from __future__ import annotations

from collections import defaultdict

import networkx as nx
import numpy as np
import pytest

from netloom.topology import build
from netloom.topology.counts import bisection_fraction, hops
from netloom.topology.fabric import HOST, LinkClass
from netloom.topology.routing.shortest import ShortestRouting


def row(paths, flow):
    part = slice(paths.indptr[flow], paths.indptr[flow + 1])
    return dict(zip(paths.bundle[part].tolist(), paths.share[part].tolist(), strict=True))


def one_path(fabric, source, target, **options):
    paths = fabric.routing.paths(
        np.array([source], np.int32), np.array([target], np.int32), **options
    )
    return paths, row(paths, 0)


def switch_graph(fabric):
    graph = nx.Graph()
    graph.add_nodes_from(range(fabric.num_switches))
    for kind, lower, upper, links in zip(
        fabric.trunk_class, fabric.trunk_lower, fabric.trunk_upper, fabric.trunk_links, strict=True
    ):
        if fabric.link_classes[kind].lower != HOST:
            before = graph.get_edge_data(int(lower), int(upper), {"links": 0})["links"]
            graph.add_edge(int(lower), int(upper), links=before + int(links))
    return graph


def shortest_of(fabric):
    return ShortestRouting.build(
        fabric.num_endpoints, fabric.num_switches, fabric.link_classes,
        fabric.trunk_class, fabric.trunk_lower, fabric.trunk_upper, fabric.trunk_links,
    )  # fmt: skip


def test_tree_path_by_hand():
    # 4-port switches, 2 hosts per leaf, 2 leaves per pod: hosts 0-3 are pod 0
    fabric = build("fat-tree", {"hosts": 16, "radix": 4, "tiers": 3, "link_bytes_per_s": 10.0})
    names, bundles = fabric.routing.bundles.stage_names, fabric.routing.bundles
    for target, stages, switches in [
        (1, ["host uplinks", "host downlinks"], 1),
        (2, ["host uplinks", "leaf uplinks", "leaf downlinks", "host downlinks"], 3),
        (15, ["host uplinks", "leaf uplinks", "spine uplinks", "spine downlinks",
              "leaf downlinks", "host downlinks"], 5),
    ]:  # fmt: skip
        paths, path = one_path(fabric, 0, target)
        assert [names[bundles.stage[bundle]] for bundle in path] == stages
        assert paths.num_hops.tolist() == [switches]
    # a leaf has two uplinks, a pod of two spines four
    _, path = one_path(fabric, 0, 15)
    assert bundles.bytes_per_s[list(path)].tolist() == [10, 20, 40, 40, 20, 10]


def test_planes_multiply_the_capacity_of_every_bundle():
    one = build("fat-tree", {"hosts": 100, "radix": 16, "tiers": 2})
    four = build("fat-tree", {"hosts": 100, "radix": 16, "tiers": 2, "planes": 4})
    np.testing.assert_array_equal(
        4 * one.routing.bundles.bytes_per_s, four.routing.bundles.bytes_per_s
    )
    assert four.routing.bundles.num_members[0] == 4


def test_rails_meet_in_their_unit_or_at_the_top():
    fabric = build("rail-optimized", {"units": 16, "unit_nodes": 32, "radix": 64, "tiers": 3})
    node = 8
    for target, switches in [(node, 1), (1, 5), (40 * node, 3), (40 * node + 1, 5)]:
        paths, _ = one_path(fabric, 0, target)
        assert paths.num_hops.tolist() == [switches]


def test_rails_of_a_rail_only_network_do_not_meet():
    fabric = build("rail-only", {"hosts": 2048, "domain": 8, "radix": 64})
    paths = fabric.routing.paths(np.array([0, 0], np.int32), np.array([1, 8], np.int32))
    assert paths.num_hops.tolist() == [-1, 1]
    assert paths.indptr.tolist() == [0, 0, 2]


DRAGONFLIES = [
    {"p": 2, "a": 4, "h": 2, "g": 9},
    {"p": 2, "a": 4, "h": 2, "g": 4},
    {"p": 1, "a": 3, "h": 1, "g": 3},
    {"p": 2, "a": 6, "h": 3, "g": 5, "routers_per_switch": 2},
    {"p": 3, "a": 1, "h": 4, "g": 5},
]


@pytest.mark.parametrize("shape", DRAGONFLIES)
def test_dragonfly_global_links_are_spread_evenly(shape):
    fabric = build("dragonfly", shape)
    mine = fabric.trunk_class == 2
    groups = fabric.parameters["g"]
    one = fabric.switch_block[fabric.trunk_lower[mine]]
    other = fabric.switch_block[fabric.trunk_upper[mine]]
    assert (one != other).all()
    pairs = np.zeros((groups, groups), dtype=int)
    np.add.at(pairs, (one, other), fabric.trunk_links[mine])
    pairs += pairs.T
    between = pairs[~np.eye(groups, dtype=bool)]
    assert between.max() - between.min() <= 1
    assert between.min() >= 1


def brute_force_dragonfly(fabric, source, target, through):
    """Return share by switch-to-switch step of paths that visit the groups in `through`."""
    graph = switch_graph(fabric)
    host = fabric.trunk_class == 0
    ends = fabric.trunk_lower[host].tolist(), fabric.trunk_upper[host].tolist()
    router = dict(zip(*ends, strict=True))
    exits = defaultdict(list)
    for kind, lower, upper, links in zip(
        fabric.trunk_class, fabric.trunk_lower.tolist(), fabric.trunk_upper.tolist(),
        fabric.trunk_links.tolist(), strict=True,
    ):  # fmt: skip
        if kind == 2:
            ends = fabric.switch_block[lower], fabric.switch_block[upper]
            exits[ends].append((lower, upper, links))
            exits[ends[::-1]].append((upper, lower, links))
    steps = defaultdict(float)

    def walk(here, groups, share, taken):
        if not groups:
            last = router[target]
            for step in taken + ([(here, last)] if here != last else []):
                steps[step] += share
            return
        ways = exits[(fabric.switch_block[here], groups[0])]
        total = sum(links for _, _, links in ways)
        for leave, enter, links in ways:
            local = [(here, leave)] if here != leave else []
            assert not local or graph.has_edge(here, leave)
            walk(enter, groups[1:], share * links / total, [*taken, *local, (leave, enter)])

    for groups in through:
        walk(router[source], groups, 1 / len(through), [])
    return dict(steps)


def steps_of(fabric, path):
    """Return share by switch-to-switch step of a row of bundles."""
    routing, steps = fabric.routing, {}
    a = routing.routers_per_group
    for bundle, share in path.items():
        stage = routing.bundles.stage_names[routing.bundles.stage[bundle]]
        if stage == "local links":
            one, other = divmod(bundle - routing.first_local, a)
            steps[(one, one // a * a + other)] = share
        elif stage == "global links":
            way = bundle - routing.global_bundle[0]
            steps[(int(routing.global_exit[way]), int(routing.global_entry[way]))] = share
    return steps


@pytest.mark.parametrize("shape", DRAGONFLIES)
@pytest.mark.parametrize("route", ["minimal", "valiant"])
def test_dragonfly_paths_against_enumeration(shape, route):
    fabric = build("dragonfly", shape)
    blocks = fabric.endpoint_block
    groups = fabric.parameters["g"]
    rng = np.random.default_rng(1)
    for source, target in rng.integers(0, fabric.num_endpoints, (25, 2)):
        here, there = blocks[source], blocks[target]
        if here == there:
            through = [()]
        elif route == "minimal":
            through = [(there,)]
        else:
            through = [(via, there) for via in range(groups) if via not in (here, there)]
        expected = (
            brute_force_dragonfly(fabric, source, target, through) if source != target else {}
        )
        _, path = one_path(fabric, source, target, route=route)
        assert steps_of(fabric, path) == pytest.approx(expected)


@pytest.mark.parametrize("shape", DRAGONFLIES)
def test_dragonfly_minimal_hops_are_at_most_three_links(shape):
    fabric = build("dragonfly", shape)
    endpoints = np.arange(fabric.num_endpoints, dtype=np.int32)
    paths = fabric.routing.paths(np.zeros_like(endpoints), endpoints)
    assert paths.num_hops.max() <= 4
    assert paths.num_hops[0] == 0


MIXED = [
    ("dragonfly", {"p": 2, "a": 4, "h": 2, "g": 5}),
    ("fat-tree", {"hosts": 60, "radix": 8, "tiers": 3}),
    ("leaf-spine", {"hosts": 30, "radix": 8, "planes": 2}),
    ("rail-only", {"hosts": 60, "domain": 3, "radix": 8}),
]


@pytest.mark.parametrize(("kind", "parameters"), MIXED)
def test_shortest_paths_against_networkx(kind, parameters):
    fabric = build(kind, parameters)
    routing, graph, num_trunks = shortest_of(fabric), switch_graph(fabric), len(fabric.trunk_class)
    host = fabric.trunk_class == 0
    attached = defaultdict(list)
    for endpoint, switch in zip(fabric.trunk_lower[host], fabric.trunk_upper[host], strict=True):
        attached[int(endpoint)].append(int(switch))
    rng = np.random.default_rng(2)
    source = rng.integers(0, fabric.num_endpoints, 20).astype(np.int32)
    target = rng.integers(0, fabric.num_endpoints, 20).astype(np.int32)
    paths = routing.paths(source, target)
    for flow, (one, other) in enumerate(zip(source.tolist(), target.tolist(), strict=True)):
        path = row(paths, flow)
        if one == other:
            assert path == {}
            continue
        lengths = [
            nx.shortest_path_length(graph, a, b)
            for a in attached[one] for b in attached[other] if nx.has_path(graph, a, b)
        ]  # fmt: skip
        if not lengths:
            assert paths.num_hops[flow] == -1
            continue
        assert paths.num_hops[flow] == min(lengths) + 1
        # flow is conserved on every switch, and the source sends, the target gets, all of it
        balance = defaultdict(float)
        for bundle, share in path.items():
            trunk = bundle % num_trunks
            ends = [
                ("switch", int(fabric.trunk_lower[trunk])),
                ("switch", int(fabric.trunk_upper[trunk])),
            ]
            if fabric.trunk_class[trunk] == 0:
                ends[0] = ("endpoint", ends[0][1])
            tail, head = ends if bundle < num_trunks else ends[::-1]
            balance[tail] -= share
            balance[head] += share
        assert balance.pop(("endpoint", one)) == pytest.approx(-1)
        assert balance.pop(("endpoint", other)) == pytest.approx(1)
        assert all(value == pytest.approx(0, abs=1e-12) for value in balance.values())
        # every step is on a shortest path: total share equals the path's links
        assert sum(path.values()) == pytest.approx(min(lengths) + 2)


def test_shortest_paths_split_by_links():
    # switches 0 and 3 joined through 1 by single links, through 2 by three links each way
    routing = ShortestRouting.build(
        2, 4, (LinkClass("host-switch", HOST, 0, 1.0), LinkClass("mesh", 0, 0, 1.0)),
        trunk_class=np.array([0, 0, 1, 1, 1, 1], np.int8),
        trunk_lower=np.array([0, 1, 0, 0, 1, 2], np.int32),
        trunk_upper=np.array([0, 3, 1, 2, 3, 3], np.int32),
        trunk_links=np.array([1, 1, 1, 3, 1, 3], np.int32),
    )  # fmt: skip
    paths = routing.paths(np.array([0], np.int32), np.array([1], np.int32))
    # trunk t upwards is bundle t, downwards 6 + t
    assert row(paths, 0) == {0: 1.0, 2: 0.25, 3: 0.75, 4: 0.25, 5: 0.75, 6 + 1: 1.0}
    assert paths.num_hops.tolist() == [3]


@pytest.mark.parametrize(("kind", "parameters"), MIXED)
def test_diameter_and_mean_hops_against_networkx(kind, parameters):
    fabric = build(kind, parameters)
    graph, found = switch_graph(fabric), hops(fabric)
    edge = {
        int(s) for s in fabric.trunk_upper[fabric.trunk_class == 0] if fabric.switch_plane[s] <= 0
    }
    lengths = dict(nx.all_pairs_shortest_path_length(graph))
    apart = [lengths[a][b] for a in edge for b in edge if a != b and b in lengths[a]]
    assert found.diameter == max(apart)
    assert found.mean == pytest.approx(np.mean(apart))
    assert found.exact
    assert found.connected == (len(apart) == len(edge) * (len(edge) - 1))


def test_bisection_of_full_and_tapered_trees_and_of_a_dragonfly():
    assert bisection_fraction(build("fat-tree", {"hosts": 2048, "radix": 64, "tiers": 2})) == 1
    third = build("fat-tree", {"hosts": 972, "radix": 36, "tiers": 2, "taper": "3:1"})
    assert bisection_fraction(third) == pytest.approx(1 / 3)
    # p=2 a=4 h=2 g=9: 20 of 36 group pairs are cut, one link each, over 36 hosts of a half
    dragonfly = build("dragonfly", {"p": 2, "a": 4, "h": 2, "g": 9})
    assert bisection_fraction(dragonfly) == pytest.approx(20 / 36)
