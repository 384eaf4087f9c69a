"""Latency formula, bandwidth bounds and measured bandwidth of collectives.

Promised: latencies and bounds to the printed digit, measured bandwidth of gigabytes, and what
reduction in switches gains over a ring, within 5 %.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from netloom import topology
from netloom.collective.groups import Communicator
from netloom.simulate.network import PLAIN_ALGORITHMS, NetworkModel
from netloom.simulate.placement import Placement
from netloom.units import parse
from netloom.validation import Row
from netloom.validation.networks import (
    GENERIC,
    GPUS,
    LINK_BYTES_PER_S,
    PORTS,
    bus_bytes_per_s,
    bus_factor,
    bytes_per_s,
    network,
    price,
    price_by,
)
from netloom.validation.published import as_printed, between, cite, number, read

#: A bus factor is a quotient of floats: equal in these digits is exact.
_DIGITS = 9


def rows() -> Iterator[Row]:
    """Yield all rows of ``data/collective.yaml``."""
    published = read("collective.yaml")
    yield from _latencies(published["latency"])
    yield from _bus_factors(published["bus_factor"])
    yield from _end_to_end(published["end_to_end"])
    for case in published["bandwidth"]:
        yield _bandwidth(case)
    yield from _hierarchy(published["hierarchy"])
    yield from _scale_up_reduction(published["scale_up_reduction"])
    yield from _network_reduction(published["network_reduction"])
    yield _imbalance(published["imbalance"])
    yield from _rail_only(published["rail_only"])


def _latencies(table: dict[str, Any]) -> Iterator[Row]:
    source = cite(table["source"], table["place"])
    for num_nodes, by_key in table["microseconds"].items():
        # a message without length, so that no correction for long ones applies
        communicator = Communicator("all-reduce", GPUS * num_nodes, 1)
        offered = network(num_nodes, ideal=True).candidates(communicator, reference_bytes=1.0)
        found = {candidate.algorithm: candidate.latency_s * 1e6 for candidate in offered}
        for key, printed in by_key.items():
            yield Row(
                "collective",
                f"all-reduce latency, {key}, {num_nodes} nodes",
                "us",
                float(printed),
                as_printed(found[key], printed),
                0.0,
                source,
                note=table["note"],
            )


def _bus_factors(table: dict[str, Any]) -> Iterator[Row]:
    model = network(1, ideal=True)
    for operation, factor in table["factors"].items():
        seconds_per_byte = price(model, operation, parse("1 TiB", "data")).s_per_byte
        yield Row(
            "collective",
            f"bus factor of {operation}, {table['ranks']} ranks",
            "",
            number(factor),
            round(seconds_per_byte * float(model.scale_up.bytes_per_s), _DIGITS),
            0.0,
            cite(table["source"], table["place"]),
        )


def _end_to_end(table: dict[str, Any]) -> Iterator[Row]:
    for case in table["cases"]:
        model = network(case["nodes"], case["protocol"])
        yield Row(
            "collective",
            f"{case['protocol']}, 64 B, {case['name']}",
            "us",
            float(case["published_us"]),
            as_printed(_farthest_s(model) * 1e6, case["published_us"]),
            0.0,
            cite(table["source"]),
            "calibration",
            table["note"],
        )


def _farthest_s(model: NetworkModel) -> float:
    """Return the latency between the first node and the last, on one rail."""
    last = model.fabric.num_endpoints - GPUS
    path = model.fabric.routing.paths(np.array([0], np.int32), np.array([last], np.int32))
    further = int(path.num_hops[0]) - 1
    return float(model.protocol.base_latency_s) + further * float(model.protocol.hop_latency_s)


def _bandwidth(case: dict[str, Any]) -> Row:
    model = network(case["nodes"], ideal=case.get("ideal", False))
    computed = bytes_per_s(model, case["operation"], parse(case["size"], "data"))
    if case.get("measure") != "algorithm":
        computed *= bus_factor(case["operation"], model.num_accelerators)
    return Row(
        "collective",
        case["name"],
        "GB/s",
        case["published_gb_per_s"],
        computed / 1e9,
        case["tolerance"],
        cite(case["source"]),
        case.get("role", "test"),
        case.get("note", ""),
    )


def _hierarchy(table: dict[str, Any]) -> Iterator[Row]:
    """Yield the bound that the slowest level of a hierarchical all-gather sets."""
    for case in table["cases"]:
        model = network(case["nodes"], ideal=True)
        communicator = Communicator("all-gather", model.num_accelerators, 1)
        levels = model.phase_seconds("hierarchical", model.pattern("hierarchical", communicator))
        slowest_s = max(max(inside_s, float(across_s.max())) for inside_s, across_s in levels)
        yield Row(
            "collective",
            case["name"],
            "GB/s",
            float(case["published_gb_per_s"]),
            as_printed(1e-9 / slowest_s, case["published_gb_per_s"]),
            0.0,
            cite(table["source"]),
            note=table["note"],
        )


def _scale_up_reduction(table: dict[str, Any]) -> Iterator[Row]:
    """Yield bandwidth by reduction in NVLink switches, and its gain over a ring by GPUs."""
    size_bytes = parse(table["size"], "data")
    for case in table["bandwidth"]:
        yield Row(
            "collective",
            case["name"],
            "GB/s",
            case["published_gb_per_s"],
            _reduced(GPUS, "nvls/simple", size_bytes) / 1e9,
            table["tolerance"],
            cite(case["source"]),
            "calibration",
            case["note"],
        )
    for num_gpus, gain in table["gain"].items():
        nvls, ring = (_reduced(num_gpus, key, size_bytes) for key in ("nvls/simple", "ring/simple"))
        yield Row(
            "collective",
            f"all-reduce on {num_gpus} H200, NVLS over ring",
            "",
            gain,
            nvls / ring,
            table["tolerance"],
            cite(table["source"]),
            note=table["note"],
        )


def _reduced(num_gpus: int, key: str, size_bytes: float) -> float:
    """Return the bus bandwidth of an all-reduce on one node of so many GPUs."""
    model = network(1, gpus=num_gpus, algorithms=None)
    priced = price_by(model, "all-reduce", key, size_bytes)
    return bus_bytes_per_s(model, "all-reduce", size_bytes, priced)


def _network_reduction(table: dict[str, Any]) -> Iterator[Row]:
    """Yield what reduction in network switches gains over a ring of one rank a node."""
    for num_nodes, gain in table["gain"].items():
        model = network(num_nodes, "infiniband-ndr", ideal=True, library=GENERIC, algorithms=None)
        ring, reduced = (
            price_by(model, "all-reduce", key, 1.0, stride=GPUS).s_per_byte
            for key in ("ring/simple", "collnet-chain/simple")
        )
        yield Row(
            "collective",
            f"all-reduce of {num_nodes} ranks, traffic of a ring over reduction in the network",
            "",
            gain,
            round(ring / reduced, _DIGITS),
            table["tolerance"][num_nodes],
            cite(table["source"]),
            note=table["note"],
        )


def _rail_only(table: dict[str, Any]) -> Iterator[Row]:
    """Yield how much slower an all-to-all is without spines, handed over before the network."""
    joined = network(table["nodes"], library=GENERIC)
    num_gpus = joined.num_accelerators
    parameters = topology.sized(
        "rail-only",
        hosts=num_gpus,
        nics_per_node=GPUS,
        num_ports=PORTS,
        link_bytes_per_s=LINK_BYTES_PER_S,
    )
    fabrics = topology.build("rail-only", parameters), joined.fabric
    placements = Placement(GPUS, GPUS, staged=True), Placement(GPUS, GPUS, forwarding=False)
    middle, tolerance = between(*table["more_fraction"])
    for size in table["sizes"]:
        size_bytes = parse(size, "data")
        seconds = []
        for fabric, placement in zip(fabrics, placements, strict=True):
            model = NetworkModel(
                fabric, joined.protocol, joined.scale_up, GPUS, GPUS, num_gpus, joined.library,
                placement=placement, algorithms=PLAIN_ALGORITHMS,
            )  # fmt: skip
            priced = price_by(model, "all-to-all", "pairwise/simple", size_bytes)
            seconds.append(priced.latency_s + size_bytes * priced.s_per_byte)
        yield Row(
            "collective",
            f"all-to-all of {size}, {num_gpus} GPUs, added by rail-only",
            "",
            middle,
            seconds[0] / seconds[1] - 1,
            tolerance,
            cite(table["source"], table["place"]),
            note=table["note"],
        )


def _imbalance(case: dict[str, Any]) -> Row:
    """Hash flows between neighbouring endpoints onto the links of one bundle, over many seeds."""
    from netloom.kernels.loads import PathArrays, member_loads

    flows, links = case["flows"], case["links"]
    paths = PathArrays(np.arange(flows + 1), np.zeros(flows, dtype=np.int32), np.ones(flows))
    source = np.arange(flows, dtype=np.uint64)
    keys = (source << np.uint64(32)) | (source + np.uint64(GPUS))
    first_member = np.array([0, links])
    fullest = [
        member_loads(paths, np.ones(flows), keys, first_member, 1, seed).max()
        for seed in range(case["seeds"])
    ]
    return Row(
        "collective",
        case["name"],
        "",
        case["published"],
        float(np.mean(fullest)) * links / flows,
        case["tolerance"],
        cite(case["source"]),
        note=case["note"],
    )
