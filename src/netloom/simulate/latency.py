"""What one more switch on a path adds, from the parts that the packet passes.

A packet passes the switch, the forward error correction of the link behind it, both ends of that
link's medium, and its copper or glass:

    hop = switch + error correction + 2 * end + length * propagation

Links inside one package or board have neither a medium nor a length, only error correction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from netloom.catalog.parts import Medium, Protocol, Switch
from netloom.topology.fabric import HOST, LinkClass, Tier


class WireLot(NamedTuple):
    """Cables that are alike.

    Attributes
    ----------
    link_class : name of the links that they carry.
    medium : of the cables.
    length_m : of one cable.
    num_links : logical links that they carry.
    """

    link_class: str
    medium: Medium
    length_m: float
    num_links: int


def wire_latency_s(medium: Medium, length_m: float) -> float:
    """Return the latency of one cable with both of its ends.

    Examples
    --------
    Ten metres of fibre between two modules with signal processors, 50 ns and twice 100 ns:

    >>> from netloom import catalog
    >>> round(wire_latency_s(catalog.get("medium", "dsp-400g-dr4"), 10.0) * 1e9)
    250
    """
    ends_s = 2 * float(medium.latency_per_end_s)
    return ends_s + length_m * float(medium.propagation_s_per_m)


def hop_latency_s(
    tiers: Sequence[Tier],
    link_classes: Sequence[LinkClass],
    switches: Mapping[str, Switch],
    wires: Sequence[WireLot],
    protocol: Protocol,
) -> float | None:
    """Return what a further switch adds, mean over the links between switches.

    Parameters
    ----------
    switches : by tier; embedded routers have none and add error correction only.
    wires : cables of all classes; classes between switches count.

    Returns
    -------
    float or None
        None for a fabric without links between switches.
    """
    names = {
        kind.name: tiers[kind.upper].name for kind in link_classes if kind.lower != HOST
    }  # fmt: skip
    total_s, total = 0.0, 0
    for wire in wires:
        if wire.link_class not in names:
            continue
        switch = switches.get(names[wire.link_class])
        seconds = float(protocol.fec_latency_s) + wire_latency_s(wire.medium, wire.length_m)
        seconds += float(switch.latency_s) if switch is not None else 0.0
        total_s += seconds * wire.num_links
        total += wire.num_links
    return total_s / total if total else None
