"""Flows that start and end at different times, each at its max-min rate whenever it runs.

Time goes from event to event: a flow starts, a flow ends, a capacity changes. Between events rates
are constant, so that the time at which a flow will end is known and kept in a heap. After an event
only the rates that it reaches are found anew (`kernels.relax`); where it reaches most of them, all
are (`kernels.maxmin`). Flows that can never feel each other (`kernels.components`) are run one
component after another, which keeps the work in the cache.

Legend for shapes: F flows, N entries of all paths, B bundles, K changes of capacity.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from netloom.kernels.components import can_fill, components, without
from netloom.kernels.flow_state import FlowState, enter, idle_state, leave
from netloom.kernels.heap import Heap, append, clear, empty_heap, order, pop, put, put_at, remove
from netloom.kernels.loads import PathArrays
from netloom.kernels.maxmin import Filling, empty_filling, fill
from netloom.kernels.relax import (
    SAME,
    Changes,
    Work,
    mark_entered,
    mark_left,
    mark_resized,
    note,
    relax,
)

#: Ends that differ by less than this part of a flow's duration are one event: rounding, no more.
TIES = 1e-10

#: A batch of starts and ends above this part of the running flows is answered by filling anew, ...
LARGE_BATCH = 0.25

#: ... unless it is no more than this many.
SMALL_BATCH = 16

#: Places in `_Clock.is_ordered`.
ENDS, STARTS = 0, 1

#: Events that are answered by filling after a local update has turned out to go everywhere.
PATIENCE = 8


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


class CapacityChanges(NamedTuple):
    """Capacities that change while flows run, sorted by time; shape (K,) each.

    Attributes
    ----------
    at_s : float64.
    bundle : int32.
    bytes_per_s : float64, capacity from then on; 0 stops the bundle's flows.
    """

    at_s: NDArray[np.float64]
    bundle: NDArray[np.int32]
    bytes_per_s: NDArray[np.float64]


class _Clock(NamedTuple):
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
    is_ordered : bool, shape (2,), whether the flows' ends, and their starts, are a heap or a list in
        any order, which is cheaper while many are due at once.
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


class _Run(NamedTuple):
    """Everything that the event loop writes.

    Attributes
    ----------
    starts : heap of waiting flows by the time at which they start.
    ends : heap of running flows by the time at which they will end.
    num_events : int64, shape (2,), batches of events, and those answered by filling.
    """

    state: FlowState
    clock: _Clock
    starts: Heap
    ends: Heap
    filling: Filling
    work: Work
    changed: Changes
    num_events: np.ndarray


@njit(cache=True)
def _new_run(paths, bytes_per_s, timeline):
    num_flows, num_bundles = len(paths.indptr) - 1, len(bytes_per_s)
    state = idle_state(paths, bytes_per_s)
    most = 0
    for bundle in range(num_bundles):
        most = max(most, state.start[bundle + 1] - state.start[bundle])
    clock = _Clock(
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
    changed = Changes(
        np.empty(num_flows, dtype=np.int32),
        np.empty(num_flows),
        np.zeros(num_flows, dtype=np.bool_),
        np.zeros(1, dtype=np.int64),
    )
    return _Run(
        state,
        clock,
        empty_heap(num_flows),
        empty_heap(num_flows),
        empty_filling(num_flows, num_bundles),
        Work(
            empty_heap(num_bundles),
            np.empty(most),
            np.empty(most),
            np.empty(most, dtype=np.int32),
        ),
        changed,
        np.zeros(2, dtype=np.int64),
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
def _earliest(events, is_ordered):
    """Return the smallest time of a heap, or of a list in any order."""
    if events.size[0] == 0:
        return np.inf
    items, key = events.items, events.key
    if is_ordered:
        return key[items[0]]
    earliest = np.inf
    for position in range(events.size[0]):
        earliest = min(earliest, key[items[position]])
    return earliest


@njit(cache=True)
def _take_ends(clock, ends, now, tolerance):
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
def _take_starts(clock, starts, now):
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
        if num_waiting - starts.size[0] < LARGE_BATCH * num_waiting:
            order(starts)
            clock.is_ordered[STARTS] = True
    clock.num_batch[0] = count


@njit(cache=True)
def _start_and_end(state, clock, starts, ends, timeline, now):
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
def _mark_batch(state, clock, work, changed):
    """Mark the bundles that flows of the batch have entered or left as stale."""
    for position in range(clock.num_batch[0]):
        flow = clock.batch[position]
        if clock.place[flow] >= 0:
            mark_entered(state, work.stale, flow)
            note(changed, flow, 0.0)
        else:
            mark_left(state, work.stale, flow)


@njit(cache=True)
def _reschedule_changed(state, clock, ends, changed, now):
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
def _remember_rates(state, clock, changed):
    """Write the rates of all running flows to ``changed.before``."""
    for position in range(clock.num_running[0]):
        flow = clock.running[position]
        if not changed.noted[flow]:
            changed.before[flow] = state.rate[flow]
    for position in range(changed.count[0]):
        changed.noted[changed.flow[position]] = False
    changed.count[0] = 0


@njit(cache=True)
def _reschedule_running(state, clock, ends, changed, now):
    """Expect the ends of all running flows at their new times, in any order."""
    running, rates, before = clock.running, state.rate, changed.before
    left_bytes, since_s, key = clock.left_bytes, clock.since_s, ends.key
    for position in range(clock.num_running[0]):
        flow = running[position]
        rate = rates[flow]
        if abs(rate - before[flow]) > SAME * before[flow]:
            key[flow] = _end_at(left_bytes, since_s, flow, before[flow], rate, now)
    clock.is_ordered[ENDS] = False


@njit(cache=True)
def _share_locally(run, num_bundles, now):
    """Update the rates that the batch reaches; return False if filling anew is less work."""
    _mark_batch(run.state, run.clock, run.work, run.changed)
    most = 3 * run.clock.num_entries[0] + num_bundles
    if not relax(run.state, run.work, run.changed, most):
        return False
    _reschedule_changed(run.state, run.clock, run.ends, run.changed, now)
    return True


@njit(cache=True)
def _share_anew(run, bundles, now):
    """Find all rates of a component anew."""
    clear(run.work.stale)
    _remember_rates(run.state, run.clock, run.changed)
    fill(run.state, run.filling, bundles)
    _reschedule_running(run.state, run.clock, run.ends, run.changed, now)
    run.num_events[1] += 1


@njit(cache=True)
def _resize(run, changes, change, last, now):
    """Give bundles the capacities that they have from now on; return the first later change."""
    while change < last and changes.at_s[change] <= now:
        bundle = changes.bundle[change]
        run.state.bytes_per_s[bundle] = changes.bytes_per_s[change]
        mark_resized(run.work.stale, bundle)
        change += 1
    return change


@njit(cache=True)
def _run_component(run, timeline, changes, flows, bundles, change, last_change, tolerance):
    """Run one component from its first event to its last; its changes are a range of all."""
    clock, starts, ends = run.clock, run.starts, run.ends
    clear(starts)
    clear(ends)
    clock.num_running[0] = 0
    clock.num_entries[0] = 0
    clock.is_ordered[:] = False
    for flow in flows:
        if timeline.num_before[flow] == 0:
            append(starts, flow, timeline.start_s[flow])
    patience = 0
    while starts.size[0] > 0 or ends.size[0] > 0:
        now = min(
            _earliest(starts, clock.is_ordered[STARTS]), _earliest(ends, clock.is_ordered[ENDS])
        )
        if change < last_change:
            now = min(now, changes.at_s[change])
        if np.isinf(now):
            return
        _take_ends(clock, ends, now, tolerance)
        _take_starts(clock, starts, now)
        _start_and_end(run.state, clock, starts, ends, timeline, now)
        change = _resize(run, changes, change, last_change, now)
        run.num_events[0] += 1
        patience -= 1
        most = max(SMALL_BATCH, LARGE_BATCH * clock.num_running[0])
        local = patience < 0 and clock.num_batch[0] <= most
        if not local or not _share_locally(run, len(bundles), now):
            if local:
                patience = PATIENCE
            _share_anew(run, bundles, now)


@njit(cache=True)
def _run_alone(paths, timeline, bytes_per_s, flow):
    """Return when a flow that meets no other ends."""
    rate = np.inf
    for entry in range(paths.indptr[flow], paths.indptr[flow + 1]):
        rate = min(rate, bytes_per_s[paths.bundle[entry]] / paths.share[entry])
    seconds = timeline.flow_bytes[flow] / rate if timeline.flow_bytes[flow] > 0.0 else 0.0
    return timeline.start_s[flow] + seconds


@njit(cache=True)
def _changes_by_component(changes, bundle_start, bundles, num_bundles):
    """Return start, shape (C + 1,), and positions of changes by component, in order of time."""
    component = np.full(num_bundles, -1, dtype=np.int64)
    num_components = len(bundle_start) - 1
    for label in range(num_components):
        for position in range(bundle_start[label], bundle_start[label + 1]):
            component[bundles[position]] = label
    start = np.zeros(num_components + 1, dtype=np.int64)
    for bundle in changes.bundle:
        if component[bundle] >= 0:
            start[component[bundle] + 1] += 1
    start = np.cumsum(start)
    cursor = start[:-1].copy()
    chosen = np.empty(start[-1], dtype=np.int64)
    for change in range(len(changes.bundle)):
        label = component[changes.bundle[change]]
        if label >= 0:
            chosen[cursor[label]] = change
            cursor[label] += 1
    return start, chosen


@njit(cache=True)
def run_flows(
    paths: PathArrays,
    bytes_per_s: NDArray[np.float64],
    timeline: Timeline,
    changes: CapacityChanges,
    tolerance: float,
):
    """Return when each flow ends, float64, shape (F,), seconds, and counts of events.

    A flow that never ends, because a bundle on its way keeps no capacity, has the end infinity.

    Parameters
    ----------
    bytes_per_s : float64, shape (B,), capacity of each bundle at first.
    tolerance : flows that would end within this part of their duration end with the event at hand;
        `TIES` for exact results, 0.01 makes irregular cases many times faster.

    Returns
    -------
    end_s : float64, shape (F,).
    num_events : int64, shape (2,), batches of events, and those answered by filling anew.
    """
    num_bundles = len(bytes_per_s)
    most = bytes_per_s.copy()
    least = bytes_per_s.copy()
    for change in range(len(changes.bundle)):
        bundle = changes.bundle[change]
        most[bundle] = max(most[bundle], changes.bytes_per_s[change])
        least[bundle] = min(least[bundle], changes.bytes_per_s[change])
    keep = can_fill(paths, most)
    for bundle in range(num_bundles):
        keep[bundle] |= least[bundle] < most[bundle]
    felt = without(paths, keep)
    flow_start, flows, bundle_start, bundles = components(
        felt, num_bundles, timeline.after_start, timeline.after
    )
    change_start, chosen = _changes_by_component(changes, bundle_start, bundles, num_bundles)
    ordered = CapacityChanges(
        changes.at_s[chosen], changes.bundle[chosen], changes.bytes_per_s[chosen]
    )
    run = _new_run(felt, bytes_per_s, timeline)
    for label in range(len(flow_start) - 1):
        alone = flow_start[label + 1] - flow_start[label] == 1
        if alone and change_start[label + 1] == change_start[label]:
            flow = flows[flow_start[label]]
            run.clock.end_s[flow] = _run_alone(felt, timeline, bytes_per_s, flow)
            run.num_events[0] += 1
            continue
        _run_component(
            run, timeline, ordered,
            flows[flow_start[label] : flow_start[label + 1]],
            bundles[bundle_start[label] : bundle_start[label + 1]],
            change_start[label], change_start[label + 1], tolerance,
        )  # fmt: skip
    return run.clock.end_s, run.num_events


@njit(cache=True)
def completion_times(
    paths: PathArrays,
    bytes_per_s: NDArray[np.float64],
    flow_bytes: NDArray[np.float64],
    tolerance: float,
):
    """Return when each flow ends, float64, shape (F,), seconds; all start at zero.

    See `run_flows`, of which this is the case without start times.
    """
    num_flows = len(flow_bytes)
    timeline = Timeline(
        flow_bytes,
        np.zeros(num_flows),
        np.zeros(num_flows, dtype=np.int32),
        np.zeros(num_flows + 1, dtype=np.int64),
        np.zeros(0, dtype=np.int32),
    )
    changes = CapacityChanges(np.zeros(0), np.zeros(0, dtype=np.int32), np.zeros(0))
    end_s, _ = run_flows(paths, bytes_per_s, timeline, changes, tolerance)
    return end_s
