"""Time of pricing 200 communicators on a fabric with 16,384 endpoints, and flows per second.

Run it from the repository: ``python benchmarks/bench_network.py``. The first call compiles; the
timings are of a second model, with compiled kernels and an empty cache.
"""

from __future__ import annotations

import time
from itertools import islice

import numpy as np

from netloom import catalog
from netloom.collective.groups import Communicator, place, ranks_of
from netloom.kernels.fluid import completion_times
from netloom.kernels.loads import PathArrays, bundle_loads
from netloom.simulate.network import NetworkModel
from netloom.topology import build
from netloom.topology.fabric import Fabric

NUM_ACCELERATORS = 16384
LINK_BYTES_PER_S = 50e9


def communicators() -> list[Communicator]:
    """Return 200 communicators of parallel plans: all power-of-two groups, small ones first."""
    powers = [2**power for power in range(15)]
    every = (
        Communicator(operation, size, stride)
        for size in powers[1:]
        for stride in powers
        if size * stride <= NUM_ACCELERATORS
        for operation in ("all-reduce", "all-gather", "reduce-scatter", "send-recv", "all-to-all")
        if operation != "all-to-all" or size <= 64
    )
    return list(islice(every, 10, 210))


def model(fabric: Fabric, protocol: str) -> NetworkModel:
    """Return a fresh model: 8 accelerators and 8 NICs per node."""
    return NetworkModel(
        fabric,
        catalog.get("protocol", protocol),
        catalog.get("scale-up", "nvlink-4"),
        8,
        8,
        NUM_ACCELERATORS,
        catalog.get("collective-library", "nccl-2.30"),
    )


def timed_pricing(fabric: Fabric, protocol: str) -> None:
    """Print the time of pricing all communicators once."""
    wanted = communicators()
    model(fabric, protocol).price(wanted[:8])
    fresh = model(fabric, protocol)
    start = time.perf_counter()
    fresh.price(wanted)
    seconds = time.perf_counter() - start
    balancing = fresh.protocol.load_balancing
    print(f"{len(wanted)} communicators, {balancing:8s} ({protocol}): {seconds:.3f} s")


def timed_kernels(fabric: Fabric) -> None:
    """Print the flows per second of counting loads and of running flows to completion."""
    groups = place(ranks_of(Communicator("all-gather", 256, 8), NUM_ACCELERATORS), 8)
    source = np.repeat(groups.accelerators[:, :32].ravel(), 32)
    target = np.repeat(groups.accelerators[:, 32:64], 32, axis=0).ravel()
    paths = fabric.routing.paths(source, target)
    arrays = PathArrays(paths.indptr, paths.bundle, paths.share)
    bytes_per_s = fabric.routing.bundles.bytes_per_s
    flow_bytes = np.ones(len(source))
    bundle_loads(arrays, flow_bytes, len(bytes_per_s))
    completion_times(arrays, bytes_per_s, flow_bytes, 1e-12)
    for name, call in (
        ("paths", lambda: fabric.routing.paths(source, target)),
        ("loads", lambda: bundle_loads(arrays, flow_bytes, len(bytes_per_s))),
        ("completion", lambda: completion_times(arrays, bytes_per_s, flow_bytes, 1e-12)),
    ):
        start = time.perf_counter()
        call()
        seconds = time.perf_counter() - start
        print(
            f"{name:10s} {len(source)} flows: {seconds:.4f} s, {len(source) / seconds:.3g} flows/s"
        )


def main() -> None:
    """Print all timings."""
    start = time.perf_counter()
    fabric = build(
        "fat-tree",
        {
            "hosts": NUM_ACCELERATORS,
            "radix": 64,
            "tiers": 3,
            "link_bytes_per_s": LINK_BYTES_PER_S,
        },
    )
    print(f"fabric: {time.perf_counter() - start:.3f} s")
    for protocol in ("infiniband-ndr", "roce-v2"):
        timed_pricing(fabric, protocol)
    timed_kernels(fabric)


if __name__ == "__main__":
    main()
