"""Which flows are under way, how fast, and which bundle holds each of them back.

Loops take the arrays out of the named tuples first: inside a loop that costs more than the work.

Legend for shapes: F flows, N entries of all paths, B bundles.

A bundle's *level* is the rate at which it would hold back a flow: its max-min share, infinite while
it has room. A flow runs at the lowest level on its path.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from netloom.kernels.loads import PathArrays


class FlowState(NamedTuple):
    """Paths of all flows, and the running ones listed by bundle.

    Attributes
    ----------
    paths : bundles of each flow, with the share of its rate on each.
    entry_flow : int32, shape (N,), flow of each entry.
    start : int64, shape (B + 1,), first place of each bundle in `members`.
    members : int32, shape (N,), entries of running flows, ``count[b]`` from ``start[b]`` on.
    slot : int32, shape (N,), where an entry stands in `members`, -1 when its flow is not running.
    count : int64, shape (B,).
    bytes_per_s : float64, shape (B,), capacities now.
    used : float64, shape (B,), bytes/s taken.
    level : float64, shape (B,), bytes/s.
    rate : float64, shape (F,), bytes/s; 0 when not running.
    limit : int32, shape (F,), bundle whose level is the rate; -1 when not known.
    """

    paths: PathArrays
    entry_flow: np.ndarray
    start: np.ndarray
    members: np.ndarray
    slot: np.ndarray
    count: np.ndarray  # type: ignore[assignment]
    bytes_per_s: np.ndarray
    used: np.ndarray
    level: np.ndarray
    rate: np.ndarray
    limit: np.ndarray


@njit(cache=True)
def idle_state(paths, bytes_per_s):
    """Return the state in which no flow runs."""
    indptr, num_bundles = paths.indptr, len(bytes_per_s)
    num_flows, num_entries = len(indptr) - 1, indptr[-1]
    start = np.zeros(num_bundles + 1, dtype=np.int64)
    for bundle in paths.bundle:
        start[bundle + 1] += 1
    start = np.cumsum(start)
    entry_flow = np.empty(num_entries, dtype=np.int32)
    for flow in range(num_flows):
        for entry in range(indptr[flow], indptr[flow + 1]):
            entry_flow[entry] = flow
    return FlowState(
        paths, entry_flow, start,
        np.empty(num_entries, dtype=np.int32),
        np.full(num_entries, -1, dtype=np.int32),
        np.zeros(num_bundles, dtype=np.int64),
        bytes_per_s.copy(),
        np.zeros(num_bundles),
        np.full(num_bundles, np.inf),
        np.zeros(num_flows),
        np.full(num_flows, -1, dtype=np.int32),
    )  # fmt: skip


@njit(cache=True)
def enter(state, flows):
    """Put flows on the lists of their bundles; their rates are not known yet."""
    indptr, bundles = state.paths.indptr, state.paths.bundle
    start, count, members, slot = state.start, state.count, state.members, state.slot
    rate, limit = state.rate, state.limit
    for flow in flows:
        for entry in range(indptr[flow], indptr[flow + 1]):
            bundle = bundles[entry]
            position = start[bundle] + count[bundle]
            members[position] = entry
            slot[entry] = position
            count[bundle] += 1
        rate[flow] = 0.0
        limit[flow] = -1


@njit(cache=True)
def leave(state, flows):
    """Take flows off the lists of their bundles, and their rates off what these carry."""
    indptr, bundles, shares = state.paths.indptr, state.paths.bundle, state.paths.share
    start, count, members, slot = state.start, state.count, state.members, state.slot
    rate, limit, used = state.rate, state.limit, state.used
    for flow in flows:
        for entry in range(indptr[flow], indptr[flow + 1]):
            bundle = bundles[entry]
            count[bundle] -= 1
            last = members[start[bundle] + count[bundle]]
            position = slot[entry]
            members[position] = last
            slot[last] = position
            slot[entry] = -1
            used[bundle] -= shares[entry] * rate[flow]
        rate[flow] = 0.0
        limit[flow] = -1
