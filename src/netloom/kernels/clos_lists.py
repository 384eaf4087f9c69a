"""Single links of a folded Clos network, listed by the switch or endpoint that they leave from.

Legend: E endpoints, S switches, L levels, T trunks, D / 2 links, O owners of lists.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def switch_groups(group, num_switches, trunk_class, lower, upper):
    """Return the group of every switch on its own level, int64, shape (S,); -1 if none hangs below.

    Parameters
    ----------
    group : int32, shape (L, E), as in `topology.routing.tree`.
    trunk_class : integers, shape (T,), level at which a trunk ends, 0 for host links.
    lower, upper : int32, shape (T,), endpoint or switch, and switch.
    """
    groups = np.full(num_switches, -1, dtype=np.int64)
    parent = np.empty(group.max() + 1 if group.size else 0, dtype=np.int64)
    for level in range(group.shape[0]):
        if level > 0:
            for endpoint in range(group.shape[1]):
                parent[group[level - 1, endpoint]] = group[level, endpoint]
        for trunk in range(len(trunk_class)):
            if trunk_class[trunk] != level:
                continue
            if level == 0:
                groups[upper[trunk]] = group[0, lower[trunk]]
            elif groups[lower[trunk]] >= 0:
                groups[upper[trunk]] = parent[groups[lower[trunk]]]
    return groups


@njit(cache=True)
def links_by(owner, other, key, step, trunk_links, num_owners):
    """Return lists of links by owner, each in the order of ``key[trunk] + step * number``.

    Links are numbered trunk by trunk; a link's `number` is its place inside its trunk. Links of
    equal keys stay in their order.

    Parameters
    ----------
    owner : int32, shape (T,), whose list the links of a trunk are on; -1 for none.
    other : int32, shape (T,), where they lead.
    key : int64, shape (T,).
    trunk_links : int32, shape (T,).

    Returns
    -------
    start : int64, shape (O + 1,).
    link, end, trunk : int32, links, where they lead, and what trunk each is of.

    Examples
    --------
    Two trunks of two links from switch 0: first one link of each, the nearer switch first.

    >>> two, no_one = np.array([2, 2]), np.array([0, 0])
    >>> links_by(no_one, np.array([7, 6]), np.array([7, 6]), 8, two, 1)[1].tolist()
    [2, 0, 3, 1]
    """
    start = np.zeros(num_owners + 1, dtype=np.int64)
    for trunk in range(len(owner)):
        if owner[trunk] >= 0:
            start[owner[trunk] + 1] += trunk_links[trunk]
    for place in range(num_owners):
        start[place + 1] += start[place]
    size = start[num_owners]
    links, ends = np.empty(size, dtype=np.int32), np.empty(size, dtype=np.int32)
    trunks, keys = np.empty(size, dtype=np.int32), np.empty(size, dtype=np.int64)
    filled = start.copy()
    link = 0
    for trunk in range(len(owner)):
        if owner[trunk] < 0:
            link += trunk_links[trunk]
            continue
        first = start[owner[trunk]]
        for number in range(trunk_links[trunk]):
            # lists are short, and mostly in order as they come: insertion is linear then
            place, own = filled[owner[trunk]], key[trunk] + step * number
            filled[owner[trunk]] += 1
            while place > first and keys[place - 1] > own:
                keys[place], links[place] = keys[place - 1], links[place - 1]
                ends[place], trunks[place] = ends[place - 1], trunks[place - 1]
                place -= 1
            keys[place], links[place], ends[place], trunks[place] = own, link, other[trunk], trunk
            link += 1
    return start, links, ends, trunks


@njit(cache=True)
def families(start, trunk, below):
    """Return the groups below each switch: start, int64, (S + 1,), group, int32, and first link.

    Parameters
    ----------
    start, trunk : lists of links down, in order of the group below; see `links_by`.
    below : int64, shape (T,), group below each trunk.
    """
    num_switches = len(start) - 1
    child_start = np.zeros(num_switches + 1, dtype=np.int64)
    child, first = np.empty(len(trunk), dtype=np.int32), np.empty(len(trunk) + 1, dtype=np.int64)
    count = 0
    for switch in range(num_switches):
        for place in range(start[switch], start[switch + 1]):
            group = below[trunk[place]]
            if place == start[switch] or group != child[count - 1]:
                child[count], first[count] = group, place
                count += 1
        child_start[switch + 1] = count
    first[count] = len(trunk)
    return child_start, child[:count].copy(), first[: count + 1].copy()
