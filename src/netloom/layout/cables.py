"""The cable schedule: every cable with both ends, medium, length and label.

Legend: T trunks, C cables (full cables and breakout legs).

Ports of a NIC, and of an accelerator's own router, are numbered over all planes. Ports of a switch
are numbered from 1; with several links to a cage they are ``cage/place``, and a
cable that fills its cage is named by the cage alone. On each switch the cables that carry most
links come first, so that they fill whole cages; then lower link classes come first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.layout.devices import devices, lower_endpoint
from netloom.layout.length import trunk_ends
from netloom.layout.plan import Layout
from netloom.topology.clos import within
from netloom.topology.fabric import Fabric
from netloom.topology.names import endpoint_place, switch_name

#: Columns of `rows`.
COLUMNS = (
    "id", "tier", "a_rack", "a_u", "a_device", "a_port", "b_rack", "b_u", "b_device", "b_port",
    "medium", "length_m", "label", "bundle",
)  # fmt: skip

#: Cables whose texts are made at a time.
_CHUNK = 8192


@dataclass(frozen=True)
class Cables:
    """All cables, in order of trunks.

    Attributes
    ----------
    trunk : int32, shape (C,).
    num_links : int32, shape (C,), logical links of the cable.
    lower_port, upper_port : int32, shape (C,), first port used at either end, from 0.
    """

    trunk: NDArray[np.int32]
    num_links: NDArray[np.int32]
    lower_port: NDArray[np.int32]
    upper_port: NDArray[np.int32]


def schedule(fabric: Fabric, layout: Layout) -> Cables:
    """Return every cable of a layout with the ports that it takes."""
    runs = layout.num_cables.astype(np.int64) + layout.num_legs
    trunk = np.repeat(np.arange(len(runs)), runs)
    is_full = within(runs) < layout.num_cables[trunk]
    num_links = np.where(is_full, layout.links_per_cable[trunk], 1)
    # a device is a switch, or an endpoint numbered after the switches
    inside = devices(fabric)
    lower_end, upper_end = lower_endpoint(fabric, inside), inside.endpoint_of[fabric.trunk_upper]
    switches = fabric.num_switches
    lower = np.where(lower_end >= 0, switches + lower_end, fabric.trunk_lower)
    upper = np.where(upper_end >= 0, switches + upper_end, fabric.trunk_upper)

    cables = np.arange(len(trunk))
    device = np.concatenate([lower[trunk], upper[trunk]])
    cable = np.concatenate([cables, cables])
    # faster links take several ports of the slowest rate
    units = np.array(layout.port_units)[fabric.trunk_class[trunk]]
    taken = num_links[cable] * np.concatenate([units[:, 0], units[:, 1]])
    order = np.lexsort((cable, fabric.trunk_class[trunk[cable]], -taken, device))
    ports = taken[order]
    before = np.cumsum(ports) - ports
    first_end = np.searchsorted(device[order], device[order])
    port = np.empty(len(cable), dtype=np.int64)
    port[order] = before - before[first_end]
    return Cables(
        trunk=trunk.astype(np.int32),
        num_links=num_links.astype(np.int32),
        lower_port=port[: len(cables)].astype(np.int32),
        upper_port=port[len(cables) :].astype(np.int32),
    )


def rows(
    fabric: Fabric, layout: Layout, cables: Cables | None = None
) -> Iterator[tuple[object, ...]]:
    """Yield one row of `COLUMNS` per cable.

    Racks are ``R0001``, devices ``node0001`` or tier and number. The label repeats both ends; a
    bundle is all cables between the same two racks, which are pulled together.
    """
    cables = schedule(fabric, layout) if cables is None else cables
    lower_rack, lower_u, upper_rack, upper_u = trunk_ends(fabric, layout.floor)
    first_of_tier = np.searchsorted(fabric.switch_tier, np.arange(len(fabric.tiers)))
    nics = layout.floor.nics_per_node
    inside = devices(fabric)
    lower_end = lower_endpoint(fabric, inside)
    upper_end = inside.endpoint_of[fabric.trunk_upper]
    # a NIC with one cable needs no number for its port
    ends = np.concatenate([lower_end[cables.trunk], upper_end[cables.trunk]])
    several = len(cables.trunk) > 0 and np.bincount(ends[ends >= 0], minlength=1).max() > 1

    def end(endpoint: int, switch: int, tier: int, port: int, ports: int) -> tuple[str, str]:
        if endpoint >= 0:
            place = f"/{port + 1}" if several else ""
            node, nic = endpoint_place(endpoint, nics)
            return node, nic + place
        name = switch_name(fabric.tiers[tier].name, switch - int(first_of_tier[tier]))
        return name, _port(port, ports, layout.cage_links[tier])

    for start in range(0, len(cables.trunk), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        fields = (cables.trunk, cables.num_links, cables.lower_port, cables.upper_port)
        for number, (trunk, links, lower_port, upper_port) in enumerate(
            zip(*(field[chunk].tolist() for field in fields), strict=True), start=start + 1
        ):
            kind = fabric.link_classes[fabric.trunk_class[trunk]]
            lower, upper = int(fabric.trunk_lower[trunk]), int(fabric.trunk_upper[trunk])
            low, high = (links * ports for ports in layout.port_units[fabric.trunk_class[trunk]])
            a_device, a_port = end(int(lower_end[trunk]), lower, kind.lower, lower_port, low)
            b_device, b_port = end(int(upper_end[trunk]), upper, kind.upper, upper_port, high)
            a_rack, b_rack = f"R{lower_rack[trunk] + 1:04d}", f"R{upper_rack[trunk] + 1:04d}"
            yield (
                f"C{number:06d}", kind.name, a_rack, int(lower_u[trunk]), a_device, a_port,
                b_rack, int(upper_u[trunk]), b_device, b_port,
                layout.offers[layout.trunk_medium[trunk]].name, float(layout.stocked_m[trunk]),
                f"{a_device}:{a_port}-{b_device}:{b_port}", "-".join(sorted((a_rack, b_rack))),
            )  # fmt: skip


def _port(first: int, links: int, cage_ports: int) -> str:
    """Return a port's name; `first` counts from 0.

    Examples
    --------
    >>> _port(4, 1, 1), _port(4, 2, 2), _port(5, 1, 2), _port(6, 2, 4)
    ('5', '3', '3/2', '2/3-4')
    """
    if cage_ports == 1:
        return str(first + 1)
    cage, place = divmod(first, cage_ports)
    if links == cage_ports:
        return str(cage + 1)
    last = f"-{place + links}" if links > 1 else ""
    return f"{cage + 1}/{place + 1}{last}"
