"""The network's and the optics' share of what a cluster costs, with the building or without."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from netloom.cost.money import capex_by_group
from netloom.result import BomLine

#: Groups of a bill that every measure calls the network, those that only some do, and optics.
_FABRIC, _SOMETIMES = ("switches", "optics", "cables"), ("nics", "installation")
_OPTICS = ("optics", "cables")


@dataclass(frozen=True)
class Share:
    """Shares of one sum, at the most likely prices.

    Attributes
    ----------
    network_usd, optics_usd : switches, optics and cables; optics and cables alone. NICs and
        installation are in the network where the measure has them in it.
    total_usd : of everything in the measure.
    """

    network_usd: float
    optics_usd: float
    total_usd: float

    @property
    def network_fraction(self) -> float:
        """Network over everything."""
        return self.network_usd / self.total_usd

    @property
    def optics_fraction(self) -> float:
        """Optics and cables over everything."""
        return self.optics_usd / self.total_usd


def share(
    lines: Iterable[BomLine], *, nics_are_network: bool = False, building_usd: float = 0.0
) -> Share:
    """Return the shares of a whole bill.

    Parameters
    ----------
    lines : of nodes, NICs, switches, optics, cables and installation.
    nics_are_network : whether NICs, and installation, count as network.
    building_usd : of what houses the cluster, where the measure includes it.

    Examples
    --------
    >>> from netloom.result import Range
    >>> line = BomLine("switches", "switch/qm9700", "", "leaf", 1, Range(1, 2, 3), 0, "C", "list")
    >>> share([line], building_usd=6.0).network_fraction
    0.25
    """
    usd = dict.fromkeys((*_FABRIC, *_SOMETIMES), 0.0)
    usd |= {group: total.mode for group, total in capex_by_group(lines).items()}
    network = sum(usd[group] for group in _FABRIC)
    if nics_are_network:
        network += sum(usd[group] for group in _SOMETIMES)
    optics = sum(usd[group] for group in _OPTICS)
    return Share(network, optics, sum(usd.values()) + building_usd)
