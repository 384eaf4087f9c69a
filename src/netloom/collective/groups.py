"""Groups of ranks on nodes: who is whose neighbour, and where a group crosses from node to node.

Legend for shapes: G groups, n ranks per group, R runs. A *run* is all members of one group that
share a node (a scale-up domain); members are put in order node by node.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netloom.collective import InNetwork, Phase
from netloom.errors import ParameterError

#: Edges between the runs of one group: source run, target run, weight, counted inside the group.
Edges = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]

#: Flows of one exchange at most: 130 bytes and half a microsecond each.
MOST_FLOWS = 100_000_000


class Communicator(NamedTuple):
    """All groups of a shape, running `operation` at the same time.

    A group is `size` ranks `stride` apart; with a second axis it is `outer_size` such rows,
    `outer_stride` apart. Together the groups hold every rank once.
    """

    operation: str
    size: int
    stride: int
    outer_size: int = 1
    outer_stride: int = 0

    @property
    def num_ranks(self) -> int:
        """Ranks of one group."""
        return self.size * self.outer_size


@dataclass(frozen=True)
class PlacedGroups:
    """Groups of equal size, placed on nodes.

    Attributes
    ----------
    accelerators : int32, shape (G, n), where members sit, node by node.
    member : int32, shape (G, n), which rank of the group sits there.
    run_start : int64, shape (R,), position of each run's first member in ``accelerators.ravel()``.
    run_length : int64, shape (R,), members of each run.
    first_run : int64, shape (G + 1,), runs of group g are ``first_run[g]:first_run[g + 1]``.
    num_channels : int64, shape (G,), members in the group's shortest run: so many rings or trees
        can cross every node boundary side by side, each on a rank of its own.
    """

    accelerators: NDArray[np.int32]
    member: NDArray[np.int32]
    run_start: NDArray[np.int64]
    run_length: NDArray[np.int64]
    first_run: NDArray[np.int64]
    num_channels: NDArray[np.int64]

    @property
    def size(self) -> int:
        """Ranks per group."""
        return self.accelerators.shape[1]

    @property
    def group_of_run(self) -> NDArray[np.int64]:
        """Group of each run, shape (R,)."""
        return np.repeat(np.arange(len(self.accelerators)), np.diff(self.first_run))

    @property
    def run_of(self) -> NDArray[np.int64]:
        """Run of each position in ``accelerators.ravel()``, shape (G * n,)."""
        return np.repeat(np.arange(len(self.run_start)), self.run_length)

    @property
    def num_nodes(self) -> int:
        """Nodes of the group that is spread widest."""
        return int(np.diff(self.first_run).max())


def ranks_of(communicator: Communicator, num_ranks: int) -> NDArray[np.int32]:
    """Return the ranks of every group among `num_ranks`, int32, shape (G, n).

    Raises
    ------
    ParameterError
        When the ranks do not divide into such groups.

    Examples
    --------
    >>> ranks_of(Communicator("all-gather", 2, 1, 2, 4), 8).tolist()
    [[0, 1, 4, 5], [2, 3, 6, 7]]
    """
    _, size, stride, outer_size, outer_stride = communicator
    if outer_size == 1:
        if size < 1 or stride < 1 or num_ranks % (size * stride):
            raise ParameterError(
                f"{num_ranks} ranks do not divide into groups of {size} ranks {stride} apart",
                hint=f"size times stride, {size * stride}, has to divide the number of ranks",
            )
        order = np.arange(num_ranks, dtype=np.int32).reshape(-1, size, stride)
        return np.ascontiguousarray(order.transpose(0, 2, 1)).reshape(-1, size)
    axes = sorted([(stride, size), (outer_stride, outer_size)])
    (low_stride, low_size), (high_stride, high_size) = axes
    if (
        min(size, outer_size, low_stride) < 1
        or high_stride % (low_stride * low_size)
        or num_ranks % (high_stride * high_size)
    ):
        raise ParameterError(
            f"{num_ranks} ranks do not divide into groups of {size} ranks {stride} apart, "
            f"{outer_size} times {outer_stride} apart",
            hint="size times stride of the inner axis has to divide the stride of the outer one, "
            "and the outer one's product the number of ranks",
        )
    grid = np.arange(num_ranks, dtype=np.int32).reshape(
        -1, high_size, high_stride // (low_stride * low_size), low_size, low_stride
    )
    rows = grid.transpose(0, 2, 4, 1, 3).reshape(-1, high_size, low_size)
    if stride > outer_stride:
        rows = rows.transpose(0, 2, 1)
    return np.ascontiguousarray(rows).reshape(len(rows), -1)


def place(accelerators: NDArray[np.int32], accelerators_per_node: int) -> PlacedGroups:
    """Return groups with members in order node by node, as libraries build their rings.

    Nodes keep the order in which a group first meets them, and members the order of accelerators
    inside a node, so that channel c finds the same rail on every node.

    Parameters
    ----------
    accelerators : int32, shape (G, n), where each rank of each group sits.

    Examples
    --------
    >>> place(np.array([[0, 8, 1, 9]]), 8).accelerators.tolist()
    [[0, 1, 8, 9]]
    """
    order = _node_by_node(accelerators, accelerators_per_node)
    placed = np.take_along_axis(accelerators, order, axis=1)
    node = placed // accelerators_per_node
    starts = np.ones(placed.shape, dtype=bool)
    starts[:, 1:] = node[:, 1:] != node[:, :-1]
    run_start = np.flatnonzero(starts)
    first_run = np.zeros(len(placed) + 1, dtype=np.int64)
    np.cumsum(starts.sum(axis=1), out=first_run[1:])
    run_length = np.diff(np.append(run_start, placed.size))
    num_channels = np.minimum.reduceat(run_length, first_run[:-1])
    return PlacedGroups(
        placed, order.astype(np.int32), run_start, run_length, first_run, num_channels
    )


def _node_by_node(accelerators: NDArray[np.int32], per_node: int) -> NDArray[np.int64]:
    """Return the order of members in each group, int64, shape (G, n)."""
    if (accelerators[:, 1:] > accelerators[:, :-1]).all():
        return np.broadcast_to(np.arange(accelerators.shape[1]), accelerators.shape)
    node = accelerators // per_node
    by_node = np.argsort(node, axis=1, kind="stable")
    in_order = np.take_along_axis(node, by_node, axis=1)
    starts = np.ones(node.shape, dtype=bool)
    starts[:, 1:] = in_order[:, 1:] != in_order[:, :-1]
    # a stable sort puts the first meeting of each node at the start of its stretch
    column = np.broadcast_to(np.arange(node.shape[1]), node.shape)
    start = np.maximum.accumulate(np.where(starts, column, 0), axis=1)
    first_met = np.empty_like(by_node)
    np.put_along_axis(first_met, by_node, np.take_along_axis(by_node, start, axis=1), axis=1)
    return np.lexsort((accelerators, first_met), axis=1)


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


def phase_over_channels(
    groups: PlacedGroups, edges: Callable[[int], Edges], size_bytes: float
) -> Phase:
    """Return flows along edges between runs, split evenly over the group's channels.

    Inside a run the buffer goes from rank to rank over the scale-up network. `edges` is as for
    `run_edges`.
    """
    source_run, target_run, weight = run_edges(groups, edges)
    return flows_over_channels(
        groups,
        source_run,
        target_run,
        weight * size_bytes,
        scale_up_bytes=float(groups.run_length.max() > 1) * size_bytes,
    )


def flows_over_channels(
    groups: PlacedGroups,
    source_run: NDArray[np.int64],
    target_run: NDArray[np.int64],
    edge_bytes: NDArray[np.float64],
    scale_up_bytes: float,
) -> Phase:
    """Return flows between pairs of runs, each pair's bytes split evenly over the channels.

    Channel c joins the c-th member of the one run with the c-th member of the other, which keeps
    every channel on its rail when the runs are alike.
    """
    channels = groups.num_channels[groups.group_of_run[source_run]]
    edge = np.repeat(np.arange(len(source_run)), channels)
    channel = np.arange(len(edge)) - np.repeat(np.cumsum(channels) - channels, channels)
    source = groups.run_start[source_run[edge]] + channel
    return Phase(
        source,
        np.ones(len(source), dtype=np.int32),
        groups.run_start[target_run[edge]] + channel,
        (edge_bytes / channels)[edge],
        scale_up_bytes,
    )


def phase_of_pairs(
    groups: PlacedGroups,
    source: NDArray[np.int64],
    target: NDArray[np.int64],
    pair_bytes: float,
) -> Phase:
    """Return the phase in which some pairs of positions exchange messages, in every group alike.

    Parameters
    ----------
    source, target : int64, shape (P,), positions inside a group, node by node.
    pair_bytes : of each message.

    Examples
    --------
    Four ranks on two nodes: two of the four pairs of neighbours cross.

    >>> groups = place(np.array([[0, 1, 8, 9]]), 8)
    >>> phase = phase_of_pairs(groups, np.arange(4), np.array([1, 2, 3, 0]), 0.25)
    >>> phase.source.tolist(), phase.target.tolist(), phase.scale_up_bytes
    ([1, 3], [2, 0], 0.25)
    """
    first = groups.size * np.arange(len(groups.accelerators))[:, None]
    senders, receivers = (first + source).ravel(), (first + target).ravel()
    run_of = groups.run_of
    crosses = run_of[senders] != run_of[receivers]
    return Phase(
        senders[crosses],
        np.ones(int(crosses.sum()), dtype=np.int32),
        receivers[crosses],
        np.full(int(crosses.sum()), pair_bytes),
        busiest_inside(
            groups, senders[~crosses], receivers[~crosses], np.full((~crosses).sum(), pair_bytes)
        ),
    )


def busiest_inside(
    groups: PlacedGroups,
    source: NDArray[np.int64],
    target: NDArray[np.int64],
    message_bytes: NDArray[np.float64],
) -> float:
    """Return the most that a member sends or gets in messages between positions of one node."""
    num_members = groups.accelerators.size
    sent = np.bincount(source, message_bytes, num_members)
    got = np.bincount(target, message_bytes, num_members)
    return float(max(sent.max(), got.max()))


def inside_phase(scale_up_bytes: float) -> Phase:
    """Return a phase without flows between nodes."""
    none = np.zeros(0, dtype=np.int64)
    return Phase(none, none.astype(np.int32), none, np.zeros(0), scale_up_bytes)


def all_pairs(num_runs: int) -> Edges:
    """Return an edge from each run to every other one."""
    source, target = np.divmod(np.arange(num_runs * num_runs), num_runs)
    different = source != target
    return source[different], target[different], np.ones(int(different.sum()))


def exchange_edges(groups: PlacedGroups) -> Edges:
    """Return an edge from each run of a group to every other one.

    Raises
    ------
    ParameterError
        When an exchange of that many ranks is more flows than fit into memory.
    """
    others = np.diff(groups.first_run) - 1
    check_num_flows(int(others.sum()) * groups.size, groups.size)
    return run_edges(groups, all_pairs)


def check_num_flows(num_flows: int, num_ranks: int) -> None:
    """Raise `ParameterError` when an exchange in groups of `num_ranks` is too many flows.

    Examples
    --------
    >>> check_num_flows(33_538_048, 16_384)
    """
    if num_flows > MOST_FLOWS:
        raise ParameterError(
            f"an exchange of {num_ranks:,} ranks is {num_flows:,} flows here, the most are "
            f"{MOST_FLOWS:,}",
            hint="name fewer --ranks or --groups: bandwidth changes little with ever more ranks",
        )


def reduction_in_network(groups: PlacedGroups) -> InNetwork:
    """Return the reduction of equal parts on as many rails as the shortest run of all has members.

    The c-th member of every run of a group shares a tree of switches with its like; groups inside
    one node have nothing to send.

    Examples
    --------
    Two nodes with two ranks each: two trees that carry half of the buffer each.

    >>> reduction = reduction_in_network(place(np.array([[0, 1, 8, 9]]), 8))
    >>> reduction.member.tolist(), reduction.group.tolist(), reduction.up_bytes
    ([0, 1, 2, 3], [0, 1, 0, 1], 0.5)
    """
    num_rails = int(groups.num_channels.min())
    spans = (np.diff(groups.first_run) > 1)[groups.group_of_run]
    rail = np.arange(num_rails)
    member = (groups.run_start[spans][:, None] + rail).ravel()
    tree = (groups.group_of_run[spans][:, None] * num_rails + rail).ravel()
    return InNetwork(member, tree, 1 / num_rails, 1 / num_rails)
