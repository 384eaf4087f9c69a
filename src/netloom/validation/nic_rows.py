"""A published table of NIC efficiency by message size and nodes, split by what netloom promises.

The table is of the all-reduce family; netloom's all-gather is compared, because only rings carry
it out, while an all-reduce of that size and breadth would take a tree. Efficiency is bus bandwidth
over the NICs' line rate. Of an all-to-all, what stays inside the node does not cross a NIC, so its
efficiency is the bytes that cross over the time, over the line rate; on one node it is bus
bandwidth over the NVLink rate.

The source does not say which operation, ranks and protocol it measured. Of all-reduce, all-gather
and groups of one rank a node, the all-gather came closest in the columns of 2, 8, 32 and 128 nodes,
and of all protocols ring/simple: by the fastest one ours is twice as fast where messages are short.
So the columns were split. `nic_rows` prices those four by the fastest protocol, as netloom does
everywhere; `simple_rows` prices the whole table by ring/simple, where those four are calibration
and the columns of 4, 16 and 64 nodes, looked at afterwards, are the test.

The plateau of the table is where the catalogue's transport efficiency comes from, so those cells
are calibration as well.
"""

from __future__ import annotations

from collections.abc import Iterator

from netloom.validation import Row
from netloom.validation.networks import (
    GPUS,
    LINK_BYTES_PER_S,
    bus_bytes_per_s,
    bus_factor,
    bytes_per_s,
    network,
    price_by,
)
from netloom.validation.published import NOT_PROMISED, cite, read_table

_MIB = 2.0**20

#: Least message, and least message over ranks, of promised rows of the all-reduce family.
_LONG_MIB, _LONG_MIB_PER_RANK = 128, 2

#: Cells from here on are the plateau that the catalogue's transport efficiency was read off.
_PLATEAU = 0.95

#: Promised error, by operation; of the all-gather by ring/simple, shorter messages included.
_TOLERANCE = {"all-gather": 0.15, "all-to-all": 0.20}
_SHORT_TOLERANCE = 0.35

#: Columns of the all-gather that operation and protocol were chosen on.
_CHOSEN_ON_NODES = (2, 8, 32, 128)


def nic_rows(category: str, *, promised: bool) -> Iterator[Row]:
    """Yield the rows of the table that netloom promises, or those that it does not."""
    for operation, mib, nodes, efficiency in _cells():
        if operation == "all-gather" and nodes not in _CHOSEN_ON_NODES:
            continue
        if _promised(operation, mib, GPUS * nodes) != promised:
            continue
        yield Row(
            category,
            _name(operation, mib, nodes),
            "",
            efficiency,
            _efficiency(operation, mib * _MIB, nodes),
            _TOLERANCE[operation] if promised else NOT_PROMISED,
            cite("simai"),
            "calibration" if efficiency >= _PLATEAU else "test",
        )


def simple_rows(category: str) -> Iterator[Row]:
    """Yield every cell of the all-reduce family, by an all-gather with ring/simple."""
    for operation, mib, nodes, efficiency in _cells():
        if operation != "all-gather":
            continue
        model = network(nodes)
        priced = price_by(model, operation, "ring/simple", mib * _MIB)
        rate = bus_bytes_per_s(model, operation, mib * _MIB, priced)
        is_long = _promised(operation, mib, GPUS * nodes)
        fitted = nodes in _CHOSEN_ON_NODES or efficiency >= _PLATEAU
        yield Row(
            category,
            _name(operation, mib, nodes),
            "",
            efficiency,
            rate / (GPUS * LINK_BYTES_PER_S),
            _TOLERANCE[operation] if is_long else _SHORT_TOLERANCE,
            cite("simai"),
            "calibration" if fitted else "test",
        )


def _cells() -> Iterator[tuple[str, int, int, float]]:
    for entry in read_table("nic-efficiency.csv"):
        yield (
            entry["operation"], int(entry["mib"]), int(entry["nodes"]), float(entry["efficiency"])
        )  # fmt: skip


def _name(operation: str, mib: int, nodes: int) -> str:
    return f"{operation}, {_size(mib)}, {nodes} node{'s' * (nodes > 1)} of {GPUS}"


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
