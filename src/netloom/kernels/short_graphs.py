"""Equal-cost shortest paths where no two switches are more than two links apart, compiled.

Legend: E endpoints, F flows, S switches, N entries of all rows.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def _row(graph, one, other, num_trunks, mark, stamp, bundle, share, size):
    """Write the trunks between two switches; return the row's new size and the links crossed.

    Where `stamp`, int64, shape (S,), of a switch equals that of `one`, the two are joined, and
    `mark`, int64, shape (S,), says by which of the graph's trunks. A direct link comes before ways
    over a common neighbour.
    """
    first = size
    total = 0
    for way in range(graph.start[other], graph.start[other + 1]):
        middle = graph.neighbour[way]
        if middle == one:
            back = graph.bundle[way]
            bundle[first] = back - num_trunks if back >= num_trunks else back + num_trunks
            share[first] = 1.0
            return first + 1, 1
        if stamp[middle] == stamp[one]:
            total += graph.links[mark[middle]]
    for way in range(graph.start[other], graph.start[other + 1]):
        middle = graph.neighbour[way]
        if stamp[middle] != stamp[one]:
            continue
        back = graph.bundle[way]
        part = graph.links[mark[middle]] / total
        bundle[size] = graph.bundle[mark[middle]]
        bundle[size + 1] = back - num_trunks if back >= num_trunks else back + num_trunks
        share[size] = share[size + 1] = part
        size += 2
    return size, 2


@njit(cache=True)
def two_hop_paths(source, target, graph, num_trunks):
    """Return indptr, bundle, share and switches crossed of equal-cost shortest paths.

    A flow between switches that are not joined splits over their common neighbours in proportion
    to the first links, as `netloom.kernels.shortest_paths.shortest_paths` does, in time
    proportional to the switches' neighbours and not to the graph.

    Parameters
    ----------
    source, target : int32, shape (F,), endpoints; each hangs on one switch.
    graph : `netloom.kernels.shortest_paths.SwitchGraph` of diameter 2 at most.
    num_trunks : bundle b and ``b + num_trunks`` are the two directions of one trunk.
    """
    num_flows, num_switches = len(source), len(graph.start) - 1
    mark = np.zeros(num_switches, dtype=np.int64)
    stamp = np.full(num_switches, -1, dtype=np.int64)
    most = 2
    for switch in range(num_switches):
        most = max(most, 2 * (graph.start[switch + 1] - graph.start[switch]) + 2)
    rows, shares = np.empty(8 * num_flows + most, dtype=np.int32), np.empty(8 * num_flows + most)
    indptr = np.zeros(num_flows + 1, dtype=np.int64)
    hops = np.zeros(num_flows, dtype=np.int16)
    size = 0
    for flow in range(num_flows):
        indptr[flow + 1] = size
        here, there = source[flow], target[flow]
        if here == there:
            continue
        if size + most > len(rows):
            rows = np.concatenate((rows, np.empty(len(rows) + most, dtype=np.int32)))
            shares = np.concatenate((shares, np.empty(len(shares) + most)))
        up, down = graph.attach_start[here], graph.attach_start[there]
        one, other = graph.attach_switch[up], graph.attach_switch[down]
        rows[size], shares[size] = graph.attach_up[up], 1.0
        size += 1
        links = 0
        if one != other:
            stamp[one] = flow
            for way in range(graph.start[one], graph.start[one + 1]):
                stamp[graph.neighbour[way]] = flow
                mark[graph.neighbour[way]] = way
            size, links = _row(graph, one, other, num_trunks, mark, stamp, rows, shares, size)
        rows[size], shares[size] = graph.attach_down[down], 1.0
        size += 1
        hops[flow] = links + 1
        indptr[flow + 1] = size
    return indptr, rows[:size].copy(), shares[:size].copy(), hops
