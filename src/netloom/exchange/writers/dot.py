"""Graphviz DOT: switches and endpoints with their roles, for pictures of small fabrics."""

from __future__ import annotations

from netloom import units
from netloom.exchange.writers import COMMON_LOSS, Scenario, Written, plain_flows, router_loss


def write(scenario: Scenario) -> Written:
    """Return ``fabric.dot``; flows as a plain table.

    Nodes of one tier stand in one rank. An edge is labelled with links and rate, and carries both
    as ``links`` and ``bytes_per_s``, which Graphviz leaves alone.
    """
    fabric = scenario.fabric
    lines = ["graph fabric {", "  rankdir=BT;", '  node [shape=box fontname="Helvetica"];']
    lines += [f'  "{name}" [role="endpoint" shape=ellipse];' for name in scenario.endpoint_names]
    tiers = fabric.switch_tier.tolist()
    for number, tier in enumerate(fabric.tiers):
        names = [
            name for name, of in zip(scenario.switch_names, tiers, strict=True) if of == number
        ]
        lines.append("  { rank=same;")
        lines += [f'    "{name}" [role="{tier.name}" label="{name}"];' for name in names]
        lines.append("  }")
    for low, high, links, rate in scenario.trunks():
        label = f"{links} x {units.show(rate, 'rate')}" if links > 1 else units.show(rate, "rate")
        lines.append(
            f'  "{low}" -- "{high}" [label="{label}" links={links} bytes_per_s="{rate!r}"];'
        )
    lines.append("}")
    lost = (COMMON_LOSS, "latency, rails, planes and routing", *router_loss(scenario))
    return Written({"fabric.dot": "\n".join(lines) + "\n"} | plain_flows(scenario), lost)
