"""BCube: servers with k + 1 ports on k + 1 levels of n-port switches; servers forward.

Parameters as in the source: n ports of one switch, k the highest level. Server s has the digits
``s_k ... s_0`` in base n; its port i goes to the switch of level i that is named by all digits but
the i-th. No switch meets a switch: what crosses levels is relayed by servers, so every server is an
endpoint with a relay of k + 1 ports in front.

Closed form: ``n^(k+1)`` servers, ``n^k`` switches on each of k + 1 levels, ``n^(k+1)`` links to
each level. Two servers differ in at most k + 1 digits; each digit costs one switch and one relay,
so the diameter from relay to relay is ``2 (k + 1)`` links. There are k + 1 disjoint paths between
any two servers. The cut between halves that differ in the highest digit (n even) is
``n^(k+1) / 2`` links, one per server and so one port's injection; relayed traffic of other digits
crosses it too.

References
----------
Guo, Lu, Li, Wu, Zhang, Shi, Tian, Zhang, Lu, "BCube: a high performance, server-centric network
architecture for modular data centers", SIGCOMM 2009, section 3.
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
from netloom.topology.trunks import fabric_of, joined

KIND = "bcube"


class Parameters(FamilyParameters):
    """Parameters of a BCube."""

    n: int = Field(ge=2, description="Ports of one switch in use, and servers of one level-0 unit.")
    k: int = Field(ge=0, le=7, description="Highest level; a server has k + 1 ports.")
    radix: int | None = Field(
        default=None, ge=2,
        description="Ports of one switch at the link rate; n when left out.",
    )  # fmt: skip
    endpoint_links: int | None = Field(
        default=None, ge=1,
        description="Links that an endpoint fills at once: all k + 1 when left out, 1 for one NIC "
        "whose server relays over further ports.",
    )  # fmt: skip
    hosts: int | None = Field(
        default=None, ge=1, description="Endpoints in use, when fewer than n^(k+1) servers."
    )


def build(parameters: Parameters) -> Fabric:
    """Return the BCube."""
    p = parameters
    _check(p)
    servers, level_switches = p.n ** (p.k + 1), p.n**p.k
    hosts = servers if p.hosts is None else p.hosts
    injection = p.k + 1 if p.endpoint_links is None else p.endpoint_links
    server = np.arange(servers)
    tiers = [Tier("relay", servers, p.k + 1 + injection, "embedded")]
    rate = p.link_bytes_per_s
    classes = [LinkClass("host-relay", HOST, 0, rate, p.cage_ports, cabled=False)]
    parts: list[tuple[int, Any, Any, Any]] = [(0, server[:hosts], server[:hosts], injection)]
    for level in range(p.k + 1):
        name = f"level{level}"
        tiers.append(Tier(name, level_switches, p.n if p.radix is None else p.radix))
        classes.append(LinkClass(f"relay-{name}", 0, level + 1, rate, p.cage_ports))
        # all digits but the level's own
        step = p.n**level
        switch = server // (step * p.n) * step + server % step
        parts.append((level + 1, server, servers + level * level_switches + switch, 1))
    return fabric_of(
        KIND, p.model_dump(), num_endpoints=hosts, tiers=tiers, link_classes=classes,
        trunks=joined(parts),
        # servers under one level-0 switch stand together; levels above serve all
        switch_block=np.concatenate([
            server // p.n, np.arange(level_switches), np.full(p.k * level_switches, -1)
        ]),
        endpoint_block=server[:hosts] // p.n,
        bisection_bytes_per_s=(p.n // 2) * level_switches * rate,
    )  # fmt: skip


def _check(p: Parameters) -> None:
    if p.radix is not None and p.n > p.radix:
        raise refuse(
            KIND, "n", p.n, f"a switch has {p.radix} ports", (p.radix, f"radix: {p.n}")
        )  # fmt: skip
    servers = p.n ** (p.k + 1)
    if p.hosts is not None and p.hosts > servers:
        raise refuse(
            KIND, "hosts", p.hosts, f"n, k = {p.n}, {p.k} has {servers} servers",
            (servers, f"k: {_levels(p.hosts, p.n)}", f"n: {_ports(p.hosts, p.k)}"),
        )  # fmt: skip
    if p.endpoint_links is not None and p.endpoint_links > p.k + 1:
        raise refuse(
            KIND, "endpoint_links", p.endpoint_links, f"a server has {p.k + 1} ports", (p.k + 1,)
        )


def _levels(hosts: int, n: int) -> int:
    """Return the lowest k whose ``n^(k+1)`` servers hold the hosts."""
    return next(k for k in range(64) if n ** (k + 1) >= hosts)


def _ports(hosts: int, k: int) -> int:
    """Return the lowest n whose ``n^(k+1)`` servers hold the hosts, at least 2.

    Examples
    --------
    >>> _ports(64, 1), _ports(65, 1), _ports(1000, 2)
    (8, 9, 10)
    """
    near = max(2, round(hosts ** (1 / (k + 1))) - 1)
    return next(n for n in range(near, near + 4) if n ** (k + 1) >= hosts)


def closed_form(parameters: Parameters) -> dict[str, int]:
    """Return switches by tier and links by link class, as the module's text states them."""
    p = parameters
    servers = p.n ** (p.k + 1)
    counts = {"host-relay": (p.hosts or servers) * (p.endpoint_links or p.k + 1)}
    for level in range(p.k + 1):
        counts |= {f"level{level}": p.n**p.k, f"relay-level{level}": servers}
    return counts


def sized(cluster: Cluster, given: dict[str, Any]) -> Parameters:
    """Return a BCube for a cluster; see `netloom.topology.sized`.

    Left out, k is the lowest that the switch's ports allow, and n as low as k allows. An endpoint
    is one NIC, which fills one link; its relay has k + 1 ports at that rate.
    """
    hosts = cluster.hosts
    filled = from_cluster(Parameters, KIND, given, cluster)
    filled["hosts"] = agreed(KIND, filled, "hosts", hosts, f"it has {hosts} NICs")
    filled.setdefault("endpoint_links", 1)
    filled.setdefault("k", _levels(hosts, filled.get("n", filled["radix"])))
    filled.setdefault("n", _ports(hosts, filled["k"]))
    return validated(Parameters, KIND, filled)
