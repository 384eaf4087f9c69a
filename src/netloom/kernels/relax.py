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

from netloom.kernels.compiled import adds_in_any_order, allocates_nothing
from netloom.kernels.heap import Heap, clear, pop_from, put, put_at
from netloom.kernels.progress import advance, move, touch

#: Relative change of a rate that is passed on; rounding stays below it.
SAME = 1e-12

#: Part of its capacity below which a bundle without a level is not looked at.
NEARLY_FULL = 1 - 1e-6


class Work(NamedTuple):
    """Work space: stale bundles by level, and what else limits the flows of one bundle.

    Attributes
    ----------
    stale : heap of bundles.
    other : float64, shape (most flows on a bundle,), level of the rest of each flow's path.
    other_limit : int32, of the same shape, the bundle that has it.
    looks : int64, shape (1,), entries of paths looked at so far, a measure of the work.
    """

    stale: Heap
    other: np.ndarray
    other_limit: np.ndarray
    looks: np.ndarray


@allocates_nothing
def _mark(stale, bundle, level):
    """Mark a bundle as stale from a level on."""
    if stale.place[bundle] < 0 or stale.key[bundle] > level:
        put(stale, bundle, level)


@allocates_nothing
def mark_entered(state, stale, flow):
    """Mark the bundles of a flow that has come as stale."""
    indptr, crosses, shares = state.paths.indptr, state.paths.bundle, state.paths.share
    table = state.table
    for entry in range(indptr[flow], indptr[flow + 1]):
        bundle = crosses[entry]
        room = (table[bundle].capacity - table[bundle].used) / shares[entry]
        table[bundle].fastest = np.inf
        _mark(stale, bundle, max(room, table[bundle].capacity / table[bundle].weight))


@allocates_nothing
def mark_left(state, stale, flow):
    """Mark the full bundles of a flow that has gone as stale."""
    indptr, crosses, table = state.paths.indptr, state.paths.bundle, state.table
    for entry in range(indptr[flow], indptr[flow + 1]):
        bundle = crosses[entry]
        if table[bundle].level < np.inf:
            _mark(stale, bundle, table[bundle].level)


@allocates_nothing
def mark_resized(stale, bundle):
    """Mark a bundle whose capacity has changed as stale, from the lowest level it can have."""
    _mark(stale, bundle, 0.0)


@adds_in_any_order
def _sums(share, first, other, count, level):
    """Return what flows limited elsewhere take, the shares of the others, and all at infinity.

    Sums may be taken in any order, so that they are vectors of four.
    """
    below, above, total = 0.0, 0.0, 0.0
    for place in range(count):
        taken = share[first + place] * other[place]
        total += taken
        is_below = other[place] < level
        below += taken if is_below else 0.0
        above += 0.0 if is_below else share[first + place]
    return below, above, total


@allocates_nothing
def level_that_fills(share, first, other, count, capacity, guess):
    """Return x with ``sum of share * min(x, other) = capacity``, infinite if no x is enough.

    Newton's method on a concave, piecewise linear function: the first step lands at or below the
    solution, the following ones climb to it.

    Parameters
    ----------
    share, first : float64, of which `count` from `first` on are meant.
    other, count : float64, of which the first `count` are meant.
    capacity : not negative.
    guess : where to start; any number, infinite too.
    """
    level = guess if guess < np.inf else 0.0
    below, above, total = _sums(share, first, other, count, level)
    if total <= capacity * (1 + SAME):
        return np.inf
    for turn in range(count + 2):
        if turn > 0:
            below, above, total = _sums(share, first, other, count, level)
        if above == 0.0:
            # above all of them: start from zero, whose first step is the even share
            level = 0.0
            continue
        better = max((capacity - below) / above, 0.0)
        if turn > 0 and abs(better - level) <= 1e-15 * level:
            break
        level = better
    return level


@allocates_nothing
def _gather(bundle, member, indptr, crosses, table, limit, other, other_limit):
    """Write what else limits a bundle's flows to the work space; return entries looked at."""
    first, looks = table[bundle].first, table[bundle].count
    for position in range(table[bundle].count):
        flow = member[first + position]
        lowest, which = np.inf, limit[flow]
        if which != bundle and which >= 0:
            lowest = table[which].level
        else:
            for entry in range(indptr[flow], indptr[flow + 1]):
                crossed = crosses[entry]
                if crossed != bundle and table[crossed].level < lowest:
                    lowest, which = table[crossed].level, crossed
            looks += indptr[flow + 1] - indptr[flow]
        other[position], other_limit[position] = lowest, which
    return looks


@allocates_nothing
def _same_flows(bundle, indptr, crosses, shares, table, held):
    """Return the level that fills a bundle if it holds the flows that it holds now.

    Also the shares of these flows, zero if others must be held, and the entries looked at.
    """
    row = table[bundle]
    weight, lowest, looks, first, num_held = 0.0, np.inf, 0, row.first, row.num_held
    if num_held == 0 or row.fastest == np.inf or row.level == np.inf:
        return np.inf, 0.0, 0
    for position in range(first, first + num_held):
        flow = held[position]
        looks += indptr[flow + 1] - indptr[flow]
        for entry in range(indptr[flow], indptr[flow + 1]):
            crossed = crosses[entry]
            if crossed == bundle:
                weight += shares[entry]
            else:
                lowest = min(lowest, table[crossed].level)
    others = row.used - weight * row.level
    level = max(row.capacity - others, 0.0) / weight
    if level > lowest or level < row.fastest * (1 - SAME):
        return np.inf, 0.0, looks
    return level, weight, looks


@allocates_nothing
def _pass_on(bundle, flow, holder, before, rate, paths, table, stale):
    """Tell the other bundles of a flow that its rate has changed; return entries looked at."""
    indptr, crosses, shares = paths
    keys, items, places, size = stale
    key = min(rate, before) if before > 0.0 else rate
    for entry in range(indptr[flow], indptr[flow + 1]):
        crossed = crosses[entry]
        if crossed == bundle:
            continue
        row = table[crossed]
        row.used += shares[entry] * (rate - before)
        if crossed != holder:
            row.fastest = max(row.fastest, rate)
        if (row.level < np.inf or row.used > NEARLY_FULL * row.capacity) and (
            places[crossed] < 0 or keys[crossed] > key
        ):
            put_at(keys, items, places, size, crossed, key)
    return indptr[flow + 1] - indptr[flow]


@allocates_nothing
def relax(state, work, now, most_looks):
    """Solve stale bundles until none is left; return False if it took too many looks at entries.

    Then rates do not fit together, and `maxmin.fill` must follow.
    """
    indptr, crosses, shares = state.paths.indptr, state.paths.bundle, state.paths.share
    table, limit, member, member_share = state.table, state.limit, state.member, state.member_share
    goal, held, place = state.progress.goal, state.progress.held, state.progress.place
    touched, num_touched = state.progress.touched, state.progress.num_touched
    keys, items, places, size = work.stale.key, work.stale.items, work.stale.place, work.stale.size
    paths, stale = (indptr, crosses, shares), (keys, items, places, size)
    other, other_limit = work.other, work.other_limit
    looks = 0
    while size[0] > 0 and looks <= most_looks:
        bundle = pop_from(keys, items, places, size)
        first, num_members = table[bundle].first, table[bundle].count
        before = table[bundle].level
        level, weight, looked = _same_flows(bundle, indptr, crosses, shares, table, held)
        looks += looked
        if weight > 0.0:
            if abs(level - before) > SAME * before:
                advance(table, bundle, now)
                touch(table, touched, num_touched, bundle)
                table[bundle].level = level
                table[bundle].used += weight * (level - before)
                for position in range(first, first + table[bundle].num_held):
                    looks += _pass_on(
                        bundle, held[position], bundle, before, level, paths, table, stale
                    )
            continue
        looks += _gather(bundle, member, indptr, crosses, table, limit, other, other_limit)
        level = level_that_fills(
            member_share, first, other, num_members, table[bundle].capacity, before
        )
        if before < np.inf and abs(level - before) <= SAME * before:
            level = before
        if level != before:
            advance(table, bundle, now)
            touch(table, touched, num_touched, bundle)
            table[bundle].level = level
        total, fastest = 0.0, 0.0
        for position in range(num_members):
            flow, share = member[first + position], member_share[first + position]
            elsewhere = other[position]
            holder, rate_before = limit[flow], elsewhere
            if holder == bundle:
                rate_before = before
            elif holder < 0:
                rate_before = 0.0
            elif level >= elsewhere * (1 - SAME):
                # held elsewhere, and still so
                total += share * elsewhere
                fastest = max(fastest, elsewhere)
                continue
            rate = min(level, elsewhere)
            total += share * rate
            next_holder = bundle if level <= elsewhere else other_limit[position]
            if next_holder != bundle:
                fastest = max(fastest, rate)
            if next_holder != holder:
                move(table, goal, held, place, flow, holder, next_holder, now)
                touch(table, touched, num_touched, next_holder)
                if holder >= 0:
                    touch(table, touched, num_touched, holder)
                    table[holder].fastest = max(table[holder].fastest, rate)
                limit[flow] = next_holder
            if abs(rate - rate_before) > SAME * rate_before:
                looks += _pass_on(bundle, flow, next_holder, rate_before, rate, paths, table, stale)
        table[bundle].used, table[bundle].fastest = total, fastest
    work.looks[0] += looks
    done = size[0] == 0
    clear(work.stale)
    return done
