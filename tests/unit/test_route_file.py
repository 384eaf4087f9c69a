"""Forwarding tables: the built-in static routes read back as such, and every mistake is named."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from netloom.errors import ParameterError, StudyError
from netloom.exchange.patterns import pattern
from netloom.kernels.loads import bundle_loads
from netloom.simulate.flows import run
from netloom.simulate.forwarding import MOST_ENDPOINTS, forwarding_csv
from netloom.simulate.link_ends import crossed, link_ends
from netloom.simulate.route_file import routes_from_file
from netloom.simulate.routes import routes
from netloom.topology import build
from netloom.topology.names import switch_names

SMALL = build("fat-tree", {"hosts": 8, "radix": 4, "tiers": 2})
#: Leaves 1-4 with two hosts each, one link to each of two spines.
GOOD = """switch,destination,next
leaf0001,0-1,destination
leaf0002,2-3,destination
leaf0003,4-5,destination
leaf0004,6-7,destination
leaf0001,*,spine0001
leaf0002,*,spine0002
2,*,spine0001
leaf0004,*,5
spine0001,0-1,leaf0001
spine0001,2-3,leaf0002
spine0001,4-5,leaf0003
spine0001,6-7,leaf0004
spine0002,0-1,leaf0001
spine0002,2-3,leaf0002
spine0002,4-5,leaf0003
spine0002,6-7,leaf0004
"""


def all_pairs(fabric):
    count = fabric.num_endpoints
    return np.repeat(np.arange(count), count), np.tile(np.arange(count), count)


def read(tmp_path, text, fabric=SMALL, ends=None, nics_per_node=2):
    path = tmp_path / "routes.csv"
    path.write_text(text)
    source, target = all_pairs(fabric) if ends is None else ends
    return routes_from_file(path, fabric, source, target, nics_per_node=nics_per_node)


def refused(tmp_path, text, fabric=SMALL, **given):
    with pytest.raises(StudyError) as error:
        read(tmp_path, text, fabric, **given)
    return [(problem.line, problem.message) for problem in error.value.problems]


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("fat-tree", {"hosts": 128, "radix": 8, "tiers": 3}),
        ("fat-tree", {"hosts": 128, "radix": 32, "tiers": 2}),  # parallel links
        ("fat-tree", {"hosts": 32, "radix": 8, "tiers": 2, "planes": 2}),
        ("rail-optimized", {"units": 2, "unit_nodes": 4, "radix": 8, "rails": 4}),
        ("rail-optimized", {"units": 2, "unit_nodes": 4, "radix": 16, "rails": 4}),
        ("dragonfly", {"p": 2, "a": 4, "h": 2, "g": 9}),
        ("dragonfly", {"p": 2, "a": 4, "h": 2, "g": 5}),
        ("slim-fly", {"q": 5}),
        ("hyperx", {"dims": "4,4"}),
    ],
)
def test_the_written_table_loads_links_as_the_static_routes_do(tmp_path, kind, parameters):
    fabric = build(kind, parameters)
    back = read(tmp_path, forwarding_csv(fabric, 2), fabric)
    source, target = all_pairs(fabric)
    own = routes(fabric, source, target, "static")
    link = crossed(fabric, link_ends(fabric), own)
    assert back.paths.bundle.tolist() == link.tolist()
    assert back.paths.indptr.tolist() == own.paths.indptr.tolist()
    assert back.paths.num_hops.tolist() == own.paths.num_hops.tolist()
    size_bytes = np.random.default_rng(1).random(len(source))
    loads = [bundle_loads(each.arrays, size_bytes, len(each.bytes_per_s)) for each in (own, back)]
    busy = [np.sort(load / rate.bytes_per_s)[::-1] for load, rate in zip(loads, (own, back),
                                                                       strict=True)]  # fmt: skip
    used = int((busy[0] > 0).sum())
    np.testing.assert_allclose(busy[1][:used], busy[0][:used])
    assert not busy[1][used:].any()


def test_flows_on_a_read_table_end_when_another_simulator_says(tmp_path):
    # SimGrid 4.1, static D-mod-k routes: 128 hosts, 8 leaves, 8 spines, two links a pair
    fabric = build("fat-tree", {"hosts": 128, "radix": 32, "tiers": 2, "link_bytes_per_s": 50e9})
    flows = pattern("permutation", 128, 64_000_000, 42)
    back = read(tmp_path, forwarding_csv(fabric), fabric, (flows.source, flows.target), 1)
    times = run(back, flows.size_bytes.astype(float), link_latency_s=500e-9)
    assert round(times.makespan_s * 1e6) == 3842


@pytest.mark.parametrize("seed", [1, 2])
def test_a_table_of_shortest_paths_is_followed_as_networkx_finds_them(tmp_path, seed):
    fabric = build(
        "jellyfish", {"switches": 20, "radix": 6, "degree": 4, "hosts": 40, "seed": seed}
    )
    graph, names = nx.Graph(), switch_names(fabric)
    inner = fabric.trunk_class > 0
    graph.add_edges_from(zip(fabric.trunk_lower[inner].tolist(),
                             fabric.trunk_upper[inner].tolist(), strict=True))  # fmt: skip
    home = dict(zip(fabric.trunk_lower[~inner].tolist(), fabric.trunk_upper[~inner].tolist(),
                    strict=True))  # fmt: skip
    after = {
        end: {path[-1]: path[-2] for path in nx.single_source_shortest_path(graph, end).values()
              if len(path) > 1}
        for end in set(home.values())
    }  # fmt: skip
    rows = ["switch,destination,next"]
    rows += [f"{names[switch]},{host},destination" for host, switch in home.items()]
    rows += [f"{switch},{host},{names[step]}" for host, end in home.items()
             for switch, step in after[end].items()]  # fmt: skip
    back = read(tmp_path, "\n".join(rows), fabric)
    ends = link_ends(fabric)
    source, target = all_pairs(fabric)
    for flow in range(0, len(source), 7):
        here, steps = home[source[flow]], []
        while source[flow] != target[flow] and here != home[target[flow]]:
            steps.append((here, after[home[target[flow]]][here]))
            here = steps[-1][1]
        crossed_links = back.paths.bundle[back.paths.indptr[flow] : back.paths.indptr[flow + 1]]
        got = list(zip(ends.tail[crossed_links].tolist(), ends.head[crossed_links].tolist(),
                       strict=True))  # fmt: skip
        if source[flow] == target[flow]:
            assert got == []
        else:
            assert got[1:-1] == steps
            assert got[0][0] - fabric.num_switches == source[flow]
            assert got[-1][1] - fabric.num_switches == target[flow]


def test_a_table_by_hand(tmp_path):
    back = read(tmp_path, GOOD)
    loads = bundle_loads(back.arrays, np.ones(64), len(back.bytes_per_s))
    ends = link_ends(SMALL)
    # leaves 1 and 3 send their 2 x 6 flows by the first spine, 2 and 4 by the second
    for leaf, spine, flows in ((0, 4, 12), (1, 5, 12), (2, 4, 12), (3, 5, 12), (0, 5, 0)):
        assert loads[ends.between(leaf, spine)].tolist() == [flows]
    # each spine brings the flows of two leaves down, but for the target's own
    for spine, leaf, flows in ((4, 0, 4), (5, 0, 8), (4, 1, 8), (5, 1, 4)):
        assert loads[ends.between(spine, leaf)].tolist() == [flows]
    assert loads[ends.between(6, 0)].tolist() == [7]


def test_rows_with_a_link_spread_sources_over_them(tmp_path):
    fabric = build("fat-tree", {"hosts": 8, "radix": 8, "tiers": 2})  # four links a leaf
    start = "switch,destination,next,link\n0,0-3,destination,\n1,4-7,destination,\n1,*,2,\n"
    ends = link_ends(fabric)
    for rows, used in (
        ("0,*,2,2\n0,*,2,4\n", [0, 8, 0, 8]),
        ("0,4-7,2,1\n0,4-7,2,2\n", [8, 8, 0, 0]),
        ("0,*,2,3\n", [0, 0, 16, 0]),
        ("0,*,2,\n", [4, 4, 4, 4]),
    ):
        back = read(tmp_path, start + rows + "2,0-3,0,\n2,4-7,1,\n", fabric)
        loads = bundle_loads(back.arrays, np.ones(64), len(back.bytes_per_s))
        assert loads[ends.between(0, 2)].tolist() == used


def test_every_wrong_row_is_reported_with_its_line(tmp_path):
    text = GOOD + (
        "leaf0009,0,spine0001\n"
        "leaf0001,8,spine0001\n"
        "leaf0001,5-3,spine0001\n"
        "leaf0001,2,leaf0002\n"
        "leaf0001,2,destination\n"
        "spine0001,2,destination\n"
        "leaf0001,0,spine0001\n"
        "spine0001,1-2,leaf0001\n"
        "leaf0002,*,spine0001\n"
        "leaf0003,6,node0001:nic1\n"
        "leaf0001,6,7\n"
        "leaf0004,0\n"
    )
    assert refused(tmp_path, text) == [
        (18, "switch 'leaf0009' is no switch"),
        (19, "destination '8' is no endpoint and no range of them"),
        (20, "destination '5-3' is no endpoint and no range of them"),
        (21, "next 'leaf0002' is no neighbour of leaf0001"),
        (22, "leaf0001 has no link to endpoint 2"),
        (23, "spine0001 has no link to endpoint 2"),
        (24, "leaf0001 has a second row for destination 0, the first is on line 2 and leads to "
             "node0001:nic1"),
        (25, "spine0001 has a second row for destination 1, the first is on line 10"),
        (25, "spine0001 has a second row for destination 2, the first is on line 11 and leads to "
             "leaf0002"),
        (26, "leaf0002 has a second row for '*', the first is on line 7 and leads to spine0002"),
        (27, "node0001:nic1 is endpoint 0, which passes nothing on"),
        (28, "next '7' is no switch"),
        (29, "has 2 fields, 3 are meant"),
    ]  # fmt: skip


def test_hints_name_what_to_write(tmp_path):
    path = tmp_path / "routes.csv"
    path.write_text(
        "switch,destination,next,link\nleef0001,0,1,\nleaf0001,2,leaf0002,\n"
        "leaf0001,2,spine0001,2\nleaf0001,2,destination,\n"
    )
    with pytest.raises(StudyError) as error:
        routes_from_file(path, SMALL, np.array([0]), np.array([2]))
    hints = [problem.hint for problem in error.value.problems]
    assert hints[0].startswith("did you mean leaf0001")
    assert hints[1] == "its neighbours are spine0001, spine0002"
    assert hints[2] == "there is one: leave link out"
    assert hints[3] == "it has links to 0-1"


def test_columns_and_files_are_checked(tmp_path):
    assert refused(tmp_path, "switch,dest,next\n") == [
        (1, "lacks the columns destination"), (1, "there is no column 'dest'"),
    ]  # fmt: skip
    with pytest.raises(ParameterError, match="cannot read"):
        routes_from_file(tmp_path / "none.csv", SMALL, np.array([0]), np.array([1]))


def test_missing_rows_are_named_with_all_their_endpoints(tmp_path):
    lines = [line for line in GOOD.splitlines()
             if not line.startswith(("leaf0001,*", "spine0002,0-1", "spine0002,4-5"))]  # fmt: skip
    found = dict(message[::-1] for message in refused(tmp_path, "\n".join(lines)))
    assert found == {
        "leaf0001 has no row for endpoints 2-7": 2,
        "spine0002 has no row for endpoints 0-1, 4-5": 14,
    }
    # flows that need no missing row are routed
    back = read(tmp_path, "\n".join(lines), ends=(np.array([4]), np.array([7])))
    assert back.paths.num_hops.tolist() == [3]


def test_forwarding_loops_are_named(tmp_path):
    text = GOOD.replace("spine0001,2-3,leaf0002", "spine0001,2-3,leaf0001")
    text = text.replace("spine0002,6-7,leaf0004", "spine0002,6-7,leaf0003")
    text = text.replace("2,*,spine0001", "2,*,spine0002")
    assert refused(tmp_path, text) == [
        (6, "flows to endpoint 2 go round: leaf0001 -> spine0001 -> leaf0001"),
        (8, "flows to endpoint 6 go round: leaf0003 -> spine0002 -> leaf0003"),
    ]


def test_a_long_loop_entered_from_outside_is_found(tmp_path):
    ring = build("torus", {"dims": "9"})
    names = switch_names(ring)
    rows = ["switch,destination,next"]
    rows += [f"{each},{each},destination" for each in range(9)]
    # everybody goes right to reach endpoint 0, but switch 8 turns into a second ring
    rows += [f"{each},0,{each + 1}" for each in range(1, 8)] + ["8,0,7"]
    source, target = np.array([1, 2]), np.array([0, 0])
    found = refused(tmp_path, "\n".join(rows), ring, ends=(source, target))
    assert found == [(17, f"flows to endpoint 0 go round: {names[7]} -> {names[8]} -> {names[7]}")]


def test_endpoints_with_several_links_say_which_they_take(tmp_path):
    fabric = build("fat-tree", {"hosts": 4, "radix": 8, "tiers": 2, "planes": 2})
    deliver = "switch,destination,next\n0,*,destination\n1,*,destination\n"
    ends = (np.array([0, 1]), np.array([3, 2]))
    problems = refused(tmp_path, deliver, fabric, ends=ends)
    assert problems == [
        (0, "node0001:nic1 has no row for endpoint 3"),
        (0, "node0001:nic2 has no row for endpoint 2"),
    ]
    out = "node0001:nic1,*,0\nnode0001:nic2,0-1,0\nnode0001:nic2,2,1\n"
    back = read(tmp_path, deliver + out, fabric, ends)
    tail = link_ends(fabric).tail[back.paths.bundle]
    assert tail[tail < 2].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("kind", "parameters", "message"),
    [
        ("fat-tree", {"hosts": 100, "radix": 16, "tiers": 3}, "depends on the source"),
        ("fat-tree", {"hosts": 8192, "radix": 32, "tiers": 3}, f"{MOST_ENDPOINTS:,} endpoints"),
        ("hyperx", {"dims": "4,4", "route": "minimal"}, None),
        ("torus", {"dims": "3,3", "planes": 2}, "planes as parallel links"),
        ("ocs-torus", {"cubes": 2}, "its circuits"),
    ],
)
def test_routes_that_no_table_holds_are_refused(tmp_path, kind, parameters, message):
    fabric = build(kind, parameters)
    if message is None:
        assert read(tmp_path, forwarding_csv(fabric), fabric).paths.num_hops.max() == 3
        return
    with pytest.raises(ParameterError, match=message):
        forwarding_csv(fabric)
