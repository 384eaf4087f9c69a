"""Published numbers that ship with netloom, computed again."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from netloom import topology
from netloom.cli.app import main
from netloom.validation import CATEGORIES, Row, ValidationReport, run
from netloom.validation.fabrics import built, cases, measure
from netloom.validation.markdown import to_markdown
from netloom.validation.published import DATA, sources

ROOT = Path(__file__).parents[2]

#: Categories without a step simulation, all of which are quick.
QUICK = tuple(name for name in CATEGORIES.names() if name != "step")


@pytest.fixture(scope="module")
def report() -> ValidationReport:
    return run(QUICK)


def test_every_row_says_where_it_was_published_and_in_which_category(report):
    assert {row.category for row in report.rows} == set(QUICK)
    for row in report.rows:
        assert len(row.source) > 10, row.name
        assert math.isfinite(row.computed), row.name
    assert len({(row.category, row.name) for row in report.rows}) == len(report.rows)


@pytest.mark.parametrize("category", ["fabric", "radix"])
def test_counts_are_exact(report, category):
    rows = [row for row in report.rows if row.category == category]
    assert rows
    assert [row.name for row in rows if not row.passed] == []


def test_only_the_oversubscription_of_whole_links_is_no_exact_count(report):
    loose = [row for row in report.rows if row.category == "fabric" and row.tolerance_fraction]
    assert ["bisection share" in row.name for row in loose] == [True]


@pytest.mark.parametrize(
    "category",
    ["collective", "cost", "failure", "nic-efficiency", "nic-efficiency-simple", "parameters"],
)
def test_promises_are_kept(report, category):
    rows = [row for row in report.rows if row.category == category]
    assert rows
    assert [row.name for row in rows if not row.passed] == []


def test_what_is_not_promised_is_in_categories_of_its_own(report):
    for row in report.rows:
        unpromised = row.category.endswith("-unpromised")
        assert math.isinf(row.tolerance_fraction) == unpromised, row.name


def test_data_files_of_fabrics_name_families_and_are_all_used():
    files = {path.stem for path in (DATA / "fabric").glob("*.yaml")}
    assert files <= set(topology.kinds())
    assert {case["family"] for case in cases()} == files


def test_source_keys_of_this_package_do_not_hide_the_catalogues():
    from netloom import catalog
    from netloom.validation.published import read

    assert not set(read("sources.yaml")) & set(catalog.sources())
    assert set(sources()) == set(read("sources.yaml")) | set(catalog.sources())


def test_a_wrong_count_is_missed():
    """One spine more than the published eight is beyond a tolerance of zero."""
    (case,) = (case for case in cases() if case["name"] == "DGX H100 SuperPOD, 2 units")
    published = case["published"]["spine switches"]
    assert measure(built(case), "spine switches") == published
    assert not Row("fabric", "one more", "", published, published + 1, 0.0, "a table").passed


def test_a_ratio_is_of_two_fabrics_of_the_same_endpoints():
    for case in cases():
        if "over" in case:
            assert measure(built(case), "endpoints") == measure(built(case["over"]), "endpoints")


def report_of(*rows: Row) -> ValidationReport:
    return ValidationReport(rows)


def test_the_page_keeps_roles_apart_and_marks_misses():
    page = to_markdown(
        report_of(
            Row("cost", "a sum", "M$", 10.0, 12.0, 0.1, "a paper", note="in | dollars"),
            Row("cost", "a fit", "M$", 10.0, 10.0, 0.1, "a paper", role="calibration"),
            Row("cost-unpromised", "a site", "G$", 10.0, 20.0, math.inf, "a note"),
        )
    )
    lines = page.splitlines()
    assert "| cost | test | 1 | 1 | 20 % | 20 % | 20 % |" in lines
    assert "| cost | calibration | 1 | 0 | 0 % | 0 % | 0 % |" in lines
    assert "| a sum | 10 M$ | 12 M$ | 20 % | 10 % | MISSED | S1 | N1 |" in lines
    assert "| a site | 10 G$ | 20 G$ | 100 % | not promised |  | S1 |  |" in lines
    assert "- N1: in | dollars" in lines
    assert lines.index("### cost: test") < lines.index("### cost: calibration")


def test_the_accuracy_page_has_every_category():
    page = (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")
    headings = {line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")}
    assert headings >= set(CATEGORIES.names())


def test_markdown_is_an_option_of_the_command(capsys):
    assert main(["validate", "radix", "--markdown"]) == 0
    assert "## radix" in capsys.readouterr().out


def test_notes_are_footnotes_of_the_table(capsys):
    main(["validate", "failure"])
    lines = capsys.readouterr().out.splitlines()
    assert any("effective time [1]" in line for line in lines)
    assert any(line.startswith("[1] printed as above 90 %") for line in lines)
