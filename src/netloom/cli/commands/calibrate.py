"""``netloom calibrate``: constants of training software from a user's own measured runs."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

if TYPE_CHECKING:
    from rich.console import Console

    from netloom.calibrate import Calibration, FittedConstant, ReleaseFit
    from netloom.validation.step_rows import RefusedRow, StepRow

app = App(name="calibrate", help="Fit constants of the catalogue to your own measurements.")

_ENDINGS = (".yaml", ".yml")


@app.command
def step(
    rows: Path,
    /,
    *,
    software: str | None = None,
    write: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Fit at most two constants per accelerator and software release to measured steps.

    Parameters
    ----------
    rows
        CSV file of measured steps, in a format of netloom validate step --rows.
    software
        Catalogue part that the rows ran on; what the table says when left out.
    write
        File for the software part with the fitted constants, which a study can name.
    json
        Print JSON instead of tables.
    """
    from netloom.calibrate import calibrate
    from netloom.validation.step_formats import read_rows

    if write is not None:
        _check_target(write)
    found = calibrate(_under(software, row) for row in read_rows(rows))
    if write is not None:
        import datetime

        from netloom.calibrate import part_text

        text = part_text(found.fits, str(rows), datetime.date.today())
        write.write_text(text, encoding="utf-8", newline="\n")
        print(f"wrote {write}", file=sys.stderr)
    if json:
        import json as encoder

        document = encoder.dumps(_document(found), indent=1, ensure_ascii=False, allow_nan=False)
        sys.stdout.write(document + "\n")
        return
    from netloom.cli.console import output

    _print(found, output())


def _check_target(path: Path) -> None:
    from netloom.cli.settings import check_file
    from netloom.errors import ParameterError

    check_file(path)
    if path.suffix not in _ENDINGS:
        raise ParameterError(
            f"--write {path} does not end in .yaml", hint=f"write {path.with_suffix('.yaml')}"
        )


def _under(software: str | None, row: StepRow | RefusedRow) -> StepRow | RefusedRow:
    """Return a row as one of the software that the user names, if any."""
    from netloom import catalog
    from netloom.errors import ParameterError, nearest
    from netloom.validation.step_rows import StepRow

    if software is None or not isinstance(row, StepRow):
        return row
    if software not in catalog.names("software"):
        raise ParameterError(
            f"unknown software '{software}'", hint=nearest(software, catalog.names("software"))
        )
    return replace(row, software=software, stand_in="")


def _document(found: Calibration) -> dict[str, Any]:
    """Return a calibration as JSON has it; `docs/cli.md` lists its keys."""
    return {
        "fits": [_fit_document(fit) for fit in found.fits],
        "left_out": dict(found.left_out),
    }


def _fit_document(fit: ReleaseFit) -> dict[str, Any]:
    kinds = ("before", "after", "left_out")
    return {
        "software": fit.software,
        "accelerator": fit.accelerator,
        "constants": [
            {
                "name": constant.name,
                "catalogue": constant.catalogue,
                "value": constant.value,
                "low": constant.low,
                "high": constant.high,
                "bounds": constant.bounds,
                "at_bound": constant.at_bound,
                "num_rows": constant.num_rows,
            }
            for constant in fit.constants
        ],
        "rows": [
            {
                "id": row.row.row.id,
                "precision": row.row.row.precision,
                "plan": row.row.plan_text,
                "chosen": row.row.chosen,
                "measured_s": row.row.row.measured_step_s,
                "before_s": row.before_s,
                "after_s": row.after_s,
                "left_out_s": row.left_out_s,
                "weight": row.weight,
            }
            | {f"{kind}_error": error for kind, error in zip(kinds, row.errors, strict=True)}
            for row in fit.rows
        ],
        "median_errors": dict(zip(kinds, fit.median_errors, strict=True)),
        "notes": fit.notes,
        "warnings": fit.warnings,
    }


def _print(found: Calibration, console: Console) -> None:
    for fit in found.fits:
        _print_fit(fit, console)
    if found.left_out:
        console.print("not fitted to:", style="bold")
        for name, reason in found.left_out.items():
            console.print(f"  {name}: {reason}", soft_wrap=True, markup=False, style="dim")


def _print_fit(fit: ReleaseFit, console: Console) -> None:
    """Print one accelerator's constants, its rows, and what there is to say of them."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from netloom.units import show
    from netloom.validation.markdown import shown

    constants = Table(
        title=f"{fit.software} on {fit.accelerator}",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
    )
    constants.add_column("constant")
    for heading in ("catalogue", "fitted", "95 % interval", "rows"):
        constants.add_column(heading, justify="right", no_wrap=True)
    for constant in fit.constants:
        constants.add_row(
            constant.name,
            show(constant.catalogue, constant.dimension),
            show(constant.value, constant.dimension, 4),
            _interval(constant),
            str(constant.num_rows),
        )
    console.print(constants)
    rows = Table(box=box.SIMPLE_HEAD)
    rows.add_column("row")
    for heading in ("measured", "catalogue", "fitted", "left out", "weight"):
        rows.add_column(heading, justify="right", no_wrap=True)
    for row in fit.rows:
        rows.add_row(
            Text(row.row.row.id),
            shown(row.row.row.measured_step_s, "s"),
            *map(_error, row.errors),
            f"{row.weight:.2f}",
        )
    rows.add_section()
    rows.add_row("median, absolute", "", *map(_error, fit.median_errors), "")
    console.print(rows)
    for note in fit.notes:
        console.print(note, soft_wrap=True, markup=False, style="dim")
    for warning in fit.warnings:
        console.print(f"warning: {warning}", soft_wrap=True, markup=False, style="bold yellow")
    console.print()


def _interval(constant: FittedConstant) -> str:
    from netloom.units import show

    if constant.low is None or constant.high is None:
        return "none"
    return " to ".join(show(value, constant.dimension) for value in (constant.low, constant.high))


def _error(fraction: float) -> str:
    """Return an error in percent; what rounding leaves of a row that is met exactly is none."""
    from netloom.units import show

    return show(0.0 if abs(fraction) < 1e-9 else fraction, "fraction")
