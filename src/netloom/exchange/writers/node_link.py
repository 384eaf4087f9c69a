"""Node-link JSON: the fabric as `netloom.exchange.readers.node_link`, networkx and D3 read it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from netloom import units
from netloom.exchange.writers import COMMON_LOSS, Scenario, Written, plain_flows, router_loss


def write(scenario: Scenario) -> Written:
    """Return ``fabric.json``; flows as a plain table."""
    fabric = scenario.fabric
    head = {
        "directed": False,
        # parallel links of one rate are one entry, those of several rates are several
        "multigraph": len({frozenset(row[:2]) for row in scenario.trunks()})
        < len(fabric.trunk_class),
        "graph": {
            "family": fabric.kind,
            "link_latency_s": float(f"{scenario.link_latency_s:.12g}"),
            "switch_latency_s": float(f"{scenario.switch_latency_s:.12g}"),
        },
    }
    links = (
        {"source": low, "target": high, "links": count, "rate": rate_text(rate)}
        for low, high, count, rate in scenario.trunks()
    )
    # a node or a link to a line, so that problems of an edited file have one
    text = json.dumps(head)[:-1]
    for key, rows in (("nodes", _nodes(scenario)), ("links", links)):
        text += f',\n"{key}": [\n' + ",\n".join(json.dumps(row) for row in rows) + "\n]"
    lost = [COMMON_LOSS, *router_loss(scenario)]
    lost += [
        f"that {tier.name} switches join ports by light"
        for tier in fabric.tiers
        if tier.switching == "circuit"
    ]
    lost.append("routing: a graph read back takes equal-cost shortest paths")
    return Written({"fabric.json": text + "}\n"} | plain_flows(scenario), tuple(lost))


def rate_text(bytes_per_s: float) -> str:
    """Return a rate that reads back exactly.

    Examples
    --------
    >>> rate_text(50e9), rate_text(1e9 / 3)
    ('400 Gb/s', '333333333.3333333 B/s')
    """
    text = f"{bytes_per_s * 8 / 1e9:g} Gb/s"
    return text if units.parse(text, "rate") == bytes_per_s else f"{bytes_per_s!r} B/s"


def _nodes(scenario: Scenario) -> Iterator[dict[str, object]]:
    fabric = scenario.fabric
    for name in scenario.endpoint_names:
        yield {"id": name, "role": "endpoint"}
    labels = (fabric.switch_tier, fabric.switch_block, fabric.switch_rail, fabric.switch_plane)
    for name, tier, *places in zip(
        scenario.switch_names, *(label.tolist() for label in labels), strict=True
    ):
        kind = fabric.tiers[tier]
        node = {"id": name, "role": kind.name, "radix": kind.num_ports}
        named = zip(("block", "rail", "plane"), places, strict=True)
        yield node | {key: place for key, place in named if place >= 0}
