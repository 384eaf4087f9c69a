"""What every fabric family builds: switches, links and a routing, as frozen arrays.

Legend for shapes: E endpoints, S switches, T trunks, B bundles, F flows, N entries of all paths.

An *endpoint* is one NIC of the cluster, numbered ``node * nics_per_node + nic``; NIC ``i`` of a
node is rail ``i``. A *trunk* is all parallel logical links between two neighbours. A *logical link*
runs at the link rate; a *cable* carries one or more logical links (a twin-port cage carries two);
every cable has two ends. The three are counted apart, because vendors' tables mix them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

#: `LinkClass.lower` of links whose lower end is an endpoint and not a switch.
HOST = -1


@dataclass(frozen=True)
class Tier:
    """Switches of one role.

    Attributes
    ----------
    name : role, ``"leaf"``, ``"spine"``, ``"core"``, ``"router"``.
    num_switches : boxes over all planes, rails and pods.
    num_ports : logical ports of one switch at the link rate.
    switching : ``"packet"`` for a box that is bought; ``"embedded"`` for a router inside an
        endpoint (an accelerator's own, a relaying server), which is no box; ``"circuit"`` for an
        optical circuit switch, which joins ports in pairs, routes nothing and ends no signal.
    """

    name: str
    num_switches: int
    num_ports: int
    switching: Literal["packet", "embedded", "circuit"] = "packet"


@dataclass(frozen=True)
class LinkClass:
    """Links between two tiers (or inside one) that are built and cabled alike.

    Attributes
    ----------
    name : ``"host-leaf"``, ``"leaf-spine"``, ``"spine-core"``, ``"local"``, ``"global"``.
    lower, upper : indices into `Fabric.tiers`; `HOST` for endpoints; equal inside one tier.
    link_bytes_per_s : one logical link, one way.
    links_per_cable : logical links that one full cable carries.
    cabled : False for traces on a board and links inside a package: no cable, no transceiver.
    electrical : whether the study that introduced the family prices these links as copper; None
        for the usual way, copper to hosts and light between switches.
    """

    name: str
    lower: int
    upper: int
    link_bytes_per_s: float
    links_per_cable: int = 1
    cabled: bool = True
    electrical: bool | None = None


@dataclass(frozen=True)
class Bundles:
    """Link groups that a flow loads as a whole, directed (each direction is a bundle of its own).

    Attributes
    ----------
    bytes_per_s : float64, shape (B,), capacity of all members together, one way.
    num_members : int32, shape (B,), logical links inside; hashing picks one, spraying uses all.
    stage : int16, shape (B,), index into `stage_names`.
    stage_names : what a bundle is called in an explanation, ``"leaf uplinks"``.
    """

    bytes_per_s: NDArray[np.float64]
    num_members: NDArray[np.int32]
    stage: NDArray[np.int16]
    stage_names: tuple[str, ...]


@dataclass(frozen=True)
class Paths:
    """Bundles that each flow crosses, in compressed sparse rows.

    Attributes
    ----------
    indptr : int64, shape (F + 1,).
    bundle : int32, shape (N,), in the order in which the flow crosses them.
    share : float64, shape (N,), part of the flow on that bundle; 1 unless a flow is split over
        bundles that differ (Dragonfly non-minimal routes, equal-cost paths of a general graph).
    num_hops : int16, shape (F,), switches crossed on the longest path in use; -1 when there is no
        path, and then the row is empty.
    """

    indptr: NDArray[np.int64]
    bundle: NDArray[np.int32]
    share: NDArray[np.float64]
    num_hops: NDArray[np.int16]


class Routing(Protocol):
    """How flows cross a fabric; one file in `netloom.topology.routing` per rule."""

    @property
    def bundles(self) -> Bundles:
        """All bundles that a path can name."""
        ...

    def paths(self, source: NDArray[np.int32], target: NDArray[np.int32]) -> Paths:
        """Return the bundles that flows between endpoints cross; both arrays have shape (F,)."""
        ...


@runtime_checkable
class DetourRouting(Routing, Protocol):
    """A routing whose traffic may leave the shortest paths, such as a Dragonfly's adaptive one."""

    @property
    def has_detours(self) -> bool:
        """Whether detours are allowed."""
        ...

    def detour_loads(
        self,
        source: NDArray[np.int32],
        target: NDArray[np.int32],
        flow_bytes: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return bundle loads, float64, shape (B,), when all flows of shape (F,) take detours."""
        ...


@runtime_checkable
class ReducingRouting(Routing, Protocol):
    """A routing whose switches form trees, in which they can reduce and copy."""

    def reduction_loads(
        self, endpoint: NDArray[np.int32], group: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
        """Return loads up and down per byte of a member, both of shape (B,), and the height."""
        ...


@dataclass(frozen=True)
class Fabric:
    """One built fabric; `netloom.topology.build` is the way to make one.

    Attributes
    ----------
    kind : family name, ``"rail-optimized"``.
    parameters : what the family was built from, for reports.
    num_endpoints : E.
    tiers, link_classes : see there; link class 0 is the host links.
    switch_tier : int8, shape (S,), switches are numbered tier by tier.
    switch_block : int32, shape (S,), pod, scalable unit or group; -1 when the switch serves all.
    switch_rail, switch_plane : int16, shape (S,), -1 when the switch serves all rails, planes.
    trunk_class : int8, shape (T,).
    trunk_lower : int32, shape (T,), endpoint for host links, switch otherwise.
    trunk_upper : int32, shape (T,), switch.
    trunk_links : int32, shape (T,), logical links.
    endpoint_block : int32, shape (E,), block of the switches that the endpoint hangs on.
    routing : how flows cross it.
    bisection_bytes_per_s : one-way bandwidth between two halves by the family's stated formula;
        None where `counts.bisection_fraction` reads it off the routing, or there is no formula.
    warnings : limits met without being broken (LID space, spare ports), in sentences.
    """

    kind: str
    parameters: dict[str, object]
    num_endpoints: int
    tiers: tuple[Tier, ...]
    link_classes: tuple[LinkClass, ...]
    switch_tier: NDArray[np.int8]
    switch_block: NDArray[np.int32]
    switch_rail: NDArray[np.int16]
    switch_plane: NDArray[np.int16]
    trunk_class: NDArray[np.int8]
    trunk_lower: NDArray[np.int32]
    trunk_upper: NDArray[np.int32]
    trunk_links: NDArray[np.int32]
    endpoint_block: NDArray[np.int32]
    routing: Routing
    bisection_bytes_per_s: float | None = None
    warnings: tuple[str, ...] = field(default=())

    @property
    def num_switches(self) -> int:
        """Switches of all tiers."""
        return len(self.switch_tier)
