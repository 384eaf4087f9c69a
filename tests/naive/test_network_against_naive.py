"""Prices against sending every message one by one over the fabric's paths."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest

from netloom import catalog
from netloom.collective import ALGORITHMS
from netloom.collective.groups import Communicator
from netloom.simulate.network import NetworkModel
from netloom.topology import build

FABRICS = {
    "fat-tree": {"hosts": 64, "radix": 8, "tiers": 3},
    "tapered": {"hosts": 64, "radix": 24, "tiers": 2, "taper": 0.5},
    "rail-only": {"hosts": 64, "domain": 4, "radix": 8},
}


def messages(algorithm: str, ranks: list[int], node: int) -> list[tuple[int, int, float]]:
    """Return (source, target, bytes) between nodes, per byte of `bytes_per_rank`."""
    size, nodes = len(ranks), sorted({rank // node for rank in ranks})
    if algorithm == "pairwise":
        return [(a, b, 1 / (size - 1)) for a in ranks for b in ranks if a // node != b // node]
    if algorithm == "direct":
        return [(a, b, 1.0) for a, b in pairwise(ranks) if a // node != b // node]
    members = [[rank for rank in ranks if rank // node == where] for where in nodes]
    channels = min(len(local) for local in members)
    return [
        (here[channel], there[channel], 1 / channels)
        for here, there in zip(members, members[1:] + members[:1], strict=True)
        for channel in range(channels)
        if len(nodes) > 1
    ]


@pytest.mark.parametrize("fabric_name", FABRICS)
@pytest.mark.parametrize("algorithm", ["ring", "pairwise", "direct"])
@pytest.mark.parametrize(("size", "stride"), [(2, 4), (4, 2), (8, 1), (8, 8), (16, 4), (64, 1)])
def test_busiest_link_equals_message_by_message(
    fabric_name: str, algorithm: str, size: int, stride: int
) -> None:
    kind = "rail-only" if fabric_name == "rail-only" else "fat-tree"
    fabric = build(kind, FABRICS[fabric_name] | {"link_bytes_per_s": 50e9})
    node, num_ranks = 4, 64
    network = NetworkModel(
        fabric,
        catalog.get("protocol", "infiniband-ndr"),
        catalog.get("scale-up", "nvlink-4"),
        node,
        node,
        num_ranks,
        catalog.get("collective-library", "nccl-2.30"),
    )
    load: dict[int, float] = defaultdict(float)
    inside: dict[int, float] = defaultdict(float)
    for base in range(num_ranks):
        if base // stride % size:
            continue
        ranks = [base + member * stride for member in range(size)]
        for source, target, amount in messages(algorithm, ranks, node):
            # hand over inside the node when the target is on another rail
            sender = source // node * node + target % node
            inside[source] += amount if sender != source else 0.0
            path = fabric.routing.paths(
                np.array([sender], dtype=np.int32), np.array([target], dtype=np.int32)
            )
            for bundle, share in zip(path.bundle.tolist(), path.share.tolist(), strict=True):
                load[bundle] += amount * share
    capacity = fabric.routing.bundles.bytes_per_s
    expected = max((bytes_ / capacity[bundle] for bundle, bytes_ in load.items()), default=0.0)
    operation = ALGORITHMS.get(algorithm).OPERATIONS[0]
    per_rank = ALGORITHMS.get(algorithm).bytes_per_rank(operation, size)
    (phase,) = network.pattern(algorithm, Communicator(operation, size, stride)).phases
    assert phase.network_s == pytest.approx([expected * per_rank], rel=1e-12)
    if algorithm == "pairwise":
        local = sum(1 for rank in range(0, size * stride, stride) if rank < node) - 1
        forwarded = max(inside.values(), default=0.0)
        inside_bytes = per_rank * (local / (size - 1) + forwarded)
        assert phase.scale_up_bytes == pytest.approx(inside_bytes)
