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


class Filling(NamedTuple):
    """Work space of `fill`.

    Attributes
    ----------
    by_share : heap of bundles.
    left : float64, shape (B,), capacity not yet given away, bytes/s.
    weight : float64, shape (B,), shares of the flows whose rates still rise.
    num_rising : int64, shape (B,).
    rising : bool, shape (F,); false outside of `fill`.
    """

    by_share: Heap
    left: np.ndarray
    weight: np.ndarray
    num_rising: np.ndarray
    rising: np.ndarray


@njit(cache=True)
def empty_filling(num_flows, num_bundles):
    """Return the work space."""
    return Filling(
        empty_heap(num_bundles),
        np.zeros(num_bundles),
        np.zeros(num_bundles),
        np.zeros(num_bundles, dtype=np.int64),
        np.zeros(num_flows, dtype=np.bool_),
    )


@njit(cache=True)
def fill(state, filling, bundles):
    """Give the running flows of some bundles their max-min rates.

    Parameters
    ----------
    state : `flow_state.FlowState`; rates, limits, levels and loads are written anew.
    filling : `Filling`.
    bundles : int32; flows that cross one of them cross no others.
    """
    heap, keys, items = filling.by_share, filling.by_share.key, filling.by_share.items
    _start_filling(state, filling, bundles)
    indptr, crosses, shares = state.paths.indptr, state.paths.bundle, state.paths.share
    start, count, members, flow_of = state.start, state.count, state.members, state.entry_flow
    left, weight = filling.left, filling.weight
    num_rising, rising = filling.num_rising, filling.rising
    used, level, rate, limit = state.used, state.level, state.rate, state.limit
    while heap.size[0] > 0:
        bundle = items[0]
        if num_rising[bundle] == 0:
            pop(heap)
            continue
        share = max(left[bundle], 0.0) / weight[bundle]
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
                crossed, given = crosses[entry], shares[entry] * share
                left[crossed] -= given
                used[crossed] += given
                weight[crossed] -= shares[entry]
                num_rising[crossed] -= 1


@njit(cache=True)
def _start_filling(state, filling, bundles):
    """Let all running flows of the bundles rise from zero."""
    heap, shares, rising = filling.by_share, state.paths.share, filling.rising
    start, count, members, flow_of = state.start, state.count, state.members, state.entry_flow
    bytes_per_s, used, level = state.bytes_per_s, state.used, state.level
    clear(heap)
    for bundle in bundles:
        level[bundle] = np.inf
        used[bundle] = 0.0
        if count[bundle] == 0:
            continue
        weight = 0.0
        for position in range(start[bundle], start[bundle] + count[bundle]):
            weight += shares[members[position]]
            rising[flow_of[members[position]]] = True
        filling.weight[bundle] = weight
        filling.left[bundle] = bytes_per_s[bundle]
        filling.num_rising[bundle] = count[bundle]
        append(heap, bundle, bytes_per_s[bundle] / weight)
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
    enter(state, np.arange(num_flows))
    bundles = np.arange(len(bytes_per_s)).astype(np.int32)
    fill(state, empty_filling(num_flows, len(bytes_per_s)), bundles)
    rates = state.rate
    for flow in range(num_flows):
        if paths.indptr[flow] == paths.indptr[flow + 1]:
            rates[flow] = np.inf
    return rates
