"""What the ranks of each pipeline stage hand to their communicators in one step.

The step counts the bytes that a rank sends, `kernels.step.STEP_COLUMNS`, for the stage that ends
last. Here they are counted for every kind of stage and turned back into sizes of operations, as
nccl-tests counts them, all calls of the step together.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from netloom.kernels.data_messages import data_messages
from netloom.kernels.inputs import (
    CONTEXT_EXCHANGE,
    CONTEXT_GATHER,
    DATA_SCATTER,
    EXPERT_DATA_SCATTER,
    EXPERT_EXCHANGE,
    EXPERT_REPLICA_REDUCE,
    INTERLEAVE,
    MICRO_BATCH,
    NUM_MICRO_BATCHES,
    PIPELINE,
    PIPELINE_SEND,
    REPLICA_REDUCE,
    TENSOR_GATHER,
    TENSOR_REDUCE,
    ULYSSES,
    MachineInputs,
    ShapeInputs,
    SoftwareInputs,
)
from netloom.kernels.layer import layer_times
from netloom.kernels.memory import StageParameters, shards_of, stage_parameters
from netloom.kernels.stages import NUM_PLACES, make_stage, split_layers

#: Columns of the answer: sizes by `inputs.PRICE_ROWS`, and what one gradient bucket is of data's.
BUCKET = 10


@njit(cache=True)
def _data_sent_bytes(
    common: float, group: float, sharding: int, num_micro: float, software: SoftwareInputs
) -> float:
    """Return what a rank sends of `common` parameters that `group` ranks hold alike."""
    held = StageParameters(common, 0.0, common / group, 0.0, 1.0, 1.0)
    prices = np.ones((BUCKET, 2))
    return data_messages(held, sharding, num_micro, 1.0, 0.0, 0.0, software, prices).sent_bytes


@njit(cache=True)
def stage_operations(
    plan: np.ndarray,
    sequence: float,
    shape: ShapeInputs,
    machine: MachineInputs,
    software: SoftwareInputs,
) -> np.ndarray:
    """Return the bytes of each operation in one step.

    Parameters
    ----------
    plan : int64, shape (13,), columns `inputs.PLAN_COLUMNS`.
    sequence : tokens per sequence.

    Returns
    -------
    float64, shape (4, 11), a row for each kind of stage (`stages.FIRST` and so on); columns
    `inputs.PRICE_ROWS`, then the part of the data rows that one layer's gradients are. Pipeline
    sends are those one way, from stage to next stage. Rows of kinds that the pipeline does not
    have are zero.
    """
    pipeline, interleave = float(plan[PIPELINE]), float(plan[INTERLEAVE])
    micro_batch, num_micro = float(plan[MICRO_BATCH]), float(plan[NUM_MICRO_BATCHES])
    shards = shards_of(plan)
    split = split_layers(shape.num_layers, pipeline, interleave)
    # bytes do not depend on prices
    prices = np.ones((BUCKET, 2))
    dense = layer_times(
        micro_batch, sequence, shards.tensor, shards.context, shards.expert, shards.recompute,
        False, prices, shape, machine, software, shards.expert_tensor, shards.context_kind,
    )  # fmt: skip
    sparse = dense
    if shape.num_experts > 0.0:
        sparse = layer_times(
            micro_batch, sequence, shards.tensor, shards.context, shards.expert,
            shards.recompute, True, prices, shape, machine, software, shards.expert_tensor,
            shards.context_kind,
        )  # fmt: skip
    out = np.zeros((NUM_PLACES, BUCKET + 1))
    for place in range(NUM_PLACES):
        stage = make_stage(place, split, pipeline, interleave, num_micro, shape)
        if stage.num_alike == 0.0:
            continue
        row = out[place]
        tensor = stage.num_dense * dense.tensor_sent_bytes
        tensor += stage.num_sparse * sparse.tensor_sent_bytes
        context = stage.num_dense * dense.context_sent_bytes
        context += stage.num_sparse * sparse.context_sent_bytes
        # what a rank sends of an operation on n ranks is (n - 1) / n of its size, twice to reduce
        if software.sequence_parallel:
            row[TENSOR_GATHER] = _size(num_micro * tensor, shards.tensor)
        else:
            row[TENSOR_REDUCE] = 0.5 * _size(num_micro * tensor, shards.tensor)
        way = CONTEXT_EXCHANGE if shards.context_kind == ULYSSES else CONTEXT_GATHER
        row[way] = _size(num_micro * context, shards.context)
        expert = stage.num_sparse * sparse.expert_sent_bytes
        row[EXPERT_EXCHANGE] = _size(num_micro * expert, shards.expert)
        if pipeline > 1.0:
            tokens = micro_batch * sequence / shards.context
            row[PIPELINE_SEND] = num_micro * interleave * 2.0 * tokens * shape.hidden
            row[PIPELINE_SEND] /= shards.tensor
        held = stage_parameters(stage, shards, shape)
        sharing = held.common / held.common_sharded
        common = _data_sent_bytes(held.common, sharing, shards.sharding, num_micro, software)
        row[DATA_SCATTER] = _size(common, sharing)
        if held.common_replicas > 1.0:
            row[REPLICA_REDUCE] = software.gradient_bytes * held.common_sharded
        if held.routed > 0.0:
            sharing = held.routed / held.routed_sharded
            routed = _data_sent_bytes(held.routed, sharing, shards.sharding, num_micro, software)
            row[EXPERT_DATA_SCATTER] = _size(routed, sharing)
            if held.routed_replicas > 1.0:
                row[EXPERT_REPLICA_REDUCE] = software.gradient_bytes * held.routed_sharded
        if row[DATA_SCATTER] > 0.0:
            layers = max(1.0, stage.num_dense + stage.num_sparse)
            bucket = software.gradient_bytes * held.common / layers
            row[BUCKET] = bucket / row[DATA_SCATTER]
    return out


@njit(cache=True)
def _size(sent_bytes: float, num_ranks: float) -> float:
    """Return the size of an operation of which each of its ranks sends all but its own share."""
    return sent_bytes * num_ranks / (num_ranks - 1.0) if num_ranks > 1.0 else 0.0
