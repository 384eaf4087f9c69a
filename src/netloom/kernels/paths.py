"""Bundles that flows cross in trees and Dragonflies, compiled: arrays in, sparse rows out.

Legend: E endpoints, F flows, L levels, B bundles, R routers, D group pairs, N entries of all rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit


@njit(cache=True)
def tree_paths(source, target, indptr, up_bundle, down_bundle):
    """Return the bundles of up-down paths in crossing order, int32, shape (N,).

    A row of ``2 m`` entries climbs m bundles from the source and descends m to the target.

    Parameters
    ----------
    source, target : int32, shape (F,).
    indptr : int64, shape (F + 1,), row lengths are even.
    up_bundle, down_bundle : int32, shape (L, E).
    """
    bundle = np.empty(indptr[-1], dtype=np.int32)
    for flow in range(len(source)):
        first = indptr[flow]
        last = indptr[flow + 1] - 1
        for level in range((last - first + 1) // 2):
            bundle[first + level] = up_bundle[level, source[flow]]
            bundle[last - level] = down_bundle[level, target[flow]]
    return bundle


class DragonflyTables(NamedTuple):
    """A Dragonfly's bundles, as `dragonfly_paths` reads them.

    Attributes
    ----------
    endpoint_router : int32, shape (E,).
    routers : routers of one group; router r is in group ``r // routers``.
    first_local : bundle of router 0 to router 0; r to local neighbour j is ``+ r * routers + j``.
    num_bundles : B.
    pair_start : int64, shape (D + 1,), global trunk directions of each ordered group pair.
    leave, enter : int32, shape (K,), routers at both ends of a direction.
    share : float64, shape (K,), of the pair's traffic.
    bundle : int32, shape (K,).
    """

    endpoint_router: np.ndarray
    routers: int
    first_local: int
    num_bundles: int
    pair_start: np.ndarray
    leave: np.ndarray
    enter: np.ndarray
    share: np.ndarray
    bundle: np.ndarray


class _Row(NamedTuple):
    """Work space for one flow's row; a bundle met again gets the shares' sum.

    Attributes
    ----------
    bundle : int32, weight : float64, shape (most entries,).
    slot : int64, shape (B,), where a bundle stands in the row.
    stamp : int64, shape (B,), last row in which it was met.
    """

    bundle: np.ndarray
    weight: np.ndarray
    slot: np.ndarray
    stamp: np.ndarray


@njit(cache=True)
def _add(row, flow, size, bundle, share):
    """Add a share to a bundle of the row; return the row's size."""
    if row.stamp[bundle] == flow:
        row.weight[row.slot[bundle]] += share
        return size
    row.stamp[bundle] = flow
    row.slot[bundle] = size
    row.bundle[size] = bundle
    row.weight[size] = share
    return size + 1


@njit(cache=True)
def _local(tables, row, flow, size, one, other, share):
    """Add the local link between two routers of a group, if they differ; return size and hops."""
    if one == other:
        return size, 0
    bundle = tables.first_local + one * tables.routers + other % tables.routers
    return _add(row, flow, size, bundle, share), 1


@njit(cache=True)
def _minimal(tables, row, flow, size, one, other, pair):
    """Add the shortest paths between two groups' routers; return size and links of the longest."""
    longest = 0
    for way in range(tables.pair_start[pair], tables.pair_start[pair + 1]):
        share = tables.share[way]
        size, before = _local(tables, row, flow, size, one, tables.leave[way], share)
        size = _add(row, flow, size, tables.bundle[way], share)
        size, after = _local(tables, row, flow, size, tables.enter[way], other, share)
        longest = max(longest, before + 1 + after)
    return size, longest


@njit(cache=True)
def _valiant(tables, row, flow, size, one, other, groups):
    """Add the paths by way of every other group in equal shares; return size and longest."""
    here, there = one // tables.routers, other // tables.routers
    longest = 0
    for between in range(groups):
        if between in (here, there):
            continue
        first, second = here * groups + between, between * groups + there
        for way in range(tables.pair_start[first], tables.pair_start[first + 1]):
            share = tables.share[way] / (groups - 2)
            size, before = _local(tables, row, flow, size, one, tables.leave[way], share)
            size = _add(row, flow, size, tables.bundle[way], share)
            for onward in range(tables.pair_start[second], tables.pair_start[second + 1]):
                part = share * tables.share[onward]
                start, end = tables.enter[way], tables.leave[onward]
                size, middle = _local(tables, row, flow, size, start, end, part)
                size = _add(row, flow, size, tables.bundle[onward], part)
                size, after = _local(tables, row, flow, size, tables.enter[onward], other, part)
                longest = max(longest, before + middle + after + 2)
    return size, longest


@njit(cache=True)
def _dragonfly_row(tables, row, flow, source, target, groups, valiant):
    """Write one flow's row into the work space; return its size and the switches crossed."""
    if source == target:
        return 0, 0
    one, other = tables.endpoint_router[source], tables.endpoint_router[target]
    size, longest = _add(row, flow, 0, source, 1.0), 0
    here, there = one // tables.routers, other // tables.routers
    if here == there:
        size, longest = _local(tables, row, flow, size, one, other, 1.0)
    elif valiant and groups > 2:
        size, longest = _valiant(tables, row, flow, size, one, other, groups)
    else:
        size, longest = _minimal(tables, row, flow, size, one, other, here * groups + there)
    return _add(row, flow, size, len(tables.endpoint_router) + target, 1.0), longest + 1


@njit(cache=True)
def dragonfly_paths(source, target, tables, valiant):
    """Return indptr, bundle, share and switches crossed of Dragonfly paths.

    Parameters
    ----------
    source, target : int32, shape (F,), endpoints.
    tables : `DragonflyTables`.
    valiant : whether to go by way of every other group instead of straight.
    """
    num_flows, groups = len(source), round(np.sqrt(len(tables.pair_start) - 1))
    widest = 0
    for pair in range(groups * groups):
        widest = max(widest, tables.pair_start[pair + 1] - tables.pair_start[pair])
    most = groups * widest * (4 + widest) + 2 if valiant else 3 * widest + 3
    most = min(most, tables.num_bundles)
    row = _Row(
        np.empty(most, dtype=np.int32), np.empty(most),
        np.empty(tables.num_bundles, dtype=np.int64),
        np.full(tables.num_bundles, -1, dtype=np.int64),
    )  # fmt: skip
    indptr = np.zeros(num_flows + 1, dtype=np.int64)
    hops = np.empty(num_flows, dtype=np.int16)
    for flow in range(num_flows):
        size, hops[flow] = _dragonfly_row(
            tables, row, flow, source[flow], target[flow], groups, valiant
        )
        indptr[flow + 1] = indptr[flow] + size
    bundle = np.empty(indptr[-1], dtype=np.int32)
    share = np.empty(indptr[-1])
    for flow in range(num_flows):
        # stamps of the second pass follow those of the first
        size, _ = _dragonfly_row(
            tables, row, num_flows + flow, source[flow], target[flow], groups, valiant
        )
        bundle[indptr[flow] : indptr[flow + 1]] = row.bundle[:size]
        share[indptr[flow] : indptr[flow + 1]] = row.weight[:size]
    return indptr, bundle, share, hops
