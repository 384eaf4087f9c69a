"""What ``netloom collective`` reads: sizes, placements, losses, matrices and files of jobs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from netloom import evaluate, topology
from netloom.cli.app import main
from netloom.cli.study import read
from netloom.collective_table.allocation import Allocation, accelerators
from netloom.collective_table.losses import loss_of, lost_parts
from netloom.collective_table.machine import machines_of_study
from netloom.collective_table.placement_file import read_placement
from netloom.collective_table.sizes import sizes

#: 128 nodes of 8 on rails, four leaves of a rail.
RAILS = [
    "--fabric", "rail-optimized", "--set", "units=4", "--set", "unit_nodes=32", "--set", "radix=64",
]  # fmt: skip
MIB = 2.0**20
ROOT = Path(__file__).parents[2]


def rows(capsys, *tokens):
    assert main(["collective", *tokens, "--json"]) == 0
    (network,) = json.loads(capsys.readouterr().out)["networks"]
    return network["rows"]


def test_parts_are_lost_by_name():
    fabric = topology.build("fat-tree", {"hosts": 512, "radix": 64, "tiers": 2})
    leaves = fabric.tiers[0].num_switches
    counted = ["spine:3", "nic:17", "link:leaf:2-spine:1", "spine:1-leaf:2", "link:nic:5-leaf:0"]
    named = ["spine0004", "node0003:nic2", "leaf0003-spine0002", "link:spine:1-leaf0003",
             "leaf0001-node0001:nic6"]  # fmt: skip
    parts = lost_parts(counted, fabric, nics_per_node=8)
    loss = loss_of(parts)
    assert loss == loss_of(lost_parts(named, fabric, nics_per_node=8))
    assert [part.name for part in parts[:3]] == named[:3]
    assert (list(loss.switches), list(loss.endpoints)) == ([leaves + 3], [17])
    ends = {
        (int(fabric.trunk_lower[trunk]), int(fabric.trunk_upper[trunk])): lost
        for trunk, lost in loss.trunk_links.items()
    }
    assert ends == {(2, leaves + 1): 2, (5, 0): 1}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Allocation(6), [0, 1, 2, 3, 4, 5]),
        (Allocation(6, per_node=2), [0, 1, 4, 5, 8, 9]),
        (Allocation(6, per_node=2, order="strided"), [0, 4, 8, 1, 5, 9]),
        (Allocation(4, nodes=(3, 1)), [12, 13, 4, 5]),
        (Allocation(3, nodes=(3, 1)), [12, 13, 4]),
    ],
)
def test_ranks_are_placed_as_asked(wanted, expected):
    assert accelerators(wanted, 4, 5).tolist() == expected


def test_random_placement_draws_nodes_and_keeps_them_packed():
    drawn = accelerators(Allocation(16, order="random:1"), 4, 50).reshape(-1, 4)
    assert (np.diff(drawn, axis=1) == 1).all()
    nodes = drawn[:, 0] // 4
    assert len(set(nodes.tolist())) == 4
    assert nodes.max() > 4
    again = accelerators(Allocation(16, order="random:1"), 4, 50)
    assert again.tolist() == drawn.ravel().tolist()
    assert accelerators(Allocation(16, order="random:2"), 4, 50).tolist() != again.tolist()
    shuffled = accelerators(Allocation(16, nodes=(7, 8, 9, 10), order="random:1"), 4, 50)
    assert sorted(shuffled[::4].tolist()) == [28, 32, 36, 40]


def test_a_placement_file_places_as_the_words_do(capsys, tmp_path):
    path = tmp_path / "strided.csv"
    lines = [f"{rank},{rank % 4},{rank // 4}" for rank in reversed(range(16))]
    path.write_text("rank,node,accelerator\n" + "\n".join(lines) + "\n")
    tokens = ["send-recv", *RAILS, "--ranks", "16", "--sizes", "1M..1G*32"]
    by_file = rows(capsys, *tokens, "--placement", str(path))
    strided = rows(capsys, *tokens, "--per-node", "4", "--placement", "strided")
    assert by_file == strided
    accelerator, nics = read_placement(path, 16, 128, 8, 8)
    wanted = Allocation(16, per_node=4, order="strided")
    assert accelerator.tolist() == accelerators(wanted, 8, 128).tolist()
    assert nics is None


def test_a_placement_file_can_put_ranks_on_other_nics(capsys, tmp_path):
    path = tmp_path / "one-nic.csv"
    lines = [f"{rank},{rank // 4},{rank % 4},0" for rank in range(8)]
    path.write_text("rank,node,accelerator,nic\n" + "\n".join(lines) + "\n")
    tokens = ["all-gather", *RAILS, "--ranks", "8", "--sizes", "4G", "--algorithm", "ring/simple"]
    (one,) = rows(capsys, *tokens, "--placement", str(path))
    (even,) = rows(capsys, *tokens, "--per-node", "4")
    # four channels through one NIC instead of four
    assert one["bound_s"] == pytest.approx(4 * 7 / 8 * 2**30 / (50e9 * 0.9937 * 0.96), rel=1e-3)
    assert one["bound_s"] > 2 * even["bound_s"]


def test_a_wrong_placement_file_is_answered_by_line(capsys, tmp_path):
    path = tmp_path / "wrong.csv"
    path.write_text("rank,node,accelerator\n0,0,0\n0,1,0\n1,0,0\n2,900,0\n3,0,x\n4,0\n")
    assert main(["collective", "all-gather", *RAILS, "--ranks", "4", "--placement", str(path)]) == 2
    said = capsys.readouterr().err
    for line, words in [
        (3, "rank 0 has a place already"),
        (4, "accelerator 0 of node 0 is used twice, first in line 2"),
        (5, "'900' is no node"),
        (6, "'x' is no accelerator"),
        (7, "2 values in a line of 3"),
    ]:
        assert f"wrong.csv:{line}:1: {words}" in said
    path.write_text("rank,node,accelerator\n0,0,0\n3,0,1\n")
    assert main(["collective", "all-gather", *RAILS, "--ranks", "4", "--placement", str(path)]) == 2
    assert "2 of 4 ranks have no place: 1, 2" in capsys.readouterr().err


def test_a_uniform_matrix_is_the_plain_all_to_all(capsys, tmp_path):
    path = tmp_path / "uniform.csv"
    path.write_text("\n".join([",".join(["1048576"] * 16)] * 16))
    tokens = ["all-to-all", *RAILS, "--ranks", "16"]
    assert rows(capsys, *tokens, "--matrix", str(path)) == rows(capsys, *tokens, "--sizes", "16M")


def test_a_matrix_is_limited_by_its_fullest_row(capsys, tmp_path):
    path = tmp_path / "one.csv"
    matrix = np.zeros((4, 4))
    matrix[0, 1:] = 1e9
    path.write_text("\n".join(",".join(f"{value:g}" for value in row) for row in matrix))
    (row,) = rows(capsys, "all-to-all", *RAILS, "--ranks", "4", "--per-node", "1", "--matrix",
                  str(path), "--exact")  # fmt: skip
    assert row["size_bytes"] == 3e9
    assert row["bound_s"] == pytest.approx(3e9 / (50e9 * 0.9937 * 0.96), rel=1e-3)
    assert row["exact_s"] == pytest.approx(row["bound_s"])


def test_a_wrong_matrix_is_answered_by_row(capsys, tmp_path):
    path = tmp_path / "wrong.csv"
    path.write_text("1,2,3\n4,5\n6,-7,8\n9,9,9\n")
    assert main(["collective", "all-to-all", *RAILS, "--ranks", "3", "--matrix", str(path)]) == 2
    said = capsys.readouterr().err
    assert "wrong.csv:2:1: row 2 has 2 entries for 3 ranks" in said
    assert "wrong.csv:3:1: row 3: '-7' is no number of bytes for rank 1" in said
    assert "4 rows for 3 ranks" in said


def test_a_wrong_file_of_jobs_is_answered_by_line(capsys, tmp_path):
    path = tmp_path / "jobs.yaml"
    path.write_text(
        "jobs:\n"
        "  - name: a\n"
        "    operation: all-gathr\n"
        "    size: 1Q\n"
        "    nodes: 4-3\n"
        "    start: 5\n"
        "    colour: red\n"
    )
    assert main(["collective", "barrier", *RAILS, "--ranks", "8", "--beside", str(path)]) == 2
    said = capsys.readouterr().err
    for line, words in [
        (3, "unknown operation 'all-gathr'"), (4, "'1Q' is no size"),
        (5, "'4-3' is no range of nodes"), (6, "has no unit"), (7, "unknown key 'colour'"),
    ]:  # fmt: skip
        assert any(f"jobs.yaml:{line}:" in row and words in row for row in said.splitlines()), words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1M..16M", [1, 2, 4, 8, 16]),
        ("1M..16M*4", [1, 4, 16]),
        ("1M,4M,64M", [1, 4, 64]),
        ("512K..1M,1G", [0.5, 1, 1024]),
        ("1 MiB", [1]),
        ("1MB", [1e6 / MIB]),
        ("8", [8 / MIB]),
    ],
)
def test_sizes_are_written_as_in_nccl_tests(text, expected):
    assert sizes(text) == tuple(value * MIB for value in expected)


def test_a_studys_networks_keep_their_own_hop_latency():
    resolved = read(ROOT / "examples" / "llama3-70b-512.yaml")
    run = evaluate.start(resolved)
    for machine, network in zip(machines_of_study(resolved), resolved.networks, strict=True):
        assert machine.hop_latency_s == evaluate.prepare(run, network, 0).network.hop_latency_s
