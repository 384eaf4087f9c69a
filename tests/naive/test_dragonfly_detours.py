"""Valiant's loads summed by group against the same routes flow by flow, and the adaptive mix."""

import numpy as np
import pytest

from netloom import topology
from netloom.kernels import loads as kernel
from netloom.simulate.busiest import least_loading_mix


def _flows(fabric, seed, count=200):
    rng = np.random.default_rng(seed)
    ends = rng.integers(0, fabric.num_endpoints, size=(2, count)).astype(np.int32)
    return ends[0], ends[1], rng.uniform(1.0, 5.0, size=count)


def _loads(routing, source, target, flow_bytes, route):
    paths = routing.paths(source, target, route=route)
    arrays = kernel.PathArrays(paths.indptr, paths.bundle, paths.share)
    return kernel.bundle_loads(arrays, flow_bytes, len(routing.bundles.bytes_per_s))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "shape",
    [
        {"p": 2, "a": 4, "h": 2, "g": 9},
        {"p": 2, "a": 4, "h": 2, "g": 5},
        {"p": 1, "a": 4, "h": 3, "g": 3},
        {"p": 4, "a": 8, "h": 4, "g": 8, "routers_per_switch": 2},
    ],
)
def test_loads_by_group_equal_loads_flow_by_flow(shape, seed):
    fabric = topology.build("dragonfly", shape)
    source, target, flow_bytes = _flows(fabric, seed)
    by_flow = _loads(fabric.routing, source, target, flow_bytes, "valiant")
    by_group = fabric.routing.detour_loads(source, target, flow_bytes)
    np.testing.assert_allclose(by_group, by_flow, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_the_mix_is_no_worse_than_a_fine_grid_of_shares(seed):
    fabric = topology.build("dragonfly", {"p": 2, "a": 4, "h": 2, "g": 9})
    source, target, flow_bytes = _flows(fabric, seed, count=40)
    minimal = _loads(fabric.routing, source, target, flow_bytes, "minimal")
    detours = fabric.routing.detour_loads(source, target, flow_bytes)
    capacity = fabric.routing.bundles.bytes_per_s
    mixed = (least_loading_mix(minimal, detours, capacity) / capacity).max()
    grid = min(
        (((1 - share) * minimal + share * detours) / capacity).max()
        for share in np.linspace(0, 1, 501)
    )
    assert mixed <= grid * (1 + 1e-3)


def test_groups_that_send_to_one_neighbour_gain_what_theory_says():
    """All of a group to the next one: minimal has one link's worth, Valiant half of all links.

    Kim et al., ISCA 2008, section 4: worst-case throughput of minimal routing is 1 / (a h) of the
    group's traffic per link, Valiant's is one half.
    """
    p, a, h, g = 2, 4, 2, 9
    fabric = topology.build("dragonfly", {"p": p, "a": a, "h": h, "g": g})
    source = np.arange(fabric.num_endpoints, dtype=np.int32)
    target = ((source + a * p) % fabric.num_endpoints).astype(np.int32)
    flow_bytes = np.ones(fabric.num_endpoints)
    minimal = _loads(fabric.routing, source, target, flow_bytes, "minimal")
    global_links = fabric.routing.bundles.stage == 3
    assert minimal[global_links].max() == a * p
    detours = fabric.routing.detour_loads(source, target, flow_bytes)
    # every byte crosses two global links, spread over all but the direct ones
    assert detours[global_links].sum() == pytest.approx(2 * fabric.num_endpoints)
    assert detours[global_links].max() == pytest.approx(2 * a * p / (g - 2), rel=1e-9)
