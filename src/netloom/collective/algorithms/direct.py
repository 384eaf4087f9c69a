"""Direct send: every rank sends one message to the next rank of its group, all at once.

This is what pipeline stages do; the last rank of a group sends nothing, and traffic the other way
(gradients in the backward pass) is a call of its own.
"""

from __future__ import annotations

import numpy as np

from netloom.collective import Phase, Steps, Transfer
from netloom.collective.groups import PlacedGroups

OPERATIONS = ("send-recv",)


def rounds(num_ranks: int, operation: str, ranks_per_node: int = 1) -> list[list[Transfer]]:
    """Return the one round; chunk r is the message of rank r."""
    return [[Transfer(rank, rank + 1, (rank,), False) for rank in range(num_ranks - 1)]]


def steps(operation: str, num_ranks: int, num_nodes: int) -> Steps:
    """Return the hop of the slowest pair: across the network when the group spans nodes."""
    return Steps(float(num_nodes == 1), float(num_nodes > 1))


def bytes_per_rank(operation: str, num_ranks: int) -> float:
    """Return 1, the message."""
    return 1.0


def phases(groups: PlacedGroups, operation: str) -> tuple[Phase, ...]:
    """Return one flow for every neighbouring pair that sits on two nodes."""
    node_of = np.empty(groups.accelerators.size, dtype=np.int64)
    node_of[:] = np.repeat(np.arange(len(groups.run_start)), groups.run_length)
    # members stand node by node; the message goes from rank to rank
    position = np.argsort(groups.member, axis=1, kind="stable")
    position += groups.size * np.arange(len(position))[:, None]
    source, target = position[:, :-1].ravel(), position[:, 1:].ravel()
    crosses = node_of[source] != node_of[target]
    phase = Phase(
        source[crosses],
        np.ones(int(crosses.sum()), dtype=np.int32),
        target[crosses],
        np.ones(int(crosses.sum())),
        scale_up_bytes=float(not crosses.all()),
    )
    return (phase,)
