"""``netloom step``: one training step of one plan, explained."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from netloom.cli.settings import Seed, check_file

if TYPE_CHECKING:
    from netloom.explained import ExplainedStep
    from netloom.resolve import Resolved, ResolvedNetwork


def step(
    study: Path,
    /,
    *,
    network: str | None = None,
    plan: str | None = None,
    schedule: str | None = None,
    explain: Annotated[bool, Parameter(negative="")] = False,
    trace: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
    seed: Seed = None,
) -> None:
    """Predict one training step and say where its time and memory go.

    Parameters
    ----------
    study
        The study file; docs/study.md lists its keys.
    network
        Name of a candidate network; the winner of the study when left out.
    plan
        Parallel plan such as tp=8,pp=16,vp=8; what it leaves out is searched. The best plan when
        left out.
    schedule
        Pipeline schedule, such as zb-v; that of the training software when left out.
    explain
        Show every device's memory and time, and the whole critical path.
    trace
        File for the pipeline in time; ui.perfetto.dev opens it.
    json
        Print JSON instead of tables.
    seed
        Seed of every random draw; the study's own when left out.
    """
    from netloom.cli.study import chosen_network, read, seed_of
    from netloom.report.step import Answer, print_step, to_json

    resolved = read(study)
    if trace is not None:
        check_file(trace)
    draws = seed_of(resolved, seed)
    chosen = chosen_network(resolved, network, draws)
    found = _explained(resolved, chosen, plan, schedule, draws)
    if trace is not None:
        from netloom.report.perfetto import encode
        from netloom.report.step_trace import step_tracks

        trace.write_bytes(encode(step_tracks(found)))
        print(f"wrote {trace}", file=sys.stderr)
    answer = Answer(resolved.study.name, chosen.name, found)
    if json:
        sys.stdout.write(to_json(answer))
        return
    from netloom.cli.console import output

    print_step(answer, output(), explain)


def _explained(
    resolved: Resolved,
    network: ResolvedNetwork,
    plan: str | None,
    schedule: str | None,
    seed: int,
) -> ExplainedStep:
    """Return the step of the best plan, or of the best that `plan` leaves."""
    from netloom import evaluate
    from netloom.explained import Subject, explain_step
    from netloom.schedule import SCHEDULES
    from netloom.search.best import best_plan
    from netloom.search.nearest import named_plan
    from netloom.search.plans import plan_matrix, plan_space
    from netloom.simulate.step import message_bytes_of, price_plans
    from netloom.workload.precision import peak_flops_per_s

    if schedule is not None:
        SCHEDULES.get(schedule)  # an unknown one is refused before anything is computed
    goal, run = resolved.study.goal, evaluate.start(resolved)
    space = plan_space(run)
    prepared = evaluate.prepare(run, network, seed)
    if plan is None:
        best = best_plan(space, plan_matrix(space), run.model, prepared.network)
    else:
        space, best = named_plan(space, plan, run.model, prepared.network)
    row = best.priced.plan[None]
    prices = price_plans(
        row, prepared.network, message_bytes_of(row, run.model), space.bounds.order
    ).prices[0]
    subject = Subject(
        shape=run.shape,
        model=run.model,
        batch_tokens=float(goal.num_batch_sequences * goal.sequence),
        accelerator=resolved.accelerator.name,
        precision=goal.precision,
        peak_flops_per_s=peak_flops_per_s(resolved.accelerator, goal.precision),
    )
    return explain_step(best.priced, prices, subject, schedule)
