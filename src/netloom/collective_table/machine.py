"""The network under a table: a candidate of a study, or any fabric with nodes and a protocol."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from netloom import catalog, evaluate
from netloom.catalog.parts import Protocol, ScaleUp
from netloom.errors import ParameterError, nearest
from netloom.resolve import Resolved
from netloom.simulate.degrade import Loss, degrade, links_left
from netloom.simulate.route_file import TableRouting, routed_by_file
from netloom.survey import Request, build_fabric
from netloom.topology.fabric import Fabric


@dataclass(frozen=True)
class Machine:
    """A fabric with the nodes on it. A *node* is one scale-up domain.

    Attributes
    ----------
    name : of the candidate network, or the fabric family.
    accelerators_per_node, nics_per_node : of one scale-up domain.
    nics_per_box : of one catalogue node, for the names of NICs.
    num_nodes : that the fabric holds, or that the study has.
    hop_latency_s : of each further switch with its cable; the protocol's own when None.
    routes : file that states the routes; empty where the protocol balances the load.
    """

    name: str
    fabric: Fabric
    protocol: Protocol
    scale_up: ScaleUp
    accelerators_per_node: int
    nics_per_node: int
    nics_per_box: int
    num_nodes: int
    hop_latency_s: float | None = None
    routes: str = ""

    def on(self, fabric: Fabric) -> Machine:
        """Return the same nodes on another fabric, such as a degraded one."""
        return dataclasses.replace(self, fabric=fabric)

    def routed_by(self, path: Path) -> Machine:
        """Return the machine with the static routes of a file of forwarding tables."""
        fabric = routed_by_file(path, self.fabric, nics_per_node=self.nics_per_box)
        return dataclasses.replace(self, fabric=fabric, routes=str(path))

    def without(self, loss: Loss) -> Machine:
        """Return the machine with parts out of order; static routes stay as they are."""
        routing = self.fabric.routing
        if not isinstance(routing, TableRouting):
            return self.on(degrade(self.fabric, loss))
        left = routing.without(links_left(self.fabric, loss))
        return self.on(dataclasses.replace(self.fabric, routing=left))


def machines_of_study(resolved: Resolved, name: str | None = None) -> tuple[Machine, ...]:
    """Return a study's candidate networks as they are planned with, all or the one of a name.

    Raises
    ------
    ParameterError
        When the study has no network of that name.
    """
    names = [network.name for network in resolved.networks]
    if name is not None and name not in names:
        raise ParameterError(f"the study has no network '{name}'", hint=nearest(name, names))
    run = evaluate.start(resolved)
    found = []
    for network in resolved.networks:
        if name in (None, network.name):
            model = evaluate.prepare(run, network, seed=0).network
            placement = model.placement
            found.append(
                Machine(
                    network.name,
                    model.fabric,
                    model.protocol,
                    model.scale_up,
                    placement.accelerators_per_node,
                    placement.nics_per_node,
                    resolved.nics_per_node,
                    model.num_accelerators // placement.accelerators_per_node,
                    model.hop_latency_s,
                )
            )
    return tuple(found)


def machine_of_fabric(request: Request, protocol: str) -> Machine:
    """Return a fabric filled with catalogue nodes.

    Raises
    ------
    ParameterError
        When a name is unknown, a parameter is outside its domain, or not one node fits.

    Examples
    --------
    >>> request = Request("fat-tree", {"hosts": 2048, "radix": 64, "tiers": 2}, node="dgx-h100")
    >>> machine = machine_of_fabric(request, "infiniband-ndr")
    >>> machine.num_nodes, machine.accelerators_per_node, machine.nics_per_node
    (256, 8, 8)
    """
    node, wire = catalog.get("node", request.node), catalog.get("protocol", protocol)
    fabric, nics_per_box = build_fabric(request)
    nics_per_node = nics_per_box * node.scale_up_domain // node.num_accelerators
    num_nodes = fabric.num_endpoints // nics_per_node if nics_per_node else 0
    if num_nodes < 1:
        raise ParameterError(
            f"a scale-up domain of {node.name} has {nics_per_node} NICs, and fabric "
            f"'{fabric.kind}' has {fabric.num_endpoints} endpoints",
            hint=f"build it with at least {nics_per_node} endpoints, or name another --node",
        )
    return Machine(
        fabric.kind,
        fabric,
        wire,
        catalog.get("scale-up", node.scale_up),
        node.scale_up_domain,
        nics_per_node,
        nics_per_box,
        num_nodes,
    )
