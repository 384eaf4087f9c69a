"""Rows, the constants to fit to them, and which constants the rows can tell apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netloom.calibrate.measured_row import MeasuredRow
from netloom.calibrate.robust_fit import Box, Vector, fit, interval, jacobian, refit
from netloom.units import show

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


class Problem:
    """Rows of one accelerator and release, at least one, and the constants to fit to them."""

    def __init__(self, rows: Sequence[MeasuredRow], names: tuple[str, ...]) -> None:
        self.rows, self.names = rows, names
        self.box = Box(*np.array([_bounds(name, rows) for name in names], dtype=np.float64).T)
        self.catalogue = np.array([rows[0].catalogue_value(name) for name in names])

    def named(self, values: Vector) -> dict[str, float]:
        """Return values by their constants' names."""
        return dict(zip(self.names, map(float, values), strict=True))

    def residuals(self, values: Vector) -> Vector:
        """Return ``log(predicted / measured)`` of each row's seconds, float64, shape (N,)."""
        constants = self.named(values)
        return np.array(
            [math.log(row.step_s(constants) / row.row.measured_step_s) for row in self.rows]
        )

    def best(self) -> Vector:
        """Return the values that fit the rows, float64, shape (K,)."""
        return fit(self.residuals, self.catalogue, self.box)

    def best_without(self, place: int, best: Vector) -> Vector:
        """Return the values that fit all rows but one, near those that fit all.

        A constant on which no other row depends is the catalogue's.
        """
        others = [row for index, row in enumerate(self.rows) if index != place]
        if not others:
            return self.catalogue
        rest = Problem(others, self.names)
        known = [any(row.depends_on(name) for row in others) for name in self.names]
        return refit(rest.residuals, np.where(known, best, self.catalogue), rest.box)

    def fitted(self, best: Vector, place: int) -> FittedConstant:
        """Return one constant with its interval."""
        name = self.names[place]
        low, high = interval(self.residuals, best, place, self.box) or (None, None)
        return FittedConstant(
            name=name,
            catalogue=float(self.catalogue[place]),
            value=float(best[place]),
            low=low,
            high=high,
            bounds=(float(self.box.low[place]), float(self.box.high[place])),
            num_rows=sum(row.depends_on(name) for row in self.rows),
        )

    def refusal(self, best: Vector) -> str:
        """Return why the last constant is not worth fitting; empty when it is."""
        name = self.names[-1]
        slopes = jacobian(self.residuals, best, self.box)
        lengths = np.linalg.norm(slopes, axis=0)
        if not lengths.all():
            return f"{name} is not fitted: no step depends on it"
        cosine = float(slopes[:, 0] @ slopes[:, -1] / (lengths[0] * lengths[-1]))
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
        return 0.0, 0.5 * min(row.row.measured_step_s for row in rows)
    return _EFFICIENCY_BOUNDS
