"""Leaf-spine: every leaf joined to every spine, with a free number of spines.

Closed form, k = radix, f = taper, N = hosts, per plane: ``down = floor(k / (1 + f))``,
``up = k - down``, ``leaves = ceil(N / down)``; inter-switch links ``leaves * up``; spines as given,
else ``ceil(leaves * up / k)``. Each spine needs a port for its share of the uplinks and each leaf a
link to every spine: ``ceil(leaves * up / k) <= spines <= up``.

References
----------
Hoefler et al., "HammingMesh", SC 2022, appendix on cost, for the taper rule.
"""

from __future__ import annotations

import dataclasses
from typing import Any

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

KIND = "leaf-spine"


class Parameters(FamilyParameters):
    """Parameters of a leaf-spine network."""

    hosts: int = Field(ge=1, description="Endpoints.")
    radix: int = Field(ge=2, description="Ports of one switch at the link rate.")
    taper: Taper = Field(
        default=1.0,
        gt=0,
        description="Uplinks of a leaf over its downlinks: 1, 0.5, 0.25 or '3:1'.",
    )
    spines: int | None = Field(
        default=None,
        ge=1,
        description="Spines of one plane; the fewest that hold the uplinks when left out.",
    )
    planes: int = Field(
        default=1, ge=1, description="Equal networks, one link of each NIC in each."
    )


def build(parameters: Parameters) -> Fabric:
    """Return the leaf-spine network."""
    p = parameters
    most = most_hosts(p.radix, 2, p.taper)
    if p.hosts > most:
        raise refuse(
            KIND, "hosts", p.hosts,
            f"{p.radix} ports at taper {p.taper:g} hold {most} in two tiers",
            (*([most] if most else []), "kind: fat-tree with tiers: 3", "a larger radix"),
        )  # fmt: skip
    (leaf, spine), _ = forest(np.array([p.hosts]), p.radix, 2, p.taper)
    down, up = port_split(p.radix, p.taper)
    if p.spines is not None:
        fewest = int(spine.num_switches[0])
        if not fewest <= p.spines <= up:
            raise refuse(
                KIND, "spines", p.spines,
                f"{len(leaf.num_uplinks)} leaves of {up} uplinks need {fewest} to {up} spines",
                sorted({fewest, up}),
            )  # fmt: skip
        spine = dataclasses.replace(spine, num_switches=np.array([p.spines]))
    leaf = dataclasses.replace(leaf, block=np.zeros_like(leaf.block))
    return assemble(
        KIND, p.model_dump(), [leaf, spine], np.arange(p.hosts) // down,
        link_bytes_per_s=p.link_bytes_per_s, planes=p.planes, cage_ports=p.cage_ports,
    )  # fmt: skip


def closed_form(parameters: Parameters) -> dict[str, int]:
    """Return switches by tier and links by link class, as the module's text states them."""
    p = parameters
    down, up = port_split(p.radix, p.taper)
    leaves = -(-p.hosts // down)
    spines = p.spines or -(-leaves * up // p.radix)
    plane = {"leaf": leaves, "spine": spines, "host-leaf": p.hosts, "leaf-spine": leaves * up}
    return {name: p.planes * count for name, count in plane.items()}


def sized(cluster: Cluster, given: dict[str, Any]) -> Parameters:
    """Return the leaf-spine network of a cluster; see `netloom.topology.sized`."""
    hosts = cluster.hosts
    filled = from_cluster(Parameters, KIND, given, cluster)
    filled["hosts"] = agreed(KIND, filled, "hosts", hosts, f"it has {hosts} NICs")
    return validated(Parameters, KIND, filled)
