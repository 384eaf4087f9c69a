"""How far flows are, counted by bundle: one clock for all flows that one bundle holds back.

These flows run at one rate, the bundle's level. Each bundle counts the bytes that it has *served*
each of them; a flow that joins is done once that count has grown by what it has left. When a level
changes, the ends of all its flows move, but nothing is written per flow, and the order in which
they end stays: they are a heap by the count at which each ends.

Functions take arrays one by one: named tuples cost more than the work here.

Legend for shapes: F flows, N entries of all paths, B bundles.

References
----------
.. [1] Demers, Keshav and Shenker, "Analysis and simulation of a fair queueing algorithm", SIGCOMM
   1989: virtual time, on one link.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from netloom.kernels.compiled import allocates_nothing
from netloom.kernels.heap import put_at, rise, sink

#: What is known of a bundle, side by side because it is read together, what is read most coming
#: first: level, the part of the capacity that is taken, and capacity, bytes/s; the largest rate
#: that a flow held elsewhere can have, bytes/s, infinite if not known; where its flows begin in the
#: lists of all, how many there are, and how many of them it holds; bytes served to each flow that
#: it holds, and until when; shares of its flows; while rates are filled anew, capacity left,
#: bytes/s, and shares and number of the flows that still rise; and whether its next end may have
#: moved.
BUNDLE = np.dtype(
    [
        ("level", np.float64), ("used", np.float64), ("capacity", np.float64),
        ("fastest", np.float64),
        ("first", np.int64), ("count", np.int32), ("num_held", np.int32),
        ("served", np.float64), ("since_s", np.float64),
        ("weight", np.float64), ("left", np.float64), ("rising_weight", np.float64),
        ("num_rising", np.int32), ("is_touched", np.int32),
    ]
)  # fmt: skip


class Progress(NamedTuple):
    """The flows that each bundle holds, first to end first.

    Attributes
    ----------
    goal : float64, shape (F,), bytes served by its bundle when a flow ends; what it has to send,
        while no bundle holds it.
    held : int32, shape (N,), heaps of flows by goal, each bundle's from its first place on.
    place : int32, shape (F,), where a flow stands in its heap, -1 outside.
    touched, num_touched : int32, shape (B,), and int64, shape (1,), bundles whose next end may have
        moved.
    """

    goal: np.ndarray
    held: np.ndarray
    place: np.ndarray
    touched: np.ndarray
    num_touched: np.ndarray


def no_progress(num_flows: int, num_entries: int, num_bundles: int) -> Progress:
    """Return the progress of flows of which none is held."""
    return Progress(
        np.zeros(num_flows),
        np.empty(num_entries, dtype=np.int32),
        np.full(num_flows, -1, dtype=np.int32),
        np.empty(num_bundles, dtype=np.int32),
        np.zeros(1, dtype=np.int64),
    )


@allocates_nothing
def touch(table, touched, num_touched, bundle):
    """Remember that the next end among a bundle's flows may have moved."""
    if not table[bundle].is_touched:
        table[bundle].is_touched = 1
        touched[num_touched[0]] = bundle
        num_touched[0] += 1


@allocates_nothing
def advance(table, bundle, now):
    """Count what a bundle has served each flow until now, before its level changes."""
    if now > table[bundle].since_s:
        if table[bundle].num_held > 0:
            table[bundle].served += table[bundle].level * (now - table[bundle].since_s)
        table[bundle].since_s = now


@allocates_nothing
def hold(table, goal, held, place, bundle, flow):
    """Let a bundle that has been advanced hold a flow, whose goal is what it has left."""
    if table[bundle].num_held == 0:
        # counts start anew whenever they can, so that they stay as exact as the bytes of flows
        table[bundle].served = 0.0
    goal[flow] += table[bundle].served
    base, hole = table[bundle].first, table[bundle].num_held
    rise(goal, held, place, base, hole, flow, goal[flow])
    table[bundle].num_held += 1


@allocates_nothing
def let_go(table, goal, held, place, bundle, flow):
    """Take a flow off the bundle that holds it."""
    table[bundle].num_held -= 1
    base, size, hole = table[bundle].first, table[bundle].num_held, place[flow]
    place[flow] = -1
    if hole < size:
        last = held[base + size]
        if goal[last] < goal[flow]:
            rise(goal, held, place, base, hole, last, goal[last])
        else:
            sink(goal, held, place, base, size, hole, last, goal[last])


@allocates_nothing
def move(table, goal, held, place, flow, before, after, now):
    """Let a bundle hold a flow that another has held, or none (-1) before."""
    if before >= 0:
        advance(table, before, now)
        let_go(table, goal, held, place, before, flow)
        goal[flow] = max(goal[flow] - table[before].served, 0.0)
    advance(table, after, now)
    hold(table, goal, held, place, after, flow)


@allocates_nothing
def next_end(table, goal, held, bundle):
    """Return when the first of a bundle's flows ends at the present level."""
    level = table[bundle].level
    if table[bundle].num_held == 0 or level == 0.0:
        return np.inf
    left = goal[held[table[bundle].first]] - table[bundle].served
    return table[bundle].since_s + max(left, 0.0) / level


@allocates_nothing
def reschedule(state, ends):
    """Write the next ends of the touched bundles to the heap of all bundles' next ends."""
    table, progress = state.table, state.progress
    goal, held, touched = progress.goal, progress.held, progress.touched
    keys, items, places, size = ends.key, ends.items, ends.place, ends.size
    for position in range(progress.num_touched[0]):
        bundle = touched[position]
        table[bundle].is_touched = 0
        end_s = next_end(table, goal, held, bundle)
        if end_s < np.inf or places[bundle] >= 0:
            put_at(keys, items, places, size, bundle, end_s)
    progress.num_touched[0] = 0
