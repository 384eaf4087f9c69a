"""Part files are found by name, parsed one by one, and refused when a number has no evidence."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest
import yaml

from netloom import catalog
from netloom.catalog import load
from netloom.errors import ParameterError, StudyError

NIC = """
title: A card
vendor: Nobody
port_bytes_per_s: {value: 400 Gb/s, basis: one way, date: '2025', source: S11, grade: A}
num_ports: 1
power_w: %s
protocols: [roce-v2]
"""


def write_nic(folder: Path, power: str) -> Path:
    path = folder / "card.yaml"
    path.write_text(NIC % power)
    return path


def test_a_part_takes_its_name_from_its_file(tmp_path):
    power = "{low: 17 W, mode: 25 W, high: 30 W, basis: card, date: '2024', source: S11, grade: C}"
    part = catalog.read_part("nic", write_nic(tmp_path, power))
    assert part.name == "card"
    assert float(part.power_w) == 25.0
    assert part.port_bytes_per_s.low == part.port_bytes_per_s.high == 50e9


@pytest.mark.parametrize("lacking", ["basis", "date", "source", "grade"])
def test_a_number_without_evidence_is_refused(tmp_path, lacking):
    evidence = {"basis": "card", "date": "'2024'", "source": "S11", "grade": "C"}
    del evidence[lacking]
    power = "{value: 25 W, " + ", ".join(f"{k}: {v}" for k, v in evidence.items()) + "}"
    with pytest.raises(StudyError) as caught:
        catalog.read_part("nic", write_nic(tmp_path, power))
    assert any(p.where.startswith(f"power_w.{lacking}") for p in caught.value.problems)
    assert all(p.file.endswith("card.yaml") for p in caught.value.problems)


@pytest.mark.parametrize(
    ("power", "expected"),
    [
        ("25", "Quantity"),
        ("{value: 25, basis: card, date: '2024', source: S11, grade: C}", "no unit"),
        ("{value: 25 Gb/s, basis: card, date: '2024', source: S11, grade: C}", "power"),
        ("{low: 30 W, mode: 25 W, high: 35 W, basis: card, date: '2024', source: S11, grade: C}",
         "low <= mode <= high"),
        ("{value: 25 W, basis: card, date: '2024', source: S11, grade: excellent}", "recalled-low"),
        ("{value: 25 W, basis: card, date: '2024', source: [], grade: C}", "at least 1"),
    ],
)  # fmt: skip
def test_a_number_without_unit_or_with_odd_evidence_is_refused(tmp_path, power, expected):
    with pytest.raises(StudyError, match=expected):
        catalog.read_part("nic", write_nic(tmp_path, power))


def test_broken_yaml_is_refused_with_its_place(tmp_path):
    path = tmp_path / "card.yaml"
    path.write_text("title: A card\nvendor: [Nobody\n")
    with pytest.raises(StudyError) as caught:
        catalog.read_part("nic", path)
    assert caught.value.problems[0].line == 3


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(ParameterError, match="did you mean qm9700"):
        catalog.get("switch", "qm9701")
    with pytest.raises(ParameterError, match=r"did you mean .*switch"):
        catalog.get("swich", "qm9700")
    with pytest.raises(ParameterError, match=r"did you mean llama-3\.1-405b"):
        catalog.model_path("llama-3.1-405")


@pytest.mark.parametrize("name", ["../nic/connectx-7", "QM9700", ""])
def test_a_name_is_no_path(name):
    with pytest.raises(ParameterError, match="unknown switch"):
        catalog.get("switch", name)


def test_only_the_part_that_is_asked_for_is_parsed_and_only_once(monkeypatch):
    parsed = []
    original = yaml.load
    monkeypatch.setattr(yaml, "load", lambda *a, **k: parsed.append(1) or original(*a, **k))
    load.get.cache_clear()
    first = catalog.get("switch", "qm9700")
    assert catalog.get("switch", "qm9700") is first
    assert len(parsed) == 1


def test_a_missing_price_is_refused_with_the_reason():
    book = catalog.get("price-book", "market-2026")
    assert catalog.price(book, "switch/qm9700").mode == 36_000.0
    with pytest.raises(ParameterError, match="switch/sn6800: no price has been published"):
        catalog.price(book, "switch/sn6800")
    with pytest.raises(ParameterError, match="does not know switch/qm9701"):
        catalog.price(book, "switch/qm9701")


def test_every_quantity_of_a_part_is_walked():
    found = dict(catalog.walk_quantities(catalog.get("accelerator", "h100-sxm")))
    assert set(found) == {
        "peak_flops_per_s.bf16",
        "peak_flops_per_s.fp16",
        "peak_flops_per_s.fp8",
        "hbm_bytes",
        "hbm_bytes_per_s",
        "power_w",
        "host_bytes_per_s",
    }
    assert found["peak_flops_per_s.bf16"].mode == 989.5e12


def test_the_documentation_runs_and_knows_every_kind():
    page = Path(__file__).parents[2] / "docs" / "catalog.md"
    failed, tried = doctest.testfile(str(page), module_relative=False)
    assert tried >= 5
    assert failed == 0
    text = page.read_text()
    assert all(f"| `{kind}` |" in text for kind in (*catalog.kinds(), "model"))
