"""NVLS tree: switches reduce and copy inside nodes, the double binary tree joins the nodes.

With c the ranks of a group's shortest run, the first c ranks of each node are heads of one c-th of
the buffer each. A node's switch gives every head the node's sum of its part, both trees of that
rail take it up to their roots and the result down again, and the head multicasts it in its node.
All of it is one pipeline.

References
----------
.. [1] NVIDIA, NCCL source, ``src/graph/tuning.cc`` and ``src/device/all_reduce.h``, 2.30.
"""

from __future__ import annotations

import numpy as np

from netloom.collective import Phase, Steps, Transfer
from netloom.collective.algorithms.tree import bytes_per_rank, double_tree, tree_rounds
from netloom.collective.groups import PlacedGroups, phase_over_channels
from netloom.collective.rounds import Rounds, at_the_same_time, node_blocks

__all__ = [
    "NEEDS", "OPERATIONS", "SHAPES", "bytes_per_rank", "phases", "rounds", "steps", "supports",
]  # fmt: skip

OPERATIONS = ("all-reduce",)

NEEDS = ("scale-up reduction",)

SHAPES = "a group that spans nodes, with several ranks on some"


def supports(operation: str, num_ranks: int, num_nodes: int) -> bool:
    """Return whether there are several nodes, and some with several ranks."""
    return 1 < num_nodes < num_ranks


def rounds(num_ranks: int, operation: str, ranks_per_node: int = 1) -> Rounds:
    """Return the transfers of each round; chunk ``2 h + t`` is head h's in tree t.

    The switch of node i has the number ``num_ranks + i``; a rank alone on its node needs none.
    """
    blocks = node_blocks(num_ranks, ranks_per_node)
    num_heads = min(len(block) for block in blocks)
    whole = tuple(range(2 * num_heads))
    pull, give, send, copy = [], [], [], []
    for node, block in enumerate(blocks):
        switch = num_ranks + node
        if len(block) == 1:
            continue
        pull += [Transfer(rank, switch, whole, True) for rank in block]
        for head in range(num_heads):
            own = (2 * head, 2 * head + 1)
            give.append(Transfer(switch, block[head], own, False))
            send.append(Transfer(block[head], switch, own, False))
        copy += [Transfer(switch, rank, whole, False) for rank in block]
    between = [
        tree_rounds([block[head] for block in blocks], 2 * head) for head in range(num_heads)
    ]
    return [pull, give, *at_the_same_time(between), send, copy]


def steps(operation: str, num_ranks: int, num_nodes: int) -> Steps:
    """Return one step inside and ``2 floor(log2 nodes)`` across, as NCCL's tuning model counts."""
    return Steps(1, 2 * (num_nodes.bit_length() - 1))


def phases(groups: PlacedGroups, operation: str) -> tuple[Phase, ...]:
    """Return the trees between nodes; inside, a head sends all parts and its own part's result."""
    heads = groups.num_channels[groups.group_of_run]
    inside = np.where(groups.run_length > 1, 1 + 1 / heads, 0.0)
    trees = phase_over_channels(groups, double_tree, bytes_per_rank(operation, groups.size))
    return (trees._replace(scale_up_bytes=float(inside.max())),)
