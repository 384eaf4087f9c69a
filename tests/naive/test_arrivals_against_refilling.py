"""Flows that come at random times, against all rates found anew at every start and end.

Most events are answered by local updates that keep what each bundle holds (`kernels.relax`,
`kernels.progress`); hundreds of events one after another would show what these lose on the way.
"""

from __future__ import annotations

import numpy as np
import pytest

from netloom.kernels.loads import PathArrays
from netloom.kernels.maxmin import max_min_rates
from netloom.simulate.flows import run
from netloom.simulate.routes import Routes, routes
from netloom.topology import build

LINK_BYTES_PER_S = 1e9


def refilled_ends(found: Routes, sizes: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Go from event to event; find the rates of the flows under way from nothing at each."""
    paths = found.paths
    entries = [np.arange(paths.indptr[flow], paths.indptr[flow + 1]) for flow in range(len(sizes))]
    left, ends, now = sizes.copy(), np.full(len(sizes), np.inf), 0.0
    while np.isinf(ends).any():
        active = np.flatnonzero(np.isinf(ends) & (starts <= now))
        then = starts[starts > now].min(initial=np.inf)
        if len(active):
            chosen = np.concatenate([entries[flow] for flow in active])
            indptr = np.cumsum([0] + [len(entries[flow]) for flow in active])
            part = PathArrays(indptr, paths.bundle[chosen], paths.share[chosen])
            rate = max_min_rates(part, found.bytes_per_s)
            finish = now + left[active] / rate
            then = min(then, finish.min())
            left[active] -= rate * (then - now)
            done = active[finish <= then * (1 + 1e-12)]
            ends[done] = finish[finish <= then * (1 + 1e-12)]
        now = then
    return ends


@pytest.mark.parametrize("balancing", ["spray", "static", "hash"])
@pytest.mark.parametrize(("taper", "load"), [(1.0, 0.5), (0.5, 0.8)])
def test_random_arrivals_end_as_with_rates_found_anew(balancing, taper, load) -> None:
    fabric = build(
        "fat-tree",
        {"hosts": 16, "radix": 8, "tiers": 2, "taper": taper, "link_bytes_per_s": LINK_BYTES_PER_S},
    )
    for seed in range(4):
        rng = np.random.default_rng(seed)
        num_flows = 250
        source = rng.integers(0, 16, num_flows)
        target = (source + rng.integers(1, 16, num_flows)) % 16
        # equal sizes and starts on a grid make ties, which must end together
        sizes = rng.exponential(1e6, num_flows) if seed % 2 else np.full(num_flows, 1e6)
        span_s = num_flows * 1e6 / (load * 16 * LINK_BYTES_PER_S)
        starts = rng.uniform(0.0, span_s, num_flows)
        if seed == 2:
            starts = np.round(starts, 4)
        found = routes(fabric, source, target, balancing, seed)
        times = run(found, sizes, starts)
        expected = refilled_ends(found, sizes, starts)
        np.testing.assert_allclose(times.end_s, expected, rtol=1e-9)
        # a few at the beginning apart, events were answered locally
        assert times.num_full < 0.2 * times.num_events
