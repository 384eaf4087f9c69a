"""What holds for the prices of communicators on every fabric."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from netloom import catalog
from netloom.collective import ALGORITHMS, OPERATIONS, algorithms_for
from netloom.collective.groups import Communicator
from netloom.simulate.network import NetworkModel
from netloom.topology import build

NUM_ACCELERATORS = 128

#: Algorithms that the library has constants for, and operations that some of them carry out.
PRICED = {
    key.split("/")[0] for key in catalog.get("collective-library", "nccl-2.30").base_latency_s
}
OPERATIONS_WITH_PRICES = sorted(
    operation for operation in OPERATIONS if PRICED & algorithms_for(operation).keys()
)


def model(link_bytes_per_s: float, taper: float, protocol: str) -> NetworkModel:
    fabric = build(
        "fat-tree",
        {
            "hosts": NUM_ACCELERATORS,
            "radix": 24,
            "tiers": 3,
            "taper": taper,
            "link_bytes_per_s": link_bytes_per_s,
        },
    )
    return NetworkModel(
        fabric,
        catalog.get("protocol", protocol),
        catalog.get("scale-up", "nvlink-4"),
        8,
        8,
        NUM_ACCELERATORS,
        catalog.get("collective-library", "nccl-2.30"),
    )


@st.composite
def communicators(draw: st.DrawFn) -> Communicator:
    size = 2 ** draw(st.integers(1, 7))
    stride = 2 ** draw(st.integers(0, 7 - (size.bit_length() - 1)))
    return Communicator(draw(st.sampled_from(OPERATIONS_WITH_PRICES)), size, stride)


@settings(max_examples=40, deadline=None)
@given(communicators(), st.sampled_from(["infiniband-ndr", "roce-v2"]), st.sampled_from([1.0, 0.5]))
def test_more_bandwidth_and_less_taper_are_never_slower(
    communicator: Communicator, protocol: str, taper: float
) -> None:
    def s_per_byte(link_bytes_per_s: float, taper: float) -> float:
        network = model(link_bytes_per_s, taper, protocol)
        return min(price.s_per_byte for price in network.candidates(communicator))

    base = s_per_byte(25e9, taper)
    assert s_per_byte(50e9, taper) <= base * (1 + 1e-12)
    if protocol == "infiniband-ndr":
        assert s_per_byte(25e9, 1.0) <= base * (1 + 1e-12)


@settings(max_examples=40, deadline=None)
@given(communicators())
def test_bus_bandwidth_never_exceeds_what_a_rank_can_send(communicator: Communicator) -> None:
    """A rank has one NIC and its scale-up links, and no algorithm sends less than the least."""
    operation, size, *_ = communicator
    scale_up = float(catalog.get("scale-up", "nvlink-4").bytes_per_s)
    network = model(50e9, 1.0, "infiniband-ndr")
    for price in network.candidates(communicator):
        least = {
            "all-reduce": 2 * (size - 1) / size,
            "broadcast": 1.0,
            "reduce": 1.0,
            "send-recv": 1.0,
            "barrier": 0.0,
        }.get(operation, (size - 1) / size)
        if operation == "all-reduce" and hasattr(
            ALGORITHMS.get(price.algorithm.split("/")[0]), "NEEDS"
        ):
            # where switches reduce, a buffer leaves every rank once
            least = 1.0
        assert least <= price.s_per_byte * (scale_up + 50e9) * (1 + 1e-12)
