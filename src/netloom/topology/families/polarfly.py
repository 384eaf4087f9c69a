"""PolarFly: the polarity graph of Erdos and Renyi on the points of a projective plane.

Parameters as in the source: q a prime power, p hosts per switch. Arithmetic is that of GF(q).

Switches are the points of the projective plane over GF(q): vectors of three elements whose first
element that is not 0 is 1. Two are joined when their scalar product is 0. A point whose product
with itself is 0 (a quadric) has one neighbour less.

Closed form: ``R = q^2 + q + 1`` switches, ``R p`` positions, ``q (q + 1)^2 / 2`` links; ``q + 1``
quadrics of degree q, the rest of degree ``q + 1``. Diameter 2, and one shortest path between any
two switches; mean distance ``2 - q (q + 1)^2 / (R (R - 1))``.

A quadric w has q neighbours, and each of these has q neighbours more; a neighbour with its q makes
group, and w joins the first. Any two groups are joined by q links between their outer switches,
and w to each group by one. Inside are ``q^2 + 1 + q (q - 1) / 2`` links in all. The bisection
stated is the cut by groups into halves as equal as R allows, for odd q with half of the last
group's outer switches on either side and w with its middle: ``q (q^2 + 2) / 4`` links for even q,
``q (q^2 + 3) / 4`` for odd. A cut is an upper bound of the least one.

References
----------
Lakhotia, Besta, Monroe, Isham, Iff, Hoefler, Petrini, "PolarFly: a cost-effective and flexible
low-diameter topology", SC 2022, sections IV and V. Erdos, Renyi, Sos, "On a problem of graph
theory", 1966.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from netloom.topology.direct import Wires, check_hosts, check_ports, direct_fabric
from netloom.topology.fabric import Fabric
from netloom.topology.finite_field import (
    FiniteField,
    finite_field,
    nearest_prime_powers,
    prime_power,
)
from netloom.topology.parameters import (
    Cluster,
    FamilyParameters,
    agreed,
    from_cluster,
    refuse,
    validated,
)
from netloom.topology.routing.two_hop import TwoHopRouting

KIND = "polarfly"


class Parameters(FamilyParameters):
    """Parameters of a PolarFly."""

    q: int = Field(ge=1, description="Order of the finite field: a prime power.")
    p: int | None = Field(
        default=None,
        ge=1,
        description="Hosts of one switch; half the switch-to-switch ports when left out.",
    )
    radix: int | None = Field(
        default=None,
        ge=2,
        description="Ports of one switch at the link rate; as many as needed when left out.",
    )
    hosts: int | None = Field(
        default=None, ge=1, description="Endpoints, when fewer than (q^2 + q + 1)*p."
    )


def is_order(q: int) -> bool:
    """Return whether there is a field of q elements."""
    return prime_power(q) is not None


def num_points(q: int) -> int:
    """Return the points of the projective plane.

    Examples
    --------
    >>> num_points(7)
    57
    """
    return q * q + q + 1


def build(parameters: Parameters) -> Fabric:
    """Return the PolarFly."""
    given = parameters
    _check_order(given.q)
    q, p = given.q, hosts_per_switch(given)
    fitting = largest_order(given.radix, p) if given.radix is not None else None
    num_ports = check_ports(
        KIND, p, q + 1, given.radix, *([] if fitting is None else [f"q: {fitting}"])
    )
    hosts = check_hosts(KIND, given.hosts, num_points(q), p)
    lower, upper, group = grouped_links(q)
    inside = group[lower] == group[upper]
    return direct_fabric(
        KIND, given, hosts=hosts, p=p, num_ports=num_ports, block=group,
        wires=[
            Wires("local", lower[inside], upper[inside]),
            Wires("global", lower[~inside], upper[~inside]),
        ],
        routing=TwoHopRouting.build,
        bisection_links=q * (q * q + 2 + q % 2) // 4,
    )  # fmt: skip


def hosts_per_switch(parameters: Parameters) -> int:
    """Return p, which is half the degree, rounded up, when left out."""
    return -(-(parameters.q + 1) // 2) if parameters.p is None else parameters.p


def largest_order(radix: int, p: int) -> int | None:
    """Return the largest q whose switches have the ports; None when there is none."""
    return next((q for q in range(radix - p - 1, 1, -1) if is_order(q)), None)


def _check_order(q: int) -> None:
    if not is_order(q):
        raise refuse(KIND, "q", q, "no prime power, so no field", nearest_prime_powers(q, is_order))


def points(q: int) -> np.ndarray:
    """Return the points as vectors, int64, shape (R, 3): (0, 0, 1), (0, 1, a) and (1, a, b)."""
    a, b = np.divmod(np.arange(q * q), q)
    ones, zeros = np.ones_like(a), np.zeros_like(a)
    return np.concatenate(
        [
            [[0, 0, 1]],
            np.stack([zeros, ones, a], axis=1)[::q],
            np.stack([ones, a, b], axis=1),
        ]
    )


def _orthogonal(field: FiniteField, one: np.ndarray, many: np.ndarray) -> np.ndarray:
    """Return which of many vectors have scalar product 0 with one, as indices."""
    products = field.times[one, many]
    total = field.plus[field.plus[products[:, 0], products[:, 1]], products[:, 2]]
    return np.flatnonzero(total == 0)


def grouped_links(q: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return both switches of every link, lower number first, and the group of each switch.

    Switches are numbered by group: a middle, then its outer switches; the first group ends with w.
    """
    field, vectors = finite_field(q), points(q)
    count = len(vectors)
    neighbours = [_orthogonal(field, vector, vectors) for vector in vectors]
    row = np.repeat(np.arange(count), [len(found) for found in neighbours])
    column = np.concatenate(neighbours)
    start = int(row[row == column][0])
    group_of = np.zeros(count, dtype=np.int64)
    order_key = np.zeros(count, dtype=np.int64)
    for group, middle in enumerate(neighbours[start][neighbours[start] != start]):
        outer = neighbours[middle][neighbours[middle] != start]
        group_of[outer] = group_of[middle] = group
        order_key[outer] = 1
    order_key[start] = 2
    order = np.lexsort((np.arange(count), order_key, group_of))
    number = np.empty(count, dtype=np.int64)
    number[order] = np.arange(count)
    one, other = number[row], number[column]
    once = one < other
    return one[once], other[once], group_of[order]


def closed_form(parameters: Parameters) -> dict[str, int]:
    """Return switches by tier and links by link class, as the module's text states them."""
    q = parameters.q
    local = q * q + 1 + q * (q - 1) // 2
    return {
        "switch": num_points(q),
        "host-switch": parameters.hosts or num_points(q) * hosts_per_switch(parameters),
        "local": local,
        "global": q * (q + 1) ** 2 // 2 - local,
    }


def sized(cluster: Cluster, given: dict[str, Any]) -> Parameters:
    """Return a PolarFly for a cluster; see `netloom.topology.sized`.

    Left out, q is the smallest order whose switches hold the hosts with at most half the degree
    (rounded up) of hosts each, and p as few as hold them.
    """
    hosts = cluster.hosts
    filled = from_cluster(Parameters, KIND, given, cluster)
    filled["hosts"] = agreed(KIND, filled, "hosts", hosts, f"it has {hosts} NICs")
    radix, wanted = filled["radix"], filled.get("p")

    def most(q: int) -> int:
        return wanted or min(-(-(q + 1) // 2), radix - q - 1)

    if "q" not in filled:
        fitting = [q for q in range(2, radix - 1) if is_order(q) and q + 1 + most(q) <= radix]
        holding = [q for q in fitting if num_points(q) * most(q) >= hosts]
        if not holding:
            largest = max(fitting, key=lambda q: num_points(q) * most(q), default=None)
            raise refuse(
                KIND, "hosts", hosts, f"no PolarFly of {radix}-port switches holds them",
                () if largest is None
                else (f"q: {largest}, which holds {num_points(largest) * most(largest)}",),
            )  # fmt: skip
        filled["q"] = holding[0]
    _check_order(filled["q"])
    filled.setdefault("p", -(-hosts // num_points(filled["q"])))
    return validated(Parameters, KIND, filled)
