"""Minimal paths of a Dragonfly+, compiled.

Legend: E endpoints, F flows, D ordered group pairs, K global trunk directions, N entries of all
rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit


class MegaflyTables(NamedTuple):
    """A Dragonfly+'s trunks; trunk t is bundle t upwards and ``num_trunks + t`` back.

    Attributes
    ----------
    endpoint_leaf : int32, shape (E,); trunk e joins endpoint e.
    spines : leaves of one group, and spines; switch s of either is in group ``s // spines``.
    first_inner : trunk from leaf 0 to spine 0; leaf l to spine j of its group is
        ``+ l * spines + j``.
    num_trunks : trunks of the fabric.
    num_groups : groups.
    pair_start : int64, shape (D + 1,), global trunk directions of each ordered group pair.
    leave, enter : int32, shape (K,), spines at both ends of a direction.
    share : float64, shape (K,), of the pair's traffic.
    bundle : int32, shape (K,).
    """

    endpoint_leaf: np.ndarray
    spines: int
    first_inner: int
    num_trunks: int
    num_groups: int
    pair_start: np.ndarray
    leave: np.ndarray
    enter: np.ndarray
    share: np.ndarray
    bundle: np.ndarray


@njit(cache=True)
def _write(first, weight, bundle, share, size):
    """Write the trunks of one leaf that carry something and clear their weights; return the size.

    `weight`, float64, one for each spine of a group.
    """
    for spine in range(len(weight)):
        if weight[spine] > 0.0:
            bundle[size], share[size] = first + spine, weight[spine]
            weight[spine] = 0.0
            size += 1
    return size


@njit(cache=True)
def _row(tables, source, target, up, down, bundle, share):
    """Write the bundles of one flow; return entries and switches crossed.

    `up` and `down`, float64, one for each spine of a group, are zero before and after.
    """
    one, other = tables.endpoint_leaf[source], tables.endpoint_leaf[target]
    here, there = one // tables.spines, other // tables.spines
    bundle[0], share[0] = source, 1.0
    size, hops = 1, 1
    first_up = tables.first_inner + one * tables.spines
    first_down = tables.num_trunks + tables.first_inner + other * tables.spines
    if one != other and here == there:
        hops = 3
        up[:] = 1.0 / tables.spines
        down[:] = 1.0 / tables.spines
        size = _write(first_up, up, bundle, share, size)
    elif one != other:
        hops = 4
        pair = here * tables.num_groups + there
        for way in range(tables.pair_start[pair], tables.pair_start[pair + 1]):
            up[tables.leave[way] % tables.spines] += tables.share[way]
            down[tables.enter[way] % tables.spines] += tables.share[way]
        size = _write(first_up, up, bundle, share, size)
        for way in range(tables.pair_start[pair], tables.pair_start[pair + 1]):
            bundle[size], share[size] = tables.bundle[way], tables.share[way]
            size += 1
    size = _write(first_down, down, bundle, share, size)
    bundle[size], share[size] = tables.num_trunks + target, 1.0
    return size + 1, hops


@njit(cache=True)
def megafly_paths(source, target, tables):
    """Return indptr, bundle, share and switches crossed of minimal paths.

    Inside a group a flow goes over all spines alike; between groups over the global links that join
    them, by their number.

    Parameters
    ----------
    source, target : int32, shape (F,), endpoints.
    tables : `MegaflyTables`.
    """
    num_flows = len(source)
    widest = 0
    for pair in range(len(tables.pair_start) - 1):
        widest = max(widest, tables.pair_start[pair + 1] - tables.pair_start[pair])
    most = 2 * tables.spines + widest + 2
    up, down = np.zeros(tables.spines), np.zeros(tables.spines)
    rows, shares = np.empty(8 * num_flows + most, dtype=np.int32), np.empty(8 * num_flows + most)
    indptr = np.zeros(num_flows + 1, dtype=np.int64)
    hops = np.zeros(num_flows, dtype=np.int16)
    size = 0
    for flow in range(num_flows):
        if source[flow] != target[flow]:
            if size + most > len(rows):
                rows = np.concatenate((rows, np.empty(len(rows) + most, dtype=np.int32)))
                shares = np.concatenate((shares, np.empty(len(shares) + most)))
            count, hops[flow] = _row(
                tables, source[flow], target[flow], up, down, rows[size:], shares[size:]
            )
            size += count
        indptr[flow + 1] = size
    return indptr, rows[:size].copy(), shares[:size].copy(), hops


@njit(cache=True)
def _add_turn(tables, spine, onward, load, size_bytes):
    """Add the way from one spine of a group to another, down to all leaves alike and up again."""
    if spine == onward:
        return
    group = spine // tables.spines
    for place in range(tables.spines):
        leaf = tables.first_inner + (group * tables.spines + place) * tables.spines
        part = size_bytes / tables.spines
        load[tables.num_trunks + leaf + spine % tables.spines] += part
        load[leaf + onward % tables.spines] += part


@njit(cache=True)
def megafly_detour_loads(source, target, flow_bytes, tables):
    """Return bundle loads, float64, shape (2 T,), when flows between groups go by a third one.

    Every third group takes an equal share. There a flow that arrives on a spine without the link
    onward turns at a leaf, over all leaves alike. Flows inside a group keep their minimal paths.

    Parameters
    ----------
    source, target : int32, shape (F,), endpoints.
    flow_bytes : float64, shape (F,).
    tables : `MegaflyTables`, of at least three groups.
    """
    groups, spines = tables.num_groups, tables.spines
    load = np.zeros(2 * tables.num_trunks)
    between_groups = np.zeros((groups, groups))
    widest = 0
    for pair in range(groups * groups):
        widest = max(widest, tables.pair_start[pair + 1] - tables.pair_start[pair])
    most = 2 * spines + widest + 2
    bundle, share = np.empty(most, dtype=np.int32), np.empty(most)
    up, down = np.zeros(spines), np.zeros(spines)
    # bytes of each leaf that leave its group and that enter it, by the group at the other end
    num_leaves = groups * spines
    leaving, entering = np.zeros((num_leaves, groups)), np.zeros((num_leaves, groups))
    for flow in range(len(source)):
        here, there = source[flow], target[flow]
        if here == there:
            continue
        one, other = tables.endpoint_leaf[here], tables.endpoint_leaf[there]
        if one // spines == other // spines:
            size, _ = _row(tables, here, there, up, down, bundle, share)
            for entry in range(size):
                load[bundle[entry]] += share[entry] * flow_bytes[flow]
            continue
        load[here] += flow_bytes[flow]
        load[tables.num_trunks + there] += flow_bytes[flow]
        leaving[one, other // spines] += flow_bytes[flow]
        entering[other, one // spines] += flow_bytes[flow]
        between_groups[one // spines, other // spines] += flow_bytes[flow]
    for leaf in range(num_leaves):
        _add_ends(tables, leaf, leaving[leaf], entering[leaf], load)
    for here in range(groups):
        for there in range(groups):
            if between_groups[here, there] > 0.0:
                _add_middles(tables, here, there, between_groups[here, there], load)
    return load


@njit(cache=True)
def _add_ends(tables, leaf, leaving, entering, load):
    """Add what a leaf sends up to its spines and gets from them, by group at the other end."""
    groups, spines = tables.num_groups, tables.spines
    group = leaf // spines
    first = tables.first_inner + leaf * spines
    total_leaving, total_entering = leaving.sum(), entering.sum()
    for middle in range(groups):
        if middle == group:
            continue
        # a flow to or from the middle group itself has its detour elsewhere
        out = (total_leaving - leaving[middle]) / (groups - 2)
        back = (total_entering - entering[middle]) / (groups - 2)
        pair = group * groups + middle
        for way in range(tables.pair_start[pair], tables.pair_start[pair + 1]):
            load[first + tables.leave[way] % spines] += out * tables.share[way]
        pair = middle * groups + group
        for way in range(tables.pair_start[pair], tables.pair_start[pair + 1]):
            entry = tables.num_trunks + first + tables.enter[way] % spines
            load[entry] += back * tables.share[way]


@njit(cache=True)
def _add_middles(tables, here, there, size_bytes, load):
    """Add the global links and turns of all flows between two groups by way of every third one."""
    groups = tables.num_groups
    for middle in range(groups):
        if middle in (here, there):
            continue
        part = size_bytes / (groups - 2)
        first, second = here * groups + middle, middle * groups + there
        for way in range(tables.pair_start[first], tables.pair_start[first + 1]):
            share = part * tables.share[way]
            load[tables.bundle[way]] += share
            for onward in range(tables.pair_start[second], tables.pair_start[second + 1]):
                _add_turn(
                    tables, tables.enter[way], tables.leave[onward], load,
                    share * tables.share[onward],
                )  # fmt: skip
        for onward in range(tables.pair_start[second], tables.pair_start[second + 1]):
            load[tables.bundle[onward]] += part * tables.share[onward]
