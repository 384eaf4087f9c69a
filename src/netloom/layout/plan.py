"""The layout of one fabric: floor, lengths, media and cables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.layout.ends import NIC, Cage
from netloom.layout.floor import Box, Floor, FloorRules, arrange
from netloom.layout.length import trunk_lengths
from netloom.layout.media import AUTO, Market, MediumOffer, Ports, Stock, choose, offers
from netloom.topology.counts import port_units
from netloom.topology.fabric import HOST, Fabric


@dataclass(frozen=True)
class CableLot:
    """Cables of one link class, medium and stocked length.

    Attributes
    ----------
    link_class : name of the fabric's link class.
    medium : catalogue name.
    stocked_m : length as ordered.
    num_links : logical links carried.
    num_cables : full cables; breakout legs count as the cages that they fill, rounded up.
    num_legs : breakout legs, each a run of its own in the cable schedule.
    modules : pluggables at the ends of the cables, by catalogue name. Modules that cables of
        several lengths share are split over the lengths by their cables.
    """

    link_class: str
    medium: str
    stocked_m: float
    num_links: int
    num_cables: int
    num_legs: int
    modules: Mapping[str, int]

    @property
    def num_transceivers(self) -> int:
        """Pluggables at the ends of the cables."""
        return sum(self.modules.values())


@dataclass(frozen=True)
class Layout:
    """Where everything stands and how it is joined; T trunks.

    Attributes
    ----------
    floor : places of racks, nodes and switches.
    offers : what joins the ports, link class by link class; `trunk_medium` points into it.
    modules : pluggables of each offer as used, lower and upper end, by catalogue name.
    link_class_names : of the fabric.
    cage_links : links of a switch's cage at the tier's slowest rate, by tier of the fabric.
    port_units : ports of that rate that a link takes at either end, by link class.
    trunk_class : int8, shape (T,), of the fabric.
    length_m : float32, shape (T,), computed.
    stocked_m : float32, shape (T,), as ordered.
    trunk_medium : int16, shape (T,); -1 for traces, which are no cables.
    links_per_cable : int32, shape (T,), links of one full cable.
    num_cables : int32, shape (T,), full cables.
    num_legs : int32, shape (T,), links left over, one breakout leg each.
    """

    floor: Floor
    offers: tuple[MediumOffer, ...]
    modules: tuple[Mapping[str, int], ...]
    link_class_names: tuple[str, ...]
    cage_links: tuple[int, ...]
    port_units: tuple[tuple[int, int], ...]
    trunk_class: NDArray[np.int8]
    length_m: NDArray[np.float32]
    stocked_m: NDArray[np.float32]
    trunk_medium: NDArray[np.int16]
    links_per_cable: NDArray[np.int32]
    num_cables: NDArray[np.int32]
    num_legs: NDArray[np.int32]

    def lots(self) -> tuple[CableLot, ...]:
        """Return cables by link class, medium and stocked length, in that order."""
        on = self.trunk_medium >= 0
        medium = self.trunk_medium[on]
        num_full, num_legs = self.num_cables[on], self.num_legs[on]
        lengths, length = np.unique(self.stocked_m[on], return_inverse=True)
        number = self.trunk_class[on].astype(np.int64) * len(self.offers) + medium
        key = number * len(lengths) + length
        full, legs = np.bincount(key, weights=num_full), np.bincount(key, weights=num_legs)
        runs = np.bincount(medium, weights=num_full + num_legs)
        shared = _Shares(self.modules)
        lots: list[CableLot] = []
        for kind in np.flatnonzero(full + legs).tolist():
            of_class, place = divmod(kind, len(lengths))
            link_class, index = divmod(of_class, len(self.offers))
            offer = self.offers[index]
            cables, left = int(full[kind]), int(legs[kind])
            lots.append(
                CableLot(
                    link_class=self.link_class_names[link_class],
                    medium=offer.name,
                    stocked_m=float(lengths[place]),
                    num_links=cables * offer.num_links + left,
                    num_cables=cables + -(-left // offer.num_links),
                    num_legs=left,
                    modules=shared.take(index, (cables + left) / runs[index]),
                )
            )
        return tuple(lots)


class _Shares:
    """Whole modules dealt out by shares that add up to 1: no module is lost and none is doubled."""

    def __init__(self, modules: tuple[Mapping[str, int], ...]) -> None:
        self._modules = modules
        self._dealt = [0.0] * len(modules)

    def take(self, number: int, share: float) -> dict[str, int]:
        """Return the modules of the next share of one offer."""
        before = self._dealt[number]
        self._dealt[number] = after = before + share
        return {
            name: round(after * count) - round(before * count)
            for name, count in self._modules[number].items()
        }


def plan(
    fabric: Fabric,
    rules: FloorRules,
    *,
    nics_per_node: int,
    nodes_per_rack: int,
    node: Box,
    switches: Mapping[str, Box],
    cages: Mapping[str, Cage],
    market: Market,
    host_medium: str = AUTO,
    trunk_medium: str = AUTO,
) -> Layout:
    """Return the layout of a fabric.

    Parameters
    ----------
    fabric : the built fabric.
    rules : floor of the hall, the study's layout section.
    nics_per_node, nodes_per_rack : of the node and its reference layout.
    node : size and draw of one node.
    switches : size and draw of one switch, by the name of each tier of boxes.
    cages : cages of one switch at the tier's slowest rate, by the name of each tier.
    market : media that can be bought.
    host_medium, trunk_medium : names of media, or `AUTO`.

    Raises
    ------
    ParameterError
        When a rack holds no node, or a medium does not fit or reach.
    """
    floor = arrange(
        fabric, rules,
        nics_per_node=nics_per_node, nodes_per_rack=nodes_per_rack, node=node, switches=switches,
    )  # fmt: skip
    length = trunk_lengths(fabric, floor, rules)
    stock = Stock(tuple(rules.copper_lengths), tuple(rules.fibre_lengths), rules.longest_cable)
    medium = np.full(len(length), -1, dtype=np.int16)
    stocked = np.zeros(len(length), dtype=np.float32)
    offered: list[MediumOffer] = []
    links_per_cable = np.ones(len(length), dtype=np.int32)
    for number, link_class in enumerate(fabric.link_classes):
        mine = fabric.trunk_class == number
        if not (link_class.cabled and mine.any()):
            continue
        rate = link_class.link_bytes_per_s
        lower = NIC if link_class.lower == HOST else cages[fabric.tiers[link_class.lower].name]
        upper = cages[fabric.tiers[link_class.upper].name]
        ports = Ports(link_class.name, rate, lower.run_at(rate), upper.run_at(rate))
        found = offers(market, ports)
        index, stocked[mine] = choose(
            length[mine], fabric.trunk_links[mine], found,
            host_medium if lower.is_nic else trunk_medium,
            ports=ports, market=market, stock=stock,
        )  # fmt: skip
        medium[mine] = len(offered) + index
        links_per_cable[mine] = np.array([offer.num_links for offer in found])[index]
        offered += found
    cabled = medium >= 0
    return Layout(
        floor=floor,
        offers=tuple(offered),
        modules=tuple(_modules(fabric, medium, offered)),
        link_class_names=tuple(link_class.name for link_class in fabric.link_classes),
        cage_links=tuple(cages[tier.name].num_links for tier in fabric.tiers),
        port_units=port_units(fabric),
        trunk_class=fabric.trunk_class,
        length_m=length,
        stocked_m=stocked,
        trunk_medium=medium,
        links_per_cable=links_per_cable,
        num_cables=np.where(cabled, fabric.trunk_links // links_per_cable, 0),
        num_legs=np.where(cabled, fabric.trunk_links % links_per_cable, 0),
    )


def _modules(
    fabric: Fabric, trunk_medium: NDArray[np.int16], offered: list[MediumOffer]
) -> list[dict[str, int]]:
    """Return the modules of each offer: at each switch as many as hold its links, rounded up."""
    counts: list[dict[str, int]] = []
    for index, offer in enumerate(offered):
        found: dict[str, int] = {}
        mine = np.flatnonzero(trunk_medium == index)
        for end, device in ((offer.lower, fabric.trunk_lower), (offer.upper, fabric.trunk_upper)):
            if len(mine) and end.module:
                links = np.bincount(device[mine], weights=fabric.trunk_links[mine])
                needed = int(np.ceil(links / (end.num_cables * offer.num_links)).sum())
                found[end.module] = found.get(end.module, 0) + needed
        counts.append(found)
    return counts
