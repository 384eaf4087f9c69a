"""Constants of one accelerator under one software release, fitted to its measured steps.

What is made small are the squares of ``log(predicted / measured)`` of seconds, so that a short step
counts as much as a long one. At most two constants are fitted:

1. the efficiency of matrix products, one for each width of them that the rows have, of the widths
   with the most rows at most two;
2. where one width leaves room, and one accelerator only is in the release's rows, a time:
   `expert_launch_s` where rows have experts, or else `step_overhead_s` where their numbers of
   microbatches differ. A time is kept when the rows can tell it from the efficiency and its
   interval excludes the value of the catalogue; else it stays as it is and its reason is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from netloom.calibrate.measured_row import MeasuredRow, measured_rows
from netloom.calibrate.problem import FittedConstant, Problem
from netloom.calibrate.robust_fit import weights
from netloom.errors import ParameterError
from netloom.units import show
from netloom.validation import quantile
from netloom.validation.step_rows import RefusedRow, StepRow

#: Constants of one accelerator and release, at most.
MOST_CONSTANTS = 2

#: Rows below which no time is fitted beside an efficiency, and rows per constant that do not warn.
_FEWEST_FOR_TIME, _FEWEST_PER_CONSTANT = 4, 3

#: Weight below which a row is named: twice the spread away.
_LOW_WEIGHT = 0.5


@dataclass(frozen=True)
class FittedRow:
    """One row's seconds: with the catalogue's constants, fitted, and fitted to all rows but it.

    Attributes
    ----------
    weight : how much it counts in the fit, 1 for a row that the constants explain.
    """

    row: MeasuredRow
    before_s: float
    after_s: float
    left_out_s: float
    weight: float

    @property
    def errors(self) -> tuple[float, float, float]:
        """Predicted over measured less one: before, after, and left out of the fit."""
        measured_s = self.row.row.measured_step_s
        return (
            self.before_s / measured_s - 1.0,
            self.after_s / measured_s - 1.0,
            self.left_out_s / measured_s - 1.0,
        )


@dataclass(frozen=True)
class ReleaseFit:
    """Constants of one accelerator under one release.

    Attributes
    ----------
    notes : which constants were not fitted, and why; what the rows were computed with.
    warnings : why the constants may not be worth keeping.
    """

    software: str
    accelerator: str
    constants: tuple[FittedConstant, ...]
    rows: tuple[FittedRow, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def median_errors(self) -> tuple[float, float, float]:
        """Median absolute error before, after, and of rows left out of the fit."""
        before, after, left_out = (_median(self.rows, place) for place in range(3))
        return before, after, left_out


@dataclass(frozen=True)
class Calibration:
    """What was fitted to a table, and the rows that could not be fitted to, with their reason."""

    fits: tuple[ReleaseFit, ...]
    left_out: Mapping[str, str]


def calibrate(rows: Iterable[StepRow | RefusedRow]) -> Calibration:
    """Return the constants that fit measured steps best, by accelerator and software release.

    Raises
    ------
    ParameterError
        When there is no row to fit to; the hint says why each was left out.
    """
    found, left_out = measured_rows(rows)
    groups: dict[tuple[str, str], list[MeasuredRow]] = {}
    for row in found:
        groups.setdefault((row.row.software, row.accelerator), []).append(row)
    if not groups:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise ParameterError("no row has a step to fit to", hint=reasons or "the table is empty")
    releases = [software for software, _ in groups]
    fits = []
    for (software, accelerator), group in groups.items():
        widths = _widths(group)
        fits.append(
            _release_fit(
                [row for row in group if row.efficiency in widths], releases.count(software) == 1
            )
        )
        left_out |= {
            row.row.id: f"{' and '.join(widths)} of {accelerator} are fitted, and no more than "
            f"{MOST_CONSTANTS} constants"
            for row in group
            if row.efficiency not in widths
        }
    return Calibration(tuple(fits), left_out)


def _widths(rows: Sequence[MeasuredRow]) -> tuple[str, ...]:
    """Return the efficiencies with the most rows, the most first."""
    names = [row.efficiency for row in rows]
    ordered = sorted(dict.fromkeys(names), key=lambda name: -names.count(name))
    return tuple(ordered[:MOST_CONSTANTS])


def _release_fit(rows: Sequence[MeasuredRow], alone: bool) -> ReleaseFit:
    """Return the constants of rows of one accelerator and release; `alone`: of no other."""
    times, notes = _times_to_try(rows, alone)
    problem = Problem(rows, _widths(rows))
    best = problem.best()
    for time in times:
        wider = Problem(rows, (*problem.names, time))
        values = wider.best()
        if reason := wider.refusal(values):
            notes.append(reason)
        else:
            problem, best = wider, values
            break
    weight = weights(problem.residuals(best))
    lines = tuple(
        FittedRow(
            row,
            row.step_s({}),
            row.step_s(problem.named(best)),
            row.step_s(problem.named(problem.best_without(place, best))),
            float(weight[place]),
        )
        for place, row in enumerate(rows)
    )
    constants = tuple(problem.fitted(best, place) for place in range(len(best)))
    return ReleaseFit(
        rows[0].row.software,
        rows[0].accelerator,
        constants,
        lines,
        (*notes, *_computed_with(lines)),
        tuple(_warnings(constants, lines)),
    )


def _times_to_try(rows: Sequence[MeasuredRow], alone: bool) -> tuple[list[str], list[str]]:
    """Return times that could be fitted, the first first, and why others cannot."""
    experts = any(row.has_experts for row in rows)
    differ = len({row.num_micro_batches for row in rows}) > 1
    possible = ["expert_launch_s"] * experts + ["step_overhead_s"] * differ
    if not possible:
        return [], ["step_overhead_s is not fitted: all rows have the same number of microbatches"]
    said = " and ".join(possible)
    if len(_widths(rows)) == MOST_CONSTANTS:
        return [], [f"{said}: not fitted beside two efficiencies"]
    if not alone:
        return [], [
            f"{said}: not fitted, as the release has rows of several accelerators and one such "
            "time; calibrate the rows of one accelerator to fit it"
        ]
    if len(rows) < _FEWEST_FOR_TIME:
        return [], [f"{said}: not fitted to fewer than {_FEWEST_FOR_TIME} rows"]
    return possible, []


def _computed_with(rows: Sequence[FittedRow]) -> list[str]:
    """Return which software stands in, which plans were chosen, and which rows count little."""
    published = [row.row.row for row in rows]
    notes = list(
        dict.fromkeys(f"{row.software} {row.stand_in}" for row in published if row.stand_in)
    )
    if chosen := [row.row.row.id for row in rows if row.row.chosen]:
        notes.append(
            "sizes left blank were chosen with the catalogue's constants: " + ", ".join(chosen)
        )
    if little := [row.row.row.id for row in rows if row.weight < _LOW_WEIGHT]:
        notes.append(
            "no constant explains these rows, which count less than half: " + ", ".join(little)
        )
    return notes


def _warnings(constants: Sequence[FittedConstant], rows: Sequence[FittedRow]) -> list[str]:
    found = []
    for constant in constants:
        if constant.at_bound:
            value = show(constant.value, constant.dimension)
            found.append(f"{constant.name} sits at its bound of {value}: the rows ask for more")
        if constant.num_rows < _FEWEST_PER_CONSTANT:
            plural = "" if constant.num_rows == 1 else "s"
            found.append(
                f"{constant.name} rests on {constant.num_rows} row{plural}, too few to trust"
            )
    if len(rows) > 1:
        if len({(row.row.row.shape, row.row.row.accelerators) for row in rows}) == 1:
            found.append("all rows are of one model on one number of accelerators")
        if _median(rows, 2) >= _median(rows, 0):
            found.append(
                "rows left out of the fit are predicted no better than by the catalogue's constants"
            )
    return found


def _median(rows: Sequence[FittedRow], place: int) -> float:
    return quantile(sorted(abs(row.errors[place]) for row in rows), 0.5)
