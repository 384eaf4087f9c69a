"""The network's and the optics' share of what clusters and sites cost.

Promised: within 30 %, as sums at market prices that are not the study's, the shares of a public
retail model, and the middle of an analyst's range for rack-scale systems of its own year. Each note
says what is in numerator and sum, and whether the share is inside the range.
"""

from __future__ import annotations

from collections.abc import Iterator

from netloom.validation import Row
from netloom.validation.network_shares import cluster_rows, site_rows


def rows() -> Iterator[Row]:
    """Yield laid-out clusters, then sites of a gigawatt with their building."""
    yield from cluster_rows("network-share")
    yield from site_rows("network-share", promised=True)
