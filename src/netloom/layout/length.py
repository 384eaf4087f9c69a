"""Cable lengths: Manhattan along the trays, up and down, dressed, with slack, in stocked lengths.

Between racks, ``length = (1 + slack) (|dx| + |dy| + 2 rise) + 2 dressing``; inside a rack,
``length = (1 + slack) |du| * 0.04445 m + 2 dressing``. Rounded up to what is sold.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netloom.layout.floor import RACK_UNIT_M, Floor, FloorRules
from netloom.topology.fabric import HOST, Fabric


def trunk_ends(fabric: Fabric, floor: Floor) -> tuple[NDArray[np.int32], ...]:
    """Return rack and rack unit of both ends of each trunk: four int32 arrays of shape (T,)."""
    is_host = np.array([kind.lower == HOST for kind in fabric.link_classes])[fabric.trunk_class]
    lower_rack, lower_u = np.empty_like(fabric.trunk_lower), np.empty_like(fabric.trunk_lower)
    node = fabric.trunk_lower[is_host] // floor.nics_per_node
    lower_rack[is_host], lower_u[is_host] = floor.node_rack[node], floor.node_u[node]
    switch = fabric.trunk_lower[~is_host]
    lower_rack[~is_host], lower_u[~is_host] = floor.switch_rack[switch], floor.switch_u[switch]
    return (
        lower_rack,
        lower_u,
        floor.switch_rack[fabric.trunk_upper],
        floor.switch_u[fabric.trunk_upper],
    )


def trunk_lengths(fabric: Fabric, floor: Floor, rules: FloorRules) -> NDArray[np.float32]:
    """Return the computed cable length of each trunk, metres, float32, shape (T,)."""
    lower_rack, lower_u, upper_rack, upper_u = trunk_ends(fabric, floor)
    x, y = floor.rack_x_m, floor.rack_y_m
    across = np.abs(x[lower_rack] - x[upper_rack]) + np.abs(y[lower_rack] - y[upper_rack])
    same = lower_rack == upper_rack
    run = np.where(same, np.abs(lower_u - upper_u) * RACK_UNIT_M, across + 2 * rules.rise)
    return ((1 + rules.slack) * run + 2 * rules.dressing).astype(np.float32)


def rounded_up(length_m: NDArray[np.float32], stock_m: tuple[float, ...]) -> NDArray[np.float32]:
    """Return the shortest stocked lengths that are long enough; infinite beyond the longest.

    Examples
    --------
    >>> rounded_up(np.array([0.4, 3.0, 3.1, 60.0]), (3.0, 5.0, 50.0)).tolist()
    [3.0, 3.0, 5.0, inf]
    """
    stock = np.array([*stock_m, np.inf], dtype=np.float32)
    # a micrometre of float error must not buy the next length
    return stock[np.searchsorted(stock, np.asarray(length_m) - 1e-6)]
