"""What the loss of one part does to a step: the step priced again on the fabric that is left.

One part stands for its class: the first switch of a tier, the first cable of a link class. Rank 0
sits at endpoint 0, so the first of each carries the job's traffic. A step that finds no path any
more does not run: the loss interrupts the job.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from netloom.errors import InfeasibleError, ParameterError
from netloom.simulate.degrade import Loss, degrade
from netloom.topology.fabric import HOST, Fabric
from netloom.topology.routing.shortest import ShortestRouting


def switch_cause(tier: str) -> str:
    """Return what a report calls the switches of a tier."""
    return f"switch {tier}"


def link_cause(link_class: str) -> str:
    """Return what a report calls the links of a class."""
    return f"link {link_class}"


def one_loss_each(fabric: Fabric) -> dict[str, Loss]:
    """Return the loss of one switch of each tier of boxes and of one cable of each class.

    Examples
    --------
    >>> from netloom.topology import build
    >>> fabric = build("fat-tree", {"hosts": 8, "radix": 4, "tiers": 2})
    >>> list(one_loss_each(fabric))
    ['switch leaf', 'switch spine', 'link host-leaf', 'link leaf-spine']
    """
    losses = {}
    for number, tier in enumerate(fabric.tiers):
        if tier.switching == "packet" and tier.num_switches:
            first = int(np.searchsorted(fabric.switch_tier, number))
            losses[switch_cause(tier.name)] = Loss(switches=[first])
    for number, link_class in enumerate(fabric.link_classes):
        trunks = np.flatnonzero(fabric.trunk_class == number)
        if link_class.cabled and len(trunks):
            trunk = int(trunks[0])
            lost = min(link_class.links_per_cable, int(fabric.trunk_links[trunk]))
            losses[link_cause(link_class.name)] = Loss(trunk_links={trunk: lost})
    return losses


def slowdowns(fabric: Fabric, step_s: Callable[[Fabric], float]) -> dict[str, float]:
    """Return the lengthening of a step by the loss of one part, by cause; infinite when it stops.

    Parameters
    ----------
    fabric : intact.
    step_s : prices the step on a fabric; raises `InfeasibleError` where a message has no path.

    Notes
    -----
    ``t(left) / t(intact) - 1``, both under the same routing: what is left of a fabric may have to
    be routed by shortest paths where the intact one has a rule of its own, and then the intact one
    is priced by shortest paths too. A fabric of optical circuits has no parts that could be taken
    out alone, and gives nothing.

    Examples
    --------
    A step that is one over the number of links:

    >>> from netloom.topology import build
    >>> fabric = build("fat-tree", {"hosts": 8, "radix": 4, "tiers": 2})
    >>> found = slowdowns(fabric, lambda built: 1 / float(built.trunk_links.sum()))
    >>> round(found["link host-leaf"], 6)    # 15 of 16 links
    0.066667
    """
    known: dict[type, float] = {}
    found = {}
    try:
        losses = {cause: degrade(fabric, loss) for cause, loss in one_loss_each(fabric).items()}
    except ParameterError:
        return {}
    for cause, left in losses.items():
        routing = type(left.routing)
        try:
            after_s = step_s(left)
        except InfeasibleError:
            found[cause] = math.inf
            continue
        if routing not in known:
            alike = isinstance(fabric.routing, routing)
            known[routing] = step_s(fabric if alike else _by_shortest_paths(fabric))
        found[cause] = max(0.0, after_s / known[routing] - 1)
    return found


def _by_shortest_paths(fabric: Fabric) -> Fabric:
    routing = ShortestRouting.build(
        fabric.num_endpoints, fabric.num_switches, fabric.link_classes,
        fabric.trunk_class, fabric.trunk_lower, fabric.trunk_upper, fabric.trunk_links,
    )  # fmt: skip
    return dataclasses.replace(fabric, routing=routing)


def nodes_below(fabric: Fabric, nics_per_node: int) -> dict[str, int]:
    """Return the nodes that hang on one switch of each tier, at most: its blast radius.

    Examples
    --------
    Eight nodes of two NICs on leaves of eight hosts: four nodes each, and none on a spine.

    >>> from netloom.topology import build
    >>> fabric = build("fat-tree", {"hosts": 16, "radix": 16, "tiers": 2})
    >>> nodes_below(fabric, 2)
    {'switch leaf': 4, 'switch spine': 0}
    """
    host_class = np.array([kind.lower == HOST for kind in fabric.link_classes])
    is_host = host_class[fabric.trunk_class]
    switch = fabric.trunk_upper[is_host].astype(np.int64)
    node = fabric.trunk_lower[is_host].astype(np.int64) // nics_per_node
    pairs = np.unique(np.stack([switch, node], axis=1), axis=0)
    below = np.bincount(pairs[:, 0], minlength=fabric.num_switches)
    return {
        switch_cause(tier.name): int(below[fabric.switch_tier == number].max(initial=0))
        for number, tier in enumerate(fabric.tiers)
    }
