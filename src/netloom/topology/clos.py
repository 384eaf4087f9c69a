"""Folded Clos networks from a few group arrays: the part that all tree-like families share.

A tree is described level by level. A *group* of level 0 is one leaf switch; a group of level l is
everything below one set of switches that serve the same leaves: a pod's spines, a rail's spine
group, the cores. Groups of one level hang on a parent group of the next. All planes are alike, so
one plane is described.

Legend: G groups of one level, P planes, L levels.

Dealing of links
----------------
A child group with U uplinks under a parent with S switches gives each of them ``U // S`` links and
one more to ``U mod S`` of them, the surplus going round so that no parent switch gets more than
``ceil(total / S)``. The links of a child group are taken from its switches in order, so that
parallel links stay together: when S divides U, position j of every pod meets the same cores, as in
a textbook fat tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from netloom.topology.fabric import HOST, Fabric, LinkClass, Tier
from netloom.topology.routing.tree import TreeRouting


@dataclass(frozen=True)
class Level:
    """The groups of one level of one plane.

    Attributes
    ----------
    name : tier name of the group's switches.
    num_ports : logical ports of one switch.
    num_switches : int64, shape (G,), switches of each group; 1 for leaves.
    num_uplinks : int64, shape (G,), links of the whole group to its parent; 0 at the top.
    parent : int64, shape (G,), group of the next level; empty at the top.
    block : int64, shape (G,), pod or scalable unit; -1 when the group serves all.
    rail : int64, shape (G,), rail; -1 when the group serves all.
    """

    name: str
    num_ports: int
    num_switches: NDArray[np.int64]
    num_uplinks: NDArray[np.int64]
    parent: NDArray[np.int64]
    block: NDArray[np.int64]
    rail: NDArray[np.int64]


def within(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return 0..n-1 for each size n, one after another.

    Examples
    --------
    >>> within(np.array([2, 3])).tolist()
    [0, 1, 0, 1, 2]
    """
    starts = np.cumsum(sizes) - sizes
    return np.arange(int(sizes.sum())) - np.repeat(starts, sizes)


def deal(
    level: Level, above: Level
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return lower switch, upper switch and links of every trunk between two levels of a plane.

    Switches are numbered inside their level. The rule is in the module's text.
    """
    parent = level.parent
    uppers = above.num_switches[parent]  # upper switches that each child may use
    first_upper = np.cumsum(above.num_switches) - above.num_switches
    surplus = level.num_uplinks % uppers
    # where the surplus of each child starts: after its elder siblings' surplus
    order = np.argsort(parent, kind="stable")
    before = np.cumsum(surplus[order]) - surplus[order]
    eldest = np.searchsorted(parent[order], parent[order])
    offset = np.empty_like(surplus)
    offset[order] = before - before[eldest]
    offset %= uppers

    child = np.repeat(np.arange(len(parent)), uppers)
    position = within(uppers)
    extra = (position - offset[child]) % uppers[child] < surplus[child]
    links = level.num_uplinks[child] // uppers[child] + extra
    upper_of_link = np.repeat(first_upper[parent][child] + position, links)

    # a group's uplinks are shared out over its switches as evenly as whole links allow
    owner = np.repeat(np.arange(len(parent)), level.num_switches)
    place = within(level.num_switches)
    share = level.num_uplinks // level.num_switches
    own = share[owner] + (place < (level.num_uplinks % level.num_switches)[owner])
    lower_of_link = np.repeat(np.arange(len(owner)), own)
    return _runs(lower_of_link, upper_of_link)


def _runs(
    lower: NDArray[np.int64], upper: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct neighbouring pairs and how often each occurs in a row."""
    if len(lower) == 0:
        return lower, upper, np.zeros(0, dtype=np.int64)
    starts = np.flatnonzero(np.r_[True, (np.diff(lower) != 0) | (np.diff(upper) != 0)])
    return lower[starts], upper[starts], np.diff(np.r_[starts, len(lower)])


def assemble(
    kind: str,
    parameters: dict[str, object],
    levels: Sequence[Level],
    endpoint_leaf: NDArray[np.int64],
    *,
    link_bytes_per_s: float,
    planes: int,
    cage_ports: int,
    warnings: tuple[str, ...] = (),
) -> Fabric:
    """Return the fabric of `planes` equal trees; `endpoint_leaf` has shape (E,)."""
    endpoint_leaf = np.asarray(endpoint_leaf, dtype=np.int64)
    num_endpoints = len(endpoint_leaf)
    plane_switches = [int(level.num_switches.sum()) for level in levels]
    first_switch = np.cumsum([0] + [planes * count for count in plane_switches])

    lowers, uppers, links, classes = [], [], [], []
    plane = np.arange(planes)[:, None]
    # host links: plane p of endpoint e goes to leaf p * leaves + endpoint_leaf[e]
    lowers.append(np.repeat(np.arange(num_endpoints), planes))
    uppers.append((endpoint_leaf[:, None] + plane_switches[0] * plane.T).ravel())
    links.append(np.ones(num_endpoints * planes, dtype=np.int64))
    classes.append(np.zeros(num_endpoints * planes, dtype=np.int8))
    for tier in range(len(levels) - 1):
        low, up, count = deal(levels[tier], levels[tier + 1])
        lowers.append((first_switch[tier] + plane_switches[tier] * plane + low).ravel())
        uppers.append((first_switch[tier + 1] + plane_switches[tier + 1] * plane + up).ravel())
        links.append(np.tile(count, planes))
        classes.append(np.full(planes * len(low), tier + 1, dtype=np.int8))

    names = [level.name for level in levels]
    link_classes = [LinkClass(f"host-{names[0]}", HOST, 0, link_bytes_per_s, cage_ports)] + [
        LinkClass(f"{low}-{up}", tier, tier + 1, link_bytes_per_s, cage_ports)
        for tier, (low, up) in enumerate(pairwise(names))
    ]
    tiers = [
        Tier(level.name, planes * count, level.num_ports)
        for level, count in zip(levels, plane_switches, strict=True)
    ]
    blocks = [np.tile(np.repeat(level.block, level.num_switches), planes) for level in levels]
    rails = [np.tile(np.repeat(level.rail, level.num_switches), planes) for level in levels]
    plane_of = [
        np.repeat(np.arange(planes), count) if planes > 1 else np.full(count, -1)
        for count in plane_switches
    ]
    return Fabric(
        kind=kind,
        parameters=parameters,
        num_endpoints=num_endpoints,
        tiers=tuple(tiers),
        link_classes=tuple(link_classes),
        switch_tier=np.repeat(
            np.arange(len(levels), dtype=np.int8), [planes * count for count in plane_switches]
        ),
        switch_block=np.concatenate(blocks).astype(np.int32),
        switch_rail=np.concatenate(rails).astype(np.int16),
        switch_plane=np.concatenate(plane_of).astype(np.int16),
        trunk_class=np.concatenate(classes),
        trunk_lower=np.concatenate(lowers).astype(np.int32),
        trunk_upper=np.concatenate(uppers).astype(np.int32),
        trunk_links=np.concatenate(links).astype(np.int32),
        endpoint_block=levels[0].block[endpoint_leaf].astype(np.int32),
        routing=_routing(levels, endpoint_leaf, link_bytes_per_s, planes),
        warnings=warnings,
    )


def _routing(
    levels: Sequence[Level], endpoint_leaf: NDArray[np.int64], link_bytes_per_s: float, planes: int
) -> TreeRouting:
    groups = [endpoint_leaf]
    for level in levels[:-1]:
        groups.append(level.parent[groups[-1]])
    return TreeRouting.build(
        tier_names=[level.name for level in levels],
        group=np.stack(groups),
        num_uplinks=[planes * level.num_uplinks for level in levels[:-1]],
        host_links=planes,
        link_bytes_per_s=link_bytes_per_s,
    )


def port_split(radix: int, taper: float) -> tuple[int, int]:
    """Return down and up ports of a leaf: ``down = floor(radix / (1 + taper))``, the rest go up.

    Examples
    --------
    >>> port_split(64, 1.0), port_split(64, 0.5), port_split(36, 1 / 3)
    ((32, 32), (42, 22), (27, 9))
    """
    # 36 / (1 + 1/3) is 26.999... in floats: a ratio that is whole is meant whole
    down = int(np.floor(radix / (1 + taper) + 1e-9))
    return down, radix - down


def forest(
    num_hosts: NDArray[np.int64], radix: int, tiers: int, taper: float
) -> tuple[list[Level], NDArray[np.int64]]:
    """Return the levels of fat trees side by side, and the first leaf of each tree.

    Tree i has ``num_hosts[i]`` hosts on ``ceil(hosts / down)`` leaves. Only leaves are tapered;
    upper tiers carry all uplinks of the leaves. Two tiers: ``ceil(leaves * up / radix)`` spines.
    Three: pods of ``radix // 2`` leaves with ``ceil(links / (radix // 2))`` spines each, as many
    links up as down, and ``ceil(leaves * up / radix)`` cores. One tier: one switch per tree. Blocks
    are pods where there are three tiers; otherwise each tree's leaves are numbered. Rails are left
    to the family.
    """
    num_hosts = np.asarray(num_hosts, dtype=np.int64)
    down, up = port_split(radix, taper) if tiers > 1 else (radix, 0)
    trees = np.arange(len(num_hosts))
    leaves = -(-num_hosts // down)
    first_leaf = np.cumsum(leaves) - leaves
    tree_of_leaf = np.repeat(trees, leaves)
    uplinks = np.full(len(tree_of_leaf), up)
    tops = -(-leaves * up // radix)
    if tiers == 1:
        return [level_of("leaf", radix, leaves, 0 * leaves, block=0 * leaves)], first_leaf
    if tiers == 2:
        return [
            level_of("leaf", radix, 1, uplinks, tree_of_leaf, within(leaves)),
            level_of("spine", radix, tops, 0 * tops),
        ], first_leaf
    half = radix // 2
    pods = -(-leaves // half)
    pod_of_leaf = (np.cumsum(pods) - pods)[tree_of_leaf] + within(leaves) // half
    pod_links = np.bincount(pod_of_leaf, minlength=int(pods.sum())) * up
    return [
        level_of("leaf", radix, 1, uplinks, pod_of_leaf, within(leaves) // half),
        level_of(
            "spine", radix, -(-pod_links // half), pod_links, np.repeat(trees, pods), within(pods)
        ),
        level_of("core", radix, tops, 0 * tops),
    ], first_leaf


def level_of(
    name: str,
    num_ports: int,
    num_switches: NDArray[np.int64] | int,
    num_uplinks: NDArray[np.int64],
    parent: NDArray[np.int64] | None = None,
    block: NDArray[np.int64] | None = None,
) -> Level:
    """Return a level whose groups serve all rails, and all blocks unless said."""
    everyone = np.full(len(num_uplinks), -1)
    return Level(
        name=name,
        num_ports=num_ports,
        num_switches=np.broadcast_to(np.asarray(num_switches, dtype=np.int64), everyone.shape),
        num_uplinks=num_uplinks,
        parent=np.zeros(0, dtype=np.int64) if parent is None else parent,
        block=everyone if block is None else block,
        rail=everyone,
    )


def most_hosts(radix: int, tiers: int, taper: float) -> int:
    """Return the most hosts of one tree: every switch reaches each neighbour by one link at least.

    Two tiers have at most `radix` leaves, three at most `radix` pods of ``radix // 2``; at taper 1
    these are k^2/2 and k^3/4 hosts of radix k.

    Examples
    --------
    >>> most_hosts(64, 2, 1.0), most_hosts(64, 3, 1.0), most_hosts(36, 2, 1 / 3)
    (2048, 65536, 972)
    """
    if tiers == 1:
        return radix
    down, up = port_split(radix, taper)
    if up == 0 or down == 0:
        return 0
    return radix * down if tiers == 2 else radix * (radix // 2) * down
