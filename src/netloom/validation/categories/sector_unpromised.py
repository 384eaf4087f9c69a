"""Sums of the sector that public facts leave open: makers, speeds, memory, cables. Shown only.

Notes say what the published figure covers that the build-out does not, or where it is of another
year.
"""

from __future__ import annotations

from collections.abc import Iterator

from netloom.validation import Row
from netloom.validation.sector_rows import rows as sector_rows


def rows() -> Iterator[Row]:
    """Yield modules by speed, memory, makers, and cables of an accelerator."""
    return sector_rows("sector-unpromised", promised=False)
