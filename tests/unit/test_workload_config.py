"""Configs that cannot be read are refused with what is wrong and what to write instead."""

from __future__ import annotations

import json

import pytest

from netloom.errors import ParameterError
from netloom.workload.shape import READERS, from_config, read_config

LLAMA = {
    "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "intermediate_size": 256, "vocab_size": 1000,
}  # fmt: skip
MIXTRAL = LLAMA | {"model_type": "mixtral", "num_local_experts": 8, "num_experts_per_tok": 2}
QWEN_MOE = LLAMA | {
    "model_type": "qwen3_moe", "num_experts": 8, "num_experts_per_tok": 2,
    "moe_intermediate_size": 32,
}  # fmt: skip
DEEPSEEK = LLAMA | {
    "model_type": "deepseek_v3", "kv_lora_rank": 32, "qk_nope_head_dim": 8, "qk_rope_head_dim": 8,
    "v_head_dim": 16, "n_routed_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 32,
    "q_lora_rank": None, "first_k_dense_replace": 1,
}  # fmt: skip
GPT2 = {
    "model_type": "gpt2", "n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 128,
    "vocab_size": 1000,
}  # fmt: skip


def refusal(config):
    with pytest.raises(ParameterError) as caught:
        from_config(config)
    return caught.value.problem


def test_unknown_model_type_suggests_the_nearest():
    problem = refusal(LLAMA | {"model_type": "mixtrl"})
    assert "'mixtrl' is not supported" in problem.message
    assert "did you mean mixtral" in problem.hint
    assert all(kind in problem.hint for kind in READERS)


@pytest.mark.parametrize("kind", [None, "", 7, ["llama"]])
def test_a_model_type_that_is_no_name_is_refused(kind):
    assert "is not supported" in refusal(LLAMA | {"model_type": kind}).message


def test_a_config_without_model_type_is_refused():
    assert "llama" in refusal({"hidden_size": 64}).hint


@pytest.mark.parametrize(
    ("config", "key"),
    [(LLAMA, key) for key in sorted(set(LLAMA) - {"model_type", "num_key_value_heads"})]
    + [(GPT2, key) for key in sorted(set(GPT2) - {"model_type"})]
    + [(MIXTRAL, key) for key in ("num_local_experts", "num_experts_per_tok")]
    + [(QWEN_MOE, key) for key in ("num_experts", "moe_intermediate_size")]
    + [(DEEPSEEK, key) for key in ("kv_lora_rank", "v_head_dim", "n_routed_experts")],
)
def test_each_missing_key_is_named(config, key):
    problem = refusal({name: value for name, value in config.items() if name != key})
    assert key in problem.message
    assert config["model_type"] in problem.message


@pytest.mark.parametrize(
    ("config", "change", "said"),
    [
        (LLAMA, {"num_attention_heads": 4, "num_key_value_heads": 3}, "key-value heads"),
        (LLAMA, {"hidden_size": 66}, "66"),
        (GPT2, {"n_embd": 66}, "66"),
        (LLAMA, {"num_attention_heads": 0}, "num_attention_heads"),
        (GPT2, {"n_head": 0}, "n_head"),
        (LLAMA, {"num_attention_heads": "4"}, "num_attention_heads"),
        (LLAMA, {"vocab_size": -1}, "vocab"),
        (LLAMA, {"num_hidden_layers": 2.5}, "num_layers"),
        (LLAMA, {"hidden_size": None}, "hidden"),
        (MIXTRAL, {"num_experts_per_tok": 9}, "9"),
        (MIXTRAL, {"num_local_experts": 0}, "experts"),
        (DEEPSEEK, {"first_k_dense_replace": 3}, "3"),
        (DEEPSEEK, {"moe_layer_freq": 2}, "dense layers between"),
        (QWEN_MOE, {"decoder_sparse_step": 2}, "dense layers between"),
        (QWEN_MOE, {"mlp_only_layers": [1]}, "dense layers between"),
    ],
)
def test_sizes_that_contradict_each_other_are_refused(config, change, said):
    problem = refusal(config | change)
    assert said in problem.message
    assert problem.hint


def test_a_head_size_of_its_own_needs_no_divisible_hidden_size():
    assert from_config(LLAMA | {"hidden_size": 66, "head_dim": 16}).query_dim == 64


def test_absent_key_value_heads_mean_one_per_head():
    config = {key: value for key, value in LLAMA.items() if key != "num_key_value_heads"}
    assert from_config(config).num_kv_heads == 4


def test_invalid_json_is_refused_with_line_and_column(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{\n  "model_type": llama\n}\n', encoding="utf-8")
    with pytest.raises(ParameterError) as caught:
        read_config(path)
    assert f"{path}:2:17" in caught.value.problem.message


def test_json_that_is_no_object_is_refused(tmp_path):
    path = tmp_path / "config.json"
    path.write_text("[1, 2]", encoding="utf-8")
    with pytest.raises(ParameterError, match="no JSON object"):
        read_config(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="cannot read"):
        read_config(tmp_path / "config.json")


@pytest.mark.parametrize(("file", "name"), [("tiny/config.json", "tiny"), ("small.json", "small")])
def test_a_model_is_named_after_its_folder_or_file(tmp_path, file, name):
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(LLAMA), encoding="utf-8")
    assert read_config(path).name == name
