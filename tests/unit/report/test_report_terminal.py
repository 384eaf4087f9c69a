"""The table in the terminal."""

import dataclasses
import io

import pytest
from rich.console import Console

from netloom.report.terminal import print_result


def printed(result, width=120, terminal=False, top=None):
    file = io.StringIO()
    print_result(result, Console(file=file, width=width, force_terminal=terminal), top=top)
    return file.getvalue()


def test_answer_names_ranking_limits_verdict_refusals_and_weak_inputs(sample):
    text = printed(sample, width=140)
    places = [text.index(candidate.name) for candidate in sample.candidates]
    assert places == sorted(places)
    flat = " ".join(text.split())
    for candidate in sample.candidates:
        assert candidate.limit in flat
        assert str(candidate.plan) in flat
    assert sample.verdict in flat
    assert sample.refused[0].reason in flat
    assert "2 inputs with weak evidence" in flat


@pytest.mark.parametrize("width", [80, 100, 120, 140])
def test_output_without_a_terminal_is_plain_and_fits_the_width(sample, width):
    text = printed(sample, width=width)
    assert text.isascii()
    assert max(len(line) for line in text.splitlines()) <= width
    assert "74.1" in text
    assert "81.8" in text


@pytest.mark.parametrize("width", [60, 76, 80, 88, 98, 120])
def test_a_narrow_ranking_leaves_columns_out_and_cuts_none(sample, width):
    text = printed(sample, width=width)
    ranking = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in ranking)
    assert "…" not in text
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in ranking[2:]]
    assert [row[0] for row in rows if row[0]] == [str(each.rank) for each in sample.candidates]
    assert " ".join(row[1] for row in rows).split() == [
        word for each in sample.candidates for word in each.name.split()
    ]


def test_terminal_gets_colours(sample):
    assert "\x1b[" in printed(sample, terminal=True)


def test_bars_are_in_proportion_to_the_step(sample):
    lines = [line for line in printed(sample).splitlines() if "####" in line]
    lengths = [len(line.split()[1]) for line in lines]
    assert lengths[-1] == 40  # the longest step fills the bar
    for length, candidate in zip(lengths, sample.candidates, strict=True):
        exact = 40 * candidate.step_s / sample.candidates[-1].step_s
        assert abs(length - exact) <= 0.5
    assert lines[-1].count("d") > 4 * lines[0].split()[1].count("d")


def test_top_shows_the_first_candidates_and_counts_the_rest(sample):
    text = printed(sample, top=2)
    assert sample.candidates[2].name not in text
    assert "4 more candidates not shown" in text


def test_names_are_no_markup_and_nothing_fits_is_said(sample):
    odd = dataclasses.replace(sample.candidates[0], name="[red]x[/red]")
    assert "[red]x[/red]" in printed(dataclasses.replace(sample, candidates=(odd,), study="[b]s"))
    empty = dataclasses.replace(
        sample, candidates=(), winner="", verdict="No candidate can carry the run."
    )
    assert "No candidate can carry the run." in printed(empty)
