"""Second opinions on throughput that share nothing with the flow solver but the fabric's trunks.

*Throughput* is the largest factor by which all demands can be scaled at the same time. The linear
programme gives it exactly, over all ways of splitting traffic over all paths; the distance bound
needs only shortest paths: bytes times links crossed cannot exceed the capacity of all links.

Legend for shapes: S switches, A directed trunks between switches, D demands.

References
----------
.. [1] Jyothi, Singla, Godfrey and Kolla, "Measuring and understanding throughput of network
   topologies", SC 2016: the linear programme.
.. [2] Namyar, Supittayapornpong, Zhang, Yu and Govindan, "A throughput-centric view of the
   performance of datacenter topologies", SIGCOMM 2021: the distance bound, TUB.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netloom.errors import InfeasibleError, ParameterError
from netloom.topology.fabric import Fabric


class _Graph(NamedTuple):
    """Trunks between switches, and demands between the switches that hosts hang on.

    Attributes
    ----------
    tail, head : int64, shape (A,).
    bytes_per_s : float64, shape (A,), one way.
    source, target : int64, shape (D,), different switches.
    demand : float64, shape (D,), bytes/s; one entry per pair.
    host_throughput : factor at which the first host link is full.
    """

    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    bytes_per_s: NDArray[np.float64]
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    demand: NDArray[np.float64]
    host_throughput: float


def throughput_lp(
    fabric: Fabric,
    source: NDArray[np.int32],
    target: NDArray[np.int32],
    demand_bytes_per_s: NDArray[np.float64] | float,
) -> float:
    """Return the throughput of demands between endpoints, by linear programming.

    One commodity per source switch: flow conservation at every switch, capacity on every trunk.
    Endpoints must have one host link each, so that their switches are known. Meant for fabrics of
    up to a hundred switches. Needs scipy, whose HiGHS solves it.

    Parameters
    ----------
    source, target : int32, shape (flows,), endpoints.
    demand_bytes_per_s : of each flow, or one for all.

    Raises
    ------
    ParameterError
        When scipy is not installed, or endpoints have several host links.
    InfeasibleError
        When some demand has no path.

    Examples
    --------
    Two leaves of three hosts with one uplink each, all sending across: a third of the host rate.

    >>> from netloom.topology import build
    >>> fabric = build("fat-tree", {"hosts": 6, "radix": 4, "tiers": 2, "taper": 1 / 3,
    ...     "link_bytes_per_s": 1.0})
    >>> hosts = np.arange(6)
    >>> round(throughput_lp(fabric, hosts, (hosts + 3) % 6, 1.0), 9)
    0.333333333
    """
    try:
        from scipy.optimize import linprog
        from scipy.sparse import coo_array
    except ImportError:
        raise ParameterError(
            "the throughput bound by linear programming needs scipy",
            hint="pip install 'netloom[bounds]'",
        ) from None
    graph = _graph(fabric, source, target, demand_bytes_per_s)
    if not len(graph.demand):
        return graph.host_throughput
    if not len(graph.tail):
        raise InfeasibleError(f"fabric '{fabric.kind}' has no links between its switches")
    num_switches, num_trunks = fabric.num_switches, len(graph.tail)
    origins, origin = np.unique(graph.source, return_inverse=True)
    num_origins = len(origins)
    # variables: bytes/s of each origin on each trunk, then the throughput
    num_variables = num_origins * num_trunks + 1
    # rates in units of the largest capacity keep the programme well scaled
    unit = graph.bytes_per_s.max()
    column = np.arange(num_origins * num_trunks)
    of_origin, of_trunk = column // num_trunks, column % num_trunks
    # conservation: out - in at every switch is what starts there less what ends there
    rows = [of_origin * num_switches + graph.tail[of_trunk]]
    rows += [of_origin * num_switches + graph.head[of_trunk]]
    values = [np.ones(len(column)), -np.ones(len(column))]
    columns = [column, column]
    last = np.full(len(graph.demand), num_variables - 1)
    rows += [origin * num_switches + graph.source, origin * num_switches + graph.target]
    values += [-graph.demand / unit, graph.demand / unit]
    columns += [last, last]
    conserve = coo_array(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))),
        shape=(num_origins * num_switches, num_variables),
    ).tocsr()
    capacity = coo_array(
        (np.ones(len(column)), (of_trunk, column)), shape=(num_trunks, num_variables)
    ).tocsr()
    cost = np.zeros(num_variables)
    cost[-1] = -1.0
    answer = linprog(
        cost,
        A_ub=capacity, b_ub=graph.bytes_per_s / unit,
        A_eq=conserve, b_eq=np.zeros(num_origins * num_switches),
        bounds=[(0, None)] * (num_variables - 1) + [(0, graph.host_throughput)],
        method="highs",
    )  # fmt: skip
    if answer.status != 0 or -answer.fun <= 0.0:
        raise InfeasibleError(f"fabric '{fabric.kind}' carries no part of the demands")
    return float(-answer.fun)


def throughput_distance_bound(
    fabric: Fabric,
    source: NDArray[np.int32],
    target: NDArray[np.int32],
    demand_bytes_per_s: NDArray[np.float64] | float,
) -> float:
    """Return an upper bound of the throughput from distances alone.

    ``throughput <= capacity of all directed trunks / sum of demand times shortest path length``,
    and no host link is filled beyond its capacity. With demands of the worst permutation this is
    TUB [2]_.

    Examples
    --------
    Half of the hosts of a two-tier tree send across it; every byte crosses two of its links.

    >>> from netloom.topology import build
    >>> fabric = build("fat-tree", {"hosts": 8, "radix": 4, "tiers": 2, "link_bytes_per_s": 1.0})
    >>> throughput_distance_bound(fabric, np.arange(4), np.arange(4, 8), 1.0)
    1.0
    """
    from netloom.kernels.shortest_paths import distances
    from netloom.topology.counts import fabric_graph

    graph = _graph(fabric, source, target, demand_bytes_per_s)
    switches = fabric_graph(fabric)
    distance = np.empty(fabric.num_switches, dtype=np.int32)
    queue = np.empty(fabric.num_switches, dtype=np.int32)
    crossed = 0.0
    for end in np.unique(graph.target):
        queue[0] = end
        distances(switches, fabric.num_switches, 1, distance, queue)
        wanted = graph.target == end
        links = distance[graph.source[wanted]]
        if (links < 0).any():
            raise InfeasibleError(f"fabric '{fabric.kind}' has no path for some of the demands")
        crossed += float(links @ graph.demand[wanted])
    if crossed == 0.0:
        return graph.host_throughput
    return min(graph.host_throughput, float(graph.bytes_per_s.sum()) / crossed)


def farthest_permutation(fabric: Fabric) -> NDArray[np.int32]:
    """Return where each endpoint sends so that bytes cross as many links as they can, shape (E,).

    Traffic of this permutation at host rate makes `throughput_distance_bound` TUB [2]_, a bound for
    the worst traffic of the fabric. A matching of all endpoints: for up to a few thousand. Needs
    scipy.
    """
    from netloom.kernels.shortest_paths import distances
    from netloom.topology.counts import fabric_graph

    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError:
        raise ParameterError(
            "the farthest permutation needs scipy", hint="pip install 'netloom[bounds]'"
        ) from None
    switch, _ = _attachment(fabric)
    graph = fabric_graph(fabric)
    apart = np.empty((fabric.num_switches, fabric.num_switches), dtype=np.int32)
    queue = np.empty(fabric.num_switches, dtype=np.int32)
    for end in range(fabric.num_switches):
        queue[0] = end
        distances(graph, fabric.num_switches, 1, apart[end], queue)
    _, target = linear_sum_assignment(apart[np.ix_(switch, switch)], maximize=True)
    return target.astype(np.int32)


def _attachment(fabric: Fabric) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return switch, -1 without one, and rate of each endpoint, shape (E,); one link each."""
    host = fabric.trunk_class == 0
    endpoint = fabric.trunk_lower[host]
    if len(np.unique(endpoint)) < len(endpoint):
        raise ParameterError(
            f"endpoints of fabric '{fabric.kind}' hang on several switches",
            hint="bound one plane of it on its own",
        )
    switch = np.full(fabric.num_endpoints, -1, dtype=np.int64)
    rate = np.zeros(fabric.num_endpoints)
    switch[endpoint] = fabric.trunk_upper[host]
    rate[endpoint] = fabric.trunk_links[host] * fabric.link_classes[0].link_bytes_per_s
    return switch, rate


def _graph(
    fabric: Fabric,
    source: NDArray[np.int32],
    target: NDArray[np.int32],
    demand_bytes_per_s: NDArray[np.float64] | float,
) -> _Graph:
    source, target = np.asarray(source, dtype=np.int64), np.asarray(target, dtype=np.int64)
    demand = np.broadcast_to(np.asarray(demand_bytes_per_s, dtype=np.float64), len(source))
    switch, host_rate = _attachment(fabric)
    rate = np.array([kind.link_bytes_per_s for kind in fabric.link_classes])
    inner = np.flatnonzero(fabric.trunk_class > 0)
    capacity = fabric.trunk_links[inner] * rate[fabric.trunk_class[inner]]
    if (switch[source] < 0).any() or (switch[target] < 0).any():
        raise InfeasibleError(f"fabric '{fabric.kind}' has endpoints without a link")
    busiest = [
        np.bincount(ends[source != target], demand[source != target], fabric.num_endpoints)
        for ends in (source, target)
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        room = min(np.nanmin(np.where(load > 0, host_rate / load, np.inf)) for load in busiest)
    pair = switch[source] * fabric.num_switches + switch[target]
    apart = switch[source] != switch[target]
    pairs, place = np.unique(pair[apart], return_inverse=True)
    return _Graph(
        tail=np.concatenate([fabric.trunk_lower[inner], fabric.trunk_upper[inner]]).astype(int),
        head=np.concatenate([fabric.trunk_upper[inner], fabric.trunk_lower[inner]]).astype(int),
        bytes_per_s=np.tile(capacity, 2),
        source=pairs // fabric.num_switches,
        target=pairs % fabric.num_switches,
        demand=np.bincount(place, demand[apart], len(pairs)).astype(np.float64),
        host_throughput=float(room),
    )
