"""A user's own graph: what each format reads, and what is refused, all at once and by line."""

from __future__ import annotations

import csv
import json

import networkx as nx
import numpy as np
import pytest

from netloom import catalog, layout
from netloom.errors import ParameterError, StudyError
from netloom.exchange.graph_file import formats, read_graph
from netloom.schema.study import Layout as FloorRules
from netloom.topology import build, sized
from netloom.topology.counts import count, hops


def as_networkx(fabric):
    graph = nx.Graph()
    graph.add_nodes_from((f"h{e}", {"role": "host"}) for e in range(fabric.num_endpoints))
    for switch, tier in enumerate(fabric.switch_tier):
        name, ports = fabric.tiers[tier].name, fabric.tiers[tier].num_ports
        graph.add_node(f"s{switch}", role=name, radix=ports)
    for kind, low, high, links in zip(
        fabric.trunk_class, fabric.trunk_lower, fabric.trunk_upper, fabric.trunk_links, strict=True
    ):
        lower = f"s{low}" if kind else f"h{low}"
        graph.add_edge(lower, f"s{high}", links=int(links), rate="400 Gb/s")
    return graph


TREE = build("fat-tree", {"hosts": 100, "radix": 16, "tiers": 2})


def test_graphml_as_networkx_writes_it(tmp_path):
    path = tmp_path / "tree.graphml"
    nx.write_graphml(as_networkx(TREE), path)
    fabric = build("graph", {"path": str(path)})
    assert count(fabric) == count(TREE)
    assert hops(fabric) == hops(TREE)
    assert fabric.link_classes[0].link_bytes_per_s == 50e9


@pytest.mark.parametrize("edges", ["links", "edges"])
def test_node_link_json_as_networkx_writes_it(tmp_path, edges):
    path = tmp_path / "tree.json"
    path.write_text(json.dumps(nx.node_link_data(as_networkx(TREE), edges=edges)))
    fabric = build("graph", {"path": str(path)})
    assert count(fabric) == count(TREE)
    assert hops(fabric) == hops(TREE)


def test_flows_of_a_drawn_tree_load_links_as_the_tree_does(tmp_path):
    path = tmp_path / "tree.graphml"
    full = build("fat-tree", {"hosts": 128, "radix": 16, "tiers": 2})
    nx.write_graphml(as_networkx(full), path)
    source = np.arange(128, dtype=np.int32)
    target = np.roll(source, 37)
    for fabric in (build("graph", {"path": str(path)}), full):
        paths = fabric.routing.paths(source, target)
        load = np.bincount(paths.bundle, weights=paths.share)
        seconds = load / fabric.routing.bundles.bytes_per_s[: len(load)]
        assert seconds.max() == pytest.approx(1 / 50e9)
        assert paths.num_hops.max() == 3


def test_defaults_of_graphml_keys_hold_for_nodes_without_their_own(tmp_path):
    path = tmp_path / "defaults.graphml"
    path.write_text(
        '<g:graphml xmlns:g="http://graphml.graphdrawing.org/xmlns">\n'
        '<g:key id="d0" for="node" attr.name="role"><g:default>leaf</g:default></g:key>\n'
        '<g:graph edgedefault="undirected"><g:node id="s"/>\n'
        '<g:node id="a"><g:data key="d0">host</g:data></g:node>\n'
        '<g:edge source="a" target="s"/></g:graph></g:graphml>'
    )
    assert read_graph(path).roles == ("leaf", "endpoint")


@pytest.mark.parametrize("cage_ports", [1, 2])
@pytest.mark.parametrize(("kind", "parameters"), [
    ("fat-tree", {"hosts": 100, "radix": 16, "tiers": 2}),
    ("rail-optimized", {"units": 2, "unit_nodes": 8, "radix": 16, "planes": 2}),
    ("dragonfly", {"p": 2, "a": 4, "h": 2, "g": 5}),
])  # fmt: skip
def test_our_own_cable_list_is_read_back_as_the_same_fabric(tmp_path, kind, parameters, cage_ports):
    fabric = build(kind, parameters | {"cage_ports": cage_ports})
    rate = fabric.link_classes[0].link_bytes_per_s
    cage = layout.Cage(cage_ports, rate, num_lanes=4 * cage_ports, lane_bytes_per_s=rate / 4)
    names = ("dsp-400g-dr4", "dsp-400g-fr4", "dsp-800g-dr8", "dsp-800g-2xfr4")
    placed = layout.plan(
        fabric, FloorRules(), nics_per_node=8, nodes_per_rack=4, node=layout.Box(8, 10e3),
        switches={tier.name: layout.Box(2, 1500.0) for tier in fabric.tiers},
        cages={tier.name: cage for tier in fabric.tiers},
        market=layout.Market(
            tuple(catalog.get("medium", name) for name in names), lambda part: 1000.0, 64.0
        ),
    )  # fmt: skip
    path = tmp_path / "cables.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(layout.CABLE_COLUMNS)
        writer.writerows(layout.cable_rows(fabric, placed))
    again = build("graph", {"path": str(path), "cage_ports": cage_ports})
    one, other = count(fabric), count(again)
    assert other.endpoints == one.endpoints
    assert other.switches == one.switches
    assert sum(other.links.values()) == sum(one.links.values())
    assert other.links["host-" + fabric.tiers[0].name] == next(iter(one.links.values()))
    order = [np.lexsort((f.trunk_upper, f.trunk_lower, f.trunk_class > 0)) for f in (fabric, again)]
    for name in ("trunk_lower", "trunk_upper", "trunk_links"):
        mine, read = (getattr(f, name)[o] for f, o in zip((fabric, again), order, strict=True))
        np.testing.assert_array_equal(mine, read, err_msg=name)


ROWS = """a_device,a_port,b_device,b_port,length_m
node0001,nic1,leaf0001,1,3
node0001,nic2,leaf0002,1,3
node0002,nic1,leaf0001,2,3
node0002,nic2,leaf0002,2,3
leaf0001,3,spine0001,1,5
leaf0001,4,spine0001,2,5
leaf0002,3,spine0001,3,5
"""


def test_cable_csv_names_endpoints_by_nic_and_switches_by_name(tmp_path):
    path = tmp_path / "cables.csv"
    path.write_text(ROWS)
    fabric = build("graph", {"path": str(path)})
    counts = count(fabric)
    assert counts.endpoints == 4
    assert counts.switches == {"leaf": 2, "spine": 1}
    assert counts.links == {"host-leaf": 4, "leaf-spine": 3}
    # two cables between the same switches are one trunk of two links
    assert sorted(fabric.trunk_links[fabric.trunk_class == 1].tolist()) == [1, 2]
    # node0001:nic1 and node0001:nic2 are endpoints 0 and 1
    assert fabric.trunk_upper[fabric.trunk_class == 0].tolist() == [0, 1, 0, 1]


def test_cages_of_a_cable_csv_carry_all_their_links(tmp_path):
    path = tmp_path / "cables.csv"
    path.write_text(
        "a_device,a_port,b_device,b_port\n"
        "node1,nic1,leaf1,1/1\nnode2,nic1,leaf1,1/2\nleaf1,2,spine1,1\nnode3,nic1,leaf2,1/1\n"
        "leaf2,2,spine1,2\n"
    )
    fabric = build("graph", {"path": str(path), "cage_ports": 2})
    assert count(fabric).links == {"host-leaf": 3, "leaf-spine": 4}
    assert count(fabric).cables == {"host-leaf": 2, "leaf-spine": 2}


def refused(path, text, **options):
    path.write_text(text)
    with pytest.raises(StudyError) as refusal:
        read_graph(path, **options)
    assert all(str(path) == problem.file for problem in refusal.value.problems)
    return [(problem.line, problem.message) for problem in refusal.value.problems]


def test_all_problems_of_a_json_graph_are_said_at_once(tmp_path):
    text = """{"nodes": [
 {"id": "a", "role": "host"},
 {"id": "b", "role": "host"},
 {"id": "b", "role": "host"},
 {"id": "s", "role": "leaf", "radix": 1},
 {"id": "t"},
 {"id": "u", "role": "leaf", "radix": "x"},
 {"role": "leaf"}
],
"links": [
 {"source": "a", "target": "s", "links": 2},
 {"source": "s", "target": "x", "rate": "400G"},
 {"source": "s"},
 {"source": "u", "target": "u"}
]}"""
    problems = refused(tmp_path / "bad.json", text)
    assert [line for line, _ in problems] == [3, 4, 5, 6, 7, 8, 12, 12, 13, 14]
    messages = "\n".join(message for _, message in problems)
    for words in (
        "endpoint 'b' has no link", "'b' is there twice, first on line 3",
        "'s' has more links than ports: 2 on 1", "'t' lacks a role", "radix of 'u' is 'x'",
        "lacks its id", "'400G'", "unknown node 'x'", "lacks an end", "joins 'u' to itself",
    ):  # fmt: skip
        assert words in messages


def test_lines_of_a_graphml_are_those_of_its_elements(tmp_path):
    text = (
        '<graphml>\n<key id="r" for="node" attr.name="role"/>\n<graph>\n'
        '<node id="a"><data key="r">host</data></node>\n'
        '<node id="b"><data key="r">host</data></node>\n'
        '<node id="s"><data key="r">leaf</data></node>\n'
        '<edge source="a" target="s"/>\n<edge source="a" target="c"/>\n'
        '<edge source="a" target="b"/>\n</graph>\n</graphml>'
    )
    assert refused(tmp_path / "bad.graphml", text) == [
        (8, "a link names unknown node 'c'"),
        (9, "a link joins endpoints 'a' and 'b' without a switch"),
    ]


def test_a_port_is_used_once_and_no_switch_is_over_its_radix(tmp_path):
    text = ROWS + "node0003,nic1,leaf0001,2,3\nnode0003,,leaf0001,5,3\n"
    problems = refused(tmp_path / "cables.csv", text, radix=4)
    assert (9, "port 2 of leaf0001 is used twice, first on line 4") in problems
    assert (10, "a cable lacks a_port") in problems
    assert (2, "switch 'leaf0001' has more links than ports: 5 on 4") in problems


@pytest.mark.parametrize(
    ("name", "text", "line", "words"),
    [
        ("a.json", '{"nodes": [\n {"id": 3,}\n]}', 2, "is no JSON"),
        ("a.json", '{"nodes": []}', 0, "lacks 'links'"),
        ("a.json", "[1, 2]", 1, "is no JSON: expecting '{'"),
        ("a.graphml", '<graphml>\n<node id="a">\n</graphml>', 3, "is no XML"),
        ("a.csv", "a_device,a_port,b_device\nx,1,y\n", 1, "lacks the columns b_port"),
        ("a.csv", "a_device,a_port,b_device,b_port\nleaf1,1,leaf2,1\n", 0, "has no endpoints"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_says_where(tmp_path, name, text, line, words):
    problems = refused(tmp_path / name, text)
    assert any(found == line and words in message for found, message in problems)


def test_endpoints_hang_on_one_tier_at_one_rate(tmp_path):
    text = (
        '{"nodes": [{"id": 1, "role": "host"}, {"id": 2, "role": "host"},'
        '{"id": 3, "role": "leaf"}, {"id": 4, "role": "spine"}],'
        '"links": [{"source": 1, "target": 3, "rate": "400 Gb/s"}, {"source": 2, "target": 4}]}'
    )
    messages = [message for _, message in refused(tmp_path / "two.json", text)]
    assert messages == [
        "endpoints hang on switches of several tiers: leaf, spine",
        "links of endpoints have several rates: none, 400 Gb/s",
    ]


def test_an_unknown_format_or_file_is_refused_with_what_is_known(tmp_path):
    with pytest.raises(ParameterError, match=r"use \.csv, \.graphml, \.json, \.xml"):
        read_graph("fabric.dot")
    with pytest.raises(ParameterError, match="cannot read graph"):
        read_graph(tmp_path / "none.csv")
    assert formats()[".json"] == "node-link"


def test_a_graph_must_have_the_endpoints_of_the_cluster(tmp_path):
    path = tmp_path / "cables.csv"
    path.write_text(ROWS)
    cluster = {"nics_per_node": 2, "num_ports": 8, "link_bytes_per_s": 50e9}
    given = {"path": str(path)}
    assert build("graph", sized("graph", hosts=4, **cluster, given=given)).num_endpoints == 4
    with pytest.raises(ParameterError, match="4 endpoints, the cluster has 6 NICs"):
        sized("graph", hosts=6, **cluster, given=given)
    with pytest.raises(StudyError, match="more links than ports: 4 on 3"):
        sized("graph", hosts=4, **cluster | {"num_ports": 3}, given=given)
    with pytest.raises(ParameterError, match="needs parameter 'path'"):
        sized("graph", hosts=4, **cluster)
