"""Every algorithm, executed symbolically on small rank counts, and its closed forms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netloom.collective import ALGORITHMS, OPERATIONS, Phase, Transfer, supports
from netloom.collective.algorithms import tree
from netloom.collective.groups import Communicator, PlacedGroups, place, ranks_of
from netloom.errors import ParameterError

CASES = [
    (name, operation)
    for name in ALGORITHMS.names()
    for operation in ALGORITHMS.get(name).OPERATIONS
]
SIZES = range(2, 18)

#: Who contributed to a chunk, by chunk, by rank.
State = list[dict[int, frozenset[int]]]

Pairs = Counter[tuple[int, int]]


def shapes(name: str, operation: str) -> Iterator[tuple[int, int]]:
    """Yield ranks and ranks per node that an algorithm serves; the last node may hold fewer."""
    for num_ranks in SIZES:
        for per_node in sorted({1, 2, 3, 4, 5, 8, num_ranks}):
            if per_node <= num_ranks and supports(
                name, operation, num_ranks, -(-num_ranks // per_node)
            ):
                yield num_ranks, per_node


def execute(rounds: list[list[Transfer]], state: State) -> State:
    """Run all rounds; what is sent is what the sender had before its round."""
    num_parties = 1 + max(max(m.source, m.target) for messages in rounds for m in messages)
    state = state + [{} for _ in range(num_parties - len(state))]
    for messages in rounds:
        before = [dict(chunks) for chunks in state]
        for source, target, chunks, reduce in messages:
            for chunk in chunks:
                arriving = before[source][chunk]
                if reduce:
                    present = state[target].get(chunk, frozenset())
                    assert not arriving & present, "a contribution counts twice"
                    arriving |= present
                state[target][chunk] = arriving
    return state


def start(operation: str, num_ranks: int, num_chunks: int) -> State:
    everyone = range(num_ranks)
    if operation in ("all-reduce", "reduce-scatter", "reduce"):
        return [{chunk: frozenset([rank]) for chunk in range(num_chunks)} for rank in everyone]
    if operation == "broadcast":
        whole = {chunk: frozenset([0]) for chunk in range(num_chunks)}
        return [whole, *({} for _ in everyone[1:])]
    if operation == "all-to-all":
        return [
            {rank * num_ranks + target: frozenset([rank]) for target in everyone}
            for rank in everyone
        ]
    return [
        {chunk: frozenset([rank]) for chunk in block(rank, num_ranks, num_chunks)}
        for rank in everyone
    ]


def block(rank: int, num_ranks: int, num_chunks: int) -> range:
    """Return the chunks of one rank's block; blocks may be cut into several chunks."""
    per_rank = max(1, num_chunks // num_ranks)
    return range(rank * per_rank, (rank + 1) * per_rank)


def has_right_data(operation: str, num_ranks: int, num_chunks: int, state: State) -> bool:
    everyone = frozenset(range(num_ranks))
    match operation:
        case "all-reduce":
            return all(
                state[rank][chunk] == everyone for rank in everyone for chunk in range(num_chunks)
            )
        case "reduce":
            return all(state[0][chunk] == everyone for chunk in range(num_chunks))
        case "broadcast":
            return all(
                state[rank][chunk] == frozenset([0])
                for rank in everyone
                for chunk in range(num_chunks)
            )
        case "reduce-scatter":
            return all(
                state[rank][chunk] == everyone
                for rank in everyone
                for chunk in block(rank, num_ranks, num_chunks)
            )
        case "all-gather" | "barrier":
            return all(
                state[rank][chunk] == frozenset([owner])
                for rank in everyone
                for owner in everyone
                for chunk in block(owner, num_ranks, num_chunks)
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


def pairs_of(
    rounds: list[list[Transfer]], operation: str, num_ranks: int, num_chunks: int
) -> Pairs:
    """Return the bytes from party to party, per byte of the operation's size."""
    # chunks of send-recv are whole messages, those of all-to-all a rank's shares, news no bytes
    parts = {"send-recv": 1, "all-to-all": num_ranks, "barrier": np.inf}.get(operation, num_chunks)
    pairs: Pairs = Counter()
    for messages in rounds:
        for source, target, chunks, _ in messages:
            pairs[source, target] += len(chunks) / parts
    return pairs


def flow_pairs(phase: Phase) -> Pairs:
    """Return the bytes of a phase from position to position."""
    pairs: Pairs = Counter()
    for source, count, target, flow_bytes in zip(
        phase.source.tolist(),
        phase.num_sources.tolist(),
        phase.target.tolist(),
        phase.flow_bytes.tolist(),
        strict=True,
    ):
        for member in range(count):
            pairs[source + member, target] += flow_bytes / count
    return pairs


def test_every_operation_has_an_algorithm() -> None:
    assert {operation for _, operation in CASES} == set(OPERATIONS)


@pytest.mark.parametrize(("name", "operation"), CASES)
def test_every_rank_ends_with_the_right_data(name: str, operation: str) -> None:
    num_shapes = 0
    for num_ranks, per_node in shapes(name, operation):
        rounds = ALGORITHMS.get(name).rounds(num_ranks, operation, ranks_per_node=per_node)
        num_chunks = num_chunks_of(rounds)
        state = execute(rounds, start(operation, num_ranks, num_chunks))
        assert has_right_data(operation, num_ranks, num_chunks, state), (num_ranks, per_node)
        num_shapes += 1
    assert num_shapes >= 16


@pytest.mark.parametrize(("name", "operation"), CASES)
def test_closed_forms_of_bytes_equal_the_rounds(name: str, operation: str) -> None:
    """Of one rank per node, or of all on one: what the busiest rank sends."""
    is_reached = False
    for num_ranks in SIZES:
        per_node = num_ranks if name == "nvls" else 1
        if name == "recursive" and not supports(name, operation, num_ranks, num_ranks):
            continue
        rounds = ALGORITHMS.get(name).rounds(num_ranks, operation, per_node)
        sent: Counter[int] = Counter()
        for (source, _), amount in pairs_of(
            rounds, operation, num_ranks, num_chunks_of(rounds)
        ).items():
            sent[source] += amount if source < num_ranks else 0.0
        per_rank = ALGORITHMS.get(name).bytes_per_rank(operation, num_ranks)
        assert max(sent.values()) <= per_rank * (1 + 1e-12)
        is_reached |= max(sent.values()) == pytest.approx(per_rank)
    assert is_reached


def by_phase(
    rounds: list[list[Transfer]], phases: tuple[Phase, ...], node: list[int]
) -> list[tuple[list[list[Transfer]], list[Phase]]]:
    """Return which rounds make up which phase.

    A phase is all rounds, or one round; otherwise rounds inside nodes and across take turns.
    """
    rounds = [messages for messages in rounds if messages]
    if len(phases) == 1:
        return [(rounds, list(phases))]
    if len(phases) == len(rounds):
        return [([messages], [phase]) for messages, phase in zip(rounds, phases, strict=True)]
    turns = [
        list(turn)
        for _, turn in groupby(
            rounds, lambda messages: node[messages[0][0]] == node[messages[0][1]]
        )
    ]
    phase_turns = [list(turn) for _, turn in groupby(phases, lambda phase: not len(phase.source))]
    return list(zip(turns, phase_turns, strict=True))


@pytest.mark.parametrize(("name", "operation"), CASES)
def test_phases_carry_what_the_rounds_send(name: str, operation: str) -> None:
    """Pair by pair between nodes, by the busiest rank inside, by member into switches."""
    algorithm = ALGORITHMS.get(name)
    reduces_between = "network reduction" in getattr(algorithm, "NEEDS", ())
    for num_ranks, per_node in shapes(name, operation):
        groups = place(np.arange(num_ranks)[None], per_node)
        node = [rank // per_node for rank in range(num_ranks)]
        rounds = algorithm.rounds(num_ranks, operation, per_node)
        for sent_rounds, phases in by_phase(rounds, algorithm.phases(groups, operation), node):
            across: Pairs = Counter()
            switched: Pairs = Counter()
            inside: list[Counter[int]] = [Counter(), Counter()]
            pairs = pairs_of(sent_rounds, operation, num_ranks, num_chunks_of(rounds))
            for (source, target), amount in pairs.items():
                if max(source, target) >= num_ranks and reduces_between:
                    switched[source, target] += amount
                elif max(source, target) < num_ranks and node[source] != node[target]:
                    across[source, target] += amount
                else:
                    inside[0][source] += amount * (source < num_ranks)
                    inside[1][target] += amount * (target < num_ranks)
            flows = sum((flow_pairs(phase) for phase in phases), Counter())
            if name == "ring":
                # rounds are those of one channel: what crosses is the same, on fewer ranks
                across, flows = by_node(across, per_node), by_node(flows, per_node)
            assert flows == pytest.approx(+across), (num_ranks, per_node)
            busiest = max(max(way.values(), default=0.0) for way in inside)
            scale_up_bytes = sum(phase.scale_up_bytes for phase in phases)
            if name in ("ring", "tree"):
                # counted as if every channel passed through every rank of the node
                assert busiest <= scale_up_bytes * (1 + 1e-12)
            else:
                assert scale_up_bytes == pytest.approx(busiest), (num_ranks, per_node)
            assert into_switches(phases, num_ranks) == pytest.approx(switched)


def by_node(pairs: Pairs, per_node: int) -> Pairs:
    result: Pairs = Counter()
    for (source, target), amount in pairs.items():
        result[source // per_node, target // per_node] += amount
    return result


def into_switches(phases: list[Phase], num_ranks: int) -> Pairs:
    """Return the bytes up and down between members and trees, numbered past the last rank."""
    result: Pairs = Counter()
    for phase in phases:
        if phase.in_network is not None:
            member, group, up_bytes, down_bytes = phase.in_network
            for position, number in zip(member.tolist(), group.tolist(), strict=True):
                result[position, num_ranks + number] += up_bytes
                result[num_ranks + number, position] += down_bytes
    return result


#: Bytes that some rank has to send or get at least; n ranks.
LEAST = {
    "all-reduce": lambda n: 2 * (n - 1) / n,
    "all-gather": lambda n: (n - 1) / n,
    "reduce-scatter": lambda n: (n - 1) / n,
    "broadcast": lambda n: 1.0,
    "reduce": lambda n: 1.0,
    "all-to-all": lambda n: (n - 1) / n,
    "send-recv": lambda n: 1.0,
    "barrier": lambda n: 0.0,
}


@pytest.mark.parametrize(("name", "operation"), CASES)
def test_no_algorithm_beats_the_least_bytes(name: str, operation: str) -> None:
    """Of the busiest rank, and of all nodes together."""
    algorithm = ALGORITHMS.get(name)
    reduces = bool(getattr(algorithm, "NEEDS", ()))
    for num_ranks, per_node in shapes(name, operation):
        sent, got = Counter[int](), Counter[int]()
        rounds = algorithm.rounds(num_ranks, operation, per_node)
        for (source, target), amount in pairs_of(
            rounds, operation, num_ranks, num_chunks_of(rounds)
        ).items():
            sent[source] += amount
            got[target] += amount
        # with switches that reduce, the buffer has to leave every rank once
        least = 1.0 if reduces and operation == "all-reduce" else LEAST[operation](num_ranks)
        busiest = max(max(sent[rank], got[rank]) for rank in range(num_ranks))
        assert busiest >= least * (1 - 1e-12)
        groups = place(np.arange(num_ranks)[None], per_node)
        phases = algorithm.phases(groups, operation)
        if all(phase.in_network is None for phase in phases):
            crossing = sum(phase.flow_bytes.sum() for phase in phases)
            assert crossing >= least_crossing(groups, operation) * (1 - 1e-12)


def least_crossing(groups: PlacedGroups, operation: str) -> float:
    """Return the bytes that all nodes of all groups together have to send each other at least.

    Every node needs from elsewhere the blocks that it lacks, or one buffer; sums take one more way.
    """
    num_edges = len(groups.run_start) - len(groups.accelerators)
    match operation:
        case "all-to-all":
            outside = groups.size - groups.run_length
            return float((groups.run_length * outside).sum() / groups.size)
        case "all-reduce":
            return 2.0 * num_edges
        case "barrier":
            return 0.0
    return float(num_edges)


@st.composite
def scattered(draw: st.DrawFn, per_node: int) -> tuple[PlacedGroups, np.ndarray, int]:
    """Draw groups of ranks on accelerators in any order, where each sits, and nodes' sizes."""
    size, stride = draw(st.integers(2, 9)), draw(st.integers(1, 3))
    num_ranks = size * stride * draw(st.integers(1, 2))
    num_accelerators = per_node * -(-num_ranks // per_node)
    where = draw(st.permutations(range(num_accelerators)))[:num_ranks]
    seats = np.array(where, dtype=np.int32)[
        ranks_of(Communicator("all-gather", size, stride), num_ranks)
    ]
    return place(seats, per_node), seats, per_node


@settings(max_examples=40, deadline=None)
@given(scattered(1))
def test_ranks_anywhere_send_what_the_rounds_say(
    drawn: tuple[PlacedGroups, np.ndarray, int],
) -> None:
    """With one rank per node bytes between accelerators are those of the rounds, group by group."""
    groups, seats, _ = drawn
    flat = groups.accelerators.ravel()
    for name, operation in CASES:
        algorithm = ALGORITHMS.get(name)
        reduces = "NEEDS" in vars(algorithm)
        if reduces or not supports(name, operation, groups.size, groups.size):
            continue
        rounds = algorithm.rounds(groups.size, operation)
        expected: Pairs = Counter()
        for group in seats.tolist():
            for (source, target), amount in pairs_of(
                rounds, operation, groups.size, num_chunks_of(rounds)
            ).items():
                expected[group[source], group[target]] += amount
        found: Pairs = Counter()
        for phase in algorithm.phases(groups, operation):
            assert phase.scale_up_bytes == 0
            for (source, target), amount in flow_pairs(phase).items():
                found[int(flat[source]), int(flat[target])] += amount
        assert found == pytest.approx(expected), name


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 5).flatmap(scattered))
def test_fragmented_groups_cross_as_little_as_they_must(
    drawn: tuple[PlacedGroups, np.ndarray, int],
) -> None:
    """Rings, trees and hierarchical algorithms reach the least however ranks lie on nodes."""
    groups, _, _ = drawn
    for name, operation in CASES:
        if not supports(name, operation, groups.size, groups.num_nodes):
            continue
        phases = ALGORITHMS.get(name).phases(groups, operation)
        if any(phase.in_network is not None for phase in phases) or operation == "send-recv":
            continue
        crossing = sum(phase.flow_bytes.sum() for phase in phases)
        least = least_crossing(groups, operation)
        if name == "ring" and operation not in ("broadcast", "reduce"):
            # a ring does not look at nodes, and passes a block on though its node has it
            num_runs = np.diff(groups.first_run)
            crossed = num_runs[num_runs > 1].sum()
            least = ALGORITHMS.get("ring").bytes_per_rank(operation, groups.size) * crossed
        if name in ("ring", "tree", "nvls-tree", "hierarchical", "pairwise"):
            assert crossing == pytest.approx(least), (name, operation)
        assert crossing >= least_crossing(groups, operation) * (1 - 1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 5).flatmap(scattered))
def test_groups_are_served_as_if_each_were_alone(
    drawn: tuple[PlacedGroups, np.ndarray, int],
) -> None:
    """All flows are those of the groups one by one; inside, the busiest rank of all counts."""
    groups, seats, per_node = drawn
    alone = [place(group[None], per_node) for group in seats]
    for name, operation in CASES:
        algorithm = ALGORITHMS.get(name)
        if "network reduction" in getattr(algorithm, "NEEDS", ()) or not supports(
            name, operation, groups.size, groups.num_nodes
        ):
            continue
        together = algorithm.phases(groups, operation)
        one_by_one = [algorithm.phases(group, operation) for group in alone]
        expected: Pairs = Counter()
        for phases, group in zip(one_by_one, alone, strict=True):
            expected.update(pairs_of_seats(phases, group))
        assert pairs_of_seats(together, groups) == pytest.approx(expected), (name, operation)
        if len({len(together), *map(len, one_by_one)}) == 1:
            for phase, *each in zip(together, *one_by_one, strict=True):
                most = max(part.scale_up_bytes for part in each)
                assert phase.scale_up_bytes == pytest.approx(most), (name, operation)


def pairs_of_seats(phases: tuple[Phase, ...], groups: PlacedGroups) -> Pairs:
    """Return the bytes from accelerator to accelerator in all phases."""
    flat = groups.accelerators.ravel().tolist()
    result: Pairs = Counter()
    for phase in phases:
        for (source, target), amount in flow_pairs(phase).items():
            result[flat[source], flat[target]] += amount
    return result


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        case
        for case in CASES
        if case[0] in ("ring", "pat", "hierarchical", "pairwise", "direct", "recursive")
        or case in [("bruck", "all-gather"), ("tree", "broadcast"), ("tree", "reduce")]
    ],
)
def test_optimal_algorithms_send_the_least(name: str, operation: str) -> None:
    for num_ranks in (2, 3, 4, 7, 8, 16, 17, 1000, 1024):
        is_power = num_ranks.bit_count() == 1
        if name != "recursive" or is_power:
            per_rank = ALGORITHMS.get(name).bytes_per_rank(operation, num_ranks)
            assert per_rank == pytest.approx(LEAST[operation](num_ranks), rel=1e-12)


def test_bruck_passes_shares_on_once_per_bit() -> None:
    """The mean of set bits in 0 ... n - 1, counted one by one."""
    for num_ranks in (2, 3, 6, 8, 17, 1000):
        bits = sum(number.bit_count() for number in range(num_ranks))
        per_rank = ALGORITHMS.get("bruck").bytes_per_rank("all-to-all", num_ranks)
        assert per_rank == pytest.approx(bits / num_ranks)


@pytest.mark.parametrize("operation", ["all-gather", "reduce-scatter"])
def test_halving_refuses_what_is_no_power_of_two(operation: str) -> None:
    recursive = ALGORITHMS.get("recursive")
    for call in (
        lambda: recursive.rounds(6, operation),
        lambda: recursive.phases(strided(6, 1, 6, 1), operation),
        lambda: recursive.bytes_per_rank(operation, 6),
    ):
        with pytest.raises(ParameterError, match="4 and 8"):
            call()


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        case
        for case in CASES
        if case[0] in ("ring", "recursive", "bruck", "dissemination")
        or case in [("tree", "broadcast"), ("tree", "reduce"), ("hierarchical", "all-reduce")]
    ],
)
def test_steps_are_the_rounds_that_cross_and_those_that_do_not(name: str, operation: str) -> None:
    algorithm = ALGORITHMS.get(name)
    for num_ranks, per_node in shapes(name, operation):
        if num_ranks % per_node or (name in ("ring", "tree") and per_node > 1):
            continue
        rounds = algorithm.rounds(num_ranks, operation, per_node)
        if operation in ("broadcast", "reduce") and name == "ring":
            # the last of n pieces starts n - 1 rounds after the first
            rounds = rounds[: num_ranks - 1]
        crosses = [any(m[0] // per_node != m[1] // per_node for m in round_) for round_ in rounds]
        steps = algorithm.steps(operation, num_ranks, num_ranks // per_node)
        found = (steps.num_scale_up, steps.num_network)
        assert found == (crosses.count(False), crosses.count(True)), (num_ranks, per_node)


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
