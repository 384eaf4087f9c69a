"""HyperX: a lattice of switches in which every line is fully meshed.

Parameters as in the source: ``L_i`` switches along dimension i (dims), p hosts per switch, ``K_i``
links between any two switches of a line. With all K equal to 1 it is the Hamming graph, the
n-dimensional full mesh; one dimension is a full mesh.

Closed form, ``R = prod L_i``: ``R p`` positions, R switches of ``p + sum K_i (L_i - 1)`` ports,
``R sum K_i (L_i - 1) / 2`` links. Bisection
``min_i (R / L_i) floor(L_i / 2) ceil(L_i / 2) K_i`` links. Diameter: the number of dimensions with
``L_i > 1``; mean distance ``R / (R - 1) sum (1 - 1 / L_i)``.

References
----------
Ahn, Binkert, Davis, McLaren, Schreiber, "HyperX: topology, routing, and packaging of efficient
large-scale networks", SC 2009, section 3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from netloom.topology import lattice
from netloom.topology.fabric import Fabric
from netloom.topology.parameters import Cluster, agreed, from_cluster, refuse, validated

KIND = "hyperx"

#: More dimensions than this are not tried for a cluster.
_MOST_DIMS = 4


class Parameters(lattice.LatticeParameters):
    """Parameters of a HyperX."""


def build(parameters: Parameters) -> Fabric:
    """Return the HyperX."""
    return lattice.build_lattice(KIND, parameters, "full")


def closed_form(parameters: Parameters) -> dict[str, int]:
    """Return switches by tier and links by link class, as the module's text states them."""
    return lattice.closed_form(KIND, parameters, "full")


def sized(cluster: Cluster, given: dict[str, Any]) -> Parameters:
    """Return a HyperX for a cluster; see `netloom.topology.sized`.

    Left out, the dimensions are those of the fewest switches, and the fewest dimensions among
    equals, with at most K hosts on a switch for each switch of the shortest line, which is at least
    half of full bisection. All lines are as long as the longest but the last, which may be shorter.
    K is one number, the least that allows it; 1 where the dimensions are given.
    """
    hosts = cluster.hosts
    filled = from_cluster(Parameters, KIND, given, cluster)
    filled["hosts"] = agreed(KIND, filled, "hosts", hosts, f"it has {hosts} NICs")
    if "dims" not in filled:
        filled["dims"], filled["K"] = _fewest_switches(hosts, filled)
    filled.setdefault("p", -(-hosts // math.prod(filled["dims"])))
    return validated(Parameters, KIND, filled)


def _fewest_switches(hosts: int, filled: dict[str, Any]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return dimensions and links to each neighbour."""
    radix, wanted, given = filled["radix"], filled.get("p"), filled.get("K")
    if hosts <= (wanted or radix):
        return (1,) * len(given or (1,)), given or (1,)
    best: tuple[int, int, tuple[int, ...], tuple[int, ...]] | None = None
    largest = 0
    for dims in _shapes(radix, None if given is None or len(given) == 1 else len(given)):
        switches = math.prod(dims)
        p = wanted or -(-hosts // switches)
        width = given or (-(-p // dims[-1]),)
        each = width * (len(dims) // len(width))
        fits = p + lattice.network_ports(dims, each, "full") <= radix
        # a given p is the user's own balance of hosts and links
        holds = switches * p >= hosts and (bool(wanted) or p <= min(each) * dims[-1])
        least = given or (1,)
        spare = radix - lattice.network_ports(dims, least * (len(dims) // len(least)), "full")
        largest = max(largest, switches * min(wanted or dims[-1] * min(least), spare))
        if fits and holds and (best is None or (switches, len(dims)) < best[:2]):
            best = switches, len(dims), dims, width
    if best is None:
        raise refuse(
            KIND, "hosts", hosts,
            f"no HyperX of {radix}-port switches in at most {_MOST_DIMS} dimensions holds them "
            "with the given parameters",
            (*([largest] if largest > 0 else []), "a larger radix"),
        )  # fmt: skip
    return best[2:]


def _shapes(radix: int, num_dims: int | None) -> Iterator[tuple[int, ...]]:
    """Yield dimensions that switches of a radix can have: all alike, the last maybe shorter."""
    for count in range(1, _MOST_DIMS + 1) if num_dims is None else (num_dims,):
        for extent in range(2, radix + 1):
            for last in range(2, extent + 1):
                dims = (extent,) * (count - 1) + (last,)
                if lattice.network_ports(dims, (1,) * count, "full") >= radix:
                    break
                yield dims
