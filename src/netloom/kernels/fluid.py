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

from netloom.kernels.compiled import allocates_nothing
from netloom.kernels.components import can_fill, components, only
from netloom.kernels.flow_clock import (
    Clock,
    Timeline,
    begin,
    end_and_start,
    idle_clock,
    next_time,
    take_ends,
    take_starts,
)
from netloom.kernels.flow_state import FlowState, idle_state
from netloom.kernels.heap import clear, empty_heap
from netloom.kernels.loads import PathArrays
from netloom.kernels.maxmin import Filling, empty_filling, fill
from netloom.kernels.progress import reschedule
from netloom.kernels.relax import Work, mark_entered, mark_left, mark_resized, relax

#: Ends that differ by less than this part of a flow's duration are one event: rounding, no more.
TIES = 1e-10

#: A batch of starts and ends above this part of the running flows is answered by filling anew, ...
LARGE_BATCH = 0.25

#: ... unless it is no more than this many.
SMALL_BATCH = 16

#: Looks at entries, for each entry of a running flow, at which a local update is given up.
MOST_LOOKS = 8

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
    num_events : int64, shape (3,), batches of events, those answered by filling, and entries of
        paths looked at in both ways.
    """

    state: FlowState
    clock: Clock
    filling: Filling
    work: Work
    num_events: np.ndarray


def _new_run(paths: PathArrays, bytes_per_s: NDArray[np.float64], timeline: Timeline) -> _Run:
    num_flows, num_bundles = len(paths.indptr) - 1, len(bytes_per_s)
    most = int(np.bincount(paths.bundle).max(initial=0))
    return _Run(
        idle_state(paths, bytes_per_s),
        idle_clock(timeline, num_bundles),
        empty_filling(num_flows, num_bundles),
        Work(
            empty_heap(num_bundles),
            np.empty(most),
            np.empty(most, dtype=np.int32),
            np.zeros(1, dtype=np.int64),
        ),
        np.zeros(3, dtype=np.int64),
    )


@allocates_nothing
def _share_locally(run, num_bundles, now):
    """Update the rates that the batch reaches; return False if filling anew is less work."""
    clock, stale = run.clock, run.work.stale
    for position in range(clock.num_batch[0]):
        if position < clock.num_ending[0]:
            mark_left(run.state, stale, clock.batch[position])
        else:
            mark_entered(run.state, stale, clock.batch[position])
    return relax(run.state, run.work, now, MOST_LOOKS * clock.num_entries[0] + num_bundles)


@allocates_nothing
def _share_anew(run, bundles, now):
    """Find all rates of a component anew."""
    clear(run.work.stale)
    run.work.looks[0] += fill(run.state, run.filling, bundles, run.clock.num_running[0], now)
    run.num_events[1] += 1


@allocates_nothing
def _resize(run, changes, change, last, now):
    """Give bundles the capacities that they have from now on; return the first later change."""
    while change < last and changes.at_s[change] <= now:
        bundle = changes.bundle[change]
        run.state.table[bundle].capacity = changes.bytes_per_s[change]
        mark_resized(run.work.stale, bundle)
        change += 1
    return change


@allocates_nothing
def _run_component(run, timeline, changes, flows, bundles, change, last_change, tolerance):
    """Run one component from its first event to its last; its changes are a range of all."""
    state, clock = run.state, run.clock
    begin(clock, timeline, flows)
    patience = 0
    while clock.starts.size[0] > 0 or clock.num_running[0] > 0:
        now = next_time(clock)
        if change < last_change:
            now = min(now, changes.at_s[change])
        if np.isinf(now):
            return
        take_ends(state, clock, now, tolerance)
        take_starts(clock, now)
        end_and_start(state, clock, timeline, now)
        change = _resize(run, changes, change, last_change, now)
        run.num_events[0] += 1
        patience -= 1
        most = max(SMALL_BATCH, LARGE_BATCH * clock.num_running[0])
        local = patience < 0 and clock.num_batch[0] <= most
        if not local or not _share_locally(run, len(bundles), now):
            if local:
                patience = PATIENCE
            _share_anew(run, bundles, now)
        reschedule(state, clock.ends)


@allocates_nothing
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
    num_components = len(bundle_start) - 1
    start = np.zeros(num_components + 1, dtype=np.int64)
    if len(changes.bundle) == 0:
        return start, np.zeros(0, dtype=np.int64)
    component = np.full(num_bundles, -1, dtype=np.int64)
    for label in range(num_components):
        for position in range(bundle_start[label], bundle_start[label + 1]):
            component[bundles[position]] = label
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
def _run_components(run, timeline, changes, change_start, parts, tolerance):
    """Run one component after another; `parts` is what `components` returns."""
    flow_start, flows, bundle_start, bundles = parts
    paths, bytes_per_s = run.state.paths, run.state.table.capacity
    for label in range(len(flow_start) - 1):
        alone = flow_start[label + 1] - flow_start[label] == 1
        if alone and change_start[label + 1] == change_start[label]:
            flow = flows[flow_start[label]]
            run.clock.end_s[flow] = _run_alone(paths, timeline, bytes_per_s, flow)
            run.num_events[0] += 1
            continue
        _run_component(
            run, timeline, changes,
            flows[flow_start[label] : flow_start[label + 1]],
            bundles[bundle_start[label] : bundle_start[label + 1]],
            change_start[label], change_start[label + 1], tolerance,
        )  # fmt: skip


def run_flows(
    paths: PathArrays,
    bytes_per_s: NDArray[np.float64],
    timeline: Timeline,
    changes: CapacityChanges,
    tolerance: float,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
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
    most, keep = bytes_per_s.copy(), np.zeros(len(bytes_per_s), dtype=np.bool_)
    np.maximum.at(most, changes.bundle, changes.bytes_per_s)
    keep[changes.bundle] = True
    felt, crossed, number = only(paths, can_fill(paths, most) | keep)
    met = number[changes.bundle] >= 0
    changes = CapacityChanges(
        changes.at_s[met], number[changes.bundle[met]], changes.bytes_per_s[met]
    )
    parts = components(felt, len(crossed), timeline.after_start, timeline.after)
    change_start, chosen = _changes_by_component(changes, parts[2], parts[3], len(crossed))
    ordered = CapacityChanges(
        changes.at_s[chosen], changes.bundle[chosen], changes.bytes_per_s[chosen]
    )
    run = _new_run(felt, bytes_per_s[crossed], timeline)
    _run_components(run, timeline, ordered, change_start, parts, tolerance)
    run.num_events[2] = run.work.looks[0]
    return run.clock.end_s, run.num_events


def completion_times(
    paths: PathArrays,
    bytes_per_s: NDArray[np.float64],
    flow_bytes: NDArray[np.float64],
    tolerance: float,
) -> NDArray[np.float64]:
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
