"""Pairwise exchange: every rank sends every other rank its share, all pairs at once.

What the ranks of one node send to one rank elsewhere travels as one flow, because a library with
scale-up forwarding (NCCL's PXN) hands it first to the local rank on the target's rail.
`matrix_phases` is the same exchange with bytes of its own for every pair, such as what a router
sends to experts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netloom.collective import Phase, Steps, Transfer
from netloom.collective.groups import PlacedGroups, busiest_inside, exchange_edges
from netloom.errors import ParameterError

OPERATIONS = ("all-to-all",)


def rounds(num_ranks: int, operation: str, ranks_per_node: int = 1) -> list[list[Transfer]]:
    """Return round t, where rank r sends to rank r + t; chunk ``r * n + s`` goes from r to s."""
    return [
        [
            Transfer(rank, target, (rank * num_ranks + target,), False)
            for rank in range(num_ranks)
            for target in ((rank + shift) % num_ranks,)
        ]
        for shift in range(1, num_ranks)
    ]


def steps(operation: str, num_ranks: int, num_nodes: int) -> Steps:
    """Return one hop inside the node and one across: all pairs start together."""
    return Steps(float(num_ranks > num_nodes), float(num_nodes > 1))


def bytes_per_rank(operation: str, num_ranks: int) -> float:
    """Return ``(n - 1) / n``: a rank keeps its own share."""
    return (num_ranks - 1) / num_ranks


def phases(groups: PlacedGroups, operation: str) -> tuple[Phase, ...]:
    """Return one flow per node and per rank outside it, for every group."""
    source_run, target_run, weight = exchange_edges(groups)
    lengths = groups.run_length[target_run]
    edge = np.repeat(np.arange(len(source_run)), lengths)
    member = np.arange(len(edge)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    num_sources = groups.run_length[source_run[edge]].astype(np.int32)
    phase = Phase(
        groups.run_start[source_run[edge]],
        num_sources,
        groups.run_start[target_run[edge]] + member,
        weight[edge] * num_sources / groups.size,
        scale_up_bytes=(int(groups.run_length.max()) - 1) / groups.size,
    )
    return (phase,)


def matrix_phases(groups: PlacedGroups, matrix: NDArray[np.float64]) -> tuple[Phase, ...]:
    """Return the exchange in which rank i sends rank j ``matrix[i, j]`` bytes, in every group.

    Parameters
    ----------
    matrix : float64, shape (n, n), bytes; the diagonal stays where it is, rows may differ or be
        zero.

    Returns
    -------
    tuple of Phase
        One phase, in bytes: price it with a size of 1.

    Raises
    ------
    ParameterError
        When the matrix has another shape, or an entry that is negative or no number.

    Examples
    --------
    >>> from netloom.collective.groups import place
    >>> groups = place(np.array([[0, 1, 8]]), 8)
    >>> (phase,) = matrix_phases(groups, np.array([[0, 5, 1], [0, 0, 1], [3, 0, 0]]))
    >>> phase.source.tolist(), phase.num_sources.tolist(), phase.target.tolist()
    ([0, 2], [2, 1], [2, 0])
    >>> phase.flow_bytes.tolist(), phase.scale_up_bytes
    ([2.0, 3.0], 5.0)
    """
    size = groups.size
    matrix = np.asarray(matrix, dtype=np.float64)
    if matrix.shape != (size, size):
        raise ParameterError(
            f"a traffic matrix of shape {matrix.shape} for groups of {size} ranks",
            hint=f"give {size} rows of {size} numbers, bytes from rank i to rank j",
        )
    wrong = np.argwhere(~(np.isfinite(matrix) & (matrix >= 0)))
    if len(wrong):
        source, target = wrong[0].tolist()
        raise ParameterError(
            f"traffic matrix sends {matrix[source, target]} bytes from rank {source} to "
            f"rank {target}",
            hint="write 0 where nothing is sent, and bytes otherwise",
        )
    # by position, a row per sending member: shape (G * n, n)
    rows = matrix[groups.member[:, :, None], groups.member[:, None, :]].reshape(-1, size)
    column = np.arange(size)
    target_of_run = groups.group_of_run[:, None] * size + column
    crosses = groups.run_of[target_of_run] != np.arange(len(groups.run_start))[:, None]
    total = np.add.reduceat(rows, groups.run_start, axis=0)
    # members of a node that send alike share a flow; others have one each, so that none is mixed
    alike = np.maximum.reduceat(rows, groups.run_start) == np.minimum.reduceat(
        rows, groups.run_start
    )
    run, together = np.nonzero(crosses & alike & (total > 0))
    member, alone = np.nonzero((crosses & ~alike)[groups.run_of] & (rows > 0))
    inside_source, inside = np.nonzero(~crosses[groups.run_of] & (rows > 0))
    inside_target = inside_source // size * size + inside
    moves = inside_source != inside_target
    phase = Phase(
        np.concatenate([groups.run_start[run], member]),
        np.concatenate([groups.run_length[run], np.ones(len(member))]).astype(np.int32),
        np.concatenate([target_of_run[run, together], member // size * size + alone]),
        np.concatenate([total[run, together], rows[member, alone]]),
        busiest_inside(
            groups,
            inside_source[moves],
            inside_target[moves],
            rows[inside_source[moves], inside[moves]],
        ),
    )
    return (phase,)
