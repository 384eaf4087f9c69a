"""Switches on a lattice of any dimension: the part that HyperX, torus and mesh share.

D dimensions of ``L_i`` places, switches numbered row-major (the last dimension runs fastest), so
``R = prod L_i``. The places of a line of dimension i are wired fully, as a ring or as a line, with
``K_i`` links to each neighbour. Trunks of one dimension are numbered by the switch's coordinates
before it, then by the trunk's place in the line, then by the coordinates after it:
`netloom.kernels.lattice` computes them. A ring of two places has one trunk.

Lines have trunks ``T_i = L_i (L_i - 1) / 2`` (full), ``L_i`` (ring, L_i > 2) or ``L_i - 1`` (line,
or a ring of two), a switch has at most ``K_i (L_i - 1)``, ``2 K_i`` or ``K_i min(2, L_i - 1)``
ports in them, and dimension i has ``K_i T_i R / L_i`` links.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from netloom.topology.direct import Wires, check_hosts, check_ports, direct_fabric
from netloom.topology.fabric import Fabric
from netloom.topology.parameters import (
    FamilyParameters,
    NumberList,
    agreed,
    refuse,
)
from netloom.topology.routing.dimension_order import DimensionOrderRouting, Wiring
from netloom.topology.routing.shortest import ShortestRouting

Route = Literal["dimension-order", "minimal"]


class LatticeParameters(FamilyParameters):
    """Parameters of a lattice of switches."""

    dims: NumberList = Field(
        min_length=1, description="Switches along each dimension, a comma list."
    )
    p: int = Field(default=1, ge=1, description="Hosts of one switch.")
    K: NumberList = Field(
        default=(1,),
        description="Links to each neighbour, one number for all dimensions or one for each.",
    )
    radix: int | None = Field(
        default=None,
        ge=1,
        description="Ports of one switch at the link rate; as many as needed when left out.",
    )
    hosts: int | None = Field(
        default=None, ge=1, description="Endpoints, when fewer than all positions."
    )
    route: Route = Field(
        default="dimension-order",
        description="One dimension after another, or spread over all shortest paths (minimal).",
    )


def widths(kind: str, parameters: LatticeParameters) -> tuple[int, ...]:
    """Return the links to each neighbour by dimension; refuse a list of another length."""
    given, num_dims = parameters.K, len(parameters.dims)
    if len(given) == 1:
        return given * num_dims
    if len(given) != num_dims:
        each = (*given, *[given[-1]] * num_dims)[:num_dims]
        raise refuse(
            kind, "K", _listed(given), f"there are {num_dims} dimensions",
            (f"K: {given[0]}", f"K: {_listed(each)}"),
        )  # fmt: skip
    return given


def _listed(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))


def line_trunks(extent: int, wiring: Wiring) -> int:
    """Return the trunks of one line.

    Examples
    --------
    >>> line_trunks(4, "full"), line_trunks(4, "ring"), line_trunks(4, "line")
    (6, 4, 3)
    >>> line_trunks(2, "ring"), line_trunks(1, "ring")
    (1, 0)
    """
    if wiring == "full":
        return extent * (extent - 1) // 2
    return extent if wiring == "ring" and extent > 2 else extent - 1


def line_neighbours(extent: int, wiring: Wiring) -> int:
    """Return the most neighbours that a switch has in one line."""
    return extent - 1 if wiring == "full" else min(2, extent - 1)


def line_cut(extent: int, wiring: Wiring) -> int:
    """Return the trunks of one line between halves, ``floor(L/2)`` and ``ceil(L/2)`` places."""
    if extent == 1:
        return 0
    if wiring == "full":
        return extent // 2 * -(-extent // 2)
    return 2 if wiring == "ring" and extent > 2 else 1


def network_ports(dims: Sequence[int], width: Sequence[int], wiring: Wiring) -> int:
    """Return the most switch-to-switch ports of one switch."""
    return sum(k * line_neighbours(extent, wiring) for extent, k in zip(dims, width, strict=True))


def num_links(dims: Sequence[int], width: Sequence[int], wiring: Wiring) -> dict[str, int]:
    """Return the links of each dimension by link-class name."""
    switches = math.prod(dims)
    return {
        class_name(number): k * line_trunks(extent, wiring) * switches // extent
        for number, (extent, k) in enumerate(zip(dims, width, strict=True))
    }


def closed_form(kind: str, parameters: LatticeParameters, wiring: Wiring) -> dict[str, int]:
    """Return switches by tier and links by link class of a lattice of switch boxes."""
    switches = math.prod(parameters.dims)
    return {
        "switch": switches,
        "host-switch": parameters.hosts or switches * parameters.p,
        **num_links(parameters.dims, widths(kind, parameters), wiring),
    }


def class_name(dimension: int) -> str:
    """Return the link-class name of a dimension, counted from 0."""
    return f"dimension {dimension + 1}"


def bisection_links(dims: Sequence[int], width: Sequence[int], wiring: Wiring) -> float:
    """Return the fewest links that a cut across a dimension takes; infinite for one switch.

    Examples
    --------
    >>> bisection_links((8, 8), (1, 1), "full"), bisection_links((4, 4, 4), (1, 1, 1), "ring")
    (128, 32)
    """
    switches = math.prod(dims)
    cuts = [
        k * line_cut(extent, wiring) * switches // extent
        for extent, k in zip(dims, width, strict=True)
        if extent > 1
    ]
    return min(cuts, default=math.inf)


def lattice_trunks(dims: Sequence[int], dimension: int, wiring: Wiring) -> NDArray[np.int64]:
    """Return lower and upper switch of each trunk of a dimension, int64, shape (2, T)."""
    extent, stride = dims[dimension], math.prod(dims[dimension + 1 :])
    switch = np.arange(math.prod(dims)).reshape(-1, extent, stride)
    if wiring == "full":
        near, far = np.triu_indices(extent, 1)
        return np.stack([switch[:, near].ravel(), switch[:, far].ravel()])
    kept = line_trunks(extent, wiring)
    following = np.roll(switch, -1, axis=1)
    return np.stack([switch[:, :kept].ravel(), following[:, :kept].ravel()])


def build_lattice(
    kind: str,
    parameters: LatticeParameters,
    wiring: Wiring,
    *,
    planes: int = 1,
    embedded: bool = False,
    host_links: int = 1,
) -> Fabric:
    """Return the lattice; `netloom.topology.direct.direct_fabric` says what the options mean."""
    p, dims = parameters, parameters.dims
    width = widths(kind, p)
    num_ports = check_ports(
        kind, p.p, network_ports(dims, width, wiring), p.radix, host_links=host_links
    )
    hosts = check_hosts(kind, p.hosts, math.prod(dims), p.p)
    wires = []
    for number, links in enumerate(width):
        lower, upper = lattice_trunks(dims, number, wiring)
        wires.append(Wires(class_name(number), lower, upper, links))
    # the kernel's ring needs a trunk from the last place to the first, which two places lack
    wirings = tuple("line" if wiring == "ring" and extent <= 2 else wiring for extent in dims)
    by_dimension = functools.partial(DimensionOrderRouting.build, dims=dims, wiring=wirings)
    return direct_fabric(
        kind, p, hosts=hosts, p=p.p, num_ports=num_ports,
        block=np.zeros(math.prod(dims), dtype=np.int64),
        wires=wires,
        routing=by_dimension if p.route == "dimension-order" else ShortestRouting.build,
        bisection_links=bisection_links(dims, width, wiring),
        planes=planes, embedded=embedded, host_links=host_links,
    )  # fmt: skip


def even_dims(switches: int, num_dims: int) -> tuple[int, ...]:
    """Return extents near to each other whose product is little more than `switches`.

    All start at the root rounded up; from the first on, each is taken down while the product still
    holds.

    Examples
    --------
    >>> even_dims(64, 3), even_dims(1024, 3), even_dims(10, 2), even_dims(1, 3)
    ((4, 4, 4), (9, 11, 11), (3, 4), (1, 1, 1))
    """
    side = 1
    while side**num_dims < switches:
        side += 1
    dims = [side] * num_dims
    for place in range(num_dims):
        rest = math.prod(dims) // dims[place]
        dims[place] = -(-switches // rest)
    return tuple(dims)


def fill_grid(kind: str, filled: dict[str, Any], hosts: int) -> None:
    """Fill in what a torus's or mesh's parameters lack, three dimensions unless said.

    Without `dims` and `p`, a quarter of the ports goes to hosts and the rest to neighbours in equal
    parts; fewer hosts per switch when they all are held. Without one of the two, it follows from
    the other, and there is one link to each neighbour.
    """
    filled["hosts"] = agreed(kind, filled, "hosts", hosts, f"it has {hosts} NICs")
    if "dims" not in filled:
        num_dims = max(3, len(filled.get("K", ())))
        if "p" not in filled:
            p = max(1, filled["radix"] // 4)
            filled.setdefault("K", (max(1, (filled["radix"] - p) // (2 * num_dims)),))
            filled["p"] = p
        filled["dims"] = even_dims(-(-hosts // filled["p"]), num_dims)
    filled.setdefault("p", -(-hosts // math.prod(filled["dims"])))
