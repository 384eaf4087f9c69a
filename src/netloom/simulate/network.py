"""What a communicator costs on a fabric: latency and seconds per byte, with what limits it.

All disjoint groups of a communicator run its operation at the same time, so their flows share the
fabric. Each algorithm that can carry out the operation is placed on ranks, its flows are put on
the fabric's bundles, and the fullest bundle sets the rate of each phase. The price of one call is
then linear in its size,

    seconds = latency_s + size_bytes * s_per_byte,

with sizes as nccl-tests counts them (`netloom.collective.OPERATIONS`). Algorithm and protocol are
the ones that are fastest at one reference size, or those that NCCL's own estimate takes there
(`netloom.simulate.chooser`); the price is ours either way.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from netloom.catalog.parts import CollectiveLibrary, Protocol, ScaleUp
from netloom.collective import (
    ALGORITHMS,
    OPERATIONS,
    Phase,
    Steps,
    algorithms_for,
    refusal,
    supports,
)  # fmt: skip
from netloom.collective.algorithms.pairwise import matrix_phases
from netloom.collective.groups import Communicator, PlacedGroups, place, ranks_of
from netloom.errors import ParameterError, nearest
from netloom.simulate.busiest import Hashing
from netloom.simulate.call import call_latency_s, has_plateau, protocol_cap_bytes_per_s
from netloom.simulate.chooser import Group, choose
from netloom.simulate.pattern import Pattern, pattern_of
from netloom.simulate.placement import Placement, staged
from netloom.simulate.route_file import TableRouting
from netloom.topology.fabric import Fabric, ReducingRouting

#: What limits a group of one rank, a group that never leaves its node, and one whose protocol
#: carries less than any link.
NOTHING, SCALE_UP, PROTOCOL = "nothing", "scale-up links", "protocol"

#: What training software of the catalogue leaves switched on; in-network reduction is opted into.
PLAIN_ALGORITHMS = ("ring", "tree", "pairwise", "direct")

#: Who takes the algorithm: whoever is fastest here, or the library by its own estimate.
Chooser = Literal["fastest", "nccl"]


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
    wire_protocols : of the library that may be used, such as ``"simple"``; all when left out.
    hop_latency_s : of each further switch with its cable; the protocol's own when left out.
    all_to_all_share : bytes of an all-to-all that cross the network over those that its ranks send
        to other nodes, by number of nodes; 1 when left out. Less where a token that several ranks
        of a node need crosses once (`netloom.simulate.expert_traffic`).
    chooser : ``"fastest"`` by our prices, or ``"nccl"`` as the library would choose, which does not
        see the fabric.
    matrix : bytes from rank i to rank j of a pairwise all-to-all, float64, shape (n, n), per byte
        of its size; all alike when left out.
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
        wire_protocols: Collection[str] | None = None,
        hop_latency_s: float | None = None,
        all_to_all_share: Callable[[int], float] | None = None,
        chooser: Chooser = "fastest",
        matrix: NDArray[np.float64] | None = None,
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
            if protocol.load_balancing == "hash" and not isinstance(fabric.routing, TableRouting)
            else None
        )
        self.placement = placement or Placement(accelerators_per_node, nics_per_node)
        self.algorithms = algorithms
        self.wire_protocols = wire_protocols
        self.all_to_all_share = all_to_all_share
        self.hop_latency_s = (
            float(protocol.hop_latency_s) if hop_latency_s is None else hop_latency_s
        )
        self.chooser = chooser
        self.matrix = matrix
        self._prices: dict[tuple[Communicator, float], Price] = {}
        self._patterns: dict[tuple[str, Communicator], Pattern] = {}
        self._last_placed: tuple[Communicator, PlacedGroups] | None = None

    def price(
        self, communicators: Sequence[Communicator], reference_bytes: float | None = None
    ) -> CommunicatorPrices:
        """Return the prices of communicators, each distinct one computed once per model.

        `reference_bytes` overrides the model's; traffic is not counted again for another size.
        """
        size_bytes = self.reference_bytes if reference_bytes is None else reference_bytes
        prices = [self._price_of(communicator, size_bytes) for communicator in communicators]
        limit_names = (NOTHING, SCALE_UP, *self.fabric.routing.bundles.stage_names, PROTOCOL)
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
        communicator = self._carried_out(communicator)
        prices, refused = [], []
        for name, algorithm in algorithms_for(communicator.operation).items():
            keys = [key for key in self.library.base_latency_s if self._may_speak(name, key)]
            if not keys or not self.may_use(name):
                continue
            if not self._serves(name, communicator):
                refused.append(name)
                continue
            pattern = self.pattern(name, communicator)
            by_seed, limit = self._s_per_byte(name, pattern)
            shape = communicator.num_ranks, pattern.num_nodes
            steps = algorithm.steps(communicator.operation, *shape)
            carried = algorithm.bytes_per_rank(communicator.operation, communicator.num_ranks)
            for key in keys:
                latency_s = self._latency_s(communicator, key, steps, pattern, size_bytes)
                draws = by_seed / self._rate_fraction(key, pattern.num_nodes)
                most = protocol_cap_bytes_per_s(self.library, self.scale_up.name, key, shape[1])
                slower = carried / most > draws.mean()
                # an empty operation moves nothing, whatever carries it out
                draws = np.maximum(draws, carried / most) * (operation != "barrier")
                named = PROTOCOL if slower else limit
                prices.append(Price(latency_s, float(draws.mean()), named, key, tuple(draws)))
        if refused and not prices:
            shape = communicator.num_ranks, self._placed(communicator).num_nodes
            reason, near = refusal(refused[0], communicator.operation, *shape)
            raise ParameterError(reason, hint=near or "allow another algorithm")
        if not prices:
            raise ParameterError(
                f"library '{self.library.name}' has no algorithm for '{operation}'",
                hint="add an entry to its base_latency_s and the other tables",
            )
        return prices

    def _rate_fraction(self, key: str, num_nodes: int) -> float:
        """Return the share of the links' rate that an algorithm and protocol leave."""
        fraction = float(self.library.bandwidth_factor[key])
        if num_nodes == 2 and key.startswith("tree/"):
            fraction *= float(self.library.two_node_tree_factor)
        return fraction

    def _may_speak(self, algorithm: str, key: str) -> bool:
        """Return whether a key of the library is the algorithm's, in a protocol that is on."""
        name, wire = key.split("/")
        return name == algorithm and (self.wire_protocols is None or wire in self.wire_protocols)

    def chosen(self, communicator: Communicator, size_bytes: float) -> Price:
        """Return the price of one call under the algorithm and protocol that are taken for it.

        Where the library has only one way, such as an all-to-all, ``"nccl"`` is ``"fastest"``.
        """
        offered = self.candidates(communicator, size_bytes)
        if self.chooser == "nccl":
            communicator = self._carried_out(communicator)
            key = choose(
                self.library,
                self._group(communicator),
                communicator.operation,
                [price.algorithm for price in offered],
                size_bytes,
            )
            offered = [price for price in offered if key in (None, price.algorithm)]
        return min(offered, key=lambda price: price.latency_s + size_bytes * price.s_per_byte)

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

    def _serves(self, algorithm: str, communicator: Communicator) -> bool:
        """Return whether an algorithm can serve groups of this shape where they are placed."""
        if not hasattr(ALGORITHMS.get(algorithm), "supports"):
            return True
        num_nodes = self._placed(communicator).num_nodes
        return supports(algorithm, communicator.operation, communicator.num_ranks, num_nodes)

    def _carried_out(self, communicator: Communicator) -> Communicator:
        """Return the communicator with the operation that the library makes of it."""
        if communicator.operation == "barrier":
            return communicator._replace(operation=self.library.barrier_as)
        return communicator

    def _group(self, communicator: Communicator) -> Group:
        """Return what the library sees of a communicator: nodes and NICs, but no fabric."""
        num_nodes = self._placed(communicator).num_nodes
        per_node = -(-communicator.num_ranks // num_nodes)
        placement, fabric = self.placement, self.fabric
        host = (fabric.trunk_class == 0) & (fabric.trunk_lower == 0)
        links = int(fabric.trunk_links[host].sum())
        return Group(
            communicator.num_ranks,
            num_nodes,
            min(placement.nics_per_node, per_node * placement.nics_per_rank),
            links * fabric.link_classes[0].link_bytes_per_s,
            self.scale_up.name,
            in_network=self.may_use("collnet-direct"),
        )

    def _price_of(self, communicator: Communicator, size_bytes: float) -> Price:
        key = (communicator, size_bytes)
        if key not in self._prices:
            if communicator.num_ranks == 1:
                best = Price(0.0, 0.0, NOTHING, NOTHING, (0.0,))
            else:
                best = self.chosen(communicator, size_bytes)
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

        Steps take the library's constants, or what the scale-up network or the fabric takes for
        the longest path where that is more.
        """
        fabric_s = float(self.protocol.base_latency_s)
        fabric_s += max(pattern.num_hops - 1, 0) * self.hop_latency_s
        num_ranks, num_nodes = communicator.num_ranks, pattern.num_nodes
        latency_s = call_latency_s(
            self.library,
            key,
            steps,
            num_ranks,
            num_nodes,
            hop_s=float(self.scale_up.hop_latency_s),
            fabric_s=fabric_s,
        )
        if has_plateau(self.library, communicator.operation, key, num_ranks, num_nodes, size_bytes):
            latency_s *= float(self.library.plateau_latency_factor)
        return latency_s

    def phase_seconds(
        self, algorithm: str, pattern: Pattern
    ) -> list[tuple[float, NDArray[np.float64]]]:
        """Return how long the fullest links of each phase take per byte: inside nodes, and across.

        Across by draw of the hash, float64, shape (D,), payload over what protocols leave of it.
        """
        efficiency = self.scale_up.efficiency
        if "scale-up reduction" in getattr(ALGORITHMS.get(algorithm), "NEEDS", ()):
            efficiency = self.scale_up.reduction_efficiency or efficiency
        scale_up = float(self.scale_up.bytes_per_s) * float(efficiency)
        network = float(self.protocol.framing_efficiency)
        network *= float(self.protocol.transport_efficiency)
        if algorithm == "pairwise" and self.all_to_all_share is not None:
            network /= self.all_to_all_share(pattern.num_nodes)
        return [
            (phase.scale_up_bytes / scale_up, phase.network_s / network) for phase in pattern.phases
        ]

    def _s_per_byte(self, algorithm: str, pattern: Pattern) -> tuple[NDArray[np.float64], str]:
        """Return seconds per byte by draw of the hash, and what limits the longest phase."""
        total, longest_s, limit = np.zeros(1), 0.0, SCALE_UP
        for phase, (inside_s, across_s) in zip(
            pattern.phases, self.phase_seconds(algorithm, pattern), strict=True
        ):
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
        communicator = self._carried_out(communicator)
        key = (algorithm, communicator)
        if key not in self._patterns:
            groups, phases = self.phases(algorithm, communicator)
            self._patterns[key] = pattern_of(
                phases, groups, self.fabric, self.placement, self.hashing
            )
        return self._patterns[key]

    def phases(
        self, algorithm: str, communicator: Communicator
    ) -> tuple[PlacedGroups, tuple[Phase, ...]]:
        """Return where a communicator's groups sit, and what an algorithm moves between them."""
        communicator = self._carried_out(communicator)
        groups = self._placed(communicator)
        if self.matrix is not None and algorithm == "pairwise":
            phases = matrix_phases(groups, self.matrix)
        else:
            phases = ALGORITHMS.get(algorithm).phases(groups, communicator.operation)
        if self.placement.staged:
            phases = tuple(
                part for phase in phases for part in staged(phase, groups, self.placement)
            )
        return groups, phases

    def _placed(self, communicator: Communicator) -> PlacedGroups:
        """Return the groups where they sit, whatever they run.

        Algorithms and sizes ask for the same groups one after the other, so the last are kept;
        keeping all would take memory in proportion to the ranks for every communicator.
        """
        groups = communicator._replace(operation="")
        if self._last_placed is None or self._last_placed[0] != groups:
            ranks = ranks_of(communicator, self.num_accelerators)
            placed = place(self.placement.accelerator(ranks), self.placement.accelerators_per_node)
            self._last_placed = groups, placed
        return self._last_placed[1]
