"""Direct networks, in which every switch carries hosts: the part that these families share.

Endpoint e hangs on switch ``e // p``. Switches are built whether or not they carry any. Trunks are
numbered host links first and then class by class, in the order in which the family lists them, so
that a routing can compute a trunk's number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.topology.fabric import HOST, Fabric, LinkClass, Tier
from netloom.topology.parameters import FamilyParameters, refuse
from netloom.topology.trunks import RoutingBuilder, Trunks, fabric_of


@dataclass(frozen=True)
class Wires:
    """Trunks between switches that make one link class; T of them.

    Attributes
    ----------
    name : of the link class.
    lower, upper : int64, shape (T,), switches.
    links : logical links of each trunk.
    cabled : False for traces on a board.
    """

    name: str
    lower: NDArray[np.int64]
    upper: NDArray[np.int64]
    links: int = 1
    cabled: bool = True


def direct_fabric(
    kind: str,
    parameters: FamilyParameters,
    *,
    hosts: int,
    p: int,
    num_ports: int,
    block: NDArray[np.int64],
    wires: Sequence[Wires],
    routing: RoutingBuilder,
    bisection_links: float,
    planes: int = 1,
    embedded: bool = False,
    host_links: int = 1,
) -> Fabric:
    """Return the fabric of `planes` equal networks.

    Parameters
    ----------
    hosts, p : endpoints, and endpoints of one switch.
    num_ports : of one switch.
    block : int64, shape (S,), of each switch of one plane.
    wires : of one plane, one for each link class but the host links.
    routing : makes the routing from the trunks.
    bisection_links : links of one plane between two halves, by the family's stated formula.
    embedded : whether a switch is a part of its endpoint and no box.
    host_links : links that join an endpoint to its switch in one plane.
    """
    rate, cage_ports = parameters.link_bytes_per_s, parameters.cage_ports
    endpoint_switch = np.arange(hosts) // p
    sizes = [hosts, *(len(part.lower) for part in wires)]
    return fabric_of(
        kind,
        parameters.model_dump(),
        num_endpoints=hosts,
        tiers=[
            Tier("router", len(block), num_ports, "embedded")
            if embedded
            else Tier("switch", len(block), num_ports)
        ],
        link_classes=[
            LinkClass(
                "host-router" if embedded else "host-switch",
                HOST, 0, rate, cage_ports, cabled=not embedded,
            ),
            *(LinkClass(part.name, 0, 0, rate, cage_ports, cabled=part.cabled) for part in wires),
        ],
        trunks=Trunks(
            link_class=np.repeat(np.arange(len(sizes)), sizes),
            lower=np.concatenate([np.arange(hosts), *(part.lower for part in wires)]),
            upper=np.concatenate([endpoint_switch, *(part.upper for part in wires)]),
            links=np.repeat(np.array([host_links, *(part.links for part in wires)]), sizes),
        ),
        planes=planes,
        switch_block=block,
        endpoint_block=block[endpoint_switch],
        routing=routing,
        bisection_bytes_per_s=planes * bisection_links * rate,
    )  # fmt: skip


def check_ports(
    kind: str, p: int, network_ports: int, radix: int | None, *more: str, host_links: int = 1
) -> int:
    """Return the ports of one switch; raise `ParameterError` when it needs more than it has.

    `more` are further valid choices, written in full.
    """
    needed = p * host_links + network_ports
    if radix is None or needed <= radix:
        return needed if radix is None else radix
    fewer = (radix - network_ports) // host_links
    fewer_hosts = (f"p: {fewer}",) if fewer > 0 else ()
    ports = f"{p * host_links} ports to hosts and {network_ports} to switches"
    raise refuse(
        kind, "radix", radix, f"{ports} are {needed}",
        (needed, *fewer_hosts, *more),
    )  # fmt: skip


def check_hosts(kind: str, hosts: int | None, num_switches: int, p: int) -> int:
    """Return the endpoints, all positions when left out; raise `ParameterError` when too many."""
    positions = num_switches * p
    if hosts is not None and hosts > positions:
        raise refuse(
            kind, "hosts", hosts, f"{num_switches} switches of {p} hosts hold {positions}",
            (positions, f"p: {-(-hosts // num_switches)}"),
        )  # fmt: skip
    return positions if hosts is None else hosts
