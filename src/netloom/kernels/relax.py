"""Max-min rates after a small change, by looking only at the bundles that the change reaches.

The levels ``x_b`` of max-min fair rates are the one solution of

    sum over flows f on b of  w_fb min(x_b, x_c for the other bundles c of f)  =  capacity_b,

or infinite where that sum stays below the capacity. A bundle is *stale* when the equation may have
ceased to hold. Solving it for the stale bundle of the lowest level changes only rates at or above
that level, so that what lies below is settled: progressive filling that starts at the first level
that the change can reach, and goes only where rates really change.

References
----------
.. [1] Bertsekas and Gallager, "Data Networks", 2nd edition, 1992, section 6.5.2.
.. [2] Ros-Giralt et al., "Computing bottleneck structures at scale for high-precision network
   performance analysis", INDIS 2020: the order of bottlenecks that a change runs through.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from netloom.kernels.heap import Heap, clear, pop, put

#: Relative change of a rate that is passed on; rounding stays below it.
SAME = 1e-12

#: Part of its capacity below which a bundle without a level is not looked at.
NEARLY_FULL = 1 - 1e-6


class Changes(NamedTuple):
    """Flows whose rate has changed, with what it was.

    Attributes
    ----------
    flow : int32, shape (F,), the first ``count[0]`` are meant.
    before : float64, shape (F,), bytes/s; by flow.
    noted : bool, shape (F,), by flow.
    count : int64, shape (1,).
    """

    flow: np.ndarray
    before: np.ndarray
    noted: np.ndarray
    count: np.ndarray


class Work(NamedTuple):
    """Work space: stale bundles by level, and what else limits the flows of one bundle.

    Attributes
    ----------
    stale : heap of bundles.
    other : float64, shape (most flows on a bundle,), level of the rest of each flow's path.
    other_limit : int32, of the same shape, the bundle that has it.
    """

    stale: Heap
    other: np.ndarray
    other_limit: np.ndarray


@njit(cache=True)
def note(changes, flow, rate):
    """Remember the rate that a flow had before its first change."""
    if not changes.noted[flow]:
        changes.noted[flow] = True
        changes.before[flow] = rate
        changes.flow[changes.count[0]] = flow
        changes.count[0] += 1


@njit(cache=True)
def _mark(stale, bundle, level):
    """Mark a bundle as stale from a level on."""
    if stale.place[bundle] < 0 or stale.key[bundle] > level:
        put(stale, bundle, level)


@njit(cache=True)
def mark_entered(state, work, flow):
    """Mark the bundles of a flow that has come as stale."""
    for entry in range(state.paths.indptr[flow], state.paths.indptr[flow + 1]):
        bundle = state.paths.bundle[entry]
        room = (state.bytes_per_s[bundle] - state.used[bundle]) / state.paths.share[entry]
        even = state.bytes_per_s[bundle] / state.count[bundle]
        _mark(work.stale, bundle, max(room, even))


@njit(cache=True)
def mark_left(state, work, flow):
    """Mark the full bundles of a flow that has gone as stale."""
    for entry in range(state.paths.indptr[flow], state.paths.indptr[flow + 1]):
        bundle = state.paths.bundle[entry]
        if state.level[bundle] < np.inf:
            _mark(work.stale, bundle, state.level[bundle])


@njit(cache=True)
def mark_resized(work, bundle):
    """Mark a bundle whose capacity has changed as stale, from the lowest level it can have."""
    _mark(work.stale, bundle, 0.0)


@njit(cache=True)
def _lowest_elsewhere(state, flow, bundle):
    """Return the lowest level of a flow's other bundles, and which one has it."""
    lowest, which = np.inf, np.int32(-1)
    for entry in range(state.paths.indptr[flow], state.paths.indptr[flow + 1]):
        crossed = state.paths.bundle[entry]
        if crossed != bundle and state.level[crossed] < lowest:
            lowest, which = state.level[crossed], crossed
    return lowest, which


@njit(cache=True)
def _level(state, bundle, other):
    """Return the level that fills a bundle, infinite if its flows cannot fill it.

    Newton's method on a concave, piecewise linear function: the first step lands at or below the
    solution, the following ones climb to it.
    """
    first, count = state.start[bundle], state.count[bundle]
    capacity = state.bytes_per_s[bundle]
    total = 0.0
    for place in range(count):
        total += state.paths.share[state.members[first + place]] * other[place]
    if total <= capacity * (1 + SAME):
        return np.inf
    level = state.level[bundle]
    for turn in range(count + 2):
        below, above = 0.0, 0.0
        for place in range(count):
            share = state.paths.share[state.members[first + place]]
            if other[place] < level:
                below += share * other[place]
            else:
                above += share
        if above == 0.0:
            # a guess above all flows: start from the even share, which lies below the solution
            level = 0.0
            continue
        better = (capacity - below) / above
        if turn > 0 and better <= level * (1 + 1e-15) and better >= level * (1 - 1e-15):
            break
        level = max(better, 0.0)
    return level


@njit(cache=True)
def _settle(state, work, changes, bundle):
    """Solve one bundle, pass changes of rates on; return how many entries were looked at."""
    first, count = state.start[bundle], state.count[bundle]
    looked_at = count
    for place in range(count):
        flow = state.entry_flow[state.members[first + place]]
        if state.limit[flow] == bundle or state.limit[flow] < 0:
            work.other[place], work.other_limit[place] = _lowest_elsewhere(state, flow, bundle)
            looked_at += 2
        else:
            work.other[place], work.other_limit[place] = state.rate[flow], state.limit[flow]
    level = _level(state, bundle, work.other)
    state.level[bundle] = level
    used = 0.0
    for place in range(count):
        entry = state.members[first + place]
        flow = state.entry_flow[entry]
        before = state.rate[flow]
        rate = work.other[place]
        state.limit[flow] = work.other_limit[place]
        if level <= rate:
            rate = level
            state.limit[flow] = bundle
        if abs(rate - before) > SAME * before:
            note(changes, flow, before)
            state.rate[flow] = rate
            looked_at += 4
            for crossing in range(state.paths.indptr[flow], state.paths.indptr[flow + 1]):
                crossed = state.paths.bundle[crossing]
                if crossed == bundle:
                    continue
                state.used[crossed] += state.paths.share[crossing] * (rate - before)
                if (
                    state.level[crossed] < np.inf
                    or state.used[crossed] > NEARLY_FULL * state.bytes_per_s[crossed]
                ):
                    _mark(work.stale, crossed, min(rate, before) if before > 0 else rate)
        else:
            rate = before
        used += state.paths.share[entry] * rate
    state.used[bundle] = used
    return looked_at


@njit(cache=True)
def relax(state, work, changes, most_looks):
    """Solve stale bundles until none is left; return False if it took too many looks at entries.

    Then the state is of no use, and `maxmin.fill` must follow.
    """
    looks = 0
    while work.stale.size[0] > 0:
        bundle = pop(work.stale)
        if state.count[bundle] == 0:
            state.level[bundle] = np.inf
            state.used[bundle] = 0.0
            continue
        looks += _settle(state, work, changes, bundle)
        if looks > most_looks:
            clear(work.stale)
            return False
    return True
