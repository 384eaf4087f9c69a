"""The catalogue on the command line shows each number with the evidence that it rests on."""

from __future__ import annotations

import json

import pytest

from netloom import catalog, topology
from netloom.cli.app import main


def test_show_prints_every_number_with_range_source_date_and_grade(capsys):
    assert main(["catalog", "show", "qm9700"]) == 0
    out = capsys.readouterr().out
    for path, quantity in catalog.walk_quantities(catalog.get("switch", "qm9700")):
        (line,) = (line for line in out.splitlines() if line.startswith(f" {path} "))
        assert quantity.grade in line
        assert quantity.date in line
        for source in quantity.source:
            assert f"{source}: {catalog.sources()[source]}" in out
    assert " 700 W " in out
    assert " 750 W " in out
    assert " 950 W " in out
    assert "64 logical ports" in out


@pytest.mark.parametrize("columns", ["80", "140"])
def test_show_cuts_nothing_short(columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", columns)
    assert main(["catalog", "show", "qm9700"]) == 0
    out = capsys.readouterr().out
    assert "…" not in out
    words = " ".join(out.split())
    for _, quantity in catalog.walk_quantities(catalog.get("switch", "qm9700")):
        assert columns == "140" or f"{quantity.basis}. {quantity.source[0]}" in words


@pytest.mark.parametrize("kind", catalog.kinds())
def test_every_part_can_be_shown(kind, capsys):
    for name in catalog.names(kind):
        assert main(["catalog", "show", f"{kind}/{name}"]) == 0
        assert catalog.get(kind, name).title in capsys.readouterr().out


def test_show_prints_a_model_as_its_file(capsys):
    assert main(["catalog", "show", "llama-3.1-405b"]) == 0
    assert json.loads(capsys.readouterr().out)["num_hidden_layers"] == 126


def test_show_prints_si_units_as_json(capsys):
    assert main(["catalog", "show", "nic/connectx-7", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["kind"] == "nic"
    assert document["port_bytes_per_s"]["mode"] == 50e9


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("qm970", "unknown part 'qm970'\n    did you mean qm9700"),
        ("switch/qm970", "unknown switch 'qm970'\n    did you mean qm9700"),
        ("swich/qm9700", "unknown kind of part 'swich'\n    did you mean switch"),
    ],
)
def test_unknown_parts_are_answered_with_the_nearest(part, message, capsys):
    assert main(["catalog", "show", part]) == 2
    assert capsys.readouterr().err.startswith(message)


def test_list_names_every_part(capsys):
    assert main(["catalog", "list"]) == 0
    words = capsys.readouterr().out.split()
    for kind in (*catalog.kinds(), "model"):
        assert set(catalog.names(kind)) <= set(words)


def test_list_takes_a_kind_and_prints_json(capsys):
    assert main(["catalog", "list", "nic", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"nic": list(catalog.names("nic"))}


def test_fabric_list_names_every_parameter(capsys):
    assert main(["fabric", "list"]) == 0
    out = capsys.readouterr().out
    for kind in topology.REGISTRY.names():
        section = out.split(f"{kind} ", 1)[1]
        for name in topology.parameter_model(kind).model_fields:
            assert f" {name} " in section


def test_fabric_list_prints_json(capsys):
    assert main(["fabric", "list", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document) == set(topology.REGISTRY.names())
    assert document["rail-optimized"]["properties"]["planes"]["default"] == 1
