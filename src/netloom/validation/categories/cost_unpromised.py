"""Sites of one gigawatt, of which too little is published to promise anything: shown only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netloom import catalog
from netloom.validation import Row
from netloom.validation.money import BOOK, CONTRACT, SITE, rack_usd
from netloom.validation.published import NOT_PROMISED, cite, read


def rows() -> Iterator[Row]:
    """Yield what the nodes that fit a site's power cost, whole and their accelerators alone."""
    case = read("cost.yaml")["site"]
    for node in case["total_busd"]:
        yield from _site(case, node)


def _site(case: dict[str, Any], node: str) -> Iterator[Row]:
    part, share = catalog.get("node", node), sum(case["servers"]) / 2
    it_power_w = case["power_w"] / float(catalog.get("site-costs", SITE).pue)
    num_nodes = it_power_w * (1 - case["other_power"]) / float(part.power_w)
    unit_usd = {f"whole nodes at {book}": rack_usd(node, book) for book in (BOOK, CONTRACT)}
    alone = catalog.get("price-book", BOOK).accelerators.get(part.accelerator)
    if alone is not None:
        unit_usd[f"nodes, their accelerators alone at {BOOK}"] = part.num_accelerators * float(
            alone
        )
    for what, usd in unit_usd.items():
        yield Row(
            "cost-unpromised",
            f"1 GW site of {node}: {num_nodes:,.0f} {what} ({usd / 1e3:,.0f} k$)",
            "G$",
            share * case["total_busd"][node],
            num_nodes * usd / 1e9,
            NOT_PROMISED,
            cite(case["source"]),
            note=case["note"],
        )
