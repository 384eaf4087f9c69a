"""What a further switch adds, counted by hand and against measured hops."""

from __future__ import annotations

import pytest

from netloom import catalog
from netloom.simulate.latency import WireLot, hop_latency_s, wire_latency_s
from netloom.topology import build

FABRIC = build("fat-tree", {"hosts": 64, "radix": 16, "tiers": 2})


def hop_s(switch: str, protocol: str, *wires: tuple[str, str, float, int]) -> float | None:
    part = catalog.get("switch", switch)
    lots = [
        WireLot(link_class, catalog.get("medium", medium), length_m, num_links)
        for link_class, medium, length_m, num_links in wires
    ]
    return hop_latency_s(
        FABRIC.tiers,
        FABRIC.link_classes,
        {tier.name: part for tier in FABRIC.tiers},
        lots,
        catalog.get("protocol", protocol),
    )


def test_copper_adds_five_nanoseconds_a_metre_and_next_to_nothing_at_its_ends() -> None:
    copper = catalog.get("medium", "dac-400g")
    assert wire_latency_s(copper, 2.0) == pytest.approx(2 * 3e-9 + 2 * 4.7e-9)


def test_a_hop_is_switch_error_correction_ends_and_glass() -> None:
    found = hop_s("qm9700", "infiniband-ndr", ("leaf-spine", "dsp-400g-dr4", 20.0, 64))
    fibre_s = 20 * float(catalog.get("medium", "dsp-400g-dr4").propagation_s_per_m)
    assert found == pytest.approx(140e-9 + 120e-9 + 200e-9 + fibre_s)


def test_links_count_by_their_number_and_host_links_do_not() -> None:
    near = hop_s("qm9700", "infiniband-ndr", ("leaf-spine", "dsp-400g-dr4", 10.0, 1))
    far = hop_s("qm9700", "infiniband-ndr", ("leaf-spine", "dsp-400g-dr4", 30.0, 1))
    both = hop_s(
        "qm9700", "infiniband-ndr",
        ("leaf-spine", "dsp-400g-dr4", 10.0, 3), ("leaf-spine", "dsp-400g-dr4", 30.0, 1),
        ("host-leaf", "dsp-400g-dr4", 500.0, 99),
    )  # fmt: skip
    assert near is not None
    assert far is not None
    assert both == pytest.approx((3 * near + far) / 4)


def test_no_links_between_switches_is_no_hop() -> None:
    assert hop_s("qm9700", "infiniband-ndr", ("host-leaf", "dac-400g", 2.0, 4)) is None


@pytest.mark.parametrize(
    ("switch", "protocol", "measured_s"),
    [("qm9700", "infiniband-ndr", 0.45e-6), ("sn5600", "roce-v2", 1.0e-6)],
)
def test_measured_hops_lie_between_copper_and_long_optics(
    switch: str, protocol: str, measured_s: float
) -> None:
    """The measurements do not name their media: a hop over 3 m of copper is the least they can be,
    one over 50 m of fibre between signal processors the most."""
    least = hop_s(switch, protocol, ("leaf-spine", "dac-400g", 3.0, 1))
    most = hop_s(switch, protocol, ("leaf-spine", "dsp-400g-dr4", 50.0, 1))
    assert least is not None
    assert most is not None
    assert least < measured_s < most


def test_linear_optics_are_two_hundred_nanoseconds_faster_a_hop() -> None:
    dsp = hop_s("sn5600", "roce-v2", ("leaf-spine", "dsp-800g-dr8", 20.0, 1))
    lpo = hop_s("sn5600", "roce-v2", ("leaf-spine", "lpo-800g-dr8", 20.0, 1))
    assert dsp is not None
    assert lpo is not None
    assert dsp - lpo == pytest.approx(2 * 97e-9)
