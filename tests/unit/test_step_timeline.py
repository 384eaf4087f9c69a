"""The explained step against the batch evaluator, and the played pipeline against its closed form.

1,000 random plans of five models; prices of messages are random too.
"""

from __future__ import annotations

import numpy as np
import pytest

from netloom import catalog, schedule
from netloom.errors import ParameterError
from netloom.explained.path import stretches
from netloom.explained.played import phase_means, played_step
from netloom.explained.stages import device_memory, stage_columns
from netloom.kernels import inputs
from netloom.kernels.inputs import MachineInputs, SoftwareInputs
from netloom.kernels.stages import splits_evenly
from netloom.kernels.step import BUBBLE, COMPUTE, STEP, STEP_COLUMNS, WEIGHTS
from netloom.schema.study import Search
from netloom.search.plans import PlanSpace, plan_matrix
from netloom.simulate.step import StepModel
from netloom.simulate.timeline import phase_seconds, play_plan, virtual_stages
from netloom.workload.inputs import machine_inputs, shape_inputs, software_inputs
from netloom.workload.shape import Experts, LatentAttention, TransformerShape

SEQUENCE, NUM_ACCELERATORS, BATCH = 4096, 512, 512
EVEN = TransformerShape("even", 8192, 80, 64, 8, 128, 28672, True, 128256, False)
MODELS = [
    EVEN,
    TransformerShape("ends take places", 16384, 126, 128, 8, 128, 53248, True, 128256, False),
    TransformerShape("gpt", 12288, 96, 96, 96, 128, 49152, False, 51200, True),
    TransformerShape(
        "experts", 4096, 32, 32, 8, 128, 14336, True, 32000, False,
        experts=Experts(8, 2, 14336, 0, 0, False),
    ),
    TransformerShape(
        "latent", 2048, 61, 16, 16, 192, 8192, True, 64000, False,
        latent=LatentAttention(768, 256, 128, 64, 128), experts=Experts(32, 4, 1024, 1024, 1, True),
    ),
]  # fmt: skip
#: Memory that takes no time, so that embedding and norms take none.
UNIFORM = MachineInputs(
    matmul_flops_per_s=1e14, attention_forward_flops_per_s=5e13,
    attention_backward_flops_per_s=4e13, hbm_bytes_per_s=1e30, hbm_bytes=1e12, reserved_bytes=0.0,
    num_multiprocessors=108.0, tile_rows=128.0, tile_columns=256.0, ramp_depth=256.0,
    launch_s=4e-6, num_light_kernels=6.0, operand_bytes=2.0, straggler_sigma=0.0,
)  # fmt: skip
SOFTWARE = SoftwareInputs(True, False, True, False, True, True, 4.0, 12.0)


def model_of(shape, **software):
    release = catalog.get("software", "nemo-25.04")
    machine = machine_inputs(catalog.get("accelerator", "h100-sxm"), release, "bf16")
    return StepModel(
        shape_inputs(shape), machine, software_inputs(release)._replace(**software), SEQUENCE,
        NUM_ACCELERATORS,
    )  # fmt: skip


def random_plans(shape, count, seed=0, **bounds):
    """Return plans and prices; sizes that the search leaves out, uneven stages, are among them."""
    rng = np.random.default_rng(seed)
    chunks = tuple(range(1, shape.num_layers + 3))
    bounds = {"pipeline": (1, 2, 4, 8, 16, 32), "interleave": chunks} | bounds
    space = PlanSpace(shape, NUM_ACCELERATORS, 8, BATCH, SEQUENCE, Search(**bounds))
    plans = plan_matrix(space)
    plans = plans[rng.choice(len(plans), count, replace=len(plans) < count)]
    latency_s = rng.uniform(0.0, 3e-5, (count, 7))
    s_per_byte = 10.0 ** rng.uniform(-12.0, -10.3, (count, 7))
    return plans, np.stack([latency_s, s_per_byte], axis=2)


@pytest.mark.parametrize("shape", MODELS, ids=lambda shape: shape.name)
def test_explained_columns_and_memory_equal_those_of_the_batch_evaluator(shape):
    model = model_of(shape)
    plans, prices = random_plans(shape, 200)
    steps = model.evaluate(plans, prices)
    for plan, price, step in zip(plans, prices, steps, strict=True):
        found = stage_columns(plan, price, model).step()
        np.testing.assert_allclose(found, step, rtol=1e-9, atol=1e-12 * step[STEP])
        memory = device_memory(plan, play_plan(plan, price, model), model)
        fullest = memory[np.argmax(memory.sum(axis=1))]
        np.testing.assert_allclose(fullest, step[WEIGHTS : WEIGHTS + 5], rtol=1e-9)


def uniform_step(num_layers, pipeline, interleave, num_micro, **software):
    """Return a model whose stages are equal and its plan; nothing is sent for a price."""
    shape = TransformerShape("u", 1024, num_layers, 16, 16, 64, 4096, False, 1, True)
    model = StepModel(
        shape_inputs(shape)._replace(vocab=0.0, embedding_parameters=0.0, head_parameters=0.0),
        UNIFORM, SOFTWARE._replace(**software), 1024, 64,
    )  # fmt: skip
    plan = np.array([1, 1, pipeline, interleave, 1, 1, 1, num_micro, 1, 0])
    return model, plan, np.zeros((7, 2))


def test_played_step_equals_the_closed_form_where_stages_are_equal():
    """1,000 random plans; without prices nothing is sent, and no stage has an embedding."""
    rng = np.random.default_rng(1)
    for _ in range(1000):
        pipeline, per_chunk = int(rng.integers(1, 9)), int(rng.integers(1, 3))
        interleave = int(rng.integers(1, 4)) if pipeline > 1 else 1
        rounds = int(rng.integers(1, 5))
        num_micro = pipeline * rounds if interleave > 1 else int(rng.integers(1, 20))
        model, plan, prices = uniform_step(
            pipeline * interleave * per_chunk, pipeline, interleave, num_micro
        )
        closed = model.evaluate(plan[None], prices[None])[0]
        played = play_plan(plan, prices, model)
        after = played_step(played, stage_columns(plan, prices, model))
        assert after.step_s == pytest.approx(closed[STEP], rel=1e-9)
        assert after.parts.bubble_s == pytest.approx(closed[BUBBLE], rel=1e-9, abs=1e-12)
        assert after.parts.compute_s == pytest.approx(closed[COMPUTE], rel=1e-9)


def closed_over_played(shape, count, **bounds):
    """Return interleaving, and closed form over played pipeline less one, of even splits."""
    model, found = model_of(shape), []
    plans, prices = random_plans(shape, count, seed=2, **bounds)
    prices[:, inputs.PIPELINE_SEND] = 0.0
    names = ("compute_s", "tensor_s", "context_s", "expert_s", "pipeline_s", "bubble_s")
    columns = [STEP_COLUMNS.index(name) for name in names]
    for plan, price in zip(plans, prices, strict=True):
        pipeline, interleave = (int(plan[k]) for k in (inputs.PIPELINE, inputs.INTERLEAVE))
        if splits_evenly(float(shape.num_layers), float(pipeline), float(interleave)):
            closed_s = stage_columns(plan, price, model).columns[:, columns].sum(axis=1).max()
            ratio = closed_s / play_plan(plan, price, model).timeline.makespan_s - 1.0
            found.append((interleave, ratio))
    return np.array(found)


@pytest.mark.parametrize("shape", MODELS[:4], ids=lambda shape: shape.name)
def test_closed_form_without_chunks_is_never_below_the_engine_and_little_above(shape):
    ratios = closed_over_played(shape, 200, interleave=(1,))[:, 1]
    assert len(ratios) > 50
    assert ratios.min() >= -1e-9
    assert ratios.max() <= 0.0034


@pytest.mark.parametrize("shape", MODELS[:4], ids=lambda shape: shape.name)
def test_closed_form_with_chunks_is_little_below_and_three_hundredths_above(shape):
    """The loss sits in one chunk of the last stage, which the closed form spreads over all."""
    ratios = closed_over_played(shape, 400)
    chunked = ratios[ratios[:, 0] > 1, 1]
    assert len(chunked) > 30
    assert chunked.min() >= -0.012
    assert chunked.max() <= 0.03


@pytest.mark.parametrize("kind", ["one-f-one-b", "gpipe", "zb-h1", "zb-v", "dualpipe"])
@pytest.mark.parametrize("overlaps", [True, False])
def test_parts_of_a_played_step_add_up_on_every_schedule(kind, overlaps):
    model = model_of(MODELS[3], overlaps_pipeline=overlaps, overlaps_expert=True)
    plan = np.array([1, 1, 4, 1, 128, 8, 1, 16, 1, 0])
    prices = np.stack([np.full(7, 1e-5), np.full(7, 2e-11)], axis=1)
    played = play_plan(plan, prices, model, kind)
    by_stage = stage_columns(plan, prices, model)
    after = played_step(played, by_stage)
    work_s = (after.pipeline_ends_s + after.data_s + after.optimizer_s).max()
    assert after.step_s == pytest.approx(work_s * (1.0 + by_stage.slowdown), rel=1e-12)
    assert min(vars(after.parts).values()) >= 0.0
    means = phase_means(played)
    total_s = sum(means) + float(played.timeline.sending_s.mean())
    assert total_s == pytest.approx(played.timeline.makespan_s, rel=1e-9)
    path = stretches(played.timeline)
    told_s = sum(each.compute_s + each.sends_s for each in path)
    assert told_s == pytest.approx(played.timeline.makespan_s, rel=1e-9)


def test_layers_of_llama_405b_leave_the_ends_a_layer_short():
    """As in arXiv:2407.21783, section 3.3.2: the first chunk is the embedding alone, the last the
    head alone."""
    plan = np.array([8, 1, 16, 8, 4, 1, 1, 16, 1, 0])
    stages = virtual_stages(plan, "interleaved", model_of(MODELS[1]))
    assert stages.num_dense.tolist() == [0.0] + 126 * [1.0] + [0.0]
    assert stages.has_embedding.sum() == stages.has_embedding[0] == 1.0
    assert stages.has_loss.sum() == stages.has_loss[-1] == 1.0


def test_every_layer_is_on_one_virtual_stage():
    for shape in MODELS:
        for plan in random_plans(shape, 50, seed=3)[0]:
            kind = "interleaved" if plan[inputs.INTERLEAVE] > 1 else "one-f-one-b"
            stages = virtual_stages(plan, kind, model_of(shape))
            num_dense = shape.experts.num_dense_layers if shape.experts else shape.num_layers
            assert stages.num_dense.sum() == num_dense
            assert (stages.num_dense + stages.num_sparse).sum() == shape.num_layers
            assert min(stages.num_dense.min(), stages.num_sparse.min()) >= 0.0


def test_a_block_is_its_work_what_messages_keep_from_it_and_what_it_does_not_hide():
    shape = MODELS[3]
    plan = np.array([1, 1, 4, 1, 128, 8, 1, 16, 1, 0])
    prices = np.zeros((7, 2))
    # a quarter of 132 multiprocessors is the messages'; layers without experts have none
    taken = model_of(shape, communication_multiprocessors=33.0, overlaps_expert=True)
    for s_per_byte in (1e-12, 1e-8):
        prices[inputs.EXPERT_EXCHANGE, 1] = s_per_byte
        stages = virtual_stages(plan, "dualpipe", taken)
        found = phase_seconds(plan, prices, "dualpipe", stages, taken)
        there_s = found.forward_messages_s[2]
        back_s = found.backward_messages_s[2]
        work_s = found.forward_compute_s + found.backward_compute_s[::-1]
        if s_per_byte == 1e-12:
            expected_s = work_s + 0.25 * (there_s + back_s[::-1])
            np.testing.assert_allclose(found.block_s, expected_s, rtol=1e-6)
        else:
            assert (found.block_s > work_s).all()
            assert (found.block_s < work_s + there_s + back_s[::-1]).all()
        # without a block to hide in, all messages are waited for
        np.testing.assert_allclose(found.forward_s, found.forward_compute_s + there_s)


def test_layers_that_do_not_split_are_refused():
    with pytest.raises(ParameterError, match="do not split into 2 stages of 50 chunks"):
        virtual_stages(np.array([1, 1, 2, 50, 256, 1, 1, 2, 1, 0]), "interleaved", model_of(EVEN))


@pytest.mark.parametrize(("pipeline", "num_micro"), [(2, 4), (4, 20), (8, 40), (16, 60), (16, 120)])
def test_dualpipe_runs_one_microbatch_more_than_it_has_stages_outside_blocks(pipeline, num_micro):
    """With the bubble of arXiv:2412.19437, table 2, the whole pipeline, where F = I >= W."""
    forward_s, input_s, weight_s, block_s = 1.0, 1.0, 0.6, 2.2
    durations = schedule.uniform_durations(pipeline, forward_s, input_s, weight_s, block_s)
    backward_s = input_s + weight_s
    alone = pipeline + 1
    expected = (num_micro - alone) * block_s + alone * (forward_s + backward_s)
    expected += (pipeline / 2 - 1) * (block_s + backward_s - 3 * weight_s)
    played = schedule.run("dualpipe", pipeline, num_micro, 2, durations)
    assert played.makespan_s == pytest.approx(expected, rel=1e-12)
