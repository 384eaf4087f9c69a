"""The layout of one fabric: floor, lengths, media and cables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.layout.floor import Box, Floor, FloorRules, arrange
from netloom.layout.length import trunk_lengths
from netloom.layout.media import AUTO, MediumOffer, choose, links_per_cable
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
    num_transceivers : pluggables at the ends of the cables.
    """

    link_class: str
    medium: str
    stocked_m: float
    num_links: int
    num_cables: int
    num_legs: int
    num_transceivers: int


@dataclass(frozen=True)
class Layout:
    """Where everything stands and how it is joined; T trunks.

    Attributes
    ----------
    floor : places of racks, nodes and switches.
    media : what could be bought; `trunk_medium` points into it.
    link_class_names : of the fabric.
    trunk_class : int8, shape (T,), of the fabric.
    length_m : float32, shape (T,), computed.
    stocked_m : float32, shape (T,), as ordered.
    trunk_medium : int16, shape (T,).
    links_per_cable : int32, shape (T,), links of one full cable.
    num_cables : int32, shape (T,), full cables.
    num_legs : int32, shape (T,), links left over, one breakout leg each.
    """

    floor: Floor
    media: tuple[MediumOffer, ...]
    link_class_names: tuple[str, ...]
    trunk_class: NDArray[np.int8]
    length_m: NDArray[np.float32]
    stocked_m: NDArray[np.float32]
    trunk_medium: NDArray[np.int16]
    links_per_cable: NDArray[np.int32]
    num_cables: NDArray[np.int32]
    num_legs: NDArray[np.int32]

    def lots(self) -> tuple[CableLot, ...]:
        """Return cables by link class, medium and stocked length, in that order."""
        lengths, length = np.unique(self.stocked_m, return_inverse=True)
        key = self.trunk_class.astype(np.int64) * len(self.media) + self.trunk_medium
        kinds, which = np.unique(key * len(lengths) + length, return_inverse=True)
        full, legs = (np.bincount(which, weights=part) for part in (self.num_cables, self.num_legs))
        carried = np.zeros(len(kinds), dtype=np.int64)
        carried[which] = self.links_per_cable
        lots = []
        for number, kind in enumerate(kinds.tolist()):
            link_class, medium = divmod(kind // len(lengths), len(self.media))
            offer, per_cable = self.media[medium], int(carried[number])
            cables = int(full[number]) + -(-int(legs[number]) // per_cable)
            lots.append(
                CableLot(
                    link_class=self.link_class_names[link_class],
                    medium=offer.name,
                    stocked_m=float(lengths[kind % len(lengths)]),
                    num_links=int(full[number]) * per_cable + int(legs[number]),
                    num_cables=cables,
                    num_legs=int(legs[number]),
                    num_transceivers=offer.pluggable_ends * cables,
                )
            )
        return tuple(lots)


def plan(
    fabric: Fabric,
    rules: FloorRules,
    *,
    nics_per_node: int,
    nodes_per_rack: int,
    node: Box,
    switches: Mapping[str, Box],
    media: Sequence[MediumOffer],
    host_medium: str = AUTO,
    trunk_medium: str = AUTO,
    lane_bytes_per_s: float | None = None,
) -> Layout:
    """Return the layout of a fabric.

    Parameters
    ----------
    fabric : the built fabric.
    rules : floor of the hall, the study's layout section.
    nics_per_node, nodes_per_rack : of the node and its reference layout.
    node : size and draw of one node.
    switches : size and draw of one switch, by tier name.
    media : what can be bought for this fabric's ports.
    host_medium, trunk_medium : names of media, or `AUTO`.
    lane_bytes_per_s : electrical lane of the ports; None when any will do.

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
    medium = np.empty(len(length), dtype=np.int16)
    stocked = np.empty(len(length), dtype=np.float32)
    per_cable = np.empty(len(length), dtype=np.int32)
    for number, link_class in enumerate(fabric.link_classes):
        mine = fabric.trunk_class == number
        rate, cage_ports = link_class.link_bytes_per_s, link_class.links_per_cable
        medium[mine], stocked[mine] = choose(
            length[mine], media, host_medium if link_class.lower == HOST else trunk_medium,
            link_class=link_class.name, link_bytes_per_s=rate, cage_ports=cage_ports,
            lane_bytes_per_s=lane_bytes_per_s,
        )  # fmt: skip
        carries = np.array([links_per_cable(offer, rate, cage_ports) for offer in media])
        per_cable[mine] = carries[medium[mine]]
    return Layout(
        floor=floor,
        media=tuple(media),
        link_class_names=tuple(link_class.name for link_class in fabric.link_classes),
        trunk_class=fabric.trunk_class,
        length_m=length,
        stocked_m=stocked,
        trunk_medium=medium,
        links_per_cable=per_cable,
        num_cables=fabric.trunk_links // per_cable,
        num_legs=fabric.trunk_links % per_cable,
    )
