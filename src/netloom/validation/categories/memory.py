"""Memory of one accelerator, as published for four GPT models on A100.

Computed by the evaluator that ranks plans, which takes the fullest stage: Megatron-LM of 2022 with
and without sequence parallelism, dropout, unfused attention. Parameters and optimizer leave the
embedding tables out, as the published figure does; activations are those that layers keep. No
number was fitted: the equations of arXiv:2205.05198 come out of counting operator by operator.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from netloom import catalog
from netloom.kernels import inputs
from netloom.result import Memory
from netloom.simulate.step import StepModel, memory_of
from netloom.validation import Row
from netloom.validation.published import cite, read
from netloom.validation.step_rules.models import gpt_shape
from netloom.workload.inputs import machine_inputs, shape_inputs, software_inputs

_TOLERANCE = 0.03

_TENSOR, _SEQUENCE = 8, 2048

#: What is done against memory -> whether sequence parallelism is on, and what is computed again.
_SAVINGS = {
    "none": (False, "none"),
    "sequence": (True, "none"),
    "selective": (False, "selective"),
    "both": (True, "selective"),
    "full": (False, "full"),
}

_WORDS = {
    "none": "nothing saved",
    "sequence": "sequence parallelism",
    "selective": "selective recomputation",
    "both": "sequence parallelism and selective recomputation",
    "full": "full recomputation",
}


def rows() -> Iterator[Row]:
    """Yield rows of both figures for each model."""
    data = read("memory.yaml")
    figure_1, figure_7 = (cite(data["source"], f"figure {number}") for number in (1, 7))
    for case in data["models"]:
        kept = {saving: _memory(case["name"], saving) for saving in _SAVINGS}
        held = kept["none"]
        states = held.weights_bytes + held.gradients_bytes + held.optimizer_bytes
        name = f"GPT {case['name']}, parameters and optimizer"
        yield _row(name, "GiB", case["states_gib"], states / 2.0**30, figure_1)
        for saving, published in case["activations_gib"].items():
            name = f"GPT {case['name']}, activations, {_WORDS[saving]}"
            yield _row(name, "GiB", published, kept[saving].activations_bytes / 2.0**30, figure_1)
        for saving, published in case["activations_pct"].items():
            share = kept[saving].activations_bytes / held.activations_bytes
            name = f"GPT {case['name']}, share of activations, {_WORDS[saving]}"
            yield _row(name, "%", published, 100.0 * share, figure_7)


def _row(name: str, unit: str, published: float, computed: float, source: str) -> Row:
    return Row("memory", name, unit, published, computed, _TOLERANCE, source)


@cache
def _memory(name: str, saving: str) -> Memory:
    """Return the memory of a model's fullest stage without its embedding tables."""
    case = next(case for case in read("memory.yaml")["models"] if case["name"] == name)
    sequence_parallel, recompute = _SAVINGS[saving]
    shape = gpt_shape(
        name,
        layers=case["layers"],
        hidden=case["hidden"],
        heads=case["heads"],
        sequence=_SEQUENCE,
    )
    software = catalog.get("software", "megatron-2022")
    model = StepModel(
        shape=shape_inputs(shape)._replace(embedding_parameters=0.0, head_parameters=0.0),
        machine=machine_inputs(catalog.get("accelerator", "a100-sxm-80g"), software, "fp16"),
        software=software_inputs(software)._replace(sequence_parallel=sequence_parallel),
        sequence=_SEQUENCE,
        num_accelerators=_TENSOR * case["pipeline"],
    )
    plan = np.array([_plan(case, recompute)], dtype=np.int64)
    # memory does not depend on what messages cost
    free = np.zeros((1, len(inputs.PRICE_ROWS), 2))
    return memory_of(model.evaluate(plan, free)[0], model.machine)


def _plan(case: dict[str, Any], recompute: str) -> list[int]:
    sizes = {
        "tensor": _TENSOR,
        "context": 1,
        "pipeline": case["pipeline"],
        "interleave": case["interleave"],
        "data": 1,
        "expert": 1,
        "micro_batch": case["micro_batch"],
        "num_micro_batches": case["batch"] // case["micro_batch"],
        "sharding": inputs.SHARDINGS.index("none"),
        "recompute": inputs.RECOMPUTES.index(recompute),
        "expert_tensor": _TENSOR,
        "context_kind": 0,
        "shard_group": 1,
    }
    return [sizes[column] for column in inputs.PLAN_COLUMNS]
