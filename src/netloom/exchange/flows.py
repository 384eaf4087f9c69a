"""Traffic as a table: who sends how much to whom, and when.

The file is a CSV with the columns ``source``, ``target``, ``bytes`` and, where flows do not all
start at zero, ``start_s``. Ends are endpoint numbers or names, bytes a whole number or an amount
with its unit, such as ``64 MB``. Other columns are refused, so that nothing is overlooked.

Legend for shapes: F flows.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netloom import units
from netloom.errors import ParameterError, Problem, StudyError, nearest

COLUMNS = ("source", "target", "bytes", "start_s")

#: Up to here floating-point numbers tell every byte apart.
LARGEST_FLOW_BYTES = 2**53


@dataclass(frozen=True)
class Flows:
    """Flows between endpoints.

    Attributes
    ----------
    source, target : int32, shape (F,), endpoints.
    size_bytes : int64, shape (F,).
    start_s : float64, shape (F,).
    """

    source: NDArray[np.int32]
    target: NDArray[np.int32]
    size_bytes: NDArray[np.int64]
    start_s: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.source)

    @classmethod
    def of(
        cls,
        source: Sequence[int] | NDArray[np.integer],
        target: Sequence[int] | NDArray[np.integer],
        size_bytes: Sequence[int] | NDArray[np.integer] | int,
        start_s: Sequence[float] | NDArray[np.float64] | float = 0.0,
    ) -> Flows:
        """Return flows from arrays, or one size and one start for all.

        Examples
        --------
        >>> Flows.of([0, 1], [1, 0], 64).size_bytes.tolist()
        [64, 64]
        """
        ends = np.asarray(source, dtype=np.int32), np.asarray(target, dtype=np.int32)
        count = len(ends[0])
        return cls(
            *ends,
            np.broadcast_to(np.asarray(size_bytes, dtype=np.int64), count).copy(),
            np.broadcast_to(np.asarray(start_s, dtype=np.float64), count).copy(),
        )


def flows_csv(flows: Flows, names: Sequence[str] = ()) -> str:
    """Return the text of a flow table; ends are numbers unless names are given.

    Examples
    --------
    >>> print(flows_csv(Flows.of([0], [3], 1000, 0.5)), end="")
    source,target,bytes,start_s
    0,3,1000,0.5
    """
    ends = (flows.source.tolist(), flows.target.tolist())
    source, target = ([names[end] for end in side] if names else side for side in ends)
    lines = [",".join(COLUMNS)]
    lines += (
        f"{one},{other},{size},{start!r}"
        for one, other, size, start in zip(
            source, target, flows.size_bytes.tolist(), flows.start_s.tolist(), strict=True
        )
    )
    return "\n".join(lines) + "\n"


def read_flows(path: str | Path, num_endpoints: int, names: Sequence[str] = ()) -> Flows:
    """Return the flows of a file.

    Parameters
    ----------
    path : CSV file.
    num_endpoints : endpoints of the fabric, numbered from 0.
    names : of the endpoints, where flows may name them.

    Raises
    ------
    ParameterError
        When there is no such file.
    StudyError
        With every problem of the file and its line.
    """
    text = read_text(path, "flows")
    reader = csv.reader(io.StringIO(text))
    columns = [name.strip() for name in next(reader, [])]
    problems = _column_problems(columns, str(path))
    if problems:
        raise StudyError(problems)
    number = {name: place for place, name in enumerate(names)}
    rows: list[tuple[int, int, int, float]] = []
    for fields in reader:
        if not fields:
            continue
        wrong = _Line(str(path), reader.line_num, problems)
        if len(fields) != len(columns):
            wrong(f"has {len(fields)} fields, {len(columns)} are meant")
            continue
        row = dict(zip(columns, (field.strip() for field in fields), strict=True))
        source, target = (
            _endpoint(row[side], side, num_endpoints, number, wrong)
            for side in ("source", "target")
        )
        if source == target >= 0:
            wrong(f"source and target are both endpoint {source}", "a flow has two ends")
        rows.append((source, target, _bytes(row["bytes"], wrong), _start(row, wrong)))
    if problems:
        raise StudyError(problems)
    found = list(zip(*rows, strict=True)) or [(), (), (), ()]
    return Flows.of(found[0], found[1], found[2], found[3])


def flow_bytes(text: str) -> int:
    """Return the size of a flow in bytes: a whole number, or an amount with its unit.

    Raises
    ------
    ParameterError
        When it is less than one byte, no whole number, or more than `LARGEST_FLOW_BYTES`.

    Examples
    --------
    >>> flow_bytes("64 MB"), flow_bytes("1500")
    (64000000, 1500)
    """
    try:
        size_bytes = int(text) if text.isdecimal() else units.parse(text, "data")
    except ParameterError:
        size_bytes = 0
    if not 1 <= size_bytes <= LARGEST_FLOW_BYTES or size_bytes != int(size_bytes):
        raise ParameterError(
            f"'{text}' is no size of a flow",
            hint=f"write whole bytes from 1 to {LARGEST_FLOW_BYTES}, or like 64 MB or 64 MiB",
        )
    return int(size_bytes)


def read_text(path: str | Path, what: str) -> str:
    """Return a file's text; raise `ParameterError` when it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ParameterError(f"cannot read {what} '{path}': {error.strerror}") from None
    except UnicodeDecodeError:
        raise ParameterError(f"cannot read {what} '{path}': it is no text in UTF-8") from None


@dataclass(frozen=True)
class _Line:
    """Notes problems of one line."""

    file: str
    number: int
    problems: list[Problem]

    def __call__(self, message: str, hint: str = "") -> None:
        self.problems.append(Problem(message, hint, file=self.file, line=self.number, column=1))


def _column_problems(columns: Sequence[str], file: str) -> list[Problem]:
    problems: list[Problem] = []
    wrong = _Line(file, 1, problems)
    missing = [name for name in COLUMNS[:3] if name not in columns]
    if missing:
        wrong(f"lacks the columns {', '.join(missing)}", f"write {','.join(COLUMNS)}")
    for name in dict.fromkeys(columns):
        if name not in COLUMNS:
            wrong(f"there is no column '{name}'", nearest(name, COLUMNS))
        elif columns.count(name) > 1:
            wrong(f"column '{name}' is there twice")
    return problems


def _endpoint(
    text: str, side: str, num_endpoints: int, number: Mapping[str, int], wrong: _Line
) -> int:
    """Return an endpoint's number; -1 for what is none."""
    place = int(text) if text.isdecimal() else number.get(text, -1)
    if 0 <= place < num_endpoints:
        return place
    wrong(
        f"{side} '{text}' is no endpoint",
        f"they are numbered 0 to {num_endpoints - 1}"
        + (f" or named like {next(iter(number))}" if number else ""),
    )
    return -1


def _bytes(text: str, wrong: _Line) -> int:
    try:
        return flow_bytes(text)
    except ParameterError as error:
        wrong(error.problem.message, error.problem.hint)
        return 0


def _start(row: Mapping[str, str], wrong: _Line) -> float:
    text = row.get("start_s", "0")
    try:
        start = float(text)
    except ValueError:
        start = math.nan
    if not (math.isfinite(start) and start >= 0):
        wrong(f"'{text}' is no start", "write seconds from 0, such as 0.25")
    return start
