"""What would shorten a run: each change of policy played on the same draws."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from netloom.failure.classes import FailureClass, RunPolicy
from netloom.failure.closed_form import interval_s, mean_time_to_interruption_s
from netloom.failure.montecarlo import Runs
from netloom.units import show

#: Plays runs of some classes under some policy.
Play = Callable[[Sequence[FailureClass], RunPolicy], Runs]

#: Intervals that are tried, over the formula's, when the best is asked for.
_FACTORS = tuple(2.0 ** (step / 4) for step in range(-8, 9))


@dataclass(frozen=True)
class Lever:
    """One change.

    Attributes
    ----------
    change : in words.
    days : mean days to finish with it.
    saved_days : less than without.
    """

    change: str
    days: float
    saved_days: float


@dataclass(frozen=True)
class BestInterval:
    """Work between checkpoints that finishes first, as played and as the formulae say.

    Attributes
    ----------
    played_s : found by playing runs; None where that was not asked for.
    played_days : mean days with it.
    daly_s : of Daly's complete model, `checkpoint.optimal_interval_s`, and never shorter than
        storage takes.
    young_s : Young's square root of twice the stall times the mean time to interruption.
    """

    played_s: float | None
    played_days: float | None
    daly_s: float
    young_s: float


def best_interval(
    classes: Sequence[FailureClass], policy: RunPolicy, play: Play | None
) -> BestInterval | None:
    """Return the best interval by formula, and by playing runs where `play` is given.

    None where nothing interrupts or checkpoints cost nothing: then there is no best.

    Examples
    --------
    One failure in 3 h, checkpoints that stall 10 s:

    >>> from netloom.failure.evidence import certain
    >>> part = FailureClass("part", 1, certain(1 / 10800))
    >>> best = best_interval([part], RunPolicy(900.0, 10.0, 1), None)
    >>> round(best.daly_s), round(best.young_s)
    (458, 465)
    """
    mean_s = mean_time_to_interruption_s(classes)
    if not mean_s < math.inf or not policy.stall_s > 0:
        return None
    daly_s = interval_s(classes, replace(policy, interval_s=None))
    young_s = math.sqrt(2 * policy.stall_s * mean_s)
    if play is None:
        return BestInterval(None, None, daly_s, young_s)
    return BestInterval(*best_interval_s(classes, policy, play), daly_s, young_s)


def best_interval_s(
    classes: Sequence[FailureClass], policy: RunPolicy, play: Play
) -> tuple[float, float]:
    """Return the work between checkpoints that finishes first, and its mean days.

    Notes
    -----
    Intervals from a quarter to four times the formula's are played, a quarter of an octave apart.
    Near the best, days are a parabola in the logarithm of the interval; the lowest point of the one
    through the best and two neighbours on each side is taken.
    """
    start = replace(policy, interval_s=interval_s(classes, replace(policy, interval_s=None)))
    least = policy.storage_lag_s / policy.storage_every
    tried = [max(factor * (start.interval_s or 0.0), least) for factor in _FACTORS]
    tried = sorted(set(tried))
    days = [float(play(classes, replace(start, interval_s=each)).days.mean()) for each in tried]
    best = int(np.argmin(days))
    if not 0 < best < len(tried) - 1:
        return tried[best], days[best]
    near = slice(max(best - 2, 0), best + 3)
    curve = np.polynomial.Polynomial.fit(np.log(tried[near]), days[near], 2)
    lowest = float(np.exp(np.asarray(curve.deriv().roots()).real[0]))
    return lowest, min(days[best], float(curve(np.log(lowest))))


def levers(
    classes: Sequence[FailureClass],
    policy: RunPolicy,
    play: Play,
    before_days: NDArray[np.float64],
) -> tuple[Lever, ...]:
    """Return what would shorten the run, the most helpful first.

    Changes that do not, or by less than two standard errors of the difference, are left out.

    Parameters
    ----------
    before_days : of the same runs without a change, shape (R,).
    play : plays runs; on the same seed, so that differences are those of the change.
    """
    found = []
    for change, after, changed in _changes(classes, policy):
        days = play(after, changed).days
        saved = before_days - days
        if saved.mean() > 2 * saved.std() / math.sqrt(len(saved)):
            found.append(Lever(change, float(days.mean()), float(saved.mean())))
    return tuple(sorted(found, key=lambda each: -each.saved_days))


def _changes(
    classes: Sequence[FailureClass], policy: RunPolicy
) -> Iterator[tuple[str, Sequence[FailureClass], RunPolicy]]:
    """Yield changes in words, with classes and policy after each."""
    fastest = [replace(each, restart_s=each.restart_s / 2) for each in classes]
    yield "restart in half the time", fastest, policy
    soonest = [replace(each, detection_s=each.detection_s / 2) for each in classes]
    yield "diagnose in half the time", soonest, policy
    if policy.interval_s is not None and mean_time_to_interruption_s(classes) < np.inf:
        best_s = interval_s(classes, replace(policy, interval_s=None))
        change = f"a checkpoint every {show(best_s, 'time')}"
        yield change, classes, replace(policy, interval_s=None)
    shorter = replace(policy, stall_s=policy.stall_s / 2)
    yield "checkpoints that stall half as long", classes, shorter
    if policy.num_spares is not None:
        more = policy.num_spares + max(1, policy.num_spares // 2)
        nodes = "node" if more == 1 else "nodes"
        change = f"{more} spare {nodes} in place of {policy.num_spares}"
        yield change, classes, replace(policy, num_spares=more)
        quick = [replace(each, repair_s=each.repair_s / 2) for each in classes]
        yield "repair in half the time", quick, policy
    network = [_seldom(each, _is_network(each)) for each in classes]
    yield "links and switches that fail half as often", network, policy
    machines = [_seldom(each, each.ages and not _is_network(each)) for each in classes]
    yield "machines that fail half as often", machines, policy
    software = [_seldom(each, not each.ages) for each in classes]
    yield "software that fails half as often", software, policy


def _is_network(each: FailureClass) -> bool:
    return each.cause.startswith(("link ", "switch "))


def _seldom(each: FailureClass, chosen: bool) -> FailureClass:
    """Return a class that fails half as often where it is chosen."""
    return replace(each, rate=each.rate.scaled(0.5)) if chosen else each
