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
    heap, paths = filling.by_share, state.paths
    clear(heap)
    for bundle in bundles:
        state.level[bundle] = np.inf
        state.used[bundle] = 0.0
        if state.count[bundle] == 0:
            continue
        filling.left[bundle] = state.bytes_per_s[bundle]
        filling.num_rising[bundle] = state.count[bundle]
        weight = 0.0
        first = state.start[bundle]
        for position in range(first, first + state.count[bundle]):
            entry = state.members[position]
            weight += paths.share[entry]
            filling.rising[state.entry_flow[entry]] = True
        filling.weight[bundle] = weight
        append(heap, bundle, state.bytes_per_s[bundle] / weight)
    order(heap)
    while heap.size[0] > 0:
        bundle = heap.items[0]
        if filling.num_rising[bundle] == 0:
            pop(heap)
            continue
        share = max(filling.left[bundle], 0.0) / filling.weight[bundle]
        if share > heap.key[bundle] * (1 + ROUNDING):
            put(heap, bundle, share)
            if heap.items[0] != bundle:
                continue
        pop(heap)
        state.level[bundle] = share
        first = state.start[bundle]
        for position in range(first, first + state.count[bundle]):
            flow = state.entry_flow[state.members[position]]
            if filling.rising[flow]:
                filling.rising[flow] = False
                state.rate[flow] = share
                state.limit[flow] = bundle
                _give(state, filling, flow, share)


@njit(cache=True)
def _give(state, filling, flow, rate):
    """Take a flow's rate off what the bundles on its path have left."""
    for entry in range(state.paths.indptr[flow], state.paths.indptr[flow + 1]):
        crossed, part = state.paths.bundle[entry], state.paths.share[entry]
        filling.left[crossed] -= part * rate
        filling.weight[crossed] -= part
        filling.num_rising[crossed] -= 1
        state.used[crossed] += part * rate


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
    for flow in range(num_flows):
        enter(state, flow)
    bundles = np.arange(len(bytes_per_s)).astype(np.int32)
    fill(state, empty_filling(num_flows, len(bytes_per_s)), bundles)
    rates = state.rate
    for flow in range(num_flows):
        if paths.indptr[flow] == paths.indptr[flow + 1]:
            rates[flow] = np.inf
    return rates
