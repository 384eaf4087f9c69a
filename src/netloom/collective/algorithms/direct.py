"""Direct send: every rank sends one message to the next rank of its group, all at once.

This is what pipeline stages do; the last rank of a group sends nothing, and traffic the other way
(gradients in the backward pass) is a call of its own.
"""

from __future__ import annotations

import numpy as np

from netloom.collective import Flows, Steps, Transfer
from netloom.collective.groups import PlacedGroups

OPERATIONS = ("send-recv",)


def rounds(num_ranks: int, operation: str) -> list[list[Transfer]]:
    """Return the one round; chunk r is the message of rank r."""
    return [[Transfer(rank, rank + 1, (rank,), False) for rank in range(num_ranks - 1)]]


def steps(operation: str, num_ranks: int, num_nodes: int) -> Steps:
    """Return the hop of the slowest pair: across the network when the group spans nodes."""
    return Steps(float(num_nodes == 1), float(num_nodes > 1))


def bytes_per_rank(operation: str, num_ranks: int) -> float:
    """Return 1, the message."""
    return 1.0


def flows(groups: PlacedGroups) -> Flows:
    """Return one flow for every neighbouring pair that sits on two nodes."""
    is_run_start = np.zeros(groups.ranks.size, dtype=bool)
    is_run_start[groups.run_start] = True
    crosses = is_run_start.reshape(groups.ranks.shape)[:, 1:]
    source = groups.ranks[:, :-1][crosses]
    return Flows(
        source,
        np.ones(len(source), dtype=np.int32),
        groups.ranks[:, 1:][crosses],
        np.ones(len(source)),
        scale_up_bytes=float(not crosses.all()),
    )
