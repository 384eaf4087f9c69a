"""``netloom validate``: published numbers, computed again."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    from rich.console import Console

    from netloom.validation import ValidationReport


def validate(*categories: str, json: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Compute published numbers again and show the error of each.

    Parameters
    ----------
    categories
        Only these categories; all when left out.
    json
        Print the rows as JSON.
    """
    from netloom import validation

    report = validation.run(categories)
    if json:
        import json as encoder

        document = {"passed": report.passed, **dataclasses.asdict(report)}
        sys.stdout.write(encoder.dumps(document, indent=1, ensure_ascii=False) + "\n")
    else:
        from netloom.cli.console import output

        print_report(report, output())
    return 0 if report.passed else 1


def print_report(report: ValidationReport, console: Console) -> None:
    """Print every row by category, and the median error of each category."""
    from statistics import median

    from rich import box
    from rich.table import Table
    from rich.text import Text

    from netloom.units import show

    rows_of: dict[str, list[Any]] = {}
    for row in report.rows:
        rows_of.setdefault(row.category, []).append(row)
    for category, rows in rows_of.items():
        table = Table(title=category, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        table.add_column("case")
        for heading in ("published", "computed", "error", "tolerance"):
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("")
        for row in rows:
            verdict = Text("ok", "green") if row.passed else Text("MISSED", "bold red")
            unit = f" {row.unit}" if row.unit else ""
            table.add_row(
                row.name,
                f"{row.published:,.6g}{unit}",
                f"{row.computed:,.6g}{unit}",
                show(row.error_fraction, "fraction"),
                show(row.tolerance_fraction, "fraction"),
                verdict,
            )
        console.print(table)
        missed = sum(not row.passed for row in rows)
        middle = show(median(abs(row.error_fraction) for row in rows), "fraction")
        console.print(f"{category}: {len(rows)} rows, median error {middle}, {missed} missed\n")
