"""``netloom cost``: what the candidates of a study cost, and how sure that is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from netloom.cli.settings import Seed, check_draws, check_plot

#: Keys of a study's section reliability that the closed form of `netloom plan` takes.
_SHARED_WITH_PLAN = {"rates", "checkpoint_interval"}


def cost(
    study: Path,
    /,
    *,
    network: str | None = None,
    draws: int = 10_000,
    seed: Seed = None,
    sources: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
    plot: Path | None = None,
) -> None:
    """Say what the candidates cost, how sure that is, and which is cheaper with what probability.

    Parameters
    ----------
    study
        The study file; docs/study.md lists its keys.
    network
        Name of a candidate network; all candidates when left out.
    draws
        Draws of every uncertain number, 100 or more.
    seed
        Seed of every random draw; the study's own when left out.
    sources
        List every number behind the figures with its catalogue entry, the weakest evidence first.
    json
        Print JSON instead of tables.
    plot
        SVG file for the picture, such as cost.svg.
    """
    from netloom import search
    from netloom.cli.study import progress_bar, read, seed_of
    from netloom.money import money_of
    from netloom.report.cost import print_money, to_json

    check_draws(draws)
    resolved = read(study)
    check_plot(plot)
    used = seed_of(resolved, seed)
    with progress_bar() as progress:
        result = search.plan_study(resolved, progress=progress, seed=used)
    answer = money_of(resolved, result, network=network, num_draws=draws, seed=used)
    if plot is not None:
        from netloom.cli.console import write_picture
        from netloom.report.figures import cost_parts

        write_picture(plot, cost_parts.draw(answer))
    if json:
        sys.stdout.write(to_json(answer))
        return
    from netloom.cli.console import output

    console = output()
    print_money(answer, console, sources=sources)
    asked = sorted(resolved.study.reliability.model_fields_set - _SHARED_WITH_PLAN)
    if asked:
        console.print(
            f"note: {', '.join(asked)} of the section reliability shape netloom goodput alone; "
            "days and goodput here are those of netloom plan",
            markup=False,
        )
    for refusal in result.refused:
        console.print(f"refused {refusal.name}: {refusal.reason}", markup=False)
