"""The cable schedule: every cable with both ends, medium, length and label.

Legend: T trunks, C cables (full cables and breakout legs).

Ports of a switch are numbered from 1; with several links to a cage they are ``cage/place``, and a
cable that fills its cage is named by the cage alone. On each switch the cables that carry most
links come first, so that they fill whole cages; then lower link classes come first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.layout.length import trunk_ends
from netloom.layout.plan import Layout
from netloom.topology.clos import within
from netloom.topology.fabric import HOST, Fabric

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
    lower_port, upper_port : int32, shape (C,), first port used at either end, from 0; a NIC's port
        is its plane.
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
    is_host = np.array([kind.lower == HOST for kind in fabric.link_classes])[fabric.trunk_class]

    cables = np.arange(len(trunk))
    inner = cables[~is_host[trunk]]
    switch = np.concatenate([fabric.trunk_lower[trunk[inner]], fabric.trunk_upper[trunk]])
    cable = np.concatenate([inner, cables])
    order = np.lexsort((cable, fabric.trunk_class[trunk[cable]], -num_links[cable], switch))
    ports = num_links[cable[order]]
    before = np.cumsum(ports) - ports
    first_end = np.searchsorted(switch[order], switch[order])
    port = np.empty(len(cable), dtype=np.int64)
    port[order] = before - before[first_end]

    lower_port = np.empty(len(trunk), dtype=np.int64)
    lower_port[inner] = port[: len(inner)]
    hosts = cables[is_host[trunk]]
    by_endpoint = hosts[np.argsort(fabric.trunk_lower[trunk[hosts]], kind="stable")]
    endpoint = fabric.trunk_lower[trunk[by_endpoint]]
    taken = np.cumsum(num_links[by_endpoint]) - num_links[by_endpoint]
    lower_port[by_endpoint] = taken - taken[np.searchsorted(endpoint, endpoint)]
    return Cables(
        trunk=trunk.astype(np.int32),
        num_links=num_links.astype(np.int32),
        lower_port=lower_port.astype(np.int32),
        upper_port=port[len(inner) :].astype(np.int32),
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
    planes = np.bincount(fabric.trunk_lower[fabric.trunk_class == 0]).max() > 1

    def switch_name(switch: int) -> str:
        tier = fabric.switch_tier[switch]
        return f"{fabric.tiers[tier].name}{switch - first_of_tier[tier] + 1:04d}"

    for start in range(0, len(cables.trunk), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        fields = (cables.trunk, cables.num_links, cables.lower_port, cables.upper_port)
        for number, (trunk, links, lower_port, upper_port) in enumerate(
            zip(*(field[chunk].tolist() for field in fields), strict=True), start=start + 1
        ):
            kind = fabric.link_classes[fabric.trunk_class[trunk]]
            lower, upper = int(fabric.trunk_lower[trunk]), int(fabric.trunk_upper[trunk])
            if kind.lower == HOST:
                a_device = f"node{lower // nics + 1:04d}"
                a_port = f"nic{lower % nics + 1}" + (f"/{lower_port + 1}" if planes else "")
            else:
                a_device = switch_name(lower)
                a_port = _port(lower_port, links, layout.cage_links[kind.lower])
            b_device = switch_name(upper)
            b_port = _port(upper_port, links, layout.cage_links[kind.upper])
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
