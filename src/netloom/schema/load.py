"""From a study file to a `Study`, or to everything that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from netloom.errors import Problem, StudyError
from netloom.schema import explain
from netloom.schema.document import read_document
from netloom.schema.study import Study

#: A look at the raw entries of a study that may be malformed, such as `netloom.resolve.checks`.
Check = Callable[[Mapping[str, Any]], Iterable[Problem]]


def load(path: str | Path, checks: Iterable[Check] = ()) -> Study:
    """Return the study in a YAML file.

    Parameters
    ----------
    path : the study file.
    checks : further looks at its raw entries; they run even where the models refuse something, so
        that one run names all problems.

    Raises
    ------
    StudyError
        With all problems of the file in the order of its lines.
    """
    path = Path(path)
    document = read_document(path)
    problems = list(document.problems)
    raw = document.data
    study = None
    if isinstance(raw, dict):
        try:
            study = Study.model_validate(raw)
        except ValidationError as error:
            problems.extend(problem for _, problem in explain.explained(error, Study))
        for check in checks:
            problems.extend(check(raw))
    elif not problems:
        problems.append(_no_study(raw))
    if study is None or problems:
        placed = (document.placed(problem, path) for problem in problems)
        raise StudyError(sorted(_distinct(placed), key=lambda found: (found.line, found.column)))
    return study


def _no_study(raw: Any) -> Problem:
    if raw is None:
        message = "the file is empty"
    else:
        message = (
            "the file holds a list, entries are meant"
            if isinstance(raw, list)
            else ("the file holds a single value, entries are meant")
        )
    return Problem(message, hint="begin with 'version: 1', 'name:', 'model:'; see docs/study.md")


def _distinct(problems: Iterable[Problem]) -> Iterator[Problem]:
    """Return the problems without those that say the same of the same place."""
    return iter(dict.fromkeys(problems))
