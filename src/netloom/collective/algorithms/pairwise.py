"""Pairwise exchange: every rank sends every other rank its share, all pairs at once.

What the ranks of one node send to one rank elsewhere travels as one flow, because a library with
scale-up forwarding (NCCL's PXN) hands it first to the local rank on the target's rail.
"""

from __future__ import annotations

import numpy as np

from netloom.collective import Phase, Steps, Transfer
from netloom.collective.groups import Edges, PlacedGroups, run_edges

OPERATIONS = ("all-to-all",)


def rounds(num_ranks: int, operation: str) -> list[list[Transfer]]:
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
    source_run, target_run, weight = run_edges(groups, _all_pairs)
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


def _all_pairs(num_runs: int) -> Edges:
    source, target = np.divmod(np.arange(num_runs * num_runs), num_runs)
    different = source != target
    return source[different], target[different], np.ones(int(different.sum()))
