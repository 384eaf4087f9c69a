"""How far every flow is: who waits, who runs, and when each starts or ends next.

Ends are kept by bundle: the first to end of the flows that a bundle holds is known (`progress`),
and a heap has the first of all. Starts are a heap of flows; while many are due at once, as at the
beginning of a collective, they are a list in any order, which is cheaper to look through than a
heap is to keep.

Legend for shapes: F flows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netloom.kernels.compiled import allocates_nothing
from netloom.kernels.flow_state import enter, leave
from netloom.kernels.heap import (
    Heap,
    append,
    clear,
    empty_heap,
    order,
    pop,
    put,
    put_at,
    remove,
)
from netloom.kernels.progress import let_go, next_end

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
    starts : heap of waiting flows by the time at which they start.
    starts_ordered : bool, shape (1,), whether that is a heap, or a list in any order, which is
        cheaper while many are due at once.
    ends : heap of bundles by the time at which the first of the flows that they hold will end.
    begun_s, end_s : float64, shape (F,).
    num_running, num_entries : int64, shape (1,), running flows and entries of their paths.
    waiting : int32, shape (F,), flows still to end before each flow.
    batch : int32, shape (F,), flows that end at the event at hand, the first ``num_ending[0]``,
        then those that start, up to ``num_batch[0]``.
    """

    starts: Heap
    starts_ordered: np.ndarray
    ends: Heap
    begun_s: np.ndarray
    end_s: np.ndarray
    num_running: np.ndarray
    num_entries: np.ndarray
    waiting: np.ndarray
    batch: np.ndarray
    num_ending: np.ndarray
    num_batch: np.ndarray


def idle_clock(timeline: Timeline, num_bundles: int) -> Clock:
    """Return the clock before the first start."""
    num_flows = len(timeline.flow_bytes)
    return Clock(
        empty_heap(num_flows),
        np.zeros(1, dtype=np.bool_),
        empty_heap(num_bundles),
        np.zeros(num_flows),
        np.full(num_flows, np.inf),
        np.zeros(1, dtype=np.int64),
        np.zeros(1, dtype=np.int64),
        timeline.num_before.copy(),
        np.empty(num_flows, dtype=np.int32),
        np.zeros(1, dtype=np.int64),
        np.zeros(1, dtype=np.int64),
    )


@allocates_nothing
def begin(clock, timeline, flows):
    """Expect the starts of flows that feel no others, and nothing else."""
    clear(clock.starts)
    clear(clock.ends)
    clock.starts_ordered[0] = False
    clock.num_running[0], clock.num_entries[0] = 0, 0
    for flow in flows:
        if timeline.num_before[flow] == 0:
            append(clock.starts, flow, timeline.start_s[flow])


@allocates_nothing
def next_time(clock):
    """Return when the next flow starts or ends, infinite if none does."""
    starts, ends, now = clock.starts, clock.ends, np.inf
    if ends.size[0] > 0:
        now = ends.key[ends.items[0]]
    if starts.size[0] > 0 and clock.starts_ordered[0]:
        return min(now, starts.key[starts.items[0]])
    for position in range(starts.size[0]):
        now = min(now, starts.key[starts.items[position]])
    return now


@allocates_nothing
def take_ends(state, clock, now, tolerance):
    """Move all flows whose end has come to the batch."""
    table, goal, held, place = (
        state.table,
        state.progress.goal,
        state.progress.held,
        state.progress.place,
    )
    keys, bundles, places, size = (
        clock.ends.key,
        clock.ends.items,
        clock.ends.place,
        clock.ends.size,
    )
    begun_s, end_s, batch = clock.begun_s, clock.end_s, clock.batch
    count = 0
    while size[0] > 0:
        bundle = bundles[0]
        end = keys[bundle]
        # an end at infinity is not due, nor is its difference to now a number to compare
        if end == np.inf:
            break
        flow = held[table[bundle].first]
        if end > now and end - now > tolerance * (end - begun_s[flow]):
            break
        end_s[flow] = end
        batch[count] = flow
        count += 1
        let_go(table, goal, held, place, bundle, flow)
        later = next_end(table, goal, held, bundle)
        put_at(keys, bundles, places, size, bundle, later)
    clock.num_ending[0], clock.num_batch[0] = count, count


@allocates_nothing
def take_starts(clock, now):
    """Add all flows whose start has come to the batch."""
    starts, batch, count = clock.starts, clock.batch, clock.num_batch[0]
    items, key = starts.items, starts.key
    if clock.starts_ordered[0]:
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
            clock.starts_ordered[0] = True
    clock.num_batch[0] = count


@allocates_nothing
def _release(clock, timeline, flow):
    """Let the flows that waited for this one start, if they wait for no other."""
    for position in range(timeline.after_start[flow], timeline.after_start[flow + 1]):
        other = timeline.after[position]
        clock.waiting[other] -= 1
        if clock.waiting[other] == 0:
            start_s = clock.end_s[flow] + timeline.start_s[other]
            if clock.starts_ordered[0]:
                put(clock.starts, other, start_s)
            else:
                append(clock.starts, other, start_s)


@allocates_nothing
def end_and_start(state, clock, timeline, now):
    """Let the flows of the batch leave and enter their bundles.

    Flows without bytes or without bundles end at once, and are no longer in the batch.
    """
    indptr, flow_bytes, after_start = state.paths.indptr, timeline.flow_bytes, timeline.after_start
    batch, num_ending, num_kept = clock.batch, clock.num_ending[0], clock.num_ending[0]
    for position in range(num_ending):
        flow = batch[position]
        clock.num_entries[0] -= indptr[flow + 1] - indptr[flow]
        if after_start[flow + 1] > after_start[flow]:
            _release(clock, timeline, flow)
    for position in range(num_ending, clock.num_batch[0]):
        flow = batch[position]
        num_entries = indptr[flow + 1] - indptr[flow]
        if flow_bytes[flow] > 0.0 and num_entries > 0:
            clock.num_entries[0] += num_entries
            clock.begun_s[flow] = now
            batch[num_kept] = flow
            num_kept += 1
            continue
        clock.end_s[flow] = now
        if after_start[flow + 1] > after_start[flow]:
            _release(clock, timeline, flow)
    clock.num_running[0] += num_kept - 2 * num_ending
    clock.num_batch[0] = num_kept
    leave(state, batch[:num_ending])
    enter(state, batch[num_ending:num_kept], flow_bytes)
