"""PAT, parallel aggregated trees: all-gather and reduce-scatter in ``ceil(log2 n)`` rounds.

Every rank is the root of a binomial tree, all trees are the same one shifted, and what goes between
two ranks in one round is aggregated into one message. An all-gather starts at the largest distance
with one block and ends at neighbours with half of the buffer; a reduce-scatter is its mirror. Any
number of ranks sends ``(n - 1) / n``, and most bytes go the shortest way, which is the difference
from Bruck. Large buffers are cut so that a round fits into NCCL's buffers; the bytes of each
distance stay the same. NCCL offers PAT for groups with one rank per node; with several, ranks here
stand node by node, and the short distances stay inside.

References
----------
.. [1] Jeaugey, "PAT: a new algorithm for all-gather and reduce-scatter operations at scale",
   arXiv:2506.20252 (2025).
"""

from __future__ import annotations

import numpy as np

from netloom.collective import Phase, Steps, Transfer
from netloom.collective.groups import PlacedGroups, phase_of_pairs
from netloom.collective.rounds import Rounds

OPERATIONS = ("all-gather", "reduce-scatter")

#: What NCCL's tuning model divides a network step of PAT by.
_NETWORK_STEP_DIVISOR = 3.5


def rounds(num_ranks: int, operation: str, ranks_per_node: int = 1) -> Rounds:
    """Return the transfers of each round; chunk r belongs to rank r."""
    everyone = range(num_ranks)
    if operation == "all-gather":
        return [
            [
                Transfer(
                    rank,
                    (rank + distance) % num_ranks,
                    tuple((rank - offset) % num_ranks for offset in offsets),
                    False,
                )
                for rank in everyone
            ]
            for distance, offsets in _tree(num_ranks)
        ]
    return [
        [
            Transfer(
                rank,
                (rank - distance) % num_ranks,
                tuple((rank - distance - offset) % num_ranks for offset in offsets),
                True,
            )
            for rank in everyone
        ]
        for distance, offsets in reversed(_tree(num_ranks))
    ]


def _tree(num_ranks: int) -> list[tuple[int, range]]:
    """Return the edges of the binomial tree, longest first: the length, and the parents' offsets.

    Offsets count from the root; an offset's parent is the offset with its lowest set bit cleared.
    """
    return [
        (distance, range(0, num_ranks - distance, 2 * distance))
        for step in reversed(range((num_ranks - 1).bit_length()))
        for distance in (1 << step,)
    ]


def steps(operation: str, num_ranks: int, num_nodes: int) -> Steps:
    """Return ``floor(log2 nodes) / 3.5`` network steps and a local one per rank, as NCCL does."""
    num_network = (num_nodes.bit_length() - 1) / _NETWORK_STEP_DIVISOR
    return Steps(0, num_network, num_local=num_ranks)


def bytes_per_rank(operation: str, num_ranks: int) -> float:
    """Return ``(n - 1) / n``: every offset but the root's is reached by one edge."""
    return (num_ranks - 1) / num_ranks


def phases(groups: PlacedGroups, operation: str) -> tuple[Phase, ...]:
    """Return one phase per round, since every distance loads other links."""
    rank, size = np.arange(groups.size), groups.size
    by_round = [
        (distance if operation == "all-gather" else -distance, len(offsets) / size)
        for distance, offsets in _tree(size)
    ]
    if operation == "reduce-scatter":
        by_round.reverse()
    return tuple(
        phase_of_pairs(groups, rank, (rank + distance) % size, round_bytes)
        for distance, round_bytes in by_round
    )
