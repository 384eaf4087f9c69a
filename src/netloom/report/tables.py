"""The titled table of the reports: lines on a terminal, Markdown in a file."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table


def titled_table(
    title: str,
    console: Console,
    columns: Iterable[str],
    num_left: int = 1,
    *,
    wrap_numbers: bool = True,
) -> Table:
    """Return an empty table.

    Parameters
    ----------
    num_left : columns of words, to the left; the others are numbers, to the right.
    wrap_numbers : whether a number may go on in the next line; otherwise it is cut short.
    """
    table = Table(
        title=title, title_justify="left", title_style="bold", header_style="bold",
        box=box.SIMPLE_HEAD if console.is_terminal else box.MARKDOWN, pad_edge=False,
        padding=(0, 1),
    )  # fmt: skip
    for number, column in enumerate(columns):
        left = number < num_left
        folds = left or wrap_numbers
        table.add_column(
            column, justify="left" if left else "right", no_wrap=not folds,
            overflow="fold" if folds else "ellipsis",
        )  # fmt: skip
    return table
