"""Fat tree of two or three tiers, with tapered leaves and any number of equal planes.

Closed form, k = radix, f = taper, N = hosts, per plane:
``down = floor(k / (1 + f))``, ``up = k - down``, ``leaves = ceil(N / down)``, ``U = leaves * up``;
two tiers: ``spines = ceil(U / k)``, ``U`` inter-switch links, at most ``k * down`` hosts;
three tiers: ``spines = ceil(U / (k // 2))``, ``cores = ceil(U / k)``, ``2 U`` inter-switch links,
at most ``k * (k // 2) * down`` hosts. Only leaves are tapered. At f = 1 and full size these are the
textbook k^2/2 hosts on 3k/2 switches and k^3/4 hosts on 5k^2/4 switches.

References
----------
Al-Fares, Loukissas, Vahdat, "A scalable, commodity data center network architecture", SIGCOMM 2008.
The taper rule is that of Hoefler et al., "HammingMesh", SC 2022, appendix on cost.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import numpy as np
from pydantic import Field

from netloom.topology.clos import assemble, forest, most_hosts, port_split
from netloom.topology.fabric import Fabric
from netloom.topology.parameters import (
    Cluster,
    FamilyParameters,
    Taper,
    agreed,
    from_cluster,
    refuse,
    validated,
)

KIND = "fat-tree"


class Parameters(FamilyParameters):
    """Parameters of a fat tree."""

    hosts: int = Field(ge=1, description="Endpoints.")
    radix: int = Field(ge=2, description="Ports of one switch at the link rate.")
    tiers: Literal[2, 3] = Field(description="Switch tiers.")
    taper: Taper = Field(
        default=1.0,
        gt=0,
        description="Uplinks of a leaf over its downlinks: 1, 0.5, 0.25 or '3:1'.",
    )
    planes: int = Field(
        default=1, ge=1, description="Equal networks, one link of each NIC in each."
    )


def build(parameters: Parameters) -> Fabric:
    """Return the fat tree."""
    p = parameters
    most = most_hosts(p.radix, p.tiers, p.taper)
    if p.hosts > most:
        raise refuse(
            KIND, "hosts", p.hosts,
            f"{p.tiers} tiers of {p.radix}-port switches at taper {p.taper:g} hold {most}",
            (*([most] if most else []), *(["tiers: 3"] if p.tiers == 2 else []), "a larger radix"),
        )  # fmt: skip
    levels, _ = forest(np.array([p.hosts]), p.radix, p.tiers, p.taper)
    if p.tiers == 2:
        # one block: no pods
        levels[0] = dataclasses.replace(levels[0], block=np.zeros_like(levels[0].block))
    down, _ = port_split(p.radix, p.taper)
    return assemble(
        KIND, p.model_dump(), levels, np.arange(p.hosts) // down,
        link_bytes_per_s=p.link_bytes_per_s, planes=p.planes, cage_ports=p.cage_ports,
    )  # fmt: skip


def closed_form(parameters: Parameters) -> dict[str, int]:
    """Return switches by tier and links by link class, as the module's text states them."""
    p = parameters
    down, up = port_split(p.radix, p.taper)
    leaves = -(-p.hosts // down)
    links, half = leaves * up, p.radix // 2
    plane = {"leaf": leaves, "host-leaf": p.hosts, "leaf-spine": links}
    if p.tiers == 2:
        plane |= {"spine": -(-links // p.radix)}
    else:
        plane |= {"spine": -(-links // half), "core": -(-links // p.radix), "spine-core": links}
    return {name: p.planes * count for name, count in plane.items()}


def sized(cluster: Cluster, given: dict[str, Any]) -> Parameters:
    """Return the tree of fewest tiers that holds the hosts; see `netloom.topology.sized`."""
    hosts = cluster.hosts
    filled = from_cluster(Parameters, KIND, given, cluster)
    filled["hosts"] = agreed(KIND, filled, "hosts", hosts, f"it has {hosts} NICs")
    fits = hosts <= most_hosts(filled["radix"], 2, filled.get("taper", 1.0))
    filled.setdefault("tiers", 2 if fits else 3)
    return validated(Parameters, KIND, filled)
