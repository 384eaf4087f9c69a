"""Max-min fair rates by progressive filling, and flows that run to completion under them.

All rates rise together until a bundle is full; its flows keep that rate and the others go on.
The next full bundle is the one with the smallest share, capacity left over weight of flows left.
Shares only grow while filling, so a heap entry that is out of date lies below the true value: it
is enough to look at the smallest entry, and to put it back when it has grown meanwhile.

Legend for shapes: F flows, N entries of all paths, B bundles.

References
----------
.. [1] Bertsekas and Gallager, "Data Networks", 2nd edition, 1992, section 6.5.2.
"""

from __future__ import annotations

import heapq

import numpy as np
from numba import njit
from numpy.typing import NDArray

from netloom.kernels.loads import PathArrays


@njit(cache=True)
def flows_of_bundles(paths: PathArrays, num_bundles: int):
    """Return the transposed incidence: int64 indptr, shape (B + 1,), and int32 flows, (N,)."""
    indptr = np.zeros(num_bundles + 1, dtype=np.int64)
    for bundle in paths.bundle:
        indptr[bundle + 1] += 1
    indptr = np.cumsum(indptr)
    cursor = indptr[:-1].copy()
    flows = np.empty(len(paths.bundle), dtype=np.int32)
    for flow in range(len(paths.indptr) - 1):
        for entry in range(paths.indptr[flow], paths.indptr[flow + 1]):
            bundle = paths.bundle[entry]
            flows[cursor[bundle]] = flow
            cursor[bundle] += 1
    return indptr, flows


@njit(cache=True)
def _fill(paths, transposed_indptr, transposed_flow, bytes_per_s, active):
    num_bundles = len(bytes_per_s)
    rates = np.zeros(len(active))
    left = bytes_per_s.copy()
    weight = np.zeros(num_bundles)
    num_rising = np.zeros(num_bundles, dtype=np.int64)
    rising = active.copy()
    for flow in range(len(active)):
        if not active[flow]:
            continue
        if paths.indptr[flow] == paths.indptr[flow + 1]:
            rates[flow] = np.inf
            rising[flow] = False
        for entry in range(paths.indptr[flow], paths.indptr[flow + 1]):
            weight[paths.bundle[entry]] += paths.share[entry]
            num_rising[paths.bundle[entry]] += 1
    heap = [(0.0, 0) for _ in range(0)]
    for bundle in range(num_bundles):
        if num_rising[bundle] > 0:
            heap.append((left[bundle] / weight[bundle], bundle))
    heapq.heapify(heap)
    while len(heap) > 0:
        level, bundle = heapq.heappop(heap)
        if num_rising[bundle] == 0:
            continue
        share = max(left[bundle], 0.0) / weight[bundle]
        if share > level:
            heapq.heappush(heap, (share, bundle))
            continue
        for position in range(transposed_indptr[bundle], transposed_indptr[bundle + 1]):
            flow = transposed_flow[position]
            if not rising[flow]:
                continue
            rising[flow] = False
            rates[flow] = share
            for entry in range(paths.indptr[flow], paths.indptr[flow + 1]):
                crossed = paths.bundle[entry]
                left[crossed] -= paths.share[entry] * share
                weight[crossed] -= paths.share[entry]
                num_rising[crossed] -= 1
    return rates


@njit(cache=True)
def max_min_rates(paths: PathArrays, bytes_per_s: NDArray[np.float64]):
    """Return the max-min fair rate of each flow, float64, shape (F,), bytes/s.

    A flow that crosses no bundle has an infinite rate.

    Parameters
    ----------
    bytes_per_s : float64, shape (B,), positive capacity of each bundle.
    """
    indptr, flows = flows_of_bundles(paths, len(bytes_per_s))
    active = np.ones(len(paths.indptr) - 1, dtype=np.bool_)
    return _fill(paths, indptr, flows, bytes_per_s, active)


@njit(cache=True)
def completion_times(
    paths: PathArrays,
    bytes_per_s: NDArray[np.float64],
    flow_bytes: NDArray[np.float64],
    tolerance: float,
):
    """Return when each flow ends, float64, shape (F,), seconds; all start at zero.

    Rates are shared anew whenever a flow ends.

    Parameters
    ----------
    bytes_per_s : float64, shape (B,), positive capacity of each bundle.
    flow_bytes : float64, shape (F,), bytes of each flow.
    tolerance : flows that would end within this fraction of the time so far end with the event at
        hand; 1e-12 only joins ties, 0.01 makes irregular cases many times faster.
    """
    indptr, flows = flows_of_bundles(paths, len(bytes_per_s))
    left = flow_bytes.copy()
    ends = np.zeros(len(flow_bytes))
    active = flow_bytes > 0
    now = 0.0
    while active.any():
        rates = _fill(paths, indptr, flows, bytes_per_s, active)
        step = np.inf
        for flow in range(len(left)):
            if active[flow]:
                step = min(step, left[flow] / rates[flow])
        now += step
        for flow in range(len(left)):
            if not active[flow]:
                continue
            if left[flow] / rates[flow] <= step + tolerance * now:
                ends[flow] = now
                active[flow] = False
            else:
                left[flow] -= rates[flow] * step
    return ends
