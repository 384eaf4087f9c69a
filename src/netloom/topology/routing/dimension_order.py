"""Dimension-order routing on HyperX, torus and mesh: one dimension after another, the first first.

A path is computed from the coordinates of its ends. On a ring the shorter way is taken; where both
are equally short, half of the flow goes either way. Uniform traffic loads every link of a
dimension alike, as minimal adaptive routing does; other patterns may do better over all orders.

References
----------
Dally, Seitz, "Deadlock-free message routing in multiprocessor interconnection networks", IEEE
Transactions on Computers C-36(5), 1987.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from netloom.topology.fabric import Bundles, LinkClass, Paths
from netloom.topology.routing.shortest import trunk_bundles

Wiring = Literal["full", "ring", "line"]


@dataclass(frozen=True)
class DimensionOrderRouting:
    """Bundles are trunks: t from lower to upper end, T + t back; D dimensions.

    Attributes
    ----------
    bundles : see there.
    endpoint_switch : int32, shape (E,).
    dims : places of each dimension.
    wiring : how the places of each dimension are joined.
    first_trunk : first trunk of each dimension; the order of trunks inside one is that of
        `netloom.topology.lattice`.
    """

    bundles: Bundles
    endpoint_switch: NDArray[np.int32]
    dims: tuple[int, ...]
    wiring: tuple[Wiring, ...]
    first_trunk: tuple[int, ...]

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
        *,
        dims: tuple[int, ...],
        wiring: tuple[Wiring, ...],
    ) -> DimensionOrderRouting:
        """Return the routing of a lattice's trunks: link class d + 1 is dimension d."""
        return cls(
            bundles=trunk_bundles(link_classes, trunk_class, trunk_links),
            endpoint_switch=trunk_upper[:num_endpoints].astype(np.int32),
            dims=dims,
            wiring=wiring,
            first_trunk=tuple(
                np.searchsorted(trunk_class, np.arange(1, len(dims) + 1)).astype(int).tolist()
            ),
        )

    def paths(self, source: NDArray[np.int32], target: NDArray[np.int32]) -> Paths:
        """Return the bundles that flows cross, each with its share of the flow."""
        from netloom.kernels.lattice import FULL, LINE, RING, Lattice, dimension_order_paths

        codes = {"full": FULL, "ring": RING, "line": LINE}
        extent = np.array(self.dims, dtype=np.int64)
        lattice = Lattice(
            extent=extent,
            stride=np.cumprod(np.r_[1, extent[:0:-1]])[::-1].copy(),
            wiring=np.array([codes[wiring] for wiring in self.wiring], dtype=np.int64),
            first=np.array(self.first_trunk, dtype=np.int64),
            num_trunks=len(self.bundles.num_members) // 2,
        )
        return Paths(
            *dimension_order_paths(
                np.asarray(source, dtype=np.int32),
                np.asarray(target, dtype=np.int32),
                self.endpoint_switch,
                lattice,
            )
        )
