"""What failures do to the length of a run, as a function of uncertain failure rates.

The candidate's goodput is that of the most likely rates, by whatever policy the study has. Here the
rates move around them, and the effective share of time moves by the closed form of
`netloom.failure.checkpoint` between the two: at the most likely values it is the candidate's own.

Letters: D draws; values are floats, or float64 of shape (D,).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_DAY_S = 86400.0
_MONTH_DAYS = 365.25 / 12

Value = float | NDArray[np.float64]

#: Share of time that is left at the least; a run that gets nowhere is refused long before.
_LEAST = 0.01


@dataclass(frozen=True)
class Cause:
    """Failures of one class of part.

    Attributes
    ----------
    name : as in the candidate's goodput.
    per_day : events of one day at the most likely rate.
    path : of the input that is the rate of one part; empty where the catalogue has none.
    stops : whether the job stops, and does not route around it.
    """

    name: str
    per_day: float
    path: str
    stops: bool


@dataclass(frozen=True)
class Failing:
    """The failures of one candidate.

    Attributes
    ----------
    causes : all classes.
    modes : most likely value of every input of failures, by path.
    steps_s : the run without failures.
    effective_fraction : share of time that is progress, as the candidate has it.
    interval_s, write_s : between checkpoints, and the stall of one.
    detection_path, restart_path : inputs.
    """

    causes: tuple[Cause, ...]
    modes: Mapping[str, Value]
    steps_s: float
    effective_fraction: float
    interval_s: float
    write_s: float
    detection_path: str
    restart_path: str

    def per_day(self, values: Mapping[str, Value], *, stops: bool | None = None) -> Value:
        """Return the failures of one day; only of causes that stop the job, or of those that do
        not, when `stops` says so."""
        total: Value = 0.0
        for cause in self.causes:
            if stops is None or cause.stops == stops:
                total = total + self._events(cause, values)
        return total

    def network_per_month(self, values: Mapping[str, Value]) -> Value:
        """Return the failures of switches and cables in one month, felt or routed around."""
        total: Value = 0.0
        for cause in self.causes:
            if cause.name.startswith(("switch ", "link ")):
                total = total + self._events(cause, values)
        return total * _MONTH_DAYS

    def effective(self, values: Mapping[str, Value]) -> Value:
        """Return the share of time that becomes progress."""
        moved = self.effective_fraction * self._closed_form(values) / self._closed_form(self.modes)
        return np.clip(moved, _LEAST, 1.0)

    def run_s(self, values: Mapping[str, Value]) -> Value:
        """Return the length of the run, failures included, s."""
        return self.steps_s / self.effective(values)

    def standing_fraction(self, values: Mapping[str, Value]) -> Value:
        """Return the share of time in which the job stands still, noticed or restarting."""
        stands_s = values[self.detection_path] + values[self.restart_path]
        load = self.per_day(values, stops=True) / _DAY_S * stands_s
        return load / (1 + load)

    def _events(self, cause: Cause, values: Mapping[str, Value]) -> Value:
        if not cause.path or not self.modes[cause.path] > 0:
            return cause.per_day
        return cause.per_day * (values[cause.path] / self.modes[cause.path])

    def _closed_form(self, values: Mapping[str, Value]) -> Value:
        """Return tau exp(-(tau + w + r)/M) / ((M + d) (1 - exp(-(tau + w)/M))).

        See `netloom.failure.checkpoint.effective_fraction`, which is this for one set of values.
        """
        rate = self.per_day(values, stops=True) / _DAY_S
        segment_s = self.interval_s + self.write_s
        if not np.all(np.asarray(rate) > 0):
            return self.interval_s / segment_s if np.isfinite(self.interval_s) else 1.0
        detection_s, restart_s = values[self.detection_path], values[self.restart_path]
        kept = np.exp(-(segment_s + restart_s) * rate)
        return self.interval_s * kept / ((1 / rate + detection_s) * -np.expm1(-segment_s * rate))
