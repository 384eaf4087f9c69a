"""Prices of communicators against closed forms, the library's published table and hand counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from netloom import catalog
from netloom.catalog.quantity import Quantity
from netloom.collective.groups import Communicator
from netloom.errors import ConservationError, InfeasibleError, ParameterError
from netloom.simulate.network import PLAIN_ALGORITHMS, NetworkModel, Price
from netloom.topology import build
from netloom.topology.fabric import Bundles, Fabric, Paths

LINK_BYTES_PER_S = 50e9


def quantity(value: float, dimension: str) -> Quantity:
    return Quantity(
        low=value, mode=value, high=value, dimension=dimension,
        basis="test", date="2026", source=("test",), grade="derived",
    )  # fmt: skip


def part(kind: str, name: str, **values: Any) -> Any:
    """Return a catalogue part with some numbers replaced."""
    found = catalog.get(kind, name)
    update = {
        field: quantity(value, getattr(found, field).dimension)
        if isinstance(value, float)
        else value
        for field, value in values.items()
    }
    return found.model_copy(update=update)


def ideal_protocol(load_balancing: str = "spray") -> Any:
    return part(
        "protocol", "infiniband-ndr", framing_efficiency=1.0, transport_efficiency=1.0,
        base_latency_s=0.0, hop_latency_s=0.0, load_balancing=load_balancing,
    )  # fmt: skip


def fat_tree(hosts: int, **parameters: Any) -> Fabric:
    given = {"radix": 32, "tiers": 2, "link_bytes_per_s": LINK_BYTES_PER_S} | parameters
    return build("fat-tree", {"hosts": hosts} | given)


def model(fabric: Fabric, accelerators: int, **changes: Any) -> NetworkModel:
    given = {
        "protocol": ideal_protocol(),
        "scale_up": part(
            "scale-up", "nvlink-4", bytes_per_s=450e9, efficiency=0.8, hop_latency_s=0.0
        ),
        "accelerators_per_node": 8,
        "nics_per_node": 8,
        "library": catalog.get("collective-library", "nccl-2.30"),
        "algorithms": PLAIN_ALGORITHMS,
    } | changes
    return NetworkModel(fabric, num_accelerators=accelerators, **given)


def priced(network: NetworkModel, *communicator: Any, algorithm: str) -> Price:
    """Return the price under one algorithm and protocol."""
    return next(
        price
        for price in network.candidates(Communicator(*communicator))
        if price.algorithm == algorithm
    )


# nodes of 8 accelerators -> us, ring then tree; LL, LL128, Simple each
@pytest.mark.parametrize(
    ("nodes", "expected_us"),
    [
        (2, (40.0, 75.2, 131.6, 25.2, 48.5, 92.4)),
        (16, (311.6, 559.6, 1190.0, 55.2, 99.5, 176.4)),
    ],
)
def test_all_reduce_latency_is_that_of_the_nccl_model(
    nodes: int, expected_us: tuple[float, ...]
) -> None:
    network = model(fat_tree(8 * nodes), 8 * nodes, reference_bytes=1.0)
    keys = [f"{a}/{p}" for a in ("ring", "tree") for p in ("ll", "ll128", "simple")]
    latencies = [
        priced(network, "all-reduce", 8 * nodes, 1, algorithm=key).latency_s * 1e6 for key in keys
    ]
    assert latencies == pytest.approx(expected_us, abs=1e-9)


@pytest.mark.parametrize(
    ("communicator", "algorithm", "expected_us"),
    [
        # base and steps of the published formulas, eight ranks a node or one
        (("all-reduce", 8, 1), "nvls/simple", 25),
        (("all-reduce", 128, 1), "nvls-tree/simple", 25 + 2 * 4 * 20.9),
        (("all-reduce", 128, 1), "collnet-direct/simple", 2 * (3.7 + 7 * 0.4) + 31),
        (("all-reduce", 16, 8), "collnet-direct/simple", 31),
        (("all-reduce", 128, 1), "collnet-chain/simple", 2 * 7 * 2.8 + 30),
        (("all-gather", 16, 8), "pat/simple", 8 + 4 * 14 / 3.5 + 2.8 * 16),
        # with one rank a node a ring's steps take the tree's time
        (("all-reduce", 16, 8), "ring/ll", 6.6 + 30 * 5.0),
    ],
)
def test_latency_of_every_algorithm_is_that_of_the_nccl_model(
    communicator: tuple[str, int, int], algorithm: str, expected_us: float
) -> None:
    protocol = ideal_protocol().model_copy(update={"in_network_reduction": True})
    network = model(fat_tree(128), 128, protocol=protocol, algorithms=None, reference_bytes=1.0)
    found = priced(network, *communicator, algorithm=algorithm)
    assert found.latency_s * 1e6 == pytest.approx(expected_us)


def test_no_nvlink_lengthens_a_step_that_the_library_measured_over_it() -> None:
    library = catalog.get("collective-library", "nccl-2.30")
    shortest_s = float(library.scale_up_latency_s["ring/ll"])
    for name in catalog.names("scale-up"):
        if name.startswith("nvlink"):
            assert catalog.get("scale-up", name).hop_latency_s.high <= shortest_s


@pytest.mark.parametrize(("nodes", "cap"), [(1, 141e9), (2, 39e9), (4, 20.4e9)])
def test_ll_carries_no_more_than_the_librarys_cap(nodes: int, cap: float) -> None:
    """On one node half of the links' 360 GB/s is more than 141; the host caps it between nodes."""
    size = 8 * nodes
    price = priced(model(fat_tree(size), size), "all-gather", size, 1, algorithm="ring/ll")
    assert price.s_per_byte == pytest.approx((size - 1) / size / cap)
    assert price.limit == "protocol"


def test_slow_links_limit_ll_before_its_cap() -> None:
    slow = part("scale-up", "nvlink-4", bytes_per_s=100e9, efficiency=0.8, hop_latency_s=0.0)
    price = priced(model(fat_tree(8), 8, scale_up=slow), "all-gather", 8, 1, algorithm="ring/ll")
    assert price.s_per_byte == pytest.approx(7 / 8 / 40e9)
    assert price.limit == "scale-up links"


def test_switches_that_reduce_have_an_efficiency_of_their_own() -> None:
    """A rank sends 1 + 1/8 of its buffer at 0.6 of 400 GB/s, or at the ring's 0.8 if unmeasured."""
    seconds = []
    for reduction_efficiency in (quantity(0.6, "fraction"), None):
        scale_up = part("scale-up", "nvlink-4", bytes_per_s=400e9, efficiency=0.8).model_copy(
            update={"reduction_efficiency": reduction_efficiency}
        )
        network = model(fat_tree(8), 8, scale_up=scale_up, algorithms=None)
        seconds.append(priced(network, "all-reduce", 8, 1, algorithm="nvls/simple").s_per_byte)
    assert seconds == pytest.approx([1.125 / 240e9, 1.125 / 320e9])


def test_plateau_multiplies_the_latency_of_a_large_ring_all_reduce() -> None:
    small = model(fat_tree(16), 16, reference_bytes=1.0)
    large = model(fat_tree(16), 16)
    ratio = (
        priced(large, "all-reduce", 16, 1, algorithm="ring/simple").latency_s
        / priced(small, "all-reduce", 16, 1, algorithm="ring/simple").latency_s
    )
    assert ratio == pytest.approx(1.4)


@pytest.mark.parametrize(
    ("operation", "factor"),
    [
        ("all-reduce", 2 * 7 / 8),
        ("all-gather", 7 / 8),
        ("reduce-scatter", 7 / 8),
        ("all-to-all", 7 / 8),
    ],
)
def test_inside_a_node_bus_bandwidth_is_the_scale_up_rate(operation: str, factor: float) -> None:
    prices = model(fat_tree(16), 16).price([Communicator(operation, 8, 1)])
    assert prices.s_per_byte[0] == pytest.approx(factor / 360e9)
    assert prices.limit_names[prices.limit[0]] == "scale-up links"


def test_ring_across_nodes_runs_at_all_nics_of_a_node_or_the_scale_up_rate() -> None:
    """8 NICs of 50 GB/s make 400 GB/s, more than 360 GB/s inside; 8 of 25 GB/s make 200."""
    fast = model(fat_tree(32), 32)
    slow = model(fat_tree(32, link_bytes_per_s=25e9), 32)
    seconds = [
        priced(network, "all-gather", 32, 1, algorithm="ring/simple").s_per_byte
        for network in (fast, slow)
    ]
    assert seconds == pytest.approx([31 / 32 / 360e9, 31 / 32 / 200e9])
    price = priced(slow, "all-gather", 32, 1, algorithm="ring/simple")
    assert price.limit == "host uplinks"


def test_shared_nics_halve_the_rate() -> None:
    own = model(fat_tree(32), 32)
    shared = model(fat_tree(16), 32, nics_per_node=4)
    keys = ("all-gather", 4, 8)
    assert priced(shared, *keys, algorithm="ring/simple").s_per_byte == pytest.approx(
        2 * priced(own, *keys, algorithm="ring/simple").s_per_byte
    )


def test_a_rank_with_two_nics_uses_both() -> None:
    own = model(fat_tree(32), 32)
    double = model(fat_tree(64), 32, nics_per_node=16)
    keys = ("send-recv", 4, 8)
    assert priced(double, *keys, algorithm="direct/simple").s_per_byte == pytest.approx(
        priced(own, *keys, algorithm="direct/simple").s_per_byte / 2
    )


def test_oversubscribed_leaves_limit_a_ring_that_leaves_them() -> None:
    """One rank per node, one node per leaf switch pair: every flow climbs, taper 1/3."""
    fabric = fat_tree(96, taper=1 / 3)
    down = 24
    network = model(fabric, 96, accelerators_per_node=1, nics_per_node=1)
    price = priced(network, "send-recv", 2, 2 * down, algorithm="direct/simple")
    assert price.limit == "leaf uplinks"
    assert price.s_per_byte == pytest.approx(down / 8 / LINK_BYTES_PER_S)


def test_group_of_one_costs_nothing() -> None:
    prices = model(fat_tree(16), 16).price([Communicator("all-reduce", 1, 1)])
    assert (prices.latency_s[0], prices.s_per_byte[0]) == (0, 0)
    assert prices.limit_names[prices.limit[0]] == "nothing"


def test_all_to_all_on_rail_only_goes_through_the_scale_up_domain() -> None:
    """Four nodes: of 31 peers 7 are inside, and 21 of 24 outside are on another rail."""
    fabric = build(
        "rail-only",
        {"hosts": 32, "domain": 8, "radix": 4, "link_bytes_per_s": LINK_BYTES_PER_S},
    )
    network = model(fabric, 32)
    (phase,) = network.pattern("pairwise", Communicator("all-to-all", 32, 1)).phases
    assert phase.scale_up_bytes == pytest.approx((7 + 21) / 32)
    assert phase.network_s == pytest.approx([24 / 32 / LINK_BYTES_PER_S])


def test_without_scale_up_a_fabric_of_separate_rails_has_no_path() -> None:
    fabric = build(
        "rail-only",
        {"hosts": 32, "domain": 8, "radix": 4, "link_bytes_per_s": LINK_BYTES_PER_S},
    )
    network = model(fabric, 32, accelerators_per_node=1, nics_per_node=1)
    with pytest.raises(InfeasibleError, match="no path"):
        network.price([Communicator("all-gather", 32, 1)])


def test_hashing_is_never_faster_than_spraying_and_equal_bits_for_equal_seeds() -> None:
    fabric = fat_tree(256)
    communicators = [
        Communicator("all-gather", 16, 16),
        Communicator("all-to-all", 32, 1),
        Communicator("send-recv", 4, 64),
    ]
    sprayed = model(fabric, 256).price(communicators)
    hashed = model(fabric, 256, protocol=ideal_protocol("hash")).price(communicators)
    again = model(fabric, 256, protocol=ideal_protocol("hash")).price(communicators)
    assert (hashed.s_per_byte >= sprayed.s_per_byte * (1 - 1e-12)).all()
    assert hashed.s_per_byte[0] > 1.2 * sprayed.s_per_byte[0]
    np.testing.assert_array_equal(hashed.s_per_byte, again.s_per_byte)


def test_more_queue_pairs_spread_hashed_flows_better() -> None:
    library = catalog.get("collective-library", "nccl-2.30")
    seconds = []
    for queue_pairs in (1.0, 4.0, 16.0, 64.0):
        changed = library.model_copy(update={"queue_pairs": quantity(queue_pairs, "count")})
        network = model(fat_tree(256), 256, protocol=ideal_protocol("hash"), library=changed)
        seconds.append(priced(network, "send-recv", 16, 16, algorithm="direct/simple").s_per_byte)
    assert seconds == sorted(seconds, reverse=True)


def test_protocol_efficiencies_divide_the_rate_of_the_network() -> None:
    lossy = ideal_protocol().model_copy(
        update={
            "framing_efficiency": quantity(0.9, "fraction"),
            "transport_efficiency": quantity(0.8, "fraction"),
        }
    )
    keys = ("send-recv", 2, 8)
    perfect = priced(model(fat_tree(16), 16), *keys, algorithm="direct/simple")
    real = priced(model(fat_tree(16), 16, protocol=lossy), *keys, algorithm="direct/simple")
    assert real.s_per_byte == pytest.approx(perfect.s_per_byte / 0.72)


def test_slow_fabric_sets_the_latency_of_a_network_step() -> None:
    slow = ideal_protocol().model_copy(
        update={
            "base_latency_s": quantity(20e-6, "time"),
            "hop_latency_s": quantity(1e-6, "time"),
        }
    )
    # 64 nodes: neighbours on other leaves are three switches away
    network = model(fat_tree(512), 512, protocol=slow)
    price = priced(network, "send-recv", 64, 8, algorithm="direct/simple")
    assert price.latency_s == pytest.approx(8.4e-6 + 22e-6)


def test_fastest_at_the_reference_size_is_chosen() -> None:
    network, communicator = model(fat_tree(512), 512), Communicator("all-reduce", 512, 1)
    for reference_bytes in (1e4, 1e7, 1e11):
        prices = network.price([communicator], reference_bytes)
        chosen = prices.latency_s[0] + reference_bytes * prices.s_per_byte[0]
        others = [
            price.latency_s + reference_bytes * price.s_per_byte
            for price in network.candidates(communicator, reference_bytes)
        ]
        assert chosen == min(others)
        if reference_bytes == 1e4:
            assert prices.algorithm_names[prices.algorithm[0]].startswith("tree")
        if reference_bytes == 1e11:
            assert prices.algorithm_names[prices.algorithm[0]] == "ring/simple"


def test_routing_that_loses_bytes_is_a_bug() -> None:
    fabric = fat_tree(16)

    class Lossy:
        bundles: Bundles = fabric.routing.bundles

        def paths(self, source: Any, target: Any) -> Paths:
            paths = fabric.routing.paths(source, target)
            return replace(paths, share=paths.share * 0.5)

    network = model(replace(fabric, routing=Lossy()), 16)
    with pytest.raises(ConservationError):
        network.price([Communicator("all-gather", 2, 8)])


@pytest.mark.parametrize(
    ("communicator", "message"),
    [
        (Communicator("all-reduced", 8, 1), "did you mean all-reduce"),
        (Communicator("all-reduce", 5, 1), "do not divide into groups of 5 ranks"),
    ],
)
def test_wrong_communicators_are_refused(communicator: Communicator, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        model(fat_tree(16), 16).price([communicator])


def test_cluster_larger_than_the_fabric_is_refused() -> None:
    with pytest.raises(ParameterError, match="at least 32 endpoints"):
        model(fat_tree(16), 32)


def test_nics_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ParameterError, match="3 NICs do not divide among 8 accelerators"):
        model(fat_tree(16), 8, nics_per_node=3)
