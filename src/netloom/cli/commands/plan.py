"""``netloom plan``: from a study file to the ranked answer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from netloom.resolve import Resolved


def plan(
    study: Path,
    /,
    *,
    json: Annotated[bool, Parameter(negative="")] = False,
    out: Path | None = None,
    seed: int | None = None,
    top: Annotated[int | None, Parameter(validator=lambda _, top: _positive(top))] = None,
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
    """
    from netloom import evaluate, layout, report, search
    from netloom.report.serialise import to_json

    resolved = read(study)
    if out is not None:
        from netloom.cli.folder import make_folder

        make_folder(out)
    with progress_bar() as progress:
        result = search.plan_study(
            resolved, progress=progress, seed=resolved.study.seed if seed is None else seed
        )
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
        for path in report.write(result, out, cables, drawings):
            print(f"wrote {path}", file=sys.stderr)
    if json:
        sys.stdout.write(to_json(result))
    else:
        from netloom.cli.console import output
        from netloom.report.terminal import print_result

        print_result(result, output(), top=top)
    # a study that no candidate can carry is no success
    return 0 if result.winner else 3


def read(study: Path) -> Resolved:
    """Return a study file with everything that it names."""
    from netloom.resolve import checks, resolve
    from netloom.schema.load import load

    return resolve(load(study, [checks(study.parent)]), study.parent)


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int, str], None]]:
    """Give a callback ``(done, total, text)`` that draws a bar; off a terminal it draws nothing."""
    if not sys.stderr.isatty():
        yield lambda done, total, text: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda done, total, text: bar.update(
            task, completed=done, total=total, description=text
        )


def _positive(value: int | None) -> None:
    if value is not None and value < 1:
        raise ValueError("must be at least 1")
