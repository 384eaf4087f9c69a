"""What each rank sends to each, from a CSV file: n rows of n numbers, bytes, without a header."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netloom.errors import ParameterError, Problem, StudyError

#: Problems of one file that are listed; more say no more.
_MOST_PROBLEMS = 20


def read_matrix(path: Path, num_ranks: int) -> NDArray[np.float64]:
    """Return the bytes that rank i sends to rank j, float64, shape (n, n).

    Raises
    ------
    StudyError
        With every row of the wrong length and every entry that is no number of bytes, by line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ParameterError(
            f"cannot read the matrix '{path}': {reason}",
            hint=f"give a CSV file of {num_ranks} rows of {num_ranks} numbers, bytes",
        ) from None
    reader = csv.reader(text.splitlines())
    lines = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    problems: list[Problem] = []
    matrix = np.zeros((len(lines), num_ranks))
    for rank, (line, row) in enumerate(lines):
        if len(row) != num_ranks:
            problem = Problem(
                f"row {rank + 1} has {len(row)} entries for {num_ranks} ranks",
                f"write {num_ranks} numbers, what rank {rank} sends to each",
            )
        else:
            values = [_bytes(cell) for cell in row]
            wrong = [place for place, value in enumerate(values) if value is None]
            if not wrong:
                matrix[rank] = values
                continue
            problem = Problem(
                f"row {rank + 1}: '{row[wrong[0]].strip()}' is no number of bytes for rank "
                f"{wrong[0]}",
                "write bytes as a plain number, and 0 where nothing is sent",
            )
        problems.append(Problem(problem.message, problem.hint, "", str(path), line, 1))
    if len(lines) != num_ranks:
        message = f"{len(lines)} rows for {num_ranks} ranks"
        problems.append(Problem(message, f"write {num_ranks} rows", file=str(path)))
    elif not problems and not matrix.any():
        problems.append(Problem("nobody sends anything", "write bytes above zero", file=str(path)))
    if problems:
        raise StudyError(problems[:_MOST_PROBLEMS])
    return matrix


def _bytes(cell: str) -> float | None:
    """Return a number of bytes, or None for what is none."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
