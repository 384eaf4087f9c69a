"""Minimal routing on a Dragonfly+, and detours by a third group.

Minimal: up to a spine that holds a global link to the target's group, the link, down to the leaf.
Parallel global links between two groups share the flow by their number of links; inside a group
all spines share it. Adaptive: minimal paths, and `detour_loads` for whoever weighs one against the
other.

References
----------
Shpiner, Haramaty, Eliad, Zdornov, Gafni, Zahavi, "Dragonfly+: low cost topology for scaling
datacenters", HiPINEB 2017, section IV.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from netloom.topology.fabric import Bundles, LinkClass, Paths
from netloom.topology.routing.shortest import trunk_bundles

if TYPE_CHECKING:
    from netloom.kernels.megafly import MegaflyTables

Route = Literal["minimal", "adaptive"]


@dataclass(frozen=True)
class MegaflyRouting:
    """Bundles are trunks: t from lower to upper end, T + t back.

    Attributes
    ----------
    bundles : see there.
    endpoint_leaf : int32, shape (E,).
    group_spines : spines of one group, and leaves.
    num_groups : groups.
    global_trunks : lower spine, upper spine (counted from the first spine) and links of each.
    route : the rule that `paths` and `has_detours` follow.
    """

    bundles: Bundles
    endpoint_leaf: NDArray[np.int32]
    group_spines: int
    num_groups: int
    global_trunks: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
    route: Route = "minimal"

    @classmethod
    def build(
        cls,
        link_classes: tuple[LinkClass, ...],
        trunk_class: NDArray[np.int8],
        trunk_links: NDArray[np.int32],
        endpoint_leaf: NDArray[np.int64],
        group_spines: int,
        num_groups: int,
        global_trunks: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
        route: Route,
    ) -> MegaflyRouting:
        """Return the routing; trunks are host links, leaf-spine by leaf, global links."""
        return cls(
            trunk_bundles(link_classes, trunk_class, trunk_links),
            endpoint_leaf.astype(np.int32),
            group_spines,
            num_groups,
            global_trunks,
            route,
        )

    def paths(self, source: NDArray[np.int32], target: NDArray[np.int32]) -> Paths:
        """Return the bundles that flows cross, each with its share of the flow."""
        from netloom.kernels.megafly import megafly_paths

        return Paths(
            *megafly_paths(
                np.asarray(source, dtype=np.int32),
                np.asarray(target, dtype=np.int32),
                self._tables,
            )
        )

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
        """Return bundle loads when all flows take detours, float64, shape (B,)."""
        from netloom.kernels.megafly import megafly_detour_loads

        return megafly_detour_loads(
            np.asarray(source, dtype=np.int32),
            np.asarray(target, dtype=np.int32),
            np.asarray(flow_bytes, dtype=np.float64),
            self._tables,
        )

    @cached_property
    def _tables(self) -> MegaflyTables:
        """Tables of the kernels, made once: every priced pattern asks for them."""
        from netloom.kernels.megafly import MegaflyTables

        low, high, links = self.global_trunks
        num_trunks = len(self.bundles.num_members) // 2
        trunk = num_trunks - len(low) + np.arange(len(low))
        leave, enter = np.concatenate([low, high]), np.concatenate([high, low])
        bundle = np.concatenate([trunk, num_trunks + trunk])
        both = np.concatenate([links, links])
        pair = leave // self.group_spines * self.num_groups + enter // self.group_spines
        order = np.lexsort((enter, leave, pair))
        total = np.bincount(pair, weights=both, minlength=self.num_groups**2)
        return MegaflyTables(
            endpoint_leaf=self.endpoint_leaf,
            spines=self.group_spines,
            first_inner=len(self.endpoint_leaf),
            num_trunks=num_trunks,
            num_groups=self.num_groups,
            pair_start=np.searchsorted(pair[order], np.arange(self.num_groups**2 + 1)).astype(
                np.int64
            ),
            leave=leave[order].astype(np.int32),
            enter=enter[order].astype(np.int32),
            share=(both / total[pair])[order].astype(np.float64),
            bundle=bundle[order].astype(np.int32),
        )
