"""HammingMesh: boards of accelerators in a 2-D mesh, joined by a network per row and per column.

Parameters as in the source: boards of ``a x b`` accelerators (a along the row), a grid of ``x x y``
boards. Each accelerator has its own router with four ports per plane: west, east, south, north. On
a board the routers form a mesh of traces; at the edges of the board ports leave for the networks.

Closed form of one plane, k = radix:

- ``b y`` rows with a network of ``2 x`` ports each, as a board contributes both its edges, and
  ``a x`` columns of ``2 y`` ports;
- a network of ``n <= k`` ports shares its switch with others: ``ceil(networks / (k // n))``
  switches;
- a network of more ports is a two-level tree of ``l = ceil(n / (k // 2))`` leaves with
  ``k - k // 2`` uplinks each and ``ceil(l (k - k // 2) / k)`` spines;
- ``2 b x y`` links into rows, ``2 a x y`` into columns, ``b (a - 1) + a (b - 1)`` traces per board.

With boards of 1 x 1 this is the 2-D HyperX of the source's cost table, whose accelerators have four
ports too. Networks that share a switch are joined by it, as any two ports of a switch are. Copper
goes to the rows, light to the columns, light is inside the trees. Two halves of a grid with an even
number of boards meet in ``b x y`` links of the rows: ``1 / (2 a)`` of four ports' injection.

References
----------
Hoefler, Bonato, De Sensi, Di Girolamo, Li, Heddes, Belk, Goel, Castro, Scott, "HammingMesh: a
network topology for large-scale deep learning", SC 2022, section III and table II.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from pydantic import Field

from netloom.topology.clos import deal, level_of
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

KIND = "hammingmesh"

#: Ports of one router in one plane: west, east, south, north.
_PORTS = 4


class Parameters(FamilyParameters):
    """Parameters of a HammingMesh."""

    board: NumberList = Field(description="Accelerators of one board, along the row and across.")
    grid: NumberList = Field(description="Boards along a row and along a column.")
    radix: int = Field(ge=4, description="Ports of one switch at the link rate.")
    planes: int = Field(default=1, ge=1, description="Equal networks, four ports of a router each.")
    endpoint_links: int = Field(
        default=_PORTS, ge=1, le=_PORTS,
        description="Links of one plane that an endpoint fills at once: 4 when the router's ports "
        "are its own, 1 for a NIC that feeds the router.",
    )  # fmt: skip
    hosts: int | None = Field(
        default=None, ge=1, description="Endpoints in use, when fewer than all positions."
    )


def build(parameters: Parameters) -> Fabric:
    """Return the boards with their row and column networks."""
    p = parameters
    _check(p)
    (a, b), (x, y) = p.board, p.grid
    positions = a * b * x * y
    hosts = positions if p.hosts is None else p.hosts
    # accelerators are numbered board by board; row and column are those of the whole grid
    board, place = np.divmod(np.arange(positions), a * b)
    grid_row, grid_column = np.divmod(board, x)
    board_row, board_column = np.divmod(place, a)

    tiers = [Tier("accelerator", positions, _PORTS + p.endpoint_links, "embedded")]
    classes = [
        LinkClass("host-accelerator", HOST, 0, p.link_bytes_per_s, p.cage_ports, cabled=False)
    ]
    parts: list[tuple[int, Any, Any, Any]] = [
        (0, np.arange(hosts), np.arange(hosts), p.endpoint_links)
    ]
    right, above = board_column < a - 1, board_row < b - 1
    if right.any() or above.any():
        classes.append(LinkClass("board", 0, 0, p.link_bytes_per_s, cabled=False))
        router = np.arange(positions)
        parts += [
            (1, router[right], router[right] + 1, 1),
            (1, router[above], router[above] + a, 1),
        ]
    for name, network, ports, column, last, electrical in (
        ("row", grid_row * b + board_row, 2 * x, board_column, a - 1, True),
        ("column", grid_column * a + board_column, 2 * y, board_row, b - 1, False),
    ):
        # port 2 i is the near edge of the i-th board, 2 i + 1 the far one
        ordinal = 2 * (grid_column if name == "row" else grid_row)
        near, far = np.flatnonzero(column == 0), np.flatnonzero(column == last)
        router = np.concatenate([near, far])
        port = np.concatenate([ordinal[near], ordinal[far] + 1])
        _add_network(p, tiers, classes, parts, name, (router, network[router], port), ports,
                     electrical=electrical)  # fmt: skip
    num_other = sum(tier.num_switches for tier in tiers[1:])
    return fabric_of(
        KIND, p.model_dump(), num_endpoints=hosts, tiers=tiers, link_classes=classes,
        trunks=joined(parts), planes=p.planes,
        switch_block=np.concatenate([grid_row, np.full(num_other, -1)]),
        endpoint_block=grid_row[:hosts], bisection_bytes_per_s=_bisection_bytes_per_s(p),
    )  # fmt: skip


def _bisection_bytes_per_s(p: Parameters) -> float | None:
    """Return the least over both directions of a cut between boards; None for a single board."""
    (a, b), (x, y) = p.board, p.grid
    cuts = [2 * (x // 2) * b * y] * (x > 1) + [2 * (y // 2) * a * x] * (y > 1)
    return min(cuts) * p.planes * p.link_bytes_per_s if cuts else None


def _add_network(
    p: Parameters, tiers: list[Tier], classes: list[LinkClass], parts: list[Any], name: str,
    links: tuple[np.ndarray, np.ndarray, np.ndarray], ports: int, *, electrical: bool,
) -> None:  # fmt: skip
    """Add the switches of all rows or of all columns; `links` are router, network and port."""
    router, network, port = links
    networks = int(network.max()) + 1
    first = sum(tier.num_switches for tier in tiers)
    leaves, spines, together = network_switches(ports, p.radix)
    rate = p.link_bytes_per_s
    classes.append(
        LinkClass(f"accelerator-{name}", 0, len(tiers), rate, p.cage_ports, electrical=electrical)
    )
    if not spines:
        boxes = -(-networks // together)
        tiers.append(Tier(name, boxes, p.radix))
        parts.append((len(classes) - 1, router, first + network // together, 1))
        return
    leaf = first + network * leaves + port // (p.radix // 2)
    parts.append((len(classes) - 1, router, leaf, 1))
    tiers += [
        Tier(name, networks * leaves, p.radix), Tier(f"{name}-spine", networks * spines, p.radix)
    ]  # fmt: skip
    classes.append(
        LinkClass(f"{name}-tree", len(tiers) - 2, len(tiers) - 1, rate, p.cage_ports,
                  electrical=False)
    )  # fmt: skip
    uplinks = np.full(networks * leaves, p.radix - p.radix // 2)
    lower, upper, count = deal(
        level_of(name, p.radix, 1, uplinks, np.repeat(np.arange(networks), leaves)),
        level_of(f"{name}-spine", p.radix, spines, np.zeros(networks, dtype=np.int64)),
    )
    parts.append((len(classes) - 1, first + lower, first + networks * leaves + upper, count))


def network_switches(ports: int, radix: int) -> tuple[int, int, int]:
    """Return leaves and spines of one network, and how many networks share one switch.

    Examples
    --------
    >>> network_switches(32, 64), network_switches(128, 64), network_switches(256, 64)
    ((1, 0, 2), (4, 2, 1), (8, 4, 1))
    """
    if ports <= radix:
        return 1, 0, radix // ports
    leaves = -(-ports // (radix // 2))
    return leaves, -(-leaves * (radix - radix // 2) // radix), 1


def _check(p: Parameters) -> None:
    for name, pair in (("board", p.board), ("grid", p.grid)):
        if len(pair) != 2:
            nearest = (*pair, 1, 1)[:2]
            raise refuse(KIND, name, _text(pair), "two numbers are meant", (_text(nearest),))
    most = p.radix * (p.radix // 2) // 2
    for axis, boards in zip(("row", "column"), p.grid, strict=True):
        if boards > most:
            fitting = tuple(min(each, most) for each in p.grid)
            wider = next(k for k in range(p.radix, 2 * boards + 3) if k * (k // 2) // 2 >= boards)
            raise refuse(
                KIND, "grid", _text(p.grid),
                f"a {axis} of {2 * boards} ports is more than two tiers of {p.radix}-port "
                f"switches have",
                (_text(fitting), f"radix: {wider}"),
            )  # fmt: skip
    positions = math.prod((*p.board, *p.grid))
    if p.hosts is not None and p.hosts > positions:
        raise refuse(
            KIND, "hosts", p.hosts, f"{_text(p.grid)} boards of {_text(p.board)} hold {positions}",
            (positions,),
        )  # fmt: skip


def _text(pair: tuple[int, ...]) -> str:
    return ",".join(str(number) for number in pair)


def closed_form(parameters: Parameters) -> dict[str, int]:
    """Return switches by tier and links by link class, as the module's text states them."""
    p = parameters
    (a, b), (x, y) = p.board, p.grid
    positions = a * b * x * y
    counts = {"host-accelerator": (p.hosts or positions) * p.endpoint_links * p.planes}
    traces = (b * (a - 1) + a * (b - 1)) * x * y
    if traces:
        counts["board"] = traces * p.planes
    for name, networks, ports, links in (
        ("row", b * y, 2 * x, 2 * b * x * y), ("column", a * x, 2 * y, 2 * a * x * y)
    ):  # fmt: skip
        leaves, spines, together = network_switches(ports, p.radix)
        counts[f"accelerator-{name}"] = links * p.planes
        if not spines:
            counts[name] = -(-networks // together) * p.planes
            continue
        counts[name] = networks * leaves * p.planes
        counts[f"{name}-spine"] = networks * spines * p.planes
        counts[f"{name}-tree"] = networks * leaves * (p.radix - p.radix // 2) * p.planes
    return counts


def sized(cluster: Cluster, given: dict[str, Any]) -> Parameters:
    """Return a HammingMesh for a cluster; see `netloom.topology.sized`.

    Left out, boards are 2 x 2 and the grid is as square as the boards allow. A NIC feeds its router
    with one link per plane.
    """
    hosts = cluster.hosts
    filled = from_cluster(Parameters, KIND, given, cluster)
    filled["hosts"] = agreed(KIND, filled, "hosts", hosts, f"it has {hosts} NICs")
    filled.setdefault("endpoint_links", 1)
    filled.setdefault("board", (2, 2))
    boards = -(-hosts // math.prod(filled["board"]))
    x = math.isqrt(boards - 1) + 1
    filled.setdefault("grid", (x, -(-boards // x)))
    return validated(Parameters, KIND, filled)
