"""What a communicator costs on a fabric: latency and seconds per byte, with what limits it.

All disjoint groups of a communicator run its operation at the same time, so their flows share the
fabric. Each algorithm that can carry out the operation is placed on ranks, its flows are put on
the fabric's bundles, and the fullest bundle sets the rate: for equal flows that start together
the max-min makespan *is* the largest load over its capacity (`netloom.kernels.loads`). The price
of one call is then linear in its size,

    seconds = latency_s + size_bytes * s_per_byte,

with sizes as nccl-tests counts them (`netloom.collective.OPERATIONS`). Algorithm and protocol are
the ones that are fastest at one reference size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netloom.catalog.parts import CollectiveLibrary, Protocol, ScaleUp
from netloom.collective import ALGORITHMS, OPERATIONS, Steps, algorithms_for
from netloom.collective.groups import PlacedGroups, place
from netloom.errors import ConservationError, InfeasibleError, ParameterError, nearest
from netloom.simulate.placement import EndpointFlows, Placement, to_endpoints
from netloom.topology.fabric import DetourRouting, Fabric, Paths

#: Steps of the search for the share of detours; each narrows it by 0.618.
_MIX_STEPS = 20

#: What limits a group of one rank, and a group that never leaves its node.
NOTHING, SCALE_UP = "nothing", "scale-up links"


class Communicator(NamedTuple):
    """All groups of `size` ranks `stride` apart, running `operation` at the same time."""

    operation: str
    size: int
    stride: int


@dataclass(frozen=True)
class CommunicatorPrices:
    """Prices of communicators, shape (C,) each.

    Attributes
    ----------
    latency_s : float64, of one call.
    s_per_byte : float64, per byte of the operation's size.
    limit : int16, what sets `s_per_byte`, index into `limit_names`.
    algorithm : int16, what was chosen, index into `algorithm_names`, such as ``"ring/simple"``.
    """

    latency_s: NDArray[np.float64]
    s_per_byte: NDArray[np.float64]
    limit: NDArray[np.int16]
    algorithm: NDArray[np.int16]
    limit_names: tuple[str, ...]
    algorithm_names: tuple[str, ...]


class Price(NamedTuple):
    """Price of one communicator under one algorithm and protocol."""

    latency_s: float
    s_per_byte: float
    limit: str
    algorithm: str


class Pattern(NamedTuple):
    """One algorithm's traffic on the fabric, per byte of its `bytes_per_rank`.

    Attributes
    ----------
    num_nodes : nodes of the group that is spread widest.
    scale_up_bytes : bytes that the busiest rank sends inside its node, forwarding included.
    network_s : busy time of the fullest link, protocol efficiency not counted.
    network_limit : name of that link's stage.
    num_hops : switches on the longest path.
    """

    num_nodes: int
    scale_up_bytes: float
    network_s: float
    network_limit: str
    num_hops: int


class NetworkModel:
    """A fabric with what runs over it, ready to price communicators.

    Parameters
    ----------
    accelerators_per_node : accelerators of one scale-up domain.
    nics_per_node : scale-out NICs of one scale-up domain.
    reference_bytes : size at which the fastest algorithm and protocol are chosen.
    num_seeds : draws of the hash over which hashed load balancing is averaged.
    seed : first of them.
    """

    def __init__(
        self,
        fabric: Fabric,
        protocol: Protocol,
        scale_up: ScaleUp,
        accelerators_per_node: int,
        nics_per_node: int,
        num_accelerators: int,
        library: CollectiveLibrary,
        *,
        reference_bytes: float = 64 * 2.0**20,
        num_seeds: int = 8,
        seed: int = 0,
    ) -> None:
        num_nodes = -(-num_accelerators // accelerators_per_node)
        if num_nodes * nics_per_node > fabric.num_endpoints:
            raise ParameterError(
                f"{num_nodes} nodes of {nics_per_node} NICs do not fit on a fabric with "
                f"{fabric.num_endpoints} endpoints",
                hint=f"build the fabric with at least {num_nodes * nics_per_node} endpoints",
            )
        self.fabric = fabric
        self.protocol = protocol
        self.scale_up = scale_up
        self.num_accelerators = num_accelerators
        self.library = library
        self.reference_bytes = reference_bytes
        self.num_seeds = num_seeds
        self.seed = seed
        self.placement = Placement(accelerators_per_node, nics_per_node)
        self._prices: dict[tuple[Communicator, float], Price] = {}
        self._patterns: dict[tuple[str, int, int], Pattern] = {}

    def price(
        self, communicators: Sequence[Communicator], reference_bytes: float | None = None
    ) -> CommunicatorPrices:
        """Return the prices of communicators, each distinct one computed once per model.

        `reference_bytes` overrides the model's; traffic is not counted again for another size.
        """
        size_bytes = self.reference_bytes if reference_bytes is None else reference_bytes
        prices = [self._price_of(communicator, size_bytes) for communicator in communicators]
        limit_names = (NOTHING, SCALE_UP, *self.fabric.routing.bundles.stage_names)
        algorithm_names = tuple(sorted({NOTHING} | {price.algorithm for price in prices}))
        return CommunicatorPrices(
            latency_s=np.array([price.latency_s for price in prices]),
            s_per_byte=np.array([price.s_per_byte for price in prices]),
            limit=np.array([limit_names.index(price.limit) for price in prices], dtype=np.int16),
            algorithm=np.array(
                [algorithm_names.index(price.algorithm) for price in prices], dtype=np.int16
            ),
            limit_names=limit_names,
            algorithm_names=algorithm_names,
        )

    def candidates(
        self, communicator: Communicator, reference_bytes: float | None = None
    ) -> list[Price]:
        """Return the price under every algorithm and protocol that can carry out the operation.

        `reference_bytes`, the model's when left out, decides whether a large ring's plateau holds.
        """
        size_bytes = self.reference_bytes if reference_bytes is None else reference_bytes
        operation, size, stride = communicator
        if operation not in OPERATIONS:
            raise ParameterError(
                f"unknown operation '{operation}'", hint=nearest(operation, OPERATIONS)
            )
        prices = []
        for name, algorithm in algorithms_for(operation).items():
            keys = [key for key in self.library.base_latency_s if key.startswith(name + "/")]
            if not keys:
                continue
            pattern = self._pattern_of(name, size, stride)
            seconds, limit = self._s_per_byte(pattern)
            seconds *= algorithm.bytes_per_rank(operation, size)
            steps = algorithm.steps(operation, size, pattern.num_nodes)
            for key in keys:
                latency_s = self._latency_s(communicator, key, steps, pattern, size_bytes)
                factor = float(self.library.bandwidth_factor[key])
                prices.append(Price(latency_s, seconds / factor, limit, key))
        if not prices:
            raise ParameterError(
                f"library '{self.library.name}' has no algorithm for '{operation}'",
                hint="add an entry to its base_latency_s and the other tables",
            )
        return prices

    def _price_of(self, communicator: Communicator, size_bytes: float) -> Price:
        key = (communicator, size_bytes)
        if key not in self._prices:
            if communicator.size == 1:
                best = Price(0.0, 0.0, NOTHING, NOTHING)
            else:
                best = min(
                    self.candidates(communicator, size_bytes),
                    key=lambda price: price.latency_s + size_bytes * price.s_per_byte,
                )
            self._prices[key] = best
        return self._prices[key]

    def _latency_s(
        self,
        communicator: Communicator,
        key: str,
        steps: Steps,
        pattern: Pattern,
        size_bytes: float,
    ) -> float:
        """Return the latency of one call by the library's model.

        Steps take the library's constants, or what the scale-up network or the fabric adds for
        the longest path where that is more.
        """
        library, num_nodes, size = self.library, pattern.num_nodes, communicator.size
        algorithm, wire = key.split("/")
        scale_up_s = max(float(library.scale_up_latency_s[key]), float(self.scale_up.hop_latency_s))
        if num_nodes > 1 and steps.paced_by_network:
            scale_up_s = max(scale_up_s, float(library.network_overhead_s[wire]))
        # a ring with one rank per node is priced with the tree's step, as NCCL does
        step_key = f"tree/{wire}" if algorithm == "ring" and size == num_nodes else key
        fabric_s = float(self.protocol.base_latency_s)
        fabric_s += max(pattern.num_hops - 1, 0) * float(self.protocol.hop_latency_s)
        network_s = max(float(library.network_latency_s[step_key]), fabric_s)
        latency_s = float(library.base_latency_s[key])
        latency_s += steps.num_scale_up * scale_up_s + steps.num_network * network_s
        if (
            (communicator.operation, key) == ("all-reduce", "ring/simple")
            and num_nodes > 1
            and size_bytes >= float(library.plateau_bytes_per_rank) * size
        ):
            latency_s *= float(library.plateau_latency_factor)
        return latency_s

    def _s_per_byte(self, pattern: Pattern) -> tuple[float, str]:
        """Return seconds per byte of `bytes_per_rank`, and the name of the limit."""
        scale_up_s = pattern.scale_up_bytes / (
            float(self.scale_up.bytes_per_s) * float(self.scale_up.efficiency)
        )
        network_s = pattern.network_s / (
            float(self.protocol.framing_efficiency) * float(self.protocol.transport_efficiency)
        )
        if network_s > scale_up_s:
            return network_s, pattern.network_limit
        return scale_up_s, SCALE_UP

    def _pattern_of(self, algorithm: str, size: int, stride: int) -> Pattern:
        key = (algorithm, size, stride)
        if key not in self._patterns:
            groups = place(
                size, stride, self.num_accelerators, self.placement.accelerators_per_node
            )
            self._patterns[key] = self._traffic(algorithm, groups)
        return self._patterns[key]

    def _traffic(self, algorithm: str, groups: PlacedGroups) -> Pattern:
        flows = ALGORITHMS.get(algorithm).flows(groups)
        on_wire = to_endpoints(flows, groups.stride, self.placement)
        scale_up_bytes = flows.scale_up_bytes + on_wire.forwarded_bytes
        if not len(on_wire.source):
            return Pattern(groups.num_nodes, scale_up_bytes, 0.0, SCALE_UP, 0)
        paths = self.fabric.routing.paths(on_wire.source, on_wire.target)
        num_hops = int(paths.num_hops.max())
        if paths.num_hops.min() < 0:
            broken = int(np.argmin(paths.num_hops))
            raise InfeasibleError(
                f"fabric '{self.fabric.kind}' has no path from endpoint "
                f"{on_wire.source[broken]} to endpoint {on_wire.target[broken]}"
            )
        network_s, limit = self._busiest_stage(on_wire, paths)
        return Pattern(groups.num_nodes, scale_up_bytes, network_s, limit, num_hops)

    def _busiest_stage(self, flows: EndpointFlows, paths: Paths) -> tuple[float, str]:
        """Return how long the fullest link is busy, and its stage's name.

        Spraying and adaptive routing load all members of a bundle alike. Hashed flows load
        members by chance: the answer is the mean over seeds of the fullest member's time.
        """
        from netloom.kernels import loads as kernel

        bundles = self.fabric.routing.bundles
        names = bundles.stage_names
        path_arrays = kernel.PathArrays(paths.indptr, paths.bundle, paths.share)
        bundle_arrays = kernel.BundleArrays(
            bundles.bytes_per_s, bundles.num_members, bundles.stage, len(names)
        )
        loads = kernel.bundle_loads(path_arrays, flows.flow_bytes, len(bundles.bytes_per_s))
        _check_conservation(
            float(flows.flow_bytes.sum()), *kernel.edge_loads(path_arrays, loads, bundle_arrays)
        )
        if self.protocol.load_balancing != "hash":
            routing = self.fabric.routing
            if isinstance(routing, DetourRouting) and routing.has_detours:
                detours = routing.detour_loads(flows.source, flows.target, flows.flow_bytes)
                loads = least_loading_mix(loads, detours, bundles.bytes_per_s)
            seconds = kernel.stage_seconds(loads, bundle_arrays)
            return float(seconds.max()), names[int(np.argmax(seconds))]
        first_member = np.concatenate([[0], np.cumsum(bundles.num_members, dtype=np.int64)])
        flow_key = (flows.source.astype(np.uint64) << np.uint64(32)) | flows.target.astype(
            np.uint64
        )
        num_queue_pairs = round(float(self.library.queue_pairs))
        draws = []
        for seed in range(self.seed, self.seed + self.num_seeds):
            member_loads = kernel.member_loads(
                path_arrays, flows.flow_bytes, flow_key, first_member, num_queue_pairs, seed
            )
            draws.append(kernel.member_stage_seconds(member_loads, bundle_arrays, first_member))
        by_seed = np.array(draws)
        return float(by_seed.max(axis=1).mean()), names[int(np.argmax(by_seed.mean(axis=0)))]


def least_loading_mix(
    minimal: NDArray[np.float64], detours: NDArray[np.float64], bytes_per_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mix of two ways' loads, float64, shape (B,), whose fullest bundle is least full.

    The fullest bundle's time is convex in the share of detours, so a golden-section search finds
    the share; adaptive routing that knew all loads would choose it.
    """

    def fullest_s(share: float) -> float:
        return float((((1 - share) * minimal + share * detours) / bytes_per_s).max())

    low, high = 0.0, 1.0
    ratio = (5**0.5 - 1) / 2
    for _ in range(_MIX_STEPS):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if fullest_s(left) <= fullest_s(right):
            high = right
        else:
            low = left
    share = min((0.0, 1.0, (low + high) / 2), key=fullest_s)
    return (1 - share) * minimal + share * detours


def _check_conservation(sent: float, entered: float, left: float, both: float) -> None:
    """Raise `ConservationError` unless every byte sent enters and leaves the fabric once.

    Bytes are counted on the stages where paths begin and where they end, after they were loaded
    onto bundles; a fabric whose host links are one stage for both directions has them twice there.
    """
    expected = 2 * sent if both else sent
    if max(abs(entered - expected), abs(left - expected)) > 1e-9 * expected:
        raise ConservationError(
            f"{sent} bytes sent, but {entered} enter the fabric and {left} leave it"
        )
