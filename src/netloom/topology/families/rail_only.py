"""Rail-only: each rail is a Clos network of its own, and nothing joins the rails.

A rail holds the NICs of the same position in every scale-up domain; traffic between rails goes
through the scale-up domain. NIC e is in rail ``e mod K`` at place ``e // K``, K = domain.

Closed form, k = radix, N = hosts, rails of ``n = ceil or floor(N / K)`` endpoints:
n <= k: one switch for ``max(1, k // n)`` rails; n <= k^2/2: two tiers of ``ceil(n / (k/2))`` leaves
and ``ceil(leaves * (k/2) / k)`` spines (3n/k in all when it divides); else three tiers (5n/k).
Where several rails share one switch, that switch does join them.

References
----------
Wang, Ghobadi, Shakeri, Zhang, Hasani, "Rail-only: a low-cost high-performance network for training
LLMs with trillion parameters", arXiv 2307.12169 v5, Hot Interconnects 2024.
"""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import Any

import numpy as np
from pydantic import Field

from netloom.topology.clos import assemble, forest, level_of, most_hosts
from netloom.topology.fabric import Fabric
from netloom.topology.parameters import (
    Cluster,
    FamilyParameters,
    agreed,
    from_cluster,
    refuse,
    validated,
)

KIND = "rail-only"


class Parameters(FamilyParameters):
    """Parameters of a rail-only network."""

    hosts: int = Field(ge=1, description="Endpoints.")
    domain: int = Field(
        ge=1, description="Endpoints of one scale-up domain, and so the number of rails."
    )
    radix: int = Field(ge=2, description="Ports of one switch at the link rate.")


def build(parameters: Parameters) -> Fabric:
    """Return the rails."""
    p = parameters
    rails = min(p.domain, p.hosts)
    endpoint = np.arange(p.hosts)
    rail, place = endpoint % p.domain, endpoint // p.domain
    sizes = np.bincount(rail, minlength=rails)
    longest = int(sizes.max())
    if longest <= p.radix:
        together = max(1, p.radix // longest)
        num_switches = -(-rails // together)
        zeros = np.zeros(num_switches, dtype=np.int64)
        leaf = level_of("leaf", p.radix, 1, zeros, block=zeros)
        levels, endpoint_leaf = [leaf], rail // together
        if together == 1:
            levels[0] = dataclasses.replace(leaf, rail=np.arange(num_switches))
    else:
        tiers = next(
            (tiers for tiers in (2, 3) if longest <= most_hosts(p.radix, tiers, 1.0)), None
        )
        if tiers is None:
            most = p.domain * most_hosts(p.radix, 3, 1.0)
            raise refuse(
                KIND, "hosts", p.hosts,
                f"{p.domain} rails of three tiers of {p.radix}-port switches hold {most}",
                (most, "a larger radix"),
            )  # fmt: skip
        levels, first_leaf = forest(sizes, p.radix, tiers, 1.0)
        endpoint_leaf = first_leaf[rail] + place // (p.radix // 2)
        levels = _with_rails(levels, endpoint_leaf, rail, rails)
    return assemble(
        KIND, p.model_dump(), levels, endpoint_leaf,
        link_bytes_per_s=p.link_bytes_per_s, planes=1, cage_ports=p.cage_ports,
    )  # fmt: skip


def _with_rails(levels: list, endpoint_leaf: np.ndarray, rail: np.ndarray, rails: int) -> list:
    """Return the levels with each group's rail; leaves of one unit of nodes form a block."""
    rail_of = np.empty(len(levels[0].parent), dtype=np.int64)
    rail_of[endpoint_leaf] = rail
    first_leaf = np.searchsorted(rail_of, np.arange(rails))
    unit = np.arange(len(rail_of)) - first_leaf[rail_of]
    labelled = [dataclasses.replace(levels[0], rail=rail_of, block=unit)]
    for below, level in pairwise(levels):
        above = np.empty(len(level.num_uplinks), dtype=np.int64)
        above[below.parent] = labelled[-1].rail
        labelled.append(dataclasses.replace(level, rail=above, block=np.full(len(above), -1)))
    return labelled


def closed_form(parameters: Parameters) -> dict[str, int]:
    """Return switches by tier and links by link class, as the module's text states them."""
    p = parameters
    short, longer = divmod(p.hosts, p.domain)
    rails = {short + 1: longer, short: p.domain - longer if short else 0}
    longest = short + (longer > 0)
    counts = {"host-leaf": p.hosts}
    if longest <= p.radix:
        return counts | {"leaf": -(-sum(rails.values()) // max(1, p.radix // longest))}
    half = p.radix // 2
    three = longest > p.radix * half
    up = p.radix - half
    counts |= dict.fromkeys(("leaf", "spine", "leaf-spine"), 0)
    if three:
        counts |= dict.fromkeys(("core", "spine-core"), 0)
    for size, number in rails.items():
        leaves = -(-size // half)
        links = leaves * up
        counts["leaf"] += number * leaves
        counts["leaf-spine"] += number * links
        counts["spine"] += number * -(-links // (half if three else p.radix))
        if three:
            counts["core"] += number * -(-links // p.radix)
            counts["spine-core"] += number * links
    return counts


def sized(cluster: Cluster, given: dict[str, Any]) -> Parameters:
    """Return rails for a cluster, a node being a scale-up domain unless `domain` says more."""
    hosts = cluster.hosts
    filled = from_cluster(Parameters, KIND, given, cluster)
    filled["hosts"] = agreed(KIND, filled, "hosts", hosts, f"it has {hosts} NICs")
    filled.setdefault("domain", cluster.nics_per_node)
    return validated(Parameters, KIND, filled)
