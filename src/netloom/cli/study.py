"""What the commands that take a study do alike: read it, choose a network, draw a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netloom.resolve import Resolved, ResolvedNetwork


def read(study: Path) -> Resolved:
    """Return a study file with everything that it names."""
    from netloom.resolve import checks, resolve
    from netloom.schema.load import load

    return resolve(load(study, [checks(study.parent)]), study.parent)


def seed_of(resolved: Resolved, seed: int | None) -> int:
    """Return the seed that a command was given, or the study's own."""
    return resolved.study.seed if seed is None else seed


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


def chosen_network(resolved: Resolved, name: str | None, seed: int) -> ResolvedNetwork:
    """Return a candidate network by name, or the winner."""
    from netloom.errors import InfeasibleError

    by_name = {network.name: network for network in resolved.networks}
    if name is None and len(by_name) > 1:
        from netloom import search

        with progress_bar() as progress:
            result = search.plan_study(resolved, progress=progress, seed=seed)
        name = result.winner
        if not name:
            raise InfeasibleError(
                "\n".join(f"{refused.name}: {refused.reason}" for refused in result.refused)
            )
    if name is None:
        return resolved.networks[0]
    check_networks(resolved, [name])
    return by_name[name]


def check_networks(resolved: Resolved, names: Sequence[str]) -> None:
    """Refuse names that are no candidate network of a study, and names given twice."""
    from netloom.errors import ParameterError, nearest

    known = [network.name for network in resolved.networks]
    for name in names:
        if name not in known:
            raise ParameterError(f"the study has no network '{name}'", hint=nearest(name, known))
    twice = [name for name in known if names.count(name) > 1]
    if twice:
        raise ParameterError(f"network '{twice[0]}' is named twice", hint="name each once")
