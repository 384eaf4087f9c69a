"""Single links of a folded Clos network, tabled for `netloom.kernels.clos_paths`.

Legend: E endpoints, S switches, L levels, T trunks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from netloom.topology.fabric import Fabric
from netloom.topology.routing.tree import TreeRouting

if TYPE_CHECKING:
    from netloom.kernels.clos_paths import ClosTables


def switch_groups(fabric: Fabric, routing: TreeRouting) -> NDArray[np.int64]:
    """Return the group of every switch on its own level, shape (S,); -1 when none hangs below."""
    from netloom.kernels import clos_lists

    return clos_lists.switch_groups(
        routing.group, fabric.num_switches, fabric.trunk_class, fabric.trunk_lower,
        fabric.trunk_upper,
    )  # fmt: skip


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
    from netloom.kernels.clos_lists import families, links_by
    from netloom.kernels.clos_paths import ClosTables

    links, lower, upper = fabric.trunk_links, fabric.trunk_lower, fabric.trunk_upper
    num_switches = fabric.num_switches
    is_host = fabric.trunk_class == 0
    groups = switch_groups(fabric, routing)
    # endpoints have no group below, nor have switches that no endpoint hangs from
    below: NDArray[np.int64] = np.where(is_host, -1, groups[np.where(is_host, 0, lower)])
    from_host, up = np.where(is_host, lower, -1), np.where(below >= 0, lower, -1)
    down = np.where(below >= 0, upper, -1)
    host_start, host_link, host_switch, _ = links_by(
        from_host, upper, lower, links, fabric.num_endpoints, False
    )
    up_start, up_link, up_switch, _ = links_by(up, upper, upper, links, num_switches, True)
    down_start, down_link, down_switch, down_trunk = links_by(
        down, lower, below * num_switches + lower, links, num_switches, False
    )
    child_start, child_group, first = families(down_start, down_trunk, below)
    return ClosTables(
        position=_position(routing.group),
        group=routing.group,
        host_start=host_start,
        host_link=host_link,
        host_switch=host_switch,
        up_start=up_start,
        up_link=up_link,
        up_switch=up_switch,
        child_start=child_start,
        child_group=child_group,
        down_start=first,
        down_link=down_link,
        down_switch=down_switch,
        num_links=int(links.sum()),
    )


def _position(group: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the place of every endpoint in the order of groups, top level first, shape (E,)."""
    order = np.arange(group.shape[1])
    if (np.diff(group, axis=1) < 0).any():
        order = np.lexsort((order, *group))
    position = np.empty(group.shape[1], dtype=np.int64)
    position[order] = np.arange(group.shape[1])
    return position
