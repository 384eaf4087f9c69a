"""Seconds and peak memory of counting, laying out and pricing large three-tier fabrics.

Run it from the repository: ``python benchmarks/bench_fabric_scale.py``. Each fabric is surveyed in
a process of its own, imports and compilation included, so that the peak is its own.
"""

from __future__ import annotations

import multiprocessing
import resource
import time

#: Endpoints, ports of one switch, limit in seconds and in GiB.
CASES = ((131_072, 128, 10, 4), (1_048_576, 256, 60, 12))


def measure(hosts: int, radix: int, results: multiprocessing.Queue) -> None:
    """Put seconds, peak MiB, cables and cost of one fat tree into a queue."""
    start = time.perf_counter()
    from netloom.survey import Request, survey

    parameters = {"hosts": hosts, "radix": radix, "tiers": 3, "link_rate": "400 Gb/s"}
    found = survey(Request("fat-tree", parameters, node="dgx-h100"))
    seconds = time.perf_counter() - start
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    results.put((seconds, peak_mib, sum(found.cables.values()), found.cost_usd.mode))


def main() -> None:
    """Print one line per fabric."""
    context = multiprocessing.get_context("spawn")
    for hosts, radix, limit_s, limit_gib in CASES:
        results = context.Queue()
        process = context.Process(target=measure, args=(hosts, radix, results))
        process.start()
        seconds, peak_mib, cables, usd = results.get()
        process.join()
        limit_mib = limit_gib * 1024
        print(
            f"{hosts:,} endpoints, three tiers of {radix} ports: "
            f"{seconds:.1f} s (limit {limit_s}), peak {peak_mib:,.0f} MiB (limit {limit_mib:,}), "
            f"{cables:,} cables, {usd / 1e6:,.0f} M$"
        )


if __name__ == "__main__":
    main()
