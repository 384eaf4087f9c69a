"""The compiled solver against a slow obvious one, on random small cases."""

from __future__ import annotations

import numpy as np
import pytest

from netloom.kernels.fluid import completion_times
from netloom.kernels.loads import (
    BundleArrays,
    PathArrays,
    bundle_loads,
    member_loads,
    member_stage_seconds,
    stage_seconds,
)
from netloom.kernels.maxmin import max_min_rates

NUM_CASES = 250


def random_case(seed: int) -> tuple[list[dict[int, float]], list[float], list[float]]:
    """Return flows as {bundle: share}, capacities and bytes."""
    rng = np.random.default_rng(seed)
    num_bundles, num_flows = int(rng.integers(1, 9)), int(rng.integers(1, 13))
    capacity = rng.choice([1.0, 2.0, 5.0, 12.5], num_bundles) * rng.choice([1.0, 1e9])
    flows = []
    for _ in range(num_flows):
        crossed = rng.permutation(num_bundles)[: int(rng.integers(1, num_bundles + 1))]
        split = (
            rng.choice([1.0, 0.5, 0.25], len(crossed)) if seed % 3 == 0 else np.ones(num_bundles)
        )
        flows.append(
            {int(bundle): float(share) for bundle, share in zip(crossed, split, strict=False)}
        )
    sizes = rng.integers(1, 6, num_flows) * 1e6
    return flows, capacity.tolist(), sizes.tolist()


def arrays(flows: list[dict[int, float]]) -> PathArrays:
    return PathArrays(
        np.cumsum([0] + [len(flow) for flow in flows]).astype(np.int64),
        np.array([bundle for flow in flows for bundle in flow], dtype=np.int32),
        np.array([share for flow in flows for share in flow.values()]),
    )


def naive_rates(flows: list[dict[int, float]], capacity: list[float]) -> list[float]:
    """Raise all rates together; freeze the flows of each bundle that fills up."""
    rate = [0.0] * len(flows)
    rising = set(range(len(flows)))
    while rising:
        growth = {}
        for bundle, limit in enumerate(capacity):
            used = sum(flow.get(bundle, 0) * rate[i] for i, flow in enumerate(flows))
            weight = sum(flows[i].get(bundle, 0) for i in rising)
            if weight > 0:
                growth[bundle] = (limit - used) / weight
        step = min(growth.values())
        for i in rising:
            rate[i] += step
        for bundle, room in growth.items():
            if room <= step * (1 + 1e-12) + 1e-15 * capacity[bundle]:
                rising -= {i for i in rising if bundle in flows[i]}
    return rate


def naive_completion(
    flows: list[dict[int, float]], capacity: list[float], sizes: list[float]
) -> list[float]:
    left, ends, now = dict(enumerate(sizes)), [0.0] * len(flows), 0.0
    while left:
        running = list(left)
        rate = dict(zip(running, naive_rates([flows[i] for i in running], capacity), strict=True))
        step = min(left[i] / rate[i] for i in running)
        now += step
        for i in running:
            left[i] -= rate[i] * step
            if left[i] <= 1e-9 * sizes[i]:
                ends[i] = now
                del left[i]
    return ends


@pytest.mark.parametrize("block", range(5))
def test_rates_equal_naive_progressive_filling(block: int) -> None:
    for seed in range(block * NUM_CASES // 5, (block + 1) * NUM_CASES // 5):
        flows, capacity, _ = random_case(seed)
        rates = max_min_rates(arrays(flows), np.array(capacity))
        np.testing.assert_allclose(rates, naive_rates(flows, capacity), rtol=1e-9)


@pytest.mark.parametrize("block", range(5))
def test_completion_times_equal_naive_event_loop(block: int) -> None:
    for seed in range(block * NUM_CASES // 5, (block + 1) * NUM_CASES // 5):
        flows, capacity, sizes = random_case(seed)
        ends = completion_times(arrays(flows), np.array(capacity), np.array(sizes), 1e-12)
        np.testing.assert_allclose(ends, naive_completion(flows, capacity, sizes), rtol=1e-9)


def test_loads_equal_naive_sums_and_members_add_up() -> None:
    for seed in range(NUM_CASES):
        flows, capacity, sizes = random_case(seed)
        paths, num_bundles = arrays(flows), len(capacity)
        naive = [
            sum(flow.get(bundle, 0) * size for flow, size in zip(flows, sizes, strict=True))
            for bundle in range(num_bundles)
        ]
        loads = bundle_loads(paths, np.array(sizes), num_bundles)
        np.testing.assert_allclose(loads, naive, rtol=1e-12)
        members = np.random.default_rng(seed).integers(1, 5, num_bundles)
        first = np.concatenate([[0], np.cumsum(members)]).astype(np.int64)
        keys = np.arange(len(flows), dtype=np.uint64)
        hashed = member_loads(paths, np.array(sizes), keys, first, 4, seed)
        np.testing.assert_allclose(np.add.reduceat(hashed, first[:-1]), naive, rtol=1e-12)
        bundles = BundleArrays(
            np.array(capacity),
            members.astype(np.int32),
            (np.arange(num_bundles) % 2).astype(np.int16),
            2,
        )
        even = stage_seconds(loads, bundles)
        uneven = member_stage_seconds(hashed, bundles, first)
        for stage in (0, 1):
            of_stage = [b for b in range(num_bundles) if b % 2 == stage]
            assert even[stage] == pytest.approx(
                max((naive[b] / capacity[b] for b in of_stage), default=0.0)
            )
            assert uneven[stage] == pytest.approx(
                max(
                    (
                        hashed[first[b] : first[b + 1]].max() / (capacity[b] / members[b])
                        for b in of_stage
                    ),
                    default=0.0,
                )
            )
