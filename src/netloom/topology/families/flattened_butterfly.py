"""Flattened butterfly: the k-ary n-flat, a HyperX of ``n - 1`` dimensions of k with k hosts each.

Parameters as in the source. It is what is left of a k-ary n-fly when the routers of each row are
merged into one.

Closed form: ``k^n`` positions, ``k^(n-1)`` switches of ``k + (n - 1)(k - 1)`` ports,
``k^(n-1) (n - 1)(k - 1) / 2`` links. Bisection ``k^(n-2) floor(k/2) ceil(k/2)`` links, which for
even k is half of full. Diameter ``n - 1``; mean distance
``(n - 1)(1 - 1/k) R / (R - 1)`` with ``R = k^(n-1)``.

References
----------
Kim, Dally, Abts, "Flattened butterfly: a cost-efficient topology for high-radix networks", ISCA
2007, section 2.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from pydantic import Field

from netloom.topology.fabric import Fabric
from netloom.topology.lattice import LatticeParameters, Route, build_lattice, num_links
from netloom.topology.parameters import (
    Cluster,
    FamilyParameters,
    agreed,
    from_cluster,
    refuse,
    validated,
)

KIND = "flattened-butterfly"


class Parameters(FamilyParameters):
    """Parameters of a flattened butterfly."""

    k: int = Field(ge=2, description="Switches of one line, and hosts of one switch.")
    n: int = Field(ge=2, description="Dimensions and one: k^n hosts on k^(n-1) switches.")
    radix: int | None = Field(
        default=None,
        ge=2,
        description="Ports of one switch at the link rate; as many as needed when left out.",
    )
    hosts: int | None = Field(default=None, ge=1, description="Endpoints, when fewer than k^n.")
    route: Route = Field(
        default="dimension-order",
        description="One dimension after another, or spread over all shortest paths (minimal).",
    )


def ports_needed(k: int, n: int) -> int:
    """Return the ports of one switch.

    Examples
    --------
    >>> ports_needed(8, 2), ports_needed(16, 4)
    (15, 61)
    """
    return k + (n - 1) * (k - 1)


def build(parameters: Parameters) -> Fabric:
    """Return the flattened butterfly."""
    p = parameters
    needed = ports_needed(p.k, p.n)
    if p.radix is not None and needed > p.radix:
        most = (p.radix + p.n - 1) // p.n
        raise refuse(
            KIND, "radix", p.radix, f"k = {p.k}, n = {p.n} needs {needed} ports",
            (needed, *([f"k: {most}"] if most >= 2 else [])),
        )  # fmt: skip
    if p.hosts is not None and p.hosts > p.k**p.n:
        fitting = next(n for n in range(p.n, 64) if p.k**n >= p.hosts)
        raise refuse(
            KIND, "hosts", p.hosts, f"a {p.k}-ary {p.n}-flat holds {p.k**p.n}",
            (p.k**p.n, f"n: {fitting}"),
        )  # fmt: skip
    lattice = LatticeParameters(
        link_bytes_per_s=p.link_bytes_per_s, cage_ports=p.cage_ports,
        dims=(p.k,) * (p.n - 1), p=p.k, radix=p.radix, hosts=p.hosts, route=p.route,
    )  # fmt: skip
    return dataclasses.replace(build_lattice(KIND, lattice, "full"), parameters=p.model_dump())


def closed_form(parameters: Parameters) -> dict[str, int]:
    """Return switches by tier and links by link class, as the module's text states them."""
    p = parameters
    dims = (p.k,) * (p.n - 1)
    return {
        "switch": p.k ** (p.n - 1),
        "host-switch": p.hosts or p.k**p.n,
        **num_links(dims, (1,) * len(dims), "full"),
    }


def sized(cluster: Cluster, given: dict[str, Any]) -> Parameters:
    """Return a flattened butterfly for a cluster; see `netloom.topology.sized`.

    Left out, k and n are those of the fewest switches that hold the hosts, the fewest dimensions
    among equals.
    """
    hosts = cluster.hosts
    filled = from_cluster(Parameters, KIND, given, cluster)
    filled["hosts"] = agreed(KIND, filled, "hosts", hosts, f"it has {hosts} NICs")
    radix = filled["radix"]
    fitting = [
        (k ** (n - 1), n, k)
        for n in ((filled["n"],) if "n" in filled else range(2, radix))
        for k in ((filled["k"],) if "k" in filled else range(2, (radix + n - 1) // n + 1))
        if ports_needed(k, n) <= radix
    ]
    holding = [shape for shape in fitting if shape[0] * shape[2] >= hosts]
    if not holding:
        largest = max((switches * k for switches, _, k in fitting), default=None)
        raise refuse(
            KIND, "hosts", hosts,
            f"no flattened butterfly of {radix}-port switches with the given parameters holds them",
            () if largest is None else (largest,),
        )  # fmt: skip
    _, filled["n"], filled["k"] = min(holding)
    return validated(Parameters, KIND, filled)
