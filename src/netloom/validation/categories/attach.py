"""Optical modules per accelerator, counted on built and laid-out fabrics, beside published ratios.

Promised: where the public facts fix the fabric, the usual fabric of an architecture is inside the
published range, and counts by rate are met exactly.
"""

from __future__ import annotations

from collections.abc import Iterator

from netloom.supply.architectures import architecture, count_network, difference
from netloom.supply.attach import words
from netloom.validation import Row
from netloom.validation.published import between, cite, read

#: Room for rounding at the ends of a range.
_ROUNDING = 1e-9


def rows() -> Iterator[Row]:
    """Yield counts by rate, then the ratios of whole architectures."""
    published = read("attach.yaml")
    for case in published["counts"]:
        counted = count_network(case["network"], case["name"])
        for rate, number in case["published"].items():
            note = f"{case['note']}; {words(counted)}" if "note" in case else words(counted)
            yield Row(
                "attach",
                f"{case['name']}: modules of {rate} per accelerator",
                "",
                float(number),
                counted.modules.get(rate, 0.0),
                0.0,
                cite(case["source"]),
                note=note,
            )
    for name in published["promised"]:
        yield architecture_row("attach", name)


def architecture_row(category: str, name: str, tolerance: float | None = None) -> Row:
    """Return the usual fabric of an architecture beside the published ratio."""
    found = architecture(name)
    middle, reach = between(found.published.low, found.published.high)
    note = f"{found.published.note}; {difference(found)}"
    assumed = found.configurations[0].assumed
    return Row(
        category,
        f"{found.title}: {found.configurations[0].name}, {found.published.what}",
        "",
        middle,
        found.computed[0],
        (reach and reach + _ROUNDING) if tolerance is None else tolerance,
        cite(found.published.sources),
        note=f"{note}. Assumed: {assumed}",
    )
