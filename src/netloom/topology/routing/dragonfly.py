"""Minimal and Valiant routing on a Dragonfly.

Legend: E endpoints, R routers, G groups, D ordered group pairs (G^2), K global trunk directions.

Minimal: local link to the router that holds a global link, the global link, local link to the
target's router. Parallel global links between two groups share the flow by their number of links.
Valiant: minimal to a router's exit into a random other group, and minimal from where it arrives
there; the exact expectation over all intermediate groups, as shares. Adaptive: minimal paths, and
`detour_loads` for whoever weighs one against the other (UGAL's choice, made once for all flows).

References
----------
Kim, Dally, Scott, Abts, "Technology-driven, highly-scalable Dragonfly topology", ISCA 2008,
section 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from netloom.topology.fabric import Bundles, Paths

if TYPE_CHECKING:
    from netloom.kernels.paths import DragonflyTables

#: Straight, by way of a third group, or whatever part of the traffic does better on a detour.
Route = Literal["minimal", "valiant", "adaptive"]


@dataclass(frozen=True)
class DragonflyRouting:
    """Bundles of a Dragonfly: host up and down, local by router pair, global by direction.

    Attributes
    ----------
    bundles : see there.
    endpoint_router : int32, shape (E,).
    routers_per_group : a.
    first_local : bundle of the first local direction; router r to local neighbour j of its group is
        ``first_local + r * a + j``.
    pair_start : int64, shape (D + 1,), global trunk directions of each ordered group pair.
    global_exit, global_entry : int32, shape (K,), routers at both ends, by pair.
    global_share : float64, shape (K,), share of the pair's traffic.
    global_bundle : int32, shape (K,).
    route : the rule that `paths` follows.
    """

    bundles: Bundles
    endpoint_router: NDArray[np.int32]
    routers_per_group: int
    first_local: int
    pair_start: NDArray[np.int64]
    global_exit: NDArray[np.int32]
    global_entry: NDArray[np.int32]
    global_share: NDArray[np.float64]
    global_bundle: NDArray[np.int32]
    route: Route = "minimal"

    @classmethod
    def build(
        cls,
        *,
        endpoint_switch: NDArray[np.int64],
        routers_per_group: int,
        num_groups: int,
        local_links: int,
        global_trunks: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
        link_bytes_per_s: float,
        route: Route,
    ) -> DragonflyRouting:
        """Return the routing; `global_trunks` are lower router, upper router and links."""
        num_endpoints, num_routers = len(endpoint_switch), routers_per_group * num_groups
        low, high, links = global_trunks
        leave, enter = np.concatenate([low, high]), np.concatenate([high, low])
        both = np.concatenate([links, links])
        pair = leave // routers_per_group * num_groups + enter // routers_per_group
        order = np.lexsort((enter, leave, pair))
        leave, enter, both, pair = leave[order], enter[order], both[order], pair[order]
        total = np.bincount(pair, weights=both, minlength=num_groups**2)

        first_local = 2 * num_endpoints
        num_local = num_routers * routers_per_group
        first_global = first_local + num_local
        sizes = [num_endpoints, num_endpoints, num_local, len(leave)]
        members = np.concatenate(
            [np.ones(2 * num_endpoints, dtype=np.int64), np.full(num_local, local_links), both]
        )
        bundles = Bundles(
            bytes_per_s=members * link_bytes_per_s,
            num_members=members.astype(np.int32),
            stage=np.repeat(np.arange(4, dtype=np.int16), sizes),
            stage_names=("host uplinks", "host downlinks", "local links", "global links"),
        )
        return cls(
            bundles=bundles,
            endpoint_router=endpoint_switch.astype(np.int32),
            routers_per_group=routers_per_group,
            first_local=first_local,
            pair_start=np.searchsorted(pair, np.arange(num_groups**2 + 1)).astype(np.int64),
            global_exit=leave.astype(np.int32),
            global_entry=enter.astype(np.int32),
            global_share=both / total[pair],
            global_bundle=(first_global + np.arange(len(leave))).astype(np.int32),
            route=route,
        )

    @property
    def num_groups(self) -> int:
        """Groups."""
        return round((len(self.pair_start) - 1) ** 0.5)

    def paths(
        self,
        source: NDArray[np.int32],
        target: NDArray[np.int32],
        route: Route | None = None,
    ) -> Paths:
        """Return the bundles that flows cross; `route` overrides the routing's own rule."""
        from netloom.kernels.paths import dragonfly_paths

        source, target = np.asarray(source, dtype=np.int32), np.asarray(target, dtype=np.int32)
        valiant = (route or self.route) == "valiant"
        return Paths(*dragonfly_paths(source, target, self._tables(), valiant))

    @property
    def has_detours(self) -> bool:
        """Whether traffic may leave the minimal paths: adaptive, with a third group to go by."""
        return self.route == "adaptive" and self.num_groups > 2

    def detour_loads(
        self,
        source: NDArray[np.int32],
        target: NDArray[np.int32],
        flow_bytes: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return bundle loads when all flows take Valiant's detours, float64, shape (B,)."""
        from netloom.kernels.dragonfly import valiant_loads

        return valiant_loads(
            np.asarray(source, dtype=np.int32),
            np.asarray(target, dtype=np.int32),
            flow_bytes,
            self._tables(),
        )

    def _tables(self) -> DragonflyTables:
        from netloom.kernels.paths import DragonflyTables

        return DragonflyTables(
            self.endpoint_router, self.routers_per_group, self.first_local,
            len(self.bundles.num_members), self.pair_start,
            self.global_exit, self.global_entry, self.global_share, self.global_bundle,
        )  # fmt: skip
