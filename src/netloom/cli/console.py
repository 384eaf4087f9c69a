"""The console that commands print on."""

from __future__ import annotations

import os
import sys

from rich.console import Console

#: Columns of a table that goes to a file or a pipe, which have no width of their own.
_PIPE_COLUMNS = 120


def output() -> Console:
    """Return a console on standard output: coloured and as wide as the window on a terminal."""
    piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(highlight=False, width=_PIPE_COLUMNS if piped else None)
