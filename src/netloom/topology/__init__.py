"""Fabric families: a kind and its parameters become switches, links and routes.

`kinds` names them, `sized` fills in what follows from a cluster, `build` makes the fabric.
A new family is one module in `netloom.topology.families`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from netloom.registry import Registry
from netloom.topology.fabric import Fabric
from netloom.topology.parameters import Cluster, FamilyParameters, validated

REGISTRY = Registry(
    "netloom.topology.families",
    "netloom.topology",
    "fabric family",
    required=("Parameters", "build", "closed_form", "sized"),
)


def kinds() -> tuple[str, ...]:
    """Return the names of all fabric families."""
    return REGISTRY.names()


def parameter_model(kind: str) -> type[FamilyParameters]:
    """Return the parameter model of a family: names, defaults and descriptions."""
    return REGISTRY.get(kind).Parameters


def build(kind: str, parameters: Mapping[str, Any] | BaseModel) -> Fabric:
    """Return a built fabric.

    Parameters
    ----------
    kind : name of a family.
    parameters : of the family, checked here; `sized` returns them checked.

    Raises
    ------
    ParameterError
        When the kind or a parameter is unknown or out of its domain; the hint has valid choices.

    Examples
    --------
    >>> fabric = build("fat-tree", {"hosts": 2048, "radix": 64, "tiers": 2})
    >>> [(tier.name, tier.num_switches) for tier in fabric.tiers]
    [('leaf', 64), ('spine', 32)]
    """
    family = REGISTRY.get(kind)
    if not isinstance(parameters, BaseModel):
        parameters = validated(family.Parameters, kind, parameters)
    return family.build(parameters)


def sized(
    kind: str,
    *,
    hosts: int,
    nics_per_node: int,
    num_ports: int,
    link_bytes_per_s: float,
    ports_per_cage: int = 1,
    given: Mapping[str, Any] | None = None,
) -> FamilyParameters:
    """Return a family's parameters for a cluster: what is given stays, the rest follows.

    Parameters
    ----------
    kind : name of a family.
    hosts : endpoints, which are NICs.
    nics_per_node : NICs of one node; NIC i is rail i.
    num_ports : ports of one switch at the link rate.
    link_bytes_per_s : one logical link, one way: the NIC's rate over its planes.
    ports_per_cage : logical links that share a cage of the switch.
    given : parameters that the study states.

    Raises
    ------
    ParameterError
        When what is given contradicts the cluster or no size holds it.

    Examples
    --------
    >>> sized("fat-tree", hosts=16384, nics_per_node=8, num_ports=64, link_bytes_per_s=50e9).tiers
    3
    """
    cluster = Cluster(hosts, nics_per_node, num_ports, link_bytes_per_s, ports_per_cage)
    return REGISTRY.get(kind).sized(cluster, dict(given or {}))
