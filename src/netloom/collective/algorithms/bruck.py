"""Bruck: all-gather and all-to-all in ``ceil(log2 n)`` rounds, for any number of ranks.

In round t every rank exchanges with the ranks ``2^t`` before and behind it. The all-gather sends no
byte twice; the all-to-all passes each share on once per bit set in the distance that it has to go,
so that it trades about ``log2(n) / 2`` times the bytes for few messages. Both move every rank's
bytes the same distance at the same time, so each round loads other links and is a phase.

References
----------
.. [1] Bruck, Ho, Kipnis, Upfal and Weathersby, "Efficient algorithms for all-to-all communications
   in multiport message-passing systems", IEEE Trans. Parallel Distrib. Syst. 8 (1997) 1143-1156.
"""

from __future__ import annotations

import numpy as np

from netloom.collective import Phase, Steps, Transfer
from netloom.collective.groups import PlacedGroups, phase_of_pairs
from netloom.collective.rounds import Rounds

OPERATIONS = ("all-gather", "all-to-all")


def rounds(num_ranks: int, operation: str, ranks_per_node: int = 1) -> Rounds:
    """Return the transfers of each round.

    Chunk r of an all-gather is the block of rank r; chunk ``r * n + s`` of an all-to-all goes from
    r to s.
    """
    everyone = range(num_ranks)
    if operation == "all-gather":
        return [
            [
                Transfer(
                    rank,
                    (rank - distance) % num_ranks,
                    tuple((rank + block) % num_ranks for block in range(num_blocks)),
                    False,
                )
                for rank in everyone
            ]
            for distance, num_blocks in _blocks(num_ranks, operation)
        ]
    return [
        [
            Transfer(
                rank,
                (rank + distance) % num_ranks,
                tuple(
                    origin * num_ranks + (origin + way) % num_ranks
                    for way in everyone
                    if way & distance
                    # bits below this round's are behind the share already
                    for origin in ((rank - way % distance) % num_ranks,)
                ),
                False,
            )
            for rank in everyone
        ]
        for distance, _ in _blocks(num_ranks, operation)
    ]


def _blocks(num_ranks: int, operation: str) -> list[tuple[int, int]]:
    """Return each round's distance and the blocks, of n in a buffer, that a rank sends in it."""
    distances = [1 << step for step in range((num_ranks - 1).bit_length())]
    if operation == "all-gather":
        return [(distance, min(distance, num_ranks - distance)) for distance in distances]
    return [(distance, _with_bit(num_ranks, distance)) for distance in distances]


def _with_bit(num_ranks: int, bit: int) -> int:
    """Return how many numbers below `num_ranks` have a bit set."""
    full, rest = divmod(num_ranks, 2 * bit)
    return full * bit + max(0, rest - bit)


def steps(operation: str, num_ranks: int, num_nodes: int) -> Steps:
    """Return ``ceil(log2 n)`` rounds; each has a pair that crosses where there are two nodes."""
    num_rounds = (num_ranks - 1).bit_length()
    return Steps(0, num_rounds) if num_nodes > 1 else Steps(num_rounds, 0)


def bytes_per_rank(operation: str, num_ranks: int) -> float:
    """Return ``(n - 1) / n`` or, for the all-to-all, the bits set in 0 ... n - 1, over n [1]_.

    Examples
    --------
    Eight ranks: three rounds of half a buffer.

    >>> bytes_per_rank("all-to-all", 8)
    1.5
    """
    return sum(num_blocks for _, num_blocks in _blocks(num_ranks, operation)) / num_ranks


def phases(groups: PlacedGroups, operation: str) -> tuple[Phase, ...]:
    """Return one phase per round."""
    rank, size = np.arange(groups.size), groups.size
    way = -1 if operation == "all-gather" else 1
    return tuple(
        phase_of_pairs(groups, rank, (rank + way * distance) % size, num_blocks / size)
        for distance, num_blocks in _blocks(size, operation)
    )
