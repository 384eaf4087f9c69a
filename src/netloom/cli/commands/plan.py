"""``netloom plan``: from a study file to the ranked answer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from netloom.cli.settings import Seed, at_least_one


def plan(
    study: Path,
    /,
    *,
    json: Annotated[bool, Parameter(negative="")] = False,
    out: Path | None = None,
    seed: Seed = None,
    top: Annotated[int | None, Parameter(validator=at_least_one)] = None,
    sources: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Rank the candidate networks of a study and say what limits each.

    Parameters
    ----------
    study
        The study file; docs/study.md lists its keys.
    json
        Print the result as JSON instead of a table.
    out
        Folder for result.json, bom.csv, report.html, and cables.csv of the winner.
    seed
        Seed of every random draw; the study's own when left out.
    top
        Show only the best candidates in the table, this many.
    sources
        List every number behind money, power and failures with its catalogue entry and the figures
        that rest on it, the weakest evidence first.
    """
    from netloom import evaluate, layout, report, search
    from netloom.cli.study import progress_bar, read, seed_of
    from netloom.errors import ParameterError
    from netloom.money.trace import numbers_of_plan
    from netloom.report.serialise import to_json

    if json and sources:
        raise ParameterError(
            "the JSON of a plan has no place for sources",
            hint="leave --json out, or write netloom cost STUDY --json: its inputs are the sources",
        )
    resolved = read(study)
    if out is not None:
        from netloom.cli.folder import make_folder

        make_folder(out)
    with progress_bar() as progress:
        result = search.plan_study(resolved, progress=progress, seed=seed_of(resolved, seed))
    traced = numbers_of_plan(resolved, result.candidates)
    if out is not None:
        cables, drawings = None, None
        if result.winner:
            from netloom.report.fabric import drawings as drawn
            from netloom.report.fabric import hall_of

            fabric, placed, tiers = evaluate.built(resolved, result.winner)
            cables = layout.cable_rows(fabric, placed)
            drawings = drawn(
                hall_of(fabric, placed, tiers, resolved.node, resolved.study.layout.rack_units)
            )
        for path in report.write(result, out, cables, drawings, traced):
            print(f"wrote {path}", file=sys.stderr)
    if json:
        sys.stdout.write(to_json(result))
    else:
        from netloom.cli.console import output
        from netloom.report.terminal import print_result, print_sources

        print_result(result, output(), top=top)
        if sources:
            print_sources(traced, len(result.candidates), output())
    # a study that no candidate can carry is no success
    return 0 if result.winner else 3
