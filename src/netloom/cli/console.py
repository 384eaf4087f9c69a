"""The console that commands print on."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rich.console import Console

#: Columns of a table that goes to a file or a pipe, which have no width of their own.
_PIPE_COLUMNS = 120


def write_picture(path: Path, picture: str) -> None:
    """Write a drawing as a file of its own, and say so."""
    from netloom.report.figures import svg

    path.write_text(svg.standalone(picture), encoding="utf-8")
    print(f"wrote {path}", file=sys.stderr)


def output() -> Console:
    """Return a console on standard output: coloured and as wide as the window on a terminal."""
    given = os.environ.get("COLUMNS", "")
    sized = given.isdecimal() and int(given) > 0
    # some editors set COLUMNS=0, in which nothing at all would be printed
    unknown = not sized and (bool(given) or not sys.stdout.isatty())
    return Console(highlight=False, width=_PIPE_COLUMNS if unknown else None)
