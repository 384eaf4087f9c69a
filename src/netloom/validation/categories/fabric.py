"""Counts of published reference architectures and tables, exact unless a row says otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from netloom.validation import Row
from netloom.validation.fabrics import built, measure, published_fabrics
from netloom.validation.published import cite, number


def rows() -> Iterator[Row]:
    """Yield one row per published quantity of every fabric whose family netloom has."""
    for case, fabric in published_fabrics():
        other = built(case["over"]) if "over" in case else None
        for quantity, published in case["published"].items():
            computed = measure(fabric, quantity)
            if other is not None:
                computed /= measure(other, quantity)
            yield Row(
                "fabric",
                f"{case['name']}: {quantity}{' (ratio)' if other is not None else ''}",
                "",
                number(published),
                float(computed),
                case.get("tolerance", 0.0),
                cite(case["source"], case.get("place", "")),
                note=case.get("note", ""),
            )
