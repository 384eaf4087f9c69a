"""Pieces of rounds: rings and chains over any ranks, and which ranks share a node.

Algorithms put their `rounds` together from these. They are written for clarity, to be executed
symbolically on small rank counts; traffic on large clusters comes from `phases`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from netloom.collective import Transfer

#: Transfers of each round.
Rounds = list[list[Transfer]]

#: Numbers of the chunks of one share of a buffer.
Share = tuple[int, ...]


def node_blocks(num_ranks: int, ranks_per_node: int) -> list[range]:
    """Return the ranks of each node; the last node may hold fewer.

    Examples
    --------
    >>> node_blocks(5, 2)
    [range(0, 2), range(2, 4), range(4, 5)]
    """
    return [
        range(first, min(first + ranks_per_node, num_ranks))
        for first in range(0, num_ranks, ranks_per_node)
    ]


def at_the_same_time(parts: Sequence[Rounds]) -> Rounds:
    """Return the rounds of several parts of a group that run beside each other."""
    together = zip_longest(*parts, fillvalue=[])
    return [[transfer for messages in each for transfer in messages] for each in together]


def reduce_around(ring: Sequence[int], shares: Sequence[Share]) -> Rounds:
    """Return the rounds after which ``ring[j]`` holds the sum of share j.

    Share j starts behind its holder and collects a contribution from each rank on its way round.
    There may be fewer shares than ranks.
    """
    return [
        [
            Transfer(
                ring[(j + 1 + step) % len(ring)], ring[(j + 2 + step) % len(ring)], share, True
            )
            for j, share in enumerate(shares)
        ]
        for step in range(len(ring) - 1)
    ]


def gather_around(ring: Sequence[int], shares: Sequence[Share]) -> Rounds:
    """Return the rounds that bring share j, held by ``ring[j]``, to every rank of the ring."""
    return [
        [
            Transfer(ring[here % len(ring)], ring[(here + 1) % len(ring)], share, False)
            for here, share in enumerate(shares, start=step)
        ]
        for step in range(len(ring) - 1)
    ]


def along_chain(chain: Sequence[int], pieces: Sequence[Share], reduce: bool) -> Rounds:
    """Return the rounds in which pieces go from rank to rank down a chain, one behind the other."""
    hops = len(chain) - 1
    return [
        [
            Transfer(chain[hop], chain[hop + 1], pieces[step - hop], reduce)
            for hop in range(hops)
            if 0 <= step - hop < len(pieces)
        ]
        for step in range(hops + len(pieces) - 1)
    ]
