"""Bills of materials of published cost studies: counted fabrics, every link of one medium."""

from __future__ import annotations

from netloom import catalog
from netloom.cost.bom import CableLot, NodeLot, SwitchLot, bill_of_materials
from netloom.cost.money import capex_by_group
from netloom.cost.prices import Prices
from netloom.result import BomLine
from netloom.topology.counts import count
from netloom.topology.fabric import Fabric

#: The market in which all sums of this package are made.
BOOK, SITE = "market-2026", "us-2026"

#: What a study of switches and links counts: no NICs.
_FABRIC = ("switches", "optics", "cables", "installation")

#: No price depends on length where the fibre has one price; the bill wants one to be named.
_LENGTH_M = 30.0


def bill(fabric: Fabric, node: str, switch: str, medium: str) -> tuple[BomLine, ...]:
    """Return the bill of full nodes on a fabric whose links are all of one pluggable medium."""
    counts = count(fabric)
    part, optics = catalog.get("node", node), catalog.get("medium", medium)
    nic = catalog.get("nic", part.nic)
    box = catalog.get("switch", switch)
    return bill_of_materials(
        NodeLot(part, nic, fabric.num_endpoints // part.nics_per_node, nic, part.nics_per_node),
        [SwitchLot(tier, box, number) for tier, number in counts.switches.items()],
        [
            CableLot(link_class, medium, _LENGTH_M, number, optics.pluggable_ends * number)
            for link_class, number in counts.links.items()
        ],
        {medium: optics},
        Prices(catalog.get("price-book", BOOK), {}),
        catalog.get("site-costs", SITE),
    )


def rack_usd(node: str) -> float:
    """Return one node with its NICs, from the bill's lines."""
    part = catalog.get("node", node)
    nic = catalog.get("nic", part.nic)
    prices, site = Prices(catalog.get("price-book", BOOK), {}), catalog.get("site-costs", SITE)
    lines = bill_of_materials(
        NodeLot(part, nic, 1, nic, part.nics_per_node), [], [], {}, prices, site
    )
    return sum(line.total_usd.mode for line in lines)


def fabric_usd(lines: tuple[BomLine, ...]) -> float:
    """Return switches, links and their installation."""
    groups = capex_by_group(lines)
    return sum(groups[group].mode for group in _FABRIC)
