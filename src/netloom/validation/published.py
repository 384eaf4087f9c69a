"""Published numbers as the data files of this package hold them, with their sources."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml

from netloom import catalog
from netloom.catalog.parts import Part
from netloom.catalog.quantity import Quantity

_Part = TypeVar("_Part", bound=Part)

DATA = Path(__file__).parent / "data"

#: Tolerance of rows that netloom does not promise: their error is shown and nothing else.
NOT_PROMISED = float("inf")


def read(name: str) -> Any:
    """Return the content of a YAML file, named by its path inside the data folder."""
    return yaml.safe_load((DATA / name).read_text(encoding="utf-8"))


def read_table(name: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file; lines that begin with # are comments."""
    with (DATA / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


@cache
def sources() -> dict[str, str]:
    """Return what each source key stands for: the catalogue's keys and this package's own."""
    return dict(catalog.sources()) | read("sources.yaml")


def cite(keys: str | Sequence[str], place: str = "") -> str:
    """Return sources in words, with the place inside them.

    Examples
    --------
    >>> cite("sb", "ring all-reduce")
    'github.com/jax-ml/scaling-book, gpus.md: ring all-reduce'
    """
    known = [keys] if isinstance(keys, str) else keys
    text = "; ".join(sources()[key] for key in known)
    return f"{text}: {place}" if place else text


def number(text: str | int | float) -> float:
    """Return a published number; a quotient such as ``"3/5"`` is divided.

    Examples
    --------
    >>> number("3/5"), number(64)
    (0.6, 64.0)
    """
    return float(Fraction(text)) if isinstance(text, str) else float(text)


def half_digit(printed: str) -> float:
    """Return half a unit of the last printed digit over the number: what rounding can explain.

    Examples
    --------
    >>> half_digit("25.0"), half_digit("400")
    (0.002, 0.00125)
    """
    decimals = len(printed.partition(".")[2])
    return 0.5 * 10.0**-decimals / float(printed)


def as_printed(value: float, printed: str) -> float:
    """Return a number rounded to the decimals of a printed one, to be met exactly.

    Examples
    --------
    >>> as_printed(40.04, "40.0")
    40.0
    """
    return round(value, len(printed.partition(".")[2]))


def between(low: float, high: float) -> tuple[float, float]:
    """Return the middle of a published range, and the tolerance that reaches its ends.

    Examples
    --------
    >>> between(0.9, 1.0)[0]
    0.95
    """
    middle = (low + high) / 2
    return middle, (high - low) / 2 / middle


def with_values(part: _Part, **values: float | None) -> _Part:
    """Return a catalogue part with some of its numbers replaced, in SI units; None keeps one."""
    update: dict[str, Quantity] = {}
    for field, value in values.items():
        if value is not None:
            known: Quantity = getattr(part, field)
            update[field] = known.model_copy(update={"low": value, "mode": value, "high": value})
    return part.model_copy(update=update)
