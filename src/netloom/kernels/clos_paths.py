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
from numba import njit

from netloom.kernels.hashing import choose, flow_hash


class ClosTables(NamedTuple):
    """Single links of a folded Clos network; link l is directed link l up and ``D / 2 + l`` down.

    Attributes
    ----------
    position : int64, shape (E,), endpoints counted from leaf to leaf.
    group : int32, shape (L, E), as in `topology.routing.tree`.
    host_start : int64, shape (E + 1,), links of each endpoint.
    host_link, host_switch : int32, link and leaf.
    up_start : int64, shape (S + 1,), links from each switch upwards.
    up_link, up_switch : int32, link and upper switch, in the order in which D-mod-k counts them.
    child_start : int64, shape (S + 1,), groups below each switch.
    child_group : int32, ascending inside each switch.
    down_start : int64, one more than `child_group`, links to each of them.
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


@njit(cache=True)
def _child(tables, switch, group):
    """Return where a group stands among those below a switch, by bisection; it must be there."""
    low, high = tables.child_start[switch], tables.child_start[switch + 1] - 1
    while low < high:
        middle = (low + high) >> 1
        if tables.child_group[middle] < group:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True)
def _host_link_of(tables, endpoint, switch):
    """Return the link between an endpoint and one of its leaves."""
    way = tables.host_start[endpoint]
    while tables.host_switch[way] != switch:
        way += 1
    return tables.host_link[way]


@njit(cache=True)
def _pick(key, place, count, number, hashed):
    """Return which of `count` links to take: by hash, or the one at a number."""
    if count == 1:
        return np.int64(0)
    return np.int64(choose(key, place, count)) if hashed else np.int64(number % count)


@njit(cache=True)
def clos_paths(tables, source, target, indptr, hashed, seed):
    """Return the directed links of every flow in crossing order, int32, shape (N,).

    Parameters
    ----------
    tables : `ClosTables`; every switch must reach every group below its own.
    source, target : int32, shape (F,), endpoints.
    indptr : int64, shape (F + 1,); a row of ``2 m`` entries turns round on level ``m - 1``.
    hashed : whether links are chosen by hash instead of D-mod-k.
    seed : of the hash.
    """
    links = np.empty(indptr[-1], dtype=np.int32)
    num_switches = len(tables.up_start) - 1
    for flow in range(len(source)):
        first, last = indptr[flow], indptr[flow + 1] - 1
        if last < first:
            continue
        here, there = source[flow], target[flow]
        top = (last - first + 1) // 2 - 1
        key = flow_hash((np.uint64(here) << np.uint64(32)) | np.uint64(there), 0, seed)
        number, back = tables.position[there], tables.position[here]
        start = tables.host_start[here]
        count = tables.host_start[here + 1] - start
        way = start + _pick(key, num_switches + here, count, number, hashed)
        links[first] = tables.host_link[way]
        switch = tables.host_switch[way]
        divisor = 1
        for level in range(top):
            start = tables.up_start[switch]
            count = tables.up_start[switch + 1] - start
            way = start + _pick(key, switch, count, number // divisor, hashed)
            divisor *= count
            links[first + level + 1] = tables.up_link[way]
            switch = tables.up_switch[way]
        for level in range(top, 0, -1):
            child = _child(tables, switch, tables.group[level - 1, there])
            start = tables.down_start[child]
            count = tables.down_start[child + 1] - start
            way = start + _pick(key, switch, count, back, hashed)
            links[last - level] = tables.num_links + tables.down_link[way]
            switch = tables.down_switch[way]
        links[last] = tables.num_links + _host_link_of(tables, there, switch)
    return links
