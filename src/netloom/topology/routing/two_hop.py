"""Equal-cost shortest paths of graphs of diameter two (Slim Fly, PolarFly), found without a search.

The same paths and shares as `netloom.topology.routing.shortest`: the direct link where there is
one, else all common neighbours. Each flow costs its switches' neighbours instead of a search of the
graph, so that a hundred thousand endpoints are no matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netloom.topology.fabric import Bundles, LinkClass, Paths
from netloom.topology.graph import switch_graph
from netloom.topology.routing.shortest import trunk_bundles

if TYPE_CHECKING:
    from netloom.kernels.paths import SwitchGraph


@dataclass(frozen=True)
class TwoHopRouting:
    """Bundles are trunks: t from lower to upper end, T + t back."""

    bundles: Bundles
    graph: SwitchGraph

    @classmethod
    def build(
        cls,
        num_endpoints: int,
        num_switches: int,
        link_classes: tuple[LinkClass, ...],
        trunk_class: NDArray[Any],
        trunk_lower: NDArray[Any],
        trunk_upper: NDArray[Any],
        trunk_links: NDArray[Any],
    ) -> TwoHopRouting:
        """Return the routing of a fabric's trunk arrays; see `netloom.topology.fabric.Fabric`."""
        return cls(
            trunk_bundles(link_classes, trunk_class, trunk_links),
            switch_graph(
                num_endpoints, num_switches, link_classes,
                trunk_class, trunk_lower, trunk_upper, trunk_links,
            ),
        )  # fmt: skip

    def paths(self, source: NDArray[np.int32], target: NDArray[np.int32]) -> Paths:
        """Return the bundles that flows cross, each with its share of the flow."""
        from netloom.kernels.short_graphs import two_hop_paths

        return Paths(
            *two_hop_paths(
                np.asarray(source, dtype=np.int32),
                np.asarray(target, dtype=np.int32),
                self.graph,
                len(self.bundles.num_members) // 2,
            )
        )
