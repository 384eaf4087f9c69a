"""Goodput of classes of failure in closed form, beside the simulation of whole runs.

Exact for synchronous checkpoints, spares that never run out and failures that interrupt
(`netloom.failure.checkpoint`); first order in everything else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from netloom.errors import ParameterError
from netloom.failure import checkpoint
from netloom.failure.classes import FailureClass, RunPolicy
from netloom.units import show


@dataclass(frozen=True)
class ClosedForm:
    """What the formulae say.

    Attributes
    ----------
    effective_fraction : share of wall-clock time that becomes training progress.
    first_order_fraction : the same by the small-loss form.
    interruptions_per_day : of a job that runs without end.
    interval_s : work between checkpoints.
    """

    effective_fraction: float
    first_order_fraction: float
    interruptions_per_day: float
    interval_s: float


def mean_time_to_interruption_s(classes: Sequence[FailureClass]) -> float:
    """Return one over the sum of the rates of all that ends in an interruption."""
    per_s = math.fsum(each.events_per_s for each in classes if each.effect != "slows")
    return 1 / per_s if per_s > 0 else math.inf


def interval_s(classes: Sequence[FailureClass], policy: RunPolicy) -> float:
    """Return the work between checkpoints: as the policy says, else the best.

    Notes
    -----
    The best interval is that of `checkpoint.optimal_interval_s` for the stall, and never shorter
    than the writes that go on beside the work.

    Raises
    ------
    ParameterError
        When checkpoints are asked for faster than storage takes them.
    """
    least_s = policy.storage_lag_s / policy.storage_every
    if policy.interval_s is None:
        mean_s = mean_time_to_interruption_s(classes)
        return max(checkpoint.optimal_interval_s(mean_s, policy.stall_s), least_s)
    if policy.interval_s < least_s:
        raise ParameterError(
            f"a checkpoint every {show(policy.interval_s, 'time')} is more than storage takes: one "
            f"needs {show(least_s, 'time')}",
            hint=f"write a checkpoint_interval of {show(least_s, 'time')} or more, or a higher "
            "storage_rate",
            where="reliability.checkpoint_interval",
        )
    return policy.interval_s


def closed_form(classes: Sequence[FailureClass], policy: RunPolicy) -> ClosedForm:
    """Return the goodput of a long run of grown-up hardware, a spare always at hand.

    Notes
    -----
    ``E = tau/E(M, d, r)`` of `checkpoint.effective_fraction`, d and r the means over interruptions,
    times ``v / ((1 + f)(1 + m r)(1 + a))``: v the mean speed with broken parts (`mean_speed`), f
    flaps, m planned restarts, and a what each interruption loses besides: the write to storage
    under way, the checkpoints in memory since the last one in storage, and the time for which a
    corruption went unseen.

    Examples
    --------
    One failure in 3 h, checkpoints each 15 min that stall 10 s, 2 min + 8 min to come back:

    >>> from netloom.failure.evidence import certain
    >>> part = FailureClass("part", 1, certain(1 / 10800), detection_s=120, restart_s=480)
    >>> round(closed_form([part], RunPolicy(900.0, 10.0, 1)).effective_fraction, 4)
    0.8968
    """
    tau = interval_s(classes, policy)
    mean_s = mean_time_to_interruption_s(classes)
    stopping = [each for each in classes if each.effect != "slows" and each.events_per_s > 0]
    per_s = math.fsum(each.events_per_s for each in stopping)
    detection_s = _mean([(each.events_per_s, each.detection_s) for each in stopping])
    restart_s = _mean([(each.events_per_s, each.restart_s) for each in stopping])
    times = (mean_s, tau, policy.stall_s, detection_s, restart_s)
    slowing = [
        (each.events_per_s * _borne_s(each, tau, per_s), each.slowdown_fraction)
        for each in classes
        if each.effect == "slows"
    ]
    planned = math.fsum(
        each.events_per_s * each.restart_s * _noticed_fraction(each, per_s)
        for each in classes
        if each.effect == "slows" and each.moved
    )
    beside = math.fsum(each.events_per_s * _lost_beside_s(each, policy, tau) for each in stopping)
    kept = mean_speed(slowing) / ((1 + policy.flaps_fraction) * (1 + planned) * (1 + beside))
    return ClosedForm(
        checkpoint.effective_fraction(*times) * kept,
        checkpoint.effective_fraction_first_order(*times) * kept,
        86400 * per_s,
        tau,
    )


def _mean(weighted: Sequence[tuple[float, float]]) -> float:
    weight = math.fsum(rate for rate, _ in weighted)
    return math.fsum(rate * value for rate, value in weighted) / weight if weight else 0.0


def _lost_beside_s(each: FailureClass, policy: RunPolicy, tau: float) -> float:
    """Return the work that one interruption loses beyond that since the last checkpoint."""
    lost_s = each.notice_s if each.effect == "corrupts" else 0.0
    if each.loses_memory or each.effect == "corrupts" or policy.storage_every == 1:
        lost_s += policy.storage_lag_s + (policy.storage_every - 1) / 2 * tau
    return lost_s


def mean_speed(slowing: Sequence[tuple[float, float]]) -> float:
    """Return the mean speed of a job that the worst of its broken parts slows down.

    Parameters
    ----------
    slowing : mean number of broken parts of each class, and the lengthening of a step by one.

    Notes
    -----
    A class with n broken parts on average has none with probability exp(-n), whatever the time of
    repair (infinite-server queue). In time, speeds average, so slowdowns s enter as 1/(1 + s).

    Examples
    --------
    A class that makes steps twice as long half of the time costs a quarter:

    >>> round(mean_speed([(math.log(2), 1.0)]), 6)
    0.75
    """
    speed, none_worse = 0.0, 1.0
    for num_broken, slowdown in sorted(slowing, key=lambda each: -each[1]):
        intact = math.exp(-num_broken)
        speed += none_worse * (1 - intact) / (1 + slowdown)
        none_worse *= intact
    return speed + none_worse


def _noticed_fraction(each: FailureClass, interruptions_per_s: float) -> float:
    """Return the share of broken parts that are noticed before an interruption ends them.

    The shorter of two exponential times, of means n and M, is n/(1 + n/M) on average, and it is the
    first of them with probability 1/(1 + n/M).
    """
    return 1 / (1 + each.notice_s * interruptions_per_s) if each.avoidable else 1.0


def _borne_s(each: FailureClass, tau: float, interruptions_per_s: float) -> float:
    """Return for how long the job bears a broken part."""
    if each.moved:
        return _noticed_fraction(each, interruptions_per_s) * (each.notice_s + tau / 2)
    if each.avoidable:
        return each.repair_s / (1 + each.repair_s * interruptions_per_s)
    return each.repair_s
