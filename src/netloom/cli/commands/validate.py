"""``netloom validate``: published numbers, computed again."""

from __future__ import annotations

import dataclasses
import math
import sys
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from netloom.validation import Row, Summary, ValidationReport


def validate(
    *categories: str,
    json: Annotated[bool, Parameter(negative="")] = False,
    markdown: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Compute published numbers again and show the error of each.

    Parameters
    ----------
    categories
        Only these categories; all when left out.
    json
        Print rows and summaries as JSON.
    markdown
        Print the documentation's page on accuracy.
    """
    from netloom import validation

    report = validation.run(categories)
    if json:
        import json as encoder

        text = encoder.dumps(_document(report), indent=1, ensure_ascii=False, allow_nan=False)
        sys.stdout.write(text + "\n")
    elif markdown:
        from netloom.validation.markdown import to_markdown

        sys.stdout.write(to_markdown(report))
    else:
        from netloom.cli.console import output

        print_report(report, output())
    return 0 if report.passed else 1


def print_report(report: ValidationReport, console: Console) -> None:
    """Print every row by category and role, its notes below it, and the errors of all groups."""
    from netloom.validation.markdown import numbered

    for summary in report.summaries:
        rows = [
            row
            for row in report.rows
            if (row.category, row.role) == (summary.category, summary.role)
        ]
        notes = numbered(row.note for row in rows if row.note)
        console.print(_table(summary, rows, notes))
        for note, position in notes.items():
            console.print(f"[{position}] {note}", soft_wrap=True, markup=False, style="dim")
        console.print()
    for summary in report.summaries:
        console.print(_sentence(summary), soft_wrap=True, markup=False)


def _sentence(summary: Summary) -> str:
    from netloom.units import show

    return (
        f"{_title(summary)}: {summary.num_rows} rows, {summary.num_missed} missed; error "
        f"median {show(summary.median, 'fraction')}, "
        f"90th percentile {show(summary.percentile_90, 'fraction')}, "
        f"bias {show(summary.bias, 'fraction')}"
    )


def _title(summary: Summary) -> str:
    # a row to which a constant was fitted proves nothing and is never mixed with the others
    return (
        f"{summary.category} (calibration)" if summary.role == "calibration" else summary.category
    )


def _table(summary: Summary, rows: list[Row], notes: dict[str, int]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from netloom.units import show
    from netloom.validation.markdown import shown, tolerance, verdict

    table = Table(
        title=_title(summary), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD
    )
    table.add_column("case")
    for heading in ("published", "computed", "error", "tolerance"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    for row in rows:
        mark = f" [{notes[row.note]}]" if row.note else ""
        table.add_row(
            Text(row.name + mark),
            shown(row.published, row.unit),
            shown(row.computed, row.unit),
            show(row.error_fraction, "fraction"),
            tolerance(row),
            Text(verdict(row), "bold red" if verdict(row) == "MISSED" else "green"),
        )
    return table


def _document(report: ValidationReport) -> dict[str, Any]:
    """Return rows and summaries as JSON has them; an error without a bound is null."""
    rows = [
        dataclasses.asdict(row) | {"error_fraction": row.error_fraction, "passed": row.passed}
        for row in report.rows
    ]
    summaries = [dataclasses.asdict(summary) for summary in report.summaries]
    return {
        "passed": report.passed,
        "summaries": [_finite(summary) for summary in summaries],
        "rows": [_finite(row) for row in rows],
    }


def _finite(entries: dict[str, Any]) -> dict[str, Any]:
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in entries.items()
    }
