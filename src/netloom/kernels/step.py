"""Time and memory of one training step for many plans: the one formula of search and report.

Legend for shapes: P plans. A plan is a row of `inputs.PLAN_COLUMNS`, its messages' prices rows of
`inputs.PRICE_ROWS`.

A step under (interleaved) 1F1B with p stages, v chunks a stage and m microbatches takes
``m T_i + (sum of T - T_i) / v`` for stage i, T being a stage's forward and backward of one
microbatch with the messages it cannot hide: the stage works all the time, and the pipeline fills
and drains once through all the others. For equal stages that is the usual
``(m + (p - 1) / v) T`` (arXiv:2104.04473, section 2.2). Stage i's gradients and optimizer follow,
and the step is that of the stage that ends last.

Under DualPipe microbatches enter at both ends, forward and backward of two microbatches run as one
block FB that hides expert messages, p + 1 of them run apart, and weight gradients fill gaps:
``(m - p - 1) FB + (p + 1) (F + B) + (p / 2 - 1) (FB + B - 3 W)`` (arXiv:2412.19437, table 2, for
the last term), with B a whole backward and W its weight gradients.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from netloom.kernels.data_messages import data_messages
from netloom.kernels.inputs import (
    INTERLEAVE,
    MICRO_BATCH,
    NUM_MICRO_BATCHES,
    PIPELINE,
    PIPELINE_SEND,
    MachineInputs,
    ShapeInputs,
    SoftwareInputs,
)
from netloom.kernels.layer import LayerTimes, layer_times, linear_times
from netloom.kernels.memory import (
    Shards,
    StageParameters,
    shards_of,
    stage_memory,
    stage_parameters,
)
from netloom.kernels.messages import transfer_s
from netloom.kernels.stages import FIRST, NUM_PLACES, Stage, make_stage, split_layers

#: Columns of the answer, float64, shape (P, 25).
STEP_COLUMNS = (
    "step_s", "compute_s", "tensor_s", "context_s", "expert_s", "pipeline_s", "data_s", "bubble_s",
    "optimizer_s", "straggler_s", "weights_bytes", "gradients_bytes", "optimizer_bytes",
    "activations_bytes", "buffers_bytes", "tensor_total_s", "context_total_s", "expert_total_s",
    "pipeline_total_s", "data_total_s", "tensor_sent_bytes", "context_sent_bytes",
    "expert_sent_bytes", "pipeline_sent_bytes", "data_sent_bytes",
)  # fmt: skip
STEP, COMPUTE, BY_TENSOR, BY_CONTEXT, BY_EXPERT, BY_PIPELINE, BY_DATA, BUBBLE = range(8)
OPTIMIZER, STRAGGLER, WEIGHTS, BUFFERS = 8, 9, 10, 14
TENSOR_TOTAL, CONTEXT_TOTAL, EXPERT_TOTAL, PIPELINE_TOTAL, DATA_TOTAL = range(15, 20)
TENSOR_SENT, CONTEXT_SENT, EXPERT_SENT, PIPELINE_SENT, DATA_SENT = range(20, 25)

#: Fields of `LayerTimes` whose sum is what a stage is busy for; the places of `expert_total_s` and
#: `weight_s`.
_NUM_BUSY, EXPERT_WHOLE, WEIGHT_GRADIENTS = 8, 10, 14


@njit(cache=True)
def stage_times(
    stage: Stage, place: int, dense: LayerTimes, sparse: LayerTimes, ends: np.ndarray
) -> np.ndarray:
    """Return one stage's sums over its layers, fields of `LayerTimes`, with embedding and loss."""
    times = np.empty(len(dense))
    for k in range(len(dense)):
        times[k] = stage.num_dense * dense[k] + stage.num_sparse * sparse[k]
    if place == FIRST:
        times[0] += ends[0]
        times[1] += ends[0]
    if stage.logit_columns > 0.0:
        times[0] += ends[1]
        times[1] += ends[2]
    return times


@njit(cache=True)
def end_times(
    tokens: float, tensor: float, shape: ShapeInputs, machine: MachineInputs
) -> np.ndarray:
    """Return seconds of the embedding (each way) and of head and loss forward and backward.

    The loss reads and writes 32-bit logits each way.
    """
    head = linear_times(1.0, tokens, shape.vocab / tensor, shape.hidden, machine)
    loss_s = 8.0 * tokens * shape.vocab / tensor / machine.hbm_bytes_per_s
    embedding_s = 6.0 * tokens * shape.hidden / machine.hbm_bytes_per_s
    return np.array([embedding_s, head.forward_s + loss_s, head.input_s + head.weight_s + loss_s])


@njit(cache=True)
def _fill_pipeline_messages(
    tokens: float,
    pipeline: float,
    crossings: float,
    tensor: float,
    chunk_s: float,
    shape: ShapeInputs,
    software: SoftwareInputs,
    prices: np.ndarray,
    out: np.ndarray,
) -> float:
    """Fill the pipeline columns: `crossings` sends in steady state, two fills of the pipeline.

    Returns the share of each chunk that a send hides behind, which other messages cannot use.

    Each tensor rank sends its part, with sequence parallelism or by the scatter-gather
    optimisation (arXiv:2104.04473, section 4.1). Software that overlaps hides a send behind the
    next chunk, but not while the pipeline fills and drains.
    """
    send_bytes = 2.0 * tokens * shape.hidden / tensor
    send_s = transfer_s(prices, PIPELINE_SEND, send_bytes)
    hidden_s = min(send_s, chunk_s) if software.overlaps_pipeline else 0.0
    fills_s = 2.0 * (pipeline - 1.0) * send_s
    out[BY_PIPELINE] = fills_s + crossings * (send_s - hidden_s)
    out[PIPELINE_TOTAL] = fills_s + crossings * send_s
    out[PIPELINE_SENT] = crossings * send_bytes
    return hidden_s / chunk_s if chunk_s > 0.0 else 0.0


@njit(cache=True)
def _optimizer_s(
    held: StageParameters, sharding: int, machine: MachineInputs, software: SoftwareInputs
) -> float:
    """Return seconds of Adam, which only moves memory.

    States are read and written, the gradient is read for its norm, scaled in place and read again,
    the 16-bit weight is written. A narrow copy is cast from all 16-bit weights that a rank holds,
    once they are gathered.
    """
    parameters = held.common + held.routed
    if sharding >= 1:
        parameters = held.common_sharded + held.routed_sharded
    moved = parameters * (2.0 * software.state_bytes + 4.0 * software.gradient_bytes + 2.0)
    if machine.narrow_copy_bytes > 0.0:
        moved += (held.common + held.routed) * (2.0 + machine.narrow_copy_bytes)
    return moved / machine.hbm_bytes_per_s


@njit(cache=True)
def evaluate_plan(
    plan: np.ndarray,
    prices: np.ndarray,
    sequence: float,
    num_accelerators: float,
    shape: ShapeInputs,
    machine: MachineInputs,
    software: SoftwareInputs,
    out: np.ndarray,
) -> None:
    """Fill one row of the answer; layers that do not split give an infinite step and memory."""
    pipeline, interleave = float(plan[PIPELINE]), float(plan[INTERLEAVE])
    micro_batch, num_micro = float(plan[MICRO_BATCH]), float(plan[NUM_MICRO_BATCHES])
    shards = shards_of(plan)
    out[:] = 0.0
    split = split_layers(shape.num_layers, pipeline, interleave)
    # dense layers before the experts' belong to the first stage, see `stages.make_stage`
    num_leading = shape.num_dense_layers if shape.num_experts > 0.0 else 0.0
    if split.middle == 0.0 or split.first < num_leading:
        out[STEP] = out[WEIGHTS] = np.inf
        return
    tokens = micro_batch * sequence / shards.context

    dense = layer_times(
        micro_batch, sequence, shards.tensor, shards.context, shards.expert, shards.recompute,
        False, prices, shape, machine, software, shards.expert_tensor, shards.context_kind,
    )  # fmt: skip
    sparse = dense
    if shape.num_experts > 0.0:
        sparse = layer_times(
            micro_batch, sequence, shards.tensor, shards.context, shards.expert, shards.recompute,
            True, prices, shape, machine, software, shards.expert_tensor, shards.context_kind,
        )  # fmt: skip
    ends = end_times(tokens, shards.tensor, shape, machine)

    times = np.zeros((NUM_PLACES, len(dense)))
    chain_s = 0.0
    for place in range(NUM_PLACES):
        stage = make_stage(place, split, pipeline, interleave, num_micro, shape)
        if stage.num_alike > 0.0:
            times[place] = stage_times(stage, place, dense, sparse, ends)
            chain_s += stage.num_alike * times[place, :_NUM_BUSY].sum()
            _keep_fullest(stage, shards, micro_batch, sequence, shape, machine, software, out)
    # expected maximum of many normal slowdowns (Cramer, Mathematical Methods of Statistics, 28.6)
    slowdown = machine.straggler_sigma * math.sqrt(2.0 * math.log(num_accelerators))
    step = np.zeros(len(out))
    for place in range(NUM_PLACES):
        stage = make_stage(place, split, pipeline, interleave, num_micro, shape)
        if stage.num_alike > 0.0:
            fill_step(
                stage, times[place], chain_s, plan, shards, tokens, slowdown, prices,
                shape, machine, software, step,
            )  # fmt: skip
            if step[STEP] > out[STEP]:
                out[:WEIGHTS] = step[:WEIGHTS]
                out[BUFFERS + 1 :] = step[BUFFERS + 1 :]


@njit(cache=True)
def fill_step(
    stage: Stage,
    times: np.ndarray,
    chain_s: float,
    plan: np.ndarray,
    shards: Shards,
    tokens: float,
    slowdown: float,
    prices: np.ndarray,
    shape: ShapeInputs,
    machine: MachineInputs,
    software: SoftwareInputs,
    out: np.ndarray,
) -> None:
    """Fill all columns but memory with the step as it is for one stage.

    Parameters
    ----------
    times : float64, shape (15,), the stage's sums over its layers, fields of `LayerTimes`.
    chain_s : one microbatch through all stages, forward and backward.
    slowdown : share of its work that the slowest rank takes longer.
    """
    pipeline, interleave = float(plan[PIPELINE]), float(plan[INTERLEAVE])
    num_micro = float(plan[NUM_MICRO_BATCHES])
    busy_s = times[:_NUM_BUSY].sum()
    out[COMPUTE] = num_micro * (times[0] + times[1])
    out[BY_TENSOR] = num_micro * (times[2] + times[3])
    out[BY_CONTEXT] = num_micro * (times[4] + times[5])
    out[BY_EXPERT] = num_micro * (times[6] + times[7])
    out[BUBBLE] = (chain_s - busy_s) / interleave
    if software.dualpipe:
        # messages hide in blocks alone: of m microbatches, p + 1 run forward and backward apart
        hidden_s = times[EXPERT_WHOLE] - times[6] - times[7]
        out[BY_EXPERT] += min(num_micro, pipeline + 1.0) * hidden_s
        back_share = 2.0 * software.combine_bytes
        back_share /= software.dispatch_bytes + 3.0 * software.combine_bytes
        apart_s = times[1] + times[3] + times[5] + back_share * times[EXPERT_WHOLE]
        idle_s = busy_s + apart_s - 3.0 * times[WEIGHT_GRADIENTS]
        out[BUBBLE] = max(0.0, 0.5 * pipeline - 1.0) * idle_s
    for k in range(3):
        out[TENSOR_TOTAL + k] = num_micro * times[8 + k]
        out[TENSOR_SENT + k] = num_micro * times[11 + k]

    sending = 0.0
    if pipeline > 1.0:
        sending = _fill_pipeline_messages(
            tokens, pipeline, 2.0 * num_micro * interleave, shards.tensor,
            0.5 * busy_s / interleave, shape, software, prices, out,
        )  # fmt: skip
    held = stage_parameters(stage, shards, shape)
    # one bucket a layer; with chunks, all but the last chunk have the others' microbatches too
    window = 1.0 - sending
    if interleave > 1.0 and shards.sharding < 2:
        window *= pipeline * (interleave - 1.0) / interleave
    forward_s = times[0] + times[2] + times[4] + times[6]
    data = data_messages(
        held, shards.sharding, num_micro, max(1.0, stage.num_dense + stage.num_sparse),
        window * forward_s, window * (busy_s - forward_s), software, prices,
    )  # fmt: skip
    # what is hidden keeps its multiprocessors from the work
    taken = min(1.0, software.communication_multiprocessors / machine.num_multiprocessors)
    out[BY_DATA] = data.exposed_s + taken * (data.total_s - data.exposed_s)
    out[DATA_TOTAL], out[DATA_SENT] = data.total_s, data.sent_bytes
    out[OPTIMIZER] = _optimizer_s(held, shards.sharding, machine, software)
    out[OPTIMIZER] += software.step_overhead_s
    work_s = out[COMPUTE : OPTIMIZER + 1].sum()
    out[STRAGGLER] = work_s * slowdown
    out[STEP] = work_s + out[STRAGGLER]


@njit(cache=True)
def _keep_fullest(
    stage: Stage,
    shards: Shards,
    micro_batch: float,
    sequence: float,
    shape: ShapeInputs,
    machine: MachineInputs,
    software: SoftwareInputs,
    out: np.ndarray,
) -> None:
    """Keep a stage's memory in the answer when it is fuller than what is there."""
    memory = stage_memory(stage, shards, micro_batch, sequence, shape, machine, software)
    total = memory.weights + memory.gradients + memory.optimizer
    total += memory.activations + memory.buffers
    if total > out[WEIGHTS : BUFFERS + 1].sum():
        for k in range(5):
            out[WEIGHTS + k] = memory[k]


@njit(cache=True, nogil=True)
def evaluate_plans(
    plans: np.ndarray,
    prices: np.ndarray,
    sequence: float,
    num_accelerators: float,
    shape: ShapeInputs,
    machine: MachineInputs,
    software: SoftwareInputs,
) -> np.ndarray:
    """Return the step of each plan.

    Parameters
    ----------
    plans : int64, shape (P, 13), or (P, 10) without the last columns.
    prices : float64, shape (P, 10, 2).
    sequence : tokens per sequence.
    num_accelerators : ranks over which stragglers are counted.

    Returns
    -------
    float64, shape (P, 25), columns `STEP_COLUMNS`.
    """
    out = np.empty((len(plans), len(STEP_COLUMNS)))
    for i in range(len(plans)):
        evaluate_plan(
            plans[i], prices[i], sequence, num_accelerators, shape, machine, software, out[i]
        )
    return out
