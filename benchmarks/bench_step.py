"""One training step: the batch evaluator's plans a second, an explained step, its trace.

Run it from the repository: ``python benchmarks/bench_step.py``. One core. Each line is the best of
seven; kernels are compiled before (and cached beside the package).
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from netloom import evaluate
from netloom.cli.study import read
from netloom.explained import Subject, explain_step
from netloom.report.perfetto import encode
from netloom.report.step_trace import step_tracks
from netloom.schema.study import Search
from netloom.search.best import best_plan
from netloom.search.given_plan import given_plans
from netloom.search.plans import PlanSpace, plan_matrix
from netloom.simulate.step import message_bytes_of, price_plans

NUM_RUNS = 7
STUDY = Path(__file__).parents[1] / "examples" / "llama3-405b-16k.yaml"

#: 128 microbatches of the 405 B model on 16 stages.
BATCH, PLAN = 16384, "tp=8,cp=1,pp=16,mbs=1,recompute=selective"
SCHEDULES = [("interleaved", 8), ("one-f-one-b", 1), ("zb-h1", 1), ("zb-v", 1), ("dualpipe", 1)]


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
    resolved = read(STUDY)
    run, goal = evaluate.start(resolved), resolved.study.goal
    network = evaluate.prepare(run, resolved.networks[0], 0).network
    space = PlanSpace(run.shape, 16384, 8, BATCH, goal.sequence, Search())
    plans = plan_matrix(space)
    prices = price_plans(plans, network, message_bytes_of(plans, run.model)).prices
    times = -(-100_000 // len(plans))
    many, many_prices = np.tile(plans, (times, 1)), np.tile(prices, (times, 1, 1))
    run.model.evaluate(many[:1], many_prices[:1])
    seconds = best_of(lambda: run.model.evaluate(many, many_prices))
    print(f"batch evaluator, memory included: {len(many) / seconds:,.0f} plans per CPU-second")

    subject = Subject(
        run.shape, run.model, float(BATCH * goal.sequence), resolved.accelerator.name,
        goal.precision, float(resolved.accelerator.peak_flops_per_s[goal.precision]),
    )  # fmt: skip
    # memory does not matter here: zero-bubble schedules without chunks would not fit
    roomy = replace(run.model, machine=run.model.machine._replace(hbm_bytes=np.inf))
    print(f"{'schedule':14s}{'operations':>11s}{'step s':>8s}{'explained ms':>14s}"
          f"{'trace ms':>10s}{'trace MB':>10s}")  # fmt: skip
    for kind, interleave in SCHEDULES:
        left, found = given_plans(space, f"{PLAN},vp={interleave}")
        priced = best_plan(left, found, roomy, network).priced
        row = priced.plan[None]
        price = price_plans(row, network, message_bytes_of(row, run.model)).prices[0]

        def explain(priced=priced, price=price, kind=kind) -> object:  # type: ignore[no-untyped-def]
            return explain_step(priced, price, subject, kind)

        step = explain_step(priced, price, subject, kind)
        trace = encode(step_tracks(step))
        print(
            f"{kind:14s}{len(step.played.timeline.order.phase):11d}{step.played_step.step_s:8.2f}"
            f"{best_of(explain) * 1e3:14.1f}"
            f"{best_of(lambda step=step: encode(step_tracks(step))) * 1e3:10.1f}"  # type: ignore[misc]
            f"{len(trace) / 1e6:10.2f}"
        )


if __name__ == "__main__":
    main()
