"""Single links of a folded Clos network, listed by the switch or endpoint that they leave from.

Legend: E endpoints, S switches, L levels, T trunks, D / 2 links, O owners of lists.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from netloom.kernels.compiled import allocates_nothing


class Trunks(NamedTuple):
    """Links of trunks, which are numbered trunk by trunk.

    Attributes
    ----------
    first_link, num_links : int32, shape (T,).
    """

    first_link: np.ndarray
    num_links: np.ndarray


class TrunkLists(NamedTuple):
    """Trunks by owner.

    Attributes
    ----------
    start : int32, shape (O + 1,).
    trunk : int32, trunks of each owner.
    """

    start: np.ndarray
    trunk: np.ndarray


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


def trunks_by(owner: NDArray[np.int32], key: NDArray[np.integer], num_owners: int) -> TrunkLists:
    """Return trunks by owner, in the order of their keys; trunks of equal keys stay in theirs.

    Parameters
    ----------
    owner : int32, shape (T,), whose list a trunk is on; -1 for none.
    key : integers, shape (T,).

    Examples
    --------
    Three trunks, of which the last two belong to owner 0:

    >>> trunks_by(np.array([-1, 0, 0]), np.array([5, 7, 6]), 1).trunk.tolist()
    [2, 1]
    """
    start = np.zeros(num_owners + 1, dtype=np.int32)
    trunk = np.empty(_count(owner, start), dtype=np.int32)
    _order(owner, key, start, start[:-1].copy(), trunk)
    return TrunkLists(start, trunk)


@allocates_nothing
def _count(owner, start):
    """Write where the trunks of each owner start; return how many there are."""
    for trunk in range(len(owner)):
        if owner[trunk] >= 0:
            start[owner[trunk] + 1] += 1
    for place in range(len(start) - 1):
        start[place + 1] += start[place]
    return start[-1]


@allocates_nothing
def _order(owner, key, start, filled, ordered):
    """Write the trunks of each owner in the order of their keys; `filled` begins as the starts."""
    for trunk in range(len(owner)):
        name = owner[trunk]
        if name < 0:
            continue
        # lists are short, and mostly in order as they come: insertion is linear then
        place = filled[name]
        filled[name] += 1
        while place > start[name] and key[ordered[place - 1]] > key[trunk]:
            ordered[place] = ordered[place - 1]
            place -= 1
        ordered[place] = trunk


def links_of(
    lists: TrunkLists, trunks: Trunks, other: NDArray[np.int32], by_turns: bool
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Return the links of listed trunks: start, int32, shape (O + 1,), link and where it leads.

    Parameters
    ----------
    lists : of trunks by owner.
    trunks : links of each trunk.
    other : int32, shape (T,), where they lead.
    by_turns : whether a list has first one link of every trunk, then the second ones, and so on,
        instead of one trunk after another.

    Examples
    --------
    Two trunks of two links from switch 0: first one link of each, the nearer switch first.

    >>> lists = trunks_by(np.array([0, 0]), np.array([7, 6]), 1)
    >>> links_of(lists, Trunks(np.array([0, 2]), np.array([2, 2])), np.array([7, 6]), True)[1]
    array([2, 0, 3, 1], dtype=int32)
    """
    start = np.zeros_like(lists.start)
    size = _size(lists.trunk, trunks.num_links)
    link, end = np.empty(size, dtype=np.int32), np.empty(size, dtype=np.int32)
    write = _write_by_turns if by_turns else _write
    write(lists, trunks, other, start, link, end)
    return start, link, end


@allocates_nothing
def _size(listed, num_links):
    size = 0
    for trunk in listed:
        size += num_links[trunk]
    return size


@allocates_nothing
def _write(lists, trunks, other, start, links, ends):
    """Write the links of one trunk after another."""
    first_link, num_links, ordered = trunks.first_link, trunks.num_links, lists.trunk
    size = 0
    for owner in range(len(start) - 1):
        for place in range(lists.start[owner], lists.start[owner + 1]):
            trunk = ordered[place]
            for number in range(num_links[trunk]):
                links[size], ends[size] = first_link[trunk] + number, other[trunk]
                size += 1
        start[owner + 1] = size


@allocates_nothing
def _write_by_turns(lists, trunks, other, start, links, ends):
    """Write one link of every trunk of an owner, then the second ones, and so on."""
    first_link, num_links, ordered = trunks.first_link, trunks.num_links, lists.trunk
    size = 0
    for owner in range(len(start) - 1):
        first, last, most = lists.start[owner], lists.start[owner + 1], 0
        for place in range(first, last):
            most = max(most, num_links[ordered[place]])
        for turn in range(most):
            for place in range(first, last):
                trunk = ordered[place]
                if num_links[trunk] > turn:
                    links[size], ends[size] = first_link[trunk] + turn, other[trunk]
                    size += 1
        start[owner + 1] = size


def families(
    lists: TrunkLists, num_links: NDArray[np.int32], below: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Return the groups below each switch: start, (S + 1,), group, and first link; all int32.

    Parameters
    ----------
    lists : trunks down from each switch, in order of the group below.
    num_links : int32, shape (T,).
    below : int64, shape (T,), group below each trunk.

    Examples
    --------
    Switch 0 has two trunks of two links to group 4, and one to group 5.

    >>> lists = trunks_by(np.array([0, 0, 0]), np.array([4, 4, 5]), 1)
    >>> [part.tolist() for part in families(lists, np.array([2, 2, 2]), np.array([4, 4, 5]))]
    [[0, 2], [4, 5], [0, 4, 6]]
    """
    start = np.zeros_like(lists.start)
    child = np.empty(len(lists.trunk), dtype=np.int32)
    first = np.empty(len(lists.trunk) + 1, dtype=np.int32)
    count = _families(lists, num_links, below, start, child, first)
    return start, child[:count], first[: count + 1]


@allocates_nothing
def _families(lists, num_links, below, start, child, first):
    """Write what `families` returns; return how many groups there are."""
    count, link = 0, 0
    for switch in range(len(start) - 1):
        for place in range(lists.start[switch], lists.start[switch + 1]):
            trunk = lists.trunk[place]
            if place == lists.start[switch] or below[trunk] != child[count - 1]:
                child[count], first[count] = below[trunk], link
                count += 1
            link += num_links[trunk]
        start[switch + 1] = count
    first[count] = link
    return count


@allocates_nothing
def write_link_rates(trunk_class, trunk_links, rate, bytes_per_s, stage):
    """Write rate and stage of every link, trunk by trunk: all links up, then all links down.

    Parameters
    ----------
    trunk_class, trunk_links : integers, shape (T,).
    rate : float64, one per class, bytes/s.
    bytes_per_s, stage : float64 and int16, shape (D,), written; stages are ``2 class`` upwards and
        ``2 class + 1`` downwards.
    """
    num_links, link = len(stage) // 2, 0
    for trunk in range(len(trunk_class)):
        kind = np.int64(trunk_class[trunk])
        for _ in range(trunk_links[trunk]):
            bytes_per_s[link] = bytes_per_s[num_links + link] = rate[kind]
            stage[link], stage[num_links + link] = 2 * kind, 2 * kind + 1
            link += 1
