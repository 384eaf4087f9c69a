"""The media example: five media on one fabric, and what `netloom cost` prints of them."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from netloom import search
from netloom.cli.study import read
from netloom.money import money_of
from netloom.report.cost import print_money

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def resolved():
    return read(EXAMPLES / "media-16k.yaml")


@pytest.fixture(scope="module")
def result(resolved):
    return search.plan_study(resolved)


@pytest.fixture(scope="module")
def answer(resolved, result):
    return money_of(resolved, result)


def test_the_example_prints_its_expected_money(answer):
    text = io.StringIO()
    print_money(answer, Console(file=text, width=120))
    expected = (EXAMPLES / "expected" / "media-16k.cost.txt").read_text(encoding="utf-8")
    # written by: netloom cost examples/media-16k.yaml > examples/expected/media-16k.cost.txt
    assert [line.rstrip() for line in text.getvalue().splitlines()] == [
        line.rstrip() for line in expected.splitlines()
    ]


def test_one_fabric_carries_all_five_media(result):
    assert not result.refused
    assert {each.name for each in result.candidates} == {
        "DSP", "LRO", "LPO", "CPO", "copper in the rack",
    }  # fmt: skip
    counts = [(each.counts.switches, each.counts.links) for each in result.candidates]
    assert counts == [counts[0]] * 5
    # the media differ in delay, which is all that the step can see of them
    steps = [each.step_s for each in result.candidates]
    assert max(steps) == pytest.approx(min(steps), rel=1e-3)


def test_media_are_ordered_by_power_money_and_failures_as_their_parts_are(answer):
    money = {each.name: each for each in answer.candidates}
    watts = {name: each.network_w.percentile_50 for name, each in money.items()}
    assert watts["DSP"] > watts["LRO"] > watts["LPO"] > watts["CPO"] > watts["copper in the rack"]
    capex = {name: each.network_capex_usd.percentile_50 for name, each in money.items()}
    assert capex["DSP"] > capex["LRO"] > capex["LPO"] > capex["copper in the rack"]
    failures = {name: each.network_failures_per_month.percentile_50 for name, each in money.items()}
    assert failures["CPO"] < failures["copper in the rack"] < failures["LPO"]
    assert money["CPO"].openness.one_vendor_fraction > 0.4
    assert money["LPO"].openness.one_vendor_fraction == 0.0
