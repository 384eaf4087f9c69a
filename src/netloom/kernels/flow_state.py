"""Which flows are under way, how fast, and which bundle holds each of them back.

Loops take the arrays out of the named tuples first: inside a loop that costs more than the work.

Legend for shapes: F flows, N entries of all paths, B bundles.

A bundle's *level* is the rate at which it would hold back a flow: its max-min share, infinite while
it has room. A flow runs at the lowest level on its path, that of the bundle that *holds* it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netloom.kernels.compiled import allocates_nothing
from netloom.kernels.loads import PathArrays
from netloom.kernels.progress import BUNDLE, Progress, no_progress


class FlowState(NamedTuple):
    """Paths of all flows, the running ones listed by bundle, and how far they are.

    Attributes
    ----------
    paths : bundles of each flow, with the share of its rate on each.
    table : `progress.BUNDLE`, shape (B,).
    member, member_share, member_entry : int32, float64 and int32, shape (N,), running flows of each
        bundle from its first place on, in any order, their shares, and the entries of their paths.
    slot : int32, shape (N,), where an entry stands among the members, while its flow runs.
    limit : int32, shape (F,), bundle that holds the flow, whose level is its rate; -1 while none.
    progress : how far the flows of each bundle are.
    """

    paths: PathArrays
    table: np.ndarray
    member: np.ndarray
    member_share: np.ndarray
    member_entry: np.ndarray
    slot: np.ndarray
    limit: np.ndarray
    progress: Progress


def idle_state(paths: PathArrays, bytes_per_s: NDArray[np.float64]) -> FlowState:
    """Return the state in which no flow runs."""
    num_bundles = len(bytes_per_s)
    num_flows, num_entries = len(paths.indptr) - 1, len(paths.bundle)
    table = np.zeros(num_bundles, dtype=BUNDLE)
    num_crossing = np.bincount(paths.bundle, minlength=num_bundles)
    table["first"] = np.cumsum(num_crossing) - num_crossing
    table["capacity"] = bytes_per_s
    table["level"] = np.inf
    return FlowState(
        paths, table,
        np.empty(num_entries, dtype=np.int32),
        np.empty(num_entries),
        np.empty(num_entries, dtype=np.int32),
        np.empty(num_entries, dtype=np.int32),
        np.full(num_flows, -1, dtype=np.int32),
        no_progress(num_flows, num_entries, num_bundles),
    )  # fmt: skip


@allocates_nothing
def enter(state, flows, flow_bytes):
    """Put flows on the lists of their bundles; no bundle holds them yet."""
    indptr, crosses, shares = state.paths.indptr, state.paths.bundle, state.paths.share
    table, slot = state.table, state.slot
    member, member_share, member_entry = state.member, state.member_share, state.member_entry
    limit, goal = state.limit, state.progress.goal
    for flow in flows:
        for entry in range(indptr[flow], indptr[flow + 1]):
            bundle = crosses[entry]
            position = table[bundle].first + table[bundle].count
            member[position], member_entry[position] = flow, entry
            member_share[position] = shares[entry]
            slot[entry] = position
            table[bundle].count += 1
            table[bundle].weight += shares[entry]
        limit[flow] = -1
        goal[flow] = flow_bytes[flow]


@allocates_nothing
def leave(state, flows):
    """Take flows off the lists of their bundles, and their rates off what these carry."""
    indptr, crosses, shares = state.paths.indptr, state.paths.bundle, state.paths.share
    table, slot, limit = state.table, state.slot, state.limit
    member, member_share, member_entry = state.member, state.member_share, state.member_entry
    for flow in flows:
        rate = table[limit[flow]].level
        for entry in range(indptr[flow], indptr[flow + 1]):
            bundle = crosses[entry]
            table[bundle].count -= 1
            last, position = table[bundle].first + table[bundle].count, slot[entry]
            member[position], member_entry[position] = member[last], member_entry[last]
            member_share[position] = member_share[last]
            slot[member_entry[position]] = position
            table[bundle].weight -= shares[entry]
            table[bundle].used -= shares[entry] * rate
            if table[bundle].count == 0:
                # nothing, not what rounding has left
                table[bundle].weight, table[bundle].used = 0.0, 0.0
        limit[flow] = -1
