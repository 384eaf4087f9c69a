"""NIC efficiency of a published table, short messages included, if all of it ran ring/simple.

Within 15 % for long messages and 35 % for short ones, from 16 MiB over 1,024 GPUs on. The protocol
was chosen on the columns of 2, 8, 32 and 128 nodes (calibration), and the tolerances set by them;
the columns of 4, 16 and 64 nodes were compared afterwards (test).
"""

from __future__ import annotations

from collections.abc import Iterator

from netloom.validation import Row
from netloom.validation.nic_rows import simple_rows


def rows() -> Iterator[Row]:
    """Yield one row per cell of the table, all-to-all left out."""
    return simple_rows("nic-efficiency-simple")
