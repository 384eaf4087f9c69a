"""``netloom goodput``: whole runs of a study's candidates under random failures."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from netloom.cli.settings import Seed, at_most, check_plot


def goodput(
    study: Path,
    /,
    *,
    network: tuple[str, ...] = (),
    runs: Annotated[int, Parameter(validator=at_most(1_000_000))] = 4_000,
    seed: Seed = None,
    fixed_rates: Annotated[bool, Parameter(negative="")] = False,
    workers: Annotated[int, Parameter(validator=at_most(1_000))] = os.cpu_count() or 1,
    best_interval: Annotated[bool, Parameter(negative="")] = False,
    plot: Path | None = None,
    sources: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Simulate whole runs under random failures: days to finish, what is lost, and what would help.

    Parameters
    ----------
    study
        The study file; its section reliability says how the runs meet failures.
    network
        Only this candidate network; may be repeated.
    runs
        Runs of each candidate.
    seed
        Seed of every random draw; the study's own when left out.
    fixed_rates
        Take every failure rate at its most likely value instead of drawing it for each run.
    workers
        Threads, as many as there are cores when left out; the answer does not depend on it.
    best_interval
        Look for the best checkpoint interval by playing runs too, beside Young-Daly's.
    plot
        SVG file for a drawing of days to finish, one distribution for each candidate.
    sources
        List every number behind the figures with its catalogue entry, the weakest evidence first.
    json
        Print JSON instead of tables.
    """
    from netloom.cli.study import check_networks, progress_bar, read, seed_of
    from netloom.report.goodput import print_runs, to_json
    from netloom.search.runs import study_runs

    resolved = read(study)
    check_networks(resolved, network)
    check_plot(plot)
    with progress_bar() as progress:
        found = study_runs(
            resolved,
            names=network,
            num_runs=runs,
            seed=seed_of(resolved, seed),
            fixed_rates=fixed_rates,
            num_workers=workers,
            play_intervals=best_interval,
            progress=progress,
        )
    if plot is not None and found.candidates:
        from netloom.cli.console import write_picture
        from netloom.report.figures.goodput import draw

        write_picture(plot, draw(found))
    if json:
        sys.stdout.write(to_json(found))
    else:
        from netloom.cli.console import output

        print_runs(found, output(), sources=sources)
    # a study that no candidate can carry is no success
    return 0 if found.candidates else 3
