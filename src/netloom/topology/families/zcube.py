"""ZCube: endpoints with k ports on k levels of switches, neighbouring levels joined directly.

Endpoint e has k digits in base n. Its port i goes to the switch of level i that is named by all
digits but the i-th, as in BCube; instead of relaying through servers, the switches of level i and
i + 1 that meet at an endpoint have a link of their own. A flow climbs from level 0 to level k - 1
(or the other way) and corrects one digit per level.

Closed form: ``n^k`` endpoints with k ports each, ``k n^(k-1)`` switches, ``(k - 1) n^k`` links
between switches. A switch has n hosts and n links to each neighbouring level: 2n ports for k = 2,
3n in the middle. A path crosses at most k switches. The bisection is full for k = 2: ``n^2`` links
between the levels carry, both ways, what ``n^2`` endpoints inject by two ports in one crossing
each. For more levels none is stated.

For k = 2 and n = 128, 51.2T switches of 256 ports at 200 Gb/s carry 16,384 endpoints with 2 x 200
Gb/s on 256 switches.

References
----------
"ZCube", SIGCOMM 2025; built here from the counts that are stated of it (n^k endpoints, k n^(k-1)
switches, n^2 links between switches and full bisection for k = 2, at most k switches crossed).
"""

from __future__ import annotations

from itertools import pairwise
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
from netloom.topology.trunks import fabric_of, joined

KIND = "zcube"


class Parameters(FamilyParameters):
    """Parameters of a ZCube."""

    n: int = Field(ge=2, description="Endpoints of one switch.")
    k: int = Field(ge=1, le=8, description="Levels, and ports of one endpoint.")
    radix: int | None = Field(
        default=None, ge=2,
        description="Ports of one switch at the link rate; as many as needed when left out.",
    )  # fmt: skip
    planes: int | None = Field(
        default=None, ge=1,
        description="Ports over which a NIC is split, which is k; for studies, whose link rate is "
        "that of a NIC over its planes.",
    )  # fmt: skip
    hosts: int | None = Field(
        default=None, ge=1, description="Endpoints in use, when fewer than n^k positions."
    )


def ports_needed(n: int, k: int) -> int:
    """Return the ports of one switch of the level that needs most.

    Examples
    --------
    >>> ports_needed(128, 1), ports_needed(128, 2), ports_needed(16, 3)
    (128, 256, 48)
    """
    return n * min(k, 3)


def build(parameters: Parameters) -> Fabric:
    """Return the ZCube; levels are the tiers ``level0`` to ``level<k-1>``."""
    p = parameters
    _check(p)
    positions, level_switches = p.n**p.k, p.n ** (p.k - 1)
    hosts = positions if p.hosts is None else p.hosts
    position = np.arange(positions)
    radix = ports_needed(p.n, p.k) if p.radix is None else p.radix
    rate = p.link_bytes_per_s
    # one tier: every endpoint has a host link to each level, and host links are one class
    switch_of = []
    for level in range(p.k):
        step = p.n**level
        name = position // (step * p.n) * step + position % step
        switch_of.append(level * level_switches + name)
    parts: list[tuple[int, Any, Any, Any]] = [
        (0, position[:hosts], switches[:hosts], 1) for switches in switch_of
    ]
    classes = [LinkClass("host-switch", HOST, 0, rate, p.cage_ports)]
    if p.k > 1:
        classes.append(LinkClass("level-level", 0, 0, rate, p.cage_ports))
        parts += [(1, below, above, 1) for below, above in pairwise(switch_of)]
    return fabric_of(
        KIND, p.model_dump(), num_endpoints=hosts,
        tiers=(Tier("switch", p.k * level_switches, radix),),
        link_classes=classes, trunks=joined(parts),
        bisection_bytes_per_s=p.k * positions / 2 * rate if p.k <= 2 else None,
    )  # fmt: skip


def _check(p: Parameters) -> None:
    if p.planes is not None and p.planes != p.k:
        raise refuse(
            KIND, "planes", p.planes, f"an endpoint has k = {p.k} ports", (p.k, f"k: {p.planes}")
        )
    needed = ports_needed(p.n, p.k)
    if p.radix is not None and needed > p.radix:
        raise refuse(
            KIND, "n", p.n, f"k = {p.k} needs switches of {needed} ports, they have {p.radix}",
            (p.radix // min(p.k, 3), f"radix: {needed}"),
        )  # fmt: skip
    positions = p.n**p.k
    if p.hosts is not None and p.hosts > positions:
        near = round(p.hosts ** (1 / p.k))
        n = next(n for n in range(max(near - 1, 2), near + 3) if n**p.k >= p.hosts)
        raise refuse(
            KIND, "hosts", p.hosts, f"n, k = {p.n}, {p.k} has {positions} positions",
            (positions, f"n: {n}"),
        )  # fmt: skip


def closed_form(parameters: Parameters) -> dict[str, int]:
    """Return switches by tier and links by link class, as the module's text states them."""
    p = parameters
    counts = {"switch": p.k * p.n ** (p.k - 1), "host-switch": p.k * (p.hosts or p.n**p.k)}
    return counts | ({"level-level": (p.k - 1) * p.n**p.k} if p.k > 1 else {})


def sized(cluster: Cluster, given: dict[str, Any]) -> Parameters:
    """Return a ZCube for a cluster; see `netloom.topology.sized`.

    A NIC is split over k ports, so k is the number of planes, and n as low as the hosts allow.
    """
    hosts = cluster.hosts
    filled = from_cluster(Parameters, KIND, given, cluster)
    filled["hosts"] = agreed(KIND, filled, "hosts", hosts, f"it has {hosts} NICs")
    filled["planes"] = filled.get("planes") or 1
    k = agreed(
        KIND, filled, "k", filled["planes"],
        f"its NICs have {filled['planes']} ports; write planes: {filled.get('k')} to split them",
    )  # fmt: skip
    most = filled["radix"] // min(k, 3)
    if "n" not in filled:
        n = next((n for n in range(2, most + 1) if n**k >= hosts), None)
        if n is None:
            raise refuse(
                KIND, "planes", k,
                f"{filled['radix']}-port switches hold {most**k} endpoints of {k} ports", (k + 1,),
            )  # fmt: skip
        filled["n"] = n
    return validated(Parameters, KIND, filled | {"k": k})
