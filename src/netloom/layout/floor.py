"""Where everything stands: nodes and switches in racks, racks in rows.

Legend: K racks, V nodes, S switches, E endpoints.

Rules
-----
1. A rack holds as many nodes as the vendor's reference has, as its power feeds and as fit.
2. Nodes of one block (scalable unit, pod, group) stand together, and blocks stand in order. A
   fabric without blocks is cut into rows.
3. A switch all of whose endpoints are in one rack stands above the nodes of that rack, while there
   is room. Another switch of a block stands in network racks in the middle of its block. A switch
   that serves all blocks stands in central network racks, between the middle blocks of the hall.
4. Racks are numbered along the rows, every row from the left. A block that fits into one row is not
   broken over two. Rows are as long as the user says; else the hall is as wide as it is deep.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from netloom.errors import ParameterError
from netloom.layout.devices import Devices, devices, is_cabled, lower_endpoint
from netloom.topology.fabric import Fabric

#: Fewest racks of a row whose length is chosen here.
_SHORTEST_ROW = 20

#: One rack unit, EIA-310.
RACK_UNIT_M = 0.04445


class FloorRules(Protocol):
    """What of a study's layout section is read here; lengths in metres, power in watts."""

    @property
    def rack_power(self) -> float: ...
    @property
    def rack_units(self) -> int: ...
    @property
    def nodes_per_rack(self) -> int | None: ...
    @property
    def racks_per_row(self) -> int | None: ...
    @property
    def rack_width(self) -> float: ...
    @property
    def row_pitch(self) -> float: ...
    @property
    def rise(self) -> float: ...
    @property
    def dressing(self) -> float: ...
    @property
    def slack(self) -> float: ...
    @property
    def copper_lengths(self) -> Sequence[float]: ...
    @property
    def fibre_lengths(self) -> Sequence[float]: ...
    @property
    def longest_cable(self) -> float: ...


@dataclass(frozen=True)
class Box:
    """Size and draw of one node or switch."""

    height_u: int
    power_w: float


#: Stands for routers inside nodes, which take no space of their own.
_INSIDE = Box(0, 0.0)


@dataclass(frozen=True)
class Floor:
    """Places of all racks, nodes and switches.

    Attributes
    ----------
    rack_x_m, rack_y_m : float32, shape (K,), along the row and across the rows.
    rack_is_network : bool, shape (K,), racks without nodes.
    node_rack, node_u : int32, shape (V,), rack and lowest rack unit, from 1.
    switch_rack, switch_u : int32, shape (S,); of the node for a router inside one.
    nics_per_node : endpoint e is a NIC of node ``e // nics_per_node``.
    """

    rack_x_m: NDArray[np.float32]
    rack_y_m: NDArray[np.float32]
    rack_is_network: NDArray[np.bool_]
    node_rack: NDArray[np.int32]
    node_u: NDArray[np.int32]
    switch_rack: NDArray[np.int32]
    switch_u: NDArray[np.int32]
    nics_per_node: int

    @property
    def num_racks(self) -> int:
        """Racks of nodes and of switches."""
        return len(self.rack_x_m)


def per_rack(box: Box, what: str, rules: FloorRules, at_most: int | None = None) -> int:
    """Return how many boxes one rack holds; raise `ParameterError` when it holds none."""
    by_height = rules.rack_units // box.height_u
    at_most = by_height if at_most is None else at_most
    by_power = int(rules.rack_power / box.power_w + 1e-9) if box.power_w > 0 else at_most
    if by_height < 1:
        raise ParameterError(
            f"a {what} of {box.height_u} rack units exceeds a rack of {rules.rack_units}",
            hint=f"set layout rack_units: {box.height_u}",
            where="layout.rack_units",
        )
    if by_power < 1:
        raise ParameterError(
            f"a {what} draws {box.power_w / 1e3:g} kW, a rack has {rules.rack_power / 1e3:g} kW",
            hint=f"set layout rack_power: {box.power_w / 1e3:g} kW",
            where="layout.rack_power",
        )
    return min(at_most, by_power, by_height)


def arrange(
    fabric: Fabric,
    rules: FloorRules,
    *,
    nics_per_node: int,
    nodes_per_rack: int,
    node: Box,
    switches: Mapping[str, Box],
) -> Floor:
    """Return the floor of a fabric.

    Parameters
    ----------
    fabric : the built fabric.
    rules : the study's layout section.
    nics_per_node : endpoints of one node.
    nodes_per_rack : of the vendor's reference layout; fewer where power or height says so.
    node : one node.
    switches : one switch, by the name of each tier of boxes.
    """
    inside = devices(fabric)
    nodes_in_rack = per_rack(node, "node", rules, rules.nodes_per_rack or nodes_per_rack)
    num_nodes = -(-inside.num_endpoints // nics_per_node)
    # an empty position stands with the last endpoints
    first_nic = np.minimum(np.arange(num_nodes) * nics_per_node, fabric.num_endpoints - 1)
    boxes = [switches.get(tier.name, _INSIDE) for tier in fabric.tiers]
    capacities = [
        per_rack(box, f"{tier.name} switch", rules) if box is not _INSIDE else tier.num_switches
        for box, tier in zip(boxes, fabric.tiers, strict=True)
    ]
    racks_per_row = rules.racks_per_row or _square(
        -(-num_nodes // nodes_in_rack)
        + sum(
            -(-tier.num_switches // capacity)
            for tier, capacity in zip(fabric.tiers, capacities, strict=True)
            if tier.name in switches
        ),
        rules,
    )
    block, node_rack, place = _node_racks(
        fabric.endpoint_block[first_nic], nodes_in_rack, racks_per_row
    )
    rack_block = np.zeros(int(node_rack[-1]) + 1, dtype=np.int64)
    rack_block[node_rack] = block

    height = np.array([box.height_u for box in boxes])[fabric.switch_tier]
    host_rack, home = _homes(fabric, inside, node_rack, rack_block, nics_per_node)
    free_u = rules.rack_units - nodes_in_rack * node.height_u
    host_rack = _that_fit(host_rack, height, free_u)
    in_rack = host_rack >= 0
    # switches of one home and one kind fill its network racks one after another; home -1 is the
    # centre, and boxes of different size or draw do not share a rack
    kinds = {box: number for number, box in enumerate(dict.fromkeys(boxes))}
    kind_of = np.array([kinds[box] for box in boxes])[fabric.switch_tier]
    capacity_of = dict(zip(boxes, capacities, strict=True))
    capacity = np.array([capacity_of[box] for box in kinds])[kind_of]
    group = home * len(kinds) + kind_of
    switch_of = np.flatnonzero(~in_rack & (inside.endpoint_of < 0))
    switch_of = switch_of[np.argsort(group[switch_of], kind="stable")]
    ordinal = _ordinals(group[switch_of])
    groups, first, switches_of_group = np.unique(
        group[switch_of], return_index=True, return_counts=True
    )
    racks_of_group = -(-switches_of_group // capacity[switch_of[first]])
    capacity = capacity[switch_of]

    order, slot, network_start = _sequence(
        rack_block, groups // len(kinds), racks_of_group, racks_per_row
    )
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order))
    num_node_racks = len(rack_block)
    switch_rack = np.empty(fabric.num_switches, dtype=np.int64)
    switch_u = np.empty(fabric.num_switches, dtype=np.int64)
    start = network_start[np.searchsorted(groups, group[switch_of])]
    switch_rack[switch_of] = position[num_node_racks + start + ordinal // capacity]
    switch_u[switch_of] = 1 + (ordinal % capacity) * height[switch_of]
    top = np.flatnonzero(in_rack)
    top = top[np.argsort(host_rack[top], kind="stable")]
    switch_rack[top] = position[host_rack[top]]
    switch_u[top] = 1 + nodes_in_rack * node.height_u + _ordinals(host_rack[top]) * height[top]
    embedded = np.flatnonzero(inside.endpoint_of >= 0)
    node_of = inside.endpoint_of[embedded] // nics_per_node
    switch_rack[embedded] = position[node_rack[node_of]]
    switch_u[embedded] = 1 + place[node_of] * node.height_u

    row, column = np.divmod(slot, racks_per_row)
    return Floor(
        rack_x_m=(column * rules.rack_width).astype(np.float32),
        rack_y_m=(row * rules.row_pitch).astype(np.float32),
        rack_is_network=order >= num_node_racks,
        node_rack=position[node_rack].astype(np.int32),
        node_u=(1 + place * node.height_u).astype(np.int32),
        switch_rack=switch_rack.astype(np.int32),
        switch_u=switch_u.astype(np.int32),
        nics_per_node=nics_per_node,
    )


def _square(num_racks: int, rules: FloorRules) -> int:
    """Return the racks of a row for a hall as wide as it is deep; short halls are one row."""
    wide = int(np.ceil(np.sqrt(num_racks * rules.row_pitch / rules.rack_width)))
    return max(_SHORTEST_ROW, wide)


def _node_racks(
    block: NDArray[np.int32], nodes_in_rack: int, racks_per_row: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return block, rack and place in the rack of each node; racks are never shared by blocks."""
    if (block == block[0]).all():
        rows = np.arange(len(block)) // (nodes_in_rack * racks_per_row)
        block = rows.astype(np.int32)
    order = np.argsort(block, kind="stable")
    _, sizes = np.unique(block, return_counts=True)
    dense = np.repeat(np.arange(len(sizes)), sizes)
    racks = -(-sizes // nodes_in_rack)
    ordinal = _ordinals(dense)
    block_of, rack, place = (np.empty(len(block), dtype=np.int64) for _ in range(3))
    block_of[order] = dense
    rack[order] = (np.cumsum(racks) - racks)[dense] + ordinal // nodes_in_rack
    place[order] = ordinal % nodes_in_rack
    return block_of, rack, place


def _homes(
    fabric: Fabric,
    inside: Devices,
    node_rack: NDArray[np.int64],
    rack_block: NDArray[np.int64],
    nics_per_node: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each switch's only host rack, -1 if it has none or several, and its home block."""
    endpoint = lower_endpoint(fabric, inside)
    host = is_cabled(fabric) & (endpoint >= 0) & (inside.endpoint_of[fabric.trunk_upper] < 0)
    switch = fabric.trunk_upper[host]
    rack = node_rack[endpoint[host] // nics_per_node]
    least = np.full(fabric.num_switches, len(rack_block), dtype=np.int64)
    most = np.full(fabric.num_switches, -1, dtype=np.int64)
    np.minimum.at(least, switch, rack)
    np.maximum.at(most, switch, rack)
    home = np.full(fabric.num_switches, -1, dtype=np.int64)
    edge = most >= 0
    home[edge] = rack_block[(least[edge] + most[edge]) // 2]
    # a switch without hosts (a pod's spine, an empty router) stands with its block's hosts
    blocks = fabric.endpoint_block
    if not (blocks == blocks[0]).all():
        first = np.full(int(max(blocks.max(), fabric.switch_block.max())) + 1, -1, dtype=np.int64)
        first[blocks[::-1]] = rack_block[node_rack[np.arange(len(blocks))[::-1] // nics_per_node]]
        inner = ~edge & (fabric.switch_block >= 0)
        home[inner] = first[fabric.switch_block[inner]]
    return np.where(least == most, most, -1), home


def _that_fit(
    host_rack: NDArray[np.int64], height: NDArray[np.int64], free_u: int
) -> NDArray[np.int64]:
    """Return the host racks, -1 where the switches of a rack need more than its free units."""
    racks = host_rack[host_rack >= 0]
    if not len(racks):
        return host_rack
    needed = np.bincount(racks, weights=height[host_rack >= 0])
    return np.where((host_rack >= 0) & (needed[host_rack] <= free_u), host_rack, -1)


def _sequence(
    rack_block: NDArray[np.int64],
    homes: NDArray[np.int64],
    racks_of_home: NDArray[np.int64],
    racks_per_row: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the racks along the rows, their slots, and the first network rack of each home.

    Node racks are numbered by block, network racks after them by home. Slots count along all rows.
    """
    num_blocks = int(rack_block[-1]) + 1
    node_racks = np.bincount(rack_block)
    first = np.cumsum(node_racks) - node_racks
    middle = (first + node_racks // 2)[homes]
    # three keys: block, then a block's network racks before the node rack in its middle
    group = np.concatenate([rack_block, np.repeat(homes, racks_of_home)]).astype(np.float64)
    group[group < 0] = (num_blocks + 1) // 2 - 0.5
    place = np.concatenate([np.arange(len(rack_block)) + 0.5, np.repeat(middle, racks_of_home)])
    order = np.lexsort((place, group))
    _, rank, sizes = np.unique(group[order], return_inverse=True, return_counts=True)
    starts = np.empty(len(sizes), dtype=np.int64)
    slot = 0
    for number, size in enumerate(sizes.tolist()):
        left = -slot % racks_per_row
        if left < size <= racks_per_row:
            slot += left
        starts[number] = slot
        slot += size
    slots = np.repeat(starts, sizes) + _ordinals(rank)
    return order, slots, np.cumsum(racks_of_home) - racks_of_home


def _ordinals(sorted_keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return 0, 1, 2, ... within each run of equal keys."""
    return np.arange(len(sorted_keys)) - np.searchsorted(sorted_keys, sorted_keys)
