"""``cables.csv``: one row per cable, for the people who pull them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

COLUMNS = (
    "id", "tier", "a_rack", "a_u", "a_device", "a_port", "b_rack", "b_u", "b_device", "b_port",
    "medium", "length_m", "label", "bundle",
)  # fmt: skip


def write_cables(path: Path, rows: Iterable[Mapping[str, object] | Sequence[object]]) -> int:
    """Write ``cables.csv`` row by row and return how many cables there are.

    Parameters
    ----------
    path : file to write.
    rows : a mapping with the keys `COLUMNS`, or a sequence of values in their order, per cable.

    Raises
    ------
    ValueError
        When a row has other columns.
    """
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for count, row in enumerate(rows, start=1):
            if isinstance(row, Mapping):
                if row.keys() != set(COLUMNS):
                    odd = ", ".join(sorted(set(COLUMNS) ^ set(row)))
                    raise ValueError(f"cable {count} has missing or unknown columns: {odd}")
                row = [row[name] for name in COLUMNS]
            elif len(row) != len(COLUMNS):
                raise ValueError(f"cable {count} has {len(row)} columns, {len(COLUMNS)} are meant")
            writer.writerow(row)
    return count
