"""Model FLOPs against the formulas that papers print and against arithmetic by hand."""

from __future__ import annotations

import dataclasses

import pytest

from netloom.workload.flops import (
    forward_flops_per_token,
    matrix_parameters,
    training_flops_per_token,
)
from netloom.workload.shape import Experts, LatentAttention, TransformerShape

GPT3 = TransformerShape("gpt3", 12288, 96, 96, 96, 128, 49152, False, 51200, True, 2048)
LLAMA_405B = TransformerShape("405b", 16384, 126, 128, 8, 128, 53248, True, 128256, False)
#: Layers, hidden size, heads of Narayanan et al., table 1 (arXiv:2104.04473).
NARAYANAN = [(24, 2304, 24), (40, 6144, 48), (80, 10240, 80), (96, 12288, 96), (128, 25600, 160)]


@pytest.mark.parametrize(("layers", "hidden", "heads"), NARAYANAN)
def test_gpt_equals_narayanan_without_the_recomputed_forward(layers, hidden, heads):
    # arXiv:2104.04473 equation 3: F = 96 B s l h^2 (1 + s / 6h + V / 16 l h), forward done twice;
    # the layers' forward is a quarter of F's first two terms, the logits are not recomputed
    s, vocab = 2048, 51200
    shape = TransformerShape(
        "gpt", hidden, layers, heads, heads, hidden // heads, 4 * hidden, False, vocab, True, s
    )
    matrices, attention = layers * hidden**2, s / (6 * hidden)
    with_recompute = 96 * matrices * (1 + attention + vocab / (16 * layers * hidden))
    recomputed = 24 * matrices * (1 + attention)
    ours = training_flops_per_token(shape, s, "full")
    assert ours == pytest.approx(with_recompute - recomputed, rel=1e-12)


def test_one_trillion_parameters_take_the_published_days():
    # arXiv:2104.04473 section 5.1: 450B tokens on 3,072 A100 at 163 TFLOP/s, 84 days; its FLOPs
    # count the recomputed forward (equation 4: 8 T P / (n X))
    shape = TransformerShape("1t", 25600, 128, 160, 160, 160, 4 * 25600, False, 51200, True, 2048)
    flops = 4 / 3 * training_flops_per_token(shape, 2048, "full") * 450e9
    assert flops / (3072 * 163e12) / 86400 == pytest.approx(84, rel=0.05)


def test_llama_405b_run_takes_the_published_flops():
    # arXiv:2407.21783 section 3.2: 3.8e25 FLOPs over 15.6T tokens
    flops = training_flops_per_token(LLAMA_405B, 8192) * 15.6e12
    assert flops == pytest.approx(3.8e25, rel=0.05)


def test_llama_layer_by_hand():
    # queries and outputs 16384^2, keys and values 16384 x 1024, three matrices 16384 x 53248
    layer = 2 * 16384**2 + 2 * 16384 * 1024 + 3 * 16384 * 53248
    assert matrix_parameters(LLAMA_405B) == 126 * layer + 128256 * 16384
    # scores and weighted values: 2 x 2 x s x 16384, half of it under the mask
    attention = 126 * 2 * 2 * 8192 * 16384
    matrices = 2 * (126 * layer + 128256 * 16384)
    assert forward_flops_per_token(LLAMA_405B, 8192, "full") == matrices + attention
    assert forward_flops_per_token(LLAMA_405B, 8192, "causal") == matrices + attention / 2


def test_deepseek_v3_matrices_by_hand():
    shape = TransformerShape(
        "v3", 7168, 61, 128, 128, 192, 18432, True, 129280, False,
        latent=LatentAttention(1536, 512, 128, 64, 128),
        experts=Experts(256, 8, 2048, 2048, 3, True),
    )  # fmt: skip
    attention = 7168 * 1536 + 1536 * 128 * 192  # queries: down, up
    attention += 7168 * (512 + 64) + 512 * 128 * (128 + 128)  # keys and values: down, up
    attention += 128 * 128 * 7168
    dense, routed, shared = 3 * 7168 * 18432, 8 * 3 * 7168 * 2048, 3 * 7168 * 2048
    expected = 61 * attention + 3 * dense + 58 * (routed + shared + 7168 * 256) + 7168 * 129280
    assert matrix_parameters(shape) == expected


def test_tied_head_still_computes():
    untied = dataclasses.replace(GPT3, tied=False)
    assert matrix_parameters(GPT3) == matrix_parameters(untied)


def test_only_attention_grows_with_the_sequence():
    short, long = (training_flops_per_token(GPT3, s, "full") for s in (2048, 4096))
    assert long - short == pytest.approx(3 * 2 * 2048 * 2 * 12288 * 96, rel=1e-12)


@pytest.mark.parametrize("hidden", [16, 32, 64, 128])
def test_toy_models_pass_the_six_n_law(hidden):
    # biases and norms weigh most where the hidden size is small
    shape = TransformerShape(
        "toy", hidden, 2, 4, 4, hidden // 4, 4 * hidden, False, 100, True, 64,
        norm_bias=True, qkv_bias=True, proj_bias=True, ffn_bias=True,
    )  # fmt: skip
    layer = 3 * hidden**2 + hidden**2 + 2 * 4 * hidden**2
    expected = 6 * (2 * layer + 100 * hidden) + 3 * 2 * 8 * 2 * hidden * 2
    assert training_flops_per_token(shape, 8, "full") == expected
