"""Which links each flow takes: spread over all equal ones, hashed onto one, or static.

``spray`` keeps the bundles of the fabric's routing, as packet spraying and adaptive routing load
them. ``static`` and ``hash`` put a flow on one path of single links: D-mod-k on folded Clos
networks, the widest way elsewhere; or a seeded hash at every switch.

Legend for shapes: E endpoints, F flows, B bundles (of `spray`) or directed links.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from netloom.errors import InfeasibleError, ParameterError, nearest
from netloom.simulate.clos_links import clos_tables
from netloom.topology.fabric import Bundles, Fabric, Paths, Routing
from netloom.topology.graph import switch_graph
from netloom.topology.routing.dragonfly import DragonflyRouting
from netloom.topology.routing.shortest import ShortestRouting
from netloom.topology.routing.tree import TreeRouting

if TYPE_CHECKING:
    from netloom.kernels.loads import PathArrays

Balancing = Literal["spray", "static", "hash"]
BALANCINGS: tuple[Balancing, ...] = ("spray", "static", "hash")


@dataclass(frozen=True)
class Routes:
    """The bundles or links that flows cross, with their capacities.

    Attributes
    ----------
    paths : see `netloom.topology.fabric.Paths`.
    bytes_per_s : float64, shape (B,), one way.
    stage : int16, shape (B,), index into `stage_names`.
    stage_names : what a bundle or link is called in an explanation.
    """

    paths: Paths
    bytes_per_s: NDArray[np.float64]
    stage: NDArray[np.int16]
    stage_names: tuple[str, ...]

    @property
    def arrays(self) -> PathArrays:
        """The paths as the compiled kernels take them."""
        from netloom.kernels.loads import PathArrays

        return PathArrays(self.paths.indptr, self.paths.bundle, self.paths.share)


def routes(
    fabric: Fabric,
    source: NDArray[np.int32],
    target: NDArray[np.int32],
    balancing: Balancing = "spray",
    seed: int = 0,
) -> Routes:
    """Return the routes of flows between endpoints, both arrays of shape (F,).

    Raises
    ------
    InfeasibleError
        When a flow has no path.
    ParameterError
        When the balancing is unknown, or the fabric's routing has no single paths.

    Examples
    --------
    >>> from netloom.topology import build
    >>> fabric = build("fat-tree", {"hosts": 16, "radix": 4, "tiers": 3})
    >>> routes(fabric, np.array([0]), np.array([15]), "static").paths.num_hops.tolist()
    [5]
    """
    source, target = np.asarray(source, dtype=np.int32), np.asarray(target, dtype=np.int32)
    if balancing == "spray":
        found = _spread(fabric, source, target)
    elif balancing in ("static", "hash"):
        found = _single(fabric, source, target, balancing == "hash", seed)
    else:
        raise ParameterError(
            f"unknown load balancing '{balancing}'", hint=nearest(balancing, BALANCINGS)
        )
    if len(source) and found.paths.num_hops.min() < 0:
        broken = int(np.argmin(found.paths.num_hops))
        raise InfeasibleError(
            f"fabric '{fabric.kind}' has no path from endpoint {source[broken]} to endpoint "
            f"{target[broken]}"
        )
    return found


def _spread(fabric: Fabric, source: NDArray[np.int32], target: NDArray[np.int32]) -> Routes:
    bundles = fabric.routing.bundles
    return Routes(
        fabric.routing.paths(source, target),
        bundles.bytes_per_s,
        bundles.stage,
        bundles.stage_names,
    )


def _single(
    fabric: Fabric,
    source: NDArray[np.int32],
    target: NDArray[np.int32],
    hashed: bool,
    seed: int,
) -> Routes:
    if isinstance(fabric.routing, TreeRouting):
        found = _clos(fabric, fabric.routing, source, target, hashed, seed)
        if found is not None:
            return found
    return _walk(_split_ways(fabric, source, target), hashed=hashed, seed=seed)


def _clos(
    fabric: Fabric,
    routing: TreeRouting,
    source: NDArray[np.int32],
    target: NDArray[np.int32],
    hashed: bool,
    seed: int,
) -> Routes | None:
    """Return single paths up and down a folded Clos network; None if some flow has to go round."""
    from netloom.kernels.clos_paths import climb, clos_paths

    indptr = np.zeros(len(source) + 1, dtype=np.int64)
    num_hops = np.empty(len(source), dtype=np.int16)
    climb(routing.group, source, target, indptr, num_hops)
    tables = clos_tables(fabric, routing)
    bundle, found = clos_paths(tables, source, target, indptr, hashed, seed)
    if not found.all():
        return None
    rate, stage, names = single_links(fabric)
    paths = Paths(indptr, bundle, np.ones(len(bundle)), num_hops)
    return Routes(paths, rate, stage, names)


def single_links(
    fabric: Fabric,
) -> tuple[NDArray[np.float64], NDArray[np.int16], tuple[str, ...]]:
    """Return rate, stage and stage names of all directed links: l upwards, ``D / 2 + l`` down."""
    from netloom.kernels.clos_lists import write_link_rates

    rate = np.array([link_class.link_bytes_per_s for link_class in fabric.link_classes])
    names = [f"{kind.name} links {way}" for kind in fabric.link_classes for way in ("up", "down")]
    num_links = 2 * int(fabric.trunk_links.sum())
    bytes_per_s, stage = np.empty(num_links), np.empty(num_links, dtype=np.int16)
    write_link_rates(fabric.trunk_class, fabric.trunk_links, rate, bytes_per_s, stage)
    return bytes_per_s, stage, tuple(names)


def hash_draws(
    fabric: Fabric, source: NDArray[np.int32], target: NDArray[np.int32]
) -> Callable[[int], Routes]:
    """Return what gives the flows' hashed routes by seed; what draws share is found once.

    Examples
    --------
    >>> from netloom.topology import build
    >>> fabric = build("torus", {"dims": [3, 3], "p": 1})
    >>> ends = np.arange(9, dtype=np.int32), np.arange(9, dtype=np.int32)[::-1].copy()
    >>> draw, once = hash_draws(fabric, *ends), routes(fabric, *ends, "hash", 7)
    >>> (draw(7).paths.bundle == once.paths.bundle).all()
    np.True_
    """
    if isinstance(fabric.routing, TreeRouting):
        return lambda seed: _single(fabric, source, target, True, seed)
    ways = _split_ways(fabric, source, target)
    return lambda seed: _walk(ways, hashed=True, seed=seed)


@dataclass(frozen=True)
class _SplitWays:
    """Routes that split, ready to be walked.

    Attributes
    ----------
    rows, bundles : the routes with their shares, and what they are made of.
    source, target : int32, shape (F,), nodes.
    tail, head : int32, shape (B,), nodes at both ends of each bundle.
    """

    rows: Paths
    bundles: Bundles
    source: NDArray[np.int32]
    target: NDArray[np.int32]
    tail: NDArray[np.int32]
    head: NDArray[np.int32]


def _split_ways(fabric: Fabric, source: NDArray[np.int32], target: NDArray[np.int32]) -> _SplitWays:
    routing: Routing = fabric.routing
    if isinstance(routing, TreeRouting):
        # a tree with dead ends: shortest paths on the switches that are there
        routing = ShortestRouting.build(
            fabric.num_endpoints, fabric.num_switches, fabric.link_classes,
            fabric.trunk_class, fabric.trunk_lower, fabric.trunk_upper, fabric.trunk_links,
        )  # fmt: skip
    if isinstance(routing, DragonflyRouting):
        rows = routing.paths(source, target, "minimal")
    else:
        rows = routing.paths(source, target)
    first_node = fabric.num_switches
    return _SplitWays(
        rows, routing.bundles, (first_node + source).astype(np.int32),
        (first_node + target).astype(np.int32), *bundle_ends(fabric, routing),
    )  # fmt: skip


def _walk(ways: _SplitWays, *, hashed: bool, seed: int) -> Routes:
    """Return one of the ways of each flow's route that splits.

    Planes are alike: their links count as parallel links.
    """
    from netloom.kernels.loads import PathArrays
    from netloom.kernels.row_walk import single_paths

    rows, bundles = ways.rows, ways.bundles
    first_member = np.concatenate([[0], np.cumsum(bundles.num_members, dtype=np.int64)])
    indptr, link = single_paths(
        PathArrays(rows.indptr, rows.bundle, rows.share), ways.source, ways.target,
        ways.tail, ways.head, first_member, hashed, seed,
    )  # fmt: skip
    hops = np.where(rows.num_hops > 0, np.diff(indptr) - 1, rows.num_hops)
    members = bundles.num_members
    return Routes(
        Paths(indptr, link, np.ones(len(link)), hops.astype(np.int16)),
        np.repeat(bundles.bytes_per_s / members, members),
        np.repeat(bundles.stage, members),
        bundles.stage_names,
    )


def bundle_ends(fabric: Fabric, routing: Routing) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the nodes at both ends of each bundle: switches, then endpoints; both shape (B,)."""
    if isinstance(routing, DragonflyRouting):
        return _dragonfly_ends(fabric, routing)
    num_bundles = len(routing.bundles.num_members)
    if isinstance(routing, ShortestRouting):
        graph = routing.graph
    else:
        # bundles are trunks, both ways; of several equal planes they are those of the first
        plane = slice(num_bundles // 2)
        graph = switch_graph(
            fabric.num_endpoints, fabric.num_switches, fabric.link_classes,
            fabric.trunk_class[plane], fabric.trunk_lower[plane],
            fabric.trunk_upper[plane], fabric.trunk_links[plane],
        )  # fmt: skip
    tail = np.full(num_bundles, -1, dtype=np.int32)
    head = np.full(num_bundles, -1, dtype=np.int32)
    endpoint = fabric.num_switches + np.repeat(
        np.arange(fabric.num_endpoints), np.diff(graph.attach_start)
    )
    tail[graph.attach_up], head[graph.attach_up] = endpoint, graph.attach_switch
    tail[graph.attach_down], head[graph.attach_down] = graph.attach_switch, endpoint
    tail[graph.bundle] = np.repeat(np.arange(len(graph.start) - 1), np.diff(graph.start))
    head[graph.bundle] = graph.neighbour
    return tail, head


def _dragonfly_ends(
    fabric: Fabric, routing: DragonflyRouting
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    num_endpoints, routers = fabric.num_endpoints, routing.routers_per_group
    endpoint = fabric.num_switches + np.arange(num_endpoints)
    router = np.repeat(np.arange(fabric.num_switches), routers)
    neighbour = router // routers * routers + np.tile(np.arange(routers), fabric.num_switches)
    tail = np.concatenate([endpoint, routing.endpoint_router, router, routing.global_exit])
    head = np.concatenate([routing.endpoint_router, endpoint, neighbour, routing.global_entry])
    return tail.astype(np.int32), head.astype(np.int32)
