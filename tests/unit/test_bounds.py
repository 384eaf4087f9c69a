"""Bounds of throughput: closed forms, each other, and the flow solver below them."""

from __future__ import annotations

import numpy as np
import pytest

from netloom.errors import InfeasibleError, ParameterError
from netloom.kernels.maxmin import max_min_rates
from netloom.simulate.bounds import (
    farthest_permutation,
    throughput_distance_bound,
    throughput_lp,
)
from netloom.simulate.degrade import Loss, degrade
from netloom.simulate.routes import routes
from netloom.topology import build, sized

RATE = 1e9


def fabric(kind: str, **parameters: object):  # type: ignore[no-untyped-def]
    return build(kind, {**parameters, "link_bytes_per_s": RATE})


@pytest.mark.parametrize("taper", [1.0, 0.5, 1 / 3])
def test_a_tapered_tree_gives_its_taper_across(taper: float) -> None:
    tree = fabric("fat-tree", hosts=24, radix=12, tiers=2, taper=taper)
    leaf = int(tree.trunk_links[tree.trunk_class == 0].sum() // np.unique(
        tree.trunk_upper[tree.trunk_class == 0]).size)  # fmt: skip
    uplinks = (
        tree.trunk_links[tree.trunk_class == 1].sum()
        / np.unique(tree.trunk_lower[tree.trunk_class == 1]).size
    )
    hosts = np.arange(24)
    # every host sends to the same place on the next leaf
    expected = min(1.0, uplinks / leaf)
    across = np.roll(hosts, leaf)
    assert throughput_lp(tree, hosts, across, RATE) == pytest.approx(expected)


def test_a_ring_of_switches_bounds_its_farthest_traffic() -> None:
    # n switches in a ring with one host each, all sending half-way round: n^2 / 2 link crossings
    # over 2 n directed links, so 4 / n, by both bounds
    for size in (4, 6, 8):
        ring = fabric("torus", dims=[size], p=1)
        hosts = np.arange(size)
        across = np.roll(hosts, size // 2)
        assert throughput_distance_bound(ring, hosts, across, RATE) == pytest.approx(4 / size)
        assert throughput_lp(ring, hosts, across, RATE) == pytest.approx(4 / size)


@pytest.mark.parametrize(
    "kind", ["jellyfish", "slim-fly", "hyperx", "dragonfly", "fat-tree", "torus", "xpander"]
)
def test_flow_solver_below_programme_below_distance_bound(kind: str) -> None:
    built = build(kind, sized(kind, hosts=36, nics_per_node=1, num_ports=10, link_bytes_per_s=RATE))
    hosts = np.arange(built.num_endpoints)
    for seed in range(2):
        target = np.random.default_rng(seed).permutation(hosts)
        found = routes(built, hosts, target)
        apart = hosts != target
        least = max_min_rates(found.arrays, found.bytes_per_s)[apart].min() / RATE
        best = throughput_lp(built, hosts[apart], target[apart], RATE)
        bound = throughput_distance_bound(built, hosts[apart], target[apart], RATE)
        assert least <= best * (1 + 1e-7)
        assert best <= bound * (1 + 1e-7)


def test_farthest_permutation_is_half_way_round_a_ring() -> None:
    ring = fabric("torus", dims=[6], p=1)
    target = farthest_permutation(ring)
    assert sorted(target) == list(range(6))
    assert (abs(target - np.arange(6)) == 3).all()


def test_bounds_scale_with_demand_and_refuse_what_they_cannot_bound() -> None:
    tree = fabric("fat-tree", hosts=8, radix=4, tiers=2)
    hosts = np.arange(4)
    assert throughput_lp(tree, hosts, hosts + 4, 2 * RATE) == pytest.approx(0.5)
    assert throughput_lp(tree, np.array([0]), np.array([1]), RATE) == pytest.approx(1.0)
    twice = build("fat-tree", {"hosts": 8, "radix": 8, "tiers": 2, "planes": 2})
    with pytest.raises(ParameterError, match="several switches"):
        throughput_lp(twice, hosts, hosts + 4, RATE)
    spines = np.flatnonzero(tree.switch_tier == 1)
    cut = degrade(tree, Loss(switches=spines.tolist()))
    with pytest.raises(InfeasibleError):
        throughput_lp(cut, hosts, hosts + 4, RATE)
    with pytest.raises(InfeasibleError):
        throughput_distance_bound(cut, hosts, hosts + 4, RATE)
