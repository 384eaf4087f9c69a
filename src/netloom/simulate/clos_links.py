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
    from netloom.kernels.clos_lists import Trunks
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
    from netloom.kernels.clos_lists import families, links_of, trunks_by
    from netloom.kernels.clos_paths import ClosTables

    num_switches = fabric.num_switches
    # only host links stand before these
    inner = slice(int(np.argmax(np.append(fabric.trunk_class, 1) > 0)), None)
    host_start, host_link, host_switch = _host_links(fabric, inner)
    trunks = _trunks(fabric, inner)
    lower, upper = fabric.trunk_lower[inner], fabric.trunk_upper[inner]
    groups = switch_groups(fabric, routing)
    # endpoints have no group below, nor have switches that no endpoint hangs from
    is_host = fabric.trunk_class[inner] == 0
    below: NDArray[np.int64] = np.where(is_host, -1, groups[np.where(is_host, 0, lower)])
    up, down = np.where(below >= 0, lower, -1), np.where(below >= 0, upper, -1)
    upward = trunks_by(up, upper, num_switches)
    downward = trunks_by(down, below * num_switches + lower, num_switches)
    up_start, up_link, up_switch = links_of(upward, trunks, upper, True)
    _, down_link, down_switch = links_of(downward, trunks, lower, False)
    child_start, child_group, down_start = families(downward, trunks.num_links, below)
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
        down_start=down_start,
        down_link=down_link,
        down_switch=down_switch,
        num_links=int(fabric.trunk_links.sum()),
    )


def _trunks(fabric: Fabric, part: slice) -> Trunks:
    """Return the links of the trunks from some trunk on."""
    from netloom.kernels.clos_lists import Trunks

    num_links = fabric.trunk_links[part].astype(np.int32, copy=False)
    before = int(fabric.trunk_links[: part.start].sum())
    first_link = np.cumsum(num_links, dtype=np.int32)
    first_link += np.int32(before) - num_links
    return Trunks(first_link, num_links)


def _host_links(
    fabric: Fabric, inner: slice
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Return start, shape (E + 1,), link and leaf of every endpoint's links."""
    from netloom.kernels.clos_lists import links_of, trunks_by

    lower, upper, links = fabric.trunk_lower, fabric.trunk_upper, fabric.trunk_links
    number = np.arange(fabric.num_endpoints + 1, dtype=np.int32)
    hosts = slice(0, fabric.num_endpoints)
    if (
        inner.start == fabric.num_endpoints
        and (fabric.trunk_class[inner] > 0).all()
        and (links[hosts] == 1).all()
        and (lower[hosts] == number[:-1]).all()
    ):
        # one link each, in the order of the endpoints: they are the lists
        return number, number[:-1], upper[hosts]
    owner = np.where(fabric.trunk_class == 0, lower, -1)
    lists = trunks_by(owner, lower, fabric.num_endpoints)
    return links_of(lists, _trunks(fabric, slice(0, None)), upper, False)


def _position(group: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the place of every endpoint in the order of groups, top level first, shape (E,)."""
    number = np.arange(group.shape[1], dtype=np.int32)
    if (group[:, 1:] >= group[:, :-1]).all():
        return number
    position = np.empty_like(number)
    position[np.lexsort((number, *group))] = number
    return position
