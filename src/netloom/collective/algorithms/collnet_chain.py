"""CollNet chain: switches of the scale-out network reduce; inside nodes a chain leads to each NIC.

With c the ranks of the shortest run, each of the first c ranks of a node is the head of a chain
through all of the node's ranks that carries one c-th of the buffer. It starts at the rank before
the head and passes partial sums down to the head, which sends the node's sum up its rail's tree of
switches (SHARP) and passes the sum of all nodes back along the chain. All of it is one pipeline.

References
----------
.. [1] Graham et al., "Scalable Hierarchical Aggregation Protocol (SHArP)", COM-HPC 2016.
.. [2] NVIDIA, NCCL source, ``src/graph/tuning.cc``, 2.30.
"""

from __future__ import annotations

import numpy as np

from netloom.collective import Phase, Steps, Transfer
from netloom.collective.algorithms.collnet_direct import SHAPES, supports
from netloom.collective.groups import PlacedGroups, inside_phase, reduction_in_network
from netloom.collective.rounds import Rounds, along_chain, at_the_same_time, node_blocks

__all__ = [
    "NEEDS", "OPERATIONS", "SHAPES", "bytes_per_rank", "phases", "rounds", "steps", "supports",
]  # fmt: skip

OPERATIONS = ("all-reduce",)

NEEDS = ("network reduction",)


def rounds(num_ranks: int, operation: str, ranks_per_node: int = 1) -> Rounds:
    """Return the transfers of each round; chunk h is head h's part.

    The tree of switches of rail h has the number ``num_ranks + h``.
    """
    blocks = node_blocks(num_ranks, ranks_per_node)
    num_heads = min(len(block) for block in blocks)
    inwards, outwards = [], []
    for block in blocks:
        for head in range(num_heads):
            chain = [*block[head:], *block[:head]]
            inwards.append(along_chain(chain[::-1], [(head,)], reduce=True))
            outwards.append(along_chain(chain, [(head,)], reduce=False))
    across = [
        (block[head], num_ranks + head, head) for block in blocks for head in range(num_heads)
    ]
    return [
        *at_the_same_time(inwards),
        [Transfer(head, switch, (part,), True) for head, switch, part in across],
        [Transfer(switch, head, (part,), False) for head, switch, part in across],
        *at_the_same_time(outwards),
    ]


def steps(operation: str, num_ranks: int, num_nodes: int) -> Steps:
    """Return ``2 (m - 1)`` steps inside and one through the network, as NCCL's model counts."""
    return Steps(2 * (num_ranks / num_nodes - 1), 1)


def bytes_per_rank(operation: str, num_ranks: int) -> float:
    """Return 1: a rank alone on its node sends its buffer up once."""
    return 1.0


def phases(groups: PlacedGroups, operation: str) -> tuple[Phase, ...]:
    """Return one phase: chains inside and reduction in the network in one pipeline."""
    reduction = reduction_in_network(groups)
    heads = int(groups.num_channels.min())
    busiest = max(_busiest_parts(int(length), heads) for length in np.unique(groups.run_length))
    return (inside_phase(busiest / heads)._replace(in_network=reduction),)


def _busiest_parts(num_local: int, num_heads: int) -> int:
    """Return the most parts that one rank of a node sends or, the same number, gets.

    Every part goes in over all ranks but its head and out over all but its chain's end, the rank
    before the head.
    """
    if num_local == 1:
        return 0
    local = np.arange(num_local)
    is_head, is_end = local < num_heads, (local + 1) % num_local < num_heads
    return int((2 * num_heads - is_head - is_end.astype(int)).max())
