"""Algorithms that know nodes: hierarchical, NVLS and CollNet, by hand and by closed form."""

from __future__ import annotations

import numpy as np
import pytest

from netloom import catalog
from netloom.collective import ALGORITHMS, Steps, supports
from netloom.collective.groups import Communicator, PlacedGroups, place, ranks_of
from netloom.simulate.network import NetworkModel
from netloom.simulate.pattern import in_network_loads
from netloom.simulate.placement import Placement, to_endpoints
from netloom.topology import build

#: Two leaves with four hosts each.
TWO_LEVELS = {"hosts": 8, "radix": 8, "tiers": 2, "link_bytes_per_s": 50e9}


def groups_of(size: int, per_node: int) -> PlacedGroups:
    return place(np.arange(size)[None], per_node)


def test_hierarchical_all_reduce_of_two_nodes_by_hand() -> None:
    """Four ranks each: 3/4 inside, then 2 x 1/2 of a quarter on each rail each way, then 3/4."""
    scatter, across, gather = ALGORITHMS.get("hierarchical").phases(groups_of(8, 4), "all-reduce")
    assert scatter.scale_up_bytes == gather.scale_up_bytes == 0.75
    assert across.scale_up_bytes == 0
    np.testing.assert_array_equal(across.source, [0, 1, 2, 3, 4, 5, 6, 7])
    np.testing.assert_array_equal(across.target, [4, 5, 6, 7, 0, 1, 2, 3])
    np.testing.assert_allclose(across.flow_bytes, 0.25)


def test_hierarchical_all_gather_of_uneven_nodes_by_hand() -> None:
    """Three ranks and one: one rail, which carries three blocks one way and one the other."""
    surplus, across, gather = ALGORITHMS.get("hierarchical").phases(groups_of(4, 3), "all-gather")
    # ranks 1 and 2 hand rank 0 a block each
    assert surplus.scale_up_bytes == pytest.approx(2 / 4)
    assert list(zip(across.source, across.target, across.flow_bytes, strict=True)) == [
        (0, 3, 0.75),
        (3, 0, 0.25),
    ]
    assert gather.scale_up_bytes == 1.0


def test_broadcast_root_off_the_rails_gives_every_part_away() -> None:
    """Rank 0 on the third seat of its node; the other node has two seats, so two rails."""
    spread, *_ = ALGORITHMS.get("hierarchical").phases(
        place(np.array([[2, 0, 1, 4, 5]]), 4), "broadcast"
    )
    assert spread.scale_up_bytes == 1.0
    spread, *_ = ALGORITHMS.get("hierarchical").phases(
        place(np.array([[0, 1, 2, 4, 5]]), 4), "broadcast"
    )
    assert spread.scale_up_bytes == 0.5


@pytest.mark.parametrize(("num_nodes", "per_node"), [(2, 8), (4, 4), (8, 2)])
def test_two_step_exchange_carries_what_forwarding_carries(num_nodes: int, per_node: int) -> None:
    """Pairwise with forwarding and the hierarchical exchange load NICs and insides alike."""
    groups = groups_of(num_nodes * per_node, per_node)
    placement = Placement(per_node, per_node)
    (pairwise,) = ALGORITHMS.get("pairwise").phases(groups, "all-to-all")
    at_once = to_endpoints(pairwise, groups, placement)
    inside, across = ALGORITHMS.get("hierarchical").phases(groups, "all-to-all")
    on_rails = to_endpoints(across, groups, placement)
    assert on_rails.forwarded_bytes == 0
    for end in ("source", "target"):
        np.testing.assert_allclose(
            np.bincount(getattr(on_rails, end), on_rails.flow_bytes),
            np.bincount(getattr(at_once, end), at_once.flow_bytes),
        )
    assert inside.scale_up_bytes == pytest.approx(pairwise.scale_up_bytes + at_once.forwarded_bytes)


@pytest.mark.parametrize("num_ranks", [2, 4, 8, 72])
def test_switches_of_a_domain_beat_the_ring_by_their_closed_form(num_ranks: int) -> None:
    """Bus bandwidth over link rate: ``2 (n - 1) / (n + 1)``, 1.56 at eight ranks."""
    (phase,) = ALGORITHMS.get("nvls").phases(groups_of(num_ranks, num_ranks), "all-reduce")
    bus = 2 * (num_ranks - 1) / num_ranks / phase.scale_up_bytes
    assert bus == pytest.approx(2 * (num_ranks - 1) / (num_ranks + 1))
    # what a rank sends or gets of the halves is the whole buffer: no gain on a ring's (n - 1) / n
    for operation in ("reduce-scatter", "all-gather"):
        (phase,) = ALGORITHMS.get("nvls").phases(groups_of(num_ranks, num_ranks), operation)
        assert phase.scale_up_bytes == 1.0


def test_groups_that_an_algorithm_cannot_serve() -> None:
    assert [supports("nvls", "all-reduce", 8, nodes) for nodes in (1, 2)] == [True, False]
    assert [supports("nvls-tree", "all-reduce", 16, nodes) for nodes in (1, 2, 16)] == [
        False, True, False,
    ]  # fmt: skip
    for name in ("collnet-direct", "collnet-chain"):
        assert [supports(name, "all-reduce", 8, nodes) for nodes in (1, 2)] == [False, True]
    assert [supports("recursive", "all-gather", size, 2) for size in (6, 8)] == [False, True]
    assert supports("recursive", "all-reduce", 6, 2)
    assert supports("ring", "all-reduce", 6, 2)


@pytest.mark.parametrize(
    ("name", "num_ranks", "num_nodes", "expected"),
    [
        ("nvls", 8, 1, Steps(1, 0)),
        ("nvls-tree", 128, 16, Steps(1, 8)),
        ("collnet-direct", 128, 16, Steps(2, 1, num_local=14)),
        ("collnet-direct", 16, 16, Steps(0, 1)),
        ("collnet-chain", 128, 16, Steps(14, 1)),
        ("pat", 16, 16, Steps(0, 4 / 3.5, num_local=16)),
    ],
)
def test_steps_follow_the_tuning_model(
    name: str, num_ranks: int, num_nodes: int, expected: Steps
) -> None:
    operation = ALGORITHMS.get(name).OPERATIONS[0]
    assert ALGORITHMS.get(name).steps(operation, num_ranks, num_nodes) == expected


def test_nvls_tree_by_hand() -> None:
    """Two nodes of four: half a buffer up and half down each of two edges, on four rails."""
    (phase,) = ALGORITHMS.get("nvls-tree").phases(groups_of(8, 4), "all-reduce")
    assert phase.scale_up_bytes == 1.25
    assert phase.flow_bytes.sum() == pytest.approx(2.0)
    sent = np.bincount(phase.source, phase.flow_bytes)
    np.testing.assert_allclose(sent, 0.25)
    # ranks alone on their nodes have no switch to ask
    lone = ALGORITHMS.get("nvls-tree").phases(groups_of(3, 1), "all-reduce")[0]
    assert lone.scale_up_bytes == 0


def reduction_loads(
    name: str, communicator: Communicator, placement: Placement
) -> tuple[dict[str, list[float]], int]:
    """Return the bytes on the bundles of each stage that carry any, and the height of the trees."""
    fabric = build("fat-tree", TWO_LEVELS)
    num_accelerators = 8 * placement.accelerators_per_node // placement.nics_per_node
    ranks = ranks_of(communicator, num_accelerators)
    groups = place(ranks, placement.accelerators_per_node)
    (phase,) = ALGORITHMS.get(name).phases(groups, "all-reduce")
    assert len(phase.source) == 0
    loads, height = in_network_loads(phase.in_network, groups, fabric, placement)
    assert loads is not None
    bundles = fabric.routing.bundles
    by_stage = {
        name: loads[(bundles.stage == number) & (loads > 0)].tolist()
        for number, name in enumerate(bundles.stage_names)
    }
    return {name: values for name, values in by_stage.items() if values}, height


@pytest.mark.parametrize("name", ["collnet-direct", "collnet-chain"])
def test_reduction_in_two_levels_by_hand(name: str) -> None:
    """One group of eight hosts: a buffer up and down each host's link and each leaf's uplinks."""
    loads, height = reduction_loads(name, Communicator("all-reduce", 8, 1), Placement(1, 1))
    assert height == 2
    assert sorted(map(len, loads.values())) == [2, 2, 8, 8]
    assert all(value == 1.0 for values in loads.values() for value in values)


def test_reduction_of_two_groups_doubles_on_the_uplinks_only() -> None:
    """Even and odd hosts: each leaf's uplinks carry both groups' sums."""
    loads, _ = reduction_loads("collnet-direct", Communicator("all-reduce", 4, 2), Placement(1, 1))
    assert sorted(tuple(values) for values in loads.values()) == [
        (1.0,) * 8, (1.0,) * 8, (2.0, 2.0), (2.0, 2.0),
    ]  # fmt: skip


def test_reduction_below_one_leaf_leaves_the_uplinks_empty() -> None:
    loads, height = reduction_loads(
        "collnet-chain", Communicator("all-reduce", 4, 1), Placement(1, 1)
    )
    assert height == 1
    assert sorted(map(len, loads.values())) == [8, 8]


def test_reduction_on_two_rails_halves_each_nics_bytes() -> None:
    """Four nodes of two ranks and two NICs: every NIC half a buffer, two trees up each leaf."""
    loads, _ = reduction_loads("collnet-direct", Communicator("all-reduce", 8, 1), Placement(2, 2))
    assert sorted(tuple(values) for values in loads.values()) == [
        (0.5,) * 8, (0.5,) * 8, (1.0, 1.0), (1.0, 1.0),
    ]  # fmt: skip


def test_reduction_uses_the_rails_that_every_group_has() -> None:
    """One group has two ranks on each node, the other one on one of its nodes: one rail for all."""
    groups = place(np.array([[0, 1, 4, 5], [2, 8, 9, 10]]), 4)
    assert groups.num_channels.tolist() == [2, 1]
    for name in ("collnet-direct", "collnet-chain"):
        (phase,) = ALGORITHMS.get(name).phases(groups, "all-reduce")
        member, tree, up_bytes, down_bytes = phase.in_network
        assert groups.accelerators.ravel()[member].tolist() == [0, 4, 2, 8]
        assert tree.tolist() == [0, 0, 1, 1]
        assert up_bytes == down_bytes == 1.0


@pytest.mark.parametrize(
    ("size", "per_node", "direct", "chain"),
    [
        (16, 8, 2 * 7 / 8, 2 * 7 / 8),
        # nodes of four and two: heads send a part to the other head and a sum to three, halves all
        (6, 4, (1 + 3) / 2, 2.0),
        # three and one: the head's sum to two ranks; a chain's middle passes all in and all out
        (4, 3, 2.0, 2.0),
        (3, 2, 1.0, 1.0),
        (4, 1, 0.0, 0.0),
    ],
)
def test_bytes_inside_nodes_around_network_reduction(
    size: int, per_node: int, direct: float, chain: float
) -> None:
    for name, expected in (("collnet-direct", direct), ("collnet-chain", chain)):
        (phase,) = ALGORITHMS.get(name).phases(groups_of(size, per_node), "all-reduce")
        assert phase.scale_up_bytes == pytest.approx(expected), name


def model(algorithms: tuple[str, ...], library_keys: tuple[str, ...]) -> NetworkModel:
    """Return a model of eight nodes of eight; its library has the ring's constants for all keys."""
    library = catalog.get("collective-library", "nccl-2.30")
    # a ring with one rank per node takes the tree's step
    tables = {
        table: {"tree/simple": getattr(library, table)["tree/simple"]}
        | {key: getattr(library, table)["ring/simple"] for key in library_keys}
        for table in (
            "base_latency_s", "scale_up_latency_s", "network_latency_s", "bandwidth_factor",
        )
    }  # fmt: skip
    local = {key: library.base_latency_s["ring/simple"] for key in library_keys}
    fabric = build("fat-tree", {"hosts": 64, "radix": 32, "tiers": 2, "link_bytes_per_s": 50e9})
    return NetworkModel(
        fabric,
        catalog.get("protocol", "infiniband-ndr"),
        catalog.get("scale-up", "nvlink-4"),
        8,
        8,
        64,
        library.model_copy(update=tables | {"local_latency_s": local}),
        algorithms=algorithms,
    )


def test_prices_leave_out_what_does_not_serve_the_group() -> None:
    names = ("ring", "nvls", "nvls-tree", "recursive", "collnet-direct")
    network = model(names, tuple(f"{name}/simple" for name in names))

    def offered(size: int, stride: int, operation: str = "all-reduce") -> set[str]:
        prices = network.candidates(Communicator(operation, size, stride))
        return {price.algorithm.split("/")[0] for price in prices}

    assert offered(8, 1) == {"ring", "nvls", "recursive"}
    assert offered(64, 1) == {"ring", "nvls-tree", "recursive", "collnet-direct"}
    assert offered(8, 8) == {"ring", "recursive", "collnet-direct"}
    assert offered(8, 1, "all-gather") == {"ring", "nvls", "recursive"}


def test_a_reduction_in_the_network_sends_half_of_what_a_ring_sends() -> None:
    """One rank per node: 1 byte against 14/8, at the same payload rate of a NIC."""
    network = model(("ring", "collnet-direct"), ("ring/simple", "collnet-direct/simple"))
    prices = {
        price.algorithm: price.s_per_byte
        for price in network.candidates(Communicator("all-reduce", 8, 8))
    }
    assert prices["ring/simple"] / prices["collnet-direct/simple"] == pytest.approx(2 * 7 / 8)


def test_phases_one_after_another_add_up() -> None:
    """The hierarchical price is the sum of its three phases, each limited on its own."""
    network = model(("hierarchical",), ("hierarchical/simple",))
    (price,) = network.candidates(Communicator("all-reduce", 64, 1))
    scale_up = network.scale_up
    inside = 2 * 7 / 8 / (float(scale_up.bytes_per_s) * float(scale_up.efficiency))
    protocol = network.protocol
    payload = 50e9 * float(protocol.framing_efficiency) * float(protocol.transport_efficiency)
    assert price.s_per_byte * float(
        network.library.bandwidth_factor["hierarchical/simple"]
    ) == pytest.approx(inside + 2 * 7 / 8 / 8 / payload)
