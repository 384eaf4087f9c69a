"""NCCL's own choice against its published latencies, search logs and formulas counted by hand."""

from __future__ import annotations

from math import inf

import pytest

from netloom import catalog
from netloom.collective.groups import Communicator
from netloom.errors import ParameterError
from netloom.simulate.chooser import Group, algorithm_bytes_per_s, channels, choose, estimate_s
from netloom.simulate.network import NetworkModel
from netloom.topology import build

NCCL = catalog.get("collective-library", "nccl-2.30")
NODE = Group(8, 1, 8, 50e9, "nvlink-4")


def nodes(number: int, scale_up: str = "nvlink-4", *, in_network: bool = False) -> Group:
    """Return eight ranks on each of some nodes, a NIC of 400 Gb/s each."""
    return Group(8 * number, number, 8, 50e9, scale_up, in_network=in_network)


# nodes of 8 accelerators -> us, ring then tree; LL, LL128, Simple each
@pytest.mark.parametrize(
    ("number", "printed_us"),
    [
        (2, ("40.0", "75.2", "131.6", "25.2", "48.5", "92.4")),
        (16, ("311.6", "559.6", "1190.0", "55.2", "99.5", "176.4")),
    ],
)
def test_empty_all_reduce_takes_the_printed_latency(
    number: int, printed_us: tuple[str, ...]
) -> None:
    keys = [f"{name}/{wire}" for name in ("ring", "tree") for wire in ("ll", "ll128", "simple")]
    found = [estimate_s(NCCL, nodes(number), "all-reduce", key, 0.0) * 1e6 for key in keys]
    assert [f"{microseconds:.1f}" for microseconds in found] == list(printed_us)


# logs of the topology search ("nChannels 12, bw 30.0/30.0"): eight H100 (NVIDIA/nccl issue 1197),
# two nodes of eight Hopper with 400 Gb/s NICs, eight A100, two A100
@pytest.mark.parametrize(
    ("group", "algorithm", "logged"),
    [
        (NODE, "ring", (12, 30, 30)),
        (NODE, "tree", (12, 30, 30)),
        (NODE, "nvls", (8, 40, 60)),
        (nodes(2), "ring", (8, 48, 48)),
        (Group(8, 1, 8, 25e9, "nvlink-3"), "ring", (12, 20, 20)),
        (Group(8, 1, 8, 25e9, "nvlink-3"), "tree", (12, 20, 20)),
        (Group(2, 1, 2, 25e9, "nvlink-3"), "ring", (12, 20, 20)),
    ],
)
def test_channels_are_those_of_search_logs(
    group: Group, algorithm: str, logged: tuple[int, float, float]
) -> None:
    found = channels(NCCL.tuning, group, algorithm)
    gigabytes = (found.num, found.inside_bytes_per_s / 1e9, found.across_bytes_per_s / 1e9)
    assert gigabytes == pytest.approx(logged)


@pytest.mark.parametrize(
    ("group", "operation", "key", "gigabytes"),
    [
        # 12 * 30 = 360 on the bus, n over 2 (n - 1); LL at half of it hits its cap of 141
        (NODE, "all-reduce", "ring/simple", 360 * 8 / 14),
        (NODE, "all-reduce", "ring/ll128", 360 * 0.92 * 8 / 14),
        (NODE, "all-reduce", "ring/ll", 141 * 8 / 14),
        (NODE, "all-gather", "ring/simple", 360 * 8 / 7),
        (NODE, "broadcast", "ring/simple", 360),
        # trees: 0.92, the pattern 0.85, one half; LL over 3.8, LL128 7/9 on one node
        (NODE, "all-reduce", "tree/simple", 360 * 0.92 * 0.85 / 2),
        (NODE, "all-reduce", "tree/ll", 360 * 0.92 / 3.8 * 0.85 / 2),
        (NODE, "all-reduce", "tree/ll128", 360 * 0.92 * 7 / 9 * 0.85 / 2),
        # eight heads of 40 GB/s, one part in eight kept back, both directions
        (NODE, "all-reduce", "nvls/simple", 8 * 40 * 0.85 * 7 / 8 * 2 * 8 / 14),
        (NODE, "all-gather", "nvls/simple", 8 * 40 * 0.85 * 7 / 8 * 7 / 8),
        # two nodes: 8 * 48; the host caps LL at 39, the tree's channels at 41.4
        (nodes(2), "all-reduce", "ring/simple", 384 * 16 / 30),
        (nodes(2), "all-reduce", "ring/ll", 39 * 16 / 30),
        (nodes(2), "all-reduce", "tree/simple", 8 * 41.4 * 0.85 / 2),
        # from three nodes on other caps: LL 20.4, tree 36, tree/ll128 29, nvls-tree 45.5 a channel
        (nodes(4), "all-reduce", "ring/ll", 20.4 * 32 / 62),
        (nodes(4), "all-reduce", "tree/simple", 8 * 36 * 0.85 / 2),
        (nodes(4), "all-reduce", "tree/ll128", 8 * 29 * 0.85 / 2),
        (nodes(2), "all-reduce", "nvls-tree/simple", 8 * 57.7 * 16 / 30),
        (nodes(4), "all-reduce", "nvls-tree/simple", 8 * 45.5 * 32 / 62),
        (nodes(4, in_network=True), "all-reduce", "collnet-direct/simple", 8 * 45 * 0.85 / 2),
        (nodes(4, in_network=True), "all-reduce", "collnet-chain/simple", 8 * 48 / 2),
        (Group(16, 16, 1, 50e9, "nvlink-4"), "all-gather", "pat/simple", 48 * 0.75),
    ],
)
def test_bandwidth_is_the_models_by_hand(
    group: Group, operation: str, key: str, gigabytes: float
) -> None:
    found = algorithm_bytes_per_s(NCCL, group, operation, key) / 1e9
    assert found == pytest.approx(gigabytes, rel=1e-4)


def test_medium_trees_are_corrected_by_the_entry_of_their_size() -> None:
    """256 KiB is entry 12 of LL, 0.4; the next power but one 0.5; below 64 B and far above, 1."""
    latency_s = estimate_s(NCCL, NODE, "all-reduce", "tree/ll", 0.0)
    full = algorithm_bytes_per_s(NCCL, NODE, "all-reduce", "tree/ll")
    for size_bytes, share in ((63, 1.0), (2**18, 0.4), (2**20, 0.5), (2**30, 1.0)):
        seconds = estimate_s(NCCL, NODE, "all-reduce", "tree/ll", size_bytes)
        assert size_bytes / (seconds - latency_s) / full == pytest.approx(share), size_bytes


@pytest.mark.parametrize(
    ("group", "operation", "key"),
    [
        (NODE, "all-reduce", "nvls-tree/simple"),
        (nodes(2), "all-reduce", "nvls/simple"),
        (nodes(2), "all-reduce", "collnet-chain/simple"),
        (nodes(2), "all-gather", "pat/simple"),
        (nodes(2), "all-gather", "tree/simple"),
        (nodes(1, "nvlink-3"), "all-reduce", "nvls/simple"),
        (nodes(2), "broadcast", "tree/ll"),
    ],
)
def test_what_the_library_never_uses_takes_for_ever(group: Group, operation: str, key: str) -> None:
    assert estimate_s(NCCL, group, operation, key, 2.0**20) == inf


def test_short_messages_go_by_ll_and_long_ones_by_switches_then_rings() -> None:
    def taken(group: Group, size_bytes: float) -> str | None:
        return choose(NCCL, group, "all-reduce", NCCL.base_latency_s, size_bytes)

    assert [taken(NODE, size) for size in (1e4, 1e9)] == ["ring/ll", "nvls/simple"]
    assert [taken(nodes(2), size) for size in (1e4, 1e9)] == ["tree/ll", "nvls-tree/simple"]
    assert [taken(nodes(4), size) for size in (1e4, 4e9)] == ["tree/ll", "ring/simple"]


def test_operations_with_one_way_are_left_to_the_prices() -> None:
    assert choose(NCCL, NODE, "all-to-all", ["pairwise/simple"], 1e6) is None


@pytest.mark.parametrize(
    ("library", "scale_up", "message"),
    [
        ("generic-2026", "nvlink-4", "no published chooser"),
        ("nccl-2.30", "ici-v5p", "does not say how it rates 'ici-v5p'"),
    ],
)
def test_parts_without_tables_are_refused(library: str, scale_up: str, message: str) -> None:
    group = Group(8, 1, 8, 50e9, scale_up)
    with pytest.raises(ParameterError, match=message):
        choose(catalog.get("collective-library", library), group, "all-reduce", ["ring/simple"], 1)


def model(**changes: object) -> NetworkModel:
    given: dict[str, object] = {"library": NCCL} | changes
    return NetworkModel(
        build("fat-tree", {"hosts": 64, "radix": 32, "tiers": 2, "link_bytes_per_s": 50e9}),
        catalog.get("protocol", "infiniband-ndr"),
        catalog.get("scale-up", "nvlink-4"),
        8,
        8,
        64,
        **given,  # type: ignore[arg-type]
    )


def test_the_price_of_the_librarys_choice_is_ours_and_never_the_cheaper() -> None:
    fastest, nccl = model(), model(chooser="nccl")
    for operation in ("all-reduce", "all-gather", "broadcast", "all-to-all", "send-recv"):
        for size_bytes in (1e4, 1e6, 1e8, 1e10):
            communicator = Communicator(operation, 64, 1)
            taken = nccl.chosen(communicator, size_bytes)
            assert taken in fastest.candidates(communicator, size_bytes)
            best = fastest.chosen(communicator, size_bytes)
            took_s = taken.latency_s + size_bytes * taken.s_per_byte
            assert took_s >= best.latency_s + size_bytes * best.s_per_byte


def test_the_library_does_not_see_an_oversubscribed_fabric() -> None:
    """A tree crosses tapered leaves more often than a ring, which only our prices know."""

    def taken(chooser: str, taper: float) -> str:
        fabric = build(
            "fat-tree",
            {"hosts": 96, "radix": 32, "tiers": 2, "link_bytes_per_s": 50e9, "taper": taper},
        )
        network = NetworkModel(
            fabric,
            catalog.get("protocol", "roce-v2-adaptive"),
            catalog.get("scale-up", "nvlink-4"),
            8,
            8,
            96,
            NCCL,
            chooser=chooser,  # type: ignore[arg-type]
        )
        return network.chosen(Communicator("all-reduce", 96, 1), 2.0**26).algorithm

    assert taken("nccl", 1 / 3) == taken("nccl", 1.0)
    assert (taken("fastest", 1 / 3), taken("fastest", 1.0)) == ("ring/ll128", "tree/ll128")


@pytest.mark.parametrize("chooser", ["fastest", "nccl"])
def test_a_barrier_is_an_all_reduce_of_nothing(chooser: str) -> None:
    network = model(chooser=chooser)
    taken = network.chosen(Communicator("barrier", 64, 1), 0.0)
    alone = network.chosen(Communicator("all-reduce", 64, 1), 0.0)
    assert (taken.algorithm, taken.latency_s) == (alone.algorithm, alone.latency_s)
    assert taken.s_per_byte == 0.0


def test_a_library_with_a_barrier_of_its_own_counts_its_rounds() -> None:
    """Six rounds among 64 ranks, all of them across in the worst pair: 8.4 + 6 * 14 us."""
    network = model(library=catalog.get("collective-library", "generic-2026"))
    taken = network.chosen(Communicator("barrier", 64, 1), 0.0)
    assert taken.algorithm == "dissemination/simple"
    assert taken.latency_s == pytest.approx(8.4e-6 + 6 * 14e-6)


def test_every_algorithm_has_constants_in_the_generic_library() -> None:
    from netloom.collective import ALGORITHMS

    library = catalog.get("collective-library", "generic-2026")
    expected = {f"{name}/simple" for name in ALGORITHMS.names()}
    for table in ("base_latency_s", "scale_up_latency_s", "network_latency_s", "bandwidth_factor"):
        assert set(getattr(library, table)) == expected
