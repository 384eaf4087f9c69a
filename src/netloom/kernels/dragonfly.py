"""Loads of Valiant routing on a Dragonfly, summed by router and group instead of flow by flow.

Legend: E endpoints, R routers, G groups, B bundles, F flows. Tables as in `kernels.paths`.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def _sums(source, target, flow_bytes, tables, groups):
    """Return bytes from each router to each other group, and from each group to each router."""
    routers = groups * tables.routers
    to_group = np.zeros((routers, groups))
    to_router = np.zeros((groups, routers))
    for flow in range(len(source)):
        one, other = tables.endpoint_router[source[flow]], tables.endpoint_router[target[flow]]
        here, there = one // tables.routers, other // tables.routers
        if here != there:
            to_group[one, there] += flow_bytes[flow]
            to_router[here, other] += flow_bytes[flow]
    return to_group, to_router


@njit(cache=True)
def _add_local(tables, loads, one, other, amount):
    if one != other:
        loads[tables.first_local + one * tables.routers + other % tables.routers] += amount


@njit(cache=True)
def valiant_loads(source, target, flow_bytes, tables):
    """Return bundle loads when flows between groups go by way of every third group alike.

    The same expectation as paths by Valiant's rule, flow by flow, but at a cost that grows with
    routers times groups. Flows inside a group go straight; there must be three groups.

    Parameters
    ----------
    source, target : int32, shape (F,), endpoints.
    flow_bytes : float64, shape (F,).
    tables : `kernels.paths.DragonflyTables`.

    Returns
    -------
    float64, shape (B,).
    """
    groups = round(np.sqrt(len(tables.pair_start) - 1))
    num_endpoints = len(tables.endpoint_router)
    loads = np.zeros(tables.num_bundles)
    for flow in range(len(source)):
        if source[flow] == target[flow]:
            continue
        loads[source[flow]] += flow_bytes[flow]
        loads[num_endpoints + target[flow]] += flow_bytes[flow]
        one, other = tables.endpoint_router[source[flow]], tables.endpoint_router[target[flow]]
        if one // tables.routers == other // tables.routers:
            _add_local(tables, loads, one, other, flow_bytes[flow])

    to_group, to_router = _sums(source, target, flow_bytes, tables, groups)
    ways = groups - 2.0
    for router in range(len(to_group)):
        here = router // tables.routers
        leaving = to_group[router].sum()
        arriving = to_router[:, router].sum()
        for between in range(groups):
            if between == here:
                continue
            # what this router sends by way of the group, and what it receives by way of it
            outward = (leaving - to_group[router, between]) / ways
            inward = (arriving - to_router[between, router]) / ways
            pair = here * groups + between
            for way in range(tables.pair_start[pair], tables.pair_start[pair + 1]):
                amount = outward * tables.share[way]
                _add_local(tables, loads, router, tables.leave[way], amount)
                loads[tables.bundle[way]] += amount
            pair = between * groups + here
            for way in range(tables.pair_start[pair], tables.pair_start[pair + 1]):
                amount = inward * tables.share[way]
                loads[tables.bundle[way]] += amount
                _add_local(tables, loads, tables.enter[way], router, amount)

    for here in range(groups):
        first = here * tables.routers
        for there in range(groups):
            amount = to_group[first : first + tables.routers, there].sum() / ways
            if amount == 0.0:
                continue
            for between in range(groups):
                if between in (here, there):
                    continue
                _add_middle(tables, loads, here, between, there, groups, amount)
    return loads


@njit(cache=True)
def _add_middle(tables, loads, here, between, there, groups, amount):
    """Add the local links that traffic takes inside the group it goes by way of."""
    first, second = here * groups + between, between * groups + there
    for way in range(tables.pair_start[first], tables.pair_start[first + 1]):
        for onward in range(tables.pair_start[second], tables.pair_start[second + 1]):
            part = amount * tables.share[way] * tables.share[onward]
            _add_local(tables, loads, tables.enter[way], tables.leave[onward], part)
