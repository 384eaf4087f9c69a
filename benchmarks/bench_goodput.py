"""Whole runs under random failures: 10,000 runs of 90 days on 16,384 accelerators, one core.

Run it from the repository: ``python benchmarks/bench_goodput.py``. The rates are the catalogue's of
the Llama 3 run with that run's 35 interruptions by its network, a checkpoint is 2.8 s; each line is
the best of three, kernels compiled before (and cached beside the package).
"""

from __future__ import annotations

import platform
import time

from netloom import catalog
from netloom.failure.classes import RunPolicy
from netloom.failure.evidence import counted
from netloom.failure.inventory import Exposure, Inventory
from netloom.failure.job import NetworkFailures, Saving, failure_classes
from netloom.failure.montecarlo import simulate
from netloom.schema.study import Reliability

DAY_S = 86400.0
NUM_ACCELERATORS, NUM_NODES, NUM_RUNS = 16_384, 2_048, 10_000
POLICIES = {
    "a spare always at hand": RunPolicy(None, 2.8, NUM_NODES),
    "32 spares, 4 crews": RunPolicy(None, 2.8, NUM_NODES, num_spares=32, num_crews=4),
    "in memory, stored every 10th": RunPolicy(
        None, 0.3, NUM_NODES, storage_every=10, storage_lag_s=2.8
    ),
}


def main() -> None:
    """Print the seconds of each policy."""
    measured = counted(35, 54 * DAY_S * NUM_ACCELERATORS)
    link = Exposure("network", NUM_ACCELERATORS, measured.per_s)
    network = NetworkFailures((link,), {"network": measured}, {}, {"network": 1}, 0)
    job = Inventory(NUM_ACCELERATORS, NUM_NODES, NUM_ACCELERATORS, (link,))
    rates = catalog.get("failure-rates", "llama3-h100")
    saving = Saving(1.0, 1.0, 0.0, 1)
    print(f"{platform.machine()}, one thread, {NUM_RUNS:,} runs of 90 days of work")
    for name, policy in POLICIES.items():
        classes = failure_classes(Reliability(), rates, job, network, saving, policy)
        simulate(classes, policy, DAY_S, 2)
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            found = simulate(classes, policy, 90 * DAY_S, NUM_RUNS)
            seconds.append(time.perf_counter() - start)
        events = found.num_interruptions.mean()
        print(f"{name:30} {min(seconds):6.2f} s  {events:.0f} interruptions a run")


if __name__ == "__main__":
    main()
