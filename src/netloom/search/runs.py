"""Whole runs of a study's candidates under random failures, and what would help most."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from netloom import evaluate
from netloom.cost.draws import cheaper_probability
from netloom.cost.money import run_cost, total_capex
from netloom.cost.power import it_power_w
from netloom.errors import InfeasibleError, ParameterError
from netloom.evaluate import PreparedNetwork, Run
from netloom.failure.classes import FailureClass, RunPolicy
from netloom.failure.closed_form import ClosedForm, closed_form
from netloom.failure.degraded import LossEffect, link_cause, nodes_below
from netloom.failure.evidence import ranged
from netloom.failure.inventory import Exposure
from netloom.failure.job import NetworkFailures, Saving, failure_classes, policy_of
from netloom.failure.levers import BestInterval, Lever, best_interval, levers
from netloom.failure.montecarlo import Runs, simulate
from netloom.kernels import inputs
from netloom.money.evidence import inputs_of_runs
from netloom.money.inputs import Input
from netloom.resolve import Resolved
from netloom.result import Refusal
from netloom.search.best import best_plan
from netloom.search.losses import priced_losses
from netloom.search.plans import plan_matrix, plan_space
from netloom.simulate.step import PricedPlan, parts_of
from netloom.topology.fabric import Fabric

#: What is said where losses are not priced.
_BY_PATHS = (
    "Broken switches and cables are judged by the number of paths that are left: routes with "
    "adaptive detours cannot be priced on a fabric with a lost part."
)

#: Runs of each candidate unless more are asked for: the median of 60 days is then known to 0.01.
NUM_RUNS = 4000

#: Standard errors within which 95 of 100 draws lie.
_SURE = 1.96

#: Runs behind each lever; they share their draws with the runs that they are compared with.
_LEVER_RUNS = 500


@dataclass(frozen=True)
class CandidateRuns:
    """Runs of one candidate.

    Attributes
    ----------
    name : as in the study.
    num_accelerators : of the job.
    step_s : one step of the best plan, nothing broken.
    classes, policy : what fails, and how the job meets it.
    effects : what one loss does, by cause, as priced on what is left.
    runs : what became of them.
    formula : the closed forms.
    usd_per_s : cost of one second of the cluster.
    levers : what would shorten the run, the most helpful first.
    best : the best checkpoint interval; None where there is none.
    inputs : every number that the runs and their dollars rest on, by path.
    note : what the reader must know of how losses were judged; empty where they were priced.
    """

    name: str
    num_accelerators: int
    step_s: float
    classes: tuple[FailureClass, ...]
    policy: RunPolicy
    effects: dict[str, LossEffect]
    runs: Runs
    formula: ClosedForm
    usd_per_s: float
    levers: tuple[Lever, ...]
    best: BestInterval | None
    inputs: Mapping[str, Input]
    note: str = ""


@dataclass(frozen=True)
class Sooner:
    """Which of two candidates finishes first, run by run on the same draws of the rates.

    Attributes
    ----------
    first, second : names.
    probability : of `first` finishing sooner; ties count half.
    mean_days : by which `second` finishes later.
    is_tied : whether so many runs cannot tell which of the two more often does.
    """

    first: str
    second: str
    probability: float
    mean_days: float
    is_tied: bool


@dataclass(frozen=True)
class StudyRuns:
    """Runs of all candidates, in the order of their median days.

    Attributes
    ----------
    pairs : every pair of candidates, in that order.
    """

    study: str
    num_runs: int
    seed: int
    fixed_rates: bool
    candidates: tuple[CandidateRuns, ...]
    pairs: tuple[Sooner, ...]
    refused: tuple[Refusal, ...]


def sooner(
    first: str, second: str, days: NDArray[np.float64], other: NDArray[np.float64]
) -> Sooner:
    """Return which of two candidates finishes first, from days of the same runs, shape (R,).

    Notes
    -----
    The sign test: of R runs of two equal candidates, half are won by the first, give or take
    ``1.96 sqrt(R) / 2`` in 95 of 100 cases. Inside of that they are tied.

    Examples
    --------
    >>> days = np.array([1.0, 2.0, 3.0, 4.0])
    >>> sooner("a", "b", days, days + 1.0)
    Sooner(first='a', second='b', probability=1.0, mean_days=1.0, is_tied=False)
    >>> sooner("a", "b", days, days[::-1].copy()).is_tied
    True
    """
    probability = cheaper_probability(days, other)
    noise = _SURE / (2 * math.sqrt(len(days)))
    is_tied = abs(probability - 0.5) <= noise
    return Sooner(first, second, probability, float((other - days).mean()), is_tied)


def study_runs(
    resolved: Resolved,
    *,
    names: Sequence[str] = (),
    num_runs: int = NUM_RUNS,
    seed: int = 0,
    fixed_rates: bool = False,
    num_workers: int = 1,
    play_intervals: bool = False,
    progress: Callable[[int, int, str], None] = lambda done, total, text: None,
) -> StudyRuns:
    """Return runs of a study's candidates under their best plans.

    Parameters
    ----------
    names : of candidates; all when empty.
    fixed_rates : every run at the most likely failure rates instead of drawn ones.
    num_workers : threads; the answer does not depend on it.
    play_intervals : whether the best checkpoint interval is looked for by playing runs as well.
    progress : called with candidates done, candidates in all, and what is being worked on.
    """
    progress(0, len(resolved.networks), "plans")
    run = evaluate.start(resolved)
    space = plan_space(run)
    plans = plan_matrix(space)
    chosen = [network for network in resolved.networks if not names or network.name in names]
    playing = _Playing(num_runs, seed, fixed_rates, num_workers, play_intervals)
    found, refused = [], []
    for done, network in enumerate(chosen):

        def say(stage: str, done: int = done, name: str = network.name) -> None:
            progress(done, len(chosen), f"{name}: {stage}")

        try:
            say("best plan")
            prepared = evaluate.prepare(run, network, seed)
            best = best_plan(space, plans, run.model, prepared.network).priced
            found.append(_candidate(run, prepared, best, playing, say))
        except (InfeasibleError, ParameterError) as error:
            refused.append(Refusal(network.name, str(error)))
    progress(len(chosen), len(chosen), "done")
    found.sort(key=lambda each: (float(np.median(each.runs.wall_s)), each.name))
    return StudyRuns(
        resolved.study.name, num_runs, seed, fixed_rates, tuple(found),
        tuple(
            sooner(one.name, other.name, one.runs.days, other.runs.days)
            for one, other in combinations(found, 2)
        ),
        tuple(refused),
    )  # fmt: skip


@dataclass(frozen=True)
class _Playing:
    """How runs are played; see `study_runs`."""

    num_runs: int
    seed: int
    fixed_rates: bool
    num_workers: int
    play_intervals: bool


def _candidate(
    run: Run,
    prepared: PreparedNetwork,
    best: PricedPlan,
    playing: _Playing,
    say: Callable[[str], None],
) -> CandidateRuns:
    resolved, reliability = run.resolved, run.resolved.study.reliability
    say("losses")
    network = _network_failures(run, prepared, best, playing.seed)
    saving = Saving(
        state_bytes=evaluate.checkpoint_bytes(run),
        host_bytes_per_s=resolved.study.cluster.accelerators
        * float(resolved.accelerator.host_bytes_per_s),
        exposed_network_fraction=evaluate.waiting_fraction(parts_of(best.step)),
        num_replicas=int(best.plan[inputs.DATA]),
    )
    rates, num_nodes = resolved.rates, resolved.num_nodes
    policy = policy_of(reliability, rates, saving, num_nodes, network.num_links)
    inventory = evaluate.inventory_of(run, network.exposures)
    classes = failure_classes(reliability, rates, inventory, network, saving, policy)
    step_s = float(best.step[0])
    work_s = run.num_steps * step_s

    def played(classes: Sequence[FailureClass], policy: RunPolicy, count: int) -> Runs:
        return simulate(
            classes, policy, work_s, count, playing.seed,
            fixed_rates=playing.fixed_rates, num_workers=playing.num_workers,
        )  # fmt: skip

    num_tried = min(playing.num_runs, _LEVER_RUNS)

    def tried(classes: Sequence[FailureClass], policy: RunPolicy) -> Runs:
        return played(classes, policy, num_tried)

    def whole(classes: Sequence[FailureClass], policy: RunPolicy) -> Runs:
        return played(classes, policy, playing.num_runs)

    say("runs")
    runs = whole(classes, policy)
    say("what would help")
    # a run's draws depend on its number alone, so that these are the runs that levers play again
    before_days = runs.days[:num_tried]
    power_w = it_power_w(prepared.bom)
    return CandidateRuns(
        name=prepared.resolved.name,
        num_accelerators=resolved.study.cluster.accelerators,
        step_s=step_s,
        classes=classes,
        policy=policy,
        effects=dict(network.effects),
        runs=runs,
        formula=closed_form(classes, policy),
        usd_per_s=run_cost(total_capex(prepared.bom), power_w, 1.0, resolved.site).total_usd.mode,
        levers=levers(classes, policy, tried, before_days),
        best=best_interval(classes, policy, whole if playing.play_intervals else None),
        inputs=inputs_of_runs(resolved, prepared.bom),
        note=_BY_PATHS if _takes_detours(prepared.fabric) else "",
    )


def _network_failures(
    run: Run, prepared: PreparedNetwork, best: PricedPlan, seed: int
) -> NetworkFailures:
    """Return what of the fabric can fail, with the step priced on what each loss leaves."""
    fabric = prepared.fabric
    exposures, rates = evaluate.network_exposures_of(run, prepared)
    merged: dict[str, Exposure] = {}
    for part in exposures:
        if part.cause not in rates:
            continue  # routers inside endpoints
        known = merged.get(part.cause)
        num_parts = part.num_parts + (known.num_parts if known else 0)
        merged[part.cause] = dataclasses.replace(part, num_parts=num_parts)
    # shortest paths alone would charge a loss with the detours that adaptive routes still have
    found = {} if _takes_detours(fabric) else priced_losses(run, prepared, best, seed)
    below = nodes_below(fabric, run.resolved.nics_per_node)
    host_links = link_cause(fabric.link_classes[0].name)
    # what is priced by link class holds for each medium of the class
    of_part = {cause: cause.partition(" (")[0] for cause in merged}
    nodes = {
        cause: 1 if plain == host_links else below.get(plain, 0) for cause, plain in of_part.items()
    }
    return NetworkFailures(
        exposures=tuple(merged.values()),
        rates={cause: ranged(rates[cause]) for cause in merged},
        effects={cause: found[plain] for cause, plain in of_part.items() if plain in found},
        nodes=nodes,
        num_links=sum(prepared.counts.links.values()),
    )


def _takes_detours(fabric: Fabric) -> bool:
    return bool(getattr(fabric.routing, "has_detours", False))
