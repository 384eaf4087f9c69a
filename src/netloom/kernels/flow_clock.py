"""How far every flow is: who waits, who runs, and when each starts or ends next.

Times of the next starts and ends are two heaps. While many flows start or end at once, as at the
beginning of a collective, they are lists in any order instead: looking through all is then cheaper
than keeping them sorted.

Legend for shapes: F flows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from netloom.kernels.flow_state import enter, leave
from netloom.kernels.heap import append, order, pop, put, put_at, remove
from netloom.kernels.relax import SAME

#: Places in `Clock.is_ordered`.
ENDS, STARTS = 0, 1

#: Starts are sorted when fewer than this part of those that wait were due at once.
FEW = 0.25


class Timeline(NamedTuple):
    """What flows bring, and which wait for which.

    Attributes
    ----------
    flow_bytes : float64, shape (F,).
    start_s : float64, shape (F,), after zero; for a flow that waits for others, after they ended.
    num_before : int32, shape (F,), flows that must have ended before this one starts.
    after_start, after : int64, shape (F + 1,), and int32, flows that wait for each flow.
    """

    flow_bytes: NDArray[np.float64]
    start_s: NDArray[np.float64]
    num_before: NDArray[np.int32]
    after_start: NDArray[np.int64]
    after: NDArray[np.int32]


class Clock(NamedTuple):
    """How far every flow is.

    Attributes
    ----------
    left_bytes : float64, shape (F,), at `since_s`.
    since_s : float64, shape (F,), last change of rate.
    begun_s, end_s : float64, shape (F,).
    running : int32, shape (F,), the first ``num_running[0]`` run.
    place : int32, shape (F,), where a running flow stands in `running`, -1 otherwise.
    num_running, num_entries : int64, shape (1,), running flows and entries of their paths.
    waiting : int32, shape (F,), flows still to end before each flow.
    batch : int32, shape (F,), the first ``num_batch[0]`` start or end at the event at hand.
    num_batch : int64, shape (1,).
    is_ordered : bool, shape (2,), whether the flows' ends, and their starts, are a heap or a list
        in any order, which is cheaper while many are due at once.
    """

    left_bytes: np.ndarray
    since_s: np.ndarray
    begun_s: np.ndarray
    end_s: np.ndarray
    running: np.ndarray
    place: np.ndarray
    num_running: np.ndarray
    num_entries: np.ndarray
    waiting: np.ndarray
    batch: np.ndarray
    num_batch: np.ndarray
    is_ordered: np.ndarray


@njit(cache=True)
def idle_clock(timeline):
    """Return the clock before the first start."""
    num_flows = len(timeline.flow_bytes)
    return Clock(
        timeline.flow_bytes.copy(),
        np.zeros(num_flows),
        np.zeros(num_flows),
        np.full(num_flows, np.inf),
        np.empty(num_flows, dtype=np.int32),
        np.full(num_flows, -1, dtype=np.int32),
        np.zeros(1, dtype=np.int64),
        np.zeros(1, dtype=np.int64),
        timeline.num_before.copy(),
        np.empty(num_flows, dtype=np.int32),
        np.zeros(1, dtype=np.int64),
        np.zeros(2, dtype=np.bool_),
    )


@njit(cache=True)
def _release(clock, starts, timeline, flow):
    """Let the flows that waited for this one start, if they wait for no other."""
    for position in range(timeline.after_start[flow], timeline.after_start[flow + 1]):
        other = timeline.after[position]
        clock.waiting[other] -= 1
        if clock.waiting[other] == 0:
            start_s = clock.end_s[flow] + timeline.start_s[other]
            if clock.is_ordered[STARTS]:
                put(starts, other, start_s)
            else:
                append(starts, other, start_s)


@njit(cache=True)
def earliest(events, is_ordered):
    """Return the smallest time of a heap, or of a list in any order."""
    if events.size[0] == 0:
        return np.inf
    items, key = events.items, events.key
    if is_ordered:
        return key[items[0]]
    first = np.inf
    for position in range(events.size[0]):
        first = min(first, key[items[position]])
    return first


@njit(cache=True)
def take_ends(clock, ends, now, tolerance):
    """Move all flows whose end has come to the batch."""
    items, key, begun_s, batch = ends.items, ends.key, clock.begun_s, clock.batch
    count, position, is_heap = 0, 0, clock.is_ordered[ENDS]
    while position < ends.size[0]:
        # in a heap only the first place is looked at
        flow = items[position]
        # an end at infinity is not due, nor is its difference to now a number to compare
        if key[flow] <= now or key[flow] - now <= tolerance * (key[flow] - begun_s[flow]) < np.inf:
            if is_heap:
                pop(ends)
            else:
                remove(ends, flow)
            batch[count] = flow
            count += 1
        elif is_heap:
            break
        else:
            position += 1
    clock.num_batch[0] = count


@njit(cache=True)
def take_starts(clock, starts, now):
    """Add all flows whose start has come to the batch."""
    items, key, batch, count = starts.items, starts.key, clock.batch, clock.num_batch[0]
    if clock.is_ordered[STARTS]:
        while starts.size[0] > 0 and key[items[0]] <= now:
            batch[count] = pop(starts)
            count += 1
    else:
        num_waiting, position = starts.size[0], 0
        while position < starts.size[0]:
            flow = items[position]
            if key[flow] <= now:
                remove(starts, flow)
                batch[count] = flow
                count += 1
            else:
                position += 1
        if num_waiting - starts.size[0] < FEW * num_waiting:
            order(starts)
            clock.is_ordered[STARTS] = True
    clock.num_batch[0] = count


@njit(cache=True)
def start_and_end(state, clock, starts, ends, timeline, now):
    """Start the flows of the batch that wait, and end those that run.

    Flows without bytes or without bundles end at once. Afterwards the batch holds the flows that
    have left bundles and then those that have entered some.
    """
    indptr, flow_bytes = state.paths.indptr, timeline.flow_bytes
    batch, running, place = clock.batch, clock.running, clock.place
    num_running, num_left, num_kept = clock.num_running[0], 0, 0
    for position in range(clock.num_batch[0]):
        flow = batch[position]
        num_entries = indptr[flow + 1] - indptr[flow]
        if place[flow] < 0 and flow_bytes[flow] > 0.0 and num_entries > 0:
            place[flow] = num_running
            running[num_running] = flow
            num_running += 1
            clock.num_entries[0] += num_entries
            clock.begun_s[flow] = now
            clock.since_s[flow] = now
            if clock.is_ordered[ENDS]:
                put(ends, flow, np.inf)
            else:
                append(ends, flow, np.inf)
            batch[num_kept] = flow
            num_kept += 1
            continue
        if place[flow] >= 0:
            num_running -= 1
            last = running[num_running]
            running[place[flow]] = last
            place[last] = place[flow]
            place[flow] = -1
            clock.num_entries[0] -= num_entries
            clock.end_s[flow] = ends.key[flow]
            batch[num_kept] = batch[num_left]
            batch[num_left] = flow
            num_left += 1
            num_kept += 1
        else:
            clock.end_s[flow] = now
        if timeline.after_start[flow + 1] > timeline.after_start[flow]:
            _release(clock, starts, timeline, flow)
    clock.num_running[0] = num_running
    clock.num_batch[0] = num_kept
    leave(state, batch[:num_left])
    enter(state, batch[num_left:num_kept])


@njit(cache=True)
def _end_at(left_bytes, since_s, flow, before, rate, now):
    """Count what a flow has sent at its former rate; return when it ends at the present one."""
    left = max(left_bytes[flow] - before * (now - since_s[flow]), 0.0)
    left_bytes[flow] = left
    since_s[flow] = now
    return now + left / rate if rate > 0.0 else np.inf


@njit(cache=True)
def reschedule_changed(state, clock, ends, changed, now):
    """Expect the ends of the flows whose rates have changed at their new times."""
    if not clock.is_ordered[ENDS]:
        order(ends)
        clock.is_ordered[ENDS] = True
    flows, noted, before, rates = changed.flow, changed.noted, changed.before, state.rate
    place, left_bytes, since_s = clock.place, clock.left_bytes, clock.since_s
    keys, items, places, size = ends.key, ends.items, ends.place, ends.size
    for position in range(changed.count[0]):
        flow = flows[position]
        noted[flow] = False
        if place[flow] >= 0:
            end_s = _end_at(left_bytes, since_s, flow, before[flow], rates[flow], now)
            put_at(keys, items, places, size, flow, end_s)
    changed.count[0] = 0


@njit(cache=True)
def remember_rates(state, clock, changed):
    """Write the rates of all running flows to ``changed.before``."""
    for position in range(clock.num_running[0]):
        flow = clock.running[position]
        if not changed.noted[flow]:
            changed.before[flow] = state.rate[flow]
    for position in range(changed.count[0]):
        changed.noted[changed.flow[position]] = False
    changed.count[0] = 0


@njit(cache=True)
def reschedule_running(state, clock, ends, changed, now):
    """Expect the ends of all running flows at their new times, in any order."""
    running, rates, before = clock.running, state.rate, changed.before
    left_bytes, since_s, key = clock.left_bytes, clock.since_s, ends.key
    for position in range(clock.num_running[0]):
        flow = running[position]
        rate = rates[flow]
        if abs(rate - before[flow]) > SAME * before[flow]:
            key[flow] = _end_at(left_bytes, since_s, flow, before[flow], rate, now)
    clock.is_ordered[ENDS] = False
