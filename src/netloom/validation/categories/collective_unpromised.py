"""What the prices do not say well: shown, not promised.

Short messages under the fastest protocol, which the measuring cluster seems not to have used
(`nic_efficiency_simple` prices the same cells by ring/simple); short all-to-alls, which lose to
synchronisation of many small messages; trees between nodes; traffic across rails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from netloom.simulate.network import NetworkModel
from netloom.units import parse
from netloom.validation import Row
from netloom.validation.networks import (
    GPUS,
    bus_bytes_per_s,
    bus_factor,
    bytes_per_s,
    network,
    price_by,
)
from netloom.validation.nic_rows import nic_rows
from netloom.validation.published import NOT_PROMISED, cite, read

_CATEGORY = "collective-unpromised"


def rows() -> Iterator[Row]:
    """Yield the measured short messages, a tree of nodes, and rates across rails."""
    size_bytes = 58e6
    computed = bytes_per_s(network(1), "all-reduce", size_bytes)
    yield Row(
        _CATEGORY,
        "ring all-reduce of 58 MB on 8 H100, bus bandwidth",
        "GB/s",
        150.0,
        computed * bus_factor("all-reduce", GPUS) / 1e9,
        NOT_PROMISED,
        cite("sb"),
        note="published as about 150 GB/s",
    )
    published = read("collective.yaml")
    yield _nvls_tree(published["nvls_tree"])
    yield from _cross_rail(published["cross_rail"])
    yield from nic_rows(_CATEGORY, promised=False)


def _nvls_tree(case: dict[str, Any]) -> Row:
    model, size_bytes = network(case["nodes"], algorithms=None), parse(case["size"], "data")
    priced = price_by(model, "all-reduce", "nvls-tree/simple", size_bytes)
    return Row(
        _CATEGORY,
        case["name"],
        "GB/s",
        case["published_gb_per_s"],
        bus_bytes_per_s(model, "all-reduce", size_bytes, priced) / 1e9,
        NOT_PROMISED,
        cite(case["source"]),
        note=case["note"],
    )


def _cross_rail(table: dict[str, Any]) -> Iterator[Row]:
    """Yield rates along rails, by scale-up forwarding, over rates across them, without."""
    along = network(table["nodes"])
    across = NetworkModel(
        along.fabric,
        along.protocol,
        along.scale_up,
        GPUS,
        GPUS,
        along.num_accelerators,
        along.library,
        placement=replace(along.placement, forwarding=False),
    )
    for case in table["cases"]:
        size_bytes = parse(case["size"], "data")
        seconds = [
            priced.latency_s + size_bytes * priced.s_per_byte
            for model in (across, along)
            for priced in (price_by(model, "all-to-all", "pairwise/simple", size_bytes),)
        ]
        yield Row(
            _CATEGORY,
            f"all-to-all between 2 nodes, {case['size']}, along rails over across",
            "",
            case["along"] / case["across"],
            seconds[0] / seconds[1],
            NOT_PROMISED,
            cite(table["source"]),
            note=table["note"],
        )
