"""Dissemination: a barrier in ``ceil(log2 n)`` rounds, without any data.

In round t every rank tells the rank ``2^t`` further on that it, and everyone it has heard of, has
arrived. Distances double, so after the last round everyone has heard of everyone.

References
----------
.. [1] Hensgen, Finkel and Manber, "Two algorithms for barrier synchronization", International
   Journal of Parallel Programming 17 (1988) 1-17.
"""

from __future__ import annotations

import numpy as np

from netloom.collective import Phase, Steps, Transfer
from netloom.collective.groups import PlacedGroups, phase_of_pairs
from netloom.collective.rounds import Rounds

OPERATIONS = ("barrier",)


def rounds(num_ranks: int, operation: str, ranks_per_node: int = 1) -> Rounds:
    """Return the transfers of each round; chunk r is the news that rank r has arrived.

    News are no bytes: they are what a message of no bytes means.
    """
    return [
        [
            Transfer(
                rank,
                (rank + distance) % num_ranks,
                tuple((rank - back) % num_ranks for back in range(distance)),
                False,
            )
            for rank in range(num_ranks)
        ]
        for distance in _distances(num_ranks)
    ]


def _distances(num_ranks: int) -> list[int]:
    return [1 << step for step in range((num_ranks - 1).bit_length())]


def steps(operation: str, num_ranks: int, num_nodes: int) -> Steps:
    """Return ``ceil(log2 n)`` rounds; each has a pair that crosses where there are two nodes."""
    num_rounds = (num_ranks - 1).bit_length()
    return Steps(0, num_rounds) if num_nodes > 1 else Steps(num_rounds, 0)


def bytes_per_rank(operation: str, num_ranks: int) -> float:
    """Return 0."""
    return 0.0


def phases(groups: PlacedGroups, operation: str) -> tuple[Phase, ...]:
    """Return one phase per round, of messages without payload: they have a path and its latency."""
    rank = np.arange(groups.size)
    return tuple(
        phase_of_pairs(groups, rank, (rank + distance) % groups.size, 0.0)
        for distance in _distances(groups.size)
    )
