"""What one training step puts on every link of a network, and what its parts do to each other.

Bytes are payload; busy times and utilisations are at line rate, without the protocol's overhead.

Legend for shapes: K kinds of traffic, F flows, B bundles, M single links (members of bundles),
D draws of the hash, G blocks of endpoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.errors import ConservationError
from netloom.kernels import inputs
from netloom.result import Plan
from netloom.simulate.busiest import hashed_loads, least_loading_mix
from netloom.simulate.network import NetworkModel
from netloom.simulate.overlap import Overlap, overlap
from netloom.simulate.placement import EndpointFlows
from netloom.simulate.rank_order import RANK_ORDER
from netloom.simulate.step import PricedPlan, StepModel, plan_of
from netloom.simulate.step_flows import Traffic, step_flows
from netloom.topology.fabric import DetourRouting, Fabric, Paths
from netloom.topology.names import switch_names

#: Dimensions in the order of `Communication`.
DIMENSIONS = ("tensor", "context", "expert", "pipeline", "data")

#: Blocks of endpoints that a matrix tells apart; neighbours beyond are summed up.
MOST_BLOCKS = 64


@dataclass(frozen=True)
class DimensionTraffic:
    """What one kind of operation of one dimension sends in one step, by all ranks together.

    Attributes
    ----------
    sent_bytes : inside nodes and between them; `network_bytes` is the part between nodes.
    """

    dimension: str
    operation: str
    algorithm: str
    group_size: int
    sent_bytes: float
    network_bytes: float


@dataclass(frozen=True)
class StageLoad:
    """One stage of links, such as all leaf uplinks.

    Attributes
    ----------
    num_links : single links, one way.
    bytes_by_dimension : in one step.
    mean_utilisation : of all links, over the step.
    peak_utilisation : of the fullest link; the mean over draws where flows are hashed.
    peak_busy_s : of the fullest link, at line rate.
    """

    stage: str
    num_links: int
    bytes_by_dimension: dict[str, float]
    mean_utilisation: float
    peak_utilisation: float
    peak_busy_s: float

    @property
    def total_bytes(self) -> float:
        """All dimensions together."""
        return sum(self.bytes_by_dimension.values())


@dataclass(frozen=True)
class Blocks:
    """Bytes between blocks of endpoints (pods, units, groups, or leaves) in one step.

    Attributes
    ----------
    names : the first switch of each block that hosts hang on, G texts.
    num_together : blocks that were summed up to one.
    sent_bytes : float64, shape (G, G), from row to column; what a NIC sends to a NIC of its own
        block is on the diagonal.
    """

    names: tuple[str, ...]
    num_together: int
    sent_bytes: NDArray[np.float64]


@dataclass(frozen=True)
class StepTraffic:
    """Loads of all links in one step of one plan on one network.

    Attributes
    ----------
    plan, step_s : the step.
    dimensions : what each dimension sends.
    stages : of links, in the order of the fabric's routing.
    bundle_bytes : float64, shape (B,) by dimension, in one step.
    link_bytes, link_bytes_low, link_bytes_high : float64, shape (B,), of the fullest single link of
        each bundle: mean, least and most over the draws of the hash; alike where nothing is drawn.
    num_draws : of the hash; 1 where nothing is drawn.
    blocks : which block sends how much to which.
    overlap : gradients and pipeline sends on the network at the same time; None where one of them
        does not use the network, or the software does not overlap them.
    """

    fabric: Fabric
    plan: Plan
    step_s: float
    dimensions: tuple[DimensionTraffic, ...]
    stages: tuple[StageLoad, ...]
    bundle_bytes: dict[str, NDArray[np.float64]]
    link_bytes: NDArray[np.float64]
    link_bytes_low: NDArray[np.float64]
    link_bytes_high: NDArray[np.float64]
    num_draws: int
    blocks: Blocks
    overlap: Overlap | None

    @property
    def link_bytes_per_s(self) -> NDArray[np.float64]:
        """Rate of a single link of each bundle, one way, float64, shape (B,)."""
        bundles = self.fabric.routing.bundles
        return bundles.bytes_per_s / np.maximum(1, bundles.num_members)

    @property
    def busy_s(self) -> NDArray[np.float64]:
        """How long each bundle's fullest link is busy at line rate, float64, shape (B,)."""
        return _seconds(self.link_bytes, self.link_bytes_per_s)

    def hottest(self, count: int, *, between_switches: bool = False) -> NDArray[np.int64]:
        """Return the loaded bundles whose links are busy longest, the busiest first.

        Of equally busy ones, the first in the routing's order comes first.
        """
        busy_s = self.busy_s
        if between_switches:
            # host links are the first two stages of every routing, up and down
            busy_s = np.where(self.fabric.routing.bundles.stage < 2, 0.0, busy_s)
        # rounding must not part equals
        rank = np.round(busy_s / max(float(busy_s.max(initial=0.0)), 1e-300), 9)
        order = np.argsort(-rank, kind="stable")[:count]
        return order[busy_s[order] > 0]


def step_traffic(
    priced: PricedPlan,
    model: StepModel,
    network: NetworkModel,
    order: Sequence[str] = RANK_ORDER,
) -> StepTraffic:
    """Return the loads of all links in one step.

    Parameters
    ----------
    priced : the plan with its step.
    order : of dimensions onto ranks.

    Raises
    ------
    ConservationError
        When bytes get lost between senders, links and receivers.
    """
    kinds = step_flows(priced.plan, model, network, order)
    fabric = network.fabric
    bundles = fabric.routing.bundles
    loads = {name: np.zeros(len(bundles.bytes_per_s)) for name in DIMENSIONS}
    members = _MemberLoads(network)
    for kind in kinds:
        entered_bytes = left_bytes = 0.0
        for flows in kind.flows:
            if len(flows.source):
                found, entered, left = _loads(fabric, flows, members)
                loads[kind.dimension] += found
                entered_bytes, left_bytes = entered_bytes + entered, left_bytes + left
        _check(kind, entered_bytes, left_bytes)
    used = {kind.dimension for kind in kinds}
    loads = {name: found for name, found in loads.items() if name in used}
    total = sum(loads.values(), np.zeros(len(bundles.bytes_per_s)))
    fullest = members.fullest(total)
    step_s = float(priced.step[0])
    num_sends = float(priced.plan[inputs.NUM_MICRO_BATCHES] * priced.plan[inputs.INTERLEAVE])
    return StepTraffic(
        fabric=fabric,
        plan=plan_of(priced.plan),
        step_s=step_s,
        dimensions=_dimensions(kinds),
        stages=_stages(fabric, loads, fullest.mean(axis=0), step_s),
        bundle_bytes=loads,
        link_bytes=fullest.mean(axis=0),
        link_bytes_low=fullest.min(axis=0),
        link_bytes_high=fullest.max(axis=0),
        num_draws=len(fullest),
        blocks=_blocks(fabric, kinds),
        overlap=overlap(kinds, network, num_sends)
        if model.software.overlaps_data and priced.plan[inputs.SHARDING] > 0
        else None,
    )


class _MemberLoads:
    """Loads of single links under each draw of the hash, summed up flow by flow."""

    def __init__(self, network: NetworkModel) -> None:
        self.hashing = network.hashing
        self.fabric = network.fabric
        bundles = network.fabric.routing.bundles
        self.num_members = bundles.num_members
        self.first = np.concatenate([[0], np.cumsum(bundles.num_members, dtype=np.int64)])
        num_draws = self.hashing.num_seeds if self.hashing else 0
        self.by_draw = np.zeros((num_draws, int(self.first[-1])))

    def add(self, paths: Paths, flows: EndpointFlows) -> None:
        """Add flows on their paths."""
        if self.hashing is None:
            return
        for draw, loads in enumerate(self.by_draw):
            loads += hashed_loads(
                self.fabric, flows, paths, self.first, self.hashing.num_queue_pairs,
                self.hashing.seed + draw,
            )  # fmt: skip

    def fullest(self, total: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the fullest link of each bundle by draw, float64, shape (D, B)."""
        if self.hashing is None:
            return (total / np.maximum(1, self.num_members))[None]
        some = np.flatnonzero(self.num_members)
        fullest = np.zeros((len(self.by_draw), len(total)))
        fullest[:, some] = np.maximum.reduceat(self.by_draw, self.first[:-1][some], axis=1)
        return fullest


def _loads(
    fabric: Fabric, flows: EndpointFlows, members: _MemberLoads
) -> tuple[NDArray[np.float64], float, float]:
    """Return what flows put on bundles, float64, shape (B,), routed as their prices are.

    The other two numbers are the bytes on the links where flows begin and on those where they end.
    """
    from netloom.kernels import loads as kernel

    routing = fabric.routing
    bundles = routing.bundles
    rows = routing.paths(flows.source, flows.target)
    paths = kernel.PathArrays(rows.indptr, rows.bundle, rows.share)
    members.add(rows, flows)
    found = kernel.bundle_loads(paths, flows.flow_bytes, len(bundles.bytes_per_s))
    arrays = kernel.BundleArrays(
        bundles.bytes_per_s, bundles.num_members, bundles.stage, len(bundles.stage_names)
    )
    entered, left, both = kernel.edge_loads(paths, found, arrays)
    # where both directions of the host links are one stage, all bytes are on it twice
    times = 2.0 if both else 1.0
    if members.hashing is None and isinstance(routing, DetourRouting) and routing.has_detours:
        detours = routing.detour_loads(flows.source, flows.target, flows.flow_bytes)
        found = least_loading_mix(found, detours, bundles.bytes_per_s)
    return found, entered / times, left / times


def _check(kind: Traffic, entered_bytes: float, left_bytes: float) -> None:
    """Raise `ConservationError` unless what leaves nodes is on host uplinks and on downlinks."""
    expected = kind.crossing_bytes
    most = max(expected, entered_bytes, left_bytes)
    if max(abs(entered_bytes - expected), abs(left_bytes - expected)) > 1e-9 * most:
        raise ConservationError(
            f"{kind.dimension} {kind.operation} sends {expected} bytes between nodes, "
            f"{entered_bytes} enter the fabric and {left_bytes} leave it"
        )


def _dimensions(kinds: Sequence[Traffic]) -> tuple[DimensionTraffic, ...]:
    """Return the kinds of traffic, the ways of a pipeline's sends summed up."""
    rows: dict[tuple[str, str, str, int], list[float]] = {}
    for kind in kinds:
        key = (kind.dimension, kind.operation, kind.algorithm, kind.group_size)
        found = rows.setdefault(key, [0.0, 0.0])
        found[0] += kind.sent_bytes
        found[1] += kind.crossing_bytes
    return tuple(DimensionTraffic(*key, *found) for key, found in rows.items())


def _stages(
    fabric: Fabric,
    loads: dict[str, NDArray[np.float64]],
    fullest: NDArray[np.float64],
    step_s: float,
) -> tuple[StageLoad, ...]:
    bundles = fabric.routing.bundles
    per_link = bundles.bytes_per_s / np.maximum(1, bundles.num_members)
    busy_s = _seconds(fullest, per_link)
    found = []
    for number, name in enumerate(bundles.stage_names):
        mine = bundles.stage == number
        if not mine.any():
            continue
        by_dimension = {dimension: float(load[mine].sum()) for dimension, load in loads.items()}
        capacity_bytes = float(bundles.bytes_per_s[mine].sum()) * step_s
        found.append(
            StageLoad(
                stage=name,
                num_links=int(bundles.num_members[mine].sum()),
                bytes_by_dimension=by_dimension,
                mean_utilisation=sum(by_dimension.values()) / capacity_bytes
                if capacity_bytes
                else 0.0,
                peak_utilisation=float(busy_s[mine].max()) / step_s,
                peak_busy_s=float(busy_s[mine].max()),
            )
        )
    return tuple(found)


def _blocks(fabric: Fabric, kinds: Sequence[Traffic]) -> Blocks:
    """Return the matrix of blocks, or of leaves where the fabric has one block."""
    host = fabric.trunk_class == 0
    switch = np.zeros(fabric.num_endpoints, dtype=np.int64)
    # of several planes, the first
    switch[fabric.trunk_lower[host][::-1]] = fabric.trunk_upper[host][::-1]
    labels = fabric.endpoint_block.astype(np.int64)
    if len(np.unique(labels)) == 1:
        labels = switch
    _, first, block = np.unique(labels, return_index=True, return_inverse=True)
    block = block.reshape(-1)
    together = -(-len(first) // MOST_BLOCKS)
    block, first = block // together, first[::together]
    matrix = np.zeros((len(first), len(first)))
    for kind in kinds:
        for flows in kind.flows:
            np.add.at(matrix, (block[flows.source], block[flows.target]), flows.flow_bytes)
    names = switch_names(fabric)
    return Blocks(tuple(names[switch[each]] for each in first), together, matrix)


def _seconds(
    load_bytes: NDArray[np.float64], bytes_per_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.divide(load_bytes, bytes_per_s, out=np.zeros_like(load_bytes), where=bytes_per_s > 0)
