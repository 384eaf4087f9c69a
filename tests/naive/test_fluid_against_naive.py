"""The compiled fluid solver, a slow obvious one and the collapsed one on 1,000 random fabrics."""

from __future__ import annotations

import numpy as np
import pytest

from netloom import topology
from netloom.simulate.collapse import run_collapsed
from netloom.simulate.flows import CapacityChange, run
from netloom.simulate.routes import Routes, routes
from netloom.topology.fabric import Fabric

NUM_CASES, NUM_BLOCKS = 1000, 10

FABRICS = (
    ("fat-tree", {"hosts": 12, "radix": 4, "tiers": 3}),
    ("fat-tree", {"hosts": 18, "radix": 6, "tiers": 2, "taper": 0.5}),
    ("fat-tree", {"hosts": 8, "radix": 8, "tiers": 2, "planes": 2}),
    ("leaf-spine", {"hosts": 16, "radix": 8, "spines": 2}),
    ("dragonfly", {"p": 1, "a": 3, "h": 1, "g": 4, "route": "minimal"}),
    ("dragonfly", {"p": 2, "a": 2, "h": 1, "g": 3, "route": "valiant"}),
    ("torus", {"dims": [3, 3], "p": 1}),
)


def built(choice: int) -> Fabric:
    kind, parameters = FABRICS[choice % len(FABRICS)]
    return topology.build(kind, {**parameters, "link_bytes_per_s": 1e9})


def random_case(seed: int) -> tuple[Routes, np.ndarray, np.ndarray]:
    """Return routes, sizes and starts: shifts and all-to-alls, some with odd flows among them."""
    rng = np.random.default_rng(seed)
    fabric = built(seed)
    hosts = np.arange(fabric.num_endpoints)
    pattern = rng.integers(3)
    if pattern == 0:
        source, target = hosts, np.roll(hosts, int(rng.integers(1, len(hosts))))
    elif pattern == 1:
        few = rng.permutation(hosts)[:4]
        source, target = np.repeat(few, 4), np.tile(few, 4)
    else:
        source, target = rng.integers(0, len(hosts), (2, int(rng.integers(1, 20))))
    balancing = ("spray", "static", "hash")[seed % 3]
    found = routes(fabric, source, target, balancing, seed)
    num_flows = len(source)
    equal = rng.random() < 0.4
    sizes = np.full(num_flows, 1e6) if equal else rng.integers(0, 4, num_flows) * 1e6
    starts = np.zeros(num_flows)
    if rng.random() < 0.6:
        starts = rng.integers(0, 3, num_flows) * 0.4e-3
    return found, sizes, starts


def matrix(found: Routes) -> np.ndarray:
    """Return the part of each flow on each bundle, shape (B, F)."""
    paths = found.paths
    flow = np.repeat(np.arange(len(paths.num_hops)), np.diff(paths.indptr))
    parts = np.zeros((len(found.bytes_per_s), len(paths.num_hops)))
    np.add.at(parts, (paths.bundle, flow), paths.share)
    return parts[parts.any(axis=1)]


def naive_rates(parts: np.ndarray, capacity: np.ndarray, active: np.ndarray) -> np.ndarray:
    """Raise all rates together; freeze the flows of each bundle that fills up."""
    rate, rising = np.zeros(len(active)), active.copy()
    while rising.any():
        weight = parts @ rising
        room = capacity - parts @ rate
        used = weight > 0
        step = (room[used] / weight[used]).min()
        rate = rate + step * rising
        full = used & (room <= step * weight + 1e-12 * capacity.max())
        rising &= ~(parts[full] > 0).any(axis=0)
    # no bundle above its capacity, and every flow is fastest on a full bundle of its path
    used = parts @ rate
    assert (used <= capacity * (1 + 1e-9)).all()
    fastest = np.where(parts > 0, rate, 0.0).max(axis=1)
    full = used >= capacity * (1 - 1e-9)
    held = (parts > 0) & full[:, None] & (rate >= fastest[:, None] * (1 - 1e-9))
    assert held.any(axis=0)[active].all()
    return rate


def naive_ends(
    parts: np.ndarray,
    capacity: np.ndarray,
    sizes: np.ndarray,
    starts: np.ndarray,
    changes: list[tuple[float, int, float]],
) -> np.ndarray:
    """Go from event to event, with all rates found anew at each; check each set of rates."""
    capacity, left = capacity.copy(), sizes.astype(float).copy()
    ends = np.where((sizes <= 0) | ~parts.any(axis=0), starts, np.nan)
    changes, now, sent = list(changes), 0.0, np.zeros(len(sizes))
    while np.isnan(ends).any():
        active = np.isnan(ends) & (starts <= now)
        rate = naive_rates(parts, capacity, active)
        times = [starts[np.isnan(ends) & (starts > now)].min(initial=np.inf)]
        times += [change[0] for change in changes[:1]]
        with np.errstate(divide="ignore", invalid="ignore"):
            finish = np.where(active & (rate > 0), now + left / rate, np.inf)
        then = min(*times, finish.min())
        if np.isinf(then):
            ends[np.isnan(ends)] = np.inf
            break
        sent += rate * (then - now)
        left -= rate * (then - now)
        ended = active & (finish <= then * (1 + 1e-11))
        ends[ended] = finish[ended]
        now = then
        while changes and changes[0][0] <= now:
            _, row, value = changes.pop(0)
            capacity[row] = value
    done = np.isfinite(ends) & (sizes > 0) & parts.any(axis=0)
    np.testing.assert_allclose(sent[done], sizes[done], rtol=1e-9)
    return ends


@pytest.mark.parametrize("block", range(NUM_BLOCKS))
def test_compiled_naive_and_collapsed_ends_agree(block: int) -> None:
    size = NUM_CASES // NUM_BLOCKS
    for seed in range(block * size, (block + 1) * size):
        found, sizes, starts = random_case(seed)
        used = np.unique(found.paths.bundle)
        expected = naive_ends(matrix(found), found.bytes_per_s[used], sizes, starts, [])
        compiled = run(found, sizes, starts).end_s
        np.testing.assert_allclose(compiled, expected, rtol=1e-9, err_msg=f"seed {seed}")
        collapsed = run_collapsed(found, sizes, starts).end_s
        np.testing.assert_allclose(collapsed, expected, rtol=1e-9, err_msg=f"seed {seed}")


def test_capacities_that_change_agree_with_naive_and_stop_flows() -> None:
    stopped = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        found, sizes, starts = random_case(seed)
        used = np.unique(found.paths.bundle)
        if not len(used):
            continue
        rows = rng.integers(0, len(used), 3)
        times = np.sort(rng.integers(1, 20, 3) * 1e-4)
        factors = rng.choice([0.0, 0.5, 1.0, 2.0], 3)
        values = factors * found.bytes_per_s[used[rows]]
        expected = naive_ends(
            matrix(found), found.bytes_per_s[used], sizes, starts,
            list(zip(times, rows, values, strict=True)),
        )  # fmt: skip
        changes = [
            CapacityChange(float(time), int(used[row]), float(value))
            for time, row, value in zip(times, rows, values, strict=True)
        ]
        ends = run(found, sizes, starts, changes=changes).end_s
        np.testing.assert_allclose(ends, expected, rtol=1e-9, err_msg=f"seed {seed}")
        stopped += int(np.isinf(ends).any())
    assert stopped > 5
