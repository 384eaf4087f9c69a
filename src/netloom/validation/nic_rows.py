"""A published table of NIC efficiency by message size and nodes, split by what netloom promises.

The table is of the all-reduce family; netloom's all-gather is compared, because only rings carry
it out, while an all-reduce of that size and breadth would take a tree. Efficiency is bus bandwidth
over the NICs' line rate. Of an all-to-all, what stays inside the node does not cross a NIC, so its
efficiency is the bytes that cross over the time, over the line rate; on one node it is bus
bandwidth over the NVLink rate.

The source does not say which operation and ranks it measured. Against the plain all-reduce, which
netloom carries out by trees when it is short, and against groups of one rank a node, its numbers
lie far below ours at small sizes; the all-gather was taken because it came closest. The plateau of
the table is where the catalogue's transport efficiency comes from, so those cells are calibration.
"""

from __future__ import annotations

from collections.abc import Iterator

from netloom.validation import Row
from netloom.validation.networks import (
    GPUS,
    LINK_BYTES_PER_S,
    bus_factor,
    bytes_per_s,
    network,
)
from netloom.validation.published import NOT_PROMISED, cite, read_table

_MIB = 2.0**20

#: Least message, and least message over ranks, of promised rows of the all-reduce family.
_LONG_MIB, _LONG_MIB_PER_RANK = 128, 2

#: Cells from here on are the plateau that the catalogue's transport efficiency was read off.
_PLATEAU = 0.95

#: Promised error, by operation.
_TOLERANCE = {"all-gather": 0.15, "all-to-all": 0.20}


def nic_rows(category: str, *, promised: bool) -> Iterator[Row]:
    """Yield the rows of the table that netloom promises, or those that it does not."""
    for entry in read_table("nic-efficiency.csv"):
        operation, mib, nodes = entry["operation"], int(entry["mib"]), int(entry["nodes"])
        if _promised(operation, mib, GPUS * nodes) != promised:
            continue
        yield Row(
            category,
            f"{operation}, {_size(mib)}, {nodes} node{'s' * (nodes > 1)} of {GPUS}",
            "",
            float(entry["efficiency"]),
            _efficiency(operation, mib * _MIB, nodes),
            _TOLERANCE[operation] if promised else NOT_PROMISED,
            cite("simai"),
            "calibration" if float(entry["efficiency"]) >= _PLATEAU else "test",
        )


def _promised(operation: str, mib: int, num_ranks: int) -> bool:
    if operation == "all-to-all":
        return mib >= 16 * 1024
    return mib >= _LONG_MIB and mib >= _LONG_MIB_PER_RANK * num_ranks


def _size(mib: int) -> str:
    return f"{mib // 1024} GiB" if mib >= 1024 else f"{mib} MiB"


def _efficiency(operation: str, size_bytes: float, num_nodes: int) -> float:
    model = network(num_nodes)
    num_ranks = GPUS * num_nodes
    rate = bytes_per_s(model, operation, size_bytes)
    if operation != "all-to-all":
        return rate * bus_factor(operation, num_ranks) / (GPUS * LINK_BYTES_PER_S)
    if num_nodes == 1:
        return rate * bus_factor(operation, num_ranks) / float(model.scale_up.bytes_per_s)
    return rate * (num_ranks - GPUS) / num_ranks / LINK_BYTES_PER_S
