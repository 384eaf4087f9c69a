"""Memory of a stage against Korthikanti et al., arXiv:2205.05198, and against plain counting."""

from __future__ import annotations

import pytest

from netloom.kernels.inputs import MachineInputs, SoftwareInputs
from netloom.kernels.memory import Shards, stage_memory, stage_parameters
from netloom.kernels.stages import FIRST, LAST, MIDDLE, make_stage, split_layers
from netloom.workload.inputs import shape_inputs
from netloom.workload.parameters import count_parameters
from netloom.workload.shape import Experts, TransformerShape

GIB = 2.0**30
#: layers, hidden, heads, then the plan: pipeline, interleave, microbatch (table 3; tensor 8).
MODELS = {
    "22B": (48, 6144, 64, 1, 1, 4),
    "175B": (96, 12288, 96, 8, 3, 1),
    "530B": (105, 20480, 128, 35, 3, 1),
    "1T": (128, 25600, 160, 64, 1, 1),
}
MACHINE = MachineInputs(*[1.0] * len(MachineInputs._fields))._replace(
    reserved_bytes=0.0, narrow_copy_bytes=0.0
)
SOFTWARE = SoftwareInputs(
    fused_attention=False, dropout=True, sequence_parallel=True, overlaps_tensor=False,
    overlaps_data=False, overlaps_pipeline=False, gradient_bytes=4.0, state_bytes=12.0,
)  # fmt: skip
NONE, SELECTIVE, FULL = 0, 1, 2


def gpt(layers, hidden, heads):
    return TransformerShape(
        "gpt", hidden, layers, heads, heads, hidden // heads, 4 * hidden, False, 51200, True, 2048,
        norm_bias=True, qkv_bias=True, proj_bias=True, ffn_bias=True,
    )  # fmt: skip


def memory_of(name, recompute, *, sequence_parallel, tables=True):
    layers, hidden, heads, pipeline, interleave, micro_batch = MODELS[name]
    shape = shape_inputs(gpt(layers, hidden, heads))
    if not tables:
        shape = shape._replace(embedding_parameters=0.0, head_parameters=0.0)
    split = split_layers(float(layers), float(pipeline), float(interleave))
    stage = make_stage(FIRST, split, float(pipeline), float(interleave), 1e6, shape)
    software = SOFTWARE._replace(sequence_parallel=sequence_parallel)
    shards = Shards(8.0, 1.0, 1.0, 1.0, 0, recompute)
    return stage_memory(stage, shards, float(micro_batch), 2048.0, shape, MACHINE, software)


#: Figure 1: GiB of parameters and optimizer, of activations, of activations with both techniques.
FIGURE_1 = {
    "22B": (45.56, 59.25, 9.56),
    "175B": (45.56, 66.84, 12.35),
    "530B": (31.64, 114.02, 23.08),
    "1T": (32.96, 131.25, 26.56),
}


@pytest.mark.parametrize("name", FIGURE_1)
def test_activations_of_figure_1(name):
    _, plain, with_both = FIGURE_1[name]
    none = memory_of(name, NONE, sequence_parallel=False)
    both = memory_of(name, SELECTIVE, sequence_parallel=True)
    assert none.activations / GIB == pytest.approx(plain, abs=0.006)
    assert both.activations / GIB == pytest.approx(with_both, abs=0.006)


@pytest.mark.parametrize("name", FIGURE_1)
def test_parameters_and_optimizer_of_figure_1(name):
    # the figure counts the layers' matrices and leaves the embedding out
    held = memory_of(name, NONE, sequence_parallel=False, tables=False)
    states = held.weights + held.gradients + held.optimizer
    assert states / GIB == pytest.approx(FIGURE_1[name][0], rel=1e-3)


@pytest.mark.parametrize("name", FIGURE_1)
def test_the_embedding_adds_its_share_to_the_first_stage(name):
    _, hidden, _, pipeline, *_ = MODELS[name]
    whole = memory_of(name, NONE, sequence_parallel=True)
    layers = memory_of(name, NONE, sequence_parallel=True, tables=False)
    added = sum(whole[:3]) - sum(layers[:3])
    norm = 2 * hidden if pipeline == 1 else 0
    assert added == pytest.approx(18 * ((51200 + 2048) * hidden + norm) / 8, rel=1e-12)


#: Figure 7: percent of the activations without sequence parallelism and recomputation.
FIGURE_7 = {
    "22B": (66.84, 49.42, 16.18, 7.64),
    "175B": (62.04, 56.53, 18.49, 8.71),
    "530B": (58.31, 62.04, 20.27, 9.42),
    "1T": (58.31, 62.04, 20.27, 9.42),
}


@pytest.mark.parametrize("name", FIGURE_7)
def test_percentages_of_figure_7(name):
    base = memory_of(name, NONE, sequence_parallel=False).activations
    found = [
        memory_of(name, recompute, sequence_parallel=parallel).activations
        for recompute, parallel in ((NONE, True), (SELECTIVE, False), (SELECTIVE, True))
    ]
    # full recomputation keeps each layer's whole input on every tensor rank
    found.append(memory_of(name, FULL, sequence_parallel=False).activations)
    assert [100 * size / base for size in found] == pytest.approx(FIGURE_7[name], rel=0.015)


@pytest.mark.parametrize("name", MODELS)
def test_equations_1_to_4(name):
    """A layer keeps ``s b h (10 + 24/t + 5as/(ht))``, all over t with sequence parallelism."""
    _, hidden, heads, *_, micro_batch = MODELS[name]
    s, t = 2048, 8
    scores = 5 * heads * s / hidden
    expected = {
        (NONE, False): 10 + 24 / t + scores / t,
        (NONE, True): (34 + scores) / t,
        (SELECTIVE, False): 10 + 24 / t,
        (SELECTIVE, True): 34 / t,
        (FULL, False): 2,
    }
    layers, _, _, pipeline, interleave, _ = MODELS[name]
    alive = layers * (1 + (pipeline - 1) / (pipeline * interleave) if interleave > 1 else 1)
    for (recompute, parallel), per_element in expected.items():
        found = memory_of(name, recompute, sequence_parallel=parallel).activations
        assert found == pytest.approx(alive * s * micro_batch * hidden * per_element, rel=1e-12)


MOE = TransformerShape(
    "moe", 1024, 24, 16, 4, 64, 4096, True, 32000, False,
    experts=Experts(16, 2, 512, 512, 2, False),
)  # fmt: skip


def stages(shape, pipeline, interleave=1.0, num_micro=64.0):
    split = split_layers(shape.num_layers, pipeline, interleave)
    found = [make_stage(k, split, pipeline, interleave, num_micro, shape) for k in (0, 1, 2)]
    return [stage for stage in found if stage.num_alike > 0]


@pytest.mark.parametrize("model", [gpt(24, 1024, 16), MOE], ids=["dense", "experts"])
@pytest.mark.parametrize("pipeline", [1.0, 2.0, 3.0, 4.0, 8.0, 12.0])
@pytest.mark.parametrize("tensor", [1.0, 4.0])
@pytest.mark.parametrize("expert", [1.0, 8.0])
def test_all_ranks_together_hold_the_model_once(model, pipeline, tensor, expert):
    shape = shape_inputs(model)
    if not shape.num_experts:
        expert = 1.0
    total = 0.0
    for stage in stages(shape, pipeline):
        held = stage_parameters(stage, Shards(tensor, 1.0, expert, expert, 0, 0), shape)
        total += stage.num_alike * tensor * (held.common + expert * held.routed)
    assert total == pytest.approx(count_parameters(model).total, rel=1e-12)


@pytest.mark.parametrize("sharding", [0, 1, 2, 3])
def test_sharding_divides_what_its_stage_says(sharding):
    # ZeRO (arXiv:1910.02054, figure 1) with 64 ranks: 2, 4 and 12 bytes a parameter
    shape = shape_inputs(gpt(24, 1024, 16))
    (stage,) = stages(shape, 1.0)
    shards = Shards(1.0, 4.0, 1.0, 16.0, sharding, 0)
    memory = stage_memory(stage, shards, 1.0, 2048.0, shape, MACHINE, SOFTWARE)
    parameters = count_parameters(gpt(24, 1024, 16)).total
    divisors = [64 if sharding >= level else 1 for level in (3, 2, 1)]
    expected = [size * parameters / by for size, by in zip((2, 4, 12), divisors, strict=True)]
    assert list(memory[:3]) == pytest.approx(expected, rel=1e-12)


def test_fused_attention_keeps_no_scores():
    shape = shape_inputs(gpt(24, 1024, 16))
    (stage,) = stages(shape, 1.0)
    fused = SOFTWARE._replace(fused_attention=True, dropout=False)
    shards = Shards(1.0, 1.0, 1.0, 1.0, 0, 0)
    one, two = (
        stage_memory(stage, shards, 1.0, s, shape, MACHINE, fused).activations
        for s in (2048.0, 4096.0)
    )
    assert two == 2 * one


def test_middle_stages_hold_neither_table_nor_logits():
    shape = shape_inputs(gpt(24, 1024, 16))
    split = split_layers(24.0, 4.0, 1.0)
    middle = make_stage(MIDDLE, split, 4.0, 1.0, 8.0, shape)
    last = make_stage(LAST, split, 4.0, 1.0, 8.0, shape)
    assert (middle.extra_parameters, middle.logit_columns) == (0.0, 0.0)
    # tied: the last stage has the final norm and no matrix of its own
    assert (last.extra_parameters, last.logit_columns) == (2 * 1024, 51200.0)
