"""``netloom traffic``: what one training step puts on every link of a network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from netloom.cli.settings import Seed, at_least_one

if TYPE_CHECKING:
    from netloom.resolve import Resolved, ResolvedNetwork
    from netloom.traffic import StepTraffic


def traffic(
    study: Path,
    /,
    *,
    network: str | None = None,
    plan: str | None = None,
    routes: Path | None = None,
    top: Annotated[int, Parameter(validator=at_least_one)] = 10,
    json: Annotated[bool, Parameter(negative="")] = False,
    out: Path | None = None,
    seed: Seed = None,
) -> None:
    """Show the load of every link in one training step, by parallel dimension.

    Parameters
    ----------
    study
        The study file; docs/study.md lists its keys.
    network
        Name of a candidate network; the winner of the study when left out.
    plan
        Parallel plan such as tp=8,pp=16; what it leaves out is searched. The best plan when left
        out.
    routes
        CSV file of forwarding tables, as `netloom export forwarding` writes them: static routes
        instead of the protocol's load balancing.
    top
        Hottest links to show.
    json
        Print JSON instead of tables.
    out
        Folder for traffic.json, traffic.csv (every bundle of links), traffic.svg and traffic.html.
    seed
        Seed of every random draw; the study's own when left out.
    """
    from netloom.cli.study import chosen_network, read, seed_of
    from netloom.report.traffic import Answer, print_traffic, to_json, write

    resolved = read(study)
    if out is not None:
        from netloom.cli.folder import make_folder

        make_folder(out)
    draws = seed_of(resolved, seed)
    chosen = chosen_network(resolved, network, draws)
    found = _traffic(resolved, chosen, plan, draws, routes)
    answer = Answer(
        resolved.study.name, chosen.name, found,
        resolved.nics_per_node, resolved.study.search.order,
        "" if routes is None else str(routes),
    )  # fmt: skip
    if out is not None:
        for path in write(answer, out, top):
            print(f"wrote {path}", file=sys.stderr)
    if json:
        sys.stdout.write(to_json(answer, top))
        return
    from netloom.cli.console import output

    print_traffic(answer, output(), top)


def _traffic(
    resolved: Resolved,
    network: ResolvedNetwork,
    plan: str | None,
    seed: int,
    routes: Path | None,
) -> StepTraffic:
    """Return the loads of one step under the best plan, or under the best that `plan` leaves."""
    from netloom import evaluate
    from netloom.search.best import best_plan
    from netloom.search.given_plan import given_plans
    from netloom.search.plans import plan_matrix, plan_space
    from netloom.traffic import step_traffic

    run = evaluate.start(resolved)
    space = plan_space(run)
    if plan is None:
        plans = plan_matrix(space)
    else:
        space, plans = given_plans(space, plan)
    prepared = evaluate.prepare(run, network, seed, routes)
    best = best_plan(space, plans, run.model, prepared.network)
    return step_traffic(best.priced, run.model, prepared.network, space.bounds.order)
