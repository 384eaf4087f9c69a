"""Jellyfish: top-of-rack switches joined by a random regular graph.

Parameters as in the source: `switches` of `radix` ports, `degree` of them to other switches and the
rest to hosts; the graph is drawn by `seed`. Every degree below the number of switches is drawn,
connected, without parallel links; with an odd number of ends one switch keeps a port free.

Closed form, R switches of degree r: ``R (radix - r)`` positions, ``floor(R r / 2)`` links. The
endpoints are dealt evenly. Diameter and mean distance are those of the drawn graph; about
``ceil(log_(r-1)(R ln R))``. For large R almost every such graph has a bisection of at least
``R (r / 4 - sqrt(r ln 2) / 2)`` links (Bollobás), a bound and not a count, so none is stated.

References
----------
Singla, Hong, Popa, Godfrey, "Jellyfish: networking data centers randomly", NSDI 2012, section 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from netloom.topology.fabric import HOST, Fabric, LinkClass, Tier
from netloom.topology.parameters import (
    Cluster,
    FamilyParameters,
    agreed,
    from_cluster,
    refuse,
    validated,
)
from netloom.topology.random_graphs import random_regular
from netloom.topology.trunks import fabric_of, joined

KIND = "jellyfish"


class Parameters(FamilyParameters):
    """Parameters of a Jellyfish."""

    switches: int = Field(ge=1, description="Switches.")
    radix: int = Field(ge=2, description="Ports of one switch at the link rate.")
    degree: int = Field(ge=0, description="Ports of one switch that go to other switches.")
    seed: int = Field(default=0, ge=0, description="Draw of the random graph.")
    hosts: int | None = Field(
        default=None, ge=1, description="Endpoints, when fewer than switches*(radix - degree)."
    )


def build(parameters: Parameters) -> Fabric:
    """Return the random graph with its hosts."""
    p = parameters
    _check(p)
    edges = random_regular(p.switches, p.degree, p.seed)
    return switch_graph_fabric(KIND, p, edges, np.zeros(p.switches, dtype=np.int64))


def switch_graph_fabric(kind: str, p: Any, edges: np.ndarray, switch_block: np.ndarray) -> Fabric:
    """Return a flat fabric of equal switches; `edges` has shape (K, 2).

    Parameters
    ----------
    p : parameters with `switches`, `radix`, `degree` and `hosts`.
    switch_block : block of each switch, which stand together.
    """
    hosts = p.switches * (p.radix - p.degree) if p.hosts is None else p.hosts
    endpoint = np.arange(hosts)
    endpoint_switch = endpoint * p.switches // hosts
    parts: list[tuple[int, Any, Any, Any]] = [(0, endpoint, endpoint_switch, 1)]
    classes = [LinkClass("host-switch", HOST, 0, p.link_bytes_per_s, p.cage_ports)]
    if len(edges):
        classes.append(LinkClass("switch-switch", 0, 0, p.link_bytes_per_s, p.cage_ports))
        parts.append((1, edges.min(axis=1), edges.max(axis=1), 1))
    return fabric_of(
        kind, p.model_dump(), num_endpoints=hosts,
        tiers=(Tier("switch", p.switches, p.radix),), link_classes=classes, trunks=joined(parts),
        switch_block=switch_block, endpoint_block=switch_block[endpoint_switch],
    )  # fmt: skip


def _check(p: Parameters) -> None:
    check_hosts_and_ports(KIND, p)
    if p.degree >= p.switches:
        raise refuse(
            KIND, "degree", p.degree, f"{p.switches} switches have {p.switches - 1} neighbours",
            (p.switches - 1, f"switches: {p.degree + 1}"),
        )  # fmt: skip
    if (p.switches > 1 and p.degree == 0) or (p.switches > 2 and p.degree == 1):
        least = 1 if p.switches == 2 else 2
        raise refuse(
            KIND, "degree", p.degree, f"does not connect {p.switches} switches",
            (least, f"switches: {p.degree + 1}"),
        )  # fmt: skip


def check_hosts_and_ports(kind: str, p: Any, step: int = 1) -> None:
    """Raise `ParameterError` when degree or hosts exceed what the switches have.

    `step` is what the number of switches is a multiple of.
    """
    if p.degree >= p.radix:
        raise refuse(
            kind, "degree", p.degree, f"leaves no port of {p.radix} to hosts",
            (p.radix - 1, f"radix: {p.degree + 1}"),
        )  # fmt: skip
    positions = p.switches * (p.radix - p.degree)
    if p.hosts is not None and p.hosts > positions:
        raise refuse(
            kind, "hosts", p.hosts,
            f"{p.switches} switches of {p.radix - p.degree} hosts hold {positions}",
            (positions, f"switches: {-(-p.hosts // ((p.radix - p.degree) * step)) * step}"),
        )  # fmt: skip


def closed_form(parameters: Parameters) -> dict[str, int]:
    """Return switches by tier and links by link class, as the module's text states them."""
    p = parameters
    links = p.switches * p.degree // 2
    counts = {"switch": p.switches, "host-switch": p.hosts or p.switches * (p.radix - p.degree)}
    return counts | ({"switch-switch": links} if links else {})


def sized(cluster: Cluster, given: dict[str, Any]) -> Parameters:
    """Return a Jellyfish for a cluster; see `netloom.topology.sized`.

    Left out, three quarters of a switch's ports go to other switches, or as many as there are; the
    switches are as few as hold the hosts.
    """
    hosts = cluster.hosts
    filled = from_cluster(Parameters, KIND, given, cluster)
    filled["hosts"] = agreed(KIND, filled, "hosts", hosts, f"it has {hosts} NICs")
    radix = filled["radix"]
    if "degree" not in filled and "switches" not in filled and hosts <= radix:
        return validated(Parameters, KIND, filled | {"switches": 1, "degree": 0})
    degree = filled.get("degree", radix - max(1, radix // 4))
    if degree < radix:
        filled.setdefault("switches", -(-hosts // (radix - degree)))
    filled.setdefault("degree", min(degree, filled.get("switches", degree + 1) - 1))
    return validated(Parameters, KIND, filled)
