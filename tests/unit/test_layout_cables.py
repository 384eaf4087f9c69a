"""Floor, lengths, media and the cable schedule."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from netloom import catalog, layout
from netloom.cost.bom import FIBRE
from netloom.errors import ParameterError
from netloom.layout.ends import NIC
from netloom.layout.length import rounded_up
from netloom.schema.study import Layout
from netloom.topology import build, sized
from netloom.topology.counts import count, ports_used

BOOK = catalog.get("price-book", "market-2026")
#: Media of one generation; prices are the book's.
NAMES = (
    "dsp-400g-fr4", "dsp-400g-dr4", "dac-400g", "acc-400g", "dac-800g", "dsp-800g-dr8",
    "dsp-800g-2xfr4",
)  # fmt: skip
HALL = Layout(racks_per_row=20)


def market(names=NAMES):
    return layout.Market(
        tuple(catalog.get("medium", name) for name in names),
        lambda part: BOOK.prices[part].mode,
        BOOK.prices[FIBRE].mode,
    )


def planned(fabric, hall=HALL, names=NAMES, **options):
    boxes = [tier.name for tier in fabric.tiers if tier.switching != "embedded"]
    links = fabric.link_classes[0].links_per_cable
    cage = layout.Cage(
        links,
        fabric.link_classes[0].link_bytes_per_s,
        num_lanes=4 * links,
        lane_bytes_per_s=100e9 / 8,
    )
    return layout.plan(
        fabric, hall, nics_per_node=8, nodes_per_rack=4, node=layout.Box(8, 10.2e3),
        switches={name: layout.Box(2, 1500.0) for name in boxes},
        cages={tier.name: cage if tier.name in boxes else NIC for tier in fabric.tiers},
        market=market(names), **options,
    )  # fmt: skip


def superpod(units=4, cage_ports=1, **more):
    return build(
        "rail-optimized",
        {"units": units, "unit_nodes": 32, "radix": 64, "cage_ports": cage_ports} | more,
    )


@pytest.fixture(scope="module", params=("fat-tree", "leaf-spine", "pods", "rail-only",
                                         "rail-optimized", "dragonfly"))  # fmt: skip
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
    small = planned(fabric, HALL.model_copy(update={"rack_power": 11e3}))
    assert np.bincount(small.floor.node_rack).max() == 1


def test_a_node_that_no_rack_can_feed_is_refused():
    with pytest.raises(ParameterError, match=r"10\.2 kW"):
        planned(superpod(1), HALL.model_copy(update={"rack_power": 8e3}))


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
    for index in np.unique(plan.trunk_medium):
        sold = HALL.fibre_lengths if plan.offers[index].optical else HALL.copper_lengths
        assert set(np.unique(plan.stocked_m[plan.trunk_medium == index]).tolist()) <= set(sold)
    lengths = rounded_up(np.array([0.5, 0.51, 2.6]), HALL.copper_lengths)
    assert lengths.tolist() == [0.5, 1.0, 3.0]


def test_stocked_lengths_are_the_users():
    hall = HALL.model_copy(update={"fibre_lengths": (25.0, 60.0), "copper_lengths": (2.0,)})
    assert {lot.stocked_m for lot in planned(superpod(1), hall).lots()} == {25.0}


def test_a_longest_cable_is_kept():
    hall = HALL.model_copy(update={"longest_cable": 5.0})
    with pytest.raises(ParameterError, match="cables may be 5 m long") as refusal:
        planned(superpod(1), hall)
    assert refusal.value.problem.where == "layout.longest_cable"


def test_auto_takes_copper_that_reaches_and_then_the_cheapest(laid_out):
    fabric, plan = laid_out
    for trunk in range(0, len(plan.length_m), 37):
        # of the trunk's own class, those that take it whole
        mine = plan.trunk_class[plan.trunk_medium >= 0] == plan.trunk_class[trunk]
        candidates = np.unique(plan.trunk_medium[mine])
        best = min(
            (
                (offer.optical, offer.cable_usd / offer.num_links)
                for index, offer in enumerate(plan.offers)
                if index in candidates
                and fabric.trunk_links[trunk] % offer.num_links == 0
                and rounded_up(
                    plan.length_m[trunk : trunk + 1],
                    HALL.fibre_lengths if offer.optical else HALL.copper_lengths,
                )[0] <= offer.reach_m
            )
        )  # fmt: skip
        taken = plan.offers[plan.trunk_medium[trunk]]
        assert (taken.optical, taken.cable_usd / taken.num_links) == best


def test_a_pinned_medium_that_is_too_short_says_by_how_much_and_what_reaches():
    with pytest.raises(ParameterError) as refusal:
        planned(superpod(1), host_medium="dac-400g")
    text = f"{refusal.value} {refusal.value.problem.hint}"
    assert "dac-400g reaches 3 m" in text
    assert "host-leaf" in text
    assert "256 of 256" in text
    assert "longest 6.9 m" in text
    assert "dsp-400g-dr4 (500 m)" in text


def test_a_medium_at_another_rate_is_refused():
    fabric = superpod(1, link_bytes_per_s=25e9)
    with pytest.raises(ParameterError, match="dac-400g' does not join host-leaf links of 200 Gb/s"):
        planned(fabric, host_medium="dac-400g")
    with pytest.raises(ParameterError, match="no medium joins"):
        planned(fabric)


def test_pinned_media_are_taken():
    plan = planned(superpod(1), host_medium="dsp-400g-fr4", trunk_medium="dsp-400g-dr4")
    assert {(lot.link_class, lot.medium) for lot in plan.lots()} == {
        ("host-leaf", "dsp-400g-fr4"), ("leaf-spine", "dsp-400g-dr4"),
    }  # fmt: skip


def test_lots_carry_every_link_once(laid_out):
    fabric, plan = laid_out
    carried = Counter()
    for lot in plan.lots():
        carried[lot.link_class] += lot.num_links
    links = count(fabric).links
    assert dict(carried) == {name: number for name, number in links.items() if number}


def test_full_cages_make_one_cable_of_two_links():
    # 1 unit of 400G on twin-port cages: 8 leaves, 4 spines, 8 links to a pair
    plan = planned(superpod(1, cage_ports=2), host_medium="dsp-400g-dr4",
                   trunk_medium="dsp-800g-dr8")  # fmt: skip
    lots = [lot for lot in plan.lots() if lot.link_class == "leaf-spine"]
    assert sum(lot.num_cables for lot in lots) == 128
    assert sum(lot.num_transceivers for lot in lots) == 256
    assert sum(lot.num_legs for lot in lots) == 0
    assert sum(lot.num_cables for lot in plan.lots() if lot.link_class == "host-leaf") == 256


def test_a_twin_port_module_at_the_switch_feeds_two_modules_at_nics():
    plan = planned(superpod(1, cage_ports=2), host_medium="dsp-400g-dr4")
    hosts = [lot for lot in plan.lots() if lot.link_class == "host-leaf"]
    assert sum(lot.num_cables for lot in hosts) == sum(lot.num_links for lot in hosts) == 256
    modules = Counter()
    for lot in hosts:
        modules.update(lot.modules)
    assert modules == {"dsp-400g-dr4": 256, "dsp-800g-dr8": 128}


def test_an_odd_number_of_hosts_leaves_half_a_module_free():
    fabric = build("leaf-spine", {"hosts": 7, "radix": 16, "cage_ports": 2})
    hosts = planned(fabric, host_medium="dsp-400g-dr4").lots()[0]
    assert hosts.modules == {"dsp-400g-dr4": 7, "dsp-800g-dr8": 4}


def test_single_links_to_a_pair_leave_by_one_connector_of_a_module_each():
    # 8 units: a leaf has one link to each of 32 spines, so no cable fills a cage
    plan = planned(
        superpod(8, cage_ports=2),
        HALL.model_copy(update={"racks_per_row": 40}),
        host_medium="dsp-400g-dr4",
        trunk_medium="dsp-800g-dr8",
    )
    lots = [lot for lot in plan.lots() if lot.link_class == "leaf-spine"]
    assert sum(lot.num_links for lot in lots) == 2048
    # cables of one connector each take the trunks whole: two of them end in one module
    assert {lot.medium for lot in lots} == {"dsp-400g-dr4"}
    assert sum(lot.num_cables for lot in lots) == 2048
    assert sum(lot.num_transceivers for lot in lots) == 2048


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
    looser = planned(fabric, HALL.model_copy(update={"slack": 0.15}))
    assert (looser.length_m >= plan.length_m).all()
