"""Fabrics from a list of trunks, routed on shortest paths: the part that all other graphs share.

One plane is described: its switches, tier by tier, and its trunks. All planes are alike, and a
flow spreads over them evenly, so that one plane is routed with the links of all.

Legend: E endpoints, S switches and T trunks of one plane, P planes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from netloom.topology.fabric import Fabric, LinkClass, Routing, Tier
from netloom.topology.routing.shortest import ShortestRouting


@dataclass(frozen=True)
class Trunks:
    """Trunks of one plane.

    Attributes
    ----------
    link_class : int64, shape (T,).
    lower, upper : int64, shape (T,), endpoint or switch as the link class says, and switch.
    links : int64, shape (T,), logical links.
    """

    link_class: NDArray[np.int64]
    lower: NDArray[np.int64]
    upper: NDArray[np.int64]
    links: NDArray[np.int64]


class RoutingBuilder(Protocol):
    """Makes a routing from the trunk arrays of one plane, whose links are those of all planes."""

    def __call__(
        self,
        num_endpoints: int,
        num_switches: int,
        link_classes: tuple[LinkClass, ...],
        trunk_class: NDArray[Any],
        trunk_lower: NDArray[Any],
        trunk_upper: NDArray[Any],
        trunk_links: NDArray[Any],
        /,
    ) -> Routing: ...


def joined(parts: Sequence[tuple[int, Any, Any, Any]]) -> Trunks:
    """Return trunks from parts of ``(link class, lower, upper, links)``; links may be one number.

    Links of one class between the same two ends become one trunk. Trunks are sorted by class, lower
    and upper end.

    Examples
    --------
    >>> joined([(0, [0, 1], [0, 0], 1), (1, [0, 0], [1, 1], 2)]).links.tolist()
    [1, 1, 4]
    """
    kinds, lowers, uppers, links = [], [], [], []
    for kind, lower, upper, number in parts:
        ends = np.broadcast_arrays(np.asarray(lower), np.asarray(upper), np.asarray(number))
        low, high, count = (end.astype(np.int64).ravel() for end in ends)
        kinds.append(np.full(len(low), kind, dtype=np.int64))
        lowers.append(low)
        uppers.append(high)
        links.append(count)
    rows = np.stack([np.concatenate(column) for column in (kinds, lowers, uppers)])
    count = np.concatenate(links)
    order = np.lexsort(rows[::-1])
    rows, count = rows[:, order], count[order]
    first = np.flatnonzero(np.r_[True, (np.diff(rows) != 0).any(axis=0)][: rows.shape[1]])
    total = np.add.reduceat(count, first) if len(first) else count
    return Trunks(rows[0, first], rows[1, first], rows[2, first], total)


def fabric_of(
    kind: str,
    parameters: dict[str, object],
    *,
    num_endpoints: int,
    tiers: Sequence[Tier],
    link_classes: Sequence[LinkClass],
    trunks: Trunks,
    planes: int = 1,
    switch_block: NDArray[np.int64] | None = None,
    endpoint_block: NDArray[np.int64] | None = None,
    circuits: tuple[Sequence[LinkClass], Trunks] | None = None,
    routing: RoutingBuilder = ShortestRouting.build,
    warnings: tuple[str, ...] = (),
    bisection_bytes_per_s: float | None = None,
) -> Fabric:
    """Return `planes` equal graphs, on shortest paths unless another routing is given.

    Parameters
    ----------
    tiers : of one plane.
    link_classes, trunks : of one plane; class 0 is the host links.
    switch_block, endpoint_block : shape (S,) and (E,); one block when left out.
    circuits : link classes and trunks that traffic sees where they are not those that are cabled,
        as through an optical circuit switch.
    routing : makes the routing from the trunks of one plane.
    warnings, bisection_bytes_per_s : see `Fabric`.
    """
    counts = [tier.num_switches for tier in tiers]
    block = np.zeros(sum(counts), dtype=np.int64) if switch_block is None else switch_block
    tier_of = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts) - counts
    plane = np.arange(planes)[:, None]
    # switch s of a plane's tier t is switch (planes * first[t]) + plane * count[t] + place
    number = (planes * first)[tier_of] + np.arange(len(tier_of)) - first[tier_of]
    step = np.asarray(counts, dtype=np.int64)[tier_of]
    is_host = np.array([each.lower < 0 for each in link_classes])[trunks.link_class]
    low = np.where(is_host, 0, trunks.lower)
    lower = np.where(is_host, trunks.lower, number[low] + plane * step[low])
    upper = number[trunks.upper] + plane * step[trunks.upper]
    return Fabric(
        kind=kind,
        parameters=parameters,
        num_endpoints=num_endpoints,
        tiers=tuple(
            Tier(tier.name, planes * tier.num_switches, tier.num_ports, tier.switching)
            for tier in tiers
        ),
        link_classes=tuple(link_classes),
        switch_tier=_by_tier(tier_of, counts, planes).astype(np.int8),
        switch_block=_by_tier(block, counts, planes).astype(np.int32),
        switch_rail=np.full(planes * len(tier_of), -1, dtype=np.int16),
        switch_plane=_plane_labels(counts, planes),
        trunk_class=np.tile(trunks.link_class, planes).astype(np.int8),
        trunk_lower=lower.ravel().astype(np.int32),
        trunk_upper=upper.ravel().astype(np.int32),
        trunk_links=np.tile(trunks.links, planes).astype(np.int32),
        endpoint_block=np.zeros(num_endpoints, dtype=np.int32)
        if endpoint_block is None
        else endpoint_block.astype(np.int32),
        routing=_routing(
            routing, num_endpoints, len(tier_of), link_classes, trunks, planes, circuits
        ),
        warnings=warnings,
        bisection_bytes_per_s=bisection_bytes_per_s,
    )


def _routing(
    builder: RoutingBuilder,
    num_endpoints: int,
    num_switches: int,
    link_classes: Sequence[LinkClass],
    trunks: Trunks,
    planes: int,
    circuits: tuple[Sequence[LinkClass], Trunks] | None,
) -> Routing:
    classes, seen = (link_classes, trunks) if circuits is None else circuits
    return builder(
        num_endpoints, num_switches, tuple(classes),
        seen.link_class, seen.lower, seen.upper, planes * seen.links,
    )  # fmt: skip


def _by_tier(labels: NDArray[np.int64], counts: Sequence[int], planes: int) -> NDArray[np.int64]:
    """Return one plane's labels repeated for all planes, tier by tier."""
    parts = np.split(labels, np.cumsum(counts)[:-1])
    return np.concatenate([np.tile(part, planes) for part in parts])


def _plane_labels(counts: Sequence[int], planes: int) -> NDArray[np.int16]:
    """Return the plane of each switch, -1 where there is one plane."""
    if planes == 1:
        return np.full(sum(counts), -1, dtype=np.int16)
    labels = [np.repeat(np.arange(planes), count) for count in counts]
    return np.concatenate(labels).astype(np.int16)
