"""Reference networks of the collective rows: nodes of GPUs with a 400 Gb/s NIC each, on rails."""

from __future__ import annotations

from functools import lru_cache

from netloom import catalog, topology
from netloom.collective.groups import Communicator
from netloom.simulate.network import PLAIN_ALGORITHMS, NetworkModel, Price
from netloom.validation.published import with_values

GPUS = 8
LINK_BYTES_PER_S = 50e9
PORTS = 64

#: Release whose published latencies the rows hold.
LIBRARY = "nccl-2.30"

#: Every algorithm under one protocol without losses, for bounds.
GENERIC = "generic-2026"


@lru_cache(maxsize=64)
def network(
    num_nodes: int,
    protocol: str = "roce-v2-adaptive",
    ideal: bool = False,
    gpus: int = GPUS,
    library: str = LIBRARY,
    algorithms: tuple[str, ...] | None = PLAIN_ALGORITHMS,
) -> NetworkModel:
    """Return H100 or H200 nodes on a rail-optimised tree; `ideal` is free of losses.

    An ideal network runs at the full rate of every link and adds no latency to the library's.
    """
    parameters = topology.sized(
        "rail-optimized",
        hosts=gpus * num_nodes,
        nics_per_node=gpus,
        num_ports=PORTS,
        link_bytes_per_s=LINK_BYTES_PER_S,
    )
    wire, scale_up = catalog.get("protocol", protocol), catalog.get("scale-up", "nvlink-4")
    if ideal:
        scale_up = with_values(scale_up, efficiency=1.0, hop_latency_s=0.0)
        wire = with_values(
            wire,
            framing_efficiency=1.0,
            transport_efficiency=1.0,
            base_latency_s=0.0,
            hop_latency_s=0.0,
        )
    return NetworkModel(
        topology.build("rail-optimized", parameters),
        wire,
        scale_up,
        gpus,
        gpus,
        gpus * num_nodes,
        catalog.get("collective-library", library),
        algorithms=algorithms,
    )


def price_by(
    model: NetworkModel, operation: str, key: str, size_bytes: float, stride: int = 1
) -> Price:
    """Return the price of one operation under one algorithm and protocol.

    It runs over all ranks of a network, or over those that are `stride` apart.
    """
    communicator = Communicator(operation, model.num_accelerators // stride, stride)
    (found,) = (p for p in model.candidates(communicator, size_bytes) if p.algorithm == key)
    return found


def bus_bytes_per_s(model: NetworkModel, operation: str, size_bytes: float, priced: Price) -> float:
    """Return the bus bandwidth of a price over all ranks, latency included."""
    rate = size_bytes / (priced.latency_s + size_bytes * priced.s_per_byte)
    return rate * bus_factor(operation, model.num_accelerators)


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
