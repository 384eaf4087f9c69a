"""Direct networks, Dragonfly+ and dual-ToR against published tables, closed forms and networkx."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest

from netloom.topology import REGISTRY, build
from netloom.topology.counts import bisection_fraction, count, hops
from netloom.topology.fabric import HOST


def switch_graph(fabric):
    graph = nx.Graph()
    graph.add_nodes_from(range(fabric.num_switches))
    inner = np.array([each.lower != HOST for each in fabric.link_classes])[fabric.trunk_class]
    ends = fabric.trunk_lower[inner], fabric.trunk_upper[inner], fabric.trunk_links[inner]
    for lower, upper, links in zip(*(part.tolist() for part in ends), strict=True):
        graph.add_edge(lower, upper, links=links)
    return graph


def cut_links(fabric, one_side):
    """Return links between switches of one side (a mask) and the rest."""
    inner = fabric.trunk_class > 0
    lower, upper = fabric.trunk_lower[inner], fabric.trunk_upper[inner]
    return int(fabric.trunk_links[inner][one_side[lower] != one_side[upper]].sum())


def inner_links(counts):
    return sum(links for name, links in counts.links.items() if not name.startswith("host"))


# Alibaba HPN 7.0 (SIGCOMM 2024): 15 segments of 1,024 GPUs, 200 Gb/s to the host, 400 Gb/s up.
def test_hpn_7():
    fabric = build("dual-tor", {"segments": 15, "link_bytes_per_s": 25e9})
    counts = count(fabric)
    assert counts.endpoints == 15_360
    assert counts.switches == {"tor": 240, "agg": 120}
    tors = fabric.switch_tier == 0
    per_plane = np.bincount(fabric.switch_plane[~tors])
    assert per_plane.tolist() == [60, 60]
    per_segment = np.bincount(fabric.switch_block[tors])
    assert (per_segment == 16).all()
    host = fabric.trunk_class == 0
    assert (np.bincount(fabric.trunk_upper[host]) == 128).all()
    ports = np.bincount(fabric.trunk_lower[~host], weights=fabric.trunk_links[~host])
    assert (ports == 60).all()
    # 8 spare ports down; an aggregation switch has 120 down, 8 more for a core layer
    assert counts.ports_free == {"tor": 240 * 8, "agg": 120 * 8}
    # 128 x 200G against 60 x 400G is 1.067 : 1
    assert 1 / bisection_fraction(fabric) == pytest.approx(1.067, abs=5e-4)
    assert hops(fabric).diameter == 2


def test_hpn_aggregation_to_core_is_15_to_1():
    fabric = build("dual-tor", {"segments": 30, "pod_segments": 15})
    counts = count(fabric)
    assert counts.switches["agg"] == 240
    assert counts.links["tor-agg"] == 15 * counts.links["agg-core"]


def test_both_ports_of_a_nic_are_on_switches_that_share_nothing():
    fabric = build("dual-tor", {"segments": 3})
    graph = switch_graph(fabric)
    ends = fabric.trunk_upper[fabric.trunk_class == 0].reshape(-1, 2)
    assert (fabric.switch_plane[ends] == [0, 1]).all()
    assert (fabric.switch_rail[ends] == (np.arange(len(ends)) % 8)[:, None]).all()
    assert nx.number_connected_components(graph) == 2
    uplink = fabric.link_classes[1]
    assert uplink.link_bytes_per_s == 2 * fabric.link_classes[0].link_bytes_per_s


# Slim Fly's deployment paper (NSDI 2024), networks of 36-port switches: endpoints and switches.
@pytest.mark.parametrize(
    ("kind", "parameters", "endpoints", "switches"),
    [
        ("slim-fly", {"q": 16, "radix": 36}, 6_144, 512),
        ("hyperx", {"dims": "13,13", "p": 12, "radix": 36}, 2_028, 169),
    ],
)
def test_networks_of_radix_36(kind, parameters, endpoints, switches):
    counts = count(build(kind, parameters))
    assert (counts.endpoints, counts.switches) == (endpoints, {"switch": switches})
    assert counts.ports_free == {"switch": 0}


@pytest.mark.parametrize(("q", "degree"), [(5, 7), (13, 19)])
def test_published_slim_fly_degrees(q, degree):
    graph = switch_graph(build("slim-fly", {"q": q}))
    assert {size for _, size in graph.degree} == {degree}


@pytest.mark.parametrize("q", [3, 4, 5, 7, 8, 9, 11, 16, 25, 27])
def test_slim_fly_is_an_mms_graph(q):
    fabric = build("slim-fly", {"q": q})
    delta = {0: 0, 1: 1, 3: -1}[q % 4]
    k = (3 * q - delta) // 2
    counts, found = count(fabric), hops(fabric)
    assert counts.switches == {"switch": 2 * q * q}
    assert inner_links(counts) == q * q * k
    graph = switch_graph(fabric)
    assert {size for _, size in graph.degree} == {k}
    assert found.diameter == 2
    assert found.mean == pytest.approx(2 - k / (2 * q * q - 1))
    if q <= 9:
        assert nx.diameter(graph) == 2
        assert nx.average_shortest_path_length(graph) == pytest.approx(found.mean)


# Hoffman and Singleton: one graph of degree 7 and diameter 2 reaches the Moore bound of 50.
def test_slim_fly_of_five_is_the_hoffman_singleton_graph():
    assert nx.is_isomorphic(switch_graph(build("slim-fly", {"q": 5})), nx.hoffman_singleton_graph())


@pytest.mark.parametrize("q", [4, 5, 8, 9])
def test_slim_fly_groups_are_alike_and_their_cut_is_the_one_stated(q):
    fabric = build("slim-fly", {"q": q, "p": 1})
    group = fabric.switch_block
    far = fabric.trunk_class == 2
    pairs = np.zeros((q, q), dtype=int)
    np.add.at(pairs, (group[fabric.trunk_lower[far]], group[fabric.trunk_upper[far]]), 1)
    pairs += pairs.T
    assert (pairs[~np.eye(q, dtype=bool)] == 2 * q).all()
    side = np.arange(2 * q * q) % (2 * q) // q
    one_half = (group < q // 2) | ((group == q // 2) & (side == 0) & bool(q % 2))
    assert one_half.sum() == q * q
    cut = cut_links(fabric, one_half)
    assert cut == q * -(-q * q // 2)
    assert fabric.bisection_bytes_per_s == cut * 50e9


# Lakhotia et al. (SC 2022): 57 switches and 224 links for q = 7, diameter 2.
def test_polarfly_of_seven():
    counts = count(build("polarfly", {"q": 7}))
    assert counts.switches == {"switch": 57}
    assert inner_links(counts) == 224


@pytest.mark.parametrize("q", [2, 3, 4, 5, 7, 8, 9, 11, 16, 25, 27])
def test_polarfly_is_the_erdos_renyi_graph(q):
    fabric = build("polarfly", {"q": q})
    graph, found, counts = switch_graph(fabric), hops(fabric), count(fabric)
    switches = q * q + q + 1
    assert counts.switches == {"switch": switches}
    assert inner_links(counts) == q * (q + 1) ** 2 // 2
    degrees = [size for _, size in graph.degree]
    assert degrees.count(q) == q + 1
    assert degrees.count(q + 1) == q * q
    assert found.diameter == 2
    assert found.mean == pytest.approx(2 - q * (q + 1) ** 2 / (switches * (switches - 1)))
    if q <= 9:
        # no cycle of four: any two switches have at most one common neighbour
        adjacent = nx.to_numpy_array(graph, weight=None).astype(int)
        common = adjacent @ adjacent
        np.fill_diagonal(common, 0)
        assert common.max() == 1


@pytest.mark.parametrize("q", [2, 3, 4, 5, 7, 8, 9])
def test_polarfly_groups_and_their_cut(q):
    fabric = build("polarfly", {"q": q, "p": 1})
    group = fabric.switch_block
    assert np.bincount(group).tolist() == [q + 2, *[q + 1] * (q - 1)]
    # w is the last switch of the first group and goes to the second half
    w = np.flatnonzero(group == 0)[-1]
    one_half = group < q // 2
    if q % 2:
        # (q + 1) / 2 of the middle group's outer switches: whole pairs, and the quadric if odd
        middle = np.flatnonzero(group == q // 2)
        graph = switch_graph(fabric).subgraph(middle[(middle != w)][1:].tolist())
        pairs = [node for edge in graph.edges for node in edge]
        alone = [node for node, size in graph.degree if size == 0]
        odd = (q + 1) // 2 % 2
        one_half[alone[:odd] + pairs[: (q + 1) // 2 - odd]] = True
    one_half[w] = False
    assert abs(2 * int(one_half.sum()) - len(group)) == 1
    cut = cut_links(fabric, one_half)
    assert cut == q * (q * q + (3 if q % 2 else 2)) // 4
    assert fabric.bisection_bytes_per_s == cut * 50e9


# A 4 x 4 x 4 torus: 192 links, diameter 6, mean distance 3.048 and 32.8 % of injection under
# uniform traffic when injection is all of a router's links.
def test_torus_of_four_cubed():
    fabric = build("torus", {"dims": "4,4,4"})
    counts, found = count(fabric), hops(fabric)
    assert inner_links(counts) == 192
    assert found.diameter == 6
    assert found.mean == pytest.approx(3.048, abs=5e-4)
    assert 1 / found.mean == pytest.approx(0.328, abs=5e-4)
    assert fabric.bisection_bytes_per_s == 32 * 50e9


@pytest.mark.parametrize("dimensions", [1, 2, 3, 5])
def test_mesh_of_twos_is_the_hypercube(dimensions):
    fabric = build("mesh", {"dims": [2] * dimensions})
    graph, found = switch_graph(fabric), hops(fabric)
    assert nx.is_isomorphic(graph, nx.hypercube_graph(dimensions))
    assert inner_links(count(fabric)) == dimensions * 2 ** (dimensions - 1)
    assert found.diameter == dimensions
    assert fabric.bisection_bytes_per_s == 2 ** (dimensions - 1) * 50e9
    torus = build("torus", {"dims": [2] * dimensions})
    np.testing.assert_array_equal(torus.trunk_upper, fabric.trunk_upper)


# HammingMesh (SC 2022), table II: a torus of boards of 2 x 2 has no switches, links on boards are
# traces and the rest light: 4 planes of cables at $603 are the 2.5 M$ printed.
def test_torus_of_boards():
    parameters = {"dims": "32,32", "board": "2,2", "routers": "endpoint", "planes": 4}
    fabric = build("torus", parameters | {"endpoint_links": 4})
    counts = count(fabric)
    assert counts.endpoints == 1_024
    assert counts.switches == {}
    assert counts.links["board"] == 4 * 256 * 4
    assert sum(counts.cables.values()) * 603 / 1e6 == pytest.approx(2.5, abs=0.05)


LATTICES = [
    ("torus", {"dims": "5,2,1,6"}), ("torus", {"dims": "3,3"}), ("torus", {"dims": "7"}),
    ("torus", {"dims": "4,6,2", "K": "1,2,1", "p": 3}),
    ("mesh", {"dims": "5,3"}), ("mesh", {"dims": "2,3,4", "K": 2}), ("mesh", {"dims": "9"}),
    ("hyperx", {"dims": "3,4,5", "K": "1,2,3", "p": 2}), ("hyperx", {"dims": "6"}),
    ("hyperx", {"dims": "2,7"}), ("flattened-butterfly", {"k": 4, "n": 3}),
    ("flattened-butterfly", {"k": 3, "n": 4}),
]  # fmt: skip


def reference(kind, parameters):
    """Return networkx's graph of a lattice, and extents and links to a neighbour."""
    if kind == "flattened-butterfly":
        dims = (parameters["k"],) * (parameters["n"] - 1)
        kind, width = "hyperx", (1,) * len(dims)
    else:
        dims = tuple(int(part) for part in parameters["dims"].split(","))
        width = tuple(int(part) for part in str(parameters.get("K", 1)).split(","))
        width = width * len(dims) if len(width) == 1 else width
    line = {"torus": nx.cycle_graph, "mesh": nx.path_graph, "hyperx": nx.complete_graph}[kind]
    graph = nx.empty_graph(1)
    for extent, links in zip(dims, width, strict=True):
        one = line(extent)
        one.remove_edges_from(list(nx.selfloop_edges(one)))
        nx.set_edge_attributes(one, links, "links")
        graph = nx.cartesian_product(graph, one)
    return graph, dims, width


@pytest.mark.parametrize(("kind", "parameters"), LATTICES)
def test_lattice_is_the_product_of_its_lines(kind, parameters):
    fabric = build(kind, parameters)
    expected, _, _ = reference(kind, parameters)
    # both number row-major, so the graphs are equal and not only isomorphic
    names = {node: number for number, node in enumerate(sorted(expected, key=str_key))}
    edges = {
        (frozenset((names[a], names[b])), data["links"]) for a, b, data in expected.edges(data=True)
    }
    mine = switch_graph(fabric).edges(data=True)
    assert {(frozenset((a, b)), data["links"]) for a, b, data in mine} == edges


def str_key(node):
    """Return the coordinates of a product graph's node, which nests pairs, outermost first."""
    flat = []
    while isinstance(node, tuple):
        node, last = node
        flat.append(last)
    return flat[::-1]


@pytest.mark.parametrize(("kind", "parameters"), LATTICES)
def test_lattice_distances_are_the_closed_forms(kind, parameters):
    found = hops(build(kind, parameters))
    graph, dims, _ = reference(kind, parameters)
    switches = math.prod(dims)
    diameter, mean = {
        "torus": (sum(n // 2 for n in dims), sum(n * n // 4 / n for n in dims)),
        "mesh": (sum(n - 1 for n in dims), sum((n * n - 1) / (3 * n) for n in dims)),
    }.get(kind, (sum(n > 1 for n in dims), sum(1 - 1 / n for n in dims)))
    assert found.diameter == diameter == nx.diameter(graph)
    assert found.mean == pytest.approx(mean * switches / (switches - 1))
    assert found.mean == pytest.approx(nx.average_shortest_path_length(graph))


@pytest.mark.parametrize(("kind", "parameters"), LATTICES)
def test_lattice_bisection_is_the_least_cut_across_one_dimension(kind, parameters):
    fabric = build(kind, parameters)
    _, dims, _ = reference(kind, parameters)
    place = np.stack(np.unravel_index(np.arange(math.prod(dims)), dims))
    cuts = [
        cut_links(fabric, place[number] < extent // 2)
        for number, extent in enumerate(dims)
        if extent > 1
    ]
    assert fabric.bisection_bytes_per_s == min(cuts) * 50e9


# Ahn et al. (SC 2009), worked by hand: R sum K (L - 1) / 2 links, least cut over dimensions.
@pytest.mark.parametrize(
    ("dims", "width", "links", "cut"),
    [
        ((8, 8), 1, 64 * 14 // 2, 8 * 16),
        ((4, 6), 2, 24 * 2 * 8 // 2, 6 * 4 * 2),
        ((5, 5, 5), 1, 125 * 12 // 2, 25 * 6),
    ],
)
def test_hyperx_formulas(dims, width, links, cut):
    fabric = build("hyperx", {"dims": dims, "K": width, "p": 2})
    assert inner_links(count(fabric)) == links
    assert fabric.bisection_bytes_per_s == cut * 50e9


# Kim, Dally, Abts (ISCA 2007): a 16-ary 4-flat of 61 ports holds 65,536 nodes; 32-ary 2-flat 1,024.
@pytest.mark.parametrize(("k", "n", "nodes", "ports"), [(16, 4, 65_536, 61), (32, 2, 1_024, 63)])
def test_published_flattened_butterflies(k, n, nodes, ports):
    fabric = build("flattened-butterfly", {"k": k, "n": n})
    assert fabric.num_endpoints == nodes
    assert fabric.tiers[0].num_ports == ports
    assert bisection_fraction(fabric) == pytest.approx(0.5)


@pytest.mark.parametrize("half", [2, 3, 4, 6])
def test_full_dragonfly_plus(half):
    g = half * half + 1
    fabric = build("dragonfly-plus", {"p": half, "a": half, "h": half, "g": g})
    counts = count(fabric)
    assert counts.endpoints == half**4 + half**2
    assert sum(counts.switches.values()) == 2 * half * g
    assert counts.links["leaf-spine"] == half**2 * g
    assert counts.links["global"] == g * half**2 // 2
    assert set(counts.ports_free.values()) <= {0, 1}
    assert hops(fabric).diameter == 3
    # one link between any two groups
    far = fabric.trunk_class == 2
    block = fabric.switch_block
    ends = np.sort([block[fabric.trunk_lower[far]], block[fabric.trunk_upper[far]]], axis=0)
    assert len(np.unique(ends, axis=1).T) == g * (g - 1) // 2 == far.sum()


def test_closed_forms_of_populations_that_do_not_fill_the_switches():
    for kind, parameters in [
        ("slim-fly", {"q": 8, "p": 5, "hosts": 401}),
        ("polarfly", {"q": 9, "p": 4, "hosts": 77}),
        ("hyperx", {"dims": "5,6", "p": 4, "hosts": 61}),
        ("torus", {"dims": "5,3,2", "p": 2, "hosts": 7, "planes": 2}),
        ("torus", {"dims": "8,6", "board": "4,6", "routers": "endpoint", "hosts": 5}),
        ("mesh", {"dims": "5,3", "hosts": 11}),
        ("flattened-butterfly", {"k": 5, "n": 3, "hosts": 99}),
        ("dragonfly-plus", {"p": 3, "a": 4, "h": 3, "g": 6, "hosts": 50}),
        ("dual-tor", {"segments": 5, "pod_segments": 2, "hosts": 4200}),
    ]:
        family = REGISTRY.get(kind)
        fabric = build(kind, parameters)
        counts = count(fabric)
        assert counts.endpoints == parameters["hosts"]
        assert counts.switches | counts.links == family.closed_form(family.Parameters(**parameters))
        assert hops(fabric).connected
