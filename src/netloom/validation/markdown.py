"""The accuracy page of the documentation: a validation report as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netloom.units import show
from netloom.validation import CATEGORIES, Row, Summary, ValidationReport
from netloom.validation.details import Detail, after_rows

_OPENING = """# Accuracy

Written by `netloom validate --markdown`; every number is computed again by `netloom validate`.

A *test* row was not used to choose any number of netloom. A *calibration* row was: a constant of
the catalogue was fitted to it or copied from it, so its error proves nothing. The two are never
mixed. Errors are computed over published, less one. Tolerances are promises; a row beyond its
tolerance is MISSED. Tolerances, and inputs that a source leaves open, were set with the errors in
view, so a passed row says that a promise still holds and not that it was made blindly. Categories
whose name ends in "-unpromised" hold what netloom cannot predict well: their errors are shown, and
no row can miss.
"""


def to_markdown(report: ValidationReport) -> str:
    """Return the page: a summary table, then every category with its rows, notes and sources."""
    parts = [_OPENING, "## Summary\n", *_summary_lines(report.summaries)]
    for category in dict.fromkeys(row.category for row in report.rows):
        parts += ["", f"## {category}", "", _meaning(category)]
        for summary in report.summaries:
            if summary.category == category:
                rows = [
                    row
                    for row in report.rows
                    if (row.category, row.role) == (category, summary.role)
                ]
                parts += ["", f"### {category}: {summary.role}", "", *_row_lines(rows)]
        for detail in after_rows(category):
            parts += ["", f"### {category}: {detail.title}", "", *_detail_lines(detail)]
    return "\n".join(parts) + "\n"


def _meaning(category: str) -> str:
    """Return the module's text: what the category holds and what it promises."""
    return (CATEGORIES.get(category).__doc__ or "").strip()


def _summary_lines(summaries: Sequence[Summary]) -> Iterator[str]:
    yield "| category | role | rows | missed | median error | 90th percentile | bias |"
    yield "|---|---|---|---|---|---|---|"
    for summary in summaries:
        errors = (
            show(value, "fraction")
            for value in (summary.median, summary.percentile_90, summary.bias)
        )
        yield _line(
            summary.category, summary.role, str(summary.num_rows), str(summary.num_missed), *errors
        )


def _row_lines(rows: Sequence[Row]) -> Iterator[str]:
    sources = numbered(row.source for row in rows)
    notes = numbered(row.note for row in rows if row.note)
    yield "| case | published | computed | error | tolerance | | source | note |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in rows:
        yield _line(
            row.name,
            shown(row.published, row.unit),
            shown(row.computed, row.unit),
            show(row.error_fraction, "fraction"),
            tolerance(row),
            verdict(row),
            f"S{sources[row.source]}",
            f"N{notes[row.note]}" if row.note else "",
        )
    yield ""
    for sign, texts in (("S", sources), ("N", notes)):
        yield from (f"- {sign}{position}: {text}" for text, position in texts.items())


def _detail_lines(detail: Detail) -> Iterator[str]:
    yield _line(*detail.headings)
    yield "|" + "---|" * len(detail.headings)
    yield from (_line(*line) for line in detail.lines)


def _line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def numbered(texts: Iterator[str]) -> dict[str, int]:
    """Return a number, from 1, for each distinct text in order of appearance.

    Examples
    --------
    >>> numbered(iter(["b", "a", "b"]))
    {'b': 1, 'a': 2}
    """
    return {text: position for position, text in enumerate(dict.fromkeys(texts), start=1)}


def shown(value: float, unit: str) -> str:
    """Return a published or computed number with its unit, six digits of it.

    Examples
    --------
    >>> shown(364.65, "GB/s"), shown(131072, "")
    ('364.65 GB/s', '131,072')
    """
    number = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.6g}"
    return f"{number} {unit}".rstrip()


def tolerance(row: Row) -> str:
    """Return a row's tolerance in words: exact, a fraction, or that nothing is promised."""
    if row.tolerance_fraction == float("inf"):
        return "not promised"
    return "exact" if row.tolerance_fraction == 0 else show(row.tolerance_fraction, "fraction")


def verdict(row: Row) -> str:
    """Return ok or MISSED, or nothing where nothing is promised."""
    if row.tolerance_fraction == float("inf"):
        return ""
    return "ok" if row.passed else "MISSED"
