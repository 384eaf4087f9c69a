"""Every export format: what is written, read back, is the same network and the same traffic."""

from __future__ import annotations

import csv
import io
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

import networkx as nx
import pytest

from netloom import layout
from netloom.errors import ParameterError
from netloom.exchange.flows import Flows, read_flows
from netloom.exchange.patterns import pattern
from netloom.exchange.writers import REGISTRY, Scenario, write_format
from netloom.exchange.writers.simgrid import MOST_ROUTES
from netloom.simulate.link_ends import crossed, link_ends
from netloom.simulate.route_file import routes_from_file
from netloom.simulate.routes import routes
from netloom.survey import Request, survey
from netloom.topology import build

FABRICS = {
    "tree": ("fat-tree", {"hosts": 16, "radix": 4, "tiers": 3}),
    "parallel": ("fat-tree", {"hosts": 24, "radix": 8, "tiers": 2, "taper": "3:1"}),
    "slow": ("fat-tree", {"hosts": 16, "radix": 8, "tiers": 2, "link_bytes_per_s": 1e9 / 3}),
    "uneven": ("fat-tree", {"hosts": 10, "radix": 4, "tiers": 3}),
    "rails": ("rail-optimized", {"units": 2, "unit_nodes": 4, "radix": 8, "rails": 4}),
    "planes": ("fat-tree", {"hosts": 16, "radix": 8, "tiers": 2, "planes": 2}),
    "dragonfly": ("dragonfly", {"p": 2, "a": 4, "h": 2, "g": 9}),
    "mesh": ("hammingmesh", {"board": "2,2", "grid": "2,2", "radix": 16}),
    "circuits": ("ocs-torus", {"cubes": 2}),
}

#: What a format cannot express; all else it must write.
REFUSED = {
    "hpcc": {"circuits"},
    "simai": {"circuits"},
    "simgrid": {"circuits"},
    "htsim": {"slow", "uneven", "planes", "dragonfly", "mesh", "circuits"},
    "forwarding": {"uneven", "circuits"},
    "node-link": set(),
    "dot": set(),
}


@dataclass
class Seen:
    """What a file says: endpoints are labelled by number, switches by tier where that is held."""

    graph: nx.Graph
    flows: list[tuple[int, int, int, float]] | None = None
    has_tiers: bool = True
    num_links: int | None = None


def scenario(name: str, kind: str = "permutation") -> Scenario:
    fabric = build(*FABRICS[name])
    flows = pattern(kind, fabric.num_endpoints, 64_000_000)
    flows = Flows.of(flows.source, flows.target, flows.size_bytes, 1e-6 * (flows.source % 3))
    return Scenario(fabric, flows, nics_per_node=4)


def expected(made: Scenario) -> nx.Graph:
    graph, fabric = nx.Graph(), made.fabric
    graph.add_nodes_from((("e", e), {"label": e}) for e in range(fabric.num_endpoints))
    graph.add_nodes_from(
        (("s", s), {"label": fabric.tiers[t].name}) for s, t in enumerate(fabric.switch_tier)
    )
    for kind, low, high, links in zip(
        fabric.trunk_class, fabric.trunk_lower, fabric.trunk_upper, fabric.trunk_links, strict=True
    ):
        each = fabric.link_classes[kind]
        ends = ("e" if each.lower < 0 else "s", int(low)), ("s", int(high))
        join(graph, *ends, links * each.link_bytes_per_s)
    return graph


def join(graph, one, other, bytes_per_s):
    """Add a link; parallel links are one edge of the summed rate."""
    if graph.has_edge(one, other):
        bytes_per_s += graph.edges[one, other]["bytes_per_s"]
    graph.add_edge(one, other, bytes_per_s=bytes_per_s)


def by_name(made: Scenario, nodes, edges) -> nx.Graph:
    """Return a graph from ``(name, role)`` and ``(name, name, bytes/s)``; check the names."""
    graph = nx.Graph()
    number = {name: place for place, name in enumerate(made.endpoint_names)}
    nodes = list(nodes)
    assert {name for name, _ in nodes} == {*made.endpoint_names, *made.switch_names}
    graph.add_nodes_from((name, {"label": number.get(name, role)}) for name, role in nodes)
    for one, other, rate in edges:
        join(graph, one, other, rate)
    return graph


def plain(made: Scenario, files, tmp_path):
    path = tmp_path / "flows.csv"
    path.write_text(files["flows.csv"])
    return listed(read_flows(path, made.fabric.num_endpoints, made.endpoint_names))


def listed(flows: Flows):
    columns = (flows.source, flows.target, flows.size_bytes, flows.start_s)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def read_htsim(made, files, tmp_path):
    """Build the network from its numbers as htsim's fat_tree_topology.cpp does."""
    head, *tiers = re.split(r"^Tier \d$", files["fabric.topo"], flags=re.M)
    nodes, levels, podsize = (
        int(re.search(rf"{key} (\d+)", head)[1]) for key in ("Nodes", "Tiers", "Podsize")
    )
    rows = [dict(re.findall(r"^(\w+) (\d+)$", tier, flags=re.M)) for tier in tiers]
    values = [{key: int(value) for key, value in row.items()} for row in rows]
    assert len(values) == levels
    tor, agg, *core = values
    order = list(range(nodes))
    if "endpoints.csv" in files:
        order = [
            int(row["endpoint"]) for row in csv.DictReader(io.StringIO(files["endpoints.csv"]))
        ]
    pods, tor_over = nodes // podsize, tor.get("Oversubscribed", 1)
    tors_per_pod = podsize // tor["Radix_Down"]
    aggs_per_pod = nodes // tor_over // (pods * agg["Radix_Down"])
    assert aggs_per_pod * agg.get("Bundle", 1) == tor["Radix_Up"]
    assert tor["Radix_Down"] // tor["Radix_Up"] == tor_over
    rate = tor["Downlink_speed_Gbps"] * 1e9 / 8
    names = [tier.name for tier in made.fabric.tiers]
    graph = nx.Graph()
    graph.add_nodes_from((("e", e), {"label": e}) for e in order)
    for leaf in range(pods * tors_per_pod):
        graph.add_node(("t", leaf), label=names[0])
        for port in range(tor["Radix_Down"]):
            join(graph, ("e", order[leaf * tor["Radix_Down"] + port]), ("t", leaf), rate)
        for place in range(aggs_per_pod):
            spine = leaf // tors_per_pod * aggs_per_pod + place
            graph.add_node(("a", spine), label=names[1])
            join(graph, ("t", leaf), ("a", spine), rate * agg.get("Bundle", 1))
    for spine in range(pods * aggs_per_pod) if core else ():
        bundle = core[0].get("Bundle", 1)
        for link in range(agg["Radix_Up"] // bundle):
            top = spine % aggs_per_pod + aggs_per_pod * link
            graph.add_node(("c", top), label=names[2])
            join(graph, ("a", spine), ("c", top), rate * bundle)
    found = re.findall(r"^(\d+)->(\d+) id \d+ start (\d+) size (\d+)$", files["flows.cm"], re.M)
    assert f"Nodes {nodes}\nConnections {len(found)}\n" in files["flows.cm"]
    flows = [
        (order[int(a)], order[int(b)], int(size), int(start) / 1e12) for a, b, start, size in found
    ]
    links = nodes + pods * tors_per_pod * tor["Radix_Up"]
    links += pods * aggs_per_pod * agg["Radix_Up"] if core else 0
    return Seen(graph, sorted(flows), num_links=links)


def read_ns3(made, lines, num_nodes):
    first = made.fabric.num_endpoints
    switches = [int(word) for word in lines[1].split()]
    graph = nx.Graph()
    graph.add_nodes_from((node, {"label": node}) for node in range(first))
    graph.add_nodes_from((node, {"label": None}) for node in switches)
    assert graph.number_of_nodes() == num_nodes
    for line in lines[2:]:
        one, other, rate, delay, error = line.split()
        assert (delay, error) == ("500ns", "0")
        assert not graph.has_edge(int(one), int(other))
        join(graph, int(one), int(other), int(rate.removesuffix("bps")) / 8)
    return Seen(graph, has_tiers=False)


def read_hpcc(made, files, tmp_path):
    lines = files["topology.txt"].splitlines()
    nodes, switches, links = map(int, lines[0].split())
    assert (switches, links) == (made.fabric.num_switches, len(lines) - 2)
    seen = read_ns3(made, lines, nodes)
    count, *rows = files["flow.txt"].splitlines()
    assert int(count) == len(rows)
    fields = [row.split() for row in rows]
    assert [float(row[5]) for row in fields] == sorted(float(row[5]) for row in fields)
    assert len({(row[1], row[3]) for row in fields}) == len(rows)  # a port for each flow
    seen.flows = sorted((int(a), int(b), int(n), float(t)) for a, b, _, _, n, t in fields)
    return seen


def read_simai(made, files, tmp_path):
    lines = files["topology.txt"].splitlines()
    nodes, per_server, scale_up, switches, links, kind = lines[0].split()
    assert (per_server, scale_up, kind) == ("4", "0", "NONE")
    assert (int(switches), int(links)) == (made.fabric.num_switches, len(lines) - 2)
    seen = read_ns3(made, lines, int(nodes))
    seen.flows = plain(made, files, tmp_path)
    return seen


def read_simgrid(made, files, tmp_path):
    zone = ElementTree.fromstring(files["platform.xml"]).find("zone")
    nodes = [(each.get("id"), None) for tag in ("host", "router") for each in zone.findall(tag)]
    edges = []
    for link in zone.findall("link"):
        assert link.get("sharing_policy") == "SPLITDUPLEX"
        assert link.get("latency") == "5e-07s"
        low, high, _ = link.get("id").split("--")
        edges.append((low, high, float(link.get("bandwidth").removesuffix("Bps"))))
    for route in zone.findall("route"):
        here = route.get("src")
        for step in route.findall("link_ctn"):
            ends = step.get("id").split("--")[:2]
            start, end = ends if step.get("direction") == "UP" else ends[::-1]
            assert start == here
            here = end
        assert here == route.get("dst")
    flows = plain(made, files, tmp_path)
    pairs = {(route.get("src"), route.get("dst")) for route in zone.findall("route")}
    names = made.endpoint_names
    assert pairs == {pair for a, b, *_ in flows
                     for pair in [(names[a], names[b]), (names[b], names[a])]}  # fmt: skip
    return Seen(by_name(made, nodes, edges), flows, has_tiers=False, num_links=len(edges))


def read_node_link(made, files, tmp_path):
    path = tmp_path / "fabric.json"
    path.write_text(files["fabric.json"])
    fabric = build("graph", {"path": str(path)})
    back = Scenario(fabric, made.flows, made.nics_per_node)
    ports = {tier.name: tier.num_ports for tier in fabric.tiers}
    assert ports == {tier.name: tier.num_ports for tier in made.fabric.tiers}
    links = int(fabric.trunk_links.sum())
    return Seen(expected(back), plain(made, files, tmp_path), num_links=links)


def read_dot(made, files, tmp_path):
    text = files["fabric.dot"]
    nodes = re.findall(r'^ *"([^"]+)" \[role="([^"]+)"', text, flags=re.M)
    edges = re.findall(r'"(\S+)" -- "(\S+)" .* links=(\d+) bytes_per_s="([^"]+)"', text)
    summed = [(low, high, int(links) * float(rate)) for low, high, links, rate in edges]
    total = sum(int(links) for _, _, links, _ in edges)
    return Seen(by_name(made, nodes, summed), plain(made, files, tmp_path), num_links=total)


def read_forwarding(made, files, tmp_path):
    """The table holds routes alone: they must be the fabric's own."""
    path = tmp_path / "forwarding.csv"
    path.write_text(files["forwarding.csv"])
    ends, fabric = link_ends(made.fabric), made.fabric
    source, target = made.flows.source, made.flows.target
    back = routes_from_file(path, fabric, source, target, nics_per_node=4)
    own = crossed(fabric, ends, routes(fabric, source, target, "static"))
    assert back.paths.bundle.tolist() == own.tolist()
    return Seen(expected(made), plain(made, files, tmp_path))


READERS = {
    "dot": read_dot, "forwarding": read_forwarding, "hpcc": read_hpcc, "htsim": read_htsim,
    "node-link": read_node_link, "simai": read_simai, "simgrid": read_simgrid,
}  # fmt: skip


def test_every_format_has_a_reader_here():
    assert set(REGISTRY.names()) == set(READERS) == set(REFUSED)


@pytest.mark.parametrize("name", FABRICS)
@pytest.mark.parametrize("kind", READERS)
def test_what_is_written_reads_back_the_same(kind, name, tmp_path):
    made = scenario(name)
    if name in REFUSED[kind]:
        with pytest.raises(ParameterError) as refused:
            write_format(kind, made)
        assert refused.value.problem.hint
        return
    written = write_format(kind, made)
    assert any("prices" in loss for loss in written.lost)
    seen = READERS[kind](made, written.files, tmp_path)
    whole = expected(made)
    assert len(seen.graph) == len(whole)
    assert seen.num_links in (None, made.fabric.trunk_links.sum())
    assert nx.is_isomorphic(
        seen.graph, whole,
        node_match=lambda a, b: a["label"] == b["label"]
        or (not seen.has_tiers and isinstance(b["label"], str) and a["label"] is None),
        edge_match=lambda a, b: a["bytes_per_s"] == pytest.approx(b["bytes_per_s"], rel=1e-9),
    )  # fmt: skip
    assert seen.flows == [pytest.approx(flow, rel=1e-9) for flow in listed(made.flows)]


@pytest.mark.parametrize(
    ("kind", "name", "loss"),
    [
        ("hpcc", "parallel", "4 groups of them became one link each"),
        ("hpcc", "mesh", "are routers inside endpoints"),
        ("htsim", "rails", "order of endpoints"),
        ("simai", "tree", "flows: SimAI makes its own"),
        ("simgrid", "tree", "no flow"),
        ("node-link", "circuits", "join ports by light"),
        ("dot", "planes", "latency"),
    ],
)
def test_what_a_format_cannot_hold_is_said(kind, name, loss):
    assert any(loss in each for each in write_format(kind, scenario(name)).lost)


@pytest.mark.parametrize("kind", ["hpcc", "simai", "simgrid"])
def test_a_latency_of_switches_is_lost_and_said(kind):
    tree = scenario("tree")
    slow = Scenario(tree.fabric, tree.flows, 4, switch_latency_s=100e-9)
    assert "the latency of switches" in write_format(kind, slow).lost
    assert "the latency of switches" not in write_format(kind, tree).lost


def test_htsim_holds_latencies_in_whole_nanoseconds():
    tree = scenario("tree")
    text = write_format("htsim", Scenario(tree.fabric, tree.flows, 4, 2e-6, 90e-9)).files
    assert text["fabric.topo"].count("Downlink_Latency_ns 2000") == 3
    assert text["fabric.topo"].count("Switch_Latency_ns 90") == 3
    for link_s, switch_s in [(0.0, 0.0), (1.5e-9, 0.0), (1e-9, 0.5e-9)]:
        with pytest.raises(ParameterError, match="whole nanoseconds"):
            write_format("htsim", Scenario(tree.fabric, tree.flows, 4, link_s, switch_s))


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"hosts": 10, "radix": 4, "tiers": 3}, "1 to 2"),
        ({"hosts": 16, "radix": 8, "tiers": 2, "planes": 2}, "2 to 2 links"),
        ({"hosts": 40, "radix": 8, "tiers": 2, "taper": "5:3"}, "5 links down and 3 up"),
    ],
)
def test_htsim_says_what_it_cannot_express(parameters, why):
    made = Scenario(build("fat-tree", parameters), Flows.of([], [], 0))
    with pytest.raises(ParameterError, match=why):
        write_format("htsim", made)


def test_sizes_that_a_format_cannot_hold_are_refused():
    tree = build("fat-tree", {"hosts": 16, "radix": 4, "tiers": 3})
    for kind, most in (("htsim", 2**31 - 1), ("hpcc", 2**32 - 1)):
        assert str(most) in str(write_format(kind, Scenario(tree, Flows.of([0], [1], most))).files)
        with pytest.raises(ParameterError, match="at most"):
            write_format(kind, Scenario(tree, Flows.of([0], [1], most + 1)))


def test_starts_between_htsims_floats_are_said():
    tree = build("fat-tree", {"hosts": 16, "radix": 4, "tiers": 3})
    exact, rounded = (
        write_format("htsim", Scenario(tree, Flows.of([0], [1], 1, start))).lost
        for start in (2.0**24 * 1e-12, (2.0**24 + 1) * 1e-12)
    )
    assert not any("32-bit" in loss for loss in exact)
    assert any("starts of 1 flows" in loss for loss in rounded)


def test_simgrid_routes_all_pairs_without_flows_and_refuses_too_many():
    small = Scenario(build(*FABRICS["tree"]), Flows.of([], [], 0))
    text = write_format("simgrid", small).files["platform.xml"]
    assert text.count("<route ") == 16 * 15
    large = Scenario(build("fat-tree", {"hosts": 1024, "radix": 16, "tiers": 3}), small.flows)
    assert MOST_ROUTES < 1024 * 1023
    with pytest.raises(ParameterError, match="1,047,552 routes"):
        write_format("simgrid", large)
    ring = Scenario(large.fabric, pattern("ring", 1024, 1))
    assert write_format("simgrid", ring).files["platform.xml"].count("<route ") == 2048


def test_an_unknown_format_lists_the_known_ones():
    with pytest.raises(ParameterError) as refused:
        write_format("htsin", scenario("tree"))
    assert refused.value.problem.hint.startswith("did you mean htsim? Known: dot, forwarding, hpcc")


def test_names_are_those_of_the_cable_schedule():
    kind, parameters = FABRICS["rails"]
    found = survey(Request(kind=kind, parameters={**parameters, "cage_ports": 1}))
    made = Scenario(found.fabric, Flows.of([], [], 0), nics_per_node=4)
    named = set()
    for row in layout.cable_rows(found.fabric, found.layout):
        for device, port in (row[4:6], row[8:10]):
            named.add(f"{device}:{port}" if device.startswith("node") else device)
    assert named == {*made.endpoint_names, *made.switch_names}
