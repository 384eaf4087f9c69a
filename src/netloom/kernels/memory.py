"""Bytes of one pipeline stage on one accelerator."""

from __future__ import annotations

from typing import NamedTuple

from numba import njit

from netloom.kernels.inputs import MachineInputs, ShapeInputs, SoftwareInputs
from netloom.kernels.stages import Stage


#: Place of offload in `inputs.RECOMPUTES`.
OFFLOAD = 3


class Shards(NamedTuple):
    """Over how many accelerators a plan spreads things; names as in `inputs.PLAN_COLUMNS`."""

    tensor: float
    context: float
    expert: float
    data: float
    sharding: int
    recompute: int


class StageParameters(NamedTuple):
    """Parameters of one stage on one accelerator; a routed expert is on fewer than the rest."""

    common: float
    routed: float
    common_sharded: float
    routed_sharded: float


class StageMemory(NamedTuple):
    """Bytes of one stage; the sum must stay below the accelerator's memory."""

    weights: float
    gradients: float
    optimizer: float
    activations: float
    buffers: float


@njit(cache=True)
def stage_parameters(stage: Stage, shards: Shards, shape: ShapeInputs) -> StageParameters:
    """Return the parameters that one accelerator of a stage holds, whole and sharded."""
    layers = stage.num_dense + stage.num_sparse
    common = layers * shape.attention_parameters + stage.num_dense * shape.dense_ffn_parameters
    common += stage.num_sparse * shape.shared_parameters + stage.extra_parameters
    common /= shards.tensor
    routed = stage.num_sparse * shape.num_experts * shape.expert_parameters
    routed /= shards.expert * shards.tensor
    group = shards.data * shards.context
    return StageParameters(common, routed, common / group, routed / max(1.0, group / shards.expert))


@njit(cache=True)
def activation_bytes_per_token(
    sequence: float,
    recompute: int,
    has_experts: bool,
    tensor: float,
    shape: ShapeInputs,
    software: SoftwareInputs,
) -> float:
    """Return what one layer keeps per token in flight until its backward.

    For a GPT layer this is Korthikanti's ``h (34 + 5 a s / h) / t`` with sequence parallelism and
    ``h (10 + 24 / t + 5 a s / (h t))`` without (arXiv:2205.05198, equations 1 to 4), written
    operator by operator so that gated, grouped-query and expert layers follow the same rule.
    """
    spread = 1.0 / tensor if software.sequence_parallel else 1.0
    if recompute == OFFLOAD:
        return 0.0
    if recompute == 2:
        return 2.0 * shape.hidden * spread
    masks = 1.0 if software.dropout else 0.0
    visits = shape.num_active if has_experts else 1.0
    inner = shape.num_active * shape.expert_ffn + shape.shared_ffn if has_experts else shape.ffn
    # selective recomputation drops the scores, or what norms and activation function make
    keeps_light = recompute == 0 or not software.fused_attention
    keeps_scores = recompute == 0 and not software.fused_attention

    light = 4.0 * shape.hidden + 2.0 * masks * shape.hidden
    heavy = 2.0 * (shape.query_dim + shape.kv_dim + shape.value_dim)
    heavy += 2.0 * inner * shape.num_ffn_inputs
    if keeps_light:
        light += 2.0 * shape.hidden + 2.0 * visits * shape.hidden
        heavy += 2.0 * inner
    if keeps_scores:
        heavy += (4.0 + masks) * shape.num_heads * sequence
    return light * spread + heavy / tensor


@njit(cache=True)
def stage_memory(
    stage: Stage,
    shards: Shards,
    micro_batch: float,
    sequence: float,
    shape: ShapeInputs,
    machine: MachineInputs,
    software: SoftwareInputs,
) -> StageMemory:
    """Return bytes of a stage: 16-bit weights, gradients, optimizer, activations, buffers."""
    held = stage_parameters(stage, shards, shape)
    whole = held.common + held.routed
    sharded = held.common_sharded + held.routed_sharded
    weights = 2.0 * (sharded if shards.sharding >= 3 else whole)
    gradients = software.gradient_bytes * (sharded if shards.sharding >= 2 else whole)
    optimizer = software.state_bytes * (sharded if shards.sharding >= 1 else whole)

    has_experts = stage.num_sparse > 0.0
    tokens = micro_batch * sequence / shards.context
    activations = stage.layers_in_flight * tokens
    activations *= activation_bytes_per_token(
        sequence, shards.recompute, has_experts, shards.tensor, shape, software
    )
    # 16-bit logits and their 32-bit softmax
    buffers = machine.reserved_bytes + 6.0 * tokens * stage.logit_columns / shards.tensor
    if shards.recompute == OFFLOAD:
        # the layer in use, and the one on its way to or from the host
        buffers += 2.0 * tokens * activation_bytes_per_token(
            sequence, 0, has_experts, shards.tensor, shape, software
        )
    if shards.recompute == 2:
        # the layer that is being done again holds everything once
        buffers += tokens * activation_bytes_per_token(
            sequence, 0, has_experts, shards.tensor, shape, software
        )
    if shards.sharding >= 3:
        # two gathered layers, 16 bits: the one in use and the one being fetched
        layers = max(1.0, stage.num_dense + stage.num_sparse)
        buffers += 2.0 * 2.0 * whole / layers
    return StageMemory(weights, gradients, optimizer, activations, buffers)
