"""A fabric with parts out of order: what is left of it, and how traffic goes round the gap.

Links, switches, planes and NICs are taken out of the trunk arrays; switches keep their numbers.
Trees keep their routing by bundles where that stays exact: every switch above the leaves that still
has links reaches all groups below its own, so that packets can be spread over what is left without
regard to their target. Otherwise, as after the loss of one leaf-spine trunk, some ways up are dead
ends for some targets, and flows take equal-cost shortest paths on the graph that remains, which is
what an Ethernet fabric with equal-cost routes does. All other fabrics take shortest paths.

Legend for shapes: E endpoints, S switches, T trunks, L levels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from netloom.errors import ParameterError
from netloom.simulate.clos_links import is_complete, switch_groups
from netloom.simulate.flows import CapacityChange
from netloom.simulate.routes import Routes
from netloom.topology.fabric import HOST, Bundles, Fabric
from netloom.topology.routing.shortest import ShortestRouting
from netloom.topology.routing.tree import TreeRouting


@dataclass(frozen=True)
class Loss:
    """What is out of order.

    Attributes
    ----------
    trunk_links : links lost of each trunk, by trunk number.
    switches : switches lost, by number.
    planes : planes lost, by number.
    endpoints : NICs lost, by number.
    """

    trunk_links: Mapping[int, int] = field(default_factory=dict)
    switches: Sequence[int] = ()
    planes: Sequence[int] = ()
    endpoints: Sequence[int] = ()


def degrade(fabric: Fabric, loss: Loss) -> Fabric:
    """Return the fabric without the lost parts.

    Between endpoints that are cut off from each other there is no path: `Paths.num_hops` is -1.

    Raises
    ------
    ParameterError
        When the fabric has no such part.

    Examples
    --------
    One of two spines is lost: half of the bandwidth across.

    >>> from netloom.topology import build
    >>> fabric = build("fat-tree", {"hosts": 8, "radix": 4, "tiers": 2, "link_bytes_per_s": 1.0})
    >>> spine = int(np.flatnonzero(fabric.switch_tier == 1)[0])
    >>> left = degrade(fabric, Loss(switches=[spine]))
    >>> bundles = left.routing.bundles
    >>> bundles.bytes_per_s[bundles.stage == 2].tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    links = links_left(fabric, loss)
    kept = np.flatnonzero(links > 0)
    left = dataclasses.replace(
        fabric,
        trunk_class=fabric.trunk_class[kept],
        trunk_lower=fabric.trunk_lower[kept],
        trunk_upper=fabric.trunk_upper[kept],
        trunk_links=links[kept].astype(np.int32),
        bisection_bytes_per_s=None,
    )
    routing = fabric.routing
    if isinstance(routing, TreeRouting) and is_complete(left, routing):
        return dataclasses.replace(left, routing=_tree(fabric, routing, links))
    return dataclasses.replace(
        left,
        routing=ShortestRouting.build(
            left.num_endpoints, left.num_switches, left.link_classes,
            left.trunk_class, left.trunk_lower, left.trunk_upper, left.trunk_links,
        ),
    )  # fmt: skip


def links_left(fabric: Fabric, loss: Loss) -> NDArray[np.int64]:
    """Return the links of each trunk that are still there, shape (T,)."""
    if any(tier.switching == "circuit" for tier in fabric.tiers):
        raise ParameterError(
            f"fabric '{fabric.kind}' has circuit switches, whose circuits are no trunks",
            hint="take out trunks of a fabric of packet switches",
        )
    _check("switch", loss.switches, fabric.num_switches)
    _check("endpoint", loss.endpoints, fabric.num_endpoints)
    _check("trunk", loss.trunk_links, len(fabric.trunk_links))
    planes = int(fabric.switch_plane.max(initial=-1)) + 1
    _check("plane", loss.planes, planes)
    gone = np.zeros(fabric.num_switches, dtype=bool)
    gone[list(loss.switches)] = True
    gone |= np.isin(fabric.switch_plane, list(loss.planes))
    is_host = np.array([kind.lower == HOST for kind in fabric.link_classes])[fabric.trunk_class]
    lower_gone = np.where(
        is_host,
        np.isin(fabric.trunk_lower, list(loss.endpoints)),
        gone[np.where(is_host, 0, fabric.trunk_lower)],
    )
    links = np.where(lower_gone | gone[fabric.trunk_upper], 0, fabric.trunk_links).astype(np.int64)
    for trunk, lost in loss.trunk_links.items():
        if not 0 <= lost <= fabric.trunk_links[trunk]:
            raise ParameterError(
                f"trunk {trunk} cannot lose {lost} links",
                hint=f"it has {fabric.trunk_links[trunk]}",
            )
        links[trunk] = max(links[trunk] - lost, 0)
    return links


def _check(what: str, numbers: Sequence[int] | Mapping[int, int], count: int) -> None:
    wrong = [number for number in numbers if not 0 <= number < count]
    if wrong:
        raise ParameterError(
            f"there is no {what} {wrong[0]}",
            hint=f"they are numbered 0 to {count - 1}" if count else f"the fabric has no {what}s",
        )


def _tree(fabric: Fabric, routing: TreeRouting, links: NDArray[np.int64]) -> TreeRouting:
    """Return the tree's routing with the members that its bundles still have."""
    groups = switch_groups(fabric, routing)
    num_endpoints, num_levels = fabric.num_endpoints, len(routing.group)
    old = routing.bundles
    members = old.num_members.astype(np.int64)
    for level in range(num_levels):
        of_level = np.flatnonzero(fabric.trunk_class == level)
        below = fabric.trunk_lower[of_level].astype(np.int64)
        if level > 0:
            below = groups[below]
            of_level, below = of_level[below >= 0], below[below >= 0]
        size = num_endpoints if level == 0 else int(routing.group[level - 1].max()) + 1
        count = np.bincount(below, links[of_level], size).astype(np.int64)
        child = np.arange(num_endpoints) if level == 0 else routing.group[level - 1]
        for bundle in (routing.up_bundle[level], routing.down_bundle[level]):
            members[bundle] = count[child]
    group = routing.group.copy()
    # an endpoint without a link shares a group with no other, and neither does what is cut off
    alone = int(group.max()) + 1 + np.arange(num_endpoints, dtype=np.int32)
    for level in range(num_levels):
        cut = members[routing.up_bundle[level]] == 0
        group[level:, cut] = alone[cut]
    per_link = old.bytes_per_s / np.maximum(old.num_members, 1)
    bundles = Bundles(members * per_link, members.astype(np.int32), old.stage, old.stage_names)
    return dataclasses.replace(routing, bundles=bundles, group=group)


def flap(
    routes: Routes, bundle: int, start_s: float, seconds: float, left_fraction: float = 0.0
) -> tuple[CapacityChange, CapacityChange]:
    """Return the two changes of a bundle or link that is down for a while and comes back.

    Flows on it keep their route and wait, as they do in the seconds before routing reacts; for
    `netloom.simulate.flows.run`.

    Parameters
    ----------
    routes : whose bundles or links are numbered.
    bundle : number of the bundle or link.
    start_s, seconds : when it goes down, and for how long.
    left_fraction : part of its capacity that stays, such as 0.75 for one of four links.
    """
    whole = float(routes.bytes_per_s[bundle])
    return (
        CapacityChange(start_s, bundle, whole * left_fraction),
        CapacityChange(start_s + seconds, bundle, whole),
    )
