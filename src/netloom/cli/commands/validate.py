"""``netloom validate``: published numbers, computed again."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from netloom.validation import Row, Summary, ValidationReport
    from netloom.validation.details import Detail
    from netloom.validation.step_score import ScoredRow


def validate(
    *categories: str,
    rows: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
    markdown: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Compute published numbers again and show the error of each.

    Parameters
    ----------
    categories
        Only these categories; all when left out.
    rows
        Of the category step: predict the measured steps of this CSV file instead.
    json
        Print rows and summaries as JSON.
    markdown
        Print the documentation's page on accuracy.
    """
    if rows is not None:
        return _validate_rows(categories, rows, json=json, markdown=markdown)
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


def _validate_rows(categories: tuple[str, ...], path: Path, *, json: bool, markdown: bool) -> int:
    """Predict a user's own rows; nothing is promised of them, so none can miss."""
    from netloom.errors import ParameterError

    if categories != ("step",) or markdown:
        raise ParameterError(
            "--rows is for the category step, as a table or with --json",
            hint=f"write netloom validate step --rows {path}",
        )
    from netloom.validation.categories.step import score_file

    scored = score_file(path)
    if not scored:
        raise ParameterError(
            f"{path} has no rows", hint="write a run in each line below that of the columns"
        )
    if json:
        import json as encoder

        text = encoder.dumps(_rows_document(scored), indent=1, ensure_ascii=False, allow_nan=False)
        sys.stdout.write(text + "\n")
    else:
        from netloom.cli.console import output

        _print_rows(scored, output())
    return 0


def _rows_document(scored: list[ScoredRow]) -> dict[str, Any]:
    """Return rows, errors by category, drift and regret as JSON has them."""
    from netloom.validation import step_score

    return {
        "rows": [_row_document(item) for item in scored],
        "summaries": [dataclasses.asdict(item) for item in step_score.summaries(scored)],
        "drifts": [
            dataclasses.asdict(item) | {"drift": item.drift} for item in step_score.drifts(scored)
        ],
        "regrets": [dataclasses.asdict(item) for item in step_score.regrets(scored)],
        "num_refused": sum(bool(item.refused) for item in scored),
    }


def _row_document(item: ScoredRow) -> dict[str, Any]:
    row = item.row
    return {
        "id": row.id,
        "format": row.format,
        "source": row.source,
        "model": row.model,
        "software": getattr(row, "software", None),
        "role": item.role,
        "category": item.categories[0] if item.categories else None,
        "categories": item.categories,
        "predicted_s": item.predicted_s,
        "measured_s": item.measured_s,
        "error": item.error,
        "chosen": item.chosen,
        "plan": item.plan or None,
        "refused": item.refused or None,
        "note": item.note,
    }


def _print_rows(scored: list[ScoredRow], console: Console) -> None:
    """Print every predicted row with its categories, its notes below, and the errors."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from netloom.units import show
    from netloom.validation.markdown import numbered, shown
    from netloom.validation.step_tables import details

    found = [item for item in scored if item.predicted_s is not None]
    notes = numbered(item.note for item in found if item.note)
    table = Table(title="step", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    table.add_column("case", overflow="fold")
    table.add_column("categories")
    for heading in ("measured", "predicted", "error"):
        table.add_column(heading, justify="right", no_wrap=True)
    for item in found:
        mark = f" [{notes[item.note]}]" if item.note else ""
        table.add_row(
            Text(item.row.id + mark),
            ", ".join(item.categories) + (" (calibration)" if item.role == "calibration" else ""),
            "" if item.measured_s is None else shown(item.measured_s, "s"),
            shown(item.predicted_s or 0.0, "s"),
            "" if item.error is None else show(item.error, "fraction"),
        )
    console.print(table)
    for note, position in notes.items():
        console.print(f"[{position}] {note}", soft_wrap=True, markup=False, style="dim")
    _print_details(details(scored), console)


def _print_details(tables: Sequence[Detail], console: Console) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    for detail in tables:
        table = Table(
            title=detail.title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD
        )
        for heading in detail.headings:
            table.add_column(heading)
        for line in detail.lines:
            table.add_row(*map(Text, line))
        console.print(table)


def print_report(report: ValidationReport, console: Console) -> None:
    """Print every row by category and role, its notes below it, and the errors of all groups."""
    from netloom.validation.details import after_rows
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
    for category in dict.fromkeys(row.category for row in report.rows):
        _print_details(after_rows(category), console)
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
    table.add_column("case", overflow="fold")
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
    from netloom.validation.details import after_rows

    rows = [
        dataclasses.asdict(row) | {"error_fraction": row.error_fraction, "passed": row.passed}
        for row in report.rows
    ]
    summaries = [dataclasses.asdict(summary) for summary in report.summaries]
    return {
        "passed": report.passed,
        "summaries": [_finite(summary) for summary in summaries],
        "rows": [_finite(row) for row in rows],
        "details": {
            category: [dataclasses.asdict(detail) for detail in after_rows(category)]
            for category in dict.fromkeys(row.category for row in report.rows)
        },
    }


def _finite(entries: dict[str, Any]) -> dict[str, Any]:
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in entries.items()
    }
