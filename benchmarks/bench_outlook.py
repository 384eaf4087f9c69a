"""How long a three-year build-out takes in the base and three risk scenarios, on one core.

Nothing in it runs on more than one thread; processor seconds are told beside those of the clock,
for machines that do other work.

Run: python benchmarks/bench_outlook.py
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from netloom import search
from netloom.cli.study import read
from netloom.cost.draws import Sampling
from netloom.supply.bill import Bill, bills_of
from netloom.supply.outlook import run, tornado
from netloom.supply.read import design_bills, read_build_out, read_scenario

LIMIT_S = 5.0
NUM_DRAWS = 10_000
SCENARIOS = ("demand-below-expectation", "scaling-laws-fail", "fiercer-competition")


def planned_bills(study: Path, networks: Sequence[str]) -> dict[str, Bill]:
    """Return the bills of a study's networks."""
    resolved = read(study)
    return bills_of(resolved, search.plan_study(resolved), networks)


def main() -> None:
    """Print seconds and their ratio to the limit."""
    build_out, folder = read_build_out("merchant-2026")
    start = time.perf_counter()
    bills = design_bills(build_out, folder, planned_bills, {})
    print(f"bills of {len(bills)} designs: {time.perf_counter() - start:.2f} s")
    scenarios = [read_scenario(name) for name in SCENARIOS]
    run(bills, build_out, scenarios, Sampling(10, 0, 0.5))  # compiled kernels are read here
    start, started = time.perf_counter(), time.process_time()
    found = run(bills, build_out, scenarios, Sampling(NUM_DRAWS, 0, 0.5))
    spent, busy = time.perf_counter() - start, time.process_time() - started
    again = run(bills, build_out, scenarios, Sampling(NUM_DRAWS, 0, 0.5))
    print(
        f"{NUM_DRAWS:,} draws, {len(found.years)} years, base and {len(SCENARIOS)} scenarios, "
        f"{len(found.lines)} lines: {spent:.2f} s ({busy:.2f} s of the processor), "
        f"{spent / LIMIT_S:.2f} of the limit of {LIMIT_S:.0f} s"
    )
    print(f"the same seed gives {'the same' if again == found else 'OTHER'} bits")
    start = time.perf_counter()
    moved = tornado(bills, build_out, scenarios)
    spent = time.perf_counter() - start
    print(
        f"tornado of {len(moved.places)} inputs: {spent:.2f} s, {spent / LIMIT_S:.2f} of the limit"
    )


if __name__ == "__main__":
    main()
