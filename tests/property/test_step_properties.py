"""What must hold for the step of any plan: monotone in every resource, and adding up."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netloom import catalog
from netloom.kernels import inputs
from netloom.kernels.memory import shards_of, stage_memory
from netloom.kernels.stages import make_stage, split_layers
from netloom.kernels.step import STEP_COLUMNS, evaluate_plans
from netloom.schema.study import Search
from netloom.search.plans import PlanSpace, plan_matrix
from netloom.workload.inputs import machine_inputs, shape_inputs, software_inputs
from netloom.workload.shape import Experts, LatentAttention, TransformerShape

SEQUENCE, NUM_ACCELERATORS = 2048, 64
GPT = TransformerShape("gpt", 4096, 22, 32, 32, 128, 16384, False, 51200, True, 2048)
LLAMA = TransformerShape("llama", 4096, 32, 32, 8, 128, 14336, True, 128256, False)
EXPERTS = TransformerShape(
    "experts", 2048, 23, 16, 16, 192, 8192, True, 64000, False,
    latent=LatentAttention(768, 256, 128, 64, 128), experts=Experts(32, 4, 1024, 1024, 1, True),
)  # fmt: skip
#: What the search takes on its own, and what it takes where it is asked to.
EVERYTHING = (
    Search(sharding=inputs.SHARDINGS),
    Search(
        sharding=inputs.SHARDINGS, expert_tensor=(1, 2, 4, 8), context_kind=inputs.CONTEXT_KINDS,
        shard_group=(2, 4, 8, 16, 64),
    ),
)  # fmt: skip
PLANS = {
    shape.name: np.concatenate(
        [
            plan_matrix(PlanSpace(shape, NUM_ACCELERATORS, 8, 128, SEQUENCE, bounds))
            for bounds in EVERYTHING
        ]
    )
    for shape in (GPT, LLAMA, EXPERTS)
}
ROWS = 256, len(inputs.PRICE_ROWS)
SHAPES = {shape.name: shape_inputs(shape) for shape in (GPT, LLAMA, EXPERTS)}
RELEASES = {
    name: (
        machine_inputs(catalog.get("accelerator", part), catalog.get("software", name), "bf16"),
        software_inputs(catalog.get("software", name)),
    )
    for name, part in (("nemo-25.04", "h100-sxm"), ("megatron-2022", "a100-sxm-80g"))
}
COLUMN = {name: k for k, name in enumerate(STEP_COLUMNS)}
PARTS = slice(COLUMN["compute_s"], COLUMN["straggler_s"] + 1)
MEMORY = slice(COLUMN["weights_bytes"], COLUMN["buffers_bytes"] + 1)
SENT = slice(COLUMN["tensor_sent_bytes"], COLUMN["data_sent_bytes"] + 1)
#: Floating-point sums in another order; not a tolerance on the model.
ROUNDING = 1 + 1e-11


def evaluate(model, release, plans, prices, machine=None, software=None):
    rated, runs = RELEASES[release]
    return evaluate_plans(
        plans, prices, float(SEQUENCE), float(NUM_ACCELERATORS), SHAPES[model],
        machine or rated, software or runs,
    )  # fmt: skip


def plans_and_prices(case):
    """Return model, release, a few rows of its plans, and prices from nothing to awful."""
    model, release, seed = case
    rng = np.random.default_rng(seed)
    plans = PLANS[model][rng.integers(0, len(PLANS[model]), 256)]
    prices = np.stack([10 ** rng.uniform(-7, -3, ROWS), 10 ** rng.uniform(-12.5, -8, ROWS)], axis=2)
    return model, release, plans, prices * rng.choice([0.0, 1.0], (*ROWS, 1), p=[0.1, 0.9])


#: Small enough to print when a property fails.
cases = st.tuples(
    st.sampled_from(list(PLANS)), st.sampled_from(list(RELEASES)), st.integers(0, 2**32)
)
quick = settings(deadline=None, max_examples=60)


@quick
@given(cases, st.integers(0, ROWS[1] - 1), st.integers(0, 1), st.floats(0.0, 1.0))
def test_a_cheaper_message_never_makes_a_step_slower(case, row, column, factor):
    model, release, plans, prices = plans_and_prices(case)
    cheaper = prices.copy()
    cheaper[:, row, column] *= factor
    before = evaluate(model, release, plans, prices)
    after = evaluate(model, release, plans, cheaper)
    assert (after[:, 0] <= before[:, 0] * ROUNDING).all()


@quick
@given(
    cases,
    st.sampled_from(
        ["matmul_flops_per_s", "attention_forward_flops_per_s", "attention_backward_flops_per_s",
         "hbm_bytes_per_s"]
    ),
    st.floats(1.0, 10.0),
)  # fmt: skip
def test_a_faster_machine_never_makes_a_step_slower(case, field, factor):
    model, release, plans, prices = plans_and_prices(case)
    machine = RELEASES[release][0]
    faster = machine._replace(**{field: getattr(machine, field) * factor})
    before = evaluate(model, release, plans, prices)
    after = evaluate(model, release, plans, prices, faster)
    assert (after[:, 0] <= before[:, 0] * ROUNDING).all()


@quick
@given(cases, st.sampled_from(["overlaps_tensor", "overlaps_data", "overlaps_pipeline"]))
def test_overlapping_more_never_makes_a_step_slower(case, field):
    model, release, plans, prices = plans_and_prices(case)
    software = RELEASES[release][1]
    steps = [
        evaluate(model, release, plans, prices, software=software._replace(**{field: flag}))
        for flag in (False, True)
    ]
    assert (steps[1][:, 0] <= steps[0][:, 0] * ROUNDING).all()


@quick
@given(cases)
def test_parts_add_up_to_the_step_and_none_is_negative(case):
    steps = evaluate(*plans_and_prices(case))
    assert steps[:, PARTS].sum(axis=1) == pytest.approx(steps[:, 0], rel=1e-12)
    assert (steps >= 0.0).all()
    assert np.isfinite(steps).all()


@quick
@given(cases)
def test_bytes_depend_on_the_plan_and_not_on_prices(case):
    model, release, plans, prices = plans_and_prices(case)
    steps = evaluate(model, release, plans, prices)
    free = evaluate(model, release, plans, np.zeros_like(prices))
    assert (steps[:, MEMORY] == free[:, MEMORY]).all()
    # of several stages the slowest is shown, which prices may change
    one_stage = plans[:, inputs.PIPELINE] == 1
    assert (steps[one_stage][:, SENT] == free[one_stage][:, SENT]).all()


@quick
@given(cases)
def test_free_messages_expose_nothing(case):
    model, release, plans, prices = plans_and_prices(case)
    steps = evaluate(model, release, plans, np.zeros_like(prices))
    for name in ("tensor", "context", "expert", "pipeline", "data"):
        assert steps[:, COLUMN[f"{name}_s"]] == pytest.approx(0.0, abs=1e-12)
        assert (steps[:, COLUMN[f"{name}_total_s"]] == 0.0).all()


@quick
@given(cases)
def test_no_message_is_exposed_longer_than_it_takes(case):
    steps = evaluate(*plans_and_prices(case))
    for name in ("tensor", "context", "expert", "data"):
        exposed = steps[:, COLUMN[f"{name}_s"]]
        total = steps[:, COLUMN[f"{name}_total_s"]]
        assert (exposed <= total * ROUNDING).all()


@quick
@given(cases)
def test_groups_of_one_send_nothing(case):
    model, release, plans, prices = plans_and_prices(case)
    steps = evaluate(model, release, plans, prices)
    columns = {
        "tensor": inputs.TENSOR, "context": inputs.CONTEXT, "expert": inputs.EXPERT,
        "pipeline": inputs.PIPELINE,
    }  # fmt: skip
    for name, column in columns.items():
        alone = plans[:, column] == 1
        assert (steps[alone, COLUMN[f"{name}_sent_bytes"]] == 0.0).all()
        assert (steps[alone, COLUMN[f"{name}_s"]] == 0.0).all()
    alone = plans[:, inputs.DATA] * plans[:, inputs.CONTEXT] == 1
    # tensor ranks may hold whole experts alike
    alone &= plans[:, inputs.EXPERT_TENSOR] == 0
    assert (steps[alone, COLUMN["data_sent_bytes"]] == 0.0).all()


@quick
@given(cases)
def test_rows_of_a_batch_equal_single_evaluations_bit_by_bit(case):
    model, release, plans, prices = plans_and_prices(case)
    steps = evaluate(model, release, plans, prices)
    for k in range(0, len(plans), 7):
        single = evaluate(model, release, plans[k : k + 1], prices[k : k + 1])
        assert single.tobytes() == steps[k : k + 1].tobytes()


def memory_by_stage(model, release, plan):
    """Return the memory of first, middle and last stage, shape (stages, 5)."""
    machine, software = RELEASES[release]
    _, _, pipeline, interleave, _, _, micro_batch, num_micro = plan[:8].astype(float)
    shape = SHAPES[model]
    split = split_layers(shape.num_layers, pipeline, interleave)
    shards = shards_of(plan)
    found = [make_stage(k, split, pipeline, interleave, num_micro, shape) for k in (0, 1, 2)]
    return np.array(
        [
            stage_memory(stage, shards, micro_batch, float(SEQUENCE), shape, machine, software)
            for stage in found
            if stage.num_alike > 0
        ]
    )


@quick
@given(cases)
def test_sharding_more_never_needs_more_states(case):
    model, release, plans, _ = plans_and_prices(case)
    plan = plans[0]
    held = []
    for plan[inputs.SHARDING] in range(4):
        held.append(memory_by_stage(model, release, plan)[:, :3].sum(axis=1))
    assert (np.diff(held, axis=0) <= 0.0).all()


@quick
@given(cases)
def test_recomputing_more_never_keeps_more(case):
    model, release, plans, _ = plans_and_prices(case)
    plan = plans[0]
    kept = []
    for plan[inputs.RECOMPUTE] in range(3):
        kept.append(memory_by_stage(model, release, plan)[:, 3])
    assert (np.diff(kept, axis=0) <= 0.0).all()


@quick
@given(cases)
def test_recomputing_more_never_runs_faster(case):
    model, release, plans, prices = plans_and_prices(case)
    steps = []
    for recompute in range(3):
        plans[:, inputs.RECOMPUTE] = recompute
        steps.append(evaluate(model, release, plans, prices)[:, 0])
    for less, more in itertools.pairwise(steps):
        assert (less <= more * ROUNDING).all()


@quick
@given(
    cases,
    st.integers(11, 20),
    st.sampled_from([name for name, (_, runs) in RELEASES.items() if runs.fused_attention]),
)
def test_longer_sequences_keep_no_more_than_in_proportion(case, exponent, release):
    """Up to a million tokens: fused attention keeps no scores, and all numbers stay finite."""
    model, _, plans, prices = plans_and_prices(case)
    machine, software = RELEASES[release]
    short, long = (
        evaluate_plans(
            plans, prices, 2.0**each, float(NUM_ACCELERATORS), SHAPES[model], machine, software
        )
        for each in (exponent, exponent + 1)
    )
    assert np.isfinite(long).all()
    assert (long[:, MEMORY].sum(axis=1) <= 2 * short[:, MEMORY].sum(axis=1) * ROUNDING).all()
    # of several stages the slowest is shown, which may change
    short, long = short[one_stage := plans[:, inputs.PIPELINE] == 1], long[one_stage]
    for name in ("tensor", "context", "expert"):
        sent = COLUMN[f"{name}_sent_bytes"]
        assert long[:, sent] == pytest.approx(2 * short[:, sent], rel=1e-12)
    # causal attention is quadratic, all else linear at most
    compute = COLUMN["compute_s"]
    assert (long[:, compute] <= 4 * short[:, compute] * ROUNDING).all()


@quick
@given(cases)
def test_memory_is_that_of_the_fullest_stage(case):
    model, release, plans, prices = plans_and_prices(case)
    steps = evaluate(model, release, plans, prices)
    for k in range(0, len(plans), 16):
        by_stage = memory_by_stage(model, release, plans[k])
        assert steps[k, MEMORY].sum() == by_stage.sum(axis=1).max()
