"""Goodput of a run in closed form: what interruptions and broken parts leave of its speed.

Every class of component adds its rate to those of interruptions or of degradations, depending on
what its loss does on this fabric (`netloom.failure.inventory`); the rest is
`netloom.failure.checkpoint`. ``docs/goodput.md`` has the derivation and what is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from netloom.catalog.failure_rates import FailureRates
from netloom.errors import ParameterError
from netloom.failure import checkpoint
from netloom.failure.inventory import Exposure, Inventory
from netloom.result import Goodput
from netloom.units import DAY_S, show

#: Effective share of time below which a run is refused rather than given in years.
_NO_PROGRESS = 0.01


@dataclass(frozen=True)
class Policy:
    """How the run meets failures.

    Attributes
    ----------
    checkpoint_interval_s : work between checkpoints; the optimum when None.
    checkpoint_write_s : stall of the job per checkpoint.
    exposed_network_fraction : share of a step that waits for the scale-out network, which is what a
        broken path lengthens.
    """

    checkpoint_interval_s: float | None
    checkpoint_write_s: float
    exposed_network_fraction: float

    def __post_init__(self) -> None:
        if not self.checkpoint_write_s > 0:
            raise ParameterError(f"a checkpoint cannot take {self.checkpoint_write_s} s")
        if not 0 <= self.exposed_network_fraction <= 1:
            raise ParameterError(
                f"an exposed network fraction of {self.exposed_network_fraction} is not in 0 to 1"
            )


def goodput(inventory: Inventory, rates: FailureRates, policy: Policy) -> Goodput:
    """Return what failures leave of a run, at the most likely value of every rate.

    Notes
    -----
    effective = tau/E(M) / ((1 + s) (1 + m r)) with E from `checkpoint.effective_fraction`, M one
    over the sum of the interrupting rates, s the mean slowdown by broken parts (`mean_slowdown`), m
    the rate of planned restarts that take the job off a broken part, and r the restart time.
    """
    by_cause = _interruptions_per_day(inventory, rates)
    interruptions_per_day = math.fsum(by_cause.values())
    mean_s = DAY_S / interruptions_per_day if interruptions_per_day > 0 else math.inf
    write_s, restart_s = policy.checkpoint_write_s, float(rates.restart_s)
    interval_s = policy.checkpoint_interval_s
    if interval_s is None:
        interval_s = checkpoint.optimal_interval_s(mean_s, write_s)
    times = (mean_s, interval_s, write_s, float(rates.detection_s), restart_s)

    degraded = [part for part in inventory.network if part.num_paths > 1]
    states = [_degradation(part, rates, policy, interval_s, mean_s) for part in degraded]
    slowdown = mean_slowdown(states)
    planned_per_s = math.fsum(state.events_per_s for state in states if state.moved_away)
    kept = 1 / ((1 + slowdown) * (1 + planned_per_s * restart_s))
    effective = checkpoint.effective_fraction(*times) * kept
    if effective < _NO_PROGRESS:
        raise ParameterError(
            f"a run that is interrupted every {show(mean_s, 'time')} and has a checkpoint every "
            f"{show(interval_s, 'time')} does not get on",
            hint=f"write a checkpoint_interval below {show(mean_s, 'time')}, or leave it out",
            where="reliability.checkpoint_interval",
        )
    return Goodput(
        effective_fraction=effective,
        interruptions_per_day=interruptions_per_day,
        checkpoint_interval_s=interval_s,
        interruptions_per_day_by_cause=by_cause,
        first_order_fraction=checkpoint.effective_fraction_first_order(*times) * kept,
        degradations_per_day_by_cause=_per_day_by_cause(degraded),
        slowdown_fraction=slowdown,
    )


@dataclass(frozen=True)
class Degradation:
    """What failures that traffic routes around do to the job.

    Attributes
    ----------
    events_per_s : failures of the class.
    slowdown_fraction : lengthening of a step while at least one part of the class is broken.
    duration_s : for how long the job feels one failure.
    moved_away : whether it ends by a planned restart on a spare node rather than by the repair.
    """

    events_per_s: float
    slowdown_fraction: float
    duration_s: float
    moved_away: bool


def _degradation(
    part: Exposure, rates: FailureRates, policy: Policy, interval_s: float, mean_s: float
) -> Degradation:
    """Return how the job lives with broken parts of one class, the cheaper way of two.

    Of p paths one is lost: what crosses them takes p/(p - 1) of its time, so a step grows by its
    exposed share over p - 1. The job bears that until the repair or, where a restart on spare nodes
    avoids the part, until something else interrupts it, whichever comes first. Or it makes that
    restart itself after the next checkpoint, half an interval away on average.
    """
    slowdown = policy.exposed_network_fraction / (part.num_paths - 1)
    repair_s = float(rates.repair_s)
    if not part.avoidable:
        return Degradation(part.events_per_s, slowdown, repair_s, False)
    bearing_s = repair_s / (1 + repair_s / mean_s)
    until_checkpoint_s = interval_s / 2
    if until_checkpoint_s * slowdown + float(rates.restart_s) < bearing_s * slowdown:
        return Degradation(part.events_per_s, slowdown, until_checkpoint_s, True)
    return Degradation(part.events_per_s, slowdown, bearing_s, False)


def mean_slowdown(states: Iterable[Degradation]) -> float:
    """Return the mean lengthening of a step by parts that are broken but routed around.

    Notes
    -----
    The step waits for its slowest group, so classes do not add up: the worst one that has a broken
    part counts. A class with failure rate L and duration D has none broken with probability
    exp(-L D) (infinite-server queue), whatever the distribution of D. Two broken parts of one class
    in the same trunk are left out.

    Examples
    --------
    A class that slows steps by 8 % and is broken half of the time costs 4 %:

    >>> half = Degradation(math.log(2) / 3600, 0.08, 3600, False)
    >>> round(mean_slowdown([half]), 6)
    0.04
    """
    mean, none_worse = 0.0, 1.0
    for state in sorted(states, key=lambda state: -state.slowdown_fraction):
        intact = math.exp(-state.events_per_s * state.duration_s)
        mean += none_worse * (1 - intact) * state.slowdown_fraction
        none_worse *= intact
    return mean


def _interruptions_per_day(inventory: Inventory, rates: FailureRates) -> dict[str, float]:
    """Return the interruptions of one day by cause."""
    fatal = (part for part in inventory.network if part.num_paths == 1)
    return {
        "accelerator": inventory.num_accelerators * float(rates.accelerator_per_s) * DAY_S,
        "node": inventory.num_nodes * float(rates.node_other_per_s) * DAY_S,
        "nic": inventory.num_nics * float(rates.nic_per_s) * DAY_S,
        "software": inventory.num_accelerators * float(rates.software_per_s) * DAY_S,
    } | _per_day_by_cause(fatal)


def _per_day_by_cause(parts: Iterable[Exposure]) -> dict[str, float]:
    """Return the failures of one day by cause; parts of the same cause add up."""
    by_cause: dict[str, float] = {}
    for part in parts:
        by_cause[part.cause] = by_cause.get(part.cause, 0.0) + part.events_per_s * DAY_S
    return by_cause
