"""Bundles that flows cross, compiled: arrays in, compressed sparse rows out.

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


class SwitchGraph(NamedTuple):
    """A fabric as a graph, for routes and distances; A attachments, M directed switch trunks.

    Attributes
    ----------
    attach_start : int64, shape (E + 1,), attachments of each endpoint.
    attach_switch : int32, shape (A,).
    attach_up, attach_down : int32, shape (A,), bundles to the switch and from it.
    attach_links : int32, shape (A,).
    start : int64, shape (S + 1,), trunks that leave each switch.
    neighbour, bundle, links : int32, shape (M,).
    """

    attach_start: np.ndarray
    attach_switch: np.ndarray
    attach_up: np.ndarray
    attach_down: np.ndarray
    attach_links: np.ndarray
    start: np.ndarray
    neighbour: np.ndarray
    bundle: np.ndarray
    links: np.ndarray


@njit(cache=True)
def distances(graph, num_switches, count, distance, queue):
    """Write the links from every switch to the nearest of the first `count` switches of the queue.

    `distance` int32, shape (S,), gets -1 where there is no path;
    `queue` int32, shape (S,), ends in order of distance. Returns the number of switches reached.
    """
    for switch in range(num_switches):
        distance[switch] = -1
    for place in range(count):
        distance[queue[place]] = 0
    head, tail = 0, count
    while head < tail:
        switch = queue[head]
        head += 1
        for way in range(graph.start[switch], graph.start[switch + 1]):
            other = graph.neighbour[way]
            if distance[other] < 0:
                distance[other] = distance[switch] + 1
                queue[tail] = other
                tail += 1
    return tail


@njit(cache=True)
def distance_histogram(graph, sources, targets):
    """Return how many (source, target) pairs of switches lie 0, 1, 2, ... links apart.

    Parameters
    ----------
    sources : int32, switches to start from.
    targets : bool, shape (S,), switches to count.

    Returns
    -------
    int64, shape (S + 1,); the last entry counts pairs without a path.
    """
    num_switches = len(graph.start) - 1
    histogram = np.zeros(num_switches + 1, dtype=np.int64)
    distance = np.empty(num_switches, dtype=np.int32)
    queue = np.empty(num_switches, dtype=np.int32)
    for source in sources:
        queue[0] = source
        distances(graph, num_switches, 1, distance, queue)
        for switch in range(num_switches):
            if targets[switch]:
                histogram[distance[switch]] += 1
    return histogram


@njit(cache=True)
def _split(graph, source, distance, weight, queue, rows, shares):
    """Write the equal-cost paths of one flow up to the target's switches; return entries and hops.

    `weight`, float64, shape (S,), is zero everywhere before; it holds what arrives at the target's
    switches afterwards, zero elsewhere. `queue` is work space.
    """
    nearest, total = -1, 0
    for way in range(graph.attach_start[source], graph.attach_start[source + 1]):
        far = distance[graph.attach_switch[way]]
        if far >= 0 and (nearest < 0 or far < nearest):
            nearest, total = far, 0
        if far >= 0 and far == nearest:
            total += graph.attach_links[way]
    if nearest < 0:
        return 0, -1
    size, tail, head = 0, 0, 0
    for way in range(graph.attach_start[source], graph.attach_start[source + 1]):
        switch = graph.attach_switch[way]
        if distance[switch] == nearest:
            rows[size], shares[size] = graph.attach_up[way], graph.attach_links[way] / total
            if weight[switch] == 0.0:
                queue[tail] = switch
                tail += 1
            weight[switch] += shares[size]
            size += 1
    while head < tail and distance[queue[head]] > 0:
        switch = queue[head]
        head += 1
        total = 0
        for way in range(graph.start[switch], graph.start[switch + 1]):
            if distance[graph.neighbour[way]] == distance[switch] - 1:
                total += graph.links[way]
        for way in range(graph.start[switch], graph.start[switch + 1]):
            other = graph.neighbour[way]
            if distance[other] == distance[switch] - 1:
                share = weight[switch] * graph.links[way] / total
                rows[size], shares[size] = graph.bundle[way], share
                size += 1
                if weight[other] == 0.0:
                    queue[tail] = other
                    tail += 1
                weight[other] += share
        weight[switch] = 0.0
    return size, nearest + 1


@njit(cache=True)
def _search_on(graph, source, distance, queue, head, tail, wanted):
    """Go on with a breadth-first search until the nearest of a source's switches are reached.

    `queue` holds the switches that were reached, up to `tail` and in order of distance, of which
    those before `head` were left; `wanted`, bool, shape (S,), is False everywhere, before and
    after. Returns head and tail.
    """
    nearest = -1
    for way in range(graph.attach_start[source], graph.attach_start[source + 1]):
        far = distance[graph.attach_switch[way]]
        wanted[graph.attach_switch[way]] = True
        if far >= 0 and (nearest < 0 or far < nearest):
            nearest = far
    while head < tail and (nearest < 0 or distance[queue[head]] < nearest):
        switch = queue[head]
        head += 1
        for way in range(graph.start[switch], graph.start[switch + 1]):
            other = graph.neighbour[way]
            if distance[other] < 0:
                distance[other] = distance[switch] + 1
                queue[tail] = other
                tail += 1
                if wanted[other] and nearest < 0:
                    nearest = distance[other]
    for way in range(graph.attach_start[source], graph.attach_start[source + 1]):
        wanted[graph.attach_switch[way]] = False
    return head, tail


@njit(cache=True)
def _same_switches(graph, one, other):
    """Return whether two endpoints hang on the same switches, in the same order."""
    first, second = graph.attach_start[one], graph.attach_start[other]
    count = graph.attach_start[one + 1] - first
    if graph.attach_start[other + 1] - second != count:
        return False
    for way in range(count):
        if graph.attach_switch[first + way] != graph.attach_switch[second + way]:
            return False
    return True


@njit(cache=True)
def _same_links(graph, one, other):
    """Return whether two endpoints have as many links to each of their switches."""
    first, second = graph.attach_start[one], graph.attach_start[other]
    for way in range(graph.attach_start[one + 1] - first):
        if graph.attach_links[first + way] != graph.attach_links[second + way]:
            return False
    return True


@njit(cache=True)
def _rename(graph, row, here, there, was_here, was_there):
    """Make a copied row that of a flow whose ends hang on the same switches: its own host links."""
    place, mine, theirs = 0, graph.attach_start[here], graph.attach_start[was_here]
    for way in range(graph.attach_start[here + 1] - mine):
        if place < len(row) and row[place] == graph.attach_up[theirs + way]:
            row[place] = graph.attach_up[mine + way]
            place += 1
    place, mine, theirs = len(row) - 1, graph.attach_start[there], graph.attach_start[was_there]
    for way in range(graph.attach_start[there + 1] - mine - 1, -1, -1):
        if place >= 0 and row[place] == graph.attach_down[theirs + way]:
            row[place] = graph.attach_down[mine + way]
            place -= 1


@njit(cache=True)
def shortest_paths(graph, source, target, order):
    """Return indptr, bundle, share and switches crossed of equal-cost shortest paths.

    At every switch a flow splits over all next hops on shortest paths, in proportion to their
    links.

    Parameters
    ----------
    graph : `SwitchGraph`.
    source, target : int32, shape (F,), endpoints.
    order : int64, shape (F,), flows whose targets hang on the same switches in a row, so that
        distances are kept; of these, flows whose sources do in a row, so that routes are.
    """
    num_switches, num_flows = len(graph.start) - 1, len(source)
    distance = np.full(num_switches, -1, dtype=np.int32)
    reached = np.empty(num_switches, dtype=np.int32)
    queue = np.empty(num_switches, dtype=np.int32)
    wanted = np.zeros(num_switches, dtype=np.bool_)
    weight = np.zeros(num_switches)
    head = tail = 0
    most = len(graph.neighbour) + 2 * num_switches + 2
    rows, shares = (
        np.empty(max(most, 8 * num_flows), dtype=np.int32),
        np.empty(max(most, 8 * num_flows)),
    )
    begin = np.zeros(num_flows, dtype=np.int64)
    size = np.zeros(num_flows, dtype=np.int64)
    hops = np.zeros(num_flows, dtype=np.int16)
    filled, last, like = 0, -1, -1
    for flow in order:
        here, there = source[flow], target[flow]
        begin[flow] = filled
        if here == there:
            continue
        if last < 0 or not _same_switches(graph, there, last):
            for place in range(tail):
                distance[reached[place]] = -1
            head = tail = 0
            for way in range(graph.attach_start[there], graph.attach_start[there + 1]):
                if distance[graph.attach_switch[way]] < 0:
                    distance[graph.attach_switch[way]] = 0
                    reached[tail] = graph.attach_switch[way]
                    tail += 1
            last, like = there, -1
        if filled + most > len(rows):
            rows = np.concatenate((rows, np.empty(len(rows) + most, dtype=np.int32)))
            shares = np.concatenate((shares, np.empty(len(shares) + most)))
        if (
            like >= 0
            and _same_switches(graph, here, source[like])
            and _same_links(graph, here, source[like])
        ):
            start, count = begin[like], size[like]
            rows[filled : filled + count] = rows[start : start + count]
            shares[filled : filled + count] = shares[start : start + count]
            _rename(graph, rows[filled : filled + count], here, there, source[like], target[like])
            size[flow], hops[flow] = count, hops[like]
            filled += count
            continue
        head, tail = _search_on(graph, here, distance, reached, head, tail, wanted)
        count, hops[flow] = _split(
            graph, here, distance, weight, queue, rows[filled:], shares[filled:]
        )
        for way in range(graph.attach_start[there], graph.attach_start[there + 1]):
            switch = graph.attach_switch[way]
            if weight[switch] > 0.0:
                rows[filled + count], shares[filled + count] = (
                    graph.attach_down[way],
                    weight[switch],
                )
                weight[switch] = 0.0
                count += 1
        size[flow], like = count, flow
        filled += count
    indptr = np.zeros(num_flows + 1, dtype=np.int64)
    indptr[1:] = np.cumsum(size)
    bundle, share = np.empty(filled, dtype=np.int32), np.empty(filled)
    for flow in range(num_flows):
        stop = begin[flow] + size[flow]
        bundle[indptr[flow] : indptr[flow + 1]] = rows[begin[flow] : stop]
        share[indptr[flow] : indptr[flow + 1]] = shares[begin[flow] : stop]
    return indptr, bundle, share, hops
