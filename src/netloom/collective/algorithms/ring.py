"""Rings: every rank passes chunks to its neighbour; bandwidth-optimal, latency grows with ranks.

Inside nodes the ring runs over scale-up links; between nodes it is split into as many channels as
the group has ranks on a node, and channel c leaves and enters nodes through the c-th of them
(multi-rail). Ring order is rank order, so a group crosses each node boundary once per channel.
Broadcast and reduce are chains along the ring from or to rank 0, one piece behind the other; the
wrap-around stays unused, and a reduction runs backwards, so that it crosses the same boundaries.

References
----------
.. [1] Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms for clusters of workstations",
   J. Parallel Distrib. Comput. 69 (2009) 117-124.
"""

from __future__ import annotations

import numpy as np

from netloom.collective import Phase, Steps
from netloom.collective.groups import Edges, PlacedGroups, phase_over_channels
from netloom.collective.rounds import Rounds, along_chain, gather_around, reduce_around

OPERATIONS = ("all-reduce", "all-gather", "reduce-scatter", "broadcast", "reduce")


def rounds(num_ranks: int, operation: str, ranks_per_node: int = 1) -> Rounds:
    """Return the transfers of each round; the buffer is cut into one chunk per rank."""
    ring = range(num_ranks)
    chunks = [(chunk,) for chunk in ring]
    match operation:
        case "broadcast":
            return along_chain(ring, chunks, reduce=False)
        case "reduce":
            return along_chain(ring[::-1], chunks, reduce=True)
        case "reduce-scatter":
            return reduce_around(ring, chunks)
        case "all-gather":
            return gather_around(ring, chunks)
    return reduce_around(ring, chunks) + gather_around(ring, chunks)


def steps(operation: str, num_ranks: int, num_nodes: int) -> Steps:
    """Return the steps of one call: ``passes * (nodes - 1)`` of them cross the network.

    Of a broadcast or a reduction these are the steps of the first piece along the chain.
    """
    passes = 2 if operation == "all-reduce" else 1
    num_network = passes * (num_nodes - 1)
    return Steps(passes * (num_ranks - 1) - num_network, num_network, paced_by_network=True)


def bytes_per_rank(operation: str, num_ranks: int) -> float:
    """Return ``passes * (n - 1) / n`` [1]_, and 1 for broadcast and reduce."""
    if operation in ("broadcast", "reduce"):
        return 1.0
    passes = 2 if operation == "all-reduce" else 1
    return passes * (num_ranks - 1) / num_ranks


def phases(groups: PlacedGroups, operation: str) -> tuple[Phase, ...]:
    """Return the crossings between neighbouring nodes, for rings the wrap-around included."""
    edges = {"broadcast": chain_down, "reduce": _chain_up}.get(operation, neighbours)
    return (phase_over_channels(groups, edges, bytes_per_rank(operation, groups.size)),)


def neighbours(num_runs: int) -> Edges:
    """Return an edge from each run to the next, round the ring."""
    source = np.arange(num_runs)
    return source, (source + 1) % num_runs, np.ones(num_runs)


def chain_down(num_runs: int) -> Edges:
    """Return an edge from each run to the next, the last one's left out."""
    source = np.arange(num_runs - 1)
    return source, source + 1, np.ones(num_runs - 1)


def _chain_up(num_runs: int) -> Edges:
    source, target, weight = chain_down(num_runs)
    return target, source, weight
