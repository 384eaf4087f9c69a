"""Published training steps, in seconds.

Which rows calibrate is a rule and not a choice: those that a constant of an accelerator and
software release was fitted to, as ``data/step-roles.yaml`` states. All other rows are tests;
nothing was fitted to them. Rows whose software the catalogue lacks are computed with the nearest
part, as their note says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from netloom.validation import Row
from netloom.validation.details import Detail
from netloom.validation.published import DATA
from netloom.validation.step_categories import is_calibration, measurement_of
from netloom.validation.step_formats import FORMATS, read_rows
from netloom.validation.step_rows import RefusedRow, StepRow
from netloom.validation.step_score import ScoredRow, score
from netloom.validation.step_tables import details

#: Promised for single rows; medians and 90th percentiles are in the summary.
_TOLERANCE = 0.15


@cache
def shipped() -> tuple[StepRow | RefusedRow, ...]:
    """Return the rows of the tables that come with netloom."""
    return tuple(
        row for table in FORMATS for row in read_rows(DATA / "steps" / f"{table.NAME}.csv")
    )


@cache
def fitted() -> frozenset[object]:
    """Return the measurements that constants of the catalogue were fitted to."""
    return frozenset(
        measurement_of(row) for row in shipped() if isinstance(row, StepRow) and is_calibration(row)
    )


@cache
def _scored() -> tuple[ScoredRow, ...]:
    return tuple(score(shipped(), fitted()))


def score_file(path: Path) -> list[ScoredRow]:
    """Return the rows of a user's file with predictions."""
    return score(read_rows(path), fitted())


def rows() -> Iterator[Row]:
    """Yield one row per measured step that netloom predicts."""
    for item in _scored():
        if item.predicted_s is not None and item.measured_s is not None:
            yield Row(
                "step", item.row.id, "s", item.measured_s, item.predicted_s, _TOLERANCE,
                item.row.source, "calibration" if item.role == "calibration" else "test", item.note,
            )  # fmt: skip


def after_rows() -> Sequence[Detail]:
    """Return errors by category, regret by model, and the rows that netloom refuses."""
    return details(_scored())
