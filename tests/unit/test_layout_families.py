"""What a cable schedule must keep for every family: each port once, each link once, each pair of
ends in one place; and the bill's cables and transceivers are those of the schedule."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from netloom import layout
from netloom.errors import ParameterError
from netloom.layout.devices import devices
from netloom.survey import Request, survey
from netloom.topology import build, kinds, parameter_model, sized
from netloom.topology.counts import count, ports_needed, ports_used, tier_rates

#: Endpoints, links to a cage, and parameters where a family has them.
SETTINGS = (
    (64, 1, {}),
    (200, 2, {}),
    (7, 2, {}),
    (256, 1, {"planes": 2}),
    (520, 2, {"taper": 0.5}),
    (96, 4, {"tiers": 3}),
)


def surveys(kind):
    names = parameter_model(kind).model_fields
    for hosts, cage_ports, given in SETTINGS:
        if not given.keys() <= names.keys():
            continue
        try:
            parameters = sized(
                kind, hosts=hosts, nics_per_node=8, num_ports=32, link_bytes_per_s=50e9,
                ports_per_cage=cage_ports, given=given,
            )  # fmt: skip
        except ParameterError:
            continue
        build(kind, parameters)
        yield survey(Request(kind, parameters.model_dump()))


@pytest.fixture(
    scope="module", params=[kind for kind in kinds() if kind != "graph"]  # a graph needs a file
)  # fmt: skip
def surveyed(request):
    found = list(surveys(request.param))
    assert len(found) >= 2
    return found


def ports_of(text, cage_ports):
    """Return the ports that a schedule's port text names, counted from 0."""
    cage, _, place = text.partition("/")
    if not place:
        return range((int(cage) - 1) * cage_ports, int(cage) * cage_ports)
    first, _, last = place.partition("-")
    start = (int(cage) - 1) * cage_ports - 1
    return range(start + int(first), start + int(last or first) + 1)


def test_no_port_is_used_twice_and_no_link_is_missing(surveyed):
    for found in surveyed:
        fabric, placed = found.fabric, found.layout
        cages = dict(zip([tier.name for tier in fabric.tiers], placed.cage_links, strict=True))
        names = [tier.name for tier in fabric.tiers]
        radix = dict(zip(names, ports_needed(fabric), strict=True))
        used, nics, links, labels = Counter(), Counter(), Counter(), set()
        for row in layout.cable_rows(fabric, placed):
            cable = dict(zip(layout.CABLE_COLUMNS, row, strict=True))
            carried = set()
            for end in "ab":
                device, port = cable[f"{end}_device"], cable[f"{end}_port"]
                if device.startswith("node"):
                    nics[device, port] += 1
                    continue
                # a tier's name may end in a digit, the number has four
                cage_ports = cages[device[:-4]]
                ports = ports_of(port, cage_ports)
                assert all(0 <= number < radix[device[:-4]] for number in ports)
                used.update((device, number) for number in ports)
                carried.add(len(ports))
            # where a switch has links of several rates, fast ones take several of its ports
            assert len(carried) <= 1 or max(tier_rates(fabric)) > min(tier_rates(fabric))
            links[cable["tier"]] += min(carried, default=1)
            assert cable["label"] not in labels
            labels.add(cable["label"])
        assert max(used.values(), default=1) == 1
        assert max(nics.values(), default=1) == 1
        counted = count(fabric)
        cabled = {name for name in counted.cables if counted.links[name]}
        assert dict(links) == {name: counted.links[name] for name in cabled}
        boxes = devices(fabric).endpoint_of < 0
        if len({kind.link_bytes_per_s for kind in fabric.link_classes}) == 1:
            assert len(used) == int(ports_used(fabric)[boxes].sum())


def test_both_ends_of_a_device_stand_in_one_place(surveyed):
    for found in surveyed:
        places = {}
        for row in layout.cable_rows(found.fabric, found.layout):
            cable = dict(zip(layout.CABLE_COLUMNS, row, strict=True))
            for end in "ab":
                place = cable[f"{end}_rack"], cable[f"{end}_u"]
                assert places.setdefault(cable[f"{end}_device"], place) == place


def test_nothing_overlaps_in_a_rack(surveyed):
    for found in surveyed:
        floor, fabric = found.layout.floor, found.fabric
        units = Counter()
        for rack, low in zip(floor.node_rack, floor.node_u, strict=True):
            units.update((rack, u) for u in range(low, low + 8))
        boxes = np.flatnonzero(devices(fabric).endpoint_of < 0)
        for switch in boxes.tolist():
            tier = fabric.tiers[fabric.switch_tier[switch]].name
            height = found.tiers[tier].switch.height_u
            low = floor.switch_u[switch]
            units.update((floor.switch_rack[switch], u) for u in range(low, low + height))
        assert max(units.values()) == 1
        assert all(1 <= u <= 48 for _, u in units)
        places = np.stack([floor.rack_x_m, floor.rack_y_m])
        assert len(np.unique(places, axis=1).T) == floor.num_racks


def test_optical_cables_have_two_transceivers_where_a_cage_holds_one_link(surveyed):
    for found in surveyed:
        if found.fabric.link_classes[0].links_per_cable > 1 or "ocs" in found.switches:
            continue
        optics = {
            offer.name for offer in found.layout.offers if offer.lower.module or offer.upper.module
        }
        pluggable = sum(found.cables_by_medium.get(name, 0) for name in optics)
        assert sum(found.transceivers.values()) == 2 * pluggable


def test_modules_at_a_switch_are_the_cages_that_its_pluggables_take(surveyed):
    for found in surveyed:
        fabric, placed = found.fabric, found.layout
        needed = Counter()
        for trunk, index in enumerate(placed.trunk_medium.tolist()):
            if index < 0:
                continue
            offer, links = placed.offers[index], int(fabric.trunk_links[trunk])
            for side, end in (("lower", offer.lower), ("upper", offer.upper)):
                if end.module:
                    device = int(getattr(fabric, f"trunk_{side}")[trunk])
                    needed[index, side, device] += links / (end.num_cables * offer.num_links)
        modules = sum(int(np.ceil(cages - 1e-9)) for cages in needed.values())
        assert sum(found.transceivers.values()) == modules


def test_json_counts_add_up(surveyed):
    for found in surveyed:
        answer = found.as_json()
        for name in ("switches", "links", "cables", "transceivers", "ports_used", "ports_free"):
            counts = dict(answer[name])
            assert counts.pop("total") == sum(counts.values())
        cables = answer["cables"]["total"]
        assert sum(answer["cables_by_length"].values()) == cables
        assert sum(answer["cables_by_medium"].values()) == cables
        usd = sum(line["total_usd"] for line in answer["bom"])
        assert usd == pytest.approx(answer["cost_usd"]["mode"])
        assert min(answer["ports_free"].values()) >= 0
