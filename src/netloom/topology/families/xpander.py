"""Xpander: groups of switches joined by random matchings, a lift of the complete graph.

Parameters as in the source: each switch has `degree` ports to other switches and the rest of its
`radix` to hosts. There are ``degree + 1`` groups of ``lift = switches / (degree + 1)`` switches,
none joined inside; a switch has exactly one link to each other group, drawn by `seed`. Groups stand
together, so that cables between two groups are one bundle.

Closed form, R switches of degree d: ``R (radix - d)`` positions, ``R d / 2`` links, ``lift`` links
between each of ``d (d + 1) / 2`` pairs of groups. The endpoints are dealt evenly. Diameter and mean
distance are those of the drawn graph; lifts of the complete graph are near-optimal expanders, but
no bisection is stated.

References
----------
Valadarsky, Shahaf, Dinitz, Schapira, "Xpander: towards optimal-performance datacenters", CoNEXT
2016, section 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from netloom.topology.fabric import Fabric
from netloom.topology.families.jellyfish import check_hosts_and_ports, switch_graph_fabric
from netloom.topology.parameters import (
    Cluster,
    FamilyParameters,
    agreed,
    from_cluster,
    refuse,
    validated,
)
from netloom.topology.random_graphs import random_lift

KIND = "xpander"


class Parameters(FamilyParameters):
    """Parameters of an Xpander."""

    switches: int = Field(ge=1, description="Switches, a multiple of degree + 1.")
    radix: int = Field(ge=2, description="Ports of one switch at the link rate.")
    degree: int = Field(ge=0, description="Ports of one switch that go to other switches.")
    seed: int = Field(default=0, ge=0, description="Draw of the matchings.")
    hosts: int | None = Field(
        default=None, ge=1, description="Endpoints, when fewer than switches*(radix - degree)."
    )


def build(parameters: Parameters) -> Fabric:
    """Return the lifted graph with its hosts; a block is a group."""
    p = parameters
    _check(p)
    lift = p.switches // (p.degree + 1)
    edges = random_lift(p.degree, lift, p.seed)
    return switch_graph_fabric(KIND, p, edges, np.arange(p.switches) // lift)


def _check(p: Parameters) -> None:
    groups = p.degree + 1
    check_hosts_and_ports(KIND, p, step=groups)
    if p.switches % groups:
        fewer = p.switches // groups * groups
        raise refuse(
            KIND, "switches", p.switches, f"is no multiple of degree + 1 = {groups}",
            (*([fewer] if fewer else []), fewer + groups),
        )  # fmt: skip
    if p.degree < 2 and p.switches > groups:
        raise refuse(
            KIND, "degree", p.degree, f"does not connect {p.switches} switches",
            (*(d for d in range(2, p.switches) if p.switches % (d + 1) == 0),)[:2]
            or (f"switches: {groups}",),
        )  # fmt: skip


def closed_form(parameters: Parameters) -> dict[str, int]:
    """Return switches by tier and links by link class, as the module's text states them."""
    p = parameters
    counts = {"switch": p.switches, "host-switch": p.hosts or p.switches * (p.radix - p.degree)}
    return counts | ({"switch-switch": p.switches * p.degree // 2} if p.degree else {})


def sized(cluster: Cluster, given: dict[str, Any]) -> Parameters:
    """Return an Xpander for a cluster; see `netloom.topology.sized`.

    Left out, three quarters of a switch's ports go to other switches, or as many as a single lift
    needs; the lift is as small as holds the hosts.
    """
    hosts = cluster.hosts
    filled = from_cluster(Parameters, KIND, given, cluster)
    filled["hosts"] = agreed(KIND, filled, "hosts", hosts, f"it has {hosts} NICs")
    radix = filled["radix"]
    if "degree" not in filled:
        if hosts <= radix and "switches" not in filled:
            return validated(Parameters, KIND, filled | {"switches": 1, "degree": 0})
        most = radix - max(1, radix // 4)
        switches = filled.get("switches", -(-hosts // (radix - most)))
        # one switch per group while few are needed; given switches must be whole groups
        fitting = range(1, min(most, switches - 1) + 1)
        whole = [d for d in fitting if "switches" not in filled or switches % (d + 1) == 0]
        filled["degree"] = max(whole, default=0)
    groups = filled["degree"] + 1
    per_group = max(1, radix - filled["degree"]) * groups
    filled.setdefault("switches", -(-hosts // per_group) * groups)
    return validated(Parameters, KIND, filled)
