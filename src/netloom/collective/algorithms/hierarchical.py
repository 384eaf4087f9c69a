"""Hierarchical: inside the scale-up domain, then across between nodes, then inside again.

With c the ranks of a group's shortest run, the c-th part of the buffer crosses between the c-th
ranks of all nodes, on c rails side by side, in a ring per rail. Phases run one after another:

- all-reduce: reduce-scatter inside, ring all-reduce across, all-gather inside;
- reduce-scatter: the same inside, a ring reduce-scatter across;
- all-gather: a ring across, an all-gather inside;
- broadcast: the root spreads parts over its node, a chain across, an all-gather inside;
- all-to-all: every rank gives each rank of its node all that goes to that rank's rail, wherever it
  goes (the two steps of NCCL's PXN, one after the other), and then all pairs on each rail exchange.

Where nodes hold different numbers of ranks, the surplus ranks of a long run, beyond its first c,
take part inside only: before an all-gather they hand their blocks to the first c, and get them from
those after a reduce-scatter. What goes to the surplus ranks of a longer run in an all-to-all is
dealt round to the ranks of the sending node.

References
----------
.. [1] Thakur and Gropp, "Improving the performance of collective operations in MPICH",
   EuroPVM/MPI 2003; two-level forms as in Horovod's hierarchical all-reduce.
.. [2] Kim et al., "Doubling all2all performance with NVIDIA Collective Communication Library
   2.12", 2022.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netloom.collective import Phase, Steps, Transfer
from netloom.collective.algorithms.ring import chain_down, neighbours
from netloom.collective.groups import (
    PlacedGroups,
    exchange_edges,
    flows_over_channels,
    inside_phase,
    run_edges,
)
from netloom.collective.rounds import (
    Rounds,
    Share,
    along_chain,
    at_the_same_time,
    gather_around,
    node_blocks,
    reduce_around,
)

OPERATIONS = ("all-reduce", "all-gather", "reduce-scatter", "all-to-all", "broadcast")


def rounds(num_ranks: int, operation: str, ranks_per_node: int = 1) -> Rounds:
    """Return the transfers of each round.

    Chunks of an all-reduce are one per rail and node, of a broadcast one per rail; blocks of a
    gather or scatter are cut into one chunk per rail, ``r * c + rail``.
    """
    blocks = node_blocks(num_ranks, ranks_per_node)
    if operation == "all-to-all":
        return _exchange_rounds(num_ranks, blocks)
    num_rails = min(len(block) for block in blocks)
    rails = [[block[rail] for block in blocks] for rail in range(num_rails)]
    shares = [
        [_share(operation, node, rail, blocks, num_rails) for node in range(len(blocks))]
        for rail in range(num_rails)
    ]
    whole = [tuple(chunk for share in of_rail for chunk in share) for of_rail in shares]
    reduce_inside = at_the_same_time([reduce_around(block, whole) for block in blocks])
    gather_inside = at_the_same_time([gather_around(block, whole) for block in blocks])
    by_rail = list(zip(rails, shares, strict=True))
    reduce_across = at_the_same_time([reduce_around(*rail) for rail in by_rail])
    gather_across = at_the_same_time([gather_around(*rail) for rail in by_rail])
    surplus = [
        Transfer(rank, block[rail], (rank * num_rails + rail,), False)
        for block in blocks
        for rank in block[num_rails:]
        for rail in range(num_rails)
    ]
    match operation:
        case "all-gather":
            return [surplus, *gather_across, *gather_inside]
        case "reduce-scatter":
            back = [Transfer(there, here, chunks, False) for here, there, chunks, _ in surplus]
            return [*reduce_inside, *reduce_across, back]
        case "broadcast":
            spread = [Transfer(0, rail, whole[rail], False) for rail in range(1, num_rails)]
            chains = [along_chain(ranks, [(rail,)], False) for rail, ranks in enumerate(rails)]
            return [spread, *at_the_same_time(chains), *gather_inside]
    return reduce_inside + reduce_across + gather_across + gather_inside


def _share(operation: str, node: int, rail: int, blocks: list[range], num_rails: int) -> Share:
    """Return the chunks that one rail of one node ends a scatter, or starts a gather, with."""
    if operation == "all-reduce":
        return (rail * len(blocks) + node,)
    if operation == "broadcast":
        return (rail,) if node == 0 else ()
    own = blocks[node][rail]
    shared = blocks[node][num_rails:]
    return (
        *(own * num_rails + part for part in range(num_rails)),
        *(rank * num_rails + rail for rank in shared),
    )


def _exchange_rounds(num_ranks: int, blocks: list[range]) -> Rounds:
    """Return the round inside and the round across; chunk ``r * n + s`` goes from r to s."""
    hand_over: dict[tuple[int, int], list[int]] = {}
    across: dict[tuple[int, int], list[int]] = {}
    for here in blocks:
        for there in blocks:
            for local, target in enumerate(there):
                carrier = target if here is there else here[local % len(here)]
                for rank in here:
                    chunk = rank * num_ranks + target
                    if rank != carrier:
                        hand_over.setdefault((rank, carrier), []).append(chunk)
                    if carrier != target:
                        across.setdefault((carrier, target), []).append(chunk)
    return [
        [Transfer(*pair, tuple(chunks), False) for pair, chunks in messages.items()]
        for messages in (hand_over, across)
    ]


def steps(operation: str, num_ranks: int, num_nodes: int) -> Steps:
    """Return the steps of each phase: rings inside a node of mean size, and across all nodes."""
    inside, across = num_ranks / num_nodes - 1, num_nodes - 1
    spreads = float(num_ranks > num_nodes)
    match operation:
        case "all-to-all":
            return Steps(spreads, float(num_nodes > 1))
        case "all-reduce":
            return Steps(2 * inside, 2 * across)
        case "broadcast":
            return Steps(spreads + inside, across)
    return Steps(inside, across)


def bytes_per_rank(operation: str, num_ranks: int) -> float:
    """Return what a ring's ranks send, with one rank per node; 1 for a broadcast."""
    if operation == "broadcast":
        return 1.0
    passes = 2 if operation == "all-reduce" else 1
    return passes * (num_ranks - 1) / num_ranks


def phases(groups: PlacedGroups, operation: str) -> tuple[Phase, ...]:
    """Return the phases inside and across that carry any bytes."""
    if operation == "all-to-all":
        in_order = _exchange_phases(groups)
    else:
        ring, across = inside_phase(_ring_inside(groups)), _across(groups, operation)
        surplus = inside_phase(_surplus_bytes(groups))
        in_order = {
            "all-reduce": [ring, across, ring],
            "reduce-scatter": [ring, across, surplus],
            "all-gather": [surplus, across, ring],
            "broadcast": [inside_phase(_spread_bytes(groups)), across, ring],
        }[operation]
    return tuple(phase for phase in in_order if len(phase.source) or phase.scale_up_bytes)


def _ring_inside(groups: PlacedGroups) -> float:
    """Return what the busiest rank passes on round its node: all parts but its neighbour's.

    In a run longer than the number of parts someone's neighbour has none.
    """
    rails = groups.num_channels[groups.group_of_run]
    passes_on = np.where(groups.run_length > rails, 1.0, (rails - 1) / rails)
    return float(passes_on.max())


def _surplus_bytes(groups: PlacedGroups) -> float:
    """Return what the busiest of a node's ranks hands over: a block, or parts of many."""
    rails = groups.num_channels[groups.group_of_run]
    num_surplus = groups.run_length - rails
    busiest = np.maximum(num_surplus > 0, num_surplus / rails) / groups.size
    return float(busiest.max())


def _spread_bytes(groups: PlacedGroups) -> float:
    """Return what the root sends to its node: every rail's part but its own, if it has one."""
    rails = groups.num_channels
    # nodes stand in the order in which the group meets them, so that the root's is the first
    root = np.argmin(groups.member, axis=1)
    return float(np.where(root < rails, (rails - 1) / rails, 1.0).max())


def _across(groups: PlacedGroups, operation: str) -> Phase:
    """Return the rings or chains between nodes, all rails together."""
    edges = chain_down if operation == "broadcast" else neighbours
    source, target, _ = run_edges(groups, edges)
    num_nodes = np.diff(groups.first_run)[groups.group_of_run[source]]
    edge_bytes: NDArray[np.float64] = {
        "all-reduce": 2 * (num_nodes - 1) / num_nodes,
        # a ring keeps one node's blocks off each edge: those of its end, or of its start
        "all-gather": 1 - groups.run_length[target] / groups.size,
        "reduce-scatter": 1 - groups.run_length[source] / groups.size,
        "broadcast": np.ones(len(source)),
    }[operation]
    return flows_over_channels(groups, source, target, edge_bytes, 0.0)


def _exchange_phases(groups: PlacedGroups) -> list[Phase]:
    source_run, target_run, _ = exchange_edges(groups)
    lengths = groups.run_length[target_run]
    first = np.cumsum(lengths) - lengths
    local = np.arange(int(lengths.sum())) - np.repeat(first, lengths)
    num_senders = np.repeat(groups.run_length[source_run], lengths)
    source = np.repeat(groups.run_start[source_run], lengths) + local % num_senders
    across = Phase(
        source,
        np.ones(len(source), dtype=np.int32),
        np.repeat(groups.run_start[target_run], lengths) + local,
        num_senders / groups.size,
        scale_up_bytes=0.0,
    )
    # a rank carries its node's shares for some ranks elsewhere, and hands over those for others
    carried = np.bincount(source, minlength=groups.accelerators.size)
    given = groups.size - 1 - carried
    taken = (groups.run_length[groups.run_of] - 1) * (1 + carried)
    has_neighbours = groups.run_length[groups.run_of] > 1
    busiest = np.where(has_neighbours, np.maximum(given, taken), 0).max()
    return [inside_phase(float(busiest) / groups.size), across]
