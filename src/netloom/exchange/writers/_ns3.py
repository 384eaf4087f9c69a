"""What the ns-3 programs HPCC and SimAI share: nodes by number, one line per pair of neighbours.

Nodes are numbered endpoints first, then switches. These programs keep one interface per neighbour,
so that parallel links become one link of their summed rate.

References
----------
github.com/alibaba-edu/High-Precision-Congestion-Control, simulation/mix: ``topology.txt`` is
``nodes switches links``, the switches, then ``source target rate delay error`` per link.
"""

from __future__ import annotations

import numpy as np

from netloom.exchange.writers import Scenario


def switch_ids(scenario: Scenario) -> range:
    """Return the numbers of the switches."""
    first = scenario.fabric.num_endpoints
    return range(first, first + scenario.fabric.num_switches)


def link_lines(scenario: Scenario) -> list[str]:
    """Return one line per pair of neighbours, with rates in bit/s and delays in ps or ns."""
    fabric = scenario.fabric
    first = fabric.num_endpoints
    rate = np.array([kind.link_bytes_per_s for kind in fabric.link_classes])[fabric.trunk_class]
    lower = np.where(scenario.is_host_trunk, fabric.trunk_lower, fabric.trunk_lower + first)
    upper = fabric.trunk_upper + first
    # links of several rates between the same two are one pair of neighbours, too
    pairs, place = np.unique(np.stack([lower, upper]), axis=1, return_inverse=True)
    bits_per_s = np.bincount(place.ravel(), 8 * rate * fabric.trunk_links)
    delay = delay_text(scenario.link_latency_s)
    return [
        f"{one} {other} {round(bits)}bps {delay} 0"
        for one, other, bits in zip(*pairs.tolist(), bits_per_s.tolist(), strict=True)
    ]


def delay_text(seconds: float) -> str:
    """Return a delay as ns-3 reads it, in whole nanoseconds or else picoseconds.

    Examples
    --------
    >>> delay_text(500e-9), delay_text(2.5e-9)
    ('500ns', '2500ps')
    """
    ps = round(seconds * 1e12)
    return f"{ps // 1000}ns" if ps % 1000 == 0 else f"{ps}ps"


def losses(scenario: Scenario) -> tuple[str, ...]:
    """Return what both programs lose of a fabric."""
    fabric = scenario.fabric
    found = ["names, tiers, rails and planes"]
    merged = int((fabric.trunk_links > 1).sum())
    if merged:
        found.append(
            f"parallel links: {merged:,} groups of them became one link each, of the summed rate"
        )
    if scenario.switch_latency_s:
        found.append("the latency of switches")
    return tuple(found)
