"""Equal-cost shortest paths and distances of any graph of switches, compiled.

Legend: E endpoints, F flows, S switches, A attachments, M directed switch trunks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit


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
        tail = _reach(graph, queue[head], distance, queue, tail)
        head += 1
    return tail


@njit(cache=True)
def _reach(graph, switch, distance, queue, tail):
    """Append a switch's neighbours that nobody reached yet to the queue; return its new end."""
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
        end = _reach(graph, queue[head], distance, queue, tail)
        for place in range(tail, end):
            if nearest < 0 and wanted[queue[place]]:
                nearest = distance[queue[place]]
        head, tail = head + 1, end
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
