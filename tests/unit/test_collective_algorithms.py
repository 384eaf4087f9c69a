"""Every algorithm, executed symbolically on small rank counts, and its closed forms."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from netloom.collective import ALGORITHMS, OPERATIONS, Transfer
from netloom.collective.algorithms import tree
from netloom.collective.groups import Communicator, PlacedGroups, place, ranks_of

CASES = [
    (name, operation)
    for name in ALGORITHMS.names()
    for operation in ALGORITHMS.get(name).OPERATIONS
]
SIZES = range(2, 18)

#: Who contributed to a chunk, by chunk, by rank.
State = list[dict[int, frozenset[int]]]


def execute(rounds: list[list[Transfer]], state: State) -> State:
    """Run all rounds; what is sent is what the sender had before its round."""
    for messages in rounds:
        before = [dict(chunks) for chunks in state]
        for source, target, chunks, reduce in messages:
            for chunk in chunks:
                arriving = before[source][chunk]
                if reduce:
                    assert not arriving & state[target][chunk], "a contribution counts twice"
                    arriving |= state[target][chunk]
                state[target][chunk] = arriving
    return state


def start(operation: str, num_ranks: int, num_chunks: int) -> State:
    everyone = range(num_ranks)
    if operation in ("all-reduce", "reduce-scatter"):
        return [{chunk: frozenset([rank]) for chunk in range(num_chunks)} for rank in everyone]
    if operation == "all-to-all":
        return [
            {rank * num_ranks + target: frozenset([rank]) for target in everyone}
            for rank in everyone
        ]
    return [{rank: frozenset([rank])} for rank in everyone]


def has_right_data(operation: str, num_ranks: int, num_chunks: int, state: State) -> bool:
    everyone = frozenset(range(num_ranks))
    match operation:
        case "all-reduce":
            return all(
                state[rank][chunk] == everyone for rank in everyone for chunk in range(num_chunks)
            )
        case "reduce-scatter":
            return all(state[rank][rank] == everyone for rank in everyone)
        case "all-gather":
            return all(
                state[rank][chunk] == frozenset([chunk]) for rank in everyone for chunk in everyone
            )
        case "all-to-all":
            return all(
                source * num_ranks + rank in state[rank] for rank in everyone for source in everyone
            )
        case "send-recv":
            return all(earlier in state[later] for earlier, later in pairwise(range(num_ranks)))
    raise AssertionError(f"no rule for {operation}")


def strided(size: int, stride: int, num_ranks: int, per_node: int) -> PlacedGroups:
    """Return groups of ranks `stride` apart, rank r on accelerator r."""
    return place(ranks_of(Communicator("all-gather", size, stride), num_ranks), per_node)


def num_chunks_of(rounds: list[list[Transfer]]) -> int:
    return 1 + max(chunk for messages in rounds for message in messages for chunk in message.chunks)


def test_every_operation_has_an_algorithm() -> None:
    assert {operation for _, operation in CASES} == set(OPERATIONS)


@pytest.mark.parametrize(("name", "operation"), CASES)
def test_every_rank_ends_with_the_right_data(name: str, operation: str) -> None:
    for num_ranks in SIZES:
        rounds = ALGORITHMS.get(name).rounds(num_ranks, operation)
        num_chunks = num_chunks_of(rounds)
        state = execute(rounds, start(operation, num_ranks, num_chunks))
        assert has_right_data(operation, num_ranks, num_chunks, state), num_ranks


@pytest.mark.parametrize(("name", "operation"), CASES)
def test_closed_forms_of_bytes_equal_the_rounds(name: str, operation: str) -> None:
    """Of one rank per node: the busiest rank's bytes, and the bytes of every pair."""
    algorithm = ALGORITHMS.get(name)
    is_reached = False
    for num_ranks in SIZES:
        rounds = algorithm.rounds(num_ranks, operation)
        # the chunks of send-recv are whole messages, those of all-to-all a rank's shares
        parts = {"send-recv": 1, "all-to-all": num_ranks}.get(operation, num_chunks_of(rounds))
        pairs: Counter[tuple[int, int]] = Counter()
        sent: Counter[int] = Counter()
        for messages in rounds:
            for source, target, chunks, _ in messages:
                pairs[source, target] += len(chunks) / parts
                sent[source] += len(chunks) / parts
        per_rank = algorithm.bytes_per_rank(operation, num_ranks)
        from_flows: Counter[tuple[int, int]] = Counter()
        for phase in algorithm.phases(strided(num_ranks, 1, num_ranks, 1), operation):
            for source, target, flow_bytes in zip(
                phase.source.tolist(), phase.target.tolist(), phase.flow_bytes, strict=True
            ):
                from_flows[source, target] += flow_bytes
            assert phase.scale_up_bytes == 0
        assert from_flows == pytest.approx(pairs)
        assert max(sent.values()) <= per_rank * (1 + 1e-12)
        is_reached |= max(sent.values()) == pytest.approx(per_rank)
    assert is_reached


@pytest.mark.parametrize("operation", ["all-reduce", "all-gather", "reduce-scatter"])
def test_ring_steps_equal_its_rounds(operation: str) -> None:
    ring = ALGORITHMS.get("ring")
    for num_ranks in SIZES:
        steps = ring.steps(operation, num_ranks, num_ranks)
        assert (steps.num_scale_up, steps.num_network) == (
            0,
            len(ring.rounds(num_ranks, operation)),
        )


@pytest.mark.parametrize("num_ranks", [2, 4, 16, 64, 256])
def test_tree_depth_is_the_logarithm(num_ranks: int) -> None:
    num_rounds = len(tree.rounds(num_ranks, "all-reduce"))
    assert num_rounds == tree.steps("all-reduce", num_ranks, num_ranks).num_network


@pytest.mark.parametrize("num_ranks", SIZES)
def test_no_rank_has_two_children_in_both_trees(num_ranks: int) -> None:
    children = [Counter(tree.parents(num_ranks, number)) for number in (0, 1)]
    for rank in range(num_ranks):
        assert min(children[0][rank], children[1][rank]) <= 1


def test_multi_rail_ring_crosses_each_node_boundary_on_every_rail() -> None:
    groups = strided(16, 1, 32, 8)
    (flows,) = ALGORITHMS.get("ring").phases(groups, "all-gather")
    assert len(flows.source) == 32
    np.testing.assert_array_equal(flows.source % 8, flows.target % 8)
    np.testing.assert_allclose(flows.flow_bytes, 15 / 16 / 8)
    # two groups of two nodes each: node 0 with 1, node 2 with 3
    nodes = set(zip((flows.source // 8).tolist(), (flows.target // 8).tolist(), strict=True))
    assert nodes == {(0, 1), (1, 0), (2, 3), (3, 2)}


def test_uneven_groups_use_as_many_channels_as_their_thinnest_node() -> None:
    """Six ranks from 0: six of node 0 on 8-way nodes; the next group is 2 and 4."""
    groups = strided(6, 1, 24, 8)
    assert groups.run_length.tolist() == [6, 2, 4, 4, 2, 6]
    (flows,) = ALGORITHMS.get("ring").phases(groups, "all-gather")
    between = [(int(s), int(t)) for s, t in zip(flows.source, flows.target, strict=True)]
    assert between == [(6, 8), (7, 9), (8, 6), (9, 7), (12, 16), (13, 17), (16, 12), (17, 13)]
    np.testing.assert_allclose(flows.flow_bytes, 5 / 6 / 2)


@pytest.mark.parametrize(
    ("size", "stride", "per_node"), [(8, 2, 4), (6, 1, 8), (12, 2, 8), (5, 3, 8)]
)
def test_all_to_all_flows_carry_every_pair_across_nodes(
    size: int, stride: int, per_node: int
) -> None:
    num_ranks = size * stride * per_node
    groups = strided(size, stride, num_ranks, per_node)
    (flows,) = ALGORITHMS.get("pairwise").phases(groups, "all-to-all")
    flat = groups.accelerators.ravel()
    got: Counter[tuple[int, int]] = Counter()
    for source, count, target, flow_bytes in zip(
        flows.source, flows.num_sources, flows.target, flows.flow_bytes, strict=True
    ):
        for member in range(count):
            got[int(flat[source + member]), int(flat[target])] += flow_bytes / count
    expected = {
        (int(a), int(b)): 1 / size
        for group in groups.accelerators
        for a in group
        for b in group
        if a // per_node != b // per_node
    }
    assert got == pytest.approx(expected)
