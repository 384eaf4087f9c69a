"""Cells of a published table: blank, a whole number, a number."""

from __future__ import annotations

import re
from collections.abc import Mapping

from netloom.errors import ParameterError

#: What a cell says when the source does not: netloom then chooses.
BLANKS = ("", "?", "-")

_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(\.\d*)?")


def text(raw: Mapping[str, str | None], column: str) -> str:
    """Return a cell without spaces around it, empty when it is blank or its column is missing.

    Examples
    --------
    >>> text({"vp": " ? "}, "vp"), text({"vp": "8"}, "vp"), text({}, "vp")
    ('', '8', '')
    """
    cell = (raw.get(column) or "").strip()
    return "" if cell in BLANKS else cell


def whole(raw: Mapping[str, str | None], column: str) -> int | None:
    """Return a count, or None when the cell is blank.

    Raises
    ------
    ParameterError
        When the cell is neither blank nor a whole number above zero.
    """
    cell = text(raw, column)
    if not cell:
        return None
    if not cell.isdecimal() or int(cell) == 0:
        raise ParameterError(
            f"{column} is '{cell}'",
            hint="write a whole number above zero, or ?",
        )
    return int(cell)


def needed(raw: Mapping[str, str | None], column: str) -> int:
    """Return a count that netloom cannot choose.

    Raises
    ------
    ParameterError
        When the cell is blank or no whole number above zero.
    """
    value = whole(raw, column)
    if value is None:
        raise ParameterError(
            f"{column} is blank", hint="write a whole number: it sets the work and is not chosen"
        )
    return value


def number(raw: Mapping[str, str | None], column: str) -> float | None:
    """Return a measurement above zero, or None when the cell is blank.

    Raises
    ------
    ParameterError
        When the cell is neither blank nor a number above zero.
    """
    cell = text(raw, column)
    if not cell:
        return None
    if _THOUSANDS.fullmatch(cell):
        cell = cell.replace(",", "")
    try:
        value = float(cell)
    except ValueError:
        value = 0.0
    if not 0.0 < value < float("inf"):
        raise ParameterError(f"{column} is '{cell}'", hint="write a number above zero, or nothing")
    return value
