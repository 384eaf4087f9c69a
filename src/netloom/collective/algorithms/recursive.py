"""Recursive halving and doubling: ``log2 n`` rounds between ranks whose numbers differ in one bit.

A reduce-scatter halves what a rank holds, farthest partner first; an all-gather doubles it, nearest
partner first. The all-reduce of Rabenseifner is one after the other, with the nearest partner first
in the half that moves most, so that most bytes stay inside a node. Ranks beyond the largest power
of two p fold: the first ``2 (n - p)`` ranks pair up, one of each pair sends its buffer to the
other, sits out, and gets the result.

References
----------
.. [1] Rabenseifner, "Optimization of collective reduction operations", ICCS 2004, LNCS 3036.
.. [2] Thakur, Rabenseifner and Gropp, "Optimization of collective communication operations in
   MPICH", Int. J. High Performance Computing Applications 19 (2005) 49-66.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netloom.collective import Phase, Steps, Transfer
from netloom.collective.groups import PlacedGroups, phase_of_pairs
from netloom.collective.rounds import Rounds
from netloom.errors import ParameterError

OPERATIONS = ("all-reduce", "all-gather", "reduce-scatter")

SHAPES = "a power of two of ranks"


def supports(operation: str, num_ranks: int, num_nodes: int) -> bool:
    """Return whether the ranks are a power of two, or the operation folds."""
    return operation == "all-reduce" or num_ranks.bit_count() == 1


def _check(operation: str, num_ranks: int) -> None:
    if not supports(operation, num_ranks, 1):
        below = _power_of_two(num_ranks)
        raise ParameterError(
            f"a recursive {operation} needs {SHAPES}, not {num_ranks}",
            hint=f"nearest are {below} and {2 * below}; pat takes any number",
        )


def _power_of_two(num_ranks: int) -> int:
    """Return the largest power of two that is no more than `num_ranks`."""
    return 1 << (num_ranks.bit_length() - 1)


def rounds(num_ranks: int, operation: str, ranks_per_node: int = 1) -> Rounds:
    """Return the transfers of each round; the buffer is cut into one chunk per unfolded rank."""
    _check(operation, num_ranks)
    core = _core(num_ranks).tolist()
    near_first = _distances(len(core))
    if operation == "all-gather":
        return _gather(core, near_first)
    if operation == "reduce-scatter":
        return _scatter(core, near_first[::-1])
    whole = tuple(range(len(core)))
    folded = _folded(num_ranks).tolist()
    fold = [[Transfer(rank, rank + 1, whole, True) for rank in folded]]
    unfold = [[Transfer(rank + 1, rank, whole, False) for rank in folded]]
    inner = _scatter(core, near_first) + _gather(core, near_first[::-1])
    return fold + inner + unfold if folded else inner


def _scatter(core: list[int], distances: list[int]) -> Rounds:
    """Return rounds after which the i-th core rank holds the sum of chunk i."""
    result = []
    settled = 0
    for distance in distances:
        result.append(
            [
                Transfer(
                    rank,
                    core[number ^ distance],
                    # chunks that agree with this rank in the bits settled, and not in this one
                    tuple(
                        chunk
                        for chunk in range(len(core))
                        if (chunk ^ number) & (settled | distance) == distance
                    ),
                    True,
                )
                for number, rank in enumerate(core)
            ]
        )
        settled |= distance
    return result


def _gather(core: list[int], distances: list[int]) -> Rounds:
    """Return rounds that bring chunk i, held by the i-th core rank, to all of them."""
    result = []
    open_bits = 0
    for distance in distances:
        result.append(
            [
                Transfer(
                    rank,
                    core[number ^ distance],
                    tuple(chunk for chunk in range(len(core)) if not (chunk ^ number) & ~open_bits),
                    False,
                )
                for number, rank in enumerate(core)
            ]
        )
        open_bits |= distance
    return result


def _folded(num_ranks: int) -> NDArray[np.int64]:
    """Return the ranks that sit out; each folds onto the next one."""
    return np.arange(0, 2 * (num_ranks - _power_of_two(num_ranks)), 2)


def _core(num_ranks: int) -> NDArray[np.int64]:
    """Return the ranks that do not sit out."""
    return np.setdiff1d(np.arange(num_ranks), _folded(num_ranks))


def _distances(num_core: int) -> list[int]:
    """Return the distances of partners, nearest first."""
    return [1 << step for step in range(num_core.bit_length() - 1)]


def steps(operation: str, num_ranks: int, num_nodes: int) -> Steps:
    """Return the rounds: those with a pair that crosses between nodes, and those without.

    Where nodes do not divide the ranks evenly, every round may cross.
    """
    per_node = num_ranks // num_nodes if num_ranks % num_nodes == 0 else 1
    core = _core(num_ranks)
    number = np.arange(len(core))
    crosses = [
        bool((core // per_node != core[number ^ distance] // per_node).any())
        for distance in _distances(len(core))
    ]
    if operation == "all-reduce":
        crosses *= 2
        folded = _folded(num_ranks)
        if len(folded):
            crosses += 2 * [bool((folded // per_node != (folded + 1) // per_node).any())]
    return Steps(crosses.count(False), crosses.count(True))


def bytes_per_rank(operation: str, num_ranks: int) -> float:
    """Return ``passes * (p - 1) / p``, and 1 more of an all-reduce that folds.

    Examples
    --------
    >>> bytes_per_rank("all-reduce", 8), bytes_per_rank("all-reduce", 9)
    (1.75, 2.75)
    """
    _check(operation, num_ranks)
    power = _power_of_two(num_ranks)
    if operation != "all-reduce":
        return (power - 1) / power
    return 2 * (power - 1) / power + (power < num_ranks)


def phases(groups: PlacedGroups, operation: str) -> tuple[Phase, ...]:
    """Return one phase per round, since distance decides which links are loaded."""
    _check(operation, groups.size)
    core = _core(groups.size)
    power = len(core)
    number = np.arange(power)

    def exchange(distance: int, part: float) -> Phase:
        return phase_of_pairs(groups, core, core[number ^ distance], part)

    near_first = _distances(power)
    # farthest partner, half of the buffer; ...; nearest partner, one chunk
    if operation != "all-reduce":
        scatter = [exchange(distance, distance / power) for distance in near_first[::-1]]
        return tuple(scatter if operation == "reduce-scatter" else scatter[::-1])
    scatter = [exchange(distance, 0.5 / distance) for distance in near_first]
    inner = scatter + scatter[::-1]
    if power == groups.size:
        return tuple(inner)
    folded = _folded(groups.size)
    fold = phase_of_pairs(groups, folded, folded + 1, 1.0)
    unfold = phase_of_pairs(groups, folded + 1, folded, 1.0)
    return (fold, *inner, unfold)
