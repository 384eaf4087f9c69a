"""Ranks on nodes and NICs: what the network sees of flows between ranks.

Rank r sits in node ``r // accelerators_per_node``, where a node is one scale-up domain. Its NIC,
its rail, is ``local_rank * nics_per_node // accelerators_per_node``; with more NICs than
accelerators a rank owns the next few as well and spreads its flows over them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.collective import Flows
from netloom.errors import ParameterError


@dataclass(frozen=True)
class Placement:
    """How ranks are laid out on nodes and NICs."""

    accelerators_per_node: int
    nics_per_node: int

    def __post_init__(self) -> None:
        more, less = sorted((self.accelerators_per_node, self.nics_per_node), reverse=True)
        if less < 1 or more % less:
            raise ParameterError(
                f"{self.nics_per_node} NICs do not divide among "
                f"{self.accelerators_per_node} accelerators of a node",
                hint="one of the two has to be a multiple of the other",
            )

    @property
    def nics_per_rank(self) -> int:
        """NICs that one rank owns; 1 when ranks share NICs."""
        return max(1, self.nics_per_node // self.accelerators_per_node)

    def node(self, rank: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the node of each rank."""
        return rank // self.accelerators_per_node

    def rail(self, rank: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the first NIC of each rank, counted inside its node."""
        return rank % self.accelerators_per_node * self.nics_per_node // self.accelerators_per_node


@dataclass(frozen=True)
class EndpointFlows:
    """Flows between endpoints; shape letter F for flows.

    Attributes
    ----------
    source, target : int32, shape (F,), endpoints.
    flow_bytes : float64, shape (F,), per byte of the algorithm's `bytes_per_rank`.
    forwarded_bytes : bytes that the busiest rank hands to neighbours in its node because the
        target is on another rail, in the same measure.
    """

    source: NDArray[np.int32]
    target: NDArray[np.int32]
    flow_bytes: NDArray[np.float64]
    forwarded_bytes: float


def to_endpoints(flows: Flows, stride: int, placement: Placement) -> EndpointFlows:
    """Return the flows as the network sees them.

    Where nodes have a scale-up network, a sender whose target is on another rail hands its bytes
    first to the NIC of that rail in its own node, so that the network carries rail-aligned flows
    only (NCCL calls this PXN). Without one, a flow leaves through its rank's own NIC.
    """
    target_rail = placement.rail(flows.target)
    forwarded_bytes = 0.0
    if placement.accelerators_per_node > 1:
        source_rail = target_rail
        forwarded_bytes = _forwarded_bytes(flows, stride, target_rail, placement)
    else:
        source_rail = placement.rail(flows.source)
    source = placement.node(flows.source) * placement.nics_per_node + source_rail
    target = placement.node(flows.target) * placement.nics_per_node + target_rail
    flow_bytes = flows.flow_bytes
    if placement.nics_per_rank > 1:
        nics = np.arange(placement.nics_per_rank, dtype=np.int32)
        source = (source[:, None] + nics).ravel()
        target = (target[:, None] + nics).ravel()
        flow_bytes = np.repeat(flow_bytes / len(nics), len(nics))
    return EndpointFlows(
        source.astype(np.int32), target.astype(np.int32), flow_bytes, forwarded_bytes
    )


def _forwarded_bytes(
    flows: Flows, stride: int, target_rail: NDArray[np.int32], placement: Placement
) -> float:
    """Return what the busiest rank forwards; senders of one flow share its bytes evenly."""
    if not len(flows.source):
        return 0.0
    num_off_rail = np.zeros(len(flows.source))
    for member in range(int(flows.num_sources.max())):
        rail = placement.rail(flows.source + member * stride)
        num_off_rail += (member < flows.num_sources) & (rail != target_rail)
    forwarded = flows.flow_bytes * num_off_rail / flows.num_sources
    per_rank = np.bincount(flows.source, weights=forwarded / flows.num_sources)
    return float(per_rank.max())
