"""Dimension-order paths on lattices of switches, compiled.

Legend: E endpoints, F flows, D dimensions, S switches, N entries of all rows.

Switches are numbered row-major over their coordinates. Trunks of a dimension are numbered line by
line, so a path is computed and nothing is searched. In a line wired `FULL` every two places are
joined, place pairs in the order of an upper triangle; in a `LINE` trunk x joins places x and x + 1;
in a `RING` there is one trunk more, from the last place back to the first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

FULL, RING, LINE = 0, 1, 2


class Lattice(NamedTuple):
    """A lattice's trunks; trunk t is bundle t towards its upper end and ``num_trunks + t`` back.

    Attributes
    ----------
    extent, stride : int64, shape (D,), places of a dimension, and how far apart neighbours' numbers
        are.
    wiring : int64, shape (D,), `FULL`, `RING` or `LINE`.
    first : int64, shape (D,), first trunk of the dimension.
    num_trunks : trunks of the fabric, host links (trunk e of endpoint e) included.
    """

    extent: np.ndarray
    stride: np.ndarray
    wiring: np.ndarray
    first: np.ndarray
    num_trunks: int


class _Row(NamedTuple):
    """Entries of all flows, int32 and float64, shape (N,)."""

    bundle: np.ndarray
    share: np.ndarray


@njit(cache=True)
def _distance(lattice, dimension, here, there):
    """Return the links between two places of a line."""
    if here == there:
        return 0
    if lattice.wiring[dimension] == FULL:
        return 1
    apart = abs(there - here)
    if lattice.wiring[dimension] == RING:
        return min(apart, lattice.extent[dimension] - apart)
    return apart


@njit(cache=True)
def _both_ways(lattice, dimension, here, there):
    """Return whether two places are opposite on a ring, so that both ways are as short."""
    ring = lattice.wiring[dimension] == RING
    return ring and 2 * abs(there - here) == lattice.extent[dimension]


@njit(cache=True)
def _walk(lattice, dimension, switch, here, there, forward, part, row, size):
    """Write the trunks from place to place in one direction; return the row's new size."""
    extent, stride = lattice.extent[dimension], lattice.stride[dimension]
    per_line = extent if lattice.wiring[dimension] == RING else extent - 1
    line = switch // (stride * extent) * per_line * stride + switch % stride
    base = lattice.first[dimension] + line
    place = here
    while place != there:
        if forward:
            row.bundle[size] = base + place * stride
            place = (place + 1) % extent
        else:
            place = (place - 1) % extent
            row.bundle[size] = lattice.num_trunks + base + place * stride
        row.share[size] = part
        size += 1
    return size


@njit(cache=True)
def _jump(lattice, dimension, switch, here, there, row, size):
    """Write the one trunk between two places of a fully meshed line; return the row's new size."""
    extent, stride = lattice.extent[dimension], lattice.stride[dimension]
    low, high = min(here, there), max(here, there)
    pair = low * extent - low * (low + 1) // 2 + high - low - 1
    line = switch // (stride * extent) * (extent * (extent - 1) // 2) + pair
    trunk = lattice.first[dimension] + line * stride + switch % stride
    row.bundle[size] = trunk if here < there else lattice.num_trunks + trunk
    row.share[size] = 1.0
    return size + 1


@njit(cache=True)
def _flow(lattice, switch, target, row, size):
    """Write the trunks between two switches, first dimension first; return the row's new size."""
    for dimension in range(len(lattice.extent)):
        extent, stride = lattice.extent[dimension], lattice.stride[dimension]
        here, there = switch // stride % extent, target // stride % extent
        if here == there:
            continue
        if lattice.wiring[dimension] == FULL:
            size = _jump(lattice, dimension, switch, here, there, row, size)
        elif _both_ways(lattice, dimension, here, there):
            size = _walk(lattice, dimension, switch, here, there, True, 0.5, row, size)
            size = _walk(lattice, dimension, switch, here, there, False, 0.5, row, size)
        else:
            ahead = there > here
            if lattice.wiring[dimension] == RING and 2 * abs(there - here) > extent:
                ahead = not ahead
            size = _walk(lattice, dimension, switch, here, there, ahead, 1.0, row, size)
        switch += (there - here) * stride
    return size


@njit(cache=True)
def dimension_order_paths(source, target, endpoint_switch, lattice):
    """Return indptr, bundle, share and switches crossed of paths that settle one dimension at once.

    Half of a flow goes either way round where its ends are opposite on a ring.

    Parameters
    ----------
    source, target : int32, shape (F,), endpoints.
    endpoint_switch : int32, shape (E,).
    lattice : `Lattice`.
    """
    num_flows = len(source)
    indptr = np.zeros(num_flows + 1, dtype=np.int64)
    hops = np.zeros(num_flows, dtype=np.int16)
    for flow in range(num_flows):
        indptr[flow + 1] = indptr[flow]
        if source[flow] == target[flow]:
            continue
        one, other = endpoint_switch[source[flow]], endpoint_switch[target[flow]]
        links, entries = 0, 2
        for dimension in range(len(lattice.extent)):
            extent, stride = lattice.extent[dimension], lattice.stride[dimension]
            here, there = one // stride % extent, other // stride % extent
            distance = _distance(lattice, dimension, here, there)
            links += distance
            entries += 2 * distance if _both_ways(lattice, dimension, here, there) else distance
        hops[flow] = links + 1
        indptr[flow + 1] += entries
    row = _Row(np.empty(indptr[-1], dtype=np.int32), np.ones(indptr[-1]))
    for flow in range(num_flows):
        here, there = source[flow], target[flow]
        if here == there:
            continue
        row.bundle[indptr[flow]] = here
        _flow(lattice, endpoint_switch[here], endpoint_switch[there], row, indptr[flow] + 1)
        row.bundle[indptr[flow + 1] - 1] = lattice.num_trunks + there
    return indptr, row.bundle, row.share, hops
