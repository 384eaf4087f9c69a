"""Max-min fair rates by progressive filling.

All rates rise together until a bundle is full; its flows keep that rate and the others go on.
The next full bundle is the one with the smallest share, capacity left over weight of flows left.
Shares only grow while filling, so a heap key that is out of date lies below the true value: it is
enough to look at the smallest key, and to put the bundle back when its share has grown meanwhile.

Legend for shapes: F flows, N entries of all paths, B bundles.

References
----------
.. [1] Bertsekas and Gallager, "Data Networks", 2nd edition, 1992, section 6.5.2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netloom.kernels.compiled import allocates_nothing
from netloom.kernels.flow_state import enter, idle_state
from netloom.kernels.loads import PathArrays
from netloom.kernels.progress import advance, move, touch
from netloom.kernels.shares_heap import order_all, sink_top

#: Shares that have grown by less than this part count as unchanged.
ROUNDING = 1e-13


class Filling(NamedTuple):
    """Work space of `fill`.

    Attributes
    ----------
    share, bundle : float64 and int32, shape (B,), heap of bundles by share.
    settled : int32, shape (F,), number of the last filling that gave a flow its rate.
    num_fillings : int32, shape (1,).
    """

    share: np.ndarray
    bundle: np.ndarray
    settled: np.ndarray
    num_fillings: np.ndarray


def empty_filling(num_flows: int, num_bundles: int) -> Filling:
    """Return the work space."""
    return Filling(
        np.empty(num_bundles),
        np.empty(num_bundles, dtype=np.int32),
        np.zeros(num_flows, dtype=np.int32),
        np.zeros(1, dtype=np.int32),
    )


@allocates_nothing
def fill(state, filling, bundles, num_flows, now):
    """Give running flows their max-min rates from now on; return how many entries it looked at.

    Parameters
    ----------
    state : `flow_state.FlowState`; limits, levels and loads are written anew.
    filling : `Filling`.
    bundles : int32, all that the flows cross, and no other flow does.
    num_flows : running flows that cross some.
    now : seconds.
    """
    size = _start_filling(state, filling, bundles, now)
    keys, items = filling.share, filling.bundle
    indptr, crosses, shares = state.paths.indptr, state.paths.bundle, state.paths.share
    table, member, limit = state.table, state.member, state.limit
    goal, held, place = state.progress.goal, state.progress.held, state.progress.place
    settled, turn = filling.settled, filling.num_fillings[0]
    looks, num_rising = 0, num_flows
    while num_rising > 0:
        bundle = items[0]
        if table[bundle].num_rising > 0:
            share = max(table[bundle].left, 0.0) / table[bundle].rising_weight
            if share > keys[0] * (1 + ROUNDING):
                sink_top(keys, items, size, 0, share, bundle)
                if items[0] != bundle:
                    continue
            table[bundle].level = share
            first = table[bundle].first
            for position in range(first, first + table[bundle].count):
                flow = member[position]
                if settled[flow] == turn:
                    continue
                settled[flow] = turn
                num_rising -= 1
                if limit[flow] != bundle:
                    move(table, goal, held, place, flow, limit[flow], bundle, now)
                    limit[flow] = bundle
                looks += indptr[flow + 1] - indptr[flow]
                for entry in range(indptr[flow], indptr[flow + 1]):
                    row = table[crosses[entry]]
                    row.left -= shares[entry] * share
                    row.rising_weight -= shares[entry]
                    row.num_rising -= 1
        size -= 1
        sink_top(keys, items, size, 0, keys[size], items[size])
    for bundle in bundles:
        table[bundle].used = table[bundle].capacity - table[bundle].left
        # flows held elsewhere are not faster than those held here
        table[bundle].fastest = table[bundle].level
    return looks


@allocates_nothing
def _start_filling(state, filling, bundles, now):
    """Let all flows rise from zero; return how many bundles have some."""
    keys, items, table, size = filling.share, filling.bundle, state.table, 0
    touched, num_touched = state.progress.touched, state.progress.num_touched
    filling.num_fillings[0] += 1
    for bundle in bundles:
        # what it has served so far, it has served at its former level
        advance(table, bundle, now)
        touch(table, touched, num_touched, bundle)
        table[bundle].level = np.inf
        table[bundle].left = table[bundle].capacity
        table[bundle].rising_weight = table[bundle].weight
        table[bundle].num_rising = table[bundle].count
        if table[bundle].count > 0:
            keys[size] = table[bundle].capacity / table[bundle].weight
            items[size] = bundle
            size += 1
    order_all(keys, items, size)
    return size


def max_min_rates(paths: PathArrays, bytes_per_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the max-min fair rate of each flow, float64, shape (F,), bytes/s.

    A flow that crosses no bundle has an infinite rate.

    Parameters
    ----------
    bytes_per_s : float64, shape (B,), positive capacity of each bundle.
    """
    num_flows = len(paths.indptr) - 1
    state = idle_state(paths, bytes_per_s)
    rates = np.full(num_flows, np.inf)
    enter(state, np.arange(num_flows), rates)
    num_crossing = int((np.diff(paths.indptr) > 0).sum())
    filling = empty_filling(num_flows, len(bytes_per_s))
    fill(state, filling, np.arange(len(bytes_per_s)), num_crossing, 0.0)
    crossing = state.limit >= 0
    rates[crossing] = state.table["level"][state.limit[crossing]]
    return rates
