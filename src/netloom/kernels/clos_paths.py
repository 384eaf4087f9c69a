"""Single links that flows take through folded Clos networks: one path per flow, not spread.

Legend: E endpoints, S switches, L levels, D directed links, F flows, N entries of all paths.

*Static* routes are D-mod-k: on the way up the target's position chooses the link, so that all flows
to one endpoint descend by one path; where parallel links lead down, the source's position chooses.
*Hashed* routes choose by a seeded hash of the flow at every switch, as equal-cost multi-path does.

References
----------
.. [1] Zahavi, "D-Mod-K routing providing non-blocking traffic for shift permutations on real life
   fat trees", CCIT report 776, Technion, 2010.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netloom.kernels.compiled import allocates_nothing
from netloom.kernels.hashing import choose, flow_hash

#: Ways that a flow tries before it counts as having none.
MOST_TRIES = 1000


class ClosTables(NamedTuple):
    """Single links of a folded Clos network; link l is directed link l up and ``D / 2 + l`` down.

    Attributes
    ----------
    position : int32, shape (E,), endpoints counted from leaf to leaf.
    group : int32, shape (L, E), as in `topology.routing.tree`.
    host_start : int32, shape (E + 1,), links of each endpoint.
    host_link, host_switch : int32, link and leaf.
    up_start : int32, shape (S + 1,), links from each switch upwards.
    up_link, up_switch : int32, link and upper switch, in the order in which D-mod-k counts them.
    child_start : int32, shape (S + 1,), groups below each switch.
    child_group : int32, ascending inside each switch.
    down_start : int32, one more than `child_group`, links to each of them.
    down_link, down_switch : int32, link and lower switch.
    num_links : D / 2.
    """

    position: np.ndarray
    group: np.ndarray
    host_start: np.ndarray
    host_link: np.ndarray
    host_switch: np.ndarray
    up_start: np.ndarray
    up_link: np.ndarray
    up_switch: np.ndarray
    child_start: np.ndarray
    child_group: np.ndarray
    down_start: np.ndarray
    down_link: np.ndarray
    down_switch: np.ndarray
    num_links: int


@allocates_nothing
def climb(groups, source, target, indptr, num_hops):
    """Write how far flows climb: to the lowest level on which both ends share a group.

    Parameters
    ----------
    groups : int32, shape (L, E).
    source, target : int32, shape (F,).
    indptr : int64, shape (F + 1,), zero at first; afterwards rows of ``2 m`` links, with ``m``
        levels climbed.
    num_hops : int16, shape (F,), switches passed: ``2 m - 1``; 0 from an endpoint to itself, -1
        where the ends share no group.

    Examples
    --------
    Endpoints 0 and 1 share a leaf, 0 and 2 only a pod:

    >>> groups, ends = np.array([[0, 0, 1], [0, 0, 0]]), np.array([1, 2])
    >>> indptr, num_hops = np.zeros(3, dtype=np.int64), np.empty(2, dtype=np.int16)
    >>> climb(groups, np.array([0, 0]), ends, indptr, num_hops)
    >>> indptr.tolist(), num_hops.tolist()
    ([0, 2, 6], [1, 3])
    """
    num_levels = len(groups)
    for flow in range(len(source)):
        here, there, level = source[flow], target[flow], 0
        num_links, hops = 0, 0
        if here != there:
            while level < num_levels and groups[level, here] != groups[level, there]:
                level += 1
            if level < num_levels:
                num_links = 2 * (level + 1)
            hops = num_links - 1
        indptr[flow + 1] = indptr[flow] + num_links
        num_hops[flow] = hops


@allocates_nothing
def _child(groups, low, high, group):
    """Return where a group stands among those from `low` to `high`, by bisection; -1 if not."""
    end = high
    while low < high:
        middle = (low + high) >> 1
        if groups[middle] < group:
            low = middle + 1
        else:
            high = middle
    return low if low < end and groups[low] == group else -1


@allocates_nothing
def _pick(key, place, count, number, hashed):
    """Return which of `count` links to take: by hash, or the one at a number."""
    if count == 1:
        return np.int64(0)
    return np.int64(choose(key, place, count)) if hashed else np.int64(number % count)


@allocates_nothing
def _walk(tables, source, target, indptr, hashed, seed, turn, flows, links):
    """Write the links of one way of each of some flows; return how many ended at dead ends.

    These are then the first of `flows`, int32. `turn` counts the ways already tried.
    """
    position, groups, num_links = tables.position, tables.group, tables.num_links
    host_start, host_link, host_switch = tables.host_start, tables.host_link, tables.host_switch
    up_start, up_link, up_switch = tables.up_start, tables.up_link, tables.up_switch
    child_start, child_group = tables.child_start, tables.child_group
    down_start, down_link, down_switch = tables.down_start, tables.down_link, tables.down_switch
    num_switches, num_stuck = len(up_start) - 1, 0
    for flow in flows:
        first, last = indptr[flow], indptr[flow + 1] - 1
        if last < first:
            continue
        here, there = source[flow], target[flow]
        number, back, top = position[there] + turn, position[here], (last - first) // 2
        key = flow_hash((np.uint64(here) << np.uint64(32)) | np.uint64(there), turn, seed)
        start, switch, divisor, level = host_start[here], -1, 1, 0
        count = host_start[here + 1] - start
        if count > 0:
            way = start + _pick(key, num_switches + here, count, number, hashed)
            links[first], switch = host_link[way], host_switch[way]
        while switch >= 0 and level < top:
            start = up_start[switch]
            count = up_start[switch + 1] - start
            if count == 0:
                switch = -1
                break
            way = start + _pick(key, switch, count, number // divisor, hashed)
            divisor *= count
            level += 1
            links[first + level], switch = up_link[way], up_switch[way]
        while switch >= 0 and level > 0:
            child = _child(
                child_group, child_start[switch], child_start[switch + 1], groups[level - 1, there]
            )
            if child < 0:
                switch = -1
                break
            start = down_start[child]
            count = down_start[child + 1] - start
            way = start + _pick(key, switch, count, back, hashed)
            links[last - level], switch = num_links + down_link[way], down_switch[way]
            level -= 1
        reached = False
        for way in range(host_start[there], host_start[there + 1]):
            if host_switch[way] == switch:
                links[last] = num_links + host_link[way]
                reached = True
                break
        if not reached:
            flows[num_stuck] = flow
            num_stuck += 1
    return num_stuck


def clos_paths(
    tables: ClosTables,
    source: NDArray[np.int32],
    target: NDArray[np.int32],
    indptr: NDArray[np.int64],
    hashed: bool,
    seed: int,
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Return the directed links of every flow in crossing order, int32, (N,), and which are found.

    A way up may be a dead end for a target, where uplinks do not divide evenly or parts are
    missing. A static flow then takes the next number, a hashed one another hash, so that it picks
    evenly among the ways that lead there.

    Parameters
    ----------
    tables : `ClosTables`.
    source, target : int32, shape (F,), endpoints.
    indptr : int64, shape (F + 1,); a row of ``2 m`` entries turns round on level ``m - 1``.
    hashed : whether links are chosen by hash instead of D-mod-k.
    seed : of the hash.

    Returns
    -------
    links : int32, shape (N,).
    found : bool, shape (F,), False where all tries ended at dead ends.
    """
    links = np.empty(indptr[-1], dtype=np.int32)
    found = np.ones(len(source), dtype=np.bool_)
    flows = np.arange(len(source), dtype=np.int32)
    for turn in range(MOST_TRIES):
        num_stuck = _walk(tables, source, target, indptr, hashed, seed, turn, flows, links)
        flows = flows[:num_stuck]
        if num_stuck == 0:
            break
    found[flows] = False
    return links, found
