"""Flow solver against the standard traffic set: completion times, and time to compute them.

Run it from the repository: ``python benchmarks/bench_flows.py``. One core. Seconds include building
the fabric and finding the routes; flows run to completion, their rates shared anew as flows end.
Each line is the best of five; kernels are compiled before (and cached beside the package).
"""

from __future__ import annotations

import os
import platform
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from standard_traffic import (
    LINK_BYTES_PER_S,
    LINK_LATENCY_S,
    fabric,
    groups_of_64,
    traffic,
)

from netloom.simulate.collapse import run_collapsed
from netloom.simulate.flows import FlowTimes, run
from netloom.simulate.rounds import ring_follows, run_rounds
from netloom.simulate.routes import Balancing, Routes, routes
from netloom.topology import build

#: Completion times in microseconds of SimGrid 4.1 at flow level with static D-mod-k routes.
STATIC_US = {
    ("F1", "T1"): 3842, ("F1", "T3"): 1261, ("F1", "T3s"): 2242, ("F1", "T4"): 2541,
    ("F1", "T5"): 20481, ("F2", "T1"): 6403, ("F2", "T5"): 20481, ("F4", "T5"): 20481,
}  # fmt: skip

#: CPU seconds of SimGrid 4.1, which is the fastest simulator on each of these.
SIMGRID_S = {
    ("F1", "T4", "static"): 0.12, ("F2", "T3", "static"): 0.64, ("F2", "T3", "hash"): 6.6,
    ("F2", "T1", "static"): 0.06, ("F3", "T1", "static"): 1.6, ("F3", "T3", "static"): 5.5,
    ("F5", "T1", "static"): 41.0,
}  # fmt: skip

NUM_RUNS = 5


@dataclass
class Measured:
    """One run: flows, seconds and peak memory of the paths."""

    num_flows: int
    times: FlowTimes
    routes: Routes


def best_of(action: Callable[[], object], num_runs: int = NUM_RUNS) -> tuple[float, object]:
    """Return the seconds of the fastest run and what it returned."""
    fastest, answer = np.inf, None
    for _ in range(num_runs):
        start = time.perf_counter()
        answer = action()
        fastest = min(fastest, time.perf_counter() - start)
    return fastest, answer


def flow_bytes_of(found: Routes) -> float:
    """Return bytes of the routes per flow; the solver's own arrays take about five times that."""
    paths = found.paths
    total = sum(array.nbytes for array in (paths.indptr, paths.bundle, paths.share, paths.num_hops))
    return total / len(paths.num_hops)


def standard(
    name: str,
    pattern: str,
    balancing: Balancing,
    *,
    tolerance: float = 0.0,
    latency_s: float = LINK_LATENCY_S,
    seed: int = 0,
) -> None:
    """Print one case of the standard set."""
    source, target, size = traffic(pattern, fabric(name).num_endpoints)

    def action() -> Measured:
        found = routes(fabric(name), source, target, balancing, seed)
        times = run(found, size, link_latency_s=latency_s, tolerance=tolerance)
        return Measured(len(source), times, found)

    seconds, answer = best_of(action)
    assert isinstance(answer, Measured)
    times = answer.times
    expected = STATIC_US.get((name, pattern)) if balancing == "static" else None
    if expected is not None and round(times.makespan_s * 1e6) != expected:
        raise AssertionError(f"{name} {pattern}: {times.makespan_s * 1e6} us, not {expected}")
    peer = SIMGRID_S.get((name, pattern, balancing))
    print(
        f"{name:3s}{pattern:7s}{balancing:7s}{tolerance:<6g}{answer.num_flows:>8d}"
        f"{times.makespan_s * 1e6:>12.1f}{times.bound_s * 1e6:>11.1f}  {seconds:8.4f}"
        f"{answer.num_flows / seconds:>12.3g}{flow_bytes_of(answer.routes):>8.0f}"
        f"{times.num_events:>8d}  "
        + (f"SimGrid {peer:g} s, {peer / seconds:.0f} times" if peer else ""),
        flush=True,
    )


def hash_distribution(num_seeds: int = 30) -> None:
    """Print the spread of F1 T1 over hash seeds."""
    source, target, size = traffic("T1", 128)
    built = fabric("F1")
    spans = [
        run(routes(built, source, target, "hash", seed), size, link_latency_s=LINK_LATENCY_S)
        for seed in range(num_seeds)
    ]
    ends = np.array([times.makespan_s for times in spans]) * 1e3
    print(
        f"F1 T1 hashed over {num_seeds} seeds: {ends.min():.1f} to {ends.max():.1f} ms, "
        f"median {np.median(ends):.1f}"
    )


def random_arrivals(load: float, balancing: Balancing, num_flows: int = 100_000) -> None:
    """Print 100,000 flows that start at random times on F2, about 1 MB each."""
    rng = np.random.default_rng(1)
    num_hosts = 1024
    source = rng.integers(0, num_hosts, num_flows)
    target = (source + rng.integers(1, num_hosts, num_flows)) % num_hosts
    size = rng.exponential(1e6, num_flows)
    span_s = num_flows * 1e6 / (load * num_hosts * LINK_BYTES_PER_S)
    start_s = rng.uniform(0.0, span_s, num_flows)

    def action() -> FlowTimes:
        found = routes(fabric("F2"), source, target, balancing)
        return run(found, size, start_s, link_latency_s=LINK_LATENCY_S)

    seconds, times = best_of(action)
    assert isinstance(times, FlowTimes)
    running = float((times.end_s - start_s).sum()) / times.makespan_s
    print(
        f"F2, {num_flows} random arrivals, host load {load:g}, {balancing}: {seconds:.2f} s, "
        f"{num_flows / seconds:.0f} flows/s; {running:.0f} run at a time",
        flush=True,
    )


def ring_by_messages(name: str, num_ranks: int) -> None:
    """Print a ring all-reduce of 1 GB over all hosts, message by message."""
    ranks = np.arange(num_ranks)

    def action() -> object:
        found = routes(fabric(name), ranks, (ranks + 1) % num_ranks, "static")
        return run_rounds(
            found, 1e9 / num_ranks, 2 * (num_ranks - 1), ring_follows(num_ranks),
            link_latency_s=LINK_LATENCY_S,
        )  # fmt: skip

    seconds, times = best_of(action)
    print(
        f"{name} T2, ring of {num_ranks}, message by message: {times.makespan_s * 1e6:.1f} us in "
        f"{seconds:.4f} s, {times.num_messages / seconds:.3g} messages/s"
    )


def million_ring() -> None:
    """Print a ring all-reduce of 1 GB over 1,048,576 accelerators, one long flow per neighbour."""
    num_ranks = 2**20
    parameters = {
        "hosts": num_ranks,
        "radix": 256,
        "tiers": 3,
        "link_bytes_per_s": LINK_BYTES_PER_S,
    }
    ranks = np.arange(num_ranks, dtype=np.int32)
    size = 2 * (num_ranks - 1) / num_ranks * 1e9
    for balancing in ("spray", "static"):
        for name, solve in (("uncollapsed", run), ("collapsed", run_collapsed)):

            def action(balancing: Balancing = balancing, solve: Callable = solve) -> FlowTimes:
                found = routes(build("fat-tree", parameters), ranks, np.roll(ranks, -1), balancing)
                return solve(found, size, link_latency_s=LINK_LATENCY_S)

            seconds, times = best_of(action)
            print(
                f"ring of {num_ranks}, {balancing}, {name}: {times.makespan_s * 1e3:.3f} ms in "
                f"{seconds:.3f} s, {num_ranks / seconds:.3g} flows/s, peak {_peak_gib():.2f} GiB"
            )


def many_groups() -> None:
    """Print uniform all-to-all in groups of 64 on 131,072 accelerators."""
    parameters = {"hosts": 2**17, "radix": 128, "tiers": 3, "link_bytes_per_s": LINK_BYTES_PER_S}

    def bound() -> tuple[float, int]:
        from netloom.kernels.loads import bundle_loads

        source, target = groups_of_64(2**17)
        found = routes(build("fat-tree", parameters), source, target)
        size = np.full(len(source), 1e6)
        loads = bundle_loads(found.arrays, size, len(found.bytes_per_s))
        return float((loads / found.bytes_per_s).max()), len(source)

    seconds, (makespan_s, num_flows) = best_of(bound)
    print(
        f"all-to-all in groups of 64 on 131072, {num_flows} flows, load bound (exact for equal "
        f"flows): {makespan_s * 1e6:.1f} us in {seconds:.3f} s, {num_flows / seconds:.3g} flows/s"
    )


def _peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    """Print all cases."""
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, one used")
    print(
        f"{'':3s}{'':7s}{'routes':7s}{'tol.':6s}{'flows':>8s}{'last us':>12s}{'bound us':>11s}"
        f"  {'seconds':>8s}{'flows/s':>12s}{'B/flow':>8s}{'events':>8s}"
    )
    for name, pattern in [*STATIC_US, ("F1", "T1 4M"), ("F2", "T3"), ("F3", "T1"), ("F3", "T3"),
                          ("F5", "T1")]:  # fmt: skip
        standard(name, pattern, "static")
    for name, pattern in (("F1", "T1"), ("F1", "T4"), ("F2", "T3"), ("F3", "T3"), ("F5", "T1")):
        for tolerance in (0.0, 0.01):
            standard(name, pattern, "hash", tolerance=tolerance)
    for name, pattern in (
        ("F1", "T1"), ("F1", "T1 4M"), ("F1", "T3"), ("F1", "T3s"), ("F1", "T4"), ("F1", "T5"),
        ("F2", "T1"), ("F2", "T5"), ("F3", "T3"), ("F5", "T1"),
    ):  # fmt: skip
        standard(name, pattern, "spray", latency_s=0.0)
    hash_distribution()
    ring_by_messages("F1", 128)
    ring_by_messages("F2", 1024)
    million_ring()
    many_groups()
    for load in (0.3, 0.5, 0.7):
        for balancing in ("spray", "static", "hash"):
            random_arrivals(load, balancing)


if __name__ == "__main__":
    main()
