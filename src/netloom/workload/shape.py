"""The shape of a transformer, read from a Hugging Face ``config.json``.

A shape holds what parameters, FLOPs, memory and messages follow from, and nothing about training.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netloom.errors import ParameterError, nearest


@dataclass(frozen=True)
class LatentAttention:
    """Multi-head latent attention (MLA), arXiv:2405.04434 section 2.1.

    Attributes
    ----------
    q_rank : rank of the query compression; 0 when queries are not compressed.
    kv_rank : rank of the shared key-value compression.
    qk_nope_dim, qk_rope_dim, v_dim : per head, dimensions without position, with it, of the value.
    """

    q_rank: int
    kv_rank: int
    qk_nope_dim: int
    qk_rope_dim: int
    v_dim: int


@dataclass(frozen=True)
class Experts:
    """Mixture of experts in the feed-forward part.

    Attributes
    ----------
    num_routed, num_active : routed experts of a layer, and those that one token visits.
    ffn : inner size of one routed expert.
    shared_ffn : inner size of all shared experts together; 0 without.
    num_dense_layers : leading layers that have a dense feed-forward instead.
    router_bias : parameters of the router besides its matrix.
    num_groups, num_active_groups : groups of experts, and those that one token may visit; 1 where
        it may visit all.
    """

    num_routed: int
    num_active: int
    ffn: int
    shared_ffn: int
    num_dense_layers: int
    router_bias: bool
    num_groups: int = 1
    num_active_groups: int = 1


@dataclass(frozen=True)
class TransformerShape:
    """Decoder-only transformer.

    Attributes
    ----------
    hidden, num_layers, num_heads, num_kv_heads, head_dim : as in the model's paper.
    ffn : inner size of a dense feed-forward; gated ones have two matrices of it.
    gated : whether the feed-forward is gated (SwiGLU and kin).
    vocab : rows of the embedding.
    tied : whether input embedding and output projection share weights.
    num_positions : rows of a learned position embedding; 0 for rotary and kin.
    norm_bias : layer norm with bias (True) or RMS norm (False).
    qk_norm : whether queries and keys are normalised per head.
    qkv_bias, proj_bias, ffn_bias : biases of the matrices.
    latent : MLA, or None for ordinary (grouped-query) attention.
    experts : mixture of experts, or None.
    """

    name: str
    hidden: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    ffn: int
    gated: bool
    vocab: int
    tied: bool
    num_positions: int = 0
    norm_bias: bool = False
    qk_norm: bool = False
    qkv_bias: bool = False
    proj_bias: bool = False
    ffn_bias: bool = False
    latent: LatentAttention | None = None
    experts: Experts | None = None

    @property
    def query_dim(self) -> int:
        """All heads' query and key dimensions together."""
        if self.latent:
            return self.num_heads * (self.latent.qk_nope_dim + self.latent.qk_rope_dim)
        return self.num_heads * self.head_dim

    @property
    def value_dim(self) -> int:
        """All query heads' value dimensions together: input of the output projection."""
        return self.num_heads * (self.latent.v_dim if self.latent else self.head_dim)


def _size(config: Mapping[str, Any], key: str) -> int:
    """Return a size that the reader divides or multiplies."""
    value = config[key]
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ParameterError(f"{key} is {value!r}", hint="write a whole number above zero")
    return value


def _head_dim(config: Mapping[str, Any], hidden_key: str, heads_key: str) -> int:
    """Return the head size of a config that does not give one."""
    hidden, heads = _size(config, hidden_key), _size(config, heads_key)
    if hidden % heads:
        raise ParameterError(
            f"{heads} heads do not share {hidden_key} {hidden} evenly",
            hint=f"{hidden_key} must be a multiple of {heads_key}, or give head_dim",
        )
    return hidden // heads


def _llama(config: Mapping[str, Any]) -> dict[str, Any]:
    heads = config["num_attention_heads"]
    return {
        "hidden": config["hidden_size"],
        "num_layers": config["num_hidden_layers"],
        "num_heads": heads,
        "num_kv_heads": config.get("num_key_value_heads") or heads,
        "head_dim": config.get("head_dim")
        or _head_dim(config, "hidden_size", "num_attention_heads"),
        "ffn": config["intermediate_size"],
        "gated": True,
        "vocab": config["vocab_size"],
        "tied": config.get("tie_word_embeddings", False),
        "qkv_bias": config.get("attention_bias", False),
        "proj_bias": config.get("attention_bias", False),
        "ffn_bias": config.get("mlp_bias", False),
    }


def _qwen2(config: Mapping[str, Any]) -> dict[str, Any]:
    return _llama(config) | {"qkv_bias": True, "proj_bias": False}


def _qwen3(config: Mapping[str, Any]) -> dict[str, Any]:
    return _llama(config) | {"qk_norm": True}


def _routed_only(
    config: Mapping[str, Any], num_routed: str, ffn: str, router_bias: bool = False
) -> Experts:
    """Return routed experts in every layer, none shared; keys differ from family to family."""
    return Experts(
        num_routed=config[num_routed],
        num_active=config["num_experts_per_tok"],
        ffn=config[ffn],
        shared_ffn=0,
        num_dense_layers=0,
        router_bias=router_bias,
    )


def _mixtral(config: Mapping[str, Any]) -> dict[str, Any]:
    experts = _routed_only(config, "num_local_experts", "intermediate_size")
    return _llama(config) | {"experts": experts}


def _qwen3_moe(config: Mapping[str, Any]) -> dict[str, Any]:
    if config.get("decoder_sparse_step", 1) != 1 or config.get("mlp_only_layers"):
        raise ParameterError(
            "dense layers between expert layers are not supported",
            hint="decoder_sparse_step must be 1 and mlp_only_layers empty",
        )
    experts = _routed_only(config, "num_experts", "moe_intermediate_size")
    return _qwen3(config) | {"experts": experts}


def _deepseek(config: Mapping[str, Any]) -> dict[str, Any]:
    if config.get("moe_layer_freq", 1) != 1:
        raise ParameterError(
            "dense layers between expert layers are not supported", hint="moe_layer_freq must be 1"
        )
    latent = LatentAttention(
        q_rank=config.get("q_lora_rank") or 0,
        kv_rank=config["kv_lora_rank"],
        qk_nope_dim=config["qk_nope_head_dim"],
        qk_rope_dim=config["qk_rope_head_dim"],
        v_dim=config["v_head_dim"],
    )
    experts = Experts(
        num_routed=config["n_routed_experts"],
        num_active=config["num_experts_per_tok"],
        ffn=config["moe_intermediate_size"],
        shared_ffn=_size(config, "moe_intermediate_size") * (config.get("n_shared_experts") or 0),
        num_dense_layers=config.get("first_k_dense_replace", 0),
        router_bias=config.get("topk_method") == "noaux_tc",
        num_groups=config.get("n_group") or 1,
        num_active_groups=config.get("topk_group") or 1,
    )
    head_dim = latent.qk_nope_dim + latent.qk_rope_dim
    return _llama(config) | {"head_dim": head_dim, "latent": latent, "experts": experts}


def _gpt_oss(config: Mapping[str, Any]) -> dict[str, Any]:
    """Every matrix has a bias; half of the layers attend to a window only, which is not counted."""
    experts = _routed_only(config, "num_local_experts", "intermediate_size", router_bias=True)
    biases = {"qkv_bias": True, "proj_bias": True, "ffn_bias": True}
    return _llama(config) | biases | {"experts": experts}


def _grok(config: Mapping[str, Any]) -> dict[str, Any]:
    experts = _routed_only(config, "num_experts", "intermediate_size")
    return _llama(config) | {"experts": experts, "tied": config.get("tie_word_embeddings", True)}


def _gpt2(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "hidden": config["n_embd"],
        "num_layers": config["n_layer"],
        "num_heads": config["n_head"],
        "num_kv_heads": config["n_head"],
        "head_dim": _head_dim(config, "n_embd", "n_head"),
        "ffn": config.get("n_inner") or 4 * _size(config, "n_embd"),
        "gated": False,
        "vocab": config["vocab_size"],
        "tied": config.get("tie_word_embeddings", True),
        "num_positions": config["n_positions"],
        "norm_bias": True,
        "qkv_bias": True,
        "proj_bias": True,
        "ffn_bias": True,
    }


def _gpt_neox(config: Mapping[str, Any]) -> dict[str, Any]:
    biased = config.get("attention_bias", True)
    return _llama(config) | {
        "gated": False,
        "norm_bias": True,
        "qkv_bias": biased,
        "proj_bias": biased,
        "ffn_bias": True,
    }


def _nemotron(config: Mapping[str, Any]) -> dict[str, Any]:
    return _llama(config) | {"gated": False, "norm_bias": True}


#: Hugging Face ``model_type`` -> reader of its fields.
READERS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "llama": _llama,
    "mistral": _llama,
    "qwen2": _qwen2,
    "qwen3": _qwen3,
    "qwen3_moe": _qwen3_moe,
    "mixtral": _mixtral,
    "nemotron": _nemotron,
    "deepseek_v2": _deepseek,
    "deepseek_v3": _deepseek,
    "kimi_k2": _deepseek,
    "gpt_oss": _gpt_oss,
    "grok-1": _grok,
    "gpt2": _gpt2,
    "gpt_neox": _gpt_neox,
}


def from_config(config: Mapping[str, Any], name: str = "") -> TransformerShape:
    """Return the shape that a Hugging Face config describes.

    Raises
    ------
    ParameterError
        When `model_type` is unknown, a field is missing, or sizes contradict each other.
    """
    kind = config.get("model_type", "")
    if not isinstance(kind, str) or kind not in READERS:
        hint = nearest(str(kind), READERS)
        raise ParameterError(f"model_type '{kind}' is not supported", hint=hint)
    try:
        fields = READERS[kind](config)
    except KeyError as missing:
        raise ParameterError(
            f"the config of a '{kind}' model lacks {missing.args[0]}",
            hint="use the config.json that is published with the model",
        ) from None
    shape = TransformerShape(name=name or config.get("_name_or_path") or kind, **fields)
    _check(shape)
    return shape


def _check(shape: TransformerShape) -> None:
    for field in ("hidden", "num_layers", "num_heads", "num_kv_heads", "head_dim", "ffn", "vocab"):
        value = getattr(shape, field)
        if not isinstance(value, int) or value < 1:
            raise ParameterError(f"{field} is {value!r}", hint="write a whole number above zero")
    if shape.num_heads % shape.num_kv_heads:
        raise ParameterError(
            f"{shape.num_heads} heads do not share {shape.num_kv_heads} key-value heads evenly",
            hint="num_attention_heads must be a multiple of num_key_value_heads",
        )
    if shape.experts:
        _check_experts(shape.experts, shape.num_layers)


def _check_experts(experts: Experts, num_layers: int) -> None:
    for field in ("num_routed", "num_active", "ffn"):
        value = getattr(experts, field)
        if not isinstance(value, int) or value < 1:
            raise ParameterError(
                f"{field} of the experts is {value!r}", hint="write a whole number above zero"
            )
    if experts.num_active > experts.num_routed:
        raise ParameterError(
            f"a token cannot visit {experts.num_active} of {experts.num_routed} experts",
            hint="num_experts_per_tok must be no more than the routed experts",
        )
    if not 0 <= experts.num_dense_layers < num_layers:
        raise ParameterError(
            f"{experts.num_dense_layers} dense layers leave none of {num_layers} to the experts",
            hint="first_k_dense_replace must be below num_hidden_layers",
        )


def read_config(path: Path) -> TransformerShape:
    """Return the shape in a ``config.json`` file; its name is that of the folder or file."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"cannot read {path}: {error}") from None
    except json.JSONDecodeError as error:
        raise ParameterError(
            f"{path}:{error.lineno}:{error.colno} is no JSON: {error.msg}",
            hint="use the config.json that is published with the model",
        ) from None
    if not isinstance(config, dict):
        raise ParameterError(f"{path} holds no JSON object")
    name = path.parent.name if path.stem == "config" else path.stem
    return from_config(config, name)
