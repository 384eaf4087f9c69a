"""Numbers behind the figures of a report, the weakest evidence first: lines and table rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from netloom import catalog
from netloom.money.inputs import Input
from netloom.money.trace import Traced
from netloom.units import show

#: Digits of a value: those of most catalogue numbers.
_DIGITS = 4


@dataclass(frozen=True)
class SourceRow:
    """One number in words.

    Attributes
    ----------
    grade, path, value, range, basis, date : of the number; no range where it has none.
    where : what was read, in full.
    figures : that rest on it.
    networks : candidates that use it; empty where all do.
    """

    grade: str
    path: str
    value: str
    range: str
    basis: str
    date: str
    where: str
    figures: str
    networks: str


def value_words(number: Input) -> str:
    """Return the value with its range and units.

    Examples
    --------
    >>> from netloom.money.inputs import of_study
    >>> value_words(of_study("reliability.restart", 600.0, "time"))
    '10 min'
    """
    ends, mode = _range(number), show(number.value.mode, number.dimension, _DIGITS)
    return f"{ends}, most likely {mode}" if ends else mode


def source_lines(numbers: Iterable[Input]) -> Iterator[str]:
    """Yield one line for each number: grade, catalogue entry, value, evidence."""
    for each in numbers:
        dated = f"{each.date}, " if each.date else ""
        yield (
            f"{each.grade}: {each.path} = {value_words(each)} ({dated}{each.basis}; {_where(each)})"
        )


def trace_lines(traced: Iterable[Traced], num_networks: int) -> Iterator[str]:
    """Yield one line for each number of a plan: as `source_lines`, and what rests on it."""
    for each in traced:
        (line,) = source_lines([each.number])
        yield f"{line}; in {', '.join(each.figures)}{_of_networks(each, num_networks)}"


def source_rows(traced: Iterable[Traced], num_networks: int) -> tuple[SourceRow, ...]:
    """Return the rows of a table of the numbers behind a plan."""
    return tuple(
        SourceRow(
            each.number.grade,
            each.number.path,
            show(each.number.value.mode, each.number.dimension, _DIGITS),
            _range(each.number),
            each.number.basis,
            each.number.date,
            _where(each.number),
            ", ".join(each.figures),
            _of_networks(each, num_networks).removeprefix(" of "),
        )
        for each in traced
    )


def _range(number: Input) -> str:
    value = number.value
    if value.low == value.high:
        return ""
    low, high = (show(each, number.dimension, _DIGITS) for each in (value.low, value.high))
    return f"{low} to {high}"


def _where(number: Input) -> str:
    known = catalog.sources()
    # a user's own file may say in words where a number is from
    return "; ".join(known.get(key, key) for key in number.sources) or "the study"


def _of_networks(traced: Traced, num_networks: int) -> str:
    if len(traced.networks) == num_networks:
        return ""
    return f" of {', '.join(traced.networks)}"
