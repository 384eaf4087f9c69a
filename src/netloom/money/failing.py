"""What failures do to the length of a run, as a function of uncertain failure rates.

The candidate's goodput is that of the most likely rates, by whatever policy the study has. Here the
rates, the times to come back and the stall of a checkpoint move around them, and the effective
share of time moves by the closed form of `netloom.failure.checkpoint` between the two: at the most
likely values it is the candidate's own. Where the study names no interval between checkpoints, the
best one is taken on every draw: who sees a slow storage or a failing cluster adapts.

Letters: D draws; values are floats, or float64 of shape (D,).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.units import DAY_S

_MONTH_DAYS = 365.25 / 12

Value = float | NDArray[np.float64]

#: Share of time that is left at the least; a run that gets nowhere is refused long before.
_LEAST = 0.01

#: More than enough: from its start every step of Newton doubles the digits.
_NEWTON_STEPS = 12


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
    interval_s : between checkpoints; the best one when None.
    num_parameters : of the model, all of which are saved.
    detection_path, restart_path, saved_path, storage_path : inputs: times, bytes saved of one
        parameter, and the rate at which storage takes them.
    """

    causes: tuple[Cause, ...]
    modes: Mapping[str, Value]
    steps_s: float
    effective_fraction: float
    interval_s: float | None
    num_parameters: float
    detection_path: str
    restart_path: str
    saved_path: str
    storage_path: str

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
        load = self.per_day(values, stops=True) / DAY_S * stands_s
        return load / (1 + load)

    def write_s(self, values: Mapping[str, Value]) -> Value:
        """Return how long the job stands still for one checkpoint, s."""
        return self.num_parameters * values[self.saved_path] / values[self.storage_path]

    def _events(self, cause: Cause, values: Mapping[str, Value]) -> Value:
        if not cause.path or not self.modes[cause.path] > 0:
            return cause.per_day
        return cause.per_day * (values[cause.path] / self.modes[cause.path])

    def _closed_form(self, values: Mapping[str, Value]) -> Value:
        """Return tau exp(-(tau + w + r)/M) / ((M + d) (1 - exp(-(tau + w)/M))).

        See `netloom.failure.checkpoint.effective_fraction`, which is this for one set of values.
        """
        rate, write_s = self.per_day(values, stops=True) / DAY_S, self.write_s(values)
        if not np.all(np.asarray(rate) > 0):
            return 1.0 if self.interval_s is None else self.interval_s / (self.interval_s + write_s)
        interval_s: Value = (
            best_interval_s(1 / rate, write_s) if self.interval_s is None else self.interval_s
        )
        segment_s = interval_s + write_s
        detection_s, restart_s = values[self.detection_path], values[self.restart_path]
        kept = np.exp(-(segment_s + restart_s) * rate)
        return interval_s * kept / ((1 / rate + detection_s) * -np.expm1(-segment_s * rate))


def best_interval_s(mean_time_to_interruption_s: Value, write_s: Value) -> Value:
    """Return the best work between checkpoints, for many means and stalls at once.

    Notes
    -----
    The root of 1 - x = exp(-x - a) for x = tau/M and a = w/M, by Newton's method from Young's
    x = sqrt(2 a); `netloom.failure.checkpoint.optimal_interval_s` does one and has the reasons.

    Examples
    --------
    >>> round(float(best_interval_s(3 * 3600.0, 10.0)))
    458
    """
    mean_s = np.asarray(mean_time_to_interruption_s, dtype=np.float64)
    stall = np.asarray(write_s, dtype=np.float64) / mean_s
    share = np.minimum(1.0, np.sqrt(2 * stall))
    for _ in range(_NEWTON_STEPS):
        # 1 - x - exp(-x - a) with expm1, which keeps the digits of a small x + a
        growth = np.expm1(-share - stall)
        share = share + (share + growth) / growth
    return share * mean_s
