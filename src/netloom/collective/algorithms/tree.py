"""Double binary tree: half of the buffer up and down each of two trees; latency grows with log n.

A rank with children in one tree is a leaf of the other (for an even number of ranks: of the
mirrored tree; for an odd one: of the tree shifted by one), so that no rank sends more than two
buffers. Inside nodes the tree is a chain; between nodes it is split into channels like the ring.
Broadcast and reduce span two trees over the nodes but the root's, which is above both of their
roots: half of the buffer goes into, or comes out of, each [1]_.

References
----------
.. [1] Sanders, Speck and Träff, "Two-tree algorithms for full bandwidth broadcast, reduction and
   scan", Parallel Computing 35 (2009) 581-594.
.. [2] Jeaugey, "Massively scale your deep learning training with NCCL 2.4", 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from netloom.collective import Phase, Steps, Transfer
from netloom.collective.groups import Edges, PlacedGroups, phase_over_channels
from netloom.collective.rounds import Rounds, at_the_same_time, node_blocks

OPERATIONS = ("all-reduce", "broadcast", "reduce")

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


def rounds(num_ranks: int, operation: str, ranks_per_node: int = 1) -> Rounds:
    """Return the transfers of each round; chunk ``2 c + t`` travels in tree t of channel c."""
    blocks = node_blocks(num_ranks, ranks_per_node)
    num_channels = min(len(block) for block in blocks)
    return at_the_same_time(
        [
            _up_and_down(_parents_of_ranks(blocks, operation, channel, tree), operation, chunk)
            for channel in range(num_channels)
            for tree in (0, 1)
            for chunk in (2 * channel + tree,)
        ]
    )


def tree_rounds(ranks: Sequence[int], first_chunk: int) -> Rounds:
    """Return the rounds in which some ranks all-reduce two chunks, one in each tree."""
    trees = []
    for tree in (0, 1):
        above = parents(len(ranks), tree)
        named = {
            rank: ranks[parent]
            for rank, parent in zip(ranks, above, strict=True)
            if parent != NO_PARENT
        }
        trees.append(_up_and_down(named, "all-reduce", first_chunk + tree))
    return at_the_same_time(trees)


def _parents_of_ranks(
    blocks: list[range], operation: str, channel: int, tree: int
) -> dict[int, int]:
    """Return each rank's parent; the chain of a node hangs under the rank on the channel's rail.

    Trees from or to rank 0 join the other nodes, and rank 0 is above the roots of both.
    """
    has_root = operation != "all-reduce"
    above: dict[int, int] = {}
    for node, block in enumerate(blocks):
        first = 0 if has_root and node == 0 else channel
        chain = [*block[first:], *block[:first]]
        above |= {lower: upper for upper, lower in pairwise(chain)}
    joined = blocks[1:] if has_root else blocks
    for node, parent in enumerate(parents(len(joined), tree) if joined else []):
        if parent != NO_PARENT:
            above[joined[node][channel]] = joined[parent][channel]
        elif has_root:
            above[joined[node][channel]] = blocks[0][channel]
    return above


def _up_and_down(above: dict[int, int], operation: str, chunk: int) -> Rounds:
    """Return the rounds of one tree, towards the root, away from it, or one after the other."""
    depth, height = dict.fromkeys([*above, *above.values()], 0), dict.fromkeys(above, 0)
    for start in above:
        rank, climbed = start, 0
        while rank in above:
            height[rank] = max(height[rank], climbed)
            rank, climbed = above[rank], climbed + 1
        depth[start] = climbed
    up: Rounds = [[] for _ in range(max(depth.values(), default=0))]
    down: Rounds = [[] for _ in up]
    for rank, parent in above.items():
        up[height[rank]].append(Transfer(rank, parent, (chunk,), True))
        down[depth[parent]].append(Transfer(parent, rank, (chunk,), False))
    return {"all-reduce": up + down, "reduce": up, "broadcast": down}[operation]


def steps(operation: str, num_ranks: int, num_nodes: int) -> Steps:
    """Return the steps up and down: the chain of a node and ``floor(log2 nodes)`` crossings.

    That is NCCL's count for the all-reduce. Broadcast and reduce, which NCCL does not offer in
    trees, count the deepest of both trees over the other nodes and the step to the root.
    """
    inside = num_ranks / num_nodes - 1
    if operation == "all-reduce":
        return Steps(2 * inside, 2 * (num_nodes.bit_length() - 1))
    return Steps(inside, 1 + (num_nodes - 2).bit_length() if num_nodes > 1 else 0)


def bytes_per_rank(operation: str, num_ranks: int) -> float:
    """Return 2: one half up in each tree, and two halves down where the rank has children.

    One way only, no rank sends more than 1: the root half into each tree, or a child half up each.
    """
    return 2.0 if operation == "all-reduce" else 1.0


def phases(groups: PlacedGroups, operation: str) -> tuple[Phase, ...]:
    """Return the crossings up and down the edges of both trees between nodes."""
    edges = {"broadcast": _tree_down, "reduce": _tree_up}.get(operation, double_tree)
    return (phase_over_channels(groups, edges, bytes_per_rank(operation, groups.size)),)


def double_tree(num_runs: int) -> Edges:
    """Return both directions of both trees; each carries half a buffer, a quarter of the two."""
    child = np.tile(np.arange(num_runs), 2)
    parent = np.array(parents(num_runs, 0) + parents(num_runs, 1))
    child, parent = child[parent != NO_PARENT], parent[parent != NO_PARENT]
    return (
        np.concatenate([child, parent]),
        np.concatenate([parent, child]),
        np.full(2 * len(child), 0.25),
    )


def _tree_down(num_runs: int) -> Edges:
    """Return the edges from the first run to both roots and down; each carries half a buffer."""
    child = np.tile(np.arange(1, num_runs), 2)
    # without the first run numbers count from one, and what has no parent hangs under run 0
    parent = 1 + np.array(parents(num_runs - 1, 0) + parents(num_runs - 1, 1))
    return parent, child, np.full(len(child), 0.5)


def _tree_up(num_runs: int) -> Edges:
    parent, child, weight = _tree_down(num_runs)
    return child, parent, weight
