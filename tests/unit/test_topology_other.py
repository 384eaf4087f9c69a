"""Families beyond trees and lattices: published counts, and distances against networkx."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest

from netloom.errors import ParameterError
from netloom.topology import REGISTRY, build, sized
from netloom.topology.counts import bisection_fraction, count, hops, ports_used
from netloom.topology.random_graphs import components, random_lift, random_regular

CLUSTER = {"nics_per_node": 8, "num_ports": 64, "link_bytes_per_s": 50e9}

#: Family and parameters of small fabrics, none of which divides evenly into the next.
SMALL = [
    ("hammingmesh", {"board": (2, 2), "grid": (3, 5), "radix": 8, "planes": 2}),
    ("hammingmesh", {"board": (3, 2), "grid": (8, 2), "radix": 8, "hosts": 91}),
    ("hammingmesh", {"board": (1, 1), "grid": (5, 4), "radix": 12}),
    ("ocs-torus", {"cubes": 6, "cube_dims": (2, 2, 2)}),
    ("ocs-torus", {"cubes": 3, "cube_dims": (2, 3, 4), "hosts": 50}),
    ("bcube", {"n": 3, "k": 2}),
    ("bcube", {"n": 5, "k": 1, "hosts": 23, "radix": 8}),
    ("zcube", {"n": 4, "k": 2}),
    ("zcube", {"n": 3, "k": 3, "hosts": 25}),
    ("jellyfish", {"switches": 23, "radix": 9, "degree": 5}),
    ("jellyfish", {"switches": 12, "radix": 16, "degree": 9, "seed": 3}),
    ("xpander", {"switches": 24, "radix": 9, "degree": 5, "seed": 1}),
]


def first_plane(fabric):
    """Return the switches of the first plane as networkx sees them; circuits join their ends."""
    graph = nx.Graph()
    graph.add_nodes_from(range(fabric.num_switches))
    circuits = {tier for tier, each in enumerate(fabric.tiers) if each.switching == "circuit"}
    for kind, low, high in zip(
        fabric.trunk_class, fabric.trunk_lower, fabric.trunk_upper, strict=True
    ):
        link_class = fabric.link_classes[kind]
        if link_class.lower >= 0 and link_class.upper not in circuits:
            graph.add_edge(int(low), int(high))
    return graph


@pytest.mark.parametrize(("kind", "parameters"), [case for case in SMALL if case[0] != "ocs-torus"])
def test_diameter_and_mean_hops_are_those_of_breadth_first_search(kind, parameters):
    fabric = build(kind, parameters)
    edge = np.unique(fabric.trunk_upper[fabric.trunk_class == 0])
    edge = edge[fabric.switch_plane[edge] <= 0].tolist()
    distances = dict(nx.all_pairs_shortest_path_length(first_plane(fabric)))
    apart = [distances[one][other] for one, other in itertools.permutations(edge, 2)]
    found = hops(fabric)
    assert (found.diameter, found.mean) == (max(apart), pytest.approx(np.mean(apart)))
    assert found.connected


@pytest.mark.parametrize(("cubes", "cube_dims", "torus"), [
    (1, (4, 4, 4), (4, 4, 4)), (6, (2, 2, 2), (2, 4, 6)), (8, (4, 4, 4), (8, 8, 8)),
    (3, (2, 3, 4), (2, 3, 12)),
])  # fmt: skip
def test_cubes_and_circuits_make_a_torus(cubes, cube_dims, torus):
    fabric = build("ocs-torus", {"cubes": cubes, "cube_dims": cube_dims})
    torus_graph = nx.grid_graph(torus, periodic=True)
    lengths = dict(nx.all_pairs_shortest_path_length(torus_graph))
    apart = [far for row in lengths.values() for far in row.values() if far]
    found = hops(fabric)
    assert (found.diameter, found.mean) == (max(apart), pytest.approx(np.mean(apart)))
    assert found.diameter == sum(side // 2 for side in torus)


@pytest.mark.parametrize(("kind", "parameters"), SMALL)
def test_counts_equal_the_closed_form_and_no_port_is_missing(kind, parameters):
    family = REGISTRY.get(kind)
    fabric = build(kind, parameters)
    counts = count(fabric)
    assert counts.switches | counts.links == family.closed_form(family.Parameters(**parameters))
    radix = np.array([tier.num_ports for tier in fabric.tiers])
    assert (ports_used(fabric) <= radix[fabric.switch_tier]).all()


# Hoefler et al., HammingMesh, SC 2022: a row of 128 ports has 4 + 2 switches, of 256 has 8 + 4;
# rows of fewer ports share a 64-port switch.
@pytest.mark.parametrize(
    ("board", "grid", "row"),
    [
        ((2, 2), (16, 16), {"row": 16}),
        ((4, 4), (8, 8), {"row": 8}),
        ((4, 4), (32, 32), {"row": 128}),
        ((2, 2), (64, 64), {"row": 128 * 4, "row-spine": 128 * 2}),
        ((1, 1), (128, 128), {"row": 128 * 8, "row-spine": 128 * 4}),
    ],
)
def test_hammingmesh_rows_share_switches_or_become_trees(board, grid, row):
    fabric = build("hammingmesh", {"board": board, "grid": grid, "radix": 64})
    column = {name.replace("row", "column"): number for name, number in row.items()}
    assert count(fabric).switches == row | column
    # two halves of square boards meet in 1 / (2 a) of the injection
    assert bisection_fraction(fabric) == pytest.approx(1 / (2 * board[0]))


def test_hammingmesh_cables_have_copper_in_one_direction():
    fabric = build("hammingmesh", {"board": (2, 2), "grid": (64, 64), "radix": 64})
    electrical = {each.name: each.electrical for each in fabric.link_classes if each.cabled}
    assert electrical == {
        "accelerator-row": True, "row-tree": False, "accelerator-column": False,
        "column-tree": False,
    }  # fmt: skip
    assert count(fabric).cables["accelerator-row"] == 2 * 2 * 64 * 64


# Jouppi et al., TPU v4, ISCA 2023.
def test_tpu_v4_and_tpu7x_pods():
    v4 = build("ocs-torus", {"cubes": 64, "ocs_ports": 136})
    counts = count(v4)
    assert (counts.endpoints, counts.switches) == (4096, {"ocs": 48})
    assert counts.cables["accelerator-ocs"] == 64 * 96
    ocs = v4.switch_tier == 1
    assert set(ports_used(v4)[ocs].tolist()) == {128}
    assert counts.ports_free == {"ocs": 48 * 8}
    assert count(build("ocs-torus", {"cubes": 144})).endpoints == 9216


def test_an_optical_circuit_switch_carries_each_cube_twice():
    fabric = build("ocs-torus", {"cubes": 5, "cube_dims": (2, 3, 2)})
    fibre = fabric.trunk_class == 2
    cube = fabric.switch_block[fabric.trunk_lower[fibre]]
    for ocs in np.flatnonzero(fabric.switch_tier == 1):
        mine = fabric.trunk_upper[fibre] == ocs
        assert np.bincount(cube[mine], weights=fabric.trunk_links[fibre][mine]).tolist() == [2] * 5


# Guo et al., BCube, SIGCOMM 2009: servers that differ in one digit share a switch.
def test_bcube_servers_meet_where_one_digit_differs():
    n, k = 4, 2
    fabric = build("bcube", {"n": n, "k": k})
    joined = {}
    cabled = fabric.trunk_class > 0
    for server, switch in zip(
        fabric.trunk_lower[cabled].tolist(), fabric.trunk_upper[cabled].tolist(), strict=True
    ):
        joined.setdefault(switch, set()).add(server)
    for one, other in itertools.combinations(range(n ** (k + 1)), 2):
        digits = [(one // n**i % n, other // n**i % n) for i in range(k + 1)]
        differ = sum(a != b for a, b in digits)
        shared = sum({one, other} <= servers for servers in joined.values())
        assert shared == (differ == 1)


def test_bcube_has_as_many_disjoint_paths_as_ports():
    fabric = build("bcube", {"n": 3, "k": 1})
    assert nx.node_connectivity(first_plane(fabric), 0, 8) == 2


# Published counts: 16,384 endpoints, at most k switches crossed.
@pytest.mark.parametrize(("n", "k"), [(4, 1), (5, 2), (3, 3), (2, 4)])
def test_zcube_paths_cross_at_most_k_switches(n, k):
    fabric = build("zcube", {"n": n, "k": k})
    source, target = np.divmod(np.arange(n ** (2 * k), dtype=np.int32), n**k)
    paths = fabric.routing.paths(source.astype(np.int32), target.astype(np.int32))
    assert paths.num_hops.max() == k


def test_zcube_of_two_levels_carries_uniform_traffic_at_full_rate():
    n = 6
    fabric = build("zcube", {"n": n, "k": 2})
    pairs = [(a, b) for a in range(n * n) for b in range(n * n) if a != b]
    source, target = (np.array(ends, dtype=np.int32) for ends in zip(*pairs, strict=True))
    paths = fabric.routing.paths(source, target)
    loads = np.bincount(paths.bundle, weights=paths.share) / fabric.routing.bundles.bytes_per_s
    stage = fabric.routing.bundles.stage[: len(loads)]
    # stages 0 and 1 are the host links
    assert loads[stage > 1].max() <= loads[stage <= 1].max() * 1.001


def test_zcube_of_16384_endpoints_fills_51_terabit_switches():
    counts = count(build("zcube", {"n": 128, "k": 2, "radix": 256}))
    assert (counts.endpoints, counts.switches) == (16_384, {"switch": 256})
    assert counts.ports_free == {"switch": 0}


@pytest.mark.parametrize("num_vertices", range(2, 15))
def test_random_regular_graphs_are_simple_connected_and_regular(num_vertices):
    for degree in range(1 if num_vertices == 2 else 2, num_vertices):
        edges = random_regular(num_vertices, degree, seed=degree)
        graph = nx.Graph(edges.tolist())
        assert graph.number_of_edges() == len(edges) == num_vertices * degree // 2
        assert nx.is_connected(graph)
        degrees = sorted(dict(graph.degree).values())
        odd = num_vertices * degree % 2
        assert degrees == [degree - 1] * odd + [degree] * (num_vertices - odd)


@pytest.mark.parametrize(("degree", "lift"), [(2, 1), (2, 7), (3, 5), (7, 4)])
def test_lifts_of_the_complete_graph_have_one_matching_per_pair_of_groups(degree, lift):
    edges = random_lift(degree, lift, seed=5)
    groups = np.sort(edges // lift, axis=1)
    pairs, numbers = np.unique(groups, axis=0, return_counts=True)
    assert (numbers == lift).all()
    assert len(pairs) == degree * (degree + 1) // 2
    graph = nx.Graph(edges.tolist())
    assert nx.is_connected(graph)
    assert set(dict(graph.degree).values()) == {degree}


def test_components_are_those_of_networkx():
    edges = np.random.default_rng(2).integers(0, 60, (40, 2))
    graph = nx.Graph(edges.tolist())
    graph.add_nodes_from(range(60))
    label = components(edges, 60)
    for number, part in enumerate(sorted(nx.connected_components(graph), key=min)):
        assert set(label[list(part)]) == {number}


@pytest.mark.parametrize("kind", ["jellyfish", "xpander"])
def test_same_seed_same_graph(kind):
    shape = {"switches": 36, "radix": 12, "degree": 8}
    one, same, other = (build(kind, shape | {"seed": seed}) for seed in (4, 4, 5))
    np.testing.assert_array_equal(one.trunk_upper, same.trunk_upper)
    assert not np.array_equal(one.trunk_upper, other.trunk_upper)


def test_random_graphs_come_near_the_best_possible_mean_distance():
    # the Moore bound: at most r (r - 1)^(d - 1) switches at distance d
    switches, degree = 245, 6
    left, bound, level = switches - 1, 0.0, 1
    while left > 0:
        reached = min(left, degree * (degree - 1) ** (level - 1))
        bound, left, level = bound + level * reached, left - reached, level + 1
    for kind in ("jellyfish", "xpander"):
        fabric = build(kind, {"switches": switches, "radix": 8, "degree": degree})
        assert bound / (switches - 1) <= hops(fabric).mean <= 1.1 * bound / (switches - 1)


@pytest.mark.parametrize(
    ("kind", "parameters", "words"),
    [
        ("hammingmesh", {"board": "4", "grid": "8,8", "radix": 64}, ["two numbers", "4,1"]),
        (
            "hammingmesh", {"board": "2,2", "grid": "8,2000", "radix": 64},
            ["column of 4000 ports", "8,1024", "radix: 90"],
        ),
        ("hammingmesh", {"board": (2, 2), "grid": (2, 2), "radix": 8, "hosts": 17}, ["hosts: 16"]),
        ("ocs-torus", {"cubes": 144, "ocs_ports": 136}, ["ocs_ports: 288", "cubes: 68"]),
        ("ocs-torus", {"cubes": 2, "cube_dims": "4,4"}, ["three sides", "4,4,4"]),
        ("ocs-torus", {"cubes": 8, "torus": "2,2,3"}, ["no torus of 8", "2,2,2"]),
        ("bcube", {"n": 9, "k": 1, "radix": 8}, ["n: 8", "radix: 9"]),
        ("bcube", {"n": 4, "k": 1, "hosts": 17}, ["hosts: 16", "k: 2", "n: 5"]),
        ("bcube", {"n": 4, "k": 1, "endpoint_links": 3}, ["endpoint_links: 2"]),
        ("zcube", {"n": 33, "k": 2, "radix": 64}, ["66 ports", "n: 32"]),
        ("zcube", {"n": 4, "k": 2, "planes": 3}, ["k = 2", "planes: 2", "k: 3"]),
        ("jellyfish", {"switches": 9, "radix": 8, "degree": 8}, ["degree: 7", "radix: 9"]),
        ("jellyfish", {"switches": 4, "radix": 8, "degree": 5}, ["degree: 3", "switches: 6"]),
        ("jellyfish", {"switches": 9, "radix": 8, "degree": 1}, ["does not connect", "degree: 2"]),
        ("xpander", {"switches": 9, "radix": 8, "degree": 5}, ["switches: 6", "switches: 12"]),
        ("xpander", {"switches": 6, "radix": 8, "degree": 5, "hosts": 99}, ["switches: 36"]),
    ],
)  # fmt: skip
def test_a_bad_parameter_is_refused_with_valid_choices(kind, parameters, words):
    with pytest.raises(ParameterError) as refusal:
        build(kind, parameters)
    for word in words:
        assert word in str(refusal.value)


@pytest.mark.parametrize("choice", ["hosts: 16", "n: 5", "k: 2"])
def test_the_choices_that_a_refusal_names_are_valid(choice):
    name, _, value = choice.partition(": ")
    build("bcube", {"n": 4, "k": 1, "hosts": 17} | {name: int(value)})


def test_a_nic_of_a_zcube_is_split_by_planes():
    with pytest.raises(ParameterError, match="planes: 2"):
        sized("zcube", hosts=100, **CLUSTER)
    parameters = sized("zcube", hosts=100, **CLUSTER, given={"planes": 2})
    assert (parameters.n, parameters.k) == (10, 2)


def test_what_follows_from_a_cluster():
    mesh = sized("hammingmesh", hosts=1024, **CLUSTER, given={"board": (4, 4)})
    assert (mesh.grid, mesh.endpoint_links) == ((8, 8), 1)
    assert sized("ocs-torus", hosts=1000, **CLUSTER).cubes == 16
    assert sized("bcube", hosts=4096, **CLUSTER).k == 1
    jellyfish = sized("jellyfish", hosts=2048, **CLUSTER)
    assert (jellyfish.switches, jellyfish.degree) == (128, 48)
    xpander = sized("xpander", hosts=2048, **CLUSTER)
    assert (xpander.switches, xpander.degree) == (3 * 49, 48)


def test_planes_of_a_hammingmesh_share_a_flow():
    one, four = (
        build("hammingmesh", {"board": (2, 2), "grid": (4, 4), "radix": 16, "planes": planes})
        for planes in (1, 4)
    )
    np.testing.assert_allclose(
        four.routing.bundles.bytes_per_s, 4 * one.routing.bundles.bytes_per_s
    )
    assert four.num_switches == 4 * one.num_switches
