"""``netloom collective``: nccl-tests columns, placements, losses, jobs beside, and refusals."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path

import pytest

from netloom import catalog, topology
from netloom.cli.app import main
from netloom.collective import OPERATIONS
from netloom.collective.groups import Communicator
from netloom.simulate.chooser import Group, choose
from netloom.simulate.network import NetworkModel

ROOT = Path(__file__).parents[2]
STUDY = str(ROOT / "examples" / "llama3-70b-512.yaml")
JOBS = str(ROOT / "examples" / "jobs" / "three-jobs.yaml")
#: 128 nodes of 8 on rails, four leaves of a rail.
RAILS = [
    "--fabric", "rail-optimized", "--set", "units=4", "--set", "unit_nodes=32", "--set", "radix=64",
]  # fmt: skip
#: 64 nodes of 8 without rails, 16 leaves of 32 endpoints under 8 spines.
TREE = ["--fabric", "fat-tree", "--set", "hosts=512", "--set", "radix=64", "--set", "tiers=2"]


def answer(capsys, *tokens):
    assert main(["collective", *tokens, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def rows(capsys, *tokens):
    (network,) = answer(capsys, *tokens)["networks"]
    return network["rows"]


def test_a_row_is_the_models_price_at_its_own_size(capsys):
    model = NetworkModel(
        topology.build("rail-optimized", {"units": 4, "unit_nodes": 32, "radix": 64}),
        catalog.get("protocol", "infiniband-ndr"),
        catalog.get("scale-up", "nvlink-4"),
        8,
        8,
        64,
        catalog.get("collective-library", "nccl-2.30"),
        algorithms=["ring", "tree"],
    )
    found = rows(capsys, "all-gather", *RAILS, "--ranks", "64", "--sizes", "64K..1G*16")
    assert [row["size_bytes"] for row in found] == [2.0**16, 2.0**20, 2.0**24, 2.0**28]
    for row in found:
        size_bytes = row["size_bytes"]
        price = model.chosen(Communicator("all-gather", 64, 1), size_bytes)
        assert row["time_s"] == pytest.approx(price.latency_s + size_bytes * price.s_per_byte)
        assert row["algorithm"] == price.algorithm
    assert len({row["algorithm"] for row in found}) > 1


# nccl-tests, doc/PERFORMANCE.md, 16 ranks
@pytest.mark.parametrize(
    ("operation", "factor"),
    [
        ("all-reduce", 2 * 15 / 16), ("all-gather", 15 / 16), ("reduce-scatter", 15 / 16),
        ("all-to-all", 15 / 16), ("broadcast", 1.0), ("reduce", 1.0), ("send-recv", 1.0),
        ("barrier", 0.0),
    ],
)  # fmt: skip
def test_bandwidths_are_those_of_nccl_tests(capsys, operation, factor):
    sizes = [] if operation == "barrier" else ["--sizes", "64M"]
    (row,) = rows(capsys, operation, *RAILS, "--ranks", "16", *sizes)
    assert row["algbw_bytes_per_s"] == pytest.approx(row["size_bytes"] / row["time_s"])
    assert row["busbw_bytes_per_s"] == pytest.approx(factor * row["algbw_bytes_per_s"])
    assert row["limit"] == "latency" or 2 * row["bound_s"] > row["time_s"] / 2


def test_every_operation_has_a_row_in_the_list_above():
    marks = test_bandwidths_are_those_of_nccl_tests.pytestmark
    assert {case[0] for case in marks[0].args[1]} == set(OPERATIONS)


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name != "barrier"])
def test_the_fluid_solver_agrees_with_the_load_bound(capsys, operation):
    for row in rows(capsys, operation, *RAILS, "--ranks", "24", "--per-node", "4", "--exact",
                    "--sizes", "1M,1G"):  # fmt: skip
        assert row["exact_s"] == pytest.approx(row["bound_s"], rel=1e-9)
        assert row["time_s"] > row["bound_s"]


def test_latency_is_named_where_it_is_over_half(capsys):
    small, large = rows(capsys, "all-to-all", *RAILS, "--ranks", "64", "--sizes", "64K,4G")
    assert small["limit"] == "latency"
    assert large["limit"] == "host uplinks"
    (inside,) = rows(capsys, "all-to-all", *RAILS, "--ranks", "8", "--sizes", "4G")
    assert inside["limit"] == "scale-up links"
    (slow,) = rows(capsys, "all-reduce", *RAILS, "--ranks", "64", "--sizes", "4G", "--algorithm",
                   "ring/ll")  # fmt: skip
    assert (slow["algorithm"], slow["limit"]) == ("ring/ll", "protocol")


def test_hashing_is_a_range_over_seeds_and_nothing_else_is(capsys):
    tokens = ["all-to-all", *TREE, "--ranks", "256", "--sizes", "64M"]
    (row,) = rows(capsys, *tokens, "--protocol", "roce-v2")
    assert row["time_s_p10"] < row["time_s"] < row["time_s_p90"]
    assert row["busbw_bytes_per_s_p10"] < row["busbw_bytes_per_s"] < row["busbw_bytes_per_s_p90"]
    (again,) = rows(capsys, *tokens, "--protocol", "roce-v2")
    assert again == row
    (other,) = rows(capsys, *tokens, "--protocol", "roce-v2", "--seed", "900")
    assert other["time_s"] != row["time_s"]
    assert other["time_s"] == pytest.approx(row["time_s"], rel=0.1)
    (spread,) = rows(capsys, *tokens, "--protocol", "spectrum-x")
    assert spread["time_s_p10"] == spread["time_s"] == spread["time_s_p90"] < row["time_s"]


def test_losing_spines_takes_their_share_of_an_all_to_all_that_fills_them(capsys):
    found = rows(capsys, "all-to-all", *TREE, "--ranks", "512", "--protocol", "spectrum-x",
                 "--sizes", "16G", "--lose", "spine:0", "--lose", "spine:3")  # fmt: skip
    spines = topology.build("fat-tree", {"hosts": 512, "radix": 64, "tiers": 2}).tiers[1]
    left = (spines.num_switches - 2) / spines.num_switches
    # leaves carry all but what stays below them, so they were as full as hosts
    ratio = found[0]["busbw_bytes_per_s"] / found[0]["intact_busbw_bytes_per_s"]
    across = (512 - 32) / (512 - 8)
    assert ratio == pytest.approx(left / across, rel=1e-3)
    assert found[0]["limit"].startswith("leaf")


def test_groups_side_by_side_share_the_fabric(capsys):
    tokens = ["all-reduce", *RAILS, "--sizes", "1G", "--algorithm", "ring/simple"]
    (alone,) = rows(capsys, *tokens, "--ranks", "8", "--per-node", "1")
    (beside,) = rows(capsys, *tokens, "--ranks", "8", "--stride", "8")
    # eight groups, one for each rail: they never meet
    assert beside["time_s"] == pytest.approx(alone["time_s"])
    (more,) = rows(capsys, *tokens, "--ranks", "4", "--stride", "8", "--groups", "64")
    (fewer,) = rows(capsys, *tokens, "--ranks", "4", "--stride", "8")
    assert more["time_s"] == pytest.approx(fewer["time_s"])


def test_jobs_beside_slow_each_other_down_only_where_they_meet(capsys):
    tokens = ["all-reduce", "--fabric", "leaf-spine", "--set", "hosts=512", "--set", "radix=64",
              "--protocol", "spectrum-x", "--ranks", "128", "--nodes", "0-7,32-39", "--sizes", "1G",
              "--beside", JOBS]  # fmt: skip
    (tapered,) = answer(capsys, *tokens, "--set", "taper=3:1")["networks"]
    jobs = {job["name"]: job for job in tapered["jobs"]}
    assert list(jobs) == ["this job", "experts", "gradients", "weights"]
    assert jobs["this job"]["alone_s"] == pytest.approx(tapered["rows"][0]["time_s"])
    assert jobs["this job"]["slowdown"] > 1.01
    assert all(job["slowdown"] > 1 - 1e-9 for job in jobs.values())
    (wide,) = answer(capsys, *tokens)["networks"]
    assert [job["slowdown"] for job in wide["jobs"]] == pytest.approx([1.0] * 4)


def test_jobs_cannot_share_an_accelerator(capsys, tmp_path):
    path = tmp_path / "jobs.yaml"
    path.write_text("jobs:\n  - {name: twin, operation: all-gather, size: 1M, nodes: 3-4}\n")
    tokens = ["collective", "all-gather", *RAILS, "--ranks", "32", "--sizes", "1M"]
    assert main([*tokens, "--beside", str(path)]) == 2
    assert "accelerator 0 of node 3 belongs to this job and to twin" in capsys.readouterr().err


def test_a_study_shows_its_networks_side_by_side(capsys):
    found = answer(capsys, "all-reduce", "--study", STUDY, "--ranks", "512", "--sizes", "1G")
    names = [network["name"] for network in found["networks"]]
    assert names == ["rails on InfiniBand NDR", "rails on 51.2T Ethernet", "rails without a spine"]
    assert [network["nodes_used"] for network in found["networks"]] == [64, 64, 64]
    one = answer(capsys, "all-reduce", "--study", STUDY, "--ranks", "512", "--sizes", "1G",
                 "--network", names[1])  # fmt: skip
    assert one["networks"] == found["networks"][1:2]


def test_rail_only_is_slower_for_experts_by_the_published_part_and_equal_for_dense(capsys):
    # Wang et al., Rail-only, arXiv:2307.12169 v5: all-to-all takes 8.2 to 11.2 % more
    rail_only = ["--fabric", "rail-only", "--set", "hosts=1024", "--set", "domain=8", "--set",
                 "radix=64", "--forwarding", "staged"]  # fmt: skip
    tokens = ["--ranks", "1024", "--protocol", "roce-v2-adaptive", "--sizes", "16M..4G*16"]
    experts = ["all-to-all", *tokens]
    across = rows(capsys, *experts, *RAILS, "--forwarding", "none")
    for slower, faster in zip(rows(capsys, *experts, *rail_only), across, strict=True):
        assert 1.082 <= slower["time_s"] / faster["time_s"] <= 1.112
    dense = ["all-reduce", *tokens, "--algorithm", "ring/simple"]
    pairs = zip(rows(capsys, *dense, *rail_only), rows(capsys, *dense, *RAILS), strict=True)
    assert all(one["bound_s"] == pytest.approx(other["bound_s"]) for one, other in pairs)


def test_staged_forwarding_adds_what_is_handed_over(capsys):
    tokens = ["all-to-all", *RAILS, "--ranks", "16", "--sizes", "1G", "--exact"]
    (staged,) = rows(capsys, *tokens, "--forwarding", "staged")
    (pipelined,) = rows(capsys, *tokens)
    # of a rank's 8/16 for the other node, 7/8 change rail; NVLink carries 82 % of 450 GB/s
    more_s = 2**30 * 0.5 * 7 / 8 / (450e9 * 0.82)
    assert staged["bound_s"] - pipelined["bound_s"] == pytest.approx(more_s, rel=0.01)
    assert staged["exact_s"] == pytest.approx(staged["bound_s"])
    rail_only = ["--fabric", "rail-only", "--set", "hosts=64", "--set", "domain=8", "--set",
                 "radix=8"]  # fmt: skip
    unforwarded = [*rail_only, "--ranks", "64", "--forwarding", "none"]
    assert main(["collective", "all-to-all", *unforwarded]) == 3


def test_reduction_between_nodes_is_opted_into(capsys):
    tokens = ["all-reduce", *RAILS, "--ranks", "8", "--per-node", "1", "--sizes", "4G"]
    (plain,) = rows(capsys, *tokens)
    (reduced,) = rows(capsys, *tokens, "--network-reduction")
    assert not plain["algorithm"].startswith("collnet")
    # a rank sends its buffer once instead of 7/4 times
    assert plain["bound_s"] / reduced["bound_s"] == pytest.approx(7 / 4, rel=1e-3)


def test_the_librarys_chooser_takes_what_its_model_says(capsys):
    library = catalog.get("collective-library", "nccl-2.30")
    group = Group(64, 8, 8, 50e9, "nvlink-4")
    found = rows(capsys, "all-reduce", *RAILS, "--ranks", "64", "--sizes", "1K..4G*4",
                 "--chooser", "nccl")  # fmt: skip
    keys = [key for key in library.base_latency_s if not key.startswith("collnet")]
    for row in found:
        expected = choose(library, group, "all-reduce", keys, row["size_bytes"])
        assert row["algorithm"] == expected
    assert len({row["algorithm"] for row in found}) > 1


def test_json_keys_are_the_documented_ones(capsys):
    found = answer(capsys, "all-to-all", *TREE, "--ranks", "16", "--sizes", "1M", "--exact",
                   "--lose", "spine:0")  # fmt: skip
    page = (ROOT / "docs" / "collectives.md").read_text(encoding="utf-8")
    network = found["networks"][0]
    for key in (*found, *network, *network["rows"][0]):
        assert f"`{key.removesuffix('_p10').removesuffix('_p90')}`" in page, key


def test_the_table_says_what_it_was_asked(capsys):
    tokens = ["collective", "all-reduce", *TREE, "--ranks", "16", "--sizes", "1M,1G"]
    assert main([*tokens, "--protocol", "roce-v2", "--seeds", "4", "--lose", "spine:2"]) == 0
    said = capsys.readouterr().out
    for words in ("all-reduce  16 ranks on 2 nodes, packed", "512 endpoints, without spine0003",
                  "roce-v2 (hashed, seeds 0 to 3", "nccl-2.30, fastest", "10-90 %", "intact",
                  "1,073,741,824"):  # fmt: skip
        assert words in said
    lines = said.splitlines()
    assert len(lines[2]) == max(len(line) for line in lines[2:])


def test_the_plot_has_a_line_for_each_network_and_names_that_do_not_touch(capsys, tmp_path):
    path = tmp_path / "plot.svg"
    tokens = ["collective", "all-reduce", "--study", STUDY, "--ranks", "512", "--plot", str(path)]
    assert main(tokens) == 0
    capsys.readouterr()
    picture = ElementTree.parse(path).getroot()
    assert picture.get("aria-label") == "Bus bandwidth of all-reduce against size"
    words = [each.text for each in picture.iter() if each.tag.endswith("text")]
    for name in ("rails on InfiniBand NDR", "rails on 51.2T Ethernet", "rails without a spine"):
        assert any(text.startswith(name) for text in words)
    named = [
        float(each.get("x"))
        for each in picture.iter()
        if each.tag.endswith("text") and each.get("text-anchor") == "middle"
    ]
    assert len(named) > 4
    assert all(right - left > 40 for left, right in pairwise(named))


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (["all-reduec", *RAILS, "--ranks", "8"], "did you mean all-reduce"),
        (["all-reduce", "--ranks", "8"], "neither a study nor a fabric"),
        (["all-reduce", *RAILS, "--study", STUDY, "--ranks", "8"], "a study and a fabric"),
        (["all-reduce", "--study", STUDY, "--ranks", "8", "--set", "a=b"], "leave --set out"),
        (["all-reduce", "--study", STUDY, "--ranks", "8", "--network", "rail"], "Known: rails on"),
        (["all-reduce", *RAILS, "--ranks", "8", "--network", "rails"], "write --study"),
        (["all-reduce", *RAILS, "--ranks", "1025"], "ask for 1 to 1,024 ranks"),
        (["all-reduce", *RAILS, "--ranks", "256", "--per-node", "1"], "128 ranks, or up to 8"),
        (["all-reduce", *RAILS, "--ranks", "1"], "--ranks 2"),
        (["all-reduce", *RAILS, "--ranks", "8", "--stride", "0"], "--stride 1"),
        (["all-reduce", *RAILS, "--ranks", "8", "--seeds", "100001"], "--seeds 1 to 100,000"),
        (["all-reduce", *RAILS, "--ranks", "8", "--nodes", "0-999999999999"], "0-31,64-95"),
        (["all-reduce", *RAILS, "--ranks", "8", "--stride", "8", "--groups", "15"], "--groups 16"),
        (["all-reduce", *RAILS, "--ranks", "8", "--per-node", "9"], "--per-node 1 to 8"),
        (["all-reduce", *RAILS, "--ranks", "8", "--nodes", "126-130"], "numbered 0 to 127"),
        (["all-reduce", *RAILS, "--ranks", "8", "--nodes", "1,2,1"], "node 1 is named twice"),
        (["all-reduce", *RAILS, "--ranks", "8", "--nodes", "a-b"], "0-31,64-95"),
        (["all-reduce", *RAILS, "--ranks", "9", "--nodes", "0-5", "--per-node", "8"], "2 nodes"),
        (["all-reduce", *RAILS, "--ranks", "8", "--sizes", "1Q"], "1M..16G*4"),
        (["all-reduce", *RAILS, "--ranks", "8", "--sizes", ""], "1M..16G*4"),
        (["all-reduce", *RAILS, "--ranks", "8", "--sizes", "0.5"], "whole bytes"),
        (["barrier", *RAILS, "--ranks", "8", "--sizes", "1M"], "leave --sizes"),
        (["all-reduce", *RAILS, "--ranks", "8", "--sizes", "2M..1M"], "1M..2M"),
        (["all-reduce", *RAILS, "--ranks", "8", "--sizes", "1M..2M*1"], "write 2, 4 or 1.5"),
        (["all-reduce", *RAILS, "--ranks", "8", "--placement", "strode"], "mean strided"),
        (["all-reduce", *RAILS, "--ranks", "8", "--placement", "random"], "random:1"),
        (["all-reduce", *RAILS, "--ranks", "8", "--placement", "none.csv"], "No such file"),
        (["all-reduce", *RAILS, "--ranks", "8", "--algorithm", "rign"], "did you mean ring"),
        (["all-reduce", *RAILS, "--ranks", "8", "--algorithm", "ring/ll12"], "ring/ll128"),
        (["all-reduce", *RAILS, "--ranks", "8", "--algorithm", "hierarchical"], "generic-2026"),
        (["all-reduce", *RAILS, "--ranks", "16", "--algorithm", "collnet-chain", "--protocol",
          "roce-v2"], "needs network reduction"),
        (["all-reduce", *RAILS, "--ranks", "16", "--algorithm", "nvls"], "8 ranks; this group is"),
        (["all-reduce", *RAILS, "--ranks", "8", "--lose", "spines:1"], "did you mean spine"),
        (["all-reduce", *RAILS, "--ranks", "8", "--lose", "spine:16"], "numbered 0 to 15"),
        (["all-reduce", *RAILS, "--ranks", "8", "--lose", "spine"], "mean spine"),
        (["all-reduce", *RAILS, "--ranks", "8", "--lose", "spin0003"], "did you mean spine0003"),
        (["all-reduce", *RAILS, "--ranks", "9", "--algorithm", "nvls"], "one node, not 9 on 2"),
        (["all-reduce", *RAILS, "--ranks", "8", "--lose", "link:leaf:0-leaf:1"], "spine0001, "),
        (["all-gather", *RAILS, "--ranks", "8", "--matrix", "m.csv"], "belongs to all-to-all"),
        (["all-to-all", *RAILS, "--ranks", "8", "--matrix", "m.csv"], "8 rows of 8 numbers"),
        (["all-reduce", *RAILS, "--ranks", "8", "--beside", "none.yaml"], "no such file"),
        (["all-reduce", *RAILS, "--ranks", "8", "--protocol", "roce"], "roce-v2"),
        (["all-reduce", *RAILS, "--ranks", "8", "--library", "nccl"], "nccl-2.30"),
        (["all-reduce", *RAILS, "--ranks", "8", "--plot", "none/plot.svg"], "no folder 'none'"),
        (["all-reduce", "--fabric", "fat-tre", "--ranks", "8"], "did you mean fat-tree"),
    ],
)  # fmt: skip
def test_wrong_input_is_exit_2_with_a_way_out(capsys, tokens, said):
    assert main(["collective", *tokens]) == 2
    assert said in capsys.readouterr().err.replace("\n", " ")


def test_the_documented_tables_are_what_is_printed(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs" / "collectives.md").read_text(encoding="utf-8")
    section = page.split("## From the command line")[1].split("\n## ")[0]
    commands = [line.split()[1:] for line in section.splitlines() if line.startswith("    netloom")]
    assert len(commands) == 5
    printed = []
    for tokens in commands:
        assert main(tokens) == 0
        printed.append(capsys.readouterr().out)
    jobs = printed[1].splitlines()
    for line in printed[0].splitlines() + jobs[jobs.index("") + 1 :]:
        assert line.rstrip() in section
    staged, across = ([line.split()[1] for line in text.splitlines()[3:6]] for text in printed[2:4])
    for slower, faster in zip(staged, across, strict=True):
        assert f"| {slower} | {faster} |" in section
    assert f"| {printed[4].splitlines()[3].split()[3]} |" in section


def routed(tmp_path, *tokens):
    assert main(["export", "forwarding", *tokens, "--out", str(tmp_path)]) == 0
    return str(tmp_path / "forwarding.csv")


def test_static_routes_of_a_file_are_loaded_path_by_path(capsys, tmp_path):
    small = ["--fabric", "fat-tree", "--set", "hosts=64", "--set", "radix=16", "--set", "tiers=2"]
    table = routed(tmp_path, *small)
    tokens = ["all-to-all", *small, "--ranks", "64", "--sizes", "64M", "--exact"]
    (spread,) = rows(capsys, *tokens)
    # hashing plays no part where every flow has its path
    (static,) = rows(capsys, *tokens, "--routes", table, "--protocol", "roce-v2")
    (alike,) = rows(capsys, *tokens, "--routes", table)
    protocol = catalog.get("protocol", "infiniband-ndr")
    payload = float(protocol.framing_efficiency) * float(protocol.transport_efficiency)
    # by hand: of 8 links up 4 carry all that 8 NICs send to the 7 other leaves
    by_hand_s = 2 * 64 * 2**20 * 56 / 64 / 50e9 / payload
    assert alike["bound_s"] == pytest.approx(by_hand_s)
    assert alike["exact_s"] == pytest.approx(by_hand_s)
    assert spread["bound_s"] == pytest.approx(by_hand_s / 2)
    assert static["exact_s_p10"] == static["exact_s_p90"]


def test_static_routes_do_not_go_round_what_is_lost(capsys, tmp_path):
    small = ["--fabric", "fat-tree", "--set", "hosts=64", "--set", "radix=16", "--set", "tiers=2"]
    table = routed(tmp_path, *small)
    tokens = ["collective", "all-to-all", *small, "--sizes", "1M", "--routes", table, "--lose"]
    assert main([*tokens, "spine0001", "--ranks", "64"]) == 3
    assert "out of order: leaf0001 to spine0001" in capsys.readouterr().err
    # two ranks a node are two rails, which do not take the third spine
    assert main([*tokens, "spine0003", "--ranks", "16", "--per-node", "2"]) == 0


def test_hashed_ways_of_a_dragonfly_are_drawn_switch_by_switch(capsys):
    fabric = [
        "--fabric",
        "dragonfly",
        "--set",
        "p=4",
        "--set",
        "a=8",
        "--set",
        "h=4",
        "--set",
        "g=9",
    ]
    tokens = ["all-to-all", *fabric, "--ranks", "72", "--sizes", "1G", "--exact"]
    (spread,) = rows(capsys, *tokens)
    (hashed,) = rows(capsys, *tokens, "--protocol", "roce-v2", "--seeds", "6")
    # adaptive routing mixes in detours; hashed flows are routes, and the same draws for both
    assert "exact_s" not in spread
    assert hashed["bound_s"] == pytest.approx(hashed["exact_s"])
    assert hashed["exact_s_p10"] < hashed["exact_s_p90"]
    assert hashed["bound_s"] > spread["bound_s"]


def test_a_study_is_asked_for_neither_parts_nor_parameters(capsys):
    study = ["--study", str(ROOT / "examples" / "llama3-70b-512.yaml")]
    assert main(["collective", "all-reduce", *study, "--ranks", "8", "--protocol", "roce-v2"]) == 2
    assert "leave --protocol out" in capsys.readouterr().err


def test_an_exchange_that_would_not_fit_into_memory_is_refused(capsys):
    tokens = [
        "--fabric",
        "fat-tree",
        "--set",
        "hosts=65536",
        "--set",
        "radix=128",
        "--set",
        "tiers=3",
    ]
    assert main(["collective", "all-to-all", *tokens, "--ranks", "65536"]) == 2
    assert "536,805,376 flows" in capsys.readouterr().err


def test_ranks_that_are_cut_off_have_no_answer(capsys):
    assert main(["collective", "all-reduce", *RAILS, "--ranks", "16", "--lose", "leaf:0"]) == 3
    assert "has no path" in capsys.readouterr().err


def test_a_matrix_is_of_this_job_and_not_of_those_beside(capsys, tmp_path):
    matrix, jobs = tmp_path / "m.csv", tmp_path / "jobs.yaml"
    matrix.write_text("\n".join([",".join(["1e6"] * 8)] * 8))
    jobs.write_text("jobs:\n  - {name: other, operation: all-reduce, size: 1M, nodes: 8-9}\n")
    (network,) = answer(capsys, "all-to-all", *RAILS, "--ranks", "8", "--per-node", "1",
                        "--matrix", str(matrix), "--beside", str(jobs))["networks"]  # fmt: skip
    assert [job["name"] for job in network["jobs"]] == ["this job", "other"]
    assert network["jobs"][0]["alone_s"] == pytest.approx(network["rows"][0]["time_s"])
