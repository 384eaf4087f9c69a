"""Forward and backward time of one transformer layer on one accelerator.

A layer is its matrix products, its attention, its memory-bound operators and its messages. What a
message can hide behind is decided here, product by product, and not by a ratio.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from netloom.kernels.inputs import (
    RING,
    ULYSSES,
    MachineInputs,
    ShapeInputs,
    SoftwareInputs,
)
from netloom.kernels.layer_messages import (
    FeedForward,
    LinearTimes,
    Messages,
    Work,
    context_messages,
    expert_messages,
    tensor_messages,
    with_contention,
)
from netloom.kernels.matmul import matmul_s
from netloom.kernels.memory import OFFLOAD, activation_bytes_per_token


class LayerTimes(NamedTuple):
    """One layer and one microbatch: seconds of work and of exposed messages, whole messages.

    `weight_s` is the part of the backward that makes weight gradients, which nobody waits for.
    """

    forward_s: float
    backward_s: float
    forward_tensor_s: float
    backward_tensor_s: float
    forward_context_s: float
    backward_context_s: float
    forward_expert_s: float
    backward_expert_s: float
    tensor_total_s: float
    context_total_s: float
    expert_total_s: float
    tensor_sent_bytes: float
    context_sent_bytes: float
    expert_sent_bytes: float
    weight_s: float


@njit(cache=True)
def linear_times(
    groups: float, rows: float, columns: float, depth: float, machine: MachineInputs
) -> LinearTimes:
    """Return the three products of ``y = x w`` with x (rows x depth) and w (depth x columns)."""
    return LinearTimes(
        matmul_s(groups, rows, columns, depth, machine),
        matmul_s(groups, rows, depth, columns, machine),
        matmul_s(groups, depth, columns, rows, machine),
    )


@njit(cache=True)
def _both(a: LinearTimes, b: LinearTimes) -> LinearTimes:
    return LinearTimes(a.forward_s + b.forward_s, a.input_s + b.input_s, a.weight_s + b.weight_s)


@njit(cache=True)
def _times(factor: float, a: LinearTimes) -> LinearTimes:
    return LinearTimes(factor * a.forward_s, factor * a.input_s, factor * a.weight_s)


@njit(cache=True)
def _query_key_value(
    tokens: float, tensor: float, shape: ShapeInputs, machine: MachineInputs
) -> LinearTimes:
    if shape.latent_kv_rank == 0.0:
        columns = (shape.query_dim + shape.kv_dim) / tensor
        return linear_times(1.0, tokens, columns, shape.hidden, machine)
    # MLA: compress once (not split by tensor parallelism), then decompress per head
    compressed = shape.latent_q_rank + shape.latent_kv_rank + shape.latent_rope_dim
    down = linear_times(1.0, tokens, compressed, shape.hidden, machine)
    q_depth = shape.latent_q_rank if shape.latent_q_rank > 0.0 else shape.hidden
    query = linear_times(1.0, tokens, shape.query_dim / tensor, q_depth, machine)
    key_value = linear_times(1.0, tokens, shape.kv_dim / tensor, shape.latent_kv_rank, machine)
    return _both(down, _both(query, key_value))


@njit(cache=True)
def attention_s(
    tokens: float,
    sequence: float,
    tensor: float,
    shape: ShapeInputs,
    machine: MachineInputs,
    software: SoftwareInputs,
) -> tuple[float, float]:
    """Return forward and backward seconds of core attention for `tokens` queries.

    A fused kernel computes the causal half of the scores; its backward has 2.5 times the work
    (arXiv:2307.08691, section 3). Unfused attention computes all scores and is bound by moving
    them, 16 bits each: 8 bytes forward (write; read and write by mask and softmax; read), 12
    backward, and 5 more each way with dropout (read, write, mask).
    """
    pairs = tokens * sequence / tensor
    flops = 2.0 * pairs * (shape.query_dim + shape.value_dim)
    forward = flops / machine.attention_forward_flops_per_s
    if software.fused_attention:
        backward = 1.25 * flops / machine.attention_backward_flops_per_s
        return 0.5 * forward + machine.launch_s, backward + 2.0 * machine.launch_s
    moved_s = pairs * shape.num_heads / machine.hbm_bytes_per_s
    dropout = 5.0 if software.dropout else 0.0
    return (
        forward + (8.0 + dropout) * moved_s + 5.0 * machine.launch_s,
        2.0 * forward + (12.0 + dropout) * moved_s + 7.0 * machine.launch_s,
    )


@njit(cache=True)
def _feed_forward(
    work: Work,
    tensor: float,
    expert: float,
    has_experts: bool,
    shape: ShapeInputs,
    machine: MachineInputs,
    software: SoftwareInputs,
) -> FeedForward:
    if not has_experts:
        into = linear_times(
            1.0, work.tokens, shape.num_ffn_inputs * shape.ffn / tensor, shape.hidden, machine
        )
        out = linear_times(1.0, work.tokens, shape.hidden, shape.ffn / tensor, machine)
        return FeedForward(into, out, into, out, 0.0, 0.0, 0.0)
    # grouped products of the busiest accelerator, whose experts share its visits evenly: a part of
    # the width for all tokens of the tensor group, or all of it for the accelerator's own tokens
    split = 1.0 if work.whole_experts else tensor
    local = shape.num_experts / expert
    rows = software.routing_imbalance * work.visits / local * (split / tensor)
    width = shape.expert_ffn / split
    slower = 1.0 / software.expert_rate_fraction
    into = _times(
        slower, linear_times(local, rows, shape.num_ffn_inputs * width, shape.hidden, machine)
    )
    out = _times(slower, linear_times(local, rows, shape.hidden, width, machine))
    shared_into = linear_times(
        1.0, work.tokens, shape.num_ffn_inputs * shape.shared_ffn / tensor, shape.hidden, machine
    )
    shared_out = linear_times(1.0, work.tokens, shape.hidden, shape.shared_ffn / tensor, machine)
    router = linear_times(1.0, work.spread_tokens, shape.num_experts, shape.hidden, machine)
    beside = _both(_both(shared_into, shared_out), router)
    gathered_into = shared_into if work.whole_experts else into
    gathered_out = shared_out if work.whole_experts else out
    return FeedForward(
        into, out, gathered_into, gathered_out,
        beside.forward_s, beside.input_s + beside.weight_s, beside.weight_s,
    )  # fmt: skip


@njit(cache=True)
def _light_bytes(
    work: Work, tensor: float, has_experts: bool, shape: ShapeInputs, software: SoftwareInputs
) -> tuple[float, float, float]:
    """Return bytes of memory-bound operators: forward, backward, and those cheap to do again.

    Two norms read and write, two residual additions read two and write one (with dropout and its
    mask more), the activation reads its inputs and writes one output; experts permute their visits
    and back. Backward reads what forward kept besides the gradient.
    """
    dropout = 6.0 if software.dropout else 0.0
    norms = 2.0 * 4.0 * work.spread_tokens * shape.hidden
    residuals = (2.0 * 6.0 + dropout) * work.spread_tokens * shape.hidden
    activation = 2.0 * (shape.num_ffn_inputs + 1.0) * work.inner
    activation_backward = 2.0 * (2.0 * shape.num_ffn_inputs + 1.0) * work.inner
    permute = 0.0
    if has_experts:
        permute = 0.5 * software.permutation_bytes * work.visits * shape.hidden / tensor
    forward = norms + residuals + activation + permute
    backward = 1.5 * norms + residuals + activation_backward + permute
    return forward, backward, norms + activation


@njit(cache=True)
def layer_times(
    micro_batch: float,
    sequence: float,
    tensor: float,
    context: float,
    expert: float,
    recompute: int,
    has_experts: bool,
    prices: np.ndarray,
    shape: ShapeInputs,
    machine: MachineInputs,
    software: SoftwareInputs,
    expert_tensor: float = 0.0,
    context_kind: int = RING,
) -> LayerTimes:
    """Return the times of one layer.

    Parameters
    ----------
    recompute : index into `inputs.RECOMPUTES`. Selective does again what is cheap: core attention
        when it is not fused, norms and activation function when it is. Full does all of forward
        again, messages included.
    has_experts : whether the feed-forward is a mixture of experts.
    prices : float64, shape (10, 2), see `inputs.PRICE_ROWS`.
    expert_tensor : tensor ranks that split a routed expert; 0 for all of them.
    context_kind : index into `inputs.CONTEXT_KINDS`.
    """
    tokens = micro_batch * sequence / context
    spread = tokens / tensor if software.sequence_parallel else tokens
    visits = tokens * shape.num_active if has_experts else tokens
    inner = tokens * shape.ffn
    if has_experts:
        inner = visits * shape.expert_ffn + tokens * shape.shared_ffn
    whole_experts = has_experts and expert_tensor > 0.0 and expert_tensor < tensor
    work = Work(tokens, spread, visits, inner / tensor, whole_experts)

    qkv = _query_key_value(tokens, tensor, shape, machine)
    out = linear_times(1.0, tokens, shape.hidden, shape.value_dim / tensor, machine)
    attention_forward, attention_backward = attention_s(
        tokens, sequence, tensor, shape, machine, software
    )
    ffn = _feed_forward(work, tensor, expert, has_experts, shape, machine, software)
    light, light_backward, light_again = _light_bytes(work, tensor, has_experts, shape, software)
    gaps = machine.num_light_kernels * machine.launch_s
    # backward has two products for each of forward's
    launches_s = 0.0
    if has_experts:
        launches_s = software.expert_launch_s * shape.num_experts / expert / 3.0

    forward = qkv.forward_s + attention_forward + out.forward_s
    forward += ffn.into.forward_s + ffn.out.forward_s + ffn.beside_forward_s
    forward += light / machine.hbm_bytes_per_s + gaps + launches_s
    backward = qkv.input_s + qkv.weight_s + attention_backward + out.input_s + out.weight_s
    backward += ffn.into.input_s + ffn.into.weight_s + ffn.out.input_s + ffn.out.weight_s
    backward += ffn.beside_backward_s + light_backward / machine.hbm_bytes_per_s + gaps
    backward += 2.0 * launches_s

    weight = qkv.weight_s + out.weight_s + ffn.into.weight_s + ffn.out.weight_s
    weight += ffn.beside_weight_s

    by_tensor = tensor_messages(work, tensor, qkv, out, ffn, prices, shape, software)
    by_context = context_messages(
        micro_batch, sequence, tensor, context, context_kind, attention_forward,
        attention_backward, prices, shape,
    )  # fmt: skip
    by_expert = Messages(0.0, 0.0, 0.0, 0.0, 0.0)
    taken = min(1.0, software.communication_multiprocessors / machine.num_multiprocessors)
    if has_experts:
        by_expert = expert_messages(
            work, tensor, expert, (1.0 - taken) * (forward + backward), prices, shape, software
        )
    by_tensor = with_contention(by_tensor, taken)
    by_expert = with_contention(by_expert, taken)

    again = 0.0
    if recompute == OFFLOAD:
        # a layer's activations leave under its forward and come back under its backward
        kept = tokens * activation_bytes_per_token(
            sequence, 0, has_experts, tensor, shape, software
        )
        moved_s = kept / machine.host_bytes_per_s
        forward += max(0.0, moved_s - forward)
        backward += max(0.0, moved_s - backward)
    if recompute == 2:
        again = 1.0
        backward += forward
    elif recompute == 1 and software.fused_attention:
        backward += light_again / machine.hbm_bytes_per_s
    elif recompute == 1:
        backward += attention_forward
    # doing forward again repeats its share of the bytes: 4 of 10, or 2 of 4 all-reduces; 1 of 3
    # times keys and values, 1 of 2 exchanges
    tensor_again = 0.4 if software.sequence_parallel else 0.5
    context_again = 0.5 if context_kind == ULYSSES else 1.0 / 3.0
    there_and_back = software.dispatch_bytes + software.combine_bytes
    expert_again = there_and_back / (there_and_back + 2.0 * software.combine_bytes)
    return LayerTimes(
        forward,
        backward,
        by_tensor.forward_s,
        by_tensor.backward_s + again * by_tensor.forward_s,
        by_context.forward_s,
        by_context.backward_s + again * by_context.forward_s,
        by_expert.forward_s,
        by_expert.backward_s + again * by_expert.forward_s,
        by_tensor.total_s + again * by_tensor.ahead_s,
        by_context.total_s + again * by_context.ahead_s,
        by_expert.total_s + again * by_expert.ahead_s,
        by_tensor.sent_bytes * (1.0 + again * tensor_again),
        by_context.sent_bytes * (1.0 + again * context_again),
        by_expert.sent_bytes * (1.0 + again * expert_again),
        weight,
    )
