"""Floor, lengths, media and the cable schedule."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest

from netloom import layout
from netloom.errors import ParameterError
from netloom.layout.length import COPPER_STOCK_M, FIBRE_STOCK_M, rounded_up
from netloom.layout.media import MediumOffer, links_per_cable
from netloom.topology import build, kinds, sized
from netloom.topology.counts import count, ports_used


@dataclass(frozen=True)
class Hall:
    rack_power: float = 44e3
    racks_per_row: int = 20
    rack_width: float = 0.6
    row_pitch: float = 3.3
    rise: float = 1.5
    dressing: float = 0.5
    slack: float = 0.1


def offer(name, gb_per_s, reach_m, usd, ends=0, optical=False):
    return MediumOffer(
        name, name.split("-")[0], optical, ends, gb_per_s * 1e9 / 8, 100e9 / 8, reach_m, usd
    )


MEDIA = (
    offer("fr4-400g", 400, 2000.0, 1000.0, ends=2, optical=True),
    offer("dr4-400g", 400, 500.0, 600.0, ends=2, optical=True),
    offer("dac-400g", 400, 3.0, 80.0),
    offer("acc-400g", 400, 5.0, 150.0),
    offer("dac-800g", 800, 2.0, 120.0),
    offer("dr8-800g", 800, 500.0, 1000.0, ends=2, optical=True),
)


def planned(fabric, hall=None, media=MEDIA, **options):
    switches = {tier.name: layout.Box(2, 1500.0) for tier in fabric.tiers}
    return layout.plan(
        fabric, hall or Hall(), nics_per_node=8, nodes_per_rack=4, node=layout.Box(8, 10.2e3),
        switches=switches, media=media, **options,
    )  # fmt: skip


def superpod(units=4, cage_ports=1, **more):
    return build(
        "rail-optimized",
        {"units": units, "unit_nodes": 32, "radix": 64, "cage_ports": cage_ports} | more,
    )


@pytest.fixture(scope="module", params=kinds())
def laid_out(request):
    hosts = 1000 if request.param != "dragonfly" else 1016
    parameters = sized(
        request.param,
        hosts=hosts,
        nics_per_node=8,
        num_ports=64,
        link_bytes_per_s=50e9,
        ports_per_cage=2,
    )
    fabric = build(request.param, parameters)
    return fabric, planned(fabric)


def test_a_superpod_has_eight_compute_racks_to_a_unit_with_leaves_in_their_middle():
    plan = planned(superpod())
    floor = plan.floor
    # 128 nodes in 32 racks; one rack for the 8 leaves of each unit, one for the 16 spines
    assert int((~floor.rack_is_network).sum()) == 32
    assert int(floor.rack_is_network.sum()) == 5
    for unit in range(4):
        racks = np.unique(floor.node_rack[32 * unit : 32 * (unit + 1)])
        leaves = np.unique(floor.switch_rack[8 * unit : 8 * (unit + 1)])
        assert len(racks) == 8
        assert len(leaves) == 1
        assert (racks < leaves[0]).sum() == (racks > leaves[0]).sum() == 4
        assert len(np.unique(floor.rack_y_m[[*racks, *leaves]])) == 1


def test_nothing_overlaps_in_a_rack_and_nothing_sticks_out(laid_out):
    _, plan = laid_out
    floor = plan.floor
    units = Counter()
    for rack, low in zip(floor.node_rack, floor.node_u, strict=True):
        units.update((rack, u) for u in range(low, low + 8))
    for rack, low in zip(floor.switch_rack, floor.switch_u, strict=True):
        units.update((rack, u) for u in range(low, low + 2))
    assert max(units.values()) == 1
    assert all(1 <= u <= 48 for _, u in units)
    places = np.stack([floor.rack_x_m, floor.rack_y_m])
    assert len(np.unique(places, axis=1).T) == floor.num_racks
    assert floor.rack_x_m.max() < 20 * 0.6


def test_racks_hold_what_their_power_feeds(laid_out):
    fabric, plan = laid_out
    floor = plan.floor
    nodes = np.bincount(floor.node_rack, minlength=floor.num_racks)
    assert nodes.max() * 10.2e3 <= 44e3
    assert (nodes[floor.rack_is_network] == 0).all()
    small = planned(fabric, Hall(rack_power=11e3))
    assert np.bincount(small.floor.node_rack).max() == 1


def test_a_node_that_no_rack_can_feed_is_refused():
    with pytest.raises(ParameterError, match=r"10\.2 kW"):
        planned(superpod(1), Hall(rack_power=8e3))


def test_switches_of_one_racks_hosts_stand_in_that_rack():
    fabric = build("pods", {"pods": 2, "pod_hosts": 512, "rack_hosts": 16, "radix": (64, 64, 64)})
    plan = planned(fabric)
    leaf = fabric.switch_tier == 0
    host = fabric.trunk_class == 0
    node = fabric.trunk_lower[host] // 8
    assert (plan.floor.node_rack[node] == plan.floor.switch_rack[fabric.trunk_upper[host]]).all()
    assert not plan.floor.rack_is_network[plan.floor.switch_rack[leaf]].any()
    assert plan.floor.rack_is_network[plan.floor.switch_rack[~leaf]].all()
    # a pod's spines stand among its own racks
    for pod in range(2):
        spines = plan.floor.switch_rack[(fabric.switch_tier == 1) & (fabric.switch_block == pod)]
        nodes = plan.floor.node_rack[fabric.endpoint_block[::8] == pod]
        assert nodes.min() < spines.min() <= spines.max() < nodes.max()


def test_length_by_hand():
    fabric = superpod(1)
    plan = planned(fabric)
    # racks 0-3, network rack 4, racks 5-8: node 0 to leaf 0 is 4 racks of 0.6 m
    floor = plan.floor
    assert floor.node_rack[0] == 0
    assert floor.switch_rack[0] == 4
    assert plan.length_m[0] == pytest.approx(1.1 * (4 * 0.6 + 2 * 1.5) + 2 * 0.5)
    same = build("pods", {"pods": 1, "pod_hosts": 32, "rack_hosts": 32, "radix": 64})
    low, above = 1, 1 + 4 * 8
    assert planned(same).length_m[0] == pytest.approx(1.1 * (above - low) * 0.04445 + 1.0)


def test_lengths_are_rounded_up_to_what_is_sold(laid_out):
    _, plan = laid_out
    assert (plan.stocked_m >= plan.length_m - 1e-5).all()
    for medium in np.unique(plan.trunk_medium):
        sold = FIBRE_STOCK_M if plan.media[medium].optical else COPPER_STOCK_M
        assert set(np.unique(plan.stocked_m[plan.trunk_medium == medium]).tolist()) <= set(sold)
    assert rounded_up(np.array([0.5, 0.51, 2.6]), COPPER_STOCK_M).tolist() == [0.5, 1.0, 3.0]


def test_auto_takes_copper_that_reaches_and_then_the_cheapest(laid_out):
    _, plan = laid_out
    carries = np.array([links_per_cable(part, 50e9, 2) for part in MEDIA])
    for trunk in range(0, len(plan.length_m), 37):
        reaching = [
            index for index, part in enumerate(MEDIA)
            if rounded_up(plan.length_m[trunk : trunk + 1], part.stock_m)[0] <= part.reach_m
        ]  # fmt: skip
        copper = [index for index in reaching if not MEDIA[index].optical]
        best = min(copper or reaching, key=lambda index: MEDIA[index].cable_usd / carries[index])
        assert plan.trunk_medium[trunk] == best


def test_a_pinned_medium_that_is_too_short_says_how_many_cables_and_by_how_much():
    with pytest.raises(ParameterError) as refusal:
        planned(superpod(1), host_medium="dac-400g")
    text = str(refusal.value)
    assert "dac-400g reaches 3 m" in text
    assert "host-leaf" in text
    assert "256 of 256" in text
    assert "longest 6.9 m" in text


def test_a_medium_at_another_rate_is_refused():
    fabric = superpod(1, link_bytes_per_s=25e9)
    with pytest.raises(ParameterError, match="dac-400g' does not join host-leaf links of 200 Gb/s"):
        planned(fabric, host_medium="dac-400g")
    with pytest.raises(ParameterError, match="no medium joins"):
        planned(fabric)


def test_pinned_media_are_taken():
    plan = planned(superpod(1), host_medium="fr4-400g", trunk_medium="dr4-400g")
    assert {(lot.link_class, lot.medium) for lot in plan.lots()} == {
        ("host-leaf", "fr4-400g"), ("leaf-spine", "dr4-400g"),
    }  # fmt: skip


def test_lots_carry_every_link_once(laid_out):
    fabric, plan = laid_out
    carried = Counter()
    for lot in plan.lots():
        carried[lot.link_class] += lot.num_links
        medium = next(part for part in MEDIA if part.name == lot.medium)
        assert lot.num_transceivers == medium.pluggable_ends * lot.num_cables
    links = count(fabric).links
    assert dict(carried) == {name: number for name, number in links.items() if number}


def test_full_cages_make_one_cable_of_two_links():
    # 1 unit of 400G on twin-port cages: 8 leaves, 4 spines, 8 links to a pair
    plan = planned(superpod(1, cage_ports=2), host_medium="dr4-400g", trunk_medium="dr8-800g")
    lots = {lot.link_class: lot for lot in plan.lots()}
    assert lots["leaf-spine"].num_cables == 128
    assert lots["leaf-spine"].num_transceivers == 256
    assert lots["leaf-spine"].num_legs == 0
    assert sum(lot.num_cables for lot in plan.lots() if lot.link_class == "host-leaf") == 256


def test_single_links_to_a_pair_leave_as_breakout_legs():
    # 8 units: a leaf has one link to each of 32 spines, so no cable fills a cage
    plan = planned(
        superpod(8, cage_ports=2),
        Hall(racks_per_row=40),
        host_medium="dr4-400g",
        trunk_medium="dr8-800g",
    )
    lots = [lot for lot in plan.lots() if lot.link_class == "leaf-spine"]
    assert sum(lot.num_legs for lot in lots) == 2048
    assert sum(lot.num_links for lot in lots) == 2048
    assert 1024 <= sum(lot.num_cables for lot in lots) <= 1024 + len(lots)


def expanded(port, cage_ports):
    """Return the ports that a schedule's port text names, counted from 0."""
    cage, _, place = port.partition("/")
    if not place:
        return range((int(cage) - 1) * cage_ports, int(cage) * cage_ports)
    first, _, last = place.partition("-")
    start = (int(cage) - 1) * cage_ports - 1
    return range(start + int(first), start + int(last or first) + 1)


def test_no_port_is_used_twice_and_no_link_is_missing(laid_out):
    fabric, plan = laid_out
    radix = {tier.name: tier.num_ports for tier in fabric.tiers}
    used, links, labels, nics = Counter(), Counter(), set(), Counter()
    for row in layout.cable_rows(fabric, plan):
        cable = dict(zip(layout.CABLE_COLUMNS, row, strict=True))
        ends = [(cable["b_device"], cable["b_port"])]
        if cable["a_device"].startswith("node"):
            nics[(cable["a_device"], cable["a_port"])] += 1
        else:
            ends.append((cable["a_device"], cable["a_port"]))
        for device, port in ends:
            ports = expanded(port, 2)
            used.update((device, number) for number in ports)
        links[cable["tier"]] += len(ports)
        assert cable["label"] not in labels
        labels.add(cable["label"])
        assert cable["bundle"] == "-".join(sorted((cable["a_rack"], cable["b_rack"])))
    assert max(used.values()) == 1
    assert max(nics.values()) == 1
    assert len(nics) == fabric.num_endpoints
    assert dict(links) == {name: number for name, number in count(fabric).links.items() if number}
    assert len(used) == int(ports_used(fabric).sum())
    for device, port in used:
        assert 0 <= port < radix[device.rstrip("0123456789")]


def test_planes_of_a_nic_are_ports_of_their_own():
    fabric = build("leaf-spine", {"hosts": 64, "radix": 64, "planes": 2})
    rows = list(layout.cable_rows(fabric, planned(fabric)))
    nics = {(row[4], row[5]) for row in rows if row[1] == "host-leaf"}
    assert len(nics) == 128
    assert ("node0001", "nic1/1") in nics
    assert ("node0008", "nic8/2") in nics


def test_more_slack_never_shortens_a_cable(laid_out):
    fabric, plan = laid_out
    looser = planned(fabric, replace(Hall(), slack=0.15))
    assert (looser.length_m >= plan.length_m).all()
