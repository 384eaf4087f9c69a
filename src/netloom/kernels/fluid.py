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
from netloom.kernels.flow_clock import (
    ENDS,
    STARTS,
    Clock,
    Timeline,
    earliest,
    idle_clock,
    remember_rates,
    reschedule_changed,
    reschedule_running,
    start_and_end,
    take_ends,
    take_starts,
)
from netloom.kernels.flow_state import FlowState, idle_state
from netloom.kernels.heap import Heap, append, clear, empty_heap
from netloom.kernels.loads import PathArrays
from netloom.kernels.maxmin import Filling, empty_filling, fill
from netloom.kernels.relax import (
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

#: Events that are answered by filling after a local update has turned out to go everywhere.
PATIENCE = 8


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


class _Run(NamedTuple):
    """Everything that the event loop writes.

    Attributes
    ----------
    starts : heap of waiting flows by the time at which they start.
    ends : heap of running flows by the time at which they will end.
    num_events : int64, shape (3,), batches of events, those answered by filling, and entries of
        paths looked at in both ways.
    """

    state: FlowState
    clock: Clock
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
    clock = idle_clock(timeline)
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
            np.zeros(1, dtype=np.int64),
        ),
        changed,
        np.zeros(3, dtype=np.int64),
    )


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
def _share_locally(run, num_bundles, now):
    """Update the rates that the batch reaches; return False if filling anew is less work."""
    _mark_batch(run.state, run.clock, run.work, run.changed)
    most = 3 * run.clock.num_entries[0] + num_bundles
    if not relax(run.state, run.work, run.changed, most):
        return False
    reschedule_changed(run.state, run.clock, run.ends, run.changed, now)
    return True


@njit(cache=True)
def _share_anew(run, bundles, now):
    """Find all rates of a component anew."""
    clear(run.work.stale)
    remember_rates(run.state, run.clock, run.changed)
    running = run.clock.running[: run.clock.num_running[0]]
    fill(run.state, run.filling, bundles, running)
    reschedule_running(run.state, run.clock, run.ends, run.changed, now)
    run.num_events[1] += 1
    run.work.looks[0] += run.clock.num_entries[0]


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
            earliest(starts, clock.is_ordered[STARTS]), earliest(ends, clock.is_ordered[ENDS])
        )
        if change < last_change:
            now = min(now, changes.at_s[change])
        if np.isinf(now):
            return
        take_ends(clock, ends, now, tolerance)
        take_starts(clock, starts, now)
        start_and_end(run.state, clock, starts, ends, timeline, now)
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
    num_events : int64, shape (3,), batches of events, those answered by filling anew, and entries
        of paths looked at for rates.
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
    run.num_events[2] = run.work.looks[0]
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
