"""Collective operations on placed ranks: which bytes go from whom to whom.

One algorithm is one module of `netloom.collective.algorithms`. It defines

``OPERATIONS``
    names of the operations that it can carry out, keys of `OPERATIONS` here;
``rounds(num_ranks, operation)``
    every transfer of every round on small rank counts, to be executed symbolically;
``steps(operation, num_ranks, num_nodes)``
    `Steps` on the critical path, for the latency;
``bytes_per_rank(operation, num_ranks)``
    bytes that the busiest rank sends, per byte of the operation's size;
``flows(groups)``
    `Flows` between nodes, per byte of `bytes_per_rank`, for all groups together.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netloom.registry import Registry

#: Operation -> what its size in bytes means, as nccl-tests counts it.
OPERATIONS: dict[str, str] = {
    "all-reduce": "the buffer that every rank holds before and after",
    "all-gather": "the gathered buffer that every rank holds after",
    "reduce-scatter": "the buffer that every rank holds before",
    "all-to-all": "the send buffer of one rank, its own share included",
    "send-recv": "the message of one rank to the next in its group; the last rank sends nothing",
}

ALGORITHMS = Registry(
    "netloom.collective.algorithms",
    "netloom.collective",
    "collective algorithm",
    required=("OPERATIONS", "rounds", "steps", "bytes_per_rank", "flows"),
)


class Transfer(NamedTuple):
    """One message of one round.

    Attributes
    ----------
    source, target : ranks inside the group.
    chunks : numbers of the chunks that travel.
    reduce : whether the target adds what arrives to what it has; otherwise it overwrites.
    """

    source: int
    target: int
    chunks: tuple[int, ...]
    reduce: bool


class Steps(NamedTuple):
    """Steps on the critical path of one call.

    Attributes
    ----------
    num_scale_up : steps between ranks of one node.
    num_network : steps between nodes.
    paced_by_network : whether steps inside a node wait for the network's per-step overhead.
    """

    num_scale_up: float
    num_network: float
    paced_by_network: bool = False


class Flows(NamedTuple):
    """Bytes between nodes, all groups at once; shape letter F for flows.

    A flow gathers what `num_sources` neighbouring ranks of one node (``source``, ``source +
    stride``, ...) send to one target rank in another node.

    Attributes
    ----------
    source : int32, shape (F,), first sending rank.
    num_sources : int32, shape (F,), sending ranks of the same node.
    target : int32, shape (F,), receiving rank.
    flow_bytes : float64, shape (F,), per byte of the algorithm's `bytes_per_rank`.
    scale_up_bytes : bytes that the busiest rank sends inside its node, in the same measure.
    """

    source: NDArray[np.int32]
    num_sources: NDArray[np.int32]
    target: NDArray[np.int32]
    flow_bytes: NDArray[np.float64]
    scale_up_bytes: float


@cache
def algorithms_for(operation: str) -> dict[str, ModuleType]:
    """Return the algorithms that can carry out an operation, by name."""
    modules = {name: ALGORITHMS.get(name) for name in ALGORITHMS.names()}
    return {name: module for name, module in modules.items() if operation in module.OPERATIONS}
