"""Names of switches and endpoints, the same in cable schedules, exports and forwarding tables.

A switch is its tier and its number there, an endpoint a NIC of a node; both count from 1.
"""

from __future__ import annotations

import numpy as np

from netloom.topology.fabric import Fabric


def switch_name(tier: str, place: int) -> str:
    """Return the name of a tier's switch; `place` counts from 0.

    Examples
    --------
    >>> switch_name("leaf", 11)
    'leaf0012'
    """
    return f"{tier}{place + 1:04d}"


def endpoint_place(endpoint: int, nics_per_node: int) -> tuple[str, str]:
    """Return node and NIC of an endpoint.

    Examples
    --------
    >>> endpoint_place(9, 8)
    ('node0002', 'nic2')
    """
    return f"node{endpoint // nics_per_node + 1:04d}", f"nic{endpoint % nics_per_node + 1}"


def endpoint_name(endpoint: int, nics_per_node: int) -> str:
    """Return the name of an endpoint, node and NIC joined by a colon.

    Examples
    --------
    >>> endpoint_name(9, 8)
    'node0002:nic2'
    """
    return ":".join(endpoint_place(endpoint, nics_per_node))


def switch_names(fabric: Fabric) -> tuple[str, ...]:
    """Return the names of all switches, in their order.

    Examples
    --------
    >>> from netloom.topology import build
    >>> switch_names(build("fat-tree", {"hosts": 8, "radix": 8, "tiers": 2}))
    ('leaf0001', 'leaf0002', 'spine0001')
    """
    first = np.searchsorted(fabric.switch_tier, np.arange(len(fabric.tiers)))
    return tuple(
        switch_name(fabric.tiers[tier].name, int(switch - first[tier]))
        for switch, tier in enumerate(fabric.switch_tier.tolist())
    )


def endpoint_names(num_endpoints: int, nics_per_node: int) -> tuple[str, ...]:
    """Return the names of all endpoints, in their order.

    Examples
    --------
    >>> endpoint_names(3, 2)
    ('node0001:nic1', 'node0001:nic2', 'node0002:nic1')
    """
    return tuple(endpoint_name(each, nics_per_node) for each in range(num_endpoints))
