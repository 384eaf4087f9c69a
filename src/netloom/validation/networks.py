"""Reference networks of the collective rows: 8 GPUs and 8 NICs of 400 Gb/s a node, rail-optimised."""

from __future__ import annotations

from functools import lru_cache

from netloom import catalog, topology
from netloom.simulate.network import Communicator, NetworkModel, Price

GPUS = 8
LINK_BYTES_PER_S = 50e9
_PORTS = 64

#: Release whose published latencies the rows hold.
LIBRARY = "nccl-2.30"


@lru_cache(maxsize=64)
def network(num_nodes: int, protocol: str = "roce-v2-adaptive", ideal: bool = False) -> NetworkModel:
    """Return H100 or H200 nodes on a rail-optimised tree; `ideal` takes every rate in full."""
    parameters = topology.sized(
        "rail-optimized",
        hosts=GPUS * num_nodes,
        nics_per_node=GPUS,
        num_ports=_PORTS,
        link_bytes_per_s=LINK_BYTES_PER_S,
    )
    wire, scale_up = catalog.get("protocol", protocol), catalog.get("scale-up", "nvlink-4")
    if ideal:
        whole = scale_up.efficiency.model_copy(update={"low": 1.0, "mode": 1.0, "high": 1.0})
        scale_up = scale_up.model_copy(update={"efficiency": whole})
        wire = wire.model_copy(
            update={"framing_efficiency": whole, "transport_efficiency": whole}
        )
    return NetworkModel(
        topology.build("rail-optimized", parameters),
        wire,
        scale_up,
        GPUS,
        GPUS,
        GPUS * num_nodes,
        catalog.get("collective-library", LIBRARY),
    )


def price(model: NetworkModel, operation: str, size_bytes: float) -> Price:
    """Return the fastest price of one operation over all ranks of a network."""
    communicator = Communicator(operation, model.num_accelerators, 1)
    return min(
        model.candidates(communicator, size_bytes),
        key=lambda offered: offered.latency_s + size_bytes * offered.s_per_byte,
    )


def bytes_per_s(model: NetworkModel, operation: str, size_bytes: float) -> float:
    """Return the algorithm bandwidth: size over time, latency included."""
    best = price(model, operation, size_bytes)
    return size_bytes / (best.latency_s + size_bytes * best.s_per_byte)


def bus_factor(operation: str, num_ranks: int) -> float:
    """Return bus bandwidth over algorithm bandwidth, as nccl-tests defines it."""
    passes = 2 if operation == "all-reduce" else 1
    return passes * (num_ranks - 1) / num_ranks
