"""Collective operations on placed ranks: which bytes go from whom to whom.

One algorithm is one module of `netloom.collective.algorithms`. It defines

``OPERATIONS``
    names of the operations that it can carry out, keys of `OPERATIONS` here;
``rounds(num_ranks, operation, ranks_per_node=1)``
    every transfer of every round on small rank counts, to be executed symbolically. Ranks stand
    node by node; algorithms that do not look at nodes ignore the last argument;
``steps(operation, num_ranks, num_nodes)``
    `Steps` on the critical path, for the latency;
``bytes_per_rank(operation, num_ranks)``
    bytes that the busiest rank sends, per byte of the operation's size;
``phases(groups, operation)``
    the traffic of all groups together, as `Phase`s that run one after another. What a pipelined
    algorithm moves at the same time, such as a ring's rounds, is one phase.

and, where it has limits,

``NEEDS``
    names of what the machine has to have, see `netloom.simulate.network.NetworkModel.may_use`;
``supports(operation, num_ranks, num_nodes)``
    whether it can serve such a group; `supports` here asks it;
``SHAPES``
    what such a group is, in words that follow "needs".
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
    "broadcast": "the buffer of the first rank, which every rank holds after",
    "reduce": "the buffer that every rank holds before; the first rank holds the sum after",
    "all-to-all": "the send buffer of one rank, its own share included",
    "send-recv": "the message of one rank to the next in its group; the last rank sends nothing",
    "barrier": "nothing: no rank leaves before all have entered",
}

ALGORITHMS = Registry(
    "netloom.collective.algorithms",
    "netloom.collective",
    "collective algorithm",
    required=("OPERATIONS", "rounds", "steps", "bytes_per_rank", "phases"),
)


class Transfer(NamedTuple):
    """One message of one round.

    Attributes
    ----------
    source, target : ranks inside the group; a number past the last rank is a switch that reduces.
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
    num_local : steps that a rank takes by itself, such as copies; the library times them.
    """

    num_scale_up: float
    num_network: float
    paced_by_network: bool = False
    num_local: float = 0.0


class InNetwork(NamedTuple):
    """Reductions or copies that switches make; M members of all groups.

    Attributes
    ----------
    member : int64, shape (M,), positions in ``groups.accelerators.ravel()``.
    group : int64, shape (M,), members with one number share one tree of switches.
    up_bytes, down_bytes : that each member sends to and gets from its tree, per byte of the
        operation's size.
    """

    member: NDArray[np.int64]
    group: NDArray[np.int64]
    up_bytes: float
    down_bytes: float


class Phase(NamedTuple):
    """Traffic that moves at the same time, all groups together; shape letter F for flows.

    A flow gathers what `num_sources` members of one node (positions ``source``, ``source + 1``,
    ...) send to one member in another node. Positions count ``groups.accelerators.ravel()``.

    Attributes
    ----------
    source : int64, shape (F,), position of the first sending member.
    num_sources : int32, shape (F,), sending members of the same node.
    target : int64, shape (F,), position of the receiving member.
    flow_bytes : float64, shape (F,), per byte of the operation's size.
    scale_up_bytes : bytes that the busiest member sends or gets inside its node, whichever is
        more, in the same measure.
    in_network : what switches between the nodes reduce or copy.
    """

    source: NDArray[np.int64]
    num_sources: NDArray[np.int32]
    target: NDArray[np.int64]
    flow_bytes: NDArray[np.float64]
    scale_up_bytes: float
    in_network: InNetwork | None = None


@cache
def algorithms_for(operation: str) -> dict[str, ModuleType]:
    """Return the algorithms that can carry out an operation, by name."""
    modules = {name: ALGORITHMS.get(name) for name in ALGORITHMS.names()}
    return {name: module for name, module in modules.items() if operation in module.OPERATIONS}


def supports(algorithm: str, operation: str, num_ranks: int, num_nodes: int) -> bool:
    """Return whether an algorithm can serve groups of such a shape.

    Parameters
    ----------
    num_nodes : nodes of the group that is spread widest.

    Examples
    --------
    Halving needs a power of two, and a switch inside a node reduces for that node only.

    >>> supports("recursive", "reduce-scatter", 6, 1), supports("nvls", "all-reduce", 16, 2)
    (False, False)
    """
    hook = getattr(ALGORITHMS.get(algorithm), "supports", None)
    return hook is None or hook(operation, num_ranks, num_nodes)


def refusal(algorithm: str, operation: str, num_ranks: int, num_nodes: int) -> tuple[str, str]:
    """Return why an algorithm cannot serve a group, and the nearest that it can, in words.

    The nearest groups fill nodes as the given one does.

    Examples
    --------
    >>> refusal("recursive", "reduce-scatter", 6, 1)
    ('recursive reduce-scatter needs a power of two of ranks, not 6 on 1 node', '4 or 8 ranks')
    """
    per_node = -(-num_ranks // num_nodes)

    def serves(size: int) -> bool:
        return supports(algorithm, operation, size, -(-size // per_node))

    below = next((size for size in range(num_ranks - 1, 1, -1) if serves(size)), None)
    above = next((size for size in range(num_ranks + 1, 2 * num_ranks + 1) if serves(size)), None)
    near = " or ".join(f"{size:,}" for size in (below, above) if size is not None)
    needs = getattr(ALGORITHMS.get(algorithm), "SHAPES", "another group")
    nodes = f"{num_nodes:,} node{'s' * (num_nodes > 1)}"
    return (
        f"{algorithm} {operation} needs {needs}, not {num_ranks:,} on {nodes}",
        f"{near} ranks" if near else "",
    )
