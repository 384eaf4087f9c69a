"""The network's share of whole bills: laid-out clusters, and sites of a gigawatt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from netloom import catalog
from netloom.cost.bom import CableLot, NodeLot, bill_of_materials
from netloom.cost.prices import Prices
from netloom.materials import cable_lots, lay_out, media_of, switch_lots
from netloom.result import BomLine
from netloom.schema.study import Layout as HallRules
from netloom.supply.share import share
from netloom.switch_choice import tier_switches
from netloom.topology import build
from netloom.validation import Row
from netloom.validation.money import BOOK, SITE, site_lines
from netloom.validation.published import NOT_PROMISED, between, cite, read

#: Promised of shares at market prices that are not the study's.
MARKET = 0.30


def cluster_rows(category: str) -> Iterator[Row]:
    """Yield the network's and the optics' share of laid-out clusters, without a building."""
    for case in read("network_share.yaml")["clusters"]:
        found = share(laid_out_bill(case["nodes"]))
        shares = {"network": found.network_fraction, "optics": found.optics_fraction}
        names = {"network": "switches, optics and cables", "optics": "optics and cables"}
        for what, published in case["published"].items():
            yield Row(
                category,
                f"{case['name']}: {names[what]}, share of all",
                "",
                published,
                shares[what],
                MARKET,
                cite(case["source"]),
                note=case["reason"],
            )


def site_rows(category: str, promised: bool) -> Iterator[Row]:
    """Yield the network's share of whole sites, those that are promised or the others."""
    published = read("network_share.yaml")
    for case in published["sites"]:
        middle, _ = between(*case["published"])
        for node, given in case["builds"].items():
            if given["promised"] != promised:
                continue
            mode, low, high = _site_shares(node, given, published["building"]["usd_per_w"])
            inside = case["published"][0] <= mode <= case["published"][1]
            side = "above" if mode > middle else "below"
            verdict = "inside the published range" if inside else f"{side} the published range"
            yield Row(
                category,
                f"{case['name']}: {node}",
                "",
                middle,
                mode,
                MARKET if promised else NOT_PROMISED,
                cite([case["source"], *published["building"]["source"]]),
                note=f"{case['reason']}; {verdict}, {given['why']}; {low:.1%} to {high:.1%} with "
                "the dearest and the cheapest building",
            )


def laid_out_bill(given: dict[str, Any]) -> tuple[BomLine, ...]:
    """Return the whole bill of full nodes on a fabric in a hall, every trunk of one medium."""
    node = catalog.get("node", given["node"])
    nic, site = catalog.get("nic", node.nic), catalog.get("site-costs", SITE)
    switch = catalog.get("switch", given["switch"])
    mode = switch.port_modes[0]
    fabric = build(given["family"], given["parameters"] | {"cage_ports": mode.ports_per_cage})
    prices = Prices(catalog.get("price-book", BOOK), {})
    tiers, prices, _ = tier_switches(fabric, {"": switch.name}, prices)
    placed = lay_out(
        fabric, HallRules(), tiers, prices, node=node, nics_per_node=node.nics_per_node,
        host_medium=given["medium"], trunk_medium=given["medium"],
    )  # fmt: skip
    lots: tuple[CableLot, ...] = cable_lots(fabric, placed)
    nodes = NodeLot(node, nic, fabric.num_endpoints // node.nics_per_node, nic, node.nics_per_node)
    return bill_of_materials(nodes, switch_lots(fabric, tiers), lots, media_of(lots), prices, site)


def _site_shares(
    node: str, given: dict[str, Any], usd_per_w: dict[str, float]
) -> tuple[float, float, float]:
    """Return the network's share of a site at the usual, the dearest and the cheapest building."""
    site = read("cost.yaml")["site"]
    lines, num_nodes = site_lines(site, node, given["switch"], given["medium"])
    whole = [replace(line, unit_usd=line.unit_usd.scaled(num_nodes)) for line in lines]
    it_power_w = site["power_w"] / float(catalog.get("site-costs", SITE).pue)
    mode, low, high = (
        share(whole, nics_are_network=True, building_usd=it_power_w * usd_per_w[end])
        for end in ("mode", "high", "low")
    )
    return mode.network_fraction, low.network_fraction, high.network_fraction
