"""Parameter counts equal what the publishers of the models count in their weights."""

from __future__ import annotations

import pytest

from netloom.workload.parameters import count_parameters
from netloom.workload.shape import from_config


def llama(hidden, layers, heads, key_value_heads, ffn, vocab, kind="llama", **more):
    return {
        "model_type": kind, "hidden_size": hidden, "num_hidden_layers": layers,
        "num_attention_heads": heads, "num_key_value_heads": key_value_heads,
        "intermediate_size": ffn, "vocab_size": vocab, **more,
    }  # fmt: skip


def pythia(hidden, layers, heads, vocab):
    return {
        "model_type": "gpt_neox", "hidden_size": hidden, "num_hidden_layers": layers,
        "num_attention_heads": heads, "intermediate_size": 4 * hidden, "vocab_size": vocab,
        "tie_word_embeddings": False,
    }  # fmt: skip


def gpt2(hidden, layers, heads):
    return {
        "model_type": "gpt2", "n_embd": hidden, "n_layer": layers, "n_head": heads,
        "n_positions": 1024, "vocab_size": 50257,
    }  # fmt: skip


def mixtral(hidden, layers, heads, ffn, vocab):
    experts = {"num_local_experts": 8, "num_experts_per_tok": 2}
    return llama(hidden, layers, heads, 8, ffn, vocab, "mixtral", **experts)


def qwen3_moe(hidden, layers, heads, ffn, expert_ffn):
    experts = {"num_experts": 128, "num_experts_per_tok": 8, "moe_intermediate_size": expert_ffn}
    return llama(hidden, layers, heads, 4, ffn, 151936, "qwen3_moe", head_dim=128, **experts)


MLA = {"kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128}
DEEPSEEK_V2 = llama(
    5120, 60, 128, 128, 12288, 102400, "deepseek_v2", **MLA, q_lora_rank=1536,
    n_routed_experts=160, n_shared_experts=2, num_experts_per_tok=6, moe_intermediate_size=1536,
    first_k_dense_replace=1,
)  # fmt: skip
DEEPSEEK_V2_LITE = llama(
    2048, 27, 16, 16, 10944, 102400, "deepseek_v2", **MLA, q_lora_rank=None,
    n_routed_experts=64, n_shared_experts=2, num_experts_per_tok=6, moe_intermediate_size=1408,
    first_k_dense_replace=1,
)  # fmt: skip
DEEPSEEK_V3 = llama(
    7168, 61, 128, 128, 18432, 129280, "deepseek_v3", **MLA, q_lora_rank=1536,
    n_routed_experts=256, n_shared_experts=1, num_experts_per_tok=8, moe_intermediate_size=2048,
    first_k_dense_replace=3, topk_method="noaux_tc",
)  # fmt: skip

#: Sizes of the published weights (safetensors metadata; for Pythia the table of its README).
PUBLISHED = {
    "llama-2-7b": (llama(4096, 32, 32, 32, 11008, 32000), 6_738_415_616),
    "llama-2-13b": (llama(5120, 40, 40, 40, 13824, 32000), 13_015_864_320),
    "llama-2-70b": (llama(8192, 80, 64, 8, 28672, 32000), 68_976_648_192),
    "llama-3.1-8b": (llama(4096, 32, 32, 8, 14336, 128256), 8_030_261_248),
    "llama-3.1-70b": (llama(8192, 80, 64, 8, 28672, 128256), 70_553_706_496),
    "llama-3.1-405b": (llama(16384, 126, 128, 8, 53248, 128256), 405_853_388_800),
    "llama-3.2-1b": (
        llama(2048, 16, 32, 8, 8192, 128256, tie_word_embeddings=True), 1_235_814_400,
    ),
    "llama-3.2-3b": (
        llama(3072, 28, 24, 8, 8192, 128256, tie_word_embeddings=True), 3_212_749_824,
    ),
    "mistral-7b": (llama(4096, 32, 32, 8, 14336, 32000, "mistral"), 7_241_732_096),
    "mixtral-8x7b": (mixtral(4096, 32, 32, 14336, 32000), 46_702_792_704),
    "qwen2.5-0.5b": (
        llama(896, 24, 14, 2, 4864, 151936, "qwen2", tie_word_embeddings=True), 494_032_768,
    ),
    "qwen2.5-7b": (llama(3584, 28, 28, 4, 18944, 152064, "qwen2"), 7_615_616_512),
    "qwen2.5-72b": (llama(8192, 80, 64, 8, 29568, 152064, "qwen2"), 72_706_203_648),
    "qwen3-0.6b": (
        llama(1024, 28, 16, 8, 3072, 151936, "qwen3", head_dim=128, tie_word_embeddings=True),
        596_049_920,
    ),
    "qwen3-32b": (llama(5120, 64, 64, 8, 25600, 151936, "qwen3", head_dim=128), 32_762_123_264),
    "qwen3-30b-a3b": (qwen3_moe(2048, 48, 32, 6144, 768), 30_532_122_624),
    "qwen3-235b-a22b": (qwen3_moe(4096, 94, 64, 12288, 1536), 235_093_634_560),
    "deepseek-v2": (DEEPSEEK_V2, 235_741_434_880),
    "deepseek-v2-lite": (DEEPSEEK_V2_LITE, 15_706_484_224),
    "deepseek-v3": (DEEPSEEK_V3, 671_026_419_200),
    "gpt-neox-20b": (pythia(6144, 44, 64, 50432), 20_554_567_680),
    "pythia-70m": (pythia(512, 6, 8, 50304), 70_426_624),
    "pythia-1b": (pythia(2048, 16, 8, 50304), 1_011_781_632),
    "pythia-6.9b": (pythia(4096, 32, 32, 50432), 6_857_302_016),
    "pythia-12b": (pythia(5120, 36, 40, 50688), 11_846_072_320),
    "gpt2": (gpt2(768, 12, 12), 124_439_808),
    "gpt2-large": (gpt2(1280, 36, 20), 774_030_080),
    "gpt2-xl": (gpt2(1600, 48, 25), 1_557_611_200),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_equal_the_published_weights(name):
    config, published = PUBLISHED[name]
    assert count_parameters(from_config(config)).total == published


#: "Activated parameters" in the models' own papers and cards, as many digits as they print.
ACTIVE = {
    "mixtral-8x7b": 12.9e9,
    "qwen3-30b-a3b": 3.3e9,
    "qwen3-235b-a22b": 22e9,
    "deepseek-v2": 21e9,
    "deepseek-v3": 37e9,
}


@pytest.mark.parametrize("name", ACTIVE)
def test_active_counts_equal_the_published_ones(name):
    counts = count_parameters(from_config(PUBLISHED[name][0]))
    assert counts.active == pytest.approx(ACTIVE[name], rel=0.02)


def test_active_count_leaves_out_exactly_the_idle_experts():
    # by hand: 32 layers, 6 of 8 experts idle, three matrices of 4096 x 14336 each
    counts = count_parameters(from_config(PUBLISHED["mixtral-8x7b"][0]))
    assert counts.total - counts.active == 32 * 6 * 3 * 4096 * 14336


def test_dense_models_are_all_active():
    counts = count_parameters(from_config(PUBLISHED["llama-3.1-8b"][0]))
    assert counts.active == counts.total
    assert counts.num_routed == counts.expert == counts.router == 0


@pytest.mark.parametrize("name", PUBLISHED)
def test_parts_add_up_layer_by_layer(name):
    config, published = PUBLISHED[name]
    counts = count_parameters(from_config(config))
    total = counts.embedding + counts.head
    for layer in range(config.get("num_hidden_layers", config.get("n_layer"))):
        total += counts.attention
        if layer < counts.num_dense_layers:
            total += counts.dense_ffn
        else:
            total += counts.router + counts.shared_expert + counts.num_routed * counts.expert
    assert total == published
