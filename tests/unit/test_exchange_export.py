"""``netloom export``: files, what is said on the error stream, refusals, documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from netloom.cli.app import main
from netloom.exchange.flows import COLUMNS
from netloom.exchange.patterns import PATTERNS
from netloom.exchange.writers import REGISTRY

TREE = ["--fabric", "fat-tree", "--set", "hosts=16", "--set", "radix=4", "--set", "tiers=3"]
PAGE = Path(__file__).parents[2] / "docs" / "exchange.md"


def export(tmp_path, *tokens):
    return main(["export", *tokens, "--out", str(tmp_path / "out")])


def test_files_are_written_and_losses_are_said(tmp_path, capsys):
    assert export(tmp_path, "htsim", *TREE, "--pattern", "incast", "--bytes", "2MB") == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"fabric.topo", "flows.cm"}
    text = (tmp_path / "out" / "flows.cm").read_text().splitlines()
    assert text[:3] == ["Nodes 16", "Connections 15", "1->0 id 1 start 0 size 2000000"]
    said = capsys.readouterr()
    assert said.out == ""
    assert "fabric.topo" in said.err
    assert "not in these files: prices, power, media and cable lengths" in said.err


def test_flows_of_a_table_and_latencies_are_taken(tmp_path):
    table = tmp_path / "flows.csv"
    table.write_text("source,target,bytes,start_s\nnode0001:nic1,node0002:nic8,1 GB,0.5\n")
    assert export(tmp_path, "hpcc", *TREE, "--flows", str(table), "--link-latency", "2us") == 0
    assert (tmp_path / "out" / "flow.txt").read_text() == "1\n0 15 3 100 1000000000 0.5\n"
    assert " 2000ns 0\n" in (tmp_path / "out" / "topology.txt").read_text()


def test_without_traffic_the_fabric_alone_is_written(tmp_path):
    assert export(tmp_path, "node-link", *TREE) == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["fabric.json"]


def test_the_fabric_may_be_a_studys(tmp_path, capsys):
    study = ["--study", str(PAGE.parents[1] / "examples" / "llama3-70b-512.yaml")]
    assert export(tmp_path, "forwarding", *study) == 2
    assert "name one with --network: 'rails on InfiniBand NDR'" in capsys.readouterr().err
    assert export(tmp_path, "forwarding", *study, "--network", "rails without a spine") == 0
    table = (tmp_path / "out" / "forwarding.csv").read_text().splitlines()
    # eight rails on four switches, and no way from one to another
    assert table[1] == "leaf0001,0-1,destination,"
    assert {line.split(",")[2] for line in table[1:]} == {"destination"}
    assert export(tmp_path, "forwarding") == 2
    assert "neither a fabric nor a study" in capsys.readouterr().err


def test_the_same_call_writes_the_same_bytes(tmp_path):
    tokens = ["simgrid", *TREE, "--pattern", "permutation", "--seed", "3"]
    seen = []
    for place in ("one", "two"):
        assert export(tmp_path / place, *tokens) == 0
        files = sorted((tmp_path / place / "out").iterdir())
        seen.append([(path.name, path.read_bytes()) for path in files])
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (["htsin", *TREE], "did you mean htsim"),
        (["htsim", "--fabric", "fat-tre"], "did you mean fat-tree"),
        (["htsim", *TREE, "--pattern", "rings"], "did you mean ring"),
        (["htsim", *TREE, "--pattern", "ring", "--bytes", "1.5B"], "'1.5B' is no size"),
        (["htsim", *TREE, "--pattern", "ring", "--bytes", "9" * 30], "is no size of a flow"),
        (["htsim", *TREE, "--pattern", "ring", "--flows", "x.csv"], "keep one of them"),
        (["htsim", *TREE, "--flows", "no-such.csv"], "cannot read flows"),
        (["htsim", *TREE, "--link-latency", "5"], "has no unit"),
        (["hpcc", *TREE, "--switch-latency=-5ns"], "'-5ns' is no latency"),
        (["htsim", *TREE, "--set", "planes=2"], "htsim cannot express"),
        (["htsim", *TREE, "--node", "dgx-h10"], "dgx-h100"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(tmp_path, capsys, tokens, message):
    assert export(tmp_path, *tokens) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_every_format_pattern_and_column_is_documented():
    page = PAGE.read_text(encoding="utf-8")
    for name in (*REGISTRY.names(), *PATTERNS, *COLUMNS):
        assert f"`{name}`" in page, name
