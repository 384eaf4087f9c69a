"""Rings: every rank passes chunks to its neighbour; bandwidth-optimal, latency grows with ranks.

Inside nodes the ring runs over scale-up links; between nodes it is split into as many channels as
the group has ranks on a node, and channel c leaves and enters nodes through the c-th of them
(multi-rail). Ring order is rank order, so a group crosses each node boundary once per channel.

References
----------
.. [1] Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms for clusters of workstations",
   J. Parallel Distrib. Comput. 69 (2009) 117-124.
"""

from __future__ import annotations

import numpy as np

from netloom.collective import Phase, Steps, Transfer
from netloom.collective.groups import Edges, PlacedGroups, phase_over_channels

OPERATIONS = ("all-reduce", "all-gather", "reduce-scatter")


def rounds(num_ranks: int, operation: str) -> list[list[Transfer]]:
    """Return the transfers of each round; the buffer is cut into one chunk per rank."""
    passes = range(num_ranks - 1)
    scatter = [_pass_on(num_ranks, first=-1 - step, reduce=True) for step in passes]
    gather = [_pass_on(num_ranks, first=-step, reduce=False) for step in passes]
    return {
        "all-reduce": scatter + gather,
        "reduce-scatter": scatter,
        "all-gather": gather,
    }[operation]


def _pass_on(num_ranks: int, first: int, reduce: bool) -> list[Transfer]:
    return [
        Transfer(rank, (rank + 1) % num_ranks, ((rank + first) % num_ranks,), reduce)
        for rank in range(num_ranks)
    ]


def steps(operation: str, num_ranks: int, num_nodes: int) -> Steps:
    """Return the steps of one call: ``passes * (nodes - 1)`` of them cross the network."""
    passes = 2 if operation == "all-reduce" else 1
    num_network = passes * (num_nodes - 1)
    return Steps(passes * (num_ranks - 1) - num_network, num_network, paced_by_network=True)


def bytes_per_rank(operation: str, num_ranks: int) -> float:
    """Return ``passes * (n - 1) / n`` [1]_."""
    passes = 2 if operation == "all-reduce" else 1
    return passes * (num_ranks - 1) / num_ranks


def phases(groups: PlacedGroups, operation: str) -> tuple[Phase, ...]:
    """Return the crossings between neighbouring nodes, the wrap-around included."""
    return (phase_over_channels(groups, _neighbours, bytes_per_rank(operation, groups.size)),)


def _neighbours(num_runs: int) -> Edges:
    source = np.arange(num_runs)
    return source, (source + 1) % num_runs, np.ones(num_runs)
