"""What the step computes is what the model asks for: its FLOPs, exactly."""

from __future__ import annotations

import numpy as np
import pytest

from netloom.kernels.inputs import MachineInputs, SoftwareInputs
from netloom.kernels.step import STEP_COLUMNS, evaluate_plans
from netloom.workload.flops import training_flops_per_token
from netloom.workload.inputs import shape_inputs
from netloom.workload.shape import Experts, LatentAttention, TransformerShape

SEQUENCE, NUM_MICRO = 2048, 4
RATE = 1e15
#: Tiles of one element, no gaps, memory without limit: time is FLOPs over the rate. Fused attention
#: does 2.5 times its forward in backward, model FLOPs count twice.
IDEAL = MachineInputs(
    matmul_flops_per_s=RATE, attention_forward_flops_per_s=RATE,
    attention_backward_flops_per_s=1.25 * RATE, hbm_bytes_per_s=1e30, hbm_bytes=1e30,
    reserved_bytes=0.0, num_multiprocessors=1.0, tile_rows=1.0, tile_columns=1.0, ramp_depth=0.0,
    launch_s=0.0, num_light_kernels=0.0, operand_bytes=2.0, straggler_sigma=0.0,
)  # fmt: skip
SOFTWARE = SoftwareInputs(True, False, True, True, True, True, 4.0, 12.0)
MODELS = [
    TransformerShape("gpt", 2048, 24, 16, 16, 128, 8192, False, 51200, True, 2048),
    TransformerShape("llama", 4096, 32, 32, 8, 128, 14336, True, 128256, False),
    TransformerShape(
        "mixtral", 4096, 32, 32, 8, 128, 14336, True, 32000, False,
        experts=Experts(8, 2, 14336, 0, 0, False),
    ),
    TransformerShape(
        "deepseek", 7168, 61, 128, 128, 192, 18432, True, 129280, False,
        latent=LatentAttention(1536, 512, 128, 64, 128),
        experts=Experts(256, 8, 2048, 2048, 3, True),
    ),
    TransformerShape(
        "lite", 2048, 27, 16, 16, 192, 10944, True, 102400, False,
        latent=LatentAttention(0, 512, 128, 64, 128), experts=Experts(64, 6, 1408, 2816, 1, False),
    ),
]  # fmt: skip


@pytest.mark.parametrize("shape", MODELS, ids=lambda shape: shape.name)
@pytest.mark.parametrize("split", [(1, 1, 1), (4, 1, 1), (1, 4, 1), (4, 2, 8)])
def test_one_rank_does_its_share_of_the_model_flops(shape, split):
    tensor, context, expert = split if shape.experts else (*split[:2], 1)
    plan = np.array([[tensor, context, 1, 1, 8, expert, 1, NUM_MICRO, 1, 0]])
    answer = evaluate_plans(
        plan, np.zeros((1, 7, 2)), float(SEQUENCE), 1.0, shape_inputs(shape), IDEAL, SOFTWARE
    )[0]
    flops = training_flops_per_token(shape, SEQUENCE) * SEQUENCE * NUM_MICRO / tensor / context
    unsplit_flops = 0.0
    if latent := shape.latent:
        # every tensor rank compresses for itself
        down = shape.hidden * (latent.q_rank + latent.kv_rank + latent.qk_rope_dim)
        each = 6 * down * shape.num_layers * SEQUENCE * NUM_MICRO / context
        unsplit_flops = each * (1 - 1 / tensor)
    computed = answer[STEP_COLUMNS.index("compute_s")] * RATE
    assert computed == pytest.approx(flops + unsplit_flops, rel=1e-9)


@pytest.mark.parametrize("shape", MODELS[:2], ids=lambda shape: shape.name)
def test_full_recomputation_does_the_layers_forward_once_more(shape):
    answers = []
    for recompute in (0, 2):
        plan = np.array([[1, 1, 1, 1, 1, 1, 1, NUM_MICRO, 1, recompute]])
        answers.append(
            evaluate_plans(
                plan, np.zeros((1, 7, 2)), float(SEQUENCE), 1.0, shape_inputs(shape), IDEAL,
                SOFTWARE,
            )[0, STEP_COLUMNS.index("compute_s")]
        )  # fmt: skip
    head = 6 * shape.vocab * shape.hidden * SEQUENCE * NUM_MICRO
    flops = training_flops_per_token(shape, SEQUENCE) * SEQUENCE * NUM_MICRO
    assert (answers[1] - answers[0]) * RATE == pytest.approx((flops - head) / 3, rel=1e-9)
