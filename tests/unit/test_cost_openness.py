"""Shares of a network's money by who can deliver it and by what standard defines it."""

import pytest

from netloom import catalog
from netloom.cost.openness import openness
from netloom.result import BomLine, Range


def line(part, usd, group):
    return BomLine(group, part, "", "here", 1, Range(usd, usd, usd), 0.0, "C", "reseller")


def opened(protocol, *lines, rate=50e9):
    return openness(lines, catalog.get("protocol", protocol), rate)


def test_an_infiniband_network_is_bound_to_its_maker_but_for_the_cables():
    found = opened(
        "infiniband-ndr",
        line("nic/connectx-7", 100.0, "nics"),
        line("switch/qm9700", 200.0, "switches"),
        line("medium/dsp-800g-dr8", 60.0, "optics"),
        line("fibre/mpo", 40.0, "cables"),
    )
    assert found.one_vendor_fraction == pytest.approx(0.75)
    assert found.several_vendors_fraction == pytest.approx(0.25)
    # IEEE 802.3df and IEC 61754-7
    assert found.open_standard_fraction == pytest.approx(0.25)
    assert [part.vendors for part in found.parts[:2]] == [("NVIDIA",), ("NVIDIA",)]


def test_the_same_nic_on_ethernet_has_rivals():
    found = opened("roce-v2", line("nic/connectx-7", 100.0, "nics"))
    assert found.parts[0].vendors == ("AMD", "Broadcom", "NVIDIA")
    assert found.open_standard_fraction == found.several_vendors_fraction == 1.0


def test_boxes_of_many_makers_around_one_chip_have_one_vendor():
    (part,) = opened("roce-v2", line("switch/tomahawk-5-bailly", 1.0, "switches")).parts
    assert catalog.get("switch", "tomahawk-5-bailly").vendor == "multi-vendor"
    assert part.vendors == ("Broadcom",)
    assert not part.several_vendors
    assert part.standards


def test_a_closed_protocol_is_no_open_standard_even_on_open_switches():
    found = opened("spectrum-x", line("switch/sn5600", 1.0, "switches"))
    assert (found.open_standard_fraction, found.one_vendor_fraction) == (0.0, 1.0)


def test_a_medium_without_a_standard_is_sold_by_many_all_the_same():
    found = opened("roce-v2", line("medium/lro-800g-dr8", 1.0, "optics"))
    assert (found.several_vendors_fraction, found.open_standard_fraction) == (1.0, 0.0)


def test_nodes_and_labour_are_left_out_and_shares_add_up():
    lines = (
        line("node/dgx-h100", 1e6, "nodes"),
        line("site/installation", 1e6, "installation"),
        line("switch/qm9700", 3.0, "switches"),
        line("medium/dac-400g", 1.0, "cables"),
    )
    found = opened("infiniband-ndr", *lines)
    assert {part.part for part in found.parts} == {"switch/qm9700", "medium/dac-400g"}
    assert found.several_vendors_fraction + found.one_vendor_fraction == pytest.approx(1.0)
    assert found.one_vendor_fraction == pytest.approx(0.75)


def test_every_packet_switch_says_whose_chip_it_has_and_every_open_protocol_its_standard():
    for name in catalog.names("switch"):
        switch = catalog.get("switch", name)
        assert bool(switch.silicon_vendor) != switch.circuits, name
    for name in catalog.names("protocol"):
        protocol = catalog.get("protocol", name)
        assert bool(protocol.standards) == protocol.open_standard, name
