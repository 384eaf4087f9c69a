"""Flows that cannot feel each other: connected components, and bundles that never fill.

Arrays are made by numpy, outside of compiled code: it asks for large pages of memory, which are
several times faster to get and to reach into at random.

Legend for shapes: F flows, N entries of all paths, B bundles, C components.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from netloom.kernels.compiled import allocates_nothing
from netloom.kernels.loads import PathArrays


def can_fill(paths: PathArrays, bytes_per_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which bundles the flows could fill, bool, shape (B,); the others never set a rate.

    Flows that enter by one bundle together bring at most its capacity, and so do flows that leave
    by one. A bundle between with at least the capacity of all distinct first bundles (or of all
    last ones) of its flows is never full before they are. First and last bundles always count.
    """
    num_flows, num_bundles = len(paths.indptr) - 1, len(bytes_per_s)
    least_through = np.full(num_bundles, np.inf)
    keep = np.zeros(num_bundles, dtype=np.bool_)
    edge, ordered = np.empty(num_flows, dtype=np.int32), np.empty(num_flows, dtype=np.int32)
    for by_first in (True, False):
        start = np.zeros(num_bundles + 1, dtype=np.int64)
        num_crossing = _by_edge(paths, by_first, edge, start, ordered, keep)
        most = np.zeros(num_bundles)
        stamp = np.full(num_bundles, -1, dtype=np.int32)
        _most_through(paths, bytes_per_s, by_first, ordered[:num_crossing], most, stamp)
        np.minimum(least_through, most, out=least_through)
    keep |= least_through > bytes_per_s
    return keep


@allocates_nothing
def _most_through(paths, bytes_per_s, by_first, flows, most, stamp):
    """Add up the capacity of all first (or last) bundles of each bundle's flows, shape (B,).

    Flows are visited grouped by that bundle, so that it counts once.
    """
    indptr, crosses, shares = paths.indptr, paths.bundle, paths.share
    for flow in flows:
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


@allocates_nothing
def _by_edge(paths, by_first, edge, start, ordered, is_edge):
    """Write the flows that cross a bundle, grouped by their first (or last) one; return how many.

    `start` is zero, and one longer than the bundles.
    """
    indptr, crosses = paths.indptr, paths.bundle
    num_flows, num_crossing = len(indptr) - 1, 0
    for flow in range(num_flows):
        edge[flow] = -1
        if indptr[flow] < indptr[flow + 1]:
            edge[flow] = crosses[indptr[flow] if by_first else indptr[flow + 1] - 1]
            is_edge[edge[flow]] = True
            start[edge[flow] + 1] += 1
            num_crossing += 1
    for bundle in range(len(start) - 1):
        start[bundle + 1] += start[bundle]
    for flow in range(num_flows):
        if edge[flow] >= 0:
            ordered[start[edge[flow]]] = flow
            start[edge[flow]] += 1
    return num_crossing


def only(
    paths: PathArrays, keep: NDArray[np.bool_]
) -> tuple[PathArrays, NDArray[np.int32], NDArray[np.int32]]:
    """Return the paths over the bundles that are kept, numbered as flows cross them first.

    Flows that follow one another then mostly cross bundles that stand side by side in memory.

    Parameters
    ----------
    keep : bool, shape (B,).

    Returns
    -------
    paths : `PathArrays`.
    crossed : int32, the bundles that are kept and that some flow crosses, by their new number.
    number : int32, shape (B,), new number of each bundle, -1 of the others.
    """
    num_bundles, num_entries = len(keep), len(paths.bundle)
    number = np.full(num_bundles, -1, dtype=np.int32)
    crossed = np.empty(min(num_bundles, num_entries), dtype=np.int32)
    # room for all, cut off afterwards
    indptr = np.zeros_like(paths.indptr)
    bundle, share = np.empty_like(paths.bundle), np.empty_like(paths.share)
    count = _copy_kept(paths, keep, number, crossed, indptr, bundle, share)
    size = indptr[-1]
    return PathArrays(indptr, bundle[:size], share[:size]), crossed[:count], number


def renumbered(paths: PathArrays, num_bundles: int) -> tuple[PathArrays, NDArray[np.int32]]:
    """Return what `only` returns for all bundles, sharing with `paths` what stays the same.

    Returns
    -------
    paths : `PathArrays`.
    crossed : int32, the bundles that some flow crosses, by their new number.

    Examples
    --------
    One flow over bundles 5 and 2, another over 2:

    >>> rows = PathArrays(np.array([0, 2, 3]), np.array([5, 2, 2]), np.ones(3))
    >>> paths, crossed = renumbered(rows, 6)
    >>> paths.bundle.tolist(), crossed.tolist()
    ([0, 1, 1], [5, 2])
    """
    number = np.full(num_bundles, -1, dtype=np.int32)
    crossed = np.empty(min(num_bundles, len(paths.bundle)), dtype=np.int32)
    bundle = np.empty_like(paths.bundle)
    count = _renumber(paths.bundle, number, crossed, bundle)
    return PathArrays(paths.indptr, bundle, paths.share), crossed[:count]


@allocates_nothing
def _renumber(crosses, number, crossed, bundle):
    """Write the new number of each entry's bundle; return how many bundles are crossed."""
    count = 0
    for entry in range(len(crosses)):
        name = crosses[entry]
        if number[name] < 0:
            number[name] = count
            crossed[count] = name
            count += 1
        bundle[entry] = number[name]
    return count


@allocates_nothing
def _copy_kept(paths, keep, number, crossed, indptr, bundle, share):
    """Write what `only` returns; return how many bundles are crossed."""
    before, crosses, shares, size, count = paths.indptr, paths.bundle, paths.share, 0, 0
    for flow in range(len(before) - 1):
        for entry in range(before[flow], before[flow + 1]):
            name = crosses[entry]
            if not keep[name]:
                continue
            if number[name] < 0:
                number[name] = count
                crossed[count] = name
                count += 1
            bundle[size], share[size] = number[name], shares[entry]
            size += 1
        indptr[flow + 1] = size
    return count


def components(
    paths: PathArrays,
    num_bundles: int,
    after_start: NDArray[np.int64],
    after: NDArray[np.int32],
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
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
    num_flows = len(paths.indptr) - 1
    # flow f is item f, bundle b is item F + b
    parent = np.arange(num_flows + num_bundles, dtype=np.int32)
    label = np.full(num_flows + num_bundles, -1, dtype=np.int32)
    _join(paths, after_start, after, parent)
    num_labels = _label(parent, num_flows, label)
    return (*_grouped(label[:num_flows], num_labels), *_grouped(label[num_flows:], num_labels))


@allocates_nothing
def _root(parent, item):
    """Return the representative of an item's set, halving the way to it."""
    while parent[item] != item:
        parent[item] = parent[parent[item]]
        item = parent[item]
    return item


@allocates_nothing
def _join(paths, after_start, after, parent):
    """Give flows that are connected, and their bundles, one representative."""
    indptr, crosses = paths.indptr, paths.bundle
    num_flows = len(indptr) - 1
    for flow in range(num_flows):
        root = _root(parent, flow)
        for entry in range(indptr[flow], indptr[flow + 1]):
            other = _root(parent, num_flows + crosses[entry])
            parent[root] = other
            root = other
        for position in range(after_start[flow], after_start[flow + 1]):
            other = _root(parent, after[position])
            parent[root] = other
            root = other


@allocates_nothing
def _label(parent, num_flows, label):
    """Number the sets of flows in the order of their first; return how many there are.

    Bundles without flows keep no label.
    """
    num_labels = 0
    for flow in range(num_flows):
        root = _root(parent, flow)
        if label[root] < 0:
            label[root] = num_labels
            num_labels += 1
        label[flow] = label[root]
    for item in range(num_flows, len(parent)):
        label[item] = label[_root(parent, item)]
    return num_labels


def _grouped(
    label: NDArray[np.int32], num_labels: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return start, shape (labels + 1,), and items by label; items of label -1 are left out."""
    start = np.zeros(num_labels + 1, dtype=np.int64)
    return start, _group(label, start, np.empty(len(label), dtype=np.int32))


@njit(cache=True)
def _group(label, start, items):
    for item in range(len(label)):
        if label[item] >= 0:
            start[label[item] + 1] += 1
    start[:] = np.cumsum(start)
    cursor = start[:-1].copy()
    for item in range(len(label)):
        if label[item] >= 0:
            items[cursor[label[item]]] = item
            cursor[label[item]] += 1
    return items[: start[-1]]
