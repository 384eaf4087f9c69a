"""Power of the network, of all racks and of the site, from the bill of materials."""

from __future__ import annotations

import math
from collections.abc import Iterable

from netloom.catalog.prices import SiteCosts
from netloom.result import BomLine, Range

#: Groups whose draw is network power. NICs are left to the nodes that house and feed them, as in
#: published network power figures.
NETWORK_POWER = ("switches", "optics", "cables")


def network_power_w(bom: Iterable[BomLine]) -> float:
    """Return the draw of switches and of both ends of every cable."""
    return math.fsum(line.power_w for line in bom if line.group in NETWORK_POWER)


def it_power_w(bom: Iterable[BomLine]) -> float:
    """Return the draw of everything on the bill, before cooling."""
    return math.fsum(line.power_w for line in bom)


def site_power_w(it_power_w: float, site: SiteCosts) -> Range:
    """Return what the site draws: IT power times the power usage effectiveness."""
    return Range(site.pue.low, site.pue.mode, site.pue.high).scaled(it_power_w)
