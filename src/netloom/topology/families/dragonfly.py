"""Dragonfly: groups of fully meshed routers, joined by global links spread over all group pairs.

Parameters as in the source: p hosts per router, a routers per group, h global links per router, g
groups, ``g <= a h + 1``. Balanced when ``a = 2p = 2h``.

Closed form: ``a p g`` positions, ``a g`` routers of ``p + (a - 1) + h`` ports, ``g a (a-1) / 2``
local links, ``floor(a h g / 2)`` global links for g > 1; each pair of groups has
``a h // (g - 1)`` links or one more. With m routers in one switch box: ``a/m`` boxes per group with
``m p`` hosts and ``m h`` global links each, ``m^2`` links between two boxes of a group and the
links inside a box free, so ``g m^2 (a/m) (a/m - 1) / 2`` local links. From router to router at most
three links: local, global, local.

Global links of a group are numbered by copy and then by distance ``(j - i) mod g`` to the other
group; link number n belongs to router ``n // h``, so that parallel links leave from different
routers. Surplus links (``a h mod (g - 1)`` per group) go to the groups nearest in the ring.

References
----------
Kim, Dally, Scott, Abts, "Technology-driven, highly-scalable Dragonfly topology", ISCA 2008. Two
routers per switch: Hoefler et al., "HammingMesh", SC 2022, appendix on cost.
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
from netloom.topology.routing.dragonfly import DragonflyRouting, Route

KIND = "dragonfly"


class Parameters(FamilyParameters):
    """Parameters of a Dragonfly."""

    p: int = Field(ge=1, description="Hosts of one router.")
    a: int = Field(ge=1, description="Routers of one group.")
    h: int = Field(ge=1, description="Global links of one router.")
    g: int = Field(ge=1, description="Groups, at most a*h + 1.")
    radix: int | None = Field(
        default=None,
        ge=2,
        description="Ports of one switch at the link rate; as many as needed when left out.",
    )
    routers_per_switch: int = Field(
        default=1, ge=1, description="Routers of a group that share one switch box; divides a."
    )
    hosts: int | None = Field(default=None, ge=1, description="Endpoints, when fewer than a*p*g.")
    route: Route = Field(
        default="adaptive",
        description="Shortest paths (minimal), by way of a random other group (valiant), or the "
        "mix of both that loads the fullest link least (adaptive); hashed flows stay on shortest "
        "paths.",
    )


def ports_needed(p: int, a: int, h: int, routers_per_switch: int = 1) -> int:
    """Return the ports of one switch box.

    Examples
    --------
    >>> ports_needed(8, 16, 8), ports_needed(8, 16, 8, 2)
    (31, 60)
    """
    m = routers_per_switch
    return m * (p + h) + (a // m - 1) * m * m


def build(parameters: Parameters) -> Fabric:
    """Return the Dragonfly."""
    p = parameters
    _check(p)
    positions = p.a * p.p * p.g
    hosts = positions if p.hosts is None else p.hosts
    m = p.routers_per_switch
    boxes = p.a // m  # of one group
    per_box = m * p.p
    needed = ports_needed(p.p, p.a, p.h, m)

    endpoint_switch = np.arange(hosts) // per_box
    near, far = np.triu_indices(boxes, 1)
    first = boxes * np.arange(p.g)[:, None]
    local = (first + near).ravel(), (first + far).ravel()
    low, high, links = global_trunks(boxes, m * p.h, p.g)

    lower = np.concatenate([np.arange(hosts), local[0], low])
    upper = np.concatenate([endpoint_switch, local[1], high])
    counts = np.concatenate([np.ones(hosts), np.full(len(local[0]), m * m), links])
    num_switches = boxes * p.g
    block = np.repeat(np.arange(p.g, dtype=np.int32), boxes)
    no_label = np.full(num_switches, -1, dtype=np.int16)
    return Fabric(
        kind=KIND,
        parameters=p.model_dump(),
        num_endpoints=hosts,
        tiers=(Tier("router", num_switches, needed if p.radix is None else p.radix),),
        link_classes=(
            LinkClass("host-router", HOST, 0, p.link_bytes_per_s, p.cage_ports),
            LinkClass("local", 0, 0, p.link_bytes_per_s, p.cage_ports, electrical=True),
            LinkClass("global", 0, 0, p.link_bytes_per_s, p.cage_ports),
        ),
        switch_tier=np.zeros(num_switches, dtype=np.int8),
        switch_block=block,
        switch_rail=no_label,
        switch_plane=no_label,
        trunk_class=np.repeat(np.arange(3, dtype=np.int8), [hosts, len(local[0]), len(low)]),
        trunk_lower=lower.astype(np.int32),
        trunk_upper=upper.astype(np.int32),
        trunk_links=counts.astype(np.int32),
        endpoint_block=block[endpoint_switch],
        routing=DragonflyRouting.build(
            endpoint_switch=endpoint_switch,
            routers_per_group=boxes,
            num_groups=p.g,
            local_links=m * m,
            global_trunks=(low, high, links),
            link_bytes_per_s=p.link_bytes_per_s,
            route=p.route,
        ),
    )


def _check(p: Parameters) -> None:
    if p.g > p.a * p.h + 1:
        raise refuse(
            KIND, "g", p.g, f"{p.a} routers with {p.h} global links reach {p.a * p.h} other groups",
            (p.a * p.h + 1, f"h: {-(-(p.g - 1) // p.a)}"),
        )  # fmt: skip
    if p.a % p.routers_per_switch:
        raise refuse(
            KIND, "routers_per_switch", p.routers_per_switch, f"does not divide a = {p.a}",
            [count for count in range(1, p.a + 1) if p.a % count == 0][:4],
        )  # fmt: skip
    needed = ports_needed(p.p, p.a, p.h, p.routers_per_switch)
    if p.radix is not None and needed > p.radix:
        balanced = (p.radix + 1) // 4
        raise refuse(
            KIND, "radix", p.radix, f"p, a, h = {p.p}, {p.a}, {p.h} needs {needed} ports",
            (needed, *([f"p: {balanced}, a: {2 * balanced}, h: {balanced}"] if balanced else [])),
        )  # fmt: skip
    positions = p.a * p.p * p.g
    if p.hosts is not None and p.hosts > positions:
        raise refuse(
            KIND, "hosts", p.hosts, f"{p.g} groups of {p.a} x {p.p} hold {positions}",
            (positions, f"g: {-(-p.hosts // (p.a * p.p))}"),
        )  # fmt: skip


def closed_form(parameters: Parameters) -> dict[str, int]:
    """Return switches by tier and links by link class, as the module's text states them."""
    p = parameters
    boxes, m = p.a // p.routers_per_switch, p.routers_per_switch
    return {
        "router": boxes * p.g,
        "host-router": p.hosts or p.a * p.p * p.g,
        "local": p.g * m * m * boxes * (boxes - 1) // 2,
        "global": p.a * p.h * p.g // 2 if p.g > 1 else 0,
    }


def global_trunks(
    routers: int, global_links: int, num_groups: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return lower router, upper router and links of each global trunk, sorted by group pair.

    Parameters
    ----------
    routers : routers of one group.
    global_links : of one router.
    num_groups : groups.
    """
    none = np.zeros(0, dtype=np.int64)
    if num_groups == 1:
        return none, none, none
    per_group = routers * global_links
    copies, surplus = divmod(per_group, num_groups - 1)
    near, far = np.triu_indices(num_groups, 1)
    lows, highs = [], []
    for copy in range(copies):
        start = copy * (num_groups - 1)
        lows.append(near * routers + (start + far - near - 1) // global_links)
        highs.append(far * routers + (start + near - far - 1 + num_groups) // global_links)
    start = copies * (num_groups - 1)
    for number, (one, other) in enumerate(_surplus_pairs(num_groups, surplus)):
        # a ring of distance d uses two numbers of each group: one ahead, one behind
        lows.append(one * routers + (start + 2 * number) // global_links)
        behind = start + 2 * number + (1 if len(one) == num_groups else 0)
        highs.append(other * routers + behind // global_links)
    low, high = np.concatenate(lows), np.concatenate(highs)
    low, high = np.minimum(low, high), np.maximum(low, high)
    num_routers = routers * num_groups
    pair = (low // routers * num_groups + high // routers) * num_routers
    _, index, links = np.unique(
        (pair + low) * num_routers + high, return_index=True, return_counts=True
    )
    return low[index], high[index], links


def _surplus_pairs(num_groups: int, surplus: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return group pairs that get one more link: rings of distance 1, 2, ... and one matching."""
    group = np.arange(num_groups)
    pairs = [(group, (group + distance) % num_groups) for distance in range(1, surplus // 2 + 1)]
    if surplus % 2:
        # half-way across the ring; with an odd number of groups one group keeps a port free
        half = group[: num_groups // 2]
        pairs.append((half, half + num_groups // 2))
    return pairs


def sized(cluster: Cluster, given: dict[str, Any]) -> Parameters:
    """Return a Dragonfly for a cluster; see `netloom.topology.sized`.

    Left out, p, a and h are balanced (a = 2p = 2h) with the fewest switches that hold the hosts,
    the smallest p among equals, two routers in a box where they fit; g is as many groups as needed.
    """
    hosts = cluster.hosts
    filled = from_cluster(Parameters, KIND, given, cluster)
    best: tuple[int, int, dict[str, int]] | None = None
    for p in range(1, cluster.num_ports):
        shape = {"p": p, "a": 2 * p, "h": p} | {
            key: filled[key] for key in ("p", "a", "h") if key in filled
        }
        groups = filled.get("g", -(-hosts // (shape["a"] * shape["p"])))
        for m in (filled["routers_per_switch"],) if "routers_per_switch" in filled else (1, 2):
            fits = (
                shape["a"] % m == 0
                and ports_needed(**shape, routers_per_switch=m) <= filled["radix"]
            )
            holds = (
                groups <= shape["a"] * shape["h"] + 1 and shape["a"] * shape["p"] * groups >= hosts
            )
            boxes = shape["a"] // m * groups
            if fits and holds and (best is None or (boxes, p) < best[:2]):
                best = boxes, p, shape | {"g": groups, "routers_per_switch": m}
    if best is None:
        largest = (filled["radix"] + 1) // 4
        raise refuse(
            KIND, "hosts", hosts,
            f"no Dragonfly of {filled['radix']}-port switches with the given parameters holds them",
            (f"p: {largest}, a: {2 * largest}, h: {largest}, which holds "
             f"{2 * largest * largest * (2 * largest * largest + 1)}",),
        )  # fmt: skip
    filled["hosts"] = agreed(KIND, filled, "hosts", hosts, f"it has {hosts} NICs")
    return validated(Parameters, KIND, filled | best[2])
