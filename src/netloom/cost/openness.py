"""How much of a network's money can go to another vendor, and how much follows an open standard.

Computed line by line of the bill from facts of the catalogue. A part has an alternative when a part
of another vendor could take its place in the same fabric:

- a switch: speaks the protocol, has ports of the rate, engines inside or not like it, and a chip of
  another maker (boxes of many makers around one chip have one vendor);
- a NIC: speaks the protocol at the rate or above;
- a medium and fibre: when two or more sell it.

Installation is labour and no part; the nodes are not the network.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from netloom import catalog, units
from netloom.catalog.parts import Medium, Nic, Protocol, Switch
from netloom.cost.bom import FIBRE
from netloom.result import BomLine, Openness

#: Groups of the bill that openness is about.
GROUPS = ("nics", "switches", "optics", "cables")

#: `Part.vendor` of what two or more sell.
_MANY = "multi-vendor"

#: Fibre cables with MPO plugs follow IEC 61754-7.
_FIBRE_STANDARD = "IEC 61754-7"

_SAME = 1e-6


@dataclass(frozen=True)
class PartOpenness:
    """One part of the network's bill.

    Attributes
    ----------
    part : catalogue name.
    usd : most likely price of all units.
    vendors : who could deliver it or what replaces it, sorted; makers of chips for switches.
    standards : open standards that define how it is used; empty when there is none.
    """

    part: str
    usd: float
    vendors: tuple[str, ...]
    standards: tuple[str, ...]

    @property
    def several_vendors(self) -> bool:
        """Whether two or more independent vendors could deliver."""
        return len(self.vendors) > 1 or self.vendors == (_MANY,)


@dataclass(frozen=True)
class OpennessByPart(Openness):
    """Shares of a network's cost with the parts that they are made of, the dearest first."""

    parts: tuple[PartOpenness, ...]

    @property
    def shares(self) -> Openness:
        """The shares alone."""
        return Openness(
            self.several_vendors_fraction, self.open_standard_fraction, self.one_vendor_fraction
        )


def openness(bom: Iterable[BomLine], protocol: Protocol, link_bytes_per_s: float) -> OpennessByPart:
    """Return how open a network is, by its bill.

    Parameters
    ----------
    bom : lines of one candidate.
    protocol : spoken by its NICs and switches.
    link_bytes_per_s : one logical link, one way.

    Examples
    --------
    A switch that one maker sells for a protocol of its own is bound to it:

    >>> from netloom.result import Range
    >>> line = BomLine("switches", "switch/qm9700", "", "leaf", 1, Range(1, 1, 1), 0.0, "A", "")
    >>> openness([line], catalog.get("protocol", "infiniband-ndr"), 50e9).one_vendor_fraction
    1.0
    """
    usd: dict[str, float] = {}
    for line in bom:
        if line.group in GROUPS:
            usd[line.part] = usd.get(line.part, 0.0) + line.total_usd.mode
    parts = sorted(
        (_part(part, spent, protocol, link_bytes_per_s) for part, spent in usd.items()),
        key=lambda each: (-each.usd, each.part),
    )
    total = sum(each.usd for each in parts)
    if not total > 0:
        return OpennessByPart(1.0, 1.0, 0.0, tuple(parts))
    several = sum(each.usd for each in parts if each.several_vendors) / total
    standard = sum(each.usd for each in parts if each.standards) / total
    return OpennessByPart(several, standard, 1.0 - several, tuple(parts))


def _part(name: str, usd: float, protocol: Protocol, link_bytes_per_s: float) -> PartOpenness:
    if name == FIBRE:
        return PartOpenness(name, usd, (_MANY,), (_FIBRE_STANDARD,))
    kind, _, part_name = name.partition("/")
    part = catalog.get(kind, part_name)
    spoken = protocol.standards if protocol.open_standard else ()
    if isinstance(part, Medium):
        return PartOpenness(name, usd, (part.vendor,), part.standards)
    if isinstance(part, Nic):
        return PartOpenness(name, usd, _nic_vendors(part, protocol), spoken)
    assert isinstance(part, Switch)  # the bill has no other kinds in these groups
    if part.circuits:
        return PartOpenness(name, usd, (part.vendor,), ())
    return PartOpenness(name, usd, _switch_vendors(part, protocol, link_bytes_per_s), spoken)


def _nic_vendors(nic: Nic, protocol: Protocol) -> tuple[str, ...]:
    rate = nic.num_ports * float(nic.port_bytes_per_s)
    others = (catalog.get("nic", name) for name in catalog.names("nic"))
    return tuple(
        sorted(
            {nic.vendor}
            | {
                other.vendor
                for other in others
                if protocol.name in other.protocols
                and other.num_ports * float(other.port_bytes_per_s) >= rate * (1 - _SAME)
            }
        )
    )


def _switch_vendors(switch: Switch, protocol: Protocol, link_bytes_per_s: float) -> tuple[str, ...]:
    def has_ports(other: Switch) -> bool:
        rates = (units.parse(mode.rate, "rate") for mode in other.port_modes)
        return any(abs(rate / link_bytes_per_s - 1) < _SAME for rate in rates)

    others = (catalog.get("switch", name) for name in catalog.names("switch"))
    return tuple(
        sorted(
            {switch.silicon_vendor or switch.vendor}
            | {
                other.silicon_vendor or other.vendor
                for other in others
                if protocol.name in other.protocols
                and other.co_packaged_optics == switch.co_packaged_optics
                and has_ports(other)
            }
        )
    )
