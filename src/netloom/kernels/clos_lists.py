"""Single links of a folded Clos network, listed by the switch or endpoint that they leave from.

Legend: E endpoints, S switches, L levels, T trunks, D / 2 links, O owners of lists.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from netloom.kernels.compiled import allocates_nothing


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


def links_by(
    owner: NDArray[np.int32],
    other: NDArray[np.int32],
    key: NDArray[np.integer],
    trunk_links: NDArray[np.int32],
    num_owners: int,
    by_turns: bool,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Return lists of links by owner, each in the order of its trunks' keys.

    Links are numbered trunk by trunk. Trunks of equal keys stay in their order.

    Parameters
    ----------
    owner : int32, shape (T,), whose list the links of a trunk are on; -1 for none.
    other : int32, shape (T,), where they lead.
    key : integers, shape (T,).
    trunk_links : int32, shape (T,).
    by_turns : whether a list has first one link of every trunk, then the second ones, and so on,
        instead of one trunk after another.

    Returns
    -------
    start : int64, shape (O + 1,).
    link, end, trunk : int32, links, where they lead, and what trunk each is of.

    Examples
    --------
    Two trunks of two links from switch 0: first one link of each, the nearer switch first.

    >>> two, no_one = np.array([2, 2]), np.array([0, 0])
    >>> links_by(no_one, np.array([7, 6]), np.array([7, 6]), two, 1, True)[1].tolist()
    [2, 0, 3, 1]
    """
    start = np.zeros(num_owners + 1, dtype=np.int64)
    size = _count(owner, trunk_links, start)
    trunk, link = np.empty(size, dtype=np.int32), np.empty(size, dtype=np.int32)
    _list(owner, key, trunk_links, by_turns, (start[:-1].copy(), start[:-1].copy(), trunk, link))
    return start, link, other[trunk], trunk


@allocates_nothing
def _count(owner, trunk_links, start):
    """Write where each list starts; return how many links are on all of them."""
    for trunk in range(len(owner)):
        if owner[trunk] >= 0:
            start[owner[trunk] + 1] += trunk_links[trunk]
    for place in range(len(start) - 1):
        start[place + 1] += start[place]
    return start[-1]


@allocates_nothing
def _list(owner, key, trunk_links, by_turns, lists):
    """Write the lists; the first two of `lists` are where each begins."""
    first, filled, trunks, links = lists
    most_links = 0
    for trunk in range(len(owner)):
        most_links = max(most_links, trunk_links[trunk])
    for turn in range(most_links if by_turns else 1):
        for position in range(len(filled)):
            # in order of keys within a turn
            first[position] = filled[position]
        link = 0
        for trunk in range(len(owner)):
            begin, end = (turn, turn + 1) if by_turns else (0, trunk_links[trunk])
            if owner[trunk] >= 0:
                for number in range(begin, min(end, trunk_links[trunk])):
                    # lists are short, and mostly in order as they come: insertion is linear then
                    place = filled[owner[trunk]]
                    filled[owner[trunk]] += 1
                    while place > first[owner[trunk]] and key[trunks[place - 1]] > key[trunk]:
                        trunks[place], links[place] = trunks[place - 1], links[place - 1]
                        place -= 1
                    trunks[place], links[place] = trunk, link + number
            link += trunk_links[trunk]


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
