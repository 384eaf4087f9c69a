"""Dragonfly+ (Megafly): groups that are two-level trees, joined by global links of their spines.

Parameters as those of a Dragonfly: p hosts per leaf, a leaves per group and as many spines, every
leaf joined to every spine of its group, h global links per spine, g groups, ``g <= a h + 1``.
Balanced when ``p = a = h``, which is half the radix k.

Closed form: ``a p g`` positions, ``a g`` leaves of ``p + a`` ports and ``a g`` spines of ``a + h``,
``g a^2`` links inside groups, ``floor(a h g / 2)`` global links for g > 1, dealt to pairs of groups
as in a Dragonfly. At ``p = a = h = k/2`` and ``g = (k/2)^2 + 1`` these are ``(k/2)^4 + (k/2)^2``
hosts on k switches per group. From leaf to leaf at most three links: up, global, down. The
bisection stated is the cut between halves of the groups, ``floor(g^2 / 4)`` pairs of them; a single
group is a two-level tree.

References
----------
Shpiner, Haramaty, Eliad, Zdornov, Gafni, Zahavi, "Dragonfly+: low cost topology for scaling
datacenters", HiPINEB 2017. Flajslik, Borch, Parker, "Megafly: a topology for exascale systems", ISC
2018.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from netloom.topology.fabric import HOST, Fabric, LinkClass, Tier
from netloom.topology.families.dragonfly import global_trunks
from netloom.topology.parameters import (
    Cluster,
    FamilyParameters,
    agreed,
    from_cluster,
    refuse,
    validated,
)
from netloom.topology.routing.megafly import MegaflyRouting, Route

KIND = "dragonfly-plus"


class Parameters(FamilyParameters):
    """Parameters of a Dragonfly+."""

    p: int = Field(ge=1, description="Hosts of one leaf.")
    a: int = Field(ge=1, description="Leaves of one group, and spines.")
    h: int = Field(ge=1, description="Global links of one spine.")
    g: int = Field(ge=1, description="Groups, at most a*h + 1.")
    radix: int | None = Field(
        default=None,
        ge=2,
        description="Ports of one switch at the link rate; as many as needed when left out.",
    )
    hosts: int | None = Field(default=None, ge=1, description="Endpoints, when fewer than a*p*g.")
    route: Route = Field(
        default="adaptive",
        description="Shortest paths (minimal), or the mix with detours by a random other group "
        "that loads the fullest link least (adaptive); hashed flows stay on shortest paths.",
    )


def build(parameters: Parameters) -> Fabric:
    """Return the Dragonfly+."""
    p = parameters
    _check(p)
    hosts = p.a * p.p * p.g if p.hosts is None else p.hosts
    leaves = p.a * p.g
    endpoint_leaf = np.arange(hosts) // p.p
    # trunk l * a + j joins leaf l and spine j of its group
    leaf = np.repeat(np.arange(leaves), p.a)
    spine = leaf // p.a * p.a + np.tile(np.arange(p.a), leaves)
    low, high, links = global_trunks(p.a, p.h, p.g)

    rate, cage_ports = p.link_bytes_per_s, p.cage_ports
    link_classes = (
        LinkClass("host-leaf", HOST, 0, rate, cage_ports),
        LinkClass("leaf-spine", 0, 1, rate, cage_ports),
        LinkClass("global", 1, 1, rate, cage_ports),
    )
    sizes = [hosts, len(leaf), len(low)]
    trunk_class = np.repeat(np.arange(3, dtype=np.int8), sizes)
    trunk_links = np.concatenate([np.ones(sizes[0] + sizes[1]), links]).astype(np.int32)
    block = np.repeat(np.arange(p.g, dtype=np.int32), p.a)
    no_label = np.full(2 * leaves, -1, dtype=np.int16)
    return Fabric(
        kind=KIND,
        parameters=p.model_dump(),
        num_endpoints=hosts,
        tiers=(
            Tier("leaf", leaves, p.p + p.a if p.radix is None else p.radix),
            Tier("spine", leaves, p.a + p.h if p.radix is None else p.radix),
        ),
        link_classes=link_classes,
        switch_tier=np.repeat(np.arange(2, dtype=np.int8), leaves),
        switch_block=np.tile(block, 2),
        switch_rail=no_label,
        switch_plane=no_label,
        trunk_class=trunk_class,
        trunk_lower=np.concatenate([np.arange(hosts), leaf, leaves + low]).astype(np.int32),
        trunk_upper=np.concatenate([endpoint_leaf, leaves + spine, leaves + high]).astype(np.int32),
        trunk_links=trunk_links,
        endpoint_block=block[endpoint_leaf],
        routing=MegaflyRouting.build(
            link_classes, trunk_class, trunk_links, endpoint_leaf, p.a, p.g, (low, high, links),
            p.route,
        ),
        bisection_bytes_per_s=rate * _bisection_links(p),
    )  # fmt: skip


def _check(p: Parameters) -> None:
    if p.g > p.a * p.h + 1:
        raise refuse(
            KIND, "g", p.g, f"{p.a} spines with {p.h} global links reach {p.a * p.h} other groups",
            (p.a * p.h + 1, f"h: {-(-(p.g - 1) // p.a)}"),
        )  # fmt: skip
    needed = max(p.p + p.a, p.a + p.h)
    if p.radix is not None and needed > p.radix:
        half = p.radix // 2
        raise refuse(
            KIND, "radix", p.radix, f"p, a, h = {p.p}, {p.a}, {p.h} needs {needed} ports",
            (needed, f"p: {half}, a: {half}, h: {half}"),
        )  # fmt: skip
    positions = p.a * p.p * p.g
    if p.hosts is not None and p.hosts > positions:
        raise refuse(
            KIND, "hosts", p.hosts, f"{p.g} groups of {p.a} x {p.p} hold {positions}",
            (positions, f"g: {-(-p.hosts // (p.a * p.p))}"),
        )  # fmt: skip


def _bisection_links(p: Parameters) -> float:
    if p.g == 1:
        return p.a * p.a / 2
    pairs = p.g * (p.g - 1) / 2
    return closed_form(p)["global"] * (p.g**2 // 4) / pairs


def closed_form(parameters: Parameters) -> dict[str, int]:
    """Return switches by tier and links by link class, as the module's text states them."""
    p = parameters
    return {
        "leaf": p.a * p.g,
        "spine": p.a * p.g,
        "host-leaf": p.hosts or p.a * p.p * p.g,
        "leaf-spine": p.g * p.a * p.a,
        "global": p.a * p.h * p.g // 2 if p.g > 1 else 0,
    }


def sized(cluster: Cluster, given: dict[str, Any]) -> Parameters:
    """Return a Dragonfly+ for a cluster; see `netloom.topology.sized`.

    Left out, p, a and h are equal with the fewest switches that hold the hosts, the smallest among
    equals; g is as many groups as needed.
    """
    hosts = cluster.hosts
    filled = from_cluster(Parameters, KIND, given, cluster)
    best: tuple[int, dict[str, int]] | None = None
    radix = filled["radix"]
    for half in range(1, radix):
        shape = {key: filled.get(key, half) for key in ("p", "a", "h")}
        groups = filled.get("g", -(-hosts // (shape["a"] * shape["p"])))
        fits = shape["a"] + max(shape["p"], shape["h"]) <= radix
        holds = groups <= shape["a"] * shape["h"] + 1 and shape["a"] * shape["p"] * groups >= hosts
        switches = 2 * shape["a"] * groups
        if fits and holds and (best is None or switches < best[0]):
            best = switches, shape | {"g": groups}
    if best is None:
        half = radix // 2
        raise refuse(
            KIND, "hosts", hosts,
            f"no Dragonfly+ of {radix}-port switches with the given parameters holds them",
            (f"p: {half}, a: {half}, h: {half}, which holds {half**2 * (half**2 + 1)}",),
        )  # fmt: skip
    filled["hosts"] = agreed(KIND, filled, "hosts", hosts, f"it has {hosts} NICs")
    return validated(Parameters, KIND, filled | best[1])
