"""One algorithm's traffic on a fabric: how long links are busy, per byte of the operation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netloom.collective import InNetwork, Phase
from netloom.collective.groups import PlacedGroups
from netloom.errors import InfeasibleError
from netloom.simulate.busiest import Hashing, busiest
from netloom.simulate.placement import Placement, to_endpoints
from netloom.topology.fabric import Fabric, ReducingRouting


class PhaseLoad(NamedTuple):
    """What one phase asks of links, per byte of the operation's size.

    Attributes
    ----------
    scale_up_bytes : that the busiest rank sends inside its node, forwarding included.
    network_s : busy time of the fullest link, protocol efficiency not counted, by draw of the hash;
        float64, shape (D,).
    network_limit : name of that link's stage.
    """

    scale_up_bytes: float
    network_s: NDArray[np.float64]
    network_limit: str


class Pattern(NamedTuple):
    """One algorithm's traffic.

    Attributes
    ----------
    num_nodes : nodes of the group that is spread widest.
    phases : one after another.
    num_hops : switches on the longest path.
    """

    num_nodes: int
    phases: tuple[PhaseLoad, ...]
    num_hops: int


def pattern_of(
    phases: Sequence[Phase],
    groups: PlacedGroups,
    fabric: Fabric,
    placement: Placement,
    hashing: Hashing | None,
) -> Pattern:
    """Return the traffic of phases that run on all groups at the same time."""
    loads, num_hops = [], 0
    for phase in phases:
        on_wire = to_endpoints(phase, groups, placement)
        extra, height = in_network_loads(phase.in_network, groups, fabric, placement)
        scale_up_bytes = phase.scale_up_bytes + on_wire.forwarded_bytes
        if not len(on_wire.source) and extra is None:
            loads.append(PhaseLoad(scale_up_bytes, np.zeros(1), ""))
            continue
        busy = busiest(fabric, on_wire, hashing, extra)
        limit = fabric.routing.bundles.stage_names[int(np.argmax(busy.by_stage_s))]
        loads.append(PhaseLoad(scale_up_bytes, busy.by_seed_s, limit))
        num_hops = max(num_hops, busy.num_hops, height)
    return Pattern(groups.num_nodes, tuple(loads), num_hops)


def in_network_loads(
    in_network: InNetwork | None, groups: PlacedGroups, fabric: Fabric, placement: Placement
) -> tuple[NDArray[np.float64] | None, int]:
    """Return bundle loads of reductions in switches, shape (B,), and switches on the way up.

    Raises
    ------
    InfeasibleError
        When the fabric is no tree of switches, or members of a group meet nowhere in it.
    """
    if in_network is None:
        return None, 0
    routing = fabric.routing
    if not isinstance(routing, ReducingRouting):
        raise InfeasibleError(f"switches of fabric '{fabric.kind}' form no tree to reduce in")
    endpoint, group = _endpoints(in_network, groups, placement)
    up, down, height = routing.reduction_loads(endpoint, group)
    if height < 0:
        raise InfeasibleError(f"a group meets on no level of fabric '{fabric.kind}'")
    share = 1.0 / placement.nics_per_rank
    return share * (in_network.up_bytes * up + in_network.down_bytes * down), height


def _endpoints(
    in_network: InNetwork, groups: PlacedGroups, placement: Placement
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the NICs of members, and a number for each NIC's tree."""
    accelerator = groups.accelerators.ravel()[in_network.member]
    nics = np.arange(placement.nics_per_rank)
    first = placement.node(accelerator) * placement.nics_per_node + placement.rail(accelerator)
    endpoint = (first[:, None] + nics).ravel().astype(np.int32)
    return endpoint, (in_network.group[:, None] * len(nics) + nics).ravel()
