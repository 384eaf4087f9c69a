"""The batch evaluator: plans a CPU-second, time and memory of each, over whole search spaces.

Run it from the repository: ``python benchmarks/bench_step_batch.py``. One core, CPU seconds of the
process, best of seven; kernels are compiled before (and cached beside the package). Evaluated are
all plans of a space, repeated to at least 100,000, with their step in parts and the five parts of
their memory; then the fastest that fits is taken. What a message costs is drawn, as it does not
change the work.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable

import numpy as np

from netloom import catalog
from netloom.kernels.inputs import PRICE_ROWS
from netloom.kernels.step import BUFFERS, STEP, WEIGHTS
from netloom.schema.study import Search
from netloom.search.plans import PlanSpace, plan_matrix
from netloom.simulate.step import StepModel
from netloom.workload.inputs import machine_inputs, shape_inputs, software_inputs
from netloom.workload.shape import read_config

NUM_RUNS, FEWEST_PLANS = 7, 100_000
TARGET = 200_000

#: Model, accelerators, sequences of a batch, tokens of a sequence.
CASES = [
    ("llama-3.1-70b", 512, 512, 8192),
    ("llama-3.1-405b", 16384, 2048, 8192),
    ("gpt3-175b", 10752, 2688, 2048),
    ("qwen3-235b-a22b", 1024, 4096, 4096),
    ("deepseek-v3", 2048, 15360, 4096),
]


def best_of(action: Callable[[], object]) -> float:
    """Return the CPU seconds of the fastest run."""
    fastest = np.inf
    for _ in range(NUM_RUNS):
        start = time.process_time()
        action()
        fastest = min(fastest, time.process_time() - start)
    return fastest


def main() -> None:
    """Print all cases."""
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, one used")
    print(f"target {TARGET:,} plans a CPU-second, memory included")
    print(f"{'model':18s}{'accelerators':>13s}{'plans':>8s}{'fitting':>9s}"
          f"{'evaluated':>11s}{'CPU ms':>8s}{'plans/CPU-s':>13s}")  # fmt: skip
    software, node = catalog.get("software", "nemo-25.04"), catalog.get("node", "dgx-h100")
    machine = machine_inputs(catalog.get("accelerator", node.accelerator), software, "bf16")
    for name, num_accelerators, batch_sequences, sequence in CASES:
        shape = read_config(catalog.model_path(name))
        space = PlanSpace(
            shape, num_accelerators, node.scale_up_domain, batch_sequences, sequence,
            Search(),
        )  # fmt: skip
        plans = plan_matrix(space)
        model = StepModel(
            shape_inputs(shape), machine, software_inputs(software), sequence, num_accelerators
        )
        repeated = np.tile(plans, (-(-FEWEST_PLANS // len(plans)), 1))
        random = np.random.default_rng(0)
        prices = random.uniform(1e-6, 1e-5, (len(repeated), len(PRICE_ROWS), 2))
        prices[:, :, 1] *= 1e-6  # seconds a byte: 0.1 to 1 TB/s

        def fitting(
            plans: np.ndarray = repeated, prices: np.ndarray = prices, model: StepModel = model
        ) -> np.ndarray:
            steps = model.evaluate(plans, prices)
            used = steps[:, WEIGHTS : BUFFERS + 1].sum(axis=1)
            step_s = np.where(used <= model.machine.hbm_bytes, steps[:, STEP], np.inf)
            step_s.argmin()
            return np.isfinite(step_s)

        num_fitting = int(fitting()[: len(plans)].sum())
        seconds = best_of(fitting)
        print(
            f"{name:18s}{num_accelerators:13,d}{len(plans):8,d}{num_fitting:9,d}"
            f"{len(repeated):11,d}{seconds * 1e3:8.1f}{len(repeated) / seconds:13,.0f}"
        )


if __name__ == "__main__":
    main()
