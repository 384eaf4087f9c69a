"""The training software of a study: a part of the catalogue, or a part's file beside the study."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from netloom import catalog
from netloom.catalog.load import read_part
from netloom.catalog.software import Software
from netloom.errors import Problem, StudyError, nearest

_ENDINGS = (".yaml", ".yml")


def is_path(software: str) -> bool:
    """Return whether a study names a file, by a slash or an ending, and not a catalogue part.

    Examples
    --------
    >>> is_path("./software.yaml"), is_path("ours.yml"), is_path("nemo-25.04")
    (True, True, False)
    """
    return "/" in software or software.endswith(_ENDINGS)


def software_part(software: str, directory: Path) -> Software:
    """Return the part that a study names; `directory` is where its relative paths begin."""
    if is_path(software):
        found = read_part("software", directory / software)
        assert isinstance(found, Software)
        return found
    part: Software = catalog.get("software", software)
    return part


def known_software(software: str | None, directory: Path) -> Software | None:
    """Return the part that a study names, None when there is none or it cannot be read."""
    if software is None or any(software_problems(software, directory)):
        return None
    return software_part(software, directory)


def software_problems(software: str | None, directory: Path) -> Iterator[Problem]:
    """Return why the training software cannot be read; nothing for a draft without one."""
    where = "cluster.software"
    if software is None:
        return
    if not is_path(software):
        known = catalog.names("software")
        if software not in known:
            hint = f"{nearest(software, known)}; or write the path of a part's file"
            yield Problem(f"unknown software '{software}'", hint, where)
        return
    path = directory / software
    if not path.is_file():
        noun = "folder" if path.is_dir() else "missing file"
        hint = f"write a path from {directory} to a file of netloom calibrate step --write"
        yield Problem(f"'{software}' is a {noun}", hint, where)
        return
    try:
        read_part("software", path)
    except StudyError as error:
        for problem in error.problems:
            yield _inside(software, problem)
    except (OSError, UnicodeDecodeError) as error:
        yield Problem(f"cannot read '{software}': {error}", where=where)


def _inside(software: str, problem: Problem) -> Problem:
    """Return a problem of the part's file as one of the study that names it."""
    line = f", line {problem.line}, column {problem.column}" if problem.line else ""
    field = f"{problem.where}: " if problem.where else ""
    hint = problem.hint or "compare netloom catalog show nemo-25.04"
    return Problem(f"'{software}'{line}: {field}{problem.message}", hint, "cluster.software")
