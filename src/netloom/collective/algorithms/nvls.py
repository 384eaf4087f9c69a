"""NVLS: the switches of one scale-up domain reduce and copy (NVLink SHARP).

Rank t owns the t-th of n parts. To reduce, the switch pulls that part from everybody, the owner
included, and gives the owner the sum; to gather, each rank sends its part once and the switch
copies it to everybody. Per byte of the operation's size a rank

- of an all-reduce sends 1 + 1/n (all parts pulled, its own part's sum multicast) and gets as much;
- of a reduce-scatter sends 1, since all parts are pulled from it, and gets 1/n;
- of an all-gather sends 1/n and gets 1: nothing is won over a ring but latency and cores.

Groups that leave the domain are not served.

References
----------
.. [1] Klenk et al., "An in-network architecture for accelerating shared-memory multiprocessor
   collectives", ISCA 2020.
"""

from __future__ import annotations

from netloom.collective import Phase, Steps, Transfer
from netloom.collective.groups import PlacedGroups, inside_phase
from netloom.collective.rounds import Rounds

OPERATIONS = ("all-reduce", "reduce-scatter", "all-gather")

NEEDS = ("scale-up reduction",)

SHAPES = "a group inside one node"


def supports(operation: str, num_ranks: int, num_nodes: int) -> bool:
    """Return whether the group stays inside one domain."""
    return num_nodes == 1


def rounds(num_ranks: int, operation: str, ranks_per_node: int = 1) -> Rounds:
    """Return the transfers of each round by way of the switch, number `num_ranks`."""
    everyone, switch = range(num_ranks), num_ranks
    whole = tuple(everyone)
    pull = [Transfer(rank, switch, whole, True) for rank in everyone]
    give = [Transfer(switch, rank, (rank,), False) for rank in everyone]
    send = [Transfer(rank, switch, (rank,), False) for rank in everyone]
    copy = [Transfer(switch, rank, whole, False) for rank in everyone]
    return {
        "all-reduce": [pull, give, send, copy],
        "reduce-scatter": [pull, give],
        "all-gather": [send, copy],
    }[operation]


def steps(operation: str, num_ranks: int, num_nodes: int) -> Steps:
    """Return one step inside, as NCCL's tuning model counts."""
    return Steps(1, 0)


def bytes_per_rank(operation: str, num_ranks: int) -> float:
    """Return what a rank sends: ``1 + 1/n``, 1 or ``1/n``.

    Examples
    --------
    Eight ranks: less than the 1.75 of a ring.

    >>> bytes_per_rank("all-reduce", 8)
    1.125
    """
    return {
        "all-reduce": 1 + 1 / num_ranks,
        "reduce-scatter": 1.0,
        "all-gather": 1 / num_ranks,
    }[operation]


def phases(groups: PlacedGroups, operation: str) -> tuple[Phase, ...]:
    """Return one phase: the switch pulls and copies piece by piece."""
    # of an all-gather a rank gets more than it sends
    return (inside_phase(1 + 1 / groups.size if operation == "all-reduce" else 1.0),)
