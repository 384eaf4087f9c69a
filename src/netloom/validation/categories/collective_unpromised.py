"""Short messages, where a linear price of latency and bandwidth is too fast: shown, not promised.

Between the latency of a few bytes and the bandwidth of gigabytes, measured collectives lose much to
pipelining and synchronisation that the library's tuning model does not have.
"""

from __future__ import annotations

from collections.abc import Iterator

from netloom.validation import Row
from netloom.validation.networks import GPUS, bus_factor, bytes_per_s, network
from netloom.validation.nic_rows import nic_rows
from netloom.validation.published import NOT_PROMISED, cite


def rows() -> Iterator[Row]:
    """Yield the measured short messages."""
    category, size_bytes = "collective-unpromised", 58e6
    computed = bytes_per_s(network(1), "all-reduce", size_bytes)
    yield Row(
        category,
        "ring all-reduce of 58 MB on 8 H100, bus bandwidth",
        "GB/s",
        150.0,
        computed * bus_factor("all-reduce", GPUS) / 1e9,
        NOT_PROMISED,
        cite("sb"),
        note="published as about 150 GB/s",
    )
    yield from nic_rows(category, promised=False)
