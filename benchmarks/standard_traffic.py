"""The standard fabrics F1-F5 and traffic T1-T5 that flow simulators are compared on.

All links run at 400 Gb/s one way and take 500 ns; switches add nothing.
"""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray

from netloom.topology import build
from netloom.topology.fabric import Fabric

LINK_BYTES_PER_S = 50e9
LINK_LATENCY_S = 500e-9

FABRICS = {
    "F1": ("leaf-spine", {"hosts": 128, "radix": 32, "spines": 8}),
    "F2": ("fat-tree", {"hosts": 1024, "radix": 16, "tiers": 3}),
    "F3": ("fat-tree", {"hosts": 8192, "radix": 32, "tiers": 3}),
    "F4": ("dragonfly", {"p": 4, "a": 8, "h": 4, "g": 33, "route": "minimal"}),
    "F5": ("fat-tree", {"hosts": 65536, "radix": 64, "tiers": 3}),
}

Pairs = tuple[NDArray[np.int32], NDArray[np.int32], float]


def fabric(name: str) -> Fabric:
    """Build one of the standard fabrics."""
    kind, parameters = FABRICS[name]
    return build(kind, {**parameters, "link_bytes_per_s": LINK_BYTES_PER_S})


def traffic(name: str, num_hosts: int) -> Pairs:
    """Return source, target and bytes of each flow of a pattern that runs all at once."""
    if name in ("T1", "T1 4M"):
        return *permutation(num_hosts), 4e6 if name == "T1 4M" else 64e6
    if name in ("T3", "T3s"):
        return *groups_of_64(num_hosts, strided=name == "T3s"), 1e6
    if name == "T4":
        return *_all_to_all(np.arange(num_hosts)[None, :]), 1e6
    sources = np.arange(16) * (num_hosts // 16) + 1
    return sources.astype(np.int32), np.zeros(16, dtype=np.int32), 64e6


def permutation(num_hosts: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return Python's ``random.Random(42)`` shuffle, repeated until no host sends to itself."""
    rng = random.Random(42)
    target = list(range(num_hosts))
    rng.shuffle(target)
    while any(host == place for place, host in enumerate(target)):
        rng.shuffle(target)
    return np.arange(num_hosts, dtype=np.int32), np.array(target, dtype=np.int32)


def groups_of_64(
    num_hosts: int, strided: bool = False
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return all pairs inside groups of 64 consecutive hosts, or of hosts spread evenly."""
    hosts = np.arange(num_hosts)
    return _all_to_all(hosts.reshape(64, -1).T if strided else hosts.reshape(-1, 64))


def _all_to_all(groups: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return all ordered pairs of different members of each row, group by group."""
    size = groups.shape[1]
    here = np.repeat(np.arange(size), size - 1)
    there = (np.arange(size)[:, None] + np.arange(1, size)).ravel() % size
    return groups[:, here].ravel().astype(np.int32), groups[:, there].ravel().astype(np.int32)
