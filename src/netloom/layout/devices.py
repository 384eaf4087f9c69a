"""Which box an end of a trunk belongs to: a node's NIC, or a switch of its own.

Routers that are embedded in endpoints (`Tier.switching`) are no boxes: their cables end in the
endpoint. Positions of a family that hold no endpoint yet have their router, rack space and cables
all the same; they are numbered after the endpoints.

Legend: S switches, E endpoints and empty positions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.topology.fabric import HOST, Fabric


@dataclass(frozen=True)
class Devices:
    """The endpoints behind switches.

    Attributes
    ----------
    num_endpoints : E, empty positions included.
    endpoint_of : int64, shape (S,), endpoint whose embedded router this is; -1 for boxes.
    """

    num_endpoints: int
    endpoint_of: NDArray[np.int64]


def devices(fabric: Fabric) -> Devices:
    """Return the endpoints behind embedded routers, the same in all planes."""
    found = np.full(fabric.num_switches, -1, dtype=np.int64)
    total = fabric.num_endpoints
    host = fabric.trunk_class == 0
    for number, tier in enumerate(fabric.tiers):
        if tier.switching != "embedded":
            continue
        routers = np.flatnonzero(fabric.switch_tier == number)
        first, place = routers[0], np.empty(len(routers), dtype=np.int64)
        planes = max(1, int(fabric.switch_plane[routers].max()) + 1)
        place[:] = np.arange(len(routers)) % (len(routers) // planes)
        at_router = np.full(len(routers) // planes, -1, dtype=np.int64)
        upper = fabric.trunk_upper[host]
        mine = fabric.switch_tier[upper] == number
        at_router[place[upper[mine] - first]] = fabric.trunk_lower[host][mine]
        empty = at_router < 0
        at_router[empty] = total + np.arange(int(empty.sum()))
        total += int(empty.sum())
        found[routers] = at_router[place]
    return Devices(total, found)


def lower_endpoint(fabric: Fabric, found: Devices) -> NDArray[np.int64]:
    """Return the endpoint at the lower end of each trunk, -1 where a box is; shape (T,)."""
    is_host = np.array([kind.lower == HOST for kind in fabric.link_classes])[fabric.trunk_class]
    switch = np.where(is_host, 0, fabric.trunk_lower)
    return np.where(is_host, fabric.trunk_lower, found.endpoint_of[switch])


def is_cabled(fabric: Fabric) -> NDArray[np.bool_]:
    """Return whether each trunk is cables rather than traces; shape (T,)."""
    return np.array([kind.cabled for kind in fabric.link_classes])[fabric.trunk_class]
