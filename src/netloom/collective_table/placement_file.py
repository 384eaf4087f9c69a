"""A placement of ranks from a CSV file: ``rank,node,accelerator``, and ``nic`` where it is uneven.

`accelerator` and `nic` are counted inside the node from 0, nodes on the fabric.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netloom.errors import ParameterError, Problem, StudyError

_COLUMNS = ("rank", "node", "accelerator")
_HINT = "the first line is rank,node,accelerator or rank,node,accelerator,nic"

#: Problems of one file that are listed; more say no more.
_MOST_PROBLEMS = 20


def read_placement(
    path: Path, num_ranks: int, num_nodes: int, accelerators_per_node: int, nics_per_node: int
) -> tuple[NDArray[np.int32], NDArray[np.int32] | None]:
    """Return the accelerator of each rank, and the NIC of each accelerator where the file says it.

    Returns
    -------
    accelerator_of_rank : int32, shape (ranks,).
    nic_of_accelerator : int32, shape (accelerators of the machine,); the even rule holds for
        those that the file does not name. None when the file has no such column.

    Raises
    ------
    StudyError
        With all that is wrong, by line: ranks missing or repeated, accelerators used twice,
        numbers beyond the machine.
    """
    header, lines = _table(path)
    problems: list[Problem] = []
    with_nic = header[3:] == ["nic"]
    nics_per_rank = max(1, nics_per_node // accelerators_per_node)
    # the first of an accelerator's NICs
    most_nics = nics_per_node - nics_per_rank + 1
    most = (num_ranks, num_nodes, accelerators_per_node, most_nics)
    accelerator_of_rank = np.full(num_ranks, -1, dtype=np.int32)
    local = np.arange(num_nodes * accelerators_per_node) % accelerators_per_node
    nic = (local * nics_per_node // accelerators_per_node).astype(np.int32)
    taken: dict[int, int] = {}
    for number, row in lines:
        values, problem = _numbers(row, header, most)
        if problem:
            problems.append(Problem(problem[0], problem[1], file=str(path), line=number, column=1))
            continue
        rank, accelerator = values[0], values[1] * accelerators_per_node + values[2]
        message = ""
        if accelerator_of_rank[rank] >= 0:
            message = f"rank {rank} has a place already"
        elif accelerator in taken:
            message = (
                f"accelerator {values[2]} of node {values[1]} is used twice, first in line "
                f"{taken[accelerator]}"
            )
        if message:
            hint = "every rank has one line and an accelerator of its own"
            problems.append(Problem(message, hint, file=str(path), line=number, column=1))
            continue
        taken[accelerator] = number
        accelerator_of_rank[rank] = accelerator
        if with_nic:
            nic[accelerator] = values[3]
    missing = np.flatnonzero(accelerator_of_rank < 0)
    if len(missing) and not problems:
        named = ", ".join(str(rank) for rank in missing[:5]) + (", ..." if len(missing) > 5 else "")
        problems.append(
            Problem(
                f"{len(missing):,} of {num_ranks:,} ranks have no place: {named}",
                "add a line for each",
                file=str(path),
            )
        )
    if problems:
        raise StudyError(problems[:_MOST_PROBLEMS])
    return accelerator_of_rank, nic if with_nic else None


def _table(path: Path) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Return the header and the numbered lines that are not empty."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ParameterError(f"cannot read the placement '{path}': {reason}", hint=_HINT) from None
    reader = csv.reader(text.splitlines())
    header = [name.strip() for name in next(reader, [])]
    if header[:3] != list(_COLUMNS) or header[3:] not in ([], ["nic"]):
        raise StudyError(
            [Problem("the columns are not those of a placement", _HINT, "", str(path), 1, 1)]
        )
    return header, ((reader.line_num, row) for row in reader if any(cell.strip() for cell in row))


def _numbers(
    row: list[str], header: list[str], most: tuple[int, ...]
) -> tuple[list[int], tuple[str, str] | None]:
    """Return a line's numbers, and message and hint when it is wrong."""
    if len(row) != len(header):
        return [], (f"{len(row)} values in a line of {len(header)}", _HINT)
    values = []
    for name, cell, limit in zip(header, row, most, strict=False):
        if not cell.strip().isdecimal() or int(cell) >= limit:
            return [], (f"'{cell.strip()}' is no {name}", f"write 0 to {limit - 1}")
        values.append(int(cell))
    return values, None
