"""Loads of links by many flows: how long the fullest link is busy.

For flows of equal size that start together, max-min fair sharing finishes the last of them after
exactly ``max(load / capacity)``. Proof: the link with the largest load per capacity is the first
to saturate in progressive filling, so its flows all get the lowest rate, ``capacity / flows``, and
end together after ``load / capacity``; every other flow has at least that rate and ends no later.
For unequal flows the same number is a lower bound.

Legend for shapes: F flows, N entries of all paths, B bundles, S stages.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from netloom.kernels.hashing import choose, flow_hash


class PathArrays(NamedTuple):
    """Bundles that each flow crosses, in compressed sparse rows.

    Attributes
    ----------
    indptr : int64, shape (F + 1,).
    bundle : int32, shape (N,).
    share : float64, shape (N,), part of the flow on that bundle.
    """

    indptr: NDArray[np.int64]
    bundle: NDArray[np.int32]
    share: NDArray[np.float64]


class BundleArrays(NamedTuple):
    """Directed bundles of parallel links.

    Attributes
    ----------
    bytes_per_s : float64, shape (B,), of all members together.
    num_members : int32, shape (B,).
    stage : int16, shape (B,), below `num_stages`.
    num_stages : S.
    """

    bytes_per_s: NDArray[np.float64]
    num_members: NDArray[np.int32]
    stage: NDArray[np.int16]
    num_stages: int


@njit(cache=True)
def bundle_loads(paths: PathArrays, flow_bytes: NDArray[np.float64], num_bundles: int):
    """Return the bytes on each bundle, float64, shape (B,)."""
    loads = np.zeros(num_bundles)
    for flow in range(len(flow_bytes)):
        for entry in range(paths.indptr[flow], paths.indptr[flow + 1]):
            loads[paths.bundle[entry]] += flow_bytes[flow] * paths.share[entry]
    return loads


@njit(cache=True)
def stage_seconds(loads: NDArray[np.float64], bundles: BundleArrays):
    """Return how long each stage's fullest bundle is busy, float64, shape (S,)."""
    seconds = np.zeros(bundles.num_stages)
    for bundle in range(len(loads)):
        if loads[bundle] > 0:
            stage = bundles.stage[bundle]
            seconds[stage] = max(seconds[stage], loads[bundle] / bundles.bytes_per_s[bundle])
    return seconds


@njit(cache=True)
def edge_loads(paths: PathArrays, loads: NDArray[np.float64], bundles: BundleArrays):
    """Return the bytes on the stages where paths begin, on those where they end, and on both.

    Every flow crosses at least one bundle. Where both directions of the host links are one stage,
    the three numbers are equal.
    """
    begins = np.zeros(bundles.num_stages, dtype=np.bool_)
    ends = np.zeros(bundles.num_stages, dtype=np.bool_)
    for flow in range(len(paths.indptr) - 1):
        begins[bundles.stage[paths.bundle[paths.indptr[flow]]]] = True
        ends[bundles.stage[paths.bundle[paths.indptr[flow + 1] - 1]]] = True
    entered, left, both = 0.0, 0.0, 0.0
    for bundle in range(len(loads)):
        stage = bundles.stage[bundle]
        entered += loads[bundle] if begins[stage] else 0.0
        left += loads[bundle] if ends[stage] else 0.0
        both += loads[bundle] if begins[stage] and ends[stage] else 0.0
    return entered, left, both


@njit(cache=True)
def member_loads(
    paths: PathArrays,
    flow_bytes: NDArray[np.float64],
    flow_key: NDArray[np.uint64],
    first_member: NDArray[np.int64],
    num_queue_pairs: int,
    seed: int,
):
    """Return the bytes on each single link when flows are hashed, float64, shape (members,).

    Each flow is split evenly over its queue pairs, and each of these chooses one member of every
    bundle on its way by a hash of flow, queue pair, bundle and seed.

    Parameters
    ----------
    flow_key : uint64, shape (F,), what the hash sees of a flow, such as its two endpoints.
    first_member : int64, shape (B + 1,), running sum of the bundles' members.
    """
    loads = np.zeros(first_member[-1])
    hashes = np.empty(num_queue_pairs, dtype=np.uint64)
    for flow in range(len(flow_bytes)):
        for pair in range(num_queue_pairs):
            hashes[pair] = flow_hash(flow_key[flow], pair, seed)
        for entry in range(paths.indptr[flow], paths.indptr[flow + 1]):
            bundle = paths.bundle[entry]
            start = first_member[bundle]
            num_members = first_member[bundle + 1] - start
            load = flow_bytes[flow] * paths.share[entry]
            if num_members == 1:
                loads[start] += load
                continue
            load /= num_queue_pairs
            for pair in range(num_queue_pairs):
                loads[start + choose(hashes[pair], bundle, num_members)] += load
    return loads


@njit(cache=True)
def member_stage_seconds(
    loads: NDArray[np.float64], bundles: BundleArrays, first_member: NDArray[np.int64]
):
    """Return how long each stage's fullest single link is busy, float64, shape (S,)."""
    seconds = np.zeros(bundles.num_stages)
    for bundle in range(len(bundles.bytes_per_s)):
        start, end = first_member[bundle], first_member[bundle + 1]
        fullest = 0.0
        for member in range(start, end):
            fullest = max(fullest, loads[member])
        if fullest == 0:
            continue
        stage = bundles.stage[bundle]
        link_bytes_per_s = bundles.bytes_per_s[bundle] / (end - start)
        seconds[stage] = max(seconds[stage], fullest / link_bytes_per_s)
    return seconds
