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

from netloom.kernels.heap import Heap, clear, pop_from, put, put_at

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
    count: np.ndarray  # type: ignore[assignment]


class Work(NamedTuple):
    """Work space: stale bundles by level, and what else limits the flows of one bundle.

    Attributes
    ----------
    stale : heap of bundles.
    share : float64, shape (most flows on a bundle,), of the bundle's flows.
    other : float64, of the same shape, level of the rest of each flow's path.
    other_limit : int32, of the same shape, the bundle that has it.
    looks : int64, shape (1,), entries of paths looked at so far, a measure of the work.
    """

    stale: Heap
    share: np.ndarray
    other: np.ndarray
    other_limit: np.ndarray
    looks: np.ndarray


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
def mark_entered(state, stale, flow):
    """Mark the bundles of a flow that has come as stale."""
    indptr, crosses, shares = state.paths.indptr, state.paths.bundle, state.paths.share
    bytes_per_s, used, count = state.bytes_per_s, state.used, state.count
    for entry in range(indptr[flow], indptr[flow + 1]):
        bundle = crosses[entry]
        room = (bytes_per_s[bundle] - used[bundle]) / shares[entry]
        _mark(stale, bundle, max(room, bytes_per_s[bundle] / count[bundle]))


@njit(cache=True)
def mark_left(state, stale, flow):
    """Mark the full bundles of a flow that has gone as stale."""
    indptr, crosses, level = state.paths.indptr, state.paths.bundle, state.level
    for entry in range(indptr[flow], indptr[flow + 1]):
        bundle = crosses[entry]
        if level[bundle] < np.inf:
            _mark(stale, bundle, level[bundle])


@njit(cache=True)
def mark_resized(stale, bundle):
    """Mark a bundle whose capacity has changed as stale, from the lowest level it can have."""
    _mark(stale, bundle, 0.0)


@njit(cache=True)
def level_that_fills(share, other, count, capacity, guess):
    """Return x with ``sum of share * min(x, other) = capacity``, infinite if no x is enough.

    Newton's method on a concave, piecewise linear function: the first step lands at or below the
    solution, the following ones climb to it.

    Parameters
    ----------
    share, other : float64, the first `count` are meant.
    capacity : not negative.
    guess : where to start; any number, infinite too.
    """
    total = 0.0
    for place in range(count):
        total += share[place] * other[place]
    if total <= capacity * (1 + SAME):
        return np.inf
    level = guess
    for turn in range(count + 2):
        below, above = 0.0, 0.0
        for place in range(count):
            if other[place] < level:
                below += share[place] * other[place]
            else:
                above += share[place]
        if above == 0.0:
            # above all of them: start from zero, whose first step is the even share
            level = 0.0
            continue
        better = max((capacity - below) / above, 0.0)
        if turn > 0 and abs(better - level) <= 1e-15 * level:
            break
        level = better
    return level


@njit(cache=True, inline="always")
def _gather(bundle, flows, entries, rows, level, rate, limit, other, other_limit):
    """Write what else limits a bundle's flows to the work space; return entries looked at."""
    indptr, crosses = rows
    looks = 0
    for place in range(len(entries)):
        flow = flows[entries[place]]
        other[place], other_limit[place] = rate[flow], limit[flow]
        if limit[flow] == bundle or limit[flow] < 0:
            lowest, which = np.inf, np.int32(-1)
            for crossing in range(indptr[flow], indptr[flow + 1]):
                crossed = crosses[crossing]
                if crossed != bundle and level[crossed] < lowest:
                    lowest, which = level[crossed], crossed
            other[place], other_limit[place] = lowest, which
            looks += indptr[flow + 1] - indptr[flow]
    return looks


@njit(cache=True)
def relax(state, work, changes, most_looks):
    """Solve stale bundles until none is left; return False if it took too many looks at entries.

    Then the state is of no use, and `maxmin.fill` must follow.
    """
    indptr, crosses, shares = state.paths.indptr, state.paths.bundle, state.paths.share
    start, count, members, flow_of = state.start, state.count, state.members, state.entry_flow
    bytes_per_s, used, levels = state.bytes_per_s, state.used, state.level
    rates, limit = state.rate, state.limit
    share, other, other_limit = work.share, work.other, work.other_limit
    keys, items, places, size = work.stale.key, work.stale.items, work.stale.place, work.stale.size
    noted, changed, before_change = changes.noted, changes.flow, changes.before
    num_changed, looks = changes.count[0], 0
    while size[0] > 0 and looks <= most_looks:
        bundle = pop_from(keys, items, places, size)
        entries = members[start[bundle] : start[bundle] + count[bundle]]
        looks += len(entries) + _gather(
            bundle, flow_of, entries, (indptr, crosses), levels, rates, limit, other, other_limit
        )
        for place in range(len(entries)):
            share[place] = shares[entries[place]]
        level = level_that_fills(share, other, len(entries), bytes_per_s[bundle], levels[bundle])
        levels[bundle] = level
        total = 0.0
        for place in range(len(entries)):
            flow = flow_of[entries[place]]
            rate, before = other[place], rates[flow]
            if level <= rate:
                rate = level
                limit[flow] = bundle
            else:
                limit[flow] = other_limit[place]
            if abs(rate - before) <= SAME * before:
                total += share[place] * before
                continue
            total += share[place] * rate
            if not noted[flow]:
                noted[flow] = True
                before_change[flow] = before
                changed[num_changed] = flow
                num_changed += 1
            rates[flow] = rate
            looks += indptr[flow + 1] - indptr[flow]
            key = min(rate, before) if before > 0.0 else rate
            for crossing in range(indptr[flow], indptr[flow + 1]):
                crossed = crosses[crossing]
                if crossed == bundle:
                    continue
                used[crossed] += shares[crossing] * (rate - before)
                if (
                    levels[crossed] < np.inf or used[crossed] > NEARLY_FULL * bytes_per_s[crossed]
                ) and (places[crossed] < 0 or keys[crossed] > key):
                    put_at(keys, items, places, size, crossed, key)
        used[bundle] = total
    changes.count[0] = num_changed
    work.looks[0] += looks
    done = size[0] == 0
    clear(work.stale)
    return done
