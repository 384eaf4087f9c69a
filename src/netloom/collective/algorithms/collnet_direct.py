"""CollNet direct: switches of the scale-out network reduce; inside nodes all pairs exchange.

With c the ranks of the shortest run, the first c ranks of each node are heads of one c-th of the
buffer each. Every rank sends each head its part, the head sends the node's sum up its rail's tree
of switches (SHARP), gets the sum of all nodes down, and sends it to every rank of its node. All of
it is one pipeline, and every head's NIC carries its part once each way.

References
----------
.. [1] Graham et al., "Scalable Hierarchical Aggregation Protocol (SHArP)", COM-HPC 2016.
.. [2] NVIDIA, NCCL source, ``src/graph/tuning.cc``, 2.30.
"""

from __future__ import annotations

import numpy as np

from netloom.collective import Phase, Steps, Transfer
from netloom.collective.groups import PlacedGroups, inside_phase, reduction_in_network
from netloom.collective.rounds import Rounds, node_blocks

OPERATIONS = ("all-reduce",)

NEEDS = ("network reduction",)

SHAPES = "a group that spans nodes"


def supports(operation: str, num_ranks: int, num_nodes: int) -> bool:
    """Return whether the group spans nodes, so that there is something to reduce between them."""
    return num_nodes > 1


def rounds(num_ranks: int, operation: str, ranks_per_node: int = 1) -> Rounds:
    """Return the transfers of each round; chunk h is head h's part.

    The tree of switches of rail h has the number ``num_ranks + h``.
    """
    blocks = node_blocks(num_ranks, ranks_per_node)
    num_heads = min(len(block) for block in blocks)
    inside = [
        (rank, block[head], head)
        for block in blocks
        for head in range(num_heads)
        for rank in block
        if rank != block[head]
    ]
    across = [
        (block[head], num_ranks + head, head) for block in blocks for head in range(num_heads)
    ]
    return [
        [Transfer(rank, head, (part,), True) for rank, head, part in inside],
        [Transfer(head, switch, (part,), True) for head, switch, part in across],
        [Transfer(switch, head, (part,), False) for head, switch, part in across],
        [Transfer(head, rank, (part,), False) for rank, head, part in inside],
    ]


def steps(operation: str, num_ranks: int, num_nodes: int) -> Steps:
    """Return what NCCL's tuning model counts, with m ranks per node.

    A step inside each way, a local one for each of ``m - 1`` partners each way (0.4 us in NCCL),
    and one step through the network.
    """
    partners = num_ranks / num_nodes - 1
    return Steps(2 * min(1.0, partners), 1, num_local=2 * partners)


def bytes_per_rank(operation: str, num_ranks: int) -> float:
    """Return 1: a rank alone on its node sends its buffer up once."""
    return 1.0


def phases(groups: PlacedGroups, operation: str) -> tuple[Phase, ...]:
    """Return one phase: exchange inside and reduction in the network in one pipeline.

    A head sends the other heads their parts, and its own part's sum to everyone in its node.
    """
    reduction = reduction_in_network(groups)
    heads = groups.num_channels.min()
    by_run = np.maximum((groups.run_length + heads - 2) / heads, groups.run_length > heads)
    return (inside_phase(float(by_run.max()))._replace(in_network=reduction),)
