"""All-to-all with bytes of its own for every pair, against counting pair by pair."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netloom.collective import Phase
from netloom.collective.algorithms.pairwise import matrix_phases, phases
from netloom.collective.groups import PlacedGroups, place
from netloom.errors import ParameterError
from netloom.simulate.placement import Placement, to_endpoints


@st.composite
def exchanges(draw: st.DrawFn) -> tuple[np.ndarray, int, np.ndarray]:
    """Draw seats of some groups, accelerators per node, and a matrix with zeros and equal rows."""
    size, num_groups = draw(st.integers(2, 7)), draw(st.integers(1, 3))
    per_node = draw(st.integers(1, 4))
    num_accelerators = per_node * -(-size * num_groups // per_node)
    seats = draw(st.permutations(range(num_accelerators)))[: size * num_groups]
    entries = st.sampled_from([0.0, 0.0, 1.0, 1.0, 2.5, 1e9])
    matrix = np.array(draw(st.lists(entries, min_size=size * size, max_size=size * size)))
    return (
        np.array(seats, dtype=np.int32).reshape(num_groups, size),
        per_node,
        matrix.reshape(size, size),
    )


def found_pairs(phase: Phase, groups: PlacedGroups) -> Counter[tuple[int, int]]:
    flat = groups.accelerators.ravel().tolist()
    pairs: Counter[tuple[int, int]] = Counter()
    for source, count, target, flow_bytes in zip(
        phase.source.tolist(), phase.num_sources.tolist(), phase.target.tolist(),
        phase.flow_bytes.tolist(), strict=True,
    ):  # fmt: skip
        for member in range(count):
            pairs[flat[source + member], flat[target]] += flow_bytes / count
    return pairs


@settings(max_examples=100, deadline=None)
@given(exchanges())
def test_every_pair_gets_its_bytes_and_no_other(drawn: tuple[np.ndarray, int, np.ndarray]) -> None:
    seats, per_node, matrix = drawn
    groups = place(seats, per_node)
    (phase,) = matrix_phases(groups, matrix)
    across: Counter[tuple[int, int]] = Counter()
    sent: Counter[int] = Counter()
    got: Counter[int] = Counter()
    for group in seats.tolist():
        for rank, source in enumerate(group):
            for other, target in enumerate(group):
                if source // per_node != target // per_node:
                    across[source, target] += matrix[rank, other]
                elif source != target:
                    sent[source] += matrix[rank, other]
                    got[target] += matrix[rank, other]
    assert found_pairs(phase, groups) == pytest.approx(+across)
    assert (phase.flow_bytes > 0).all()
    busiest = max([*sent.values(), *got.values()], default=0.0)
    assert phase.scale_up_bytes == pytest.approx(busiest)


@settings(max_examples=50, deadline=None)
@given(exchanges())
def test_forwarding_keeps_the_sums_of_columns_and_of_nodes_rows(
    drawn: tuple[np.ndarray, int, np.ndarray],
) -> None:
    """On the wire: what enters every NIC, and what leaves every node."""
    seats, per_node, matrix = drawn
    groups = place(seats, per_node)
    for forwarding in (True, False):
        placement = Placement(per_node, per_node, forwarding=forwarding)
        flows = to_endpoints(matrix_phases(groups, matrix)[0], groups, placement)
        got = np.bincount(flows.target, flows.flow_bytes, seats.max() + 1)
        left = np.bincount(flows.source // per_node, flows.flow_bytes, seats.max() // per_node + 1)
        expected, expected_left = np.zeros(len(got)), np.zeros(len(left))
        for group in seats:
            apart = group[:, None] // per_node != group // per_node
            expected[group] += (matrix * apart).sum(axis=0)
            np.add.at(expected_left, group // per_node, (matrix * apart).sum(axis=1))
        np.testing.assert_allclose(got, expected, rtol=1e-12)
        np.testing.assert_allclose(left, expected_left, rtol=1e-12)


@pytest.mark.parametrize(("size", "per_node"), [(8, 4), (6, 4), (5, 1), (4, 8)])
def test_equal_shares_are_the_uniform_exchange(size: int, per_node: int) -> None:
    groups = place(np.arange(size)[None], per_node)
    (uniform,) = phases(groups, "all-to-all")
    (phase,) = matrix_phases(groups, np.full((size, size), 1 / size))
    assert found_pairs(phase, groups) == pytest.approx(found_pairs(uniform, groups))
    assert len(phase.source) == len(uniform.source)
    assert phase.scale_up_bytes == pytest.approx(uniform.scale_up_bytes)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.zeros((2, 3)), r"shape \(2, 3\) for groups of 3"),
        (np.zeros(3), r"shape \(3,\)"),
        (np.diag([1.0, 1.0, -2.0]), "-2.0 bytes from rank 2 to rank 2"),
        (np.array([[0, np.nan, 0], [0, 0, 0], [0, 0, 0]]), "nan bytes from rank 0 to rank 1"),
        (np.array([[0, 0, 0], [np.inf, 0, 0], [0, 0, 0]]), "inf bytes from rank 1 to rank 0"),
    ],
)
def test_what_is_no_traffic_matrix_is_refused(matrix: np.ndarray, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        matrix_phases(place(np.arange(3)[None], 1), matrix)
