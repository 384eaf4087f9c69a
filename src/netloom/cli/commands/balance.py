"""``netloom balance``: what one more dollar buys in days, and where."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from netloom.cli.settings import Seed


def balance(
    study: Path,
    /,
    *,
    network: str | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
    seed: Seed = None,
) -> None:
    """Show what one more dollar in each part of a cluster buys in days to train.

    Parameters
    ----------
    study
        The study file; docs/study.md lists its keys.
    network
        Name of a candidate network; the winner of the study when left out.
    json
        Print JSON instead of tables.
    seed
        Seed of every random draw; the study's own when left out.
    """
    from netloom.cli.study import chosen_network, progress_bar, read, seed_of
    from netloom.report.balance import print_balance, to_json
    from netloom.search import balance as search_balance

    resolved = read(study)
    draws = seed_of(resolved, seed)
    chosen = chosen_network(resolved, network, draws)
    with progress_bar() as progress:
        found = search_balance.balance(resolved, chosen, seed=draws, progress=progress)
    if json:
        sys.stdout.write(to_json(found))
        return
    from netloom.cli.console import output

    print_balance(found, output())
