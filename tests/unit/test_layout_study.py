"""A study's switches per tier, quotes and layout rules, from the file to the bill."""

from __future__ import annotations

import pytest

from netloom import catalog, evaluate
from netloom.cost.money import network_capex
from netloom.errors import StudyError
from netloom.resolve import checks, resolve
from netloom.schema.load import load

STUDY = """\
version: 1
name: pods
model: llama-3.1-8b
goal: {tokens: 1T, batch_sequences: 512, sequence: 4096}
cluster: {accelerators: 1024, node: dgx-h100, nic: connectx-7}
networks:
  - name: pods
    fabric: {kind: pods, pod_hosts: 512, radix: [64, 576, 576]}
    switch: {leaf: tomahawk-4, spine: arista-7816r3, core: arista-7816r3}
    protocol: roce-v2
"""


def resolved(folder, text):
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return resolve(load(path, [checks(folder)]), folder)


def bill(folder, text):
    found = resolved(folder, text)
    (network,) = found.networks
    return evaluate.prepare(evaluate.start(found), network, seed=0).bom


def refusal(folder, text):
    with pytest.raises(StudyError) as caught:
        resolved(folder, text)
    (problem,) = caught.value.problems
    return problem


def test_each_tier_is_billed_as_the_switch_that_it_is(tmp_path):
    lines = {line.used_in: line for line in bill(tmp_path, STUDY) if line.group == "switches"}
    assert {tier: line.part for tier, line in lines.items()} == {
        "leaf": "switch/tomahawk-4",
        "spine": "switch/arista-7816r3",
        "core": "switch/arista-7816r3",
    }
    chassis_w = float(catalog.get("switch", "arista-7816r3").power_w)
    assert lines["spine"].unit_power_w == chassis_w


@pytest.mark.parametrize(
    ("switch", "where", "message", "hint"),
    [
        ("tomahawk-4", "switch", "a spine switch needs 576 ports, tomahawk-4 has 64",
         "{leaf: ..., spine: ..., core: ...}"),
        ("{leaf: tomahawk-4, spine: arista-7816r3}", "switch", "no switch is named for tier core",
         "core: ..."),
        ("{spine: arista-7816r3, leaf: tomahawk-4, core: arista-7816r3}", "switch",
         "spine is named first, the hosts are on leaf", "write leaf first"),
        ("{leaf: tomahawk-4, spine: arista-7816r3, core: arista-7816r3, top: qm8700}",
         "switch.top", "qm8700 does not speak roce-v2", ""),
        ("{leaf: tomahawk-4, spine: arista-7816, core: arista-7816r3}", "switch.spine",
         "unknown switch 'arista-7816'", "arista-7816r3"),
    ],
)  # fmt: skip
def test_tiers_and_switches_must_match(tmp_path, switch, where, message, hint):
    old = "{leaf: tomahawk-4, spine: arista-7816r3, core: arista-7816r3}"
    path = tmp_path / "study.yaml"
    path.write_text(STUDY.replace(old, switch), encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        load(path, [checks(tmp_path)])
    found = {
        (problem.where, message in problem.message, hint in problem.hint)
        for problem in caught.value.problems
    }
    places = {place for place, said, way_out in found if said and way_out}
    assert places & {f"networks[0].{where}", "networks[0].protocol"}


def test_a_quote_replaces_the_price_of_one_part(tmp_path):
    quoted = STUDY + "economics: {quotes: {switch/tomahawk-4: 20 k$}, adjust: {switches: -10%}}\n"
    lines = {line.used_in: line for line in bill(tmp_path, quoted) if line.group == "switches"}
    assert lines["leaf"].unit_usd.mode == lines["leaf"].unit_usd.low == 20_000
    book = catalog.get("price-book", "market-2026")
    chassis = book.prices["switch/arista-7816r3"].mode
    assert lines["spine"].unit_usd.mode == pytest.approx(0.9 * chassis)


def test_a_quote_for_an_unknown_part_is_refused_with_the_nearest(tmp_path):
    problem = refusal(tmp_path, STUDY + "economics: {quotes: {switch/tomahawk4: 20 k$}}\n")
    assert problem.where == "economics.quotes"
    assert "switch/tomahawk-4" in problem.hint
    assert problem.line == 11


def test_list_or_contract_basis_is_a_price_book(tmp_path):
    market = network_capex(bill(tmp_path, STUDY)).mode
    contract = network_capex(bill(tmp_path, STUDY + "economics: {prices: contract-2026}\n")).mode
    assert contract < market


def test_stocked_lengths_ascend(tmp_path):
    problem = refusal(tmp_path, STUDY + "layout: {fibre_lengths: [10 m, 5 m]}\n")
    assert problem.where == "layout.fibre_lengths"


def test_layout_rules_of_a_study_reach_the_bill(tmp_path):
    text = STUDY + "layout: {fibre_lengths: [40 m], copper_lengths: [3 m]}\n"
    titles = [line.title for line in bill(tmp_path, text) if line.group == "cables"]
    assert titles
    assert all(title.endswith((" 3 m", " 40 m")) for title in titles)
