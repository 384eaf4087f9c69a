"""Bytes of one pipeline stage on one accelerator."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from netloom.kernels.inputs import (
    CONTEXT,
    CONTEXT_KIND,
    DATA,
    EXPERT,
    EXPERT_TENSOR,
    RECOMPUTE,
    SHARD_GROUP,
    SHARDING,
    TENSOR,
    MachineInputs,
    ShapeInputs,
    SoftwareInputs,
)
from netloom.kernels.stages import Stage

#: Place of offload in `inputs.RECOMPUTES`.
OFFLOAD = 3


class Shards(NamedTuple):
    """Over how many accelerators a plan spreads things; names as in `inputs.PLAN_COLUMNS`.

    0 in the last three is the usual, see there.
    """

    tensor: float
    context: float
    expert: float
    data: float
    sharding: int
    recompute: int
    expert_tensor: float = 0.0
    context_kind: int = 0
    shard_group: float = 0.0


class StageParameters(NamedTuple):
    """Parameters of one stage on one accelerator; a routed expert is on fewer than the rest.

    Sharded parameters have `common_replicas` and `routed_replicas` copies in the cluster.
    """

    common: float
    routed: float
    common_sharded: float
    routed_sharded: float
    common_replicas: float
    routed_replicas: float


class StageMemory(NamedTuple):
    """Bytes of one stage; the sum must stay below the accelerator's memory."""

    weights: float
    gradients: float
    optimizer: float
    activations: float
    buffers: float


@njit(cache=True)
def shards_of(plan: np.ndarray) -> Shards:
    """Return what a plan spreads over how many; int64, columns `inputs.PLAN_COLUMNS`.

    Examples
    --------
    >>> shards_of(np.array([8, 1, 16, 1, 4, 2, 1, 8, 1, 0])).data
    4.0
    """
    return Shards(
        float(plan[TENSOR]), float(plan[CONTEXT]), float(plan[EXPERT]), float(plan[DATA]),
        plan[SHARDING], plan[RECOMPUTE], float(_choice(plan, EXPERT_TENSOR)),
        _choice(plan, CONTEXT_KIND), float(_choice(plan, SHARD_GROUP)),
    )  # fmt: skip


@njit(cache=True)
def _choice(plan: np.ndarray, column: int) -> int:
    """Return what a plan has in one of its last columns; 0, the usual, where it ends before."""
    if column < len(plan):
        return plan[column]
    return 0


@njit(cache=True)
def stage_parameters(stage: Stage, shards: Shards, shape: ShapeInputs) -> StageParameters:
    """Return the parameters that one accelerator of a stage holds, whole and sharded.

    A routed expert is on `expert_tensor` of the tensor ranks, so that data, context and the other
    tensor ranks hold it alike (parallel folding, arXiv:2504.14960, section 3.2). States are spread
    over `shard_group` of the data and context ranks, and the replicas of such a group hold the same
    (HSDP, arXiv:2304.11277, section 3.2.2).
    """
    layers = stage.num_dense + stage.num_sparse
    common = layers * shape.attention_parameters + stage.num_dense * shape.dense_ffn_parameters
    common += stage.num_sparse * shape.shared_parameters + stage.extra_parameters
    common /= shards.tensor
    routed = stage.num_sparse * shape.num_experts * shape.expert_parameters
    split = shards.expert_tensor if shards.expert_tensor > 0.0 else shards.tensor
    routed /= shards.expert * split
    group = shards.data * shards.context
    alike = max(1.0, group * (shards.tensor / split) / shards.expert)
    sharing, routed_sharing = group, alike
    if shards.shard_group > 0.0:
        sharing = shards.shard_group
        routed_sharing = max(1.0, sharing * (shards.tensor / split) / shards.expert)
    return StageParameters(
        common, routed, common / sharing, routed / routed_sharing,
        group / sharing, alike / routed_sharing,
    )  # fmt: skip


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
    """Return bytes of a stage: weights, gradients, optimizer, activations, buffers.

    Weights are in 16 bits, beside which a copy in the precision of the matrix products may be kept.
    """
    held = stage_parameters(stage, shards, shape)
    whole = held.common + held.routed
    sharded = held.common_sharded + held.routed_sharded
    kept = 2.0 + machine.narrow_copy_bytes
    weights = 2.0 * sharded if shards.sharding >= 3 else kept * whole
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
        buffers += (
            2.0
            * tokens
            * activation_bytes_per_token(sequence, 0, has_experts, shards.tensor, shape, software)
        )
    if shards.recompute == 2:
        # the layer that is being done again holds everything once
        buffers += tokens * activation_bytes_per_token(
            sequence, 0, has_experts, shards.tensor, shape, software
        )
    if shards.sharding >= 3:
        # two gathered layers: the one in use and the one being fetched
        layers = max(1.0, stage.num_dense + stage.num_sparse)
        buffers += 2.0 * kept * whole / layers
    return StageMemory(weights, gradients, optimizer, activations, buffers)
