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
from numba import njit
from numpy.typing import NDArray

from netloom.kernels.flow_state import enter, idle_state
from netloom.kernels.heap import Heap, append, clear, empty_heap, order, pop, put
from netloom.kernels.loads import PathArrays

#: Shares that have grown by less than this part count as unchanged.
ROUNDING = 1e-13


#: Columns of `Filling.open`.
LEFT, WEIGHT, RISING = 0, 1, 2


class Filling(NamedTuple):
    """Work space of `fill`.

    Attributes
    ----------
    by_share : heap of bundles.
    open : float64, shape (B, 3): capacity not yet given away, bytes/s; shares of the flows whose
        rates still rise; and their number. Side by side, because they are read together.
    rising : bool, shape (F,); false outside of `fill`.
    """

    by_share: Heap
    open: np.ndarray
    rising: np.ndarray


@njit(cache=True)
def empty_filling(num_flows, num_bundles):
    """Return the work space."""
    return Filling(
        empty_heap(num_bundles), np.zeros((num_bundles, 3)), np.zeros(num_flows, dtype=np.bool_)
    )


@njit(cache=True)
def fill(state, filling, bundles, flows):
    """Give running flows their max-min rates.

    Parameters
    ----------
    state : `flow_state.FlowState`; rates, limits, levels and loads are written anew.
    filling : `Filling`.
    bundles : int32, all that the flows cross, and no other flow does.
    flows : int32, all running flows that cross one of the bundles.
    """
    heap, keys, items = filling.by_share, filling.by_share.key, filling.by_share.items
    _start_filling(state, filling, bundles, flows)
    indptr, crosses, shares = state.paths.indptr, state.paths.bundle, state.paths.share
    start, count, members, flow_of = state.start, state.count, state.members, state.entry_flow
    still_open, rising = filling.open, filling.rising
    level, rate, limit = state.level, state.rate, state.limit
    while heap.size[0] > 0:
        bundle = items[0]
        if still_open[bundle, RISING] == 0.0:
            pop(heap)
            continue
        share = max(still_open[bundle, LEFT], 0.0) / still_open[bundle, WEIGHT]
        if share > keys[bundle] * (1 + ROUNDING):
            put(heap, bundle, share)
            if items[0] != bundle:
                continue
        pop(heap)
        level[bundle] = share
        for position in range(start[bundle], start[bundle] + count[bundle]):
            flow = flow_of[members[position]]
            if not rising[flow]:
                continue
            rising[flow] = False
            rate[flow] = share
            limit[flow] = bundle
            for entry in range(indptr[flow], indptr[flow + 1]):
                crossed = crosses[entry]
                still_open[crossed, LEFT] -= shares[entry] * share
                still_open[crossed, WEIGHT] -= shares[entry]
                still_open[crossed, RISING] -= 1.0
    used, bytes_per_s = state.used, state.bytes_per_s
    for bundle in bundles:
        used[bundle] = bytes_per_s[bundle] - still_open[bundle, LEFT]


@njit(cache=True)
def _start_filling(state, filling, bundles, flows):
    """Let all flows rise from zero."""
    indptr, crosses, shares = state.paths.indptr, state.paths.bundle, state.paths.share
    heap, still_open, rising = filling.by_share, filling.open, filling.rising
    bytes_per_s, level = state.bytes_per_s, state.level
    for bundle in bundles:
        level[bundle] = np.inf
        still_open[bundle, LEFT] = bytes_per_s[bundle]
        still_open[bundle, WEIGHT] = 0.0
        still_open[bundle, RISING] = 0.0
    for flow in flows:
        rising[flow] = True
        for entry in range(indptr[flow], indptr[flow + 1]):
            still_open[crosses[entry], WEIGHT] += shares[entry]
            still_open[crosses[entry], RISING] += 1.0
    clear(heap)
    for bundle in bundles:
        if still_open[bundle, RISING] > 0.0:
            append(heap, bundle, bytes_per_s[bundle] / still_open[bundle, WEIGHT])
    order(heap)


@njit(cache=True)
def max_min_rates(paths: PathArrays, bytes_per_s: NDArray[np.float64]):
    """Return the max-min fair rate of each flow, float64, shape (F,), bytes/s.

    A flow that crosses no bundle has an infinite rate.

    Parameters
    ----------
    bytes_per_s : float64, shape (B,), positive capacity of each bundle.
    """
    num_flows = len(paths.indptr) - 1
    state = idle_state(paths, bytes_per_s)
    flows, bundles = np.arange(num_flows), np.arange(len(bytes_per_s))
    enter(state, flows)
    fill(state, empty_filling(num_flows, len(bytes_per_s)), bundles, flows)
    rates = state.rate
    for flow in range(num_flows):
        if paths.indptr[flow] == paths.indptr[flow + 1]:
            rates[flow] = np.inf
    return rates
