"""Slim Fly: the diameter-two graphs of McKay, Miller and Siran (MMS) on 2 q^2 switches.

Parameters as in the source: q a prime power with ``q = 4 w + delta``, delta in {-1, 0, 1}, which is
any prime power but 2; p hosts per switch. Arithmetic is that of the field GF(q).

Switches are ``(0, x, y)`` and ``(1, m, c)`` with x, y, m, c in GF(q). With the sets X and X' of
powers of a primitive element, ``(0, x, y)`` and ``(0, x, y')`` are joined when ``y - y'`` is in X,
``(1, m, c)`` and ``(1, m, c')`` when ``c - c'`` is in X', and ``(0, x, y)`` and ``(1, m, c)`` when
``y = m x + c``. Switches ``(0, i, .)`` and ``(1, i, .)`` stand together in group i.

Closed form: ``2 q^2 p`` positions, ``2 q^2`` switches of degree ``k' = (3 q - delta) / 2``,
``q^2 k'`` links. Of these ``q (q (q - delta) / 2 + q)`` are inside groups; any two groups are
joined by ``2 q``. Diameter 2; mean distance ``2 - k' / (2 q^2 - 1)``. Balanced, with full
throughput under uniform traffic, at ``p = ceil(k' / 2)``. The bisection stated is the cut by groups
into halves of ``q^2`` switches, ``q ceil(q^2 / 2)`` links; for odd q one group is cut between its
two kinds of switches. A cut is an upper bound of the least one.

References
----------
Besta, Hoefler, "Slim Fly: a cost effective low-diameter network topology", SC 2014, section II.
Hafner, "Geometric realisation of the graphs of McKay-Miller-Siran", Journal of Combinatorial Theory
B 90, 2004, for the sets X and X'. Blach et al., "A high-performance design, implementation,
deployment, and evaluation of the Slim Fly network", NSDI 2024, for groups as racks.
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

KIND = "slim-fly"


class Parameters(FamilyParameters):
    """Parameters of a Slim Fly."""

    q: int = Field(ge=1, description="Order of the finite field: a prime power from 3.")
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
    hosts: int | None = Field(default=None, ge=1, description="Endpoints, when fewer than 2*q^2*p.")


def is_order(q: int) -> bool:
    """Return whether there is an MMS graph: q is a prime power other than 2.

    Examples
    --------
    >>> [q for q in range(30) if is_order(q)]
    [3, 4, 5, 7, 8, 9, 11, 13, 16, 17, 19, 23, 25, 27, 29]
    """
    return q % 4 != 2 and prime_power(q) is not None


def degree(q: int) -> int:
    """Return the switch-to-switch ports of one switch.

    Examples
    --------
    >>> degree(5), degree(13), degree(16)
    (7, 19, 24)
    """
    return (3 * q - _delta(q)) // 2


def _delta(q: int) -> int:
    return {0: 0, 1: 1, 3: -1}[q % 4]


def build(parameters: Parameters) -> Fabric:
    """Return the Slim Fly."""
    given = parameters
    _check_order(given.q)
    q, network_ports = given.q, degree(given.q)
    p = hosts_per_switch(given)
    fitting = largest_order(given.radix, p) if given.radix is not None else None
    num_ports = check_ports(
        KIND, p, network_ports, given.radix, *([] if fitting is None else [f"q: {fitting}"])
    )
    hosts = check_hosts(KIND, given.hosts, 2 * q * q, p)
    lower, upper = mms_links(q)
    inside = lower // (2 * q) == upper // (2 * q)
    return direct_fabric(
        KIND, given, hosts=hosts, p=p, num_ports=num_ports,
        block=np.repeat(np.arange(q), 2 * q),
        wires=[
            Wires("local", lower[inside], upper[inside]),
            Wires("global", lower[~inside], upper[~inside]),
        ],
        routing=TwoHopRouting.build,
        bisection_links=q * -(-q * q // 2),
    )  # fmt: skip


def hosts_per_switch(parameters: Parameters) -> int:
    """Return p, which is half the degree, rounded up, when left out."""
    return -(-degree(parameters.q) // 2) if parameters.p is None else parameters.p


def largest_order(radix: int, p: int) -> int | None:
    """Return the largest q whose switches have the ports; None when there is none."""
    orders = range(2 * radix, 2, -1)
    return next((q for q in orders if is_order(q) and p + degree(q) <= radix), None)


def _check_order(q: int) -> None:
    if is_order(q):
        return
    why = "an MMS graph has q = 4w - 1, 4w or 4w + 1" if q == 2 else "no prime power, so no field"
    raise refuse(KIND, "q", q, why, nearest_prime_powers(q, is_order))


def generator_sets(field: FiniteField) -> tuple[np.ndarray, np.ndarray]:
    """Return X and X', closed under negation, as elements of the field.

    delta 1: even powers, and odd powers. delta 0: even powers 0, 2, ..., 4w - 2 and odd powers 1,
    3, ..., 4w - 1. delta -1: powers 0, 2, ..., 2w - 2 and 2w - 1, 2w + 1, ..., 4w - 3; X' is x
    times X.

    Examples
    --------
    >>> [part.tolist() for part in generator_sets(finite_field(5))]
    [[1, 4], [2, 3]]
    """
    q = field.order
    if _delta(q) >= 0:
        even = np.arange(0, q - 1, 2)
    else:
        w = (q + 1) // 4
        even = np.concatenate([np.arange(0, 2 * w, 2), np.arange(2 * w - 1, 4 * w - 2, 2)])
    first, second = field.power[even], field.power[(even + 1) % (q - 1)]
    return np.sort(first), np.sort(second)


def mms_links(q: int) -> tuple[np.ndarray, np.ndarray]:
    """Return both switches of every link, the lower number first, int64, shape (q^2 k',).

    Switch ``(s, i, j)`` has number ``2 q i + q s + j``.
    """
    field = finite_field(q)
    number = np.arange(q)
    near, far = np.triu_indices(q, 1)
    difference = field.plus[near, field.negative[far]]
    lowers, uppers = [], []
    for side, elements in enumerate(generator_sets(field)):
        joined = np.isin(difference, elements)
        first = 2 * q * number[:, None] + q * side
        lowers.append((first + near[joined]).ravel())
        uppers.append((first + far[joined]).ravel())
    x, m, c = (axis.ravel() for axis in np.meshgrid(number, number, number, indexing="ij"))
    one, other = 2 * q * x + field.plus[field.times[m, x], c], 2 * q * m + q + c
    lowers.append(np.minimum(one, other))
    uppers.append(np.maximum(one, other))
    return np.concatenate(lowers), np.concatenate(uppers)


def closed_form(parameters: Parameters) -> dict[str, int]:
    """Return switches by tier and links by link class, as the module's text states them."""
    q = parameters.q
    local = q * (q * (q - _delta(q)) // 2 + q)
    return {
        "switch": 2 * q * q,
        "host-switch": parameters.hosts or 2 * q * q * hosts_per_switch(parameters),
        "local": local,
        "global": q * q * degree(q) - local,
    }


def sized(cluster: Cluster, given: dict[str, Any]) -> Parameters:
    """Return a Slim Fly for a cluster; see `netloom.topology.sized`.

    Left out, q is the smallest order whose switches hold the hosts with at most half the degree
    (rounded up) of hosts each, and p as few as hold them.
    """
    hosts = cluster.hosts
    filled = from_cluster(Parameters, KIND, given, cluster)
    filled["hosts"] = agreed(KIND, filled, "hosts", hosts, f"it has {hosts} NICs")
    radix, wanted = filled["radix"], filled.get("p")

    def most(q: int) -> int:
        return wanted or min(-(-degree(q) // 2), radix - degree(q))

    if "q" not in filled:
        fitting = [q for q in range(3, radix) if is_order(q) and degree(q) < radix]
        fitting = [q for q in fitting if degree(q) + most(q) <= radix]
        holding = [q for q in fitting if 2 * q * q * most(q) >= hosts]
        if not holding:
            largest = max(fitting, key=lambda q: 2 * q * q * most(q), default=None)
            raise refuse(
                KIND, "hosts", hosts, f"no Slim Fly of {radix}-port switches holds them",
                () if largest is None
                else (f"q: {largest}, which holds {2 * largest**2 * most(largest)}",),
            )  # fmt: skip
        filled["q"] = holding[0]
    _check_order(filled["q"])
    filled.setdefault("p", -(-hosts // (2 * filled["q"] ** 2)))
    return validated(Parameters, KIND, filled)
