"""Exact parameter counts, part by part."""

from __future__ import annotations

from dataclasses import dataclass

from netloom.workload.shape import TransformerShape


@dataclass(frozen=True)
class ParameterCounts:
    """Parameters of one model.

    Attributes
    ----------
    attention : of one layer, its norms included.
    dense_ffn : of one dense feed-forward; 0 when every layer has experts.
    expert : of one routed expert.
    shared_expert : of a layer's shared experts.
    router : of a layer's router.
    embedding : token and position embeddings.
    head : final norm and output projection, 0 weights when tied.
    num_dense_layers, num_expert_layers : add up to the model's layers.
    """

    attention: int
    dense_ffn: int
    expert: int
    shared_expert: int
    router: int
    embedding: int
    head: int
    num_dense_layers: int
    num_expert_layers: int
    num_routed: int
    num_active: int

    @property
    def expert_layer_shared(self) -> int:
        """One expert layer without its routed experts."""
        return self.attention + self.shared_expert + self.router

    @property
    def total(self) -> int:
        """All parameters of the model."""
        dense = self.num_dense_layers * (self.attention + self.dense_ffn)
        sparse = self.num_expert_layers * (self.expert_layer_shared + self.num_routed * self.expert)
        return self.embedding + dense + sparse + self.head

    @property
    def active(self) -> int:
        """Parameters that one token passes through, embeddings included."""
        idle = self.num_expert_layers * (self.num_routed - self.num_active) * self.expert
        return self.total - idle


def _ffn(shape: TransformerShape, inner: int) -> int:
    matrices = (3 if shape.gated else 2) * shape.hidden * inner
    biases = ((2 if shape.gated else 1) * inner + shape.hidden) if shape.ffn_bias else 0
    return matrices + biases


def _attention(shape: TransformerShape) -> int:
    hidden = shape.hidden
    norm = hidden * (2 if shape.norm_bias else 1)
    if latent := shape.latent:
        query = (
            hidden * latent.q_rank + latent.q_rank + latent.q_rank * shape.query_dim
            if latent.q_rank
            else hidden * shape.query_dim
        )
        down = hidden * (latent.kv_rank + latent.qk_rope_dim) + latent.kv_rank
        up = latent.kv_rank * shape.num_heads * (latent.qk_nope_dim + latent.v_dim)
        return 2 * norm + query + down + up + shape.value_dim * hidden
    key_value = 2 * shape.num_kv_heads * shape.head_dim
    matrices = hidden * (shape.query_dim + key_value) + shape.query_dim * hidden
    biases = (shape.query_dim + key_value) * shape.qkv_bias + hidden * shape.proj_bias
    return 2 * norm + matrices + biases + 2 * shape.head_dim * shape.qk_norm


def count_parameters(shape: TransformerShape) -> ParameterCounts:
    """Return exact parameter counts.

    Examples
    --------
    >>> from netloom.workload.shape import TransformerShape
    >>> gpt2 = TransformerShape("gpt2", 768, 12, 12, 12, 64, 3072, False, 50257, True, 1024,
    ...                         norm_bias=True, qkv_bias=True, proj_bias=True, ffn_bias=True)
    >>> count_parameters(gpt2).total
    124439808
    """
    experts = shape.experts
    final_norm = shape.hidden * (2 if shape.norm_bias else 1)
    num_dense = experts.num_dense_layers if experts else shape.num_layers
    return ParameterCounts(
        attention=_attention(shape),
        dense_ffn=_ffn(shape, shape.ffn) if num_dense else 0,
        expert=_ffn(shape, experts.ffn) if experts else 0,
        shared_expert=_ffn(shape, experts.shared_ffn) if experts and experts.shared_ffn else 0,
        router=experts.num_routed * (shape.hidden + experts.router_bias) if experts else 0,
        embedding=(shape.vocab + shape.num_positions) * shape.hidden,
        head=final_norm + (0 if shape.tied else shape.vocab * shape.hidden),
        num_dense_layers=num_dense,
        num_expert_layers=shape.num_layers - num_dense,
        num_routed=experts.num_routed if experts else 0,
        num_active=experts.num_active if experts else 0,
    )
