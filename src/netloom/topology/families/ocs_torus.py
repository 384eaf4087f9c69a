"""OCS torus: cubes of accelerators joined to a 3-D torus by optical circuit switches.

Parameters as in the source: cubes of ``c1 x c2 x c3`` accelerators (4 x 4 x 4 fill one rack).
Inside a cube the accelerators' routers form a mesh on copper; the links that leave the six faces
end on optical circuit switches (OCS). The two links at the same place of opposite faces go to the
same OCS for all cubes, so that any order of cubes along a dimension, and any torus of whole cubes,
is set by turning mirrors.

Closed form, C cubes:

- accelerators ``C c1 c2 c3``; links inside a cube ``sum over d of (c_d - 1) c1 c2 c3 / c_d``;
- places on the faces, and so OCS, ``c2 c3 + c1 c3 + c1 c2``: 48 for cubes of 4 x 4 x 4;
- optical links of a cube: two per place, 96; used ports of an OCS: ``2 C``, 128 for 64 cubes;
- diameter of the torus with sides L: ``sum of floor(L_d / 2)``; bisection ``2 N / max(L)`` links.

Light ends at the accelerators alone: a link to an OCS has one transceiver. A flow crosses a circuit
as one link. The torus that is switched is the most cubic one of all cubes unless `torus` says
otherwise.

References
----------
Jouppi et al., "TPU v4: an optically reconfigurable supercomputer for machine learning with hardware
support for embeddings", ISCA 2023, section 2: 4,096 chips, 64 cubes, 48 OCS. A TPU7x pod of 9,216
chips is 144 cubes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from pydantic import Field

from netloom.topology.fabric import HOST, Fabric, LinkClass, Tier
from netloom.topology.parameters import (
    Cluster,
    FamilyParameters,
    NumberList,
    agreed,
    from_cluster,
    refuse,
    validated,
)
from netloom.topology.trunks import fabric_of, joined

KIND = "ocs-torus"

#: Ports of one accelerator's router: two per dimension.
_PORTS = 6


class Parameters(FamilyParameters):
    """Parameters of a torus of cubes."""

    cubes: int = Field(ge=1, description="Cubes.")
    cube_dims: NumberList = Field(
        default=(4, 4, 4), description="Accelerators along each side of one cube, three numbers."
    )
    ocs_ports: int | None = Field(
        default=None, ge=2,
        description="Ports of one optical circuit switch; as many as needed when left out.",
    )  # fmt: skip
    torus: NumberList | None = Field(
        default=None,
        description="Cubes along each side of the torus; the most cubic one when left out.",
    )
    endpoint_links: int = Field(
        default=_PORTS, ge=1, le=_PORTS,
        description="Links that an endpoint fills at once: 6 when the router's ports are its own, "
        "1 for a NIC that feeds the router.",
    )  # fmt: skip
    hosts: int | None = Field(
        default=None, ge=1, description="Endpoints in use, when fewer than all accelerators."
    )


def build(parameters: Parameters) -> Fabric:
    """Return the torus of cubes."""
    p = parameters
    torus = _check(p)
    dims = np.array(p.cube_dims)
    per_cube = int(dims.prod())
    positions = p.cubes * per_cube
    hosts = positions if p.hosts is None else p.hosts
    cube, place = np.divmod(np.arange(positions), per_cube)
    inside = np.stack(np.unravel_index(place, dims))
    outside = np.stack(np.unravel_index(cube, torus))

    mesh, fibres, circuits = [], [], []
    first = positions
    for d in range(3):
        router = np.arange(positions)
        stays = inside[d] < dims[d] - 1
        mesh.append((router[stays], router[stays] + int(np.prod(dims[d + 1 :]))))
        far, near = np.flatnonzero(~stays), np.flatnonzero(inside[d] == 0)
        # the faces of a dimension have the same places, whatever the cube
        rest = tuple(np.delete(dims, d).tolist())
        for face in (near, far):
            spot = np.ravel_multi_index(tuple(np.delete(inside[:, face], d, axis=0)), rest)
            fibres.append((face, first + spot))
        first += math.prod(rest)
        next_cube = outside[:, far].copy()
        next_cube[d] = (next_cube[d] + 1) % torus[d]
        entry = inside[:, far].copy()
        entry[d] = 0
        at = np.ravel_multi_index(tuple(next_cube), torus) * per_cube
        circuits.append((far, at + np.ravel_multi_index(tuple(entry), tuple(dims))))

    rate = p.link_bytes_per_s
    host = LinkClass("host-accelerator", HOST, 0, rate, p.cage_ports, cabled=False)
    cube_class = LinkClass("cube", 0, 0, rate, p.cage_ports, electrical=True)
    host_part = (0, np.arange(hosts), np.arange(hosts), p.endpoint_links)
    mesh_parts = [(1, low, high, 1) for low, high in mesh]
    num_ocs = int(first - positions)
    return fabric_of(
        KIND, p.model_dump(), num_endpoints=hosts,
        tiers=(
            Tier("accelerator", positions, _PORTS + p.endpoint_links, "embedded"),
            Tier("ocs", num_ocs, 2 * p.cubes if p.ocs_ports is None else p.ocs_ports, "circuit"),
        ),
        link_classes=(host, cube_class, LinkClass("accelerator-ocs", 0, 1, rate, p.cage_ports)),
        trunks=joined([host_part, *mesh_parts, *((2, low, high, 1) for low, high in fibres)]),
        circuits=(
            (host, cube_class, LinkClass("circuit", 0, 0, rate)),
            joined([
                host_part, *mesh_parts,
                *((2, np.minimum(*ends), np.maximum(*ends), 1) for ends in circuits),
            ]),
        ),
        switch_block=np.concatenate([cube, np.full(num_ocs, -1)]),
        endpoint_block=cube[:hosts],
        bisection_bytes_per_s=2 * positions / max(dims * torus) * rate,
    )  # fmt: skip


def most_cubic(cubes: int) -> tuple[int, int, int]:
    """Return the torus of whole cubes whose longest side, then whose next, is the shortest.

    Examples
    --------
    >>> most_cubic(64), most_cubic(144), most_cubic(7)
    ((4, 4, 4), (4, 6, 6), (1, 1, 7))
    """
    shapes = [
        (one, two, cubes // one // two)
        for one in range(1, cubes + 1) if cubes % one == 0 and one**3 <= cubes
        for two in range(one, cubes + 1)
        if cubes // one % two == 0 and two * two <= cubes // one
    ]  # fmt: skip
    return min(shapes, key=lambda shape: shape[::-1])


def _check(p: Parameters) -> tuple[int, int, int]:
    """Return the torus of cubes; raise `ParameterError` for what cannot be built."""
    text = ",".join(map(str, p.cube_dims))
    if len(p.cube_dims) != 3 or min(p.cube_dims) < 2:
        sides = tuple(max(2, side) for side in (*p.cube_dims, 2, 2, 2)[:3])
        raise refuse(
            KIND, "cube_dims", text, "three sides of at least 2 are meant",
            (",".join(map(str, sides)), "4,4,4" if sides != (4, 4, 4) else "2,2,2"),
        )  # fmt: skip
    torus = most_cubic(p.cubes) if p.torus is None else p.torus
    if len(torus) != 3 or math.prod(torus) != p.cubes:
        raise refuse(
            KIND, "torus", ",".join(map(str, torus)), f"is no torus of {p.cubes} cubes",
            (",".join(map(str, most_cubic(p.cubes))),),
        )  # fmt: skip
    if p.ocs_ports is not None and p.ocs_ports < 2 * p.cubes:
        raise refuse(
            KIND, "ocs_ports", p.ocs_ports, f"{p.cubes} cubes take {2 * p.cubes} ports of each OCS",
            (2 * p.cubes, f"cubes: {p.ocs_ports // 2}"),
        )  # fmt: skip
    positions = p.cubes * math.prod(p.cube_dims)
    if p.hosts is not None and p.hosts > positions:
        raise refuse(
            KIND, "hosts", p.hosts, f"{p.cubes} cubes of {text} hold {positions}",
            (positions, f"cubes: {-(-p.hosts // math.prod(p.cube_dims))}"),
        )  # fmt: skip
    return torus[0], torus[1], torus[2]


def closed_form(parameters: Parameters) -> dict[str, int]:
    """Return switches by tier and links by link class, as the module's text states them."""
    p = parameters
    per_cube = math.prod(p.cube_dims)
    places = sum(per_cube // side for side in p.cube_dims)
    return {
        "ocs": places,
        "host-accelerator": (p.hosts or p.cubes * per_cube) * p.endpoint_links,
        "cube": p.cubes * sum((side - 1) * per_cube // side for side in p.cube_dims),
        "accelerator-ocs": 2 * p.cubes * places,
    }


def sized(cluster: Cluster, given: dict[str, Any]) -> Parameters:
    """Return a torus of cubes for a cluster; see `netloom.topology.sized`.

    Left out, there are as many cubes as the endpoints need, and an OCS has the ports of the
    cluster's switch. A NIC feeds its router with one link.
    """
    hosts = cluster.hosts
    filled = from_cluster(Parameters, KIND, given, cluster)
    filled["hosts"] = agreed(KIND, filled, "hosts", hosts, f"it has {hosts} NICs")
    filled.setdefault("endpoint_links", 1)
    per_cube = math.prod(filled.get("cube_dims", (4, 4, 4)))
    filled.setdefault("cubes", -(-hosts // per_cube))
    filled.setdefault("ocs_ports", cluster.num_ports)
    return validated(Parameters, KIND, filled)
