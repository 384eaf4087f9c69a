"""What may join two ports: lanes, cages, breakouts, co-packaged optics, splitters and reach."""

from __future__ import annotations

import numpy as np
import pytest

from netloom import catalog
from netloom.errors import ParameterError
from netloom.layout.ends import CIRCUIT, NIC, Cage, joints, lacking
from netloom.survey import Request, survey

MEDIA = tuple(catalog.get("medium", name) for name in catalog.names("medium"))
BOOK = catalog.get("price-book", "market-2026")
GB = 1e9 / 8


def cage(num_links, link_gb, lane_gb=100, **more):
    rate = num_links * link_gb
    return Cage(num_links, link_gb * GB, round(rate / lane_gb), lane_gb * GB, **more)


def found(link_gb, lower, upper):
    offered = joints(MEDIA, link_gb * GB, lower, upper, lambda part: float(BOOK.prices[part]))
    return {joint.medium.name: joint for joint in offered}


def test_a_generation_of_200g_lanes_has_no_passive_copper_no_aoc_and_no_multimode():
    for medium in MEDIA:
        fast = medium.lane_rate == "200 Gb/s"
        multimode = any("-sr" in face.name for face in medium.interfaces)
        gone = medium.technology in ("dac", "aoc") or multimode
        assert bool(lacking(medium)) == (fast and gone), medium.name
    between = found(800, cage(2, 800, 200), cage(2, 800, 200))
    assert {joint.medium.technology for joint in between.values()} == {"acc", "aec", "dsp-optics"}


def test_media_of_other_lanes_do_not_join():
    at_100g = found(800, cage(1, 800), cage(1, 800))
    at_200g = found(800, cage(2, 800, 200), cage(2, 800, 200))
    assert "dac-800g" in at_100g
    assert "dsp-800g-dr8" in at_100g
    assert "dac-800g" not in at_200g
    assert "dsp-800g-dr8" not in at_200g
    # 8 x 50G lanes: a cage of its own kind
    at_50g = found(400, cage(1, 400, 50), cage(1, 400, 50))
    assert {"dac-400g-50g", "dsp-400g-dr4-50g"} <= at_50g.keys()
    assert "dac-400g" not in at_50g


def test_a_cable_sold_whole_fills_both_cages_or_splits_to_nics():
    switches = found(400, cage(2, 400), cage(2, 400))
    assert "dac-400g" not in switches
    assert switches["dac-800g"].num_links == 2
    hosts = found(400, NIC, cage(2, 400))
    assert hosts["dac-400g"].num_links == 1
    assert "dac-800g" not in hosts


def test_a_link_count_that_does_not_divide_the_cage_is_no_choice():
    # 600G would be 3 of 4 links: nothing of 400G (two) and 800G (four) is lost
    links = {name: joint.num_links for name, joint in found(200, *2 * (cage(4, 200),)).items()}
    assert set(links.values()) == {1, 2, 4}
    assert links["dsp-400g-dr4"] == 2


def test_a_module_of_the_cage_ends_two_cables_by_its_connectors_and_four_by_a_splitter():
    twin = found(400, NIC, cage(2, 400))["dsp-400g-dr4"]
    assert (twin.lower.module, twin.lower.num_cables) == ("dsp-400g-dr4", 1)
    assert (twin.upper.module, twin.upper.num_cables) == ("dsp-800g-dr8", 2)
    assert twin.reach_m == 500
    split = found(200, NIC, cage(4, 200))["dsp-200g-dr2"]
    assert (split.upper.module, split.upper.num_cables) == ("dsp-800g-dr8", 4)
    assert split.reach_m == 50


def test_a_co_packaged_switch_meets_a_pluggable_nic_with_one_module():
    port = cage(1, 800, 200, co_packaged=True)
    hosts = found(800, NIC, port)
    assert set(hosts) == {"dsp-800g-dr4"}
    assert hosts["dsp-800g-dr4"].lower.module == "dsp-800g-dr4"
    assert hosts["dsp-800g-dr4"].upper.module == ""
    trunks = found(800, port, port)
    assert set(trunks) == {"cpo-800g"}
    assert trunks["cpo-800g"].lower.module == trunks["cpo-800g"].upper.module == ""
    # and a box with cages at 200G lanes
    mixed = found(800, cage(2, 800, 200), port)
    assert mixed["dsp-800g-dr4"].lower.module == "dsp-1600g-dr8"


def test_switches_of_different_lanes_meet_in_light_alone():
    mixed = found(400, cage(2, 400), cage(1, 400, 50))
    assert {joint.medium.technology for joint in mixed.values()} == {"dsp-optics"}
    ends = {joint.lower.module for joint in mixed.values()}
    assert ends == {"dsp-800g-dr8", "dsp-800g-2xfr4"}
    assert {joint.upper.module for joint in mixed.values()} == {
        "dsp-400g-dr4-50g", "dsp-400g-fr4-50g",
    }  # fmt: skip


def test_an_optical_circuit_switch_ends_no_signal():
    fibres = found(800, NIC, CIRCUIT)
    assert all(joint.upper.module == "" for joint in fibres.values())
    assert all(joint.medium.pluggable_ends for joint in fibres.values())


XDR = {"units": 1, "unit_nodes": 72, "radix": 144, "link_rate": "800 Gb/s"}


@pytest.mark.parametrize(
    ("switch", "medium", "says"),
    [
        ("q3400", "dac-1600g", "there is no passive copper at 200 Gb/s per lane"),
        ("q3400", "dsp-800g-sr8", "it needs lanes of 100 Gb/s"),
        ("q3400", "cpo-800g", "co-packaged optics at both ends"),
        ("q3450", "dsp-1600g-dr8", "does not divide cages of 1 links"),
    ],
)
def test_a_pinned_medium_that_does_not_join_says_why_and_what_does(switch, medium, says):
    with pytest.raises(ParameterError) as refusal:
        survey(Request("rail-optimized", XDR, {"": switch}, trunk_medium=medium))
    assert says in refusal.value.problem.message
    assert "500 m" in refusal.value.problem.hint


def test_five_metres_at_200g_per_lane_are_too_far_for_copper():
    with pytest.raises(ParameterError) as refusal:
        survey(Request("rail-optimized", XDR, {"": "q3400"}, trunk_medium="acc-1600g"))
    assert "acc-1600g reaches 2 m" in refusal.value.problem.message
    assert "dsp-1600g-dr8 (500 m)" in refusal.value.problem.hint


def test_chassis_on_upper_tiers_are_priced_as_chassis():
    pods = {"pods": 2, "pod_hosts": 1024, "radix": "64,576,576"}
    chassis = {"leaf": "tomahawk-4", "spine": "arista-7816r3", "core": "arista-7816r3"}
    answer = survey(Request("pods", pods, chassis)).as_json()
    lines = {line["used_in"]: line for line in answer["bom"] if line["group"] == "switches"}
    assert lines["spine"]["unit_usd"] == float(BOOK.prices["switch/arista-7816r3"])
    assert lines["leaf"]["unit_usd"] == float(BOOK.prices["switch/tomahawk-4"])
    with pytest.raises(ParameterError, match="a spine switch needs 576 ports, tomahawk-4 has 64"):
        survey(Request("pods", pods, {"": "tomahawk-4"}))


def test_boxes_of_different_size_do_not_share_a_rack():
    pods = {"pods": 2, "pod_hosts": 1024, "rack_hosts": 32, "radix": "64,576,576"}
    chassis = {"leaf": "tomahawk-4", "spine": "arista-7816r3", "core": "arista-7816r3"}
    placed = survey(Request("pods", pods, chassis))
    tiers = placed.fabric.switch_tier
    # 48 units hold one chassis of 32
    chassis_racks = placed.layout.floor.switch_rack[tiers > 0]
    assert len(np.unique(chassis_racks)) == len(chassis_racks)
