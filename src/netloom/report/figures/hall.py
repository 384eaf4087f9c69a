"""What the drawings of a hall share: the placed fabric, and what its boxes are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.layout import Layout
from netloom.layout.devices import devices
from netloom.topology.fabric import Fabric


@dataclass(frozen=True)
class Hall:
    """A placed fabric with the names and heights of its boxes.

    Attributes
    ----------
    fabric, layout : built and laid out.
    node_name : what stands in the node racks.
    node_height_u : of one node.
    switch_names, switch_heights_u : by the name of each tier of boxes.
    rack_units : height of a rack.
    """

    fabric: Fabric
    layout: Layout
    node_name: str
    node_height_u: int
    switch_names: Mapping[str, str]
    switch_heights_u: Mapping[str, int]
    rack_units: int

    def boxes(self) -> NDArray[np.int64]:
        """Return the switches that are boxes of their own."""
        return np.flatnonzero(devices(self.fabric).endpoint_of < 0)

    def tier_of_rack(self) -> NDArray[np.int64]:
        """Return the tier that most boxes of each network rack belong to, -1 for node racks."""
        floor, fabric = self.layout.floor, self.fabric
        boxes = self.boxes()
        shape = floor.num_racks, len(fabric.tiers)
        counts = np.zeros(shape, dtype=np.int64)
        np.add.at(counts, (floor.switch_rack[boxes], fabric.switch_tier[boxes]), 1)
        return np.where(floor.rack_is_network, counts.argmax(axis=1), -1)

    def device_name(self, switch: int) -> str:
        """Return a switch's name in the cable schedule."""
        tier = int(self.fabric.switch_tier[switch])
        first = int(np.searchsorted(self.fabric.switch_tier, tier))
        return f"{self.fabric.tiers[tier].name}{switch - first + 1:04d}"


def colour(tier: int) -> str:
    """Return the fill class of a tier's boxes; -1 is the nodes."""
    return "f-compute" if tier < 0 else f"f-rail-{tier % 8}"
