"""Where a plan's money, power and failures come from: terminal, page, and what is complete."""

import re
from pathlib import Path

import pytest

from netloom import search
from netloom.catalog.quantity import GRADES
from netloom.cli.app import main
from netloom.cli.study import read
from netloom.money.trace import CAPEX, FAILURES, POWER, RUN, numbers_of_plan
from netloom.report import html

STUDY = Path(__file__).parents[2] / "examples" / "llama3-70b-512.yaml"


@pytest.fixture(scope="module")
def resolved():
    return read(STUDY)


@pytest.fixture(scope="module")
def result(resolved):
    return search.plan_study(resolved)


@pytest.fixture(scope="module")
def traced(resolved, result):
    return numbers_of_plan(resolved, result.candidates)


def test_numbers_come_worst_grade_first_and_once(traced):
    grades = [GRADES.index(each.number.grade) for each in traced]
    assert grades == sorted(grades, reverse=True)
    paths = [each.number.path for each in traced]
    assert len(paths) == len(set(paths))


def test_every_line_of_the_bill_and_every_cause_of_failure_is_traced(traced, result):
    known = {each.number.path: each for each in traced}
    for candidate in result.candidates:
        for line in candidate.bom:
            if line.group == "installation":
                continue
            price = known[f"price-book/market-2026.prices.{line.part}"]
            assert {CAPEX, RUN} <= set(price.figures)
            assert candidate.name in price.networks
            if line.power_w and not line.part.startswith("medium/"):
                assert POWER in known[f"{line.part}.power_w"].figures
        goodput = candidate.goodput
        causes = {**goodput.interruptions_per_day_by_cause, **goodput.degradations_per_day_by_cause}
        for cause in causes:
            if found := re.fullmatch(r"link .*\((.+)\)", cause):
                number = known[f"medium/{found[1]}.annual_failure_rate_per_end"]
                assert number.figures == (FAILURES, RUN)
                assert candidate.name in number.networks
    assert known["site-costs/us-2026.installation_fraction"].figures == (CAPEX, RUN)
    # what a plan leaves out is not named
    assert "site-costs/us-2026.capital_per_year" not in known


def test_a_change_and_a_quote_of_the_study_stand_among_the_sources(tmp_path):
    study = tmp_path / "study.yaml"
    text = STUDY.read_text(encoding="utf-8")
    study.write_text(
        text + "\neconomics: {adjust: {optics: -15%}, quotes: {switch/qm9700: 31 k$}}\n"
    )
    resolved = read(study)
    found = numbers_of_plan(resolved, search.plan_study(resolved).candidates)
    values = {each.number.path: each.number.value.mode for each in found}
    assert values["study.economics.adjust.optics"] == pytest.approx(0.85)
    assert values["study.economics.quotes.switch/qm9700"] == 31_000
    assert "price-book/market-2026.prices.switch/qm9700" not in values


def test_the_command_prints_sources_with_units_and_refuses_them_in_json(capsys):
    assert main(["plan", str(STUDY), "--sources"]) == 0
    said = capsys.readouterr().out
    assert "site-costs/us-2026.electricity_usd_per_j = 0.05 $/kWh to 0.12 $/kWh" in said
    assert "most likely 36 k$" in said
    assert "; in capex, run cost of rails on InfiniBand NDR" in said
    assert main(["plan", str(STUDY), "--sources", "--json"]) == 2
    assert "netloom cost STUDY --json" in capsys.readouterr().err


def test_a_negative_seed_is_refused(capsys):
    assert main(["plan", str(STUDY), "--seed", "-1"]) != 0
    captured = capsys.readouterr()
    assert "a seed is 0 to" in captured.out + captured.err


def test_the_page_has_a_row_for_every_number(result, traced):
    page = html.page(result, None, traced)
    section = page.split('<section id="sources">')[1].split("</section>")[0]
    assert section.count("<tr>") == 1 + len(traced)
    for each in traced:
        assert f"<code>{each.number.path}</code>" in section
    assert 'href="#sources"' in page
    assert 'id="sources"' not in html.page(result)
