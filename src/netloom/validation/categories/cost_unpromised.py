"""Sites of one gigawatt, of which too little is published to promise anything: shown only."""

from __future__ import annotations

from collections.abc import Iterator

from netloom import catalog
from netloom.validation import Row
from netloom.validation.money import SITE, rack_usd
from netloom.validation.published import NOT_PROMISED, cite, read


def rows() -> Iterator[Row]:
    """Yield what the nodes that fit a site's power cost."""
    case = read("cost.yaml")["site"]
    share = sum(case["servers"]) / 2
    it_power_w = case["power_w"] / float(catalog.get("site-costs", SITE).pue)
    for node, total_busd in case["total_busd"].items():
        num_nodes = it_power_w / float(catalog.get("node", node).power_w)
        yield Row(
            "cost-unpromised",
            f"{case['name']}, {node}",
            "G$",
            share * total_busd,
            num_nodes * rack_usd(node) / 1e9,
            NOT_PROMISED,
            cite(case["source"]),
            note=case["note"],
        )
