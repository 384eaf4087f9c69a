"""Cables of a leaf-spine fabric that stands in one row of like racks, one spine in each.

The small end of the scale: appliances that are sold by the rack and joined on site, where every
cable's length follows from how many racks apart its ends are.
"""

from __future__ import annotations

from collections.abc import Sequence

from netloom.errors import ParameterError

#: Racks between the ends, at most, and the stocked length that reaches, metres: under the floor,
#: with racks of 0.6 m and a service loop at either end.
LENGTHS_BY_DISTANCE: tuple[tuple[int, float], ...] = ((0, 3.0), (2, 5.0))
_BEYOND_M = 10.0


def uplinks_by_rack(num_racks: int, num_uplinks: int, rack: int) -> tuple[int, ...]:
    """Return how many uplinks of one leaf go to the spine of each rack.

    The own rack's spine gets its even share, rounded up; the rest is dealt evenly to the other
    racks in cyclic order, the surplus to the first of them.

    Examples
    --------
    >>> uplinks_by_rack(4, 8, 0), uplinks_by_rack(3, 8, 1)
    ((2, 2, 2, 2), (2, 3, 3))
    """
    if num_racks < 1 or num_uplinks < num_racks or not 0 <= rack < num_racks:
        raise ParameterError(
            f"{num_uplinks} uplinks do not reach the spines of {num_racks} racks from rack {rack}",
            hint=f"use 1 to {num_uplinks} racks, numbered from 0",
        )
    share = [0] * num_racks
    share[rack] = -(-num_uplinks // num_racks)
    others = num_racks - 1
    rest = num_uplinks - share[rack]
    for place in range(others):
        share[(rack + 1 + place) % num_racks] = rest // others + (place < rest % others)
    return tuple(share)


def stocked_m(
    racks_apart: int, lengths: Sequence[tuple[int, float]] = LENGTHS_BY_DISTANCE
) -> float:
    """Return the stocked length for a distance in racks."""
    return next((length for most, length in lengths if racks_apart <= most), _BEYOND_M)


def cables_by_length(num_racks: int, leaves_per_rack: int, num_uplinks: int) -> dict[float, int]:
    """Return leaf-spine cables by stocked length.

    Examples
    --------
    >>> cables_by_length(4, 2, 8)
    {3.0: 16, 5.0: 40, 10.0: 8}
    """
    counts = {length: 0 for _, length in LENGTHS_BY_DISTANCE} | {_BEYOND_M: 0}
    for rack in range(num_racks):
        for other, links in enumerate(uplinks_by_rack(num_racks, num_uplinks, rack)):
            counts[stocked_m(abs(rack - other))] += leaves_per_rack * links
    return counts
