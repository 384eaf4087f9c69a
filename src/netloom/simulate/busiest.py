"""How long the fullest link of a fabric is busy with some flows, and which link that is.

For equal flows that start together the max-min makespan *is* the largest load over its capacity
(`netloom.kernels.loads`). Spraying and adaptive routing load all members of a bundle alike; hashed
flows load members by chance, so that the answer is a distribution over seeds, never one draw.

Legend for shapes: F flows, B bundles, S stages, D draws of the hash.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.errors import ConservationError, InfeasibleError
from netloom.simulate.placement import EndpointFlows
from netloom.simulate.routes import Routes, hash_draws
from netloom.topology.fabric import DetourRouting, Fabric, Paths

#: Steps of the search for the share of detours; each narrows it by 0.618.
_MIX_STEPS = 20


@dataclass(frozen=True)
class Hashing:
    """How flows choose single links: `num_seeds` draws from `seed` on, by queue pairs."""

    num_queue_pairs: int
    num_seeds: int
    seed: int


@dataclass(frozen=True)
class Busy:
    """How long the fullest links are busy, at line rate.

    Attributes
    ----------
    by_seed_s : float64, shape (D,), of the fullest link; one value where nothing is drawn.
    by_stage_s : float64, shape (S,), of each stage's fullest link, mean over the draws.
    num_hops : switches on the longest path.
    """

    by_seed_s: NDArray[np.float64]
    by_stage_s: NDArray[np.float64]
    num_hops: int

    @property
    def seconds(self) -> float:
        """Mean over the draws."""
        return float(self.by_seed_s.mean())


def busiest(
    fabric: Fabric,
    flows: EndpointFlows,
    hashing: Hashing | None,
    extra_loads: NDArray[np.float64] | None = None,
) -> Busy:
    """Return how long the fullest link is busy with flows.

    Parameters
    ----------
    hashing : None where packets are spread over all equal links.
    extra_loads : bytes on bundles besides the flows, shape (B,), such as reductions in switches.

    Raises
    ------
    InfeasibleError
        When a flow has no path.
    ConservationError
        When bytes get lost between the ends of the flows.
    """
    from netloom.kernels import loads as kernel

    bundles = fabric.routing.bundles
    paths = _paths(fabric, flows)
    arrays = kernel.PathArrays(paths.indptr, paths.bundle, paths.share)
    bundle_arrays = kernel.BundleArrays(
        bundles.bytes_per_s, bundles.num_members, bundles.stage, len(bundles.stage_names)
    )
    loads = kernel.bundle_loads(arrays, flows.flow_bytes, len(bundles.bytes_per_s))
    if len(flows.source):
        _check_conservation(
            float(flows.flow_bytes.sum()), *kernel.edge_loads(arrays, loads, bundle_arrays)
        )
    extra = np.zeros(len(loads)) if extra_loads is None else extra_loads
    num_hops = int(paths.num_hops.max(initial=0))
    if hashing is None:
        loads = with_detours(fabric, flows, loads)
        by_stage_s = kernel.stage_seconds(loads + extra, bundle_arrays)
        return Busy(by_stage_s.max(keepdims=True), by_stage_s, num_hops)
    first_member = np.concatenate([[0], np.cumsum(bundles.num_members, dtype=np.int64)])
    # streams of switches are planned, so that they lie evenly on a bundle's members
    spread = np.repeat(extra / np.maximum(bundles.num_members, 1), bundles.num_members)
    draws = []
    straight = bool((paths.share == 1.0).all())
    draw = None if straight else hash_draws(fabric, flows.source, flows.target)
    for seed in range(hashing.seed, hashing.seed + hashing.num_seeds):
        loads = hashed_loads(
            fabric, flows, paths, first_member, hashing.num_queue_pairs, seed, draw
        )
        draws.append(kernel.member_stage_seconds(loads + spread, bundle_arrays, first_member))
    by_draw = np.array(draws)
    return Busy(by_draw.max(axis=1), by_draw.mean(axis=0), num_hops)


def hashed_loads(
    fabric: Fabric,
    flows: EndpointFlows,
    paths: Paths,
    first_member: NDArray[np.int64],
    num_queue_pairs: int,
    seed: int,
    draw: Callable[[int], Routes] | None = None,
) -> NDArray[np.float64]:
    """Return the loads of single links under one draw of the hash, float64, shape (M,).

    A queue pair takes one member of each bundle on its way. Where the way itself splits, as over
    the links between two groups of a Dragonfly, it is one of the ways, hashed switch by switch.

    Parameters
    ----------
    paths : of the flows, by the fabric's routing.
    first_member : int64, shape (B + 1,), running sum of the bundles' members.
    draw : of `netloom.simulate.routes.hash_draws`, for many seeds of the same flows.
    """
    from netloom.kernels import loads as kernel

    if (paths.share == 1.0).all():
        arrays = kernel.PathArrays(paths.indptr, paths.bundle, paths.share)
        return kernel.member_loads(
            arrays, flows.flow_bytes, flow_keys(flows), first_member, num_queue_pairs, seed
        )
    draw = draw or hash_draws(fabric, flows.source, flows.target)
    part_bytes = flows.flow_bytes / num_queue_pairs
    loads = np.zeros(int(first_member[-1]))
    for pair in range(num_queue_pairs):
        # a queue pair is hashed apart, as one more seed
        way = draw(seed * num_queue_pairs + pair)
        loads += kernel.bundle_loads(way.arrays, part_bytes, len(loads))
    return loads


def flow_keys(flows: EndpointFlows) -> NDArray[np.uint64]:
    """Return what the hash sees of each flow, its two endpoints, uint64, shape (F,)."""
    return (flows.source.astype(np.uint64) << np.uint64(32)) | flows.target.astype(np.uint64)


def _paths(fabric: Fabric, flows: EndpointFlows) -> Paths:
    paths = fabric.routing.paths(flows.source, flows.target)
    if len(flows.source) and paths.num_hops.min() < 0:
        broken = int(np.argmin(paths.num_hops))
        raise InfeasibleError(
            f"fabric '{fabric.kind}' has no path from endpoint {flows.source[broken]} to endpoint "
            f"{flows.target[broken]}"
        )
    return paths


def with_detours(
    fabric: Fabric, flows: EndpointFlows, minimal: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return bundle loads, float64, shape (B,), when some of the traffic takes detours.

    `minimal` are the loads on minimal routes; they stay where the routing takes no detours.
    """
    if not len(flows.source) or not takes_detours(fabric):
        return minimal
    routing = fabric.routing
    assert isinstance(routing, DetourRouting)
    detours = routing.detour_loads(flows.source, flows.target, flows.flow_bytes)
    return least_loading_mix(minimal, detours, routing.bundles.bytes_per_s)


def takes_detours(fabric: Fabric) -> bool:
    """Return whether spread traffic may leave the minimal routes.

    Examples
    --------
    >>> from netloom.topology import build
    >>> takes_detours(build("fat-tree", {"hosts": 64, "radix": 16, "tiers": 2}))
    False
    """
    return isinstance(fabric.routing, DetourRouting) and fabric.routing.has_detours


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
