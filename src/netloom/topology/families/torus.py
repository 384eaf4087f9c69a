"""Torus: a lattice of any dimension in which every line is a ring.

Parameters: ``L_i`` switches around dimension i (dims), p hosts per switch, ``K_i`` links to each
neighbour. A ring of two switches has ``K_i`` links, a ring of one has none.

With `routers: endpoint` a switch is an accelerator's own router and no box, `endpoint_links` says
how many of its links the accelerator fills at once, and links between accelerators of one board
(`board`, accelerators along each dimension) are traces and no cables.

Closed form, ``R = prod L_i``: ``R p`` positions, R switches, ``K_i R`` links in each dimension with
``L_i > 2`` and ``K_i R / 2`` where ``L_i = 2``. Bisection ``min_i 2 K_i R / L_i`` links (``K_i R /
2`` where ``L_i = 2``). Diameter ``sum floor(L_i / 2)``; mean distance
``R / (R - 1) sum floor(L_i^2 / 4) / L_i``.

References
----------
Dally, Towles, "Principles and practices of interconnection networks", 2004, chapter 5.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Literal

import numpy as np
from pydantic import Field

from netloom.topology.fabric import Fabric, LinkClass
from netloom.topology.lattice import (
    LatticeParameters,
    build_lattice,
    class_name,
    fill_grid,
    line_trunks,
    num_links,
    widths,
)
from netloom.topology.parameters import Cluster, NumberList, from_cluster, refuse, validated

KIND = "torus"


class Parameters(LatticeParameters):
    """Parameters of a torus."""

    planes: int = Field(
        default=1, ge=1, description="Equal networks, one link of each NIC in each."
    )
    routers: Literal["switch", "endpoint"] = Field(
        default="switch", description="Switch boxes, or the endpoints' own routers."
    )
    endpoint_links: int = Field(
        default=1,
        ge=1,
        description="Links of one plane that an endpoint fills at once: 1 for a NIC, all ports of "
        "its own router for an accelerator that forwards.",
    )
    board: NumberList | None = Field(
        default=None,
        description="Accelerators of one board along each dimension, joined by traces.",
    )


def build(parameters: Parameters) -> Fabric:
    """Return the torus."""
    p = parameters
    _check(p)
    fabric = build_lattice(
        KIND, p, "ring",
        planes=p.planes, embedded=p.routers == "endpoint", host_links=p.endpoint_links,
    )  # fmt: skip
    return fabric if p.board is None else _with_boards(fabric, p.dims, p.board)


def _check(p: Parameters) -> None:
    if p.routers == "endpoint" and p.p != 1:
        raise refuse(KIND, "p", p.p, "an endpoint's own router has one endpoint", (1,))
    if p.board is None:
        return
    shown = ",".join(map(str, p.board))
    if p.routers != "endpoint":
        raise refuse(
            KIND, "board", shown, "switch boxes do not share a board", ("routers: endpoint",)
        )
    if len(p.board) != len(p.dims) or any(
        extent % side for extent, side in zip(p.dims, p.board, strict=True)
    ):
        near = (*p.board, *[1] * len(p.dims))[: len(p.dims)]
        sides = [math.gcd(extent, side) for extent, side in zip(p.dims, near, strict=True)]
        raise refuse(
            KIND, "board", shown, f"does not divide dims {','.join(map(str, p.dims))}",
            (f"board: {','.join(map(str, sides))}",),
        )  # fmt: skip


def _with_boards(fabric: Fabric, dims: tuple[int, ...], board: tuple[int, ...]) -> Fabric:
    """Return the fabric with links inside boards in a class of their own; trunks keep their order.

    Planes repeat the routers, so numbers modulo their count are places of the lattice.
    """
    places = np.stack(np.unravel_index(np.arange(math.prod(dims)), dims))
    boards = tuple(extent // side for extent, side in zip(dims, board, strict=True))
    board_of = np.ravel_multi_index(tuple(places // np.array(board)[:, None]), boards)
    inner = fabric.trunk_class > 0
    lower = board_of[fabric.trunk_lower[inner] % math.prod(dims)]
    upper = board_of[fabric.trunk_upper[inner] % math.prod(dims)]
    trunk_class = fabric.trunk_class.copy()
    trunk_class[np.flatnonzero(inner)[lower == upper]] = len(fabric.link_classes)
    rate = fabric.link_classes[0].link_bytes_per_s
    traces = LinkClass("board", 0, 0, rate, cabled=False)
    return dataclasses.replace(
        fabric, trunk_class=trunk_class, link_classes=(*fabric.link_classes, traces)
    )


def _board_links(p: Parameters, width: tuple[int, ...]) -> dict[str, int]:
    """Return the links of each dimension that stay on a board, in one plane."""
    switches = math.prod(p.dims)
    links = {}
    for number, (extent, side, k) in enumerate(
        zip(p.dims, p.board or (1,) * len(p.dims), width, strict=True)
    ):
        # a board as long as the ring closes it
        kept = line_trunks(extent, "ring") if side == extent else extent // side * (side - 1)
        links[class_name(number)] = k * kept * switches // extent
    return links


def closed_form(parameters: Parameters) -> dict[str, int]:
    """Return switches by tier and links by link class, as the module's text states them."""
    p = parameters
    switches, width = math.prod(p.dims), widths(KIND, p)
    name = "router" if p.routers == "endpoint" else "switch"
    kept = _board_links(p, width)
    plane = {} if p.routers == "endpoint" else {"switch": switches}
    plane[f"host-{name}"] = p.endpoint_links * (p.hosts or switches * p.p)
    for dimension, links in num_links(p.dims, width, "ring").items():
        plane[dimension] = links - kept[dimension]
    if p.board is not None:
        plane["board"] = sum(kept.values())
    return {key: p.planes * count for key, count in plane.items()}


def sized(cluster: Cluster, given: dict[str, Any]) -> Parameters:
    """Return a torus for a cluster; see `netloom.topology.sized`.

    What is left out follows the rule of `netloom.topology.lattice.fill_grid`.
    """
    filled = from_cluster(Parameters, KIND, given, cluster)
    fill_grid(KIND, filled, cluster.hosts)
    return validated(Parameters, KIND, filled)
