"""Groups of ranks on nodes: who is whose neighbour, and where a group crosses from node to node.

Legend for shapes: G groups, n ranks per group, R runs. A *run* is the longest stretch of
consecutive members of one group that share a node (a scale-up domain).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.collective import Flows
from netloom.errors import ParameterError

#: Edges between the runs of one group: source run, target run, weight, counted inside the group.
Edges = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]


@dataclass(frozen=True)
class PlacedGroups:
    """All disjoint groups of `size` ranks `stride` apart, placed on nodes.

    Attributes
    ----------
    ranks : int32, shape (G, n), members in order.
    stride : ranks between neighbours.
    run_start : int64, shape (R,), position of each run's first member in ``ranks.ravel()``.
    run_length : int64, shape (R,), members of each run.
    first_run : int64, shape (G + 1,), runs of group g are ``first_run[g]:first_run[g + 1]``.
    num_channels : int64, shape (G,), members in the group's shortest run: so many rings or trees
        can cross every node boundary side by side, each on a rank of its own.
    """

    ranks: NDArray[np.int32]
    stride: int
    run_start: NDArray[np.int64]
    run_length: NDArray[np.int64]
    first_run: NDArray[np.int64]
    num_channels: NDArray[np.int64]

    @property
    def size(self) -> int:
        """Ranks per group."""
        return self.ranks.shape[1]

    @property
    def num_nodes(self) -> int:
        """Nodes of the group that is spread widest."""
        return int(np.diff(self.first_run).max())


def place(size: int, stride: int, num_ranks: int, ranks_per_node: int) -> PlacedGroups:
    """Return all groups of `size` ranks `stride` apart among `num_ranks`, on nodes in rank order.

    Raises
    ------
    ParameterError
        When the ranks do not divide into such groups.

    Examples
    --------
    >>> place(size=4, stride=4, num_ranks=16, ranks_per_node=8).run_length.tolist()
    [2, 2, 2, 2, 2, 2, 2, 2]
    """
    if size < 1 or stride < 1 or num_ranks % (size * stride):
        raise ParameterError(
            f"{num_ranks} ranks do not divide into groups of {size} ranks {stride} apart",
            hint=f"size times stride, {size * stride}, has to divide the number of ranks",
        )
    order = np.arange(num_ranks, dtype=np.int32).reshape(-1, size, stride)
    ranks = np.ascontiguousarray(order.transpose(0, 2, 1)).reshape(-1, size)
    node = ranks // ranks_per_node
    starts = np.ones(ranks.shape, dtype=bool)
    starts[:, 1:] = node[:, 1:] != node[:, :-1]
    run_start = np.flatnonzero(starts)
    first_run = np.zeros(len(ranks) + 1, dtype=np.int64)
    np.cumsum(starts.sum(axis=1), out=first_run[1:])
    run_length = np.diff(np.append(run_start, ranks.size))
    num_channels = np.minimum.reduceat(run_length, first_run[:-1])
    return PlacedGroups(ranks, stride, run_start, run_length, first_run, num_channels)


def run_edges(groups: PlacedGroups, edges: Callable[[int], Edges]) -> Edges:
    """Return the edges between runs for every group that spans two nodes or more.

    `edges` answers for one group of a given number of runs; the result counts runs over all
    groups.
    """
    runs_per_group = np.diff(groups.first_run)
    source, target, weight = [], [], []
    for num_runs in np.unique(runs_per_group[runs_per_group > 1]):
        first = groups.first_run[:-1][runs_per_group == num_runs]
        edge_source, edge_target, edge_weight = edges(int(num_runs))
        source.append((first[:, None] + edge_source).ravel())
        target.append((first[:, None] + edge_target).ravel())
        weight.append(np.tile(edge_weight, len(first)))
    if not source:
        none = np.zeros(0, dtype=np.int64)
        return none, none, np.zeros(0)
    return np.concatenate(source), np.concatenate(target), np.concatenate(weight)


def flows_over_channels(groups: PlacedGroups, edges: Callable[[int], Edges]) -> Flows:
    """Return flows along edges between runs, split evenly over the group's channels.

    Channel c joins the c-th member of the one run with the c-th member of the other, which keeps
    every channel on its rail when the runs are alike. Inside a run the buffer goes from rank to
    rank over the scale-up network. `edges` is as for `run_edges`.
    """
    source_run, target_run, weight = run_edges(groups, edges)
    group = np.searchsorted(groups.first_run, source_run, side="right") - 1
    channels = groups.num_channels[group]
    edge = np.repeat(np.arange(len(source_run)), channels)
    channel = np.arange(len(edge)) - np.repeat(np.cumsum(channels) - channels, channels)
    flat = groups.ranks.ravel()
    source = flat[groups.run_start[source_run[edge]] + channel]
    return Flows(
        source,
        np.ones(len(source), dtype=np.int32),
        flat[groups.run_start[target_run[edge]] + channel],
        (weight / channels)[edge],
        scale_up_bytes=float(groups.run_length.max() > 1),
    )
