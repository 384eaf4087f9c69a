"""Flows that cannot feel each other: connected components, and bundles that never fill.

Legend for shapes: F flows, N entries of all paths, B bundles, C components.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from netloom.kernels.loads import PathArrays


@njit(cache=True)
def can_fill(paths, bytes_per_s):
    """Return which bundles the flows could fill, bool, shape (B,); the others never set a rate.

    Flows that enter by one bundle together bring at most its capacity, and so do flows that leave
    by one. A bundle between with at least the capacity of all distinct first bundles (or of all
    last ones) of its flows is never full before they are. First and last bundles always count.
    """
    num_flows, num_bundles = len(paths.indptr) - 1, len(bytes_per_s)
    edge = np.zeros(num_bundles, dtype=np.bool_)
    entering = _most_through(paths, bytes_per_s, True)
    leaving = _most_through(paths, bytes_per_s, False)
    for flow in range(num_flows):
        if paths.indptr[flow] < paths.indptr[flow + 1]:
            edge[paths.bundle[paths.indptr[flow]]] = True
            edge[paths.bundle[paths.indptr[flow + 1] - 1]] = True
    return edge | (np.minimum(entering, leaving) > bytes_per_s)


@njit(cache=True)
def _most_through(paths, bytes_per_s, by_first):
    """Return the capacity of all first (or last) bundles of each bundle's flows, shape (B,).

    Flows are visited grouped by that bundle, so that it counts once.
    """
    num_bundles = len(bytes_per_s)
    indptr, crosses, shares = paths.indptr, paths.bundle, paths.share
    most = np.zeros(num_bundles)
    stamp = np.full(num_bundles, -1, dtype=np.int32)
    for flow in _by_edge(paths, num_bundles, by_first):
        first, last = indptr[flow], indptr[flow + 1] - 1
        edge_entry = first if by_first else last
        edge, edge_share = crosses[edge_entry], shares[edge_entry]
        for entry in range(first, last + 1):
            bundle = crosses[entry]
            if shares[entry] > edge_share:
                most[bundle] = np.inf
            elif stamp[bundle] != edge:
                stamp[bundle] = edge
                most[bundle] += bytes_per_s[edge]
    return most


@njit(cache=True)
def _by_edge(paths, num_bundles, by_first):
    """Return the flows that cross a bundle, grouped by their first (or last) one, int32."""
    indptr, crosses = paths.indptr, paths.bundle
    num_flows = len(indptr) - 1
    start = np.zeros(num_bundles + 1, dtype=np.int64)
    edge = np.full(num_flows, -1, dtype=np.int32)
    for flow in range(num_flows):
        if indptr[flow] < indptr[flow + 1]:
            edge[flow] = crosses[indptr[flow] if by_first else indptr[flow + 1] - 1]
            start[edge[flow] + 1] += 1
    start = np.cumsum(start)
    ordered = np.empty(start[-1], dtype=np.int32)
    for flow in range(num_flows):
        if edge[flow] >= 0:
            ordered[start[edge[flow]]] = flow
            start[edge[flow]] += 1
    return ordered


@njit(cache=True)
def without(paths, keep):
    """Return the paths without the bundles that are not kept, shape (B,)."""
    before, crosses, shares = paths.indptr, paths.bundle, paths.share
    num_flows = len(before) - 1
    indptr = np.zeros(num_flows + 1, dtype=np.int64)
    # room for all, cut off afterwards
    bundle, share = np.empty(len(crosses), dtype=np.int32), np.empty(len(crosses))
    size = 0
    for flow in range(num_flows):
        for entry in range(before[flow], before[flow + 1]):
            if keep[crosses[entry]]:
                bundle[size], share[size] = crosses[entry], shares[entry]
                size += 1
        indptr[flow + 1] = size
    return PathArrays(indptr, bundle[:size], share[:size])


@njit(cache=True)
def _root(parent, item):
    """Return the representative of an item's set, halving the way to it."""
    while parent[item] != item:
        parent[item] = parent[parent[item]]
        item = parent[item]
    return item


@njit(cache=True)
def _grouped(label, num_labels):
    """Return start, shape (labels + 1,), and items by label; items of label -1 are left out."""
    start = np.zeros(num_labels + 1, dtype=np.int64)
    for item in range(len(label)):
        if label[item] >= 0:
            start[label[item] + 1] += 1
    start = np.cumsum(start)
    cursor = start[:-1].copy()
    items = np.empty(start[-1], dtype=np.int32)
    for item in range(len(label)):
        if label[item] >= 0:
            items[cursor[label[item]]] = item
            cursor[label[item]] += 1
    return start, items


@njit(cache=True)
def components(paths, num_bundles, after_start, after):
    """Return flows and bundles by connected component: four arrays, two in sparse rows.

    Two flows are connected when they share a bundle, or when one waits for the other.

    Parameters
    ----------
    after_start, after : int64, shape (F + 1,), and int32, flows that wait for each flow.

    Returns
    -------
    flow_start, flow : int64, shape (C + 1,), and int32, shape (F,).
    bundle_start, bundle : the same for bundles that some flow crosses.
    """
    indptr, crosses = paths.indptr, paths.bundle
    num_flows = len(indptr) - 1
    # flow f is item f, bundle b is item F + b
    parent = np.arange(num_flows + num_bundles).astype(np.int32)
    crossed = np.zeros(num_bundles, dtype=np.bool_)
    for flow in range(num_flows):
        root = _root(parent, flow)
        for entry in range(indptr[flow], indptr[flow + 1]):
            crossed[crosses[entry]] = True
            other = _root(parent, num_flows + crosses[entry])
            parent[root] = other
            root = other
        for position in range(after_start[flow], after_start[flow + 1]):
            other = _root(parent, after[position])
            parent[root] = other
            root = other
    name = np.full(num_flows + num_bundles, -1, dtype=np.int32)
    flow_label = np.empty(num_flows, dtype=np.int32)
    bundle_label = np.full(num_bundles, -1, dtype=np.int32)
    num_labels = 0
    for flow in range(num_flows):
        root = _root(parent, flow)
        if name[root] < 0:
            name[root] = num_labels
            num_labels += 1
        flow_label[flow] = name[root]
    for bundle in range(num_bundles):
        if crossed[bundle]:
            bundle_label[bundle] = name[_root(parent, num_flows + bundle)]
    flow_start, flow_items = _grouped(flow_label, num_labels)
    bundle_start, bundle_items = _grouped(bundle_label, num_labels)
    return flow_start, flow_items, bundle_start, bundle_items
