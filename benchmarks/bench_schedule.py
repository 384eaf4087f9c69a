"""Pipeline schedules: time to play one, with its order made before and anew.

Run it from the repository: ``python benchmarks/bench_schedule.py``. One core. Each line is the best
of seven; kernels are compiled before (and cached beside the package).
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable

import numpy as np

from netloom import schedule

NUM_RUNS = 7
NUM_STAGES, NUM_MICROBATCHES = 16, 128

CASES = [
    *((kind, 1) for kind in ("gpipe", "one-f-one-b", "zb-h1", "zb-h2")),
    *(("interleaved", num_chunks) for num_chunks in (2, 4, 8)),
    ("zb-v", 2),
    ("dualpipe", 2),
]


def uneven(num_virtual_stages: int) -> schedule.Durations:
    """Return durations of a 126-layer model's stages: a layer less at both ends, a loss."""
    layers = np.full(num_virtual_stages, 128.0 / num_virtual_stages)
    layers[[0, -1]] -= 1.0
    forward_s = 6e-3 * layers
    forward_s[-1] += 5e-3
    return schedule.split_durations(forward_s, 1.1 * forward_s, 0.9 * forward_s)


def best_of(action: Callable[[], object]) -> float:
    """Return the seconds of the fastest run."""
    fastest = np.inf
    for _ in range(NUM_RUNS):
        start = time.perf_counter()
        action()
        fastest = min(fastest, time.perf_counter() - start)
    return fastest


def main() -> None:
    """Print all cases."""
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, one used")
    print(f"{NUM_STAGES} stages, {NUM_MICROBATCHES} microbatches, uneven stages, sends of 0.2 ms")
    print(f"{'schedule':14s}{'chunks':>7s}{'operations':>11s}{'order ms':>10s}{'play ms':>9s}"
          f"{'makespan s':>12s}{'bubble':>8s}{'peak':>6s}")  # fmt: skip
    for kind, num_chunks in CASES:
        made = schedule.order(kind, NUM_STAGES, NUM_MICROBATCHES, num_chunks)
        durations = uneven(made.num_virtual_stages)
        sends = schedule.uniform_sends(made.num_virtual_stages, 1e-5, 2e-4)
        build = schedule.SCHEDULES.get(kind).build

        def again(build: Callable = build, num_chunks: int = num_chunks) -> object:
            return build(NUM_STAGES, NUM_MICROBATCHES, num_chunks)

        def play(
            made: schedule.Order = made,
            durations: schedule.Durations = durations,
            sends: schedule.Sends = sends,
        ) -> object:
            return schedule.simulate(made, durations, sends)

        timeline = schedule.simulate(made, durations, sends)
        bubble = timeline.bubble_s.mean() / timeline.makespan_s
        print(
            f"{kind:14s}{num_chunks:7d}{len(made.phase):11d}{best_of(again) * 1e3:10.2f}"
            f"{best_of(play) * 1e3:9.2f}{timeline.makespan_s:12.3f}{bubble:8.1%}"
            f"{timeline.peak_activations.max() / made.virtual_stage.shape[1]:6.1f}"
        )


if __name__ == "__main__":
    main()
