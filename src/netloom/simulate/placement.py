"""Ranks on accelerators, accelerators on NICs: what the network sees of flows between ranks.

Accelerator a sits in node ``a // accelerators_per_node``, where a node is one scale-up domain. Its
NIC, its rail, is ``local * nics_per_node // accelerators_per_node``, with `local` its number inside
the node; with more NICs than accelerators it owns the next few as well and spreads its flows over
them. Rank r sits on accelerator r unless a map says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from netloom.collective import Phase
from netloom.collective.groups import PlacedGroups, check_num_flows
from netloom.errors import ParameterError


@dataclass(frozen=True)
class Placement:
    """How ranks are laid out on nodes and NICs.

    Attributes
    ----------
    accelerator_of_rank : int32, shape (ranks,), a map without repeats; None for rank r on
        accelerator r.
    nic_of_accelerator : int32, shape (accelerators,), NIC inside the node that each accelerator
        uses, for nodes that are not rail-aligned; None for the even rule.
    forwarding : whether a sender whose target is on another rail hands its bytes to the NIC of that
        rail in its own node first (NCCL's PXN), where nodes have a scale-up network.
    staged : whether whole messages are handed over before the network begins; otherwise piece by
        piece beside it, as NCCL does.
    """

    accelerators_per_node: int
    nics_per_node: int
    accelerator_of_rank: NDArray[np.int32] | None = None
    nic_of_accelerator: NDArray[np.int32] | None = None
    forwarding: bool = True
    staged: bool = False

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

    def accelerator(self, rank: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the accelerator that each rank sits on."""
        return rank if self.accelerator_of_rank is None else self.accelerator_of_rank[rank]

    def node(self, accelerator: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the node of each accelerator."""
        return accelerator // self.accelerators_per_node

    def rail(self, accelerator: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the first NIC of each accelerator, counted inside its node."""
        if self.nic_of_accelerator is not None:
            return self.nic_of_accelerator[accelerator]
        local = accelerator % self.accelerators_per_node
        return local * self.nics_per_node // self.accelerators_per_node


@dataclass(frozen=True)
class EndpointFlows:
    """Flows between endpoints; shape letter F for flows.

    Attributes
    ----------
    source, target : int32, shape (F,), endpoints.
    flow_bytes : float64, shape (F,), per byte of the operation's size.
    forwarded_bytes : bytes that the busiest rank hands to neighbours in its node because the
        target is on another rail, in the same measure.
    """

    source: NDArray[np.int32]
    target: NDArray[np.int32]
    flow_bytes: NDArray[np.float64]
    forwarded_bytes: float


def to_endpoints(phase: Phase, groups: PlacedGroups, placement: Placement) -> EndpointFlows:
    """Return the flows of a phase as the network sees them.

    With forwarding the network carries rail-aligned flows only. Without, or where nodes have no
    scale-up network, every sender's part leaves through its own NIC.
    """
    flat = groups.accelerators.ravel()
    if placement.accelerators_per_node == 1 or not placement.forwarding:
        phase = _one_sender_each(phase, groups.size)
        source_rail = placement.rail(flat[phase.source])
        forwarded_bytes = 0.0
    else:
        source_rail = placement.rail(flat[phase.target])
        handed_over = _forwarded_bytes(phase, flat, source_rail, placement)
        forwarded_bytes = 0.0 if placement.staged else handed_over
    source, target = flat[phase.source], flat[phase.target]
    source = placement.node(source) * placement.nics_per_node + source_rail
    target = placement.node(target) * placement.nics_per_node + placement.rail(target)
    flow_bytes = phase.flow_bytes
    if placement.nics_per_rank > 1:
        nics = np.arange(placement.nics_per_rank, dtype=np.int32)
        source = (source[:, None] + nics).ravel()
        target = (target[:, None] + nics).ravel()
        flow_bytes = np.repeat(flow_bytes / len(nics), len(nics))
    return EndpointFlows(
        source.astype(np.int32), target.astype(np.int32), flow_bytes, forwarded_bytes
    )


def staged(phase: Phase, groups: PlacedGroups, placement: Placement) -> tuple[Phase, ...]:
    """Return a phase after the one in which its bytes are handed to the right rails.

    Examples
    --------
    Accelerator 0 of the first node sends to accelerator 1 of the second:

    >>> from netloom.collective.groups import place
    >>> groups = place(np.array([[0, 9]]), 8)
    >>> one = np.array([1], dtype=np.int32)
    >>> phase = Phase(np.array([0]), one, np.array([1]), np.array([3.0]), 0.0)
    >>> [each.scale_up_bytes for each in staged(phase, groups, Placement(8, 8, staged=True))]
    [3.0, 0.0]
    """
    beside = replace(placement, staged=False)
    forwarded_bytes = to_endpoints(phase, groups, beside).forwarded_bytes
    if forwarded_bytes == 0.0:
        return (phase,)
    hand_over = Phase(
        phase.source[:0], phase.num_sources[:0], phase.target[:0], phase.flow_bytes[:0],
        forwarded_bytes,
    )  # fmt: skip
    return hand_over, phase


def _one_sender_each(phase: Phase, num_ranks: int) -> Phase:
    """Return the phase with a flow for each sending member."""
    if (phase.num_sources == 1).all():
        return phase
    check_num_flows(int(phase.num_sources.sum(dtype=np.int64)), num_ranks)
    flow = np.repeat(np.arange(len(phase.source)), phase.num_sources)
    first = np.cumsum(phase.num_sources) - phase.num_sources
    member = np.arange(len(flow)) - np.repeat(first, phase.num_sources)
    return phase._replace(
        source=phase.source[flow] + member,
        num_sources=np.ones(len(flow), dtype=np.int32),
        target=phase.target[flow],
        flow_bytes=(phase.flow_bytes / phase.num_sources)[flow],
    )


def _forwarded_bytes(
    phase: Phase,
    accelerators: NDArray[np.int32],
    target_rail: NDArray[np.int32],
    placement: Placement,
) -> float:
    """Return what the busiest rank forwards; senders of one flow share its bytes evenly."""
    if not len(phase.source):
        return 0.0
    per_member = np.zeros(len(accelerators))
    for sender in range(int(phase.num_sources.max())):
        sends = sender < phase.num_sources
        position = phase.source[sends] + sender
        off_rail = placement.rail(accelerators[position]) != target_rail[sends]
        share = phase.flow_bytes[sends] / phase.num_sources[sends]
        np.add.at(per_member, position, np.where(off_rail, share, 0.0))
    return float(per_member.max())
