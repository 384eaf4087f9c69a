"""What a communicator costs on a fabric: latency and seconds per byte, with what limits it.

All disjoint groups of a communicator run its operation at the same time, so their flows share the
fabric. Each algorithm that can carry out the operation is placed on ranks, its flows are put on
the fabric's bundles, and the fullest bundle sets the rate of each phase. The price of one call is
then linear in its size,

    seconds = latency_s + size_bytes * s_per_byte,

with sizes as nccl-tests counts them (`netloom.collective.OPERATIONS`). Algorithm and protocol are
the ones that are fastest at one reference size.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netloom.catalog.parts import CollectiveLibrary, Protocol, ScaleUp
from netloom.collective import ALGORITHMS, OPERATIONS, Steps, algorithms_for
from netloom.collective.groups import Communicator, place, ranks_of
from netloom.errors import ParameterError, nearest
from netloom.simulate.busiest import Hashing
from netloom.simulate.pattern import Pattern, pattern_of
from netloom.simulate.placement import Placement
from netloom.topology.fabric import Fabric, ReducingRouting

#: What limits a group of one rank, and a group that never leaves its node.
NOTHING, SCALE_UP = "nothing", "scale-up links"

#: What training software of the catalogue leaves switched on; in-network reduction is opted into.
PLAIN_ALGORITHMS = ("ring", "tree", "pairwise", "direct")


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
    """Price of one communicator under one algorithm and protocol.

    Attributes
    ----------
    latency_s, s_per_byte : of one call.
    limit : what sets `s_per_byte`; of several phases, the one that takes longest.
    algorithm : such as ``"ring/simple"``.
    by_seed_s_per_byte : `s_per_byte` by draw of the hash; one value where nothing is drawn.
    """

    latency_s: float
    s_per_byte: float
    limit: str
    algorithm: str
    by_seed_s_per_byte: tuple[float, ...]


class NetworkModel:
    """A fabric with what runs over it, ready to price communicators.

    Parameters
    ----------
    accelerators_per_node : accelerators of one scale-up domain.
    nics_per_node : scale-out NICs of one scale-up domain.
    reference_bytes : size at which the fastest algorithm and protocol are chosen.
    num_seeds : draws of the hash over which hashed load balancing is averaged.
    seed : first of them.
    placement : of ranks on accelerators and NICs; rank r on accelerator r when left out.
    algorithms : that may be chosen; all that the library has constants for when left out.
    hop_latency_s : of each further switch with its cable; the protocol's own when left out.
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
        placement: Placement | None = None,
        algorithms: Collection[str] | None = None,
        hop_latency_s: float | None = None,
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
        self.hashing = (
            Hashing(round(float(library.queue_pairs)), num_seeds, seed)
            if protocol.load_balancing == "hash"
            else None
        )
        self.placement = placement or Placement(accelerators_per_node, nics_per_node)
        self.algorithms = algorithms
        self.hop_latency_s = (
            float(protocol.hop_latency_s) if hop_latency_s is None else hop_latency_s
        )
        self._prices: dict[tuple[Communicator, float], Price] = {}
        self._patterns: dict[tuple[str, Communicator], Pattern] = {}

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
        operation = communicator.operation
        if operation not in OPERATIONS:
            raise ParameterError(
                f"unknown operation '{operation}'", hint=nearest(operation, OPERATIONS)
            )
        prices = []
        for name, algorithm in algorithms_for(operation).items():
            keys = [key for key in self.library.base_latency_s if key.startswith(name + "/")]
            if not keys or not self.may_use(name):
                continue
            pattern = self.pattern(name, communicator)
            by_seed, limit = self._s_per_byte(pattern)
            steps = algorithm.steps(operation, communicator.num_ranks, pattern.num_nodes)
            for key in keys:
                latency_s = self._latency_s(communicator, key, steps, pattern, size_bytes)
                draws = by_seed / float(self.library.bandwidth_factor[key])
                prices.append(Price(latency_s, float(draws.mean()), limit, key, tuple(draws)))
        if not prices:
            raise ParameterError(
                f"library '{self.library.name}' has no algorithm for '{operation}'",
                hint="add an entry to its base_latency_s and the other tables",
            )
        return prices

    def may_use(self, algorithm: str) -> bool:
        """Return whether an algorithm is switched on and the machine has what it needs."""
        if self.algorithms is not None and algorithm not in self.algorithms:
            return False
        needs = getattr(ALGORITHMS.get(algorithm), "NEEDS", ())
        has = {
            "scale-up reduction": self.scale_up.in_network_reduction,
            "network reduction": self.protocol.in_network_reduction
            and isinstance(self.fabric.routing, ReducingRouting),
        }
        return all(has[need] for need in needs)

    def _price_of(self, communicator: Communicator, size_bytes: float) -> Price:
        key = (communicator, size_bytes)
        if key not in self._prices:
            if communicator.num_ranks == 1:
                best = Price(0.0, 0.0, NOTHING, NOTHING, (0.0,))
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
        library, num_nodes, size = self.library, pattern.num_nodes, communicator.num_ranks
        algorithm, wire = key.split("/")
        scale_up_s = max(float(library.scale_up_latency_s[key]), float(self.scale_up.hop_latency_s))
        if num_nodes > 1 and steps.paced_by_network:
            scale_up_s = max(scale_up_s, float(library.network_overhead_s[wire]))
        # a ring with one rank per node is priced with the tree's step, as NCCL does
        step_key = f"tree/{wire}" if algorithm == "ring" and size == num_nodes else key
        fabric_s = float(self.protocol.base_latency_s)
        fabric_s += max(pattern.num_hops - 1, 0) * self.hop_latency_s
        network_s = max(float(library.network_latency_s[step_key]), fabric_s)
        latency_s = float(library.base_latency_s[key])
        latency_s += steps.num_scale_up * scale_up_s + steps.num_network * network_s
        if steps.num_local:
            latency_s += steps.num_local * float(library.local_latency_s[key])
        if (
            (communicator.operation, key) == ("all-reduce", "ring/simple")
            and num_nodes > 1
            and size_bytes >= float(library.plateau_bytes_per_rank) * size
        ):
            latency_s *= float(library.plateau_latency_factor)
        return latency_s

    def _s_per_byte(self, pattern: Pattern) -> tuple[NDArray[np.float64], str]:
        """Return seconds per byte by draw of the hash, and what limits the longest phase."""
        scale_up = float(self.scale_up.bytes_per_s) * float(self.scale_up.efficiency)
        network = float(self.protocol.framing_efficiency)
        network *= float(self.protocol.transport_efficiency)
        total, longest_s, limit = np.zeros(1), 0.0, SCALE_UP
        for phase in pattern.phases:
            inside_s = phase.scale_up_bytes / scale_up
            across_s = phase.network_s / network
            seconds = np.maximum(inside_s, across_s)
            total = total + seconds
            if seconds.mean() > longest_s:
                longest_s = float(seconds.mean())
                limit = phase.network_limit if across_s.mean() > inside_s else SCALE_UP
        return total, limit

    def pattern(self, algorithm: str, communicator: Communicator) -> Pattern:
        """Return an algorithm's traffic, counted once per model.

        Raises
        ------
        InfeasibleError
            When a flow has no path.
        """
        key = (algorithm, communicator)
        if key not in self._patterns:
            ranks = ranks_of(communicator, self.num_accelerators)
            placed = place(self.placement.accelerator(ranks), self.placement.accelerators_per_node)
            self._patterns[key] = pattern_of(
                algorithm, communicator.operation, placed, self.fabric, self.placement,
                self.hashing,
            )  # fmt: skip
        return self._patterns[key]
