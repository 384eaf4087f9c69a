"""Bills of materials of published cost studies: counted fabrics, every link of one medium."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from netloom import catalog
from netloom.cost.bom import CableLot, NodeLot, SwitchLot, bill_of_materials
from netloom.cost.money import capex_by_group
from netloom.cost.prices import Prices
from netloom.result import BomLine
from netloom.topology.counts import count
from netloom.topology.fabric import Fabric

#: The market in which all sums of this package are made.
BOOK, SITE = "market-2026", "us-2026"

#: What a buyer of very many pays.
CONTRACT = "contract-2026"

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


def parts_words(lines: Iterable[BomLine], units: float = 1.0) -> str:
    """Return the groups of a bill in millions of dollars, so many times over, in words."""
    groups = capex_by_group(lines)
    return ", ".join(f"{name} {_millions(units * each.mode)} M$" for name, each in groups.items())


def _millions(usd: float) -> str:
    millions = usd / 1e6
    return f"{millions:,.0f}" if millions >= 1000 else f"{millions:.4g}"


def rack_usd(node: str, book: str = BOOK) -> float:
    """Return one node with its NICs, from the bill's lines."""
    return sum(line.total_usd.mode for line in rack_lines(node, book))


def rack_lines(node: str, book: str = BOOK) -> tuple[BomLine, ...]:
    """Return the bill of one node with its NICs."""
    part = catalog.get("node", node)
    nic = catalog.get("nic", part.nic)
    prices, site = Prices(catalog.get("price-book", book), {}), catalog.get("site-costs", SITE)
    lines = bill_of_materials(
        NodeLot(part, nic, 1, nic, part.nics_per_node), [], [], {}, prices, site
    )
    return tuple(line for line in lines if line.quantity and line.group != "installation")


def site_lines(
    case: dict[str, Any], node: str, switch: str, medium: str
) -> tuple[tuple[BomLine, ...], float]:
    """Return the bill of one node with its share of a full three-tier tree, and nodes of a site.

    What networking, storage and other draw is the published share of the site's IT power.
    """
    part, box = catalog.get("node", node), catalog.get("switch", switch)
    optics = catalog.get("medium", medium)
    nic, ports = catalog.get("nic", part.nic), box.port_modes[0].num_ports
    hosts = ports**3 // 4
    num_links, num_nodes = 3 * hosts, hosts // part.nics_per_node
    lines = bill_of_materials(
        NodeLot(part, nic, num_nodes, nic, part.nics_per_node),
        [SwitchLot("all tiers", box, 5 * hosts // ports)],
        [CableLot("all links", medium, _LENGTH_M, num_links, optics.pluggable_ends * num_links)],
        {medium: optics},
        Prices(catalog.get("price-book", BOOK), {}),
        catalog.get("site-costs", SITE),
    )
    it_power_w = case["power_w"] / float(catalog.get("site-costs", SITE).pue)
    fitting = it_power_w * (1 - case["other_power"]) / float(part.power_w)
    per_node = tuple(
        replace(line, quantity=1, unit_usd=line.total_usd.scaled(1 / num_nodes)) for line in lines
    )
    return per_node, fitting
