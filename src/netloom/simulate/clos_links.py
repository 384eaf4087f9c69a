"""Single links of a folded Clos network, tabled for `netloom.kernels.clos_paths`.

Legend: E endpoints, S switches, L levels, T trunks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from netloom.topology.clos import within
from netloom.topology.fabric import Fabric
from netloom.topology.routing.tree import TreeRouting

if TYPE_CHECKING:
    from netloom.kernels.clos_paths import ClosTables


def switch_groups(fabric: Fabric, routing: TreeRouting) -> NDArray[np.int64]:
    """Return the group of every switch on its own level, shape (S,); -1 when none hangs below."""
    groups = np.full(fabric.num_switches, -1, dtype=np.int64)
    host = fabric.trunk_class == 0
    groups[fabric.trunk_upper[host]] = routing.group[0][fabric.trunk_lower[host]]
    for level in range(1, len(routing.group)):
        parent = np.full(int(routing.group[level - 1].max()) + 1, -1, dtype=np.int64)
        parent[routing.group[level - 1]] = routing.group[level]
        inner = np.flatnonzero(fabric.trunk_class == level)
        below = groups[fabric.trunk_lower[inner]]
        used = below >= 0
        groups[fabric.trunk_upper[inner[used]]] = parent[below[used]]
    return groups


def is_complete(fabric: Fabric, routing: TreeRouting) -> bool:
    """Return whether no way up is a dead end, whatever the target.

    Every switch above the leaves reaches every group below its own that any switch reaches, and
    where one switch of a group has links upwards, all have.
    """
    groups = switch_groups(fabric, routing)
    for level in range(1, len(routing.group)):
        inner = np.flatnonzero(fabric.trunk_class == level)
        inner = inner[groups[fabric.trunk_lower[inner]] >= 0]
        lower, upper = fabric.trunk_lower[inner], fabric.trunk_upper[inner].astype(np.int64)
        below, size = groups[lower], int(routing.group[level - 1].max()) + 1
        family = np.unique(groups[upper] * size + below)
        num_children = np.bincount(family // size)
        switch, reached = np.unique(np.unique(upper * size + below) // size, return_counts=True)
        if (reached != num_children[groups[switch]]).any():
            return False
        leads_up = np.zeros(fabric.num_switches, dtype=bool)
        leads_up[lower] = True
        hanging = np.unique(fabric.trunk_upper[fabric.trunk_class == level - 1])
        hanging = hanging[groups[hanging] >= 0]
        if not leads_up[hanging[np.isin(groups[hanging], below)]].all():
            return False
    return True


def clos_tables(fabric: Fabric, routing: TreeRouting) -> ClosTables:
    """Return the tables; links are numbered trunk by trunk.

    The links up from a switch are in the order of D-mod-k: first one to every upper switch, then
    the second ones, and so on.
    """
    from netloom.kernels.clos_paths import ClosTables

    links = fabric.trunk_links.astype(np.int64)
    first_link = np.cumsum(links) - links
    groups = switch_groups(fabric, routing)
    is_host = np.flatnonzero(fabric.trunk_class == 0)
    is_inner = np.flatnonzero(fabric.trunk_class > 0)
    is_inner = is_inner[groups[fabric.trunk_lower[is_inner]] >= 0]

    host_trunk = np.repeat(is_host, links[is_host])
    copy = within(links[is_host])
    endpoint = fabric.trunk_lower[host_trunk]
    by_endpoint = np.argsort(endpoint, kind="stable")

    inner = np.repeat(is_inner, links[is_inner])
    number = within(links[is_inner])
    lower, upper = fabric.trunk_lower[inner], fabric.trunk_upper[inner]
    going_up = np.lexsort((upper, number, lower))
    below = groups[lower]
    going_down = np.lexsort((number, lower, below, upper))
    pair = upper[going_down].astype(np.int64) * (below.max(initial=0) + 1) + below[going_down]
    starts = np.flatnonzero(np.r_[True, pair[1:] != pair[:-1]][: len(pair)])
    return ClosTables(
        position=_position(routing.group),
        group=routing.group,
        host_start=_starts(endpoint[by_endpoint], fabric.num_endpoints),
        host_link=(first_link[host_trunk] + copy)[by_endpoint].astype(np.int32),
        host_switch=fabric.trunk_upper[host_trunk][by_endpoint].astype(np.int32),
        up_start=_starts(lower[going_up], fabric.num_switches),
        up_link=(first_link[inner] + number)[going_up].astype(np.int32),
        up_switch=upper[going_up].astype(np.int32),
        child_start=_starts(upper[going_down][starts], fabric.num_switches),
        child_group=below[going_down][starts].astype(np.int32),
        down_start=np.r_[starts, len(pair)].astype(np.int64),
        down_link=(first_link[inner] + number)[going_down].astype(np.int32),
        down_switch=lower[going_down].astype(np.int32),
        num_links=int(links.sum()),
    )


def _starts(owner: NDArray[np.int32], num_owners: int) -> NDArray[np.int64]:
    """Return where each owner's items start among items sorted by owner, shape (owners + 1,)."""
    return np.searchsorted(owner, np.arange(num_owners + 1)).astype(np.int64)


def _position(group: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the place of every endpoint in the order of groups, top level first, shape (E,)."""
    order = np.lexsort((np.arange(group.shape[1]), *group))
    position = np.empty(group.shape[1], dtype=np.int64)
    position[order] = np.arange(group.shape[1])
    return position
