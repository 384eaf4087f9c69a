"""Equal-cost shortest paths on the switch graph, for fabrics without a rule of their own.

At every switch a flow splits over all next hops on shortest paths, in proportion to their links, as
per-packet spreading does. Endpoints do not forward. Meant for graphs of up to a few thousand
switches: one breadth-first search per set of switches that targets hang on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from netloom.topology.fabric import Bundles, LinkClass, Paths
from netloom.topology.graph import switch_graph

if TYPE_CHECKING:
    from netloom.kernels.shortest_paths import SwitchGraph


def trunk_bundles(
    link_classes: tuple[LinkClass, ...], trunk_class: NDArray[Any], trunk_links: NDArray[Any]
) -> Bundles:
    """Return one bundle per trunk and direction: t from lower to upper end, T + t back."""
    rate = np.array([link_class.link_bytes_per_s for link_class in link_classes])
    up_down = np.array([link_class.lower != link_class.upper for link_class in link_classes])
    names = []
    for link_class, directed in zip(link_classes, up_down, strict=True):
        ends = ("up", "down") if directed else ("", "")
        names += [f"{link_class.name} links {end}".rstrip() for end in ends]
    return Bundles(
        bytes_per_s=np.tile(trunk_links * rate[trunk_class], 2),
        num_members=np.tile(trunk_links, 2).astype(np.int32),
        stage=np.concatenate(
            [2 * trunk_class.astype(np.int16), 2 * trunk_class + up_down[trunk_class]]
        ).astype(np.int16),
        stage_names=tuple(names),
    )


@dataclass(frozen=True)
class ShortestRouting:
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
    ) -> Self:
        """Return the routing of a fabric's trunk arrays; see `netloom.topology.fabric.Fabric`."""
        bundles = trunk_bundles(link_classes, trunk_class, trunk_links)
        graph = switch_graph(
            num_endpoints,
            num_switches,
            link_classes,
            trunk_class,
            trunk_lower,
            trunk_upper,
            trunk_links,
        )
        return cls(bundles, graph)

    def paths(self, source: NDArray[np.int32], target: NDArray[np.int32]) -> Paths:
        """Return the bundles that flows cross, each with its share of the flow."""
        from netloom.kernels.shortest_paths import shortest_paths

        source, target = np.asarray(source, dtype=np.int32), np.asarray(target, dtype=np.int32)
        # flows whose ends hang on the same switches have the same routes, which are then found once
        switch = np.append(self.graph.attach_switch, -1)[self.graph.attach_start]
        order = np.lexsort((target, switch[source], switch[target]))
        return Paths(*shortest_paths(self.graph, source, target, order))
