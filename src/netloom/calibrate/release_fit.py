"""Constants of one accelerator under one software release, fitted to its measured steps.

What is made small is the sum of squares of ``log(predicted / measured)`` of seconds, so that a
short step counts as much as a long one. At most two constants are fitted:

1. the efficiency of matrix products, one for each width of them that the rows have, of the widths
   with the most rows at most two;
2. where one width leaves room, and one accelerator only is in the release's rows, a time:
   `expert_launch_s` where rows have experts, or else `step_overhead_s` where their numbers of
   microbatches differ. A time is kept when the rows can tell it from the efficiency and its
   interval excludes the value of the catalogue; else it stays as it is and its reason is said.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from netloom.calibrate.robust_fit import Box, Vector, fit, interval, jacobian, weights
from netloom.calibrate.measured_row import TIMES, MeasuredRow, measured_rows
from netloom.errors import ParameterError
from netloom.units import show
from netloom.validation import quantile
from netloom.validation.step_rows import RefusedRow, StepRow

#: Constants of one accelerator and release, at most.
MOST_CONSTANTS = 2

#: Rows below which no time is fitted beside an efficiency, and rows per constant that do not warn.
_FEWEST_FOR_TIME, _FEWEST_PER_CONSTANT = 4, 3

#: Least sine of the angle between two constants' derivatives at which rows tell them apart.
_LEAST_SINE = 0.1

#: Bounds of an efficiency, and of the time of an expert; a step's own is half the shortest step.
_EFFICIENCY_BOUNDS, _MOST_EXPERT_S = (0.05, 1.0), 0.01


@dataclass(frozen=True)
class FittedConstant:
    """One constant, as the catalogue has it and as it was fitted.

    Attributes
    ----------
    name : field of the software part, or of its calibration of the accelerator.
    low, high : 95 % interval by profile likelihood; None with too few rows.
    bounds : between which it was looked for.
    num_rows : rows that depend on it.
    """

    name: str
    catalogue: float
    value: float
    low: float | None
    high: float | None
    bounds: tuple[float, float]
    num_rows: int

    @property
    def dimension(self) -> str:
        """Dimension of `netloom.units` in which it is shown."""
        return "time" if self.name.endswith("_s") else "fraction"

    @property
    def at_bound(self) -> bool:
        """Whether it sits at a bound."""
        return self.value in self.bounds


@dataclass(frozen=True)
class FittedRow:
    """One row's seconds: with the catalogue's constants, fitted, and fitted to all rows but it."""

    row: MeasuredRow
    before_s: float
    after_s: float
    left_out_s: float

    @property
    def errors(self) -> tuple[float, float, float]:
        """Predicted over measured less one: before, after, and left out of the fit."""
        measured_s = self.row.row.measured_step_s
        before, after, left_out = (
            seconds / measured_s - 1.0 for seconds in (self.before_s, self.after_s, self.left_out_s)
        )
        return before, after, left_out


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
        columns = zip(*(row.errors for row in self.rows), strict=True)
        before, after, left_out = (
            quantile(sorted(abs(error) for error in column), 0.5) for column in columns
        )
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
        kept = [row for row in group if row.efficiency in widths]
        left_out |= {
            row.row.id: f"{' and '.join(widths)} of {accelerator} are fitted, and no more than "
            f"{MOST_CONSTANTS} constants"
            for row in group
            if row.efficiency not in widths
        }
        fits.append(_release_fit(software, accelerator, kept, releases.count(software) == 1))
    return Calibration(tuple(fits), left_out)


def _widths(rows: Sequence[MeasuredRow]) -> tuple[str, ...]:
    """Return the efficiencies with the most rows."""
    names = [row.efficiency for row in rows]
    ordered = sorted(dict.fromkeys(names), key=lambda name: -names.count(name))
    return tuple(ordered[:MOST_CONSTANTS])


def _release_fit(
    software: str, accelerator: str, rows: Sequence[MeasuredRow], alone: bool
) -> ReleaseFit:
    names = _widths(rows)
    times, notes = _times_to_try(rows, alone)
    problem = Problem(rows, names)
    for time in times if len(names) < MOST_CONSTANTS else ():
        wider = Problem(rows, (*names, time))
        if reason := wider.refusal():
            notes.append(reason)
        else:
            problem = wider
            break
    best = problem.best()
    constants = tuple(problem.fitted(best, place) for place in range(len(problem.names)))
    without = [
        Problem([other for other in rows if other is not row], problem.names).best() for row in rows
    ]
    lines = tuple(
        FittedRow(
            row,
            row.step_s({}),
            row.step_s(problem.named(best)),
            row.step_s(problem.named(values)),
        )
        for row, values in zip(rows, without, strict=True)
    )
    notes += _computed_with(rows)
    return ReleaseFit(
        software, accelerator, constants, lines, tuple(notes), tuple(_warnings(constants, lines))
    )


class Problem:
    """Rows and the names of the constants to fit to them: one problem of least squares."""

    def __init__(self, rows: Sequence[MeasuredRow], names: tuple[str, ...]) -> None:
        self.rows, self.names = rows, names
        bounds = [_bounds(name, rows) for name in names]
        self.box = Box(*np.array(bounds, dtype=np.float64).T)

    def named(self, values: Vector) -> dict[str, float]:
        """Return values by their constants' names."""
        return dict(zip(self.names, map(float, values), strict=True))

    def residuals(self, values: Vector) -> Vector:
        """Return ``log(predicted / measured)`` of each row, float64, shape (N,)."""
        constants = self.named(values)
        return np.array(
            [math.log(row.step_s(constants) / row.row.measured_step_s) for row in self.rows]
        )

    def best(self) -> Vector:
        """Return the values of least squares; without rows, those of the catalogue."""
        if not self.rows:
            return self.box.low
        return fit(self.residuals, self.catalogue(), self.box)

    def catalogue(self) -> Vector:
        """Return the catalogue's values, from which the search starts."""
        return np.array([self._catalogue(name) for name in self.names])

    def _catalogue(self, name: str) -> float:
        rows = [row for row in self.rows if name in (row.efficiency, *TIMES)] or self.rows
        return rows[0].catalogue_value(name)

    def fitted(self, best: Vector, place: int) -> FittedConstant:
        """Return one constant with its interval."""
        name = self.names[place]
        found = interval(self.residuals, best, place, self.box)
        low, high = found if found is not None else (None, None)
        return FittedConstant(
            name, self._catalogue(name), float(best[place]), low, high,
            (float(self.box.low[place]), float(self.box.high[place])),
            sum(name in (row.efficiency, *TIMES) for row in self.rows),
        )  # fmt: skip

    def refusal(self) -> str:
        """Return why the last constant, a time, is not worth fitting; empty when it is."""
        name, best = self.names[-1], self.best()
        slopes = jacobian(self.residuals, best, self.box)
        lengths = np.linalg.norm(slopes, axis=0)
        if not lengths.all():
            return f"{name} is not fitted: no step depends on it"
        cosine = float(slopes[:, 0] @ slopes[:, 1] / lengths.prod())
        if math.sqrt(max(0.0, 1.0 - cosine**2)) < _LEAST_SINE:
            return f"{name} is not fitted: the rows cannot tell it from {self.names[0]}"
        constant = self.fitted(best, len(best) - 1)
        if constant.low is None or constant.high is None:
            return f"{name} is not fitted: too few rows"
        if constant.low <= constant.catalogue <= constant.high:
            low, high, stays = (
                show(value, constant.dimension)
                for value in (constant.low, constant.high, constant.catalogue)
            )
            return f"{name} stays at {stays}: the rows leave it between {low} and {high}"
        return ""


def _bounds(name: str, rows: Sequence[MeasuredRow]) -> tuple[float, float]:
    if name == "expert_launch_s":
        return 0.0, _MOST_EXPERT_S
    if name == "step_overhead_s":
        return 0.0, 0.5 * min((row.row.measured_step_s for row in rows), default=1.0)
    return _EFFICIENCY_BOUNDS


def _times_to_try(rows: Sequence[MeasuredRow], alone: bool) -> tuple[list[str], list[str]]:
    """Return times that could be fitted, the first first, and why others cannot."""
    experts = any(row.has_experts for row in rows)
    counts = {row.num_micro_batches for row in rows}
    possible = ["expert_launch_s"] * experts + ["step_overhead_s"] * (len(counts) > 1)
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


def _computed_with(rows: Sequence[MeasuredRow]) -> list[str]:
    """Return which software stands in, and how many plans were chosen."""
    stand_ins = dict.fromkeys(
        f"{row.row.software} {row.row.stand_in}" for row in rows if row.row.stand_in
    )
    chosen = sum(bool(row.chosen) for row in rows)
    plans = [f"sizes that {chosen} rows leave blank were chosen with the catalogue's constants"]
    return [*stand_ins, *(plans if chosen else [])]


def _warnings(constants: Sequence[FittedConstant], rows: Sequence[FittedRow]) -> list[str]:
    found = []
    for constant in constants:
        if constant.at_bound:
            value = show(constant.value, constant.dimension)
            found.append(f"{constant.name} sits at the bound of {value}: the rows ask for more")
        if constant.num_rows < _FEWEST_PER_CONSTANT:
            found.append(
                f"{constant.name} rests on {constant.num_rows} row"
                f"{'' if constant.num_rows == 1 else 's'}; {_FEWEST_PER_CONSTANT} are few"
            )
    if len(rows) > 1:
        if len({(row.row.row.shape, row.row.row.accelerators) for row in rows}) == 1:
            found.append("all rows are of one model on one number of accelerators")
        before, _, left_out = (_mean_square(rows, place) for place in range(3))
        if left_out >= before:
            found.append(
                "rows left out of the fit are predicted no better than by the catalogue's constants"
            )
    return found


def _mean_square(rows: Sequence[FittedRow], place: int) -> float:
    return sum(math.log1p(row.errors[place]) ** 2 for row in rows) / len(rows)
