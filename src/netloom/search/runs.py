"""Whole runs of a study's candidates under random failures, and what would help most."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from netloom import evaluate
from netloom.cost.money import run_cost, total_capex
from netloom.cost.power import it_power_w
from netloom.errors import InfeasibleError, ParameterError
from netloom.evaluate import PreparedNetwork, Run
from netloom.failure.classes import FailureClass, RunPolicy
from netloom.failure.closed_form import ClosedForm, closed_form
from netloom.failure.degraded import link_cause, nodes_below, slowdowns
from netloom.failure.evidence import ranged
from netloom.failure.inventory import Exposure
from netloom.failure.job import NetworkFailures, Saving, failure_classes, policy_of
from netloom.failure.levers import Lever, levers
from netloom.failure.montecarlo import Runs, simulate
from netloom.kernels import inputs
from netloom.money.evidence import inputs_of_runs
from netloom.money.inputs import Input
from netloom.resolve import Resolved
from netloom.result import Refusal
from netloom.search.best import best_plan
from netloom.search.plans import plan_matrix, plan_space
from netloom.simulate.step import PricedPlan, message_bytes_of, parts_of, price_plans
from netloom.topology.fabric import Fabric

#: What is said where losses are not priced.
_BY_PATHS = (
    "Broken switches and cables are judged by the number of paths that are left: routes with "
    "adaptive detours cannot be priced on a fabric with a lost part."
)

#: Runs behind each lever; they share their draws with the runs that they are compared with.
_LEVER_RUNS = 1000


@dataclass(frozen=True)
class CandidateRuns:
    """Runs of one candidate.

    Attributes
    ----------
    name : as in the study.
    num_accelerators : of the job.
    step_s : one step of the best plan, nothing broken.
    classes, policy : what fails, and how the job meets it.
    slowdowns : lengthening of a step by one loss, by cause, as priced on what is left.
    runs : what became of them.
    formula : the closed forms.
    usd_per_s : cost of one second of the cluster.
    levers : what would shorten the run, the most helpful first.
    inputs : every number that the runs and their dollars rest on, by path.
    note : what the reader must know of how losses were judged; empty where they were priced.
    """

    name: str
    num_accelerators: int
    step_s: float
    classes: tuple[FailureClass, ...]
    policy: RunPolicy
    slowdowns: dict[str, float]
    runs: Runs
    formula: ClosedForm
    usd_per_s: float
    levers: tuple[Lever, ...]
    inputs: Mapping[str, Input]
    note: str = ""


@dataclass(frozen=True)
class StudyRuns:
    """Runs of all candidates, in the order of their median days."""

    study: str
    num_runs: int
    seed: int
    fixed_rates: bool
    candidates: tuple[CandidateRuns, ...]
    refused: tuple[Refusal, ...]


def study_runs(
    resolved: Resolved,
    *,
    names: Sequence[str] = (),
    num_runs: int = 10_000,
    seed: int = 0,
    fixed_rates: bool = False,
    num_workers: int = 1,
    progress: Callable[[int, int, str], None] = lambda done, total, text: None,
) -> StudyRuns:
    """Return runs of a study's candidates under their best plans.

    Parameters
    ----------
    names : of candidates; all when empty.
    fixed_rates : every run at the most likely failure rates instead of drawn ones.
    num_workers : threads; the answer does not depend on it.
    progress : called with candidates done, candidates in all, and what is being worked on.
    """
    run = evaluate.start(resolved)
    space = plan_space(run)
    plans = plan_matrix(space)
    chosen = [network for network in resolved.networks if not names or network.name in names]
    found, refused = [], []
    for done, network in enumerate(chosen):
        progress(done, len(chosen), network.name)
        try:
            prepared = evaluate.prepare(run, network, seed)
            best = best_plan(space, plans, run.model, prepared.network).priced
            found.append(_candidate(run, prepared, best, num_runs, seed, fixed_rates, num_workers))
        except (InfeasibleError, ParameterError) as error:
            refused.append(Refusal(network.name, str(error)))
    progress(len(chosen), len(chosen), "done")
    found.sort(key=lambda each: (float(np.median(each.runs.wall_s)), each.name))
    return StudyRuns(resolved.study.name, num_runs, seed, fixed_rates, tuple(found), tuple(refused))


def _candidate(
    run: Run,
    prepared: PreparedNetwork,
    best: PricedPlan,
    num_runs: int,
    seed: int,
    fixed_rates: bool,
    num_workers: int,
) -> CandidateRuns:
    resolved, reliability = run.resolved, run.resolved.study.reliability
    network = _network_failures(run, prepared, best, seed)
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
            classes, policy, work_s, count, seed, fixed_rates=fixed_rates, num_workers=num_workers
        )

    power_w = it_power_w(prepared.bom)
    return CandidateRuns(
        name=prepared.resolved.name,
        num_accelerators=resolved.study.cluster.accelerators,
        step_s=step_s,
        classes=classes,
        policy=policy,
        slowdowns=dict(network.slowdowns),
        runs=played(classes, policy, num_runs),
        formula=closed_form(classes, policy),
        usd_per_s=run_cost(total_capex(prepared.bom), power_w, 1.0, resolved.site).total_usd.mode,
        levers=levers(classes, policy, lambda c, p: played(c, p, min(num_runs, _LEVER_RUNS))),
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
        slowdowns={cause: found[plain] for cause, plain in of_part.items() if plain in found},
        nodes=nodes,
        num_links=sum(prepared.counts.links.values()),
    )


def _takes_detours(fabric: Fabric) -> bool:
    return bool(getattr(fabric.routing, "has_detours", False))


def priced_losses(
    run: Run, prepared: PreparedNetwork, best: PricedPlan, seed: int
) -> dict[str, float]:
    """Return the lengthening of a candidate's step by the loss of one part, by class of part.

    Infinite where a message then has no path. The messages of the plan are priced again on what is
    left of the fabric, once for each class.
    """
    return slowdowns(prepared.fabric, lambda left: _step_s(run, prepared, best, left, seed))


def _step_s(
    run: Run, prepared: PreparedNetwork, best: PricedPlan, fabric: Fabric, seed: int
) -> float:
    """Return one step of the best plan on another fabric."""
    row = best.plan[None]
    network = evaluate.network_on(run, prepared, fabric, seed)
    order = run.resolved.study.search.order
    priced = price_plans(row, network, message_bytes_of(row, run.model), order)
    return float(run.model.evaluate(row, priced.prices)[0, 0])
