"""``bom.csv``: what each candidate buys, line by line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from netloom.errors import ConservationError
from netloom.result import BomLine, Candidate, Range, StudyResult

COLUMNS = (
    "candidate", "group", "part", "title", "used_in", "quantity",
    "unit_usd_low", "unit_usd_mode", "unit_usd_high",
    "total_usd_low", "total_usd_mode", "total_usd_high",
    "power_w", "price_basis", "price_grade",
)  # fmt: skip

#: Groups that are not network money.
NODE_GROUPS = frozenset({"accelerators", "nodes"})


def network_usd(lines: tuple[BomLine, ...]) -> Range:
    """Return the price of every line outside `NODE_GROUPS`."""
    return sum(
        (line.total_usd for line in lines if line.group not in NODE_GROUPS), start=Range(0, 0, 0)
    )


def check(candidate: Candidate) -> None:
    """Raise `ConservationError` when a candidate's lines do not add up to its capex."""
    everything = sum((line.total_usd for line in candidate.bom), start=Range(0, 0, 0))
    for name, lines, said in (
        ("network_capex_usd", network_usd(candidate.bom), candidate.network_capex_usd),
        ("total_capex_usd", everything, candidate.total_capex_usd),
    ):
        if abs(lines.mode - said.mode) > 1e-6 * max(abs(said.mode), 1.0):
            raise ConservationError(
                f"{candidate.name}: the bill of materials is {lines.mode:.2f} US$, "
                f"{name} is {said.mode:.2f} US$"
            )


def rows(result: StudyResult) -> Iterator[tuple[object, ...]]:
    """Yield the rows of ``bom.csv`` without its heading, candidates in rank order."""
    for candidate in result.candidates:
        for line in candidate.bom:
            unit, total = line.unit_usd, line.total_usd
            yield (
                candidate.name, line.group, line.part, line.title, line.used_in, line.quantity,
                unit.low, unit.mode, unit.high, total.low, total.mode, total.high,
                line.power_w, line.price_basis, line.price_grade,
            )  # fmt: skip


def write(result: StudyResult, path: Path) -> None:
    """Write ``bom.csv`` after checking that every candidate's lines add up."""
    for candidate in result.candidates:
        check(candidate)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows(result))
