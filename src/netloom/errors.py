"""What netloom says when it refuses: every error names what is wrong and what to write instead.

Errors of user input are collected into one `StudyError`, so that a file with three mistakes is
answered with three problems, each with its line and column.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong with user input, and the way out.

    Attributes
    ----------
    message : what is wrong, one sentence without a full stop.
    hint : what to write instead; empty when nothing better is known.
    where : dotted path inside the file, ``networks[2].switch``; empty for the whole file.
    file, line, column : place in the text, counted from 1; line 0 when there is no text.
    of_key : whether the key at `where` is wrong, and not its value.
    """

    message: str
    hint: str = ""
    where: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    of_key: bool = False

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: " if self.line else ""
        if not place and self.file:
            place = f"{self.file}: "
        where = f"{self.where}: " if self.where else ""
        hint = f"\n    {self.hint}" if self.hint else ""
        return f"{place}{where}{self.message}{hint}"


class NetloomError(Exception):
    """Base of every error that netloom raises on purpose.

    The command line exits with `exit_code`.
    """

    exit_code = 1


class StudyError(NetloomError):
    """All problems of one input, together. Exit code 2."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        if not self.problems:
            raise ValueError("a StudyError needs at least one problem")
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ParameterError(NetloomError):
    """A parameter outside its domain, found below the study file; holds one `Problem`. Exit code 2.

    Fabric families and other extension points raise it; the study loader adds file and line.
    """

    exit_code = 2

    def __init__(self, message: str, hint: str = "", where: str = "") -> None:
        self.problem = Problem(message=message, hint=hint, where=where)
        super().__init__(str(self.problem))


class InfeasibleError(NetloomError):
    """The question is well formed but has no answer: a model that fits on no plan. Exit 3."""

    exit_code = 3


class ConservationError(NetloomError):
    """A self-check failed (bytes, FLOPs, ranks or ports do not add up): a bug, never a warning."""

    exit_code = 70


def nearest(name: str, known: Iterable[str], count: int = 3) -> str:
    """Return a hint that lists the known names nearest to an unknown one.

    Examples
    --------
    >>> nearest("QM9701", ["qm9700", "sn5600"])
    'did you mean qm9700? Known: qm9700, sn5600'
    """
    names = sorted(known)
    folded = {candidate.lower(): candidate for candidate in names}
    close = [
        folded[match]
        for match in difflib.get_close_matches(name.lower(), folded, n=count, cutoff=0.5)
    ]
    listing = "Known: " + (", ".join(names) if names else "none")
    return f"did you mean {' or '.join(close)}? {listing}" if close else listing
