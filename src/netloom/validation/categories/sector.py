"""What the shipped build-out implies for 2026, beside published sums of the whole sector.

Promised: within 30 %, sums that leave no company's share open; a figure that counts custom
accelerators too is compared at the merchant part of chips, one factor for all.
"""

from __future__ import annotations

from collections.abc import Iterator

from netloom.validation import Row
from netloom.validation.sector_rows import rows as sector_rows


def rows() -> Iterator[Row]:
    """Yield dollars of the largest maker and of optics, then modules."""
    return sector_rows("sector", promised=True)
