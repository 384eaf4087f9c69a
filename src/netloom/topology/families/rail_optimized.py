"""Rail-optimised fat tree: NIC i of every node of a scalable unit hangs on leaf i of that unit.

Traffic of one rail inside a unit crosses one switch. NIC e is on rail ``e mod rails`` of node
``e // rails``, which stands in unit ``node // unit_nodes``. Units are built whole, whether or not
all their nodes are there. With two planes each rail has one leaf per plane.

Closed form, per plane, k = radix, u = uplinks of a leaf = round(taper * unit_nodes):
``leaves = units * rails``, ``U = leaves * u`` leaf-spine links. Two tiers: spines
``S >= ceil(U / k)``, raised until S divides u, so that each leaf-spine pair has the same whole
number of links; at most k leaves. Three tiers: the leaves of one rail in up to ``k // 2`` units
hang on one spine group of ``ceil(group links / (k // 2))`` spines with as many links up as down,
units being split evenly over the groups; ``ceil(U / k)`` cores join all groups and carry U links.
At u = k/2 there are as many spines as leaves.

`reserved_nodes` positions of the last unit are given up for the ports of fabric managers, which
take `manager_links` links; these are counted apart because they carry no traffic of the run.

References
----------
NVIDIA, "DGX SuperPOD reference architecture", editions for H100, B200 and B300, chapter on network
fabrics: tables of component counts by number of scalable units. The spine rule is inferred from
them.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from netloom.topology.clos import Level, assemble, level_of
from netloom.topology.fabric import Fabric
from netloom.topology.parameters import (
    Cluster,
    FamilyParameters,
    Taper,
    from_cluster,
    refuse,
    validated,
)

KIND = "rail-optimized"


class Parameters(FamilyParameters):
    """Parameters of a rail-optimised fat tree."""

    units: int = Field(ge=1, description="Scalable units.")
    unit_nodes: int = Field(
        ge=1, description="Node positions of one unit, which are a leaf's downlinks."
    )
    rails: int = Field(default=8, ge=1, description="NICs of one node, one per rail.")
    radix: int = Field(ge=2, description="Ports of one switch at the link rate.")
    tiers: Literal[2, 3] = Field(default=2, description="Switch tiers.")
    planes: int = Field(
        default=1, ge=1, description="Equal networks, one link of each NIC in each."
    )
    taper: Taper = Field(
        default=1.0,
        gt=0,
        description="Uplinks of a leaf over its downlinks: 1, 0.5, 0.25 or '3:1'.",
    )
    reserved_nodes: int = Field(
        default=0, ge=0, description="Node positions of the last unit given up for fabric managers."
    )
    manager_links: int = Field(
        default=4, ge=0, description="Links of the fabric managers, where positions are reserved."
    )
    hosts: int | None = Field(
        default=None,
        ge=1,
        description="Endpoints, when fewer than the positions that are not reserved.",
    )


def build(parameters: Parameters) -> Fabric:
    """Return the rail-optimised fat tree."""
    p = parameters
    if p.reserved_nodes >= p.unit_nodes:
        raise refuse(
            KIND,
            "reserved_nodes",
            p.reserved_nodes,
            "leaves no node in the last unit",
            (p.unit_nodes - 1,),
        )
    if p.reserved_nodes and p.manager_links > p.reserved_nodes * p.rails:
        raise refuse(
            KIND,
            "manager_links",
            p.manager_links,
            "exceeds the reserved ports",
            (p.reserved_nodes * p.rails,),
        )
    positions = (p.units * p.unit_nodes - p.reserved_nodes) * p.rails
    hosts = positions if p.hosts is None else p.hosts
    if hosts > positions:
        raise refuse(
            KIND, "hosts", hosts, f"{p.units} units have {positions} positions", (positions,)
        )
    uplinks = round(p.taper * p.unit_nodes)
    if p.unit_nodes + uplinks > p.radix or uplinks == 0:
        raise refuse(
            KIND, "unit_nodes", p.unit_nodes,
            f"a leaf needs {p.unit_nodes} ports down and {uplinks} up, the switch has {p.radix}",
            (max(1, int(p.radix / (1 + p.taper))),),
        )  # fmt: skip
    levels = _two_tiers(p, uplinks) if p.tiers == 2 else _three_tiers(p, uplinks)
    endpoint = np.arange(hosts)
    unit = endpoint // p.rails // p.unit_nodes
    return assemble(
        KIND, p.model_dump(), levels, unit * p.rails + endpoint % p.rails,
        link_bytes_per_s=p.link_bytes_per_s, planes=p.planes, cage_ports=p.cage_ports,
    )  # fmt: skip


def _leaf_level(p: Parameters, uplinks: int, parent: np.ndarray) -> Level:
    unit, rail = np.divmod(np.arange(p.units * p.rails), p.rails)
    ones = np.ones(len(unit), dtype=np.int64)
    return Level("leaf", p.radix, ones, uplinks * ones, parent, unit, rail)


def even_spines(leaves: int, uplinks: int, radix: int) -> int | None:
    """Return the fewest spines that give every leaf-spine pair the same whole number of links.

    None when there is no such number: more leaves than a spine has ports.

    Examples
    --------
    >>> even_spines(8, 32, 64), even_spines(24, 32, 64), even_spines(8, 72, 144)
    (4, 16, 4)
    """
    fewest = -(-leaves * uplinks // radix)
    return next((spines for spines in range(fewest, uplinks + 1) if uplinks % spines == 0), None)


def _two_tiers(p: Parameters, uplinks: int) -> list[Level]:
    leaves = p.units * p.rails
    spines = even_spines(leaves, uplinks, p.radix)
    if spines is None:
        raise refuse(
            KIND, "units", p.units,
            f"{leaves} leaves of one plane need a port each on every spine, which has {p.radix}",
            (*([most] if (most := p.radix // p.rails) else []), "tiers: 3"),
        )  # fmt: skip
    return [
        _leaf_level(p, uplinks, np.zeros(leaves, dtype=np.int64)),
        level_of("spine", p.radix, spines, np.zeros(1, dtype=np.int64)),
    ]


def _three_tiers(p: Parameters, uplinks: int) -> list[Level]:
    half = p.radix // 2
    splits = -(-p.units // half)  # spine groups of one rail
    unit, rail = np.divmod(np.arange(p.units * p.rails), p.rails)
    group = rail * splits + unit * splits // p.units
    links = np.bincount(group) * uplinks
    cores = -(-int(links.sum()) // p.radix)
    if len(links) > p.radix:
        raise refuse(
            KIND, "units", p.units,
            f"{len(links)} spine groups need a port each on every core, which has {p.radix}",
            ((p.radix // p.rails) * half, "a larger radix"),
        )  # fmt: skip
    everyone = np.full(len(links), -1)
    return [
        _leaf_level(p, uplinks, group),
        Level(
            "spine", p.radix, -(-links // half), links,
            np.zeros(len(links), dtype=np.int64), everyone, np.arange(len(links)) // splits,
        ),
        level_of("core", p.radix, cores, np.zeros(1, dtype=np.int64)),
    ]  # fmt: skip


def closed_form(parameters: Parameters) -> dict[str, int]:
    """Return switches by tier and links by link class, as the module's text states them."""
    p = parameters
    uplinks = round(p.taper * p.unit_nodes)
    leaves = p.units * p.rails
    hosts = p.hosts or (p.units * p.unit_nodes - p.reserved_nodes) * p.rails
    plane = {"leaf": leaves, "host-leaf": hosts, "leaf-spine": leaves * uplinks}
    if p.tiers == 2:
        spines = -(-leaves * uplinks // p.radix)
        while uplinks % spines:
            spines += 1
        plane |= {"spine": spines}
    else:
        half = p.radix // 2
        splits = -(-p.units // half)
        small, larger = divmod(p.units, splits)
        spines = larger * -(-(small + 1) * uplinks // half) + (splits - larger) * -(
            -small * uplinks // half
        )
        plane |= {
            "spine": p.rails * spines,
            "core": -(-leaves * uplinks // p.radix),
            "spine-core": leaves * uplinks,
        }
    return {name: p.planes * count for name, count in plane.items()}


def sized(cluster: Cluster, given: dict[str, Any]) -> Parameters:
    """Return units for a cluster; see `netloom.topology.sized`.

    Units of ``radix // 2`` nodes, as many as hold the nodes; two tiers while the leaves of a plane
    do not outnumber a spine's ports.
    """
    hosts = cluster.hosts
    filled = from_cluster(Parameters, KIND, given, cluster)
    rails = filled.setdefault("rails", cluster.nics_per_node)
    if rails != cluster.nics_per_node:
        raise refuse(
            KIND,
            "rails",
            rails,
            f"a node has {cluster.nics_per_node} NICs",
            (cluster.nics_per_node,),
        )
    taper, radix = filled.get("taper", 1.0), filled["radix"]
    unit_nodes = filled.setdefault("unit_nodes", max(1, int(radix / (1 + taper) + 1e-9)))
    nodes = -(-hosts // rails) + filled.get("reserved_nodes", 0)
    units = filled.setdefault("units", -(-nodes // unit_nodes))
    if units * unit_nodes < nodes:
        raise refuse(
            KIND, "units", units,
            f"{units} units of {unit_nodes} nodes do not hold {nodes} nodes",
            (-(-nodes // unit_nodes),),
        )  # fmt: skip
    filled.setdefault("hosts", hosts)
    if filled["hosts"] != hosts:
        raise refuse(KIND, "hosts", filled["hosts"], f"the cluster has {hosts} NICs", (hosts,))
    if "tiers" not in filled:
        filled["tiers"] = 2 if even_spines(units * rails, round(taper * unit_nodes), radix) else 3
    return validated(Parameters, KIND, filled)
