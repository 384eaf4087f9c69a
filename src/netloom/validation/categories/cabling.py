"""A complete published cable schedule: racks of an appliance joined in a row."""

from __future__ import annotations

from collections.abc import Iterator

from netloom.layout.adjacent_racks import cables_by_length
from netloom.validation import Row

_SOURCE = "docs.oracle.com/cd/E58965_01/AMOGD/app_multi.htm, cables per number of racks"

#: Racks, and cables of 3, 5 and 10 m; each rack has two leaves with eight uplinks and one spine.
_PUBLISHED = ((2, (16, 16, 0)), (4, (16, 40, 8)), (8, (16, 52, 60)))


def rows() -> Iterator[Row]:
    """Yield cables by length and in all."""
    for num_racks, published in _PUBLISHED:
        computed = cables_by_length(num_racks, leaves_per_rack=2, num_uplinks=8)
        for (length_m, count), printed in zip(computed.items(), published, strict=True):
            name = f"{num_racks} racks, cables of {length_m:g} m"
            yield Row("cabling", name, "", printed, count, 0.0, _SOURCE)
        yield Row(
            "cabling", f"{num_racks} racks, cables in all", "", sum(published),
            sum(computed.values()), 0.0, _SOURCE,
        )  # fmt: skip
