"""Whole runs under random failures, many times: days to finish as a distribution.

Failure rates are drawn once per run from what is known of them (`netloom.failure.evidence`), or
stand at their most likely values; `netloom.kernels.goodput` plays the runs. A run's draws depend on
the seed and its number alone, so any number of workers gives the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from netloom.errors import ParameterError
from netloom.failure.classes import FailureClass, RunPolicy
from netloom.failure.closed_form import interval_s
from netloom.units import DAY_S, show

#: Wall-clock time over work at which a run is given up.
_LONGEST = 100.0

_ORDER = ("interrupts", "slows", "corrupts")


@dataclass(frozen=True)
class Runs:
    """What became of runs; arrays have shape (R,) unless said.

    Attributes
    ----------
    work_s : seconds of work of each run at full speed.
    interval_s : work between checkpoints.
    wall_s : float64, wall-clock time.
    num_interruptions, num_planned_restarts : float64.
    most_nodes_out : float64, nodes broken at a time at most: spares that never run out.
    causes : C names.
    lost_s : float64, shape (R, C), wall-clock time that each cause cost.
    stall_s, no_spare_s, shrunk_s, flaps_s : float64, standstill at checkpoints, waiting for a node,
        slowness with fewer replicas, standstill by flaps.
    """

    work_s: float
    interval_s: float
    wall_s: NDArray[np.float64]
    num_interruptions: NDArray[np.float64]
    num_planned_restarts: NDArray[np.float64]
    most_nodes_out: NDArray[np.float64]
    causes: tuple[str, ...]
    lost_s: NDArray[np.float64]
    stall_s: NDArray[np.float64]
    no_spare_s: NDArray[np.float64]
    shrunk_s: NDArray[np.float64]
    flaps_s: NDArray[np.float64]

    @property
    def days(self) -> NDArray[np.float64]:
        """Days to finish."""
        return self.wall_s / DAY_S

    @property
    def effective(self) -> NDArray[np.float64]:
        """Effective training time ratio."""
        return self.work_s / self.wall_s

    @property
    def restarts_per_day(self) -> NDArray[np.float64]:
        """Restarts of a day, planned ones included."""
        return (self.num_interruptions + self.num_planned_restarts) / self.days

    def lost_by_cause_s(self) -> dict[str, float]:
        """Return the mean wall-clock time that a run loses, by cause, the largest first."""
        found = dict(zip(self.causes, map(float, self.lost_s.mean(axis=0)), strict=True))
        found |= {
            "checkpoints": float(self.stall_s.mean()),
            "no spare node": float(self.no_spare_s.mean()),
            "fewer replicas": float(self.shrunk_s.mean()),
            "link flaps": float(self.flaps_s.mean()),
        }
        return dict(sorted(found.items(), key=lambda item: -item[1]))


def simulate(
    classes: Sequence[FailureClass],
    policy: RunPolicy,
    work_s: float,
    num_runs: int = 10_000,
    seed: int = 0,
    *,
    fixed_rates: bool = False,
    num_workers: int = 1,
) -> Runs:
    """Return what becomes of runs under random failures.

    Parameters
    ----------
    work_s : seconds that the run takes when nothing fails and no checkpoint is written.
    fixed_rates : every run at the most likely rates instead of drawn ones.
    num_workers : threads; the answer does not depend on it.

    Raises
    ------
    ParameterError
        When a run makes no progress.

    Examples
    --------
    >>> from netloom.failure.evidence import certain
    >>> part = FailureClass("part", 1, certain(0.0))
    >>> simulate([part], RunPolicy(900.0, 0.0, 1), 86400.0, 2).effective.tolist()
    [1.0, 1.0]
    """
    from netloom.kernels import goodput as kernel

    if num_runs < 1 or num_workers < 1:
        raise ParameterError("runs and workers are counted from 1")
    if not 0 < work_s < math.inf:
        raise ParameterError(f"a run of {work_s} s is not possible")
    ordered = [each for effect in _ORDER for each in classes if each.effect == effect]
    tau = min(interval_s(classes, policy), work_s)
    rates_per_s = _rates_per_s(ordered, num_runs, seed, fixed_rates)
    failures = _arrays(ordered, policy)
    rules = kernel.RunRules(
        work_s=work_s,
        interval_s=tau,
        stall_s=policy.stall_s,
        storage_every=policy.storage_every,
        storage_lag_s=policy.storage_lag_s,
        flaps=policy.flaps_fraction,
        num_nodes=policy.num_nodes,
        nodes_per_replica=policy.nodes_per_replica,
        num_spares=-1 if policy.num_spares is None else policy.num_spares,
        shrinks=policy.shrinks,
        num_crews=-1 if policy.num_crews is None else policy.num_crews,
        longest_s=_LONGEST * work_s,
    )
    edges_s, factors = np.array(policy.early_life.edges_s), np.array(policy.early_life.factors)
    lost_s = np.empty((num_runs, len(ordered)))
    result = np.empty((num_runs, len(kernel.RUN_COLUMNS)))

    def play(part: slice) -> None:
        kernel.simulate_runs(
            part.start, rates_per_s[part], failures, rules, edges_s, factors, seed,
            lost_s[part], result[part],
        )  # fmt: skip

    cuts = np.linspace(0, num_runs, min(num_workers, num_runs) + 1).astype(int).tolist()
    parts = [slice(start, stop) for start, stop in pairwise(cuts)]
    if len(parts) == 1:
        play(parts[0])
    else:
        with ThreadPoolExecutor(len(parts)) as pool:
            list(pool.map(play, parts))
    given_up = int(np.isinf(result[:, kernel.WALL]).sum())
    if given_up:
        raise ParameterError(
            f"{given_up} of {num_runs} runs do not get on: they take more than "
            f"{_LONGEST:.0f} times their work of {show(work_s, 'time')}",
            hint="write a shorter checkpoint_interval, more spares, or a shorter restart",
            where="reliability",
        )
    return Runs(
        work_s=work_s,
        interval_s=tau,
        wall_s=result[:, kernel.WALL],
        num_interruptions=result[:, kernel.INTERRUPTIONS],
        num_planned_restarts=result[:, kernel.PLANNED],
        most_nodes_out=result[:, kernel.NODES_OUT],
        causes=tuple(each.cause for each in ordered),
        lost_s=lost_s,
        stall_s=result[:, kernel.STALL],
        no_spare_s=result[:, kernel.NO_SPARE],
        shrunk_s=result[:, kernel.SHRUNK],
        flaps_s=result[:, kernel.FLAPS],
    )


def _rates_per_s(
    classes: Sequence[FailureClass], num_runs: int, seed: int, fixed_rates: bool
) -> NDArray[np.float64]:
    """Return the rate of all parts of each class together, shape (R, C)."""
    found = np.zeros((num_runs, len(classes)))
    for column, each in enumerate(classes):
        one = each.rate.per_s if fixed_rates else each.rate.draws(each.kind, num_runs, seed)
        found[:, column] = each.num_parts * one
    return found


def _arrays(classes: Sequence[FailureClass], policy: RunPolicy):  # type: ignore[no-untyped-def]
    from netloom.kernels.goodput import FailureArrays

    def column(name: str, kind: type) -> NDArray:  # type: ignore[type-arg]
        return np.array([getattr(each, name) for each in classes], dtype=kind)

    # where every checkpoint goes to storage there is no copy in memory to fall back to
    from_storage = column("loses_memory", bool) | (policy.storage_every == 1)
    return FailureArrays(
        num_interrupting=sum(each.effect == "interrupts" for each in classes),
        num_slowing=sum(each.effect == "slows" for each in classes),
        detection_s=column("detection_s", float),
        restart_s=column("restart_s", float),
        repair_s=column("repair_s", float),
        num_nodes=column("num_nodes", np.int64),
        slowdown=column("slowdown_fraction", float),
        notice_s=column("notice_s", float),
        moved=column("moved", bool),
        avoidable=column("avoidable", bool),
        from_storage=from_storage,
        ages=column("ages", bool),
    )
