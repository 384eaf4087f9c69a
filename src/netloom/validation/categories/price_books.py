"""Sums of published cost studies, priced with their own price books from the catalogue.

The prices of the HammingMesh study are the study's; those of the DeepSeek study were fitted to its
sums, which therefore calibrate. Sums are met to the printed digits unless a tolerance is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from netloom import catalog, topology
from netloom.cost.book import fabric_lines
from netloom.result import BomLine
from netloom.validation import Row
from netloom.validation.published import cite, half_digit, read


def rows() -> Iterator[Row]:
    """Yield one row per published sum."""
    for study in read("price_books.yaml"):
        book = catalog.get("price-book", study["book"])
        for case in study["cases"]:
            yield _row(study, book, case)


def _row(study: dict[str, Any], book: Any, case: dict[str, Any]) -> Row:
    fabric = topology.build(case["family"], case["parameters"])
    lines = fabric_lines(fabric, book, case.get("copies", 1))
    usd = sum(line.total_usd.mode for line in lines)
    printed = case["published_musd"]
    return Row(
        "price-books",
        f"{study['name']}: {case['name']}",
        "M$",
        float(printed),
        usd / 1e6,
        study.get("tolerance", half_digit(printed)),
        cite(study["source"], study["place"]),
        study.get("role", "test"),
        "; ".join(filter(None, (case.get("note", ""), _parts(lines)))),
    )


def _parts(lines: Iterable[BomLine]) -> str:
    """Return the sum's parts in words."""
    return "sum of " + ", ".join(
        f"{line.quantity:,} {line.part} ({line.used_in}) at {line.unit_usd.mode:,.0f} $"
        for line in lines
    )
