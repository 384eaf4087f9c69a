"""Double binary tree: half of the buffer up and down each of two trees; latency grows with log n.

A rank with children in one tree is a leaf of the other (for an even number of ranks: of the
mirrored tree; for an odd one: of the tree shifted by one), so that no rank sends more than two
buffers. Inside nodes the tree is a chain; between nodes it is split into channels like the ring.

References
----------
.. [1] Sanders, Speck and Träff, "Two-tree algorithms for full bandwidth broadcast, reduction and
   scan", Parallel Computing 35 (2009) 581-594.
.. [2] Jeaugey, "Massively scale your deep learning training with NCCL 2.4", 2019.
"""

from __future__ import annotations

import numpy as np

from netloom.collective import Phase, Steps, Transfer
from netloom.collective.groups import Edges, PlacedGroups, phase_over_channels

OPERATIONS = ("all-reduce",)

#: Parent of the root.
NO_PARENT = -1


def parents(num_ranks: int, tree: int) -> list[int]:
    """Return the parent of each rank in tree 0 or 1; the root's is `NO_PARENT`.

    In tree 0 a rank whose lowest set bit is b hangs under the rank with b cleared and the next
    bit set or, where that is out of range, with b cleared; odd ranks are leaves.

    Examples
    --------
    >>> parents(8, 0)
    [-1, 2, 4, 2, 0, 6, 4, 6]
    """
    first = [NO_PARENT]
    for rank in range(1, num_ranks):
        bit = rank & -rank
        above = (rank ^ bit) | (bit << 1)
        first.append(above if above < num_ranks else rank ^ bit)
    if tree == 0:
        return first
    if num_ranks % 2 == 0:
        moved = [num_ranks - 1 - rank for rank in range(num_ranks)]
    else:
        moved = [(rank + 1) % num_ranks for rank in range(num_ranks)]
    second = [NO_PARENT] * num_ranks
    for rank, parent in enumerate(first):
        second[moved[rank]] = NO_PARENT if parent == NO_PARENT else moved[parent]
    return second


def rounds(num_ranks: int, operation: str) -> list[list[Transfer]]:
    """Return the transfers of each round; chunk t travels in tree t."""
    up: dict[int, list[Transfer]] = {}
    down: dict[int, list[Transfer]] = {}
    for tree in (0, 1):
        parent = parents(num_ranks, tree)
        height, depth = _heights(parent), _depths(parent)
        for rank, above in enumerate(parent):
            if above != NO_PARENT:
                up.setdefault(height[rank], []).append(Transfer(rank, above, (tree,), True))
                down.setdefault(depth[rank], []).append(Transfer(above, rank, (tree,), False))
    return [up[step] for step in sorted(up)] + [down[step] for step in sorted(down)]


def _depths(parent: list[int]) -> list[int]:
    """Return the distance of each rank from the root."""
    depths = []
    for rank in range(len(parent)):
        depth = 0
        while parent[rank] != NO_PARENT:
            rank, depth = parent[rank], depth + 1
        depths.append(depth)
    return depths


def _heights(parent: list[int]) -> list[int]:
    """Return the distance of each rank from the farthest leaf below it."""
    heights = [0] * len(parent)
    for start in range(len(parent)):
        rank, height = start, 0
        while rank != NO_PARENT:
            heights[rank] = max(heights[rank], height)
            rank, height = parent[rank], height + 1
    return heights


def steps(operation: str, num_ranks: int, num_nodes: int) -> Steps:
    """Return the steps up and down: the chain of a node and ``floor(log2 nodes)`` crossings."""
    return Steps(2 * (num_ranks / num_nodes - 1), 2 * (num_nodes.bit_length() - 1))


def bytes_per_rank(operation: str, num_ranks: int) -> float:
    """Return 2: one half up in each tree, and two halves down where the rank has children."""
    return 2.0


def phases(groups: PlacedGroups, operation: str) -> tuple[Phase, ...]:
    """Return the crossings up and down the edges of both trees between nodes."""
    return (phase_over_channels(groups, _tree_edges, bytes_per_rank(operation, groups.size)),)


def _tree_edges(num_runs: int) -> Edges:
    """Return both directions of both trees; each carries half a buffer, a quarter of the two."""
    child = np.tile(np.arange(num_runs), 2)
    parent = np.array(parents(num_runs, 0) + parents(num_runs, 1))
    child, parent = child[parent != NO_PARENT], parent[parent != NO_PARENT]
    return (
        np.concatenate([child, parent]),
        np.concatenate([parent, child]),
        np.full(2 * len(child), 0.25),
    )
