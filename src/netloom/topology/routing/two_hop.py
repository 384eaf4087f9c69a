"""Equal-cost shortest paths of graphs of diameter two (Slim Fly, PolarFly), found without a search.

The same paths and shares as `netloom.topology.routing.shortest`: the direct link where there is
one, else all common neighbours. Each flow costs its switches' neighbours instead of a search of the
graph, so that a hundred thousand endpoints are no matter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netloom.topology.fabric import Paths
from netloom.topology.routing.shortest import ShortestRouting


class TwoHopRouting(ShortestRouting):
    """The same bundles and graph; routes of at most two hops need no search."""

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
