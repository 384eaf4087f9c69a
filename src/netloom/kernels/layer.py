"""Forward and backward time of one transformer layer on one accelerator.

A layer is its matrix products, its attention, its memory-bound operators and its messages. What a
message can hide behind is decided here, product by product, and not by a ratio.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from netloom.kernels.inputs import (
    CONTEXT_EXCHANGE,
    CONTEXT_GATHER,
    EXPERT_EXCHANGE,
    RING,
    TENSOR_GATHER,
    TENSOR_REDUCE,
    ULYSSES,
    MachineInputs,
    ShapeInputs,
    SoftwareInputs,
)
from netloom.kernels.matmul import matmul_s
from netloom.kernels.memory import OFFLOAD, activation_bytes_per_token
from netloom.kernels.messages import interleaved_s, transfer_s


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


class LinearTimes(NamedTuple):
    """Seconds of one linear map: forward, and backward for its input and for its weight."""

    forward_s: float
    input_s: float
    weight_s: float


class Work(NamedTuple):
    """What one accelerator does in one layer for one microbatch.

    `tokens` are those of its tensor group, `spread_tokens` those whose norms and residuals it
    keeps, `visits` are tokens times experts visited, `inner` is the feed-forward's inner elements.
    `whole_experts` says that tensor ranks do not split experts, each of which then serves its own
    part of the tokens.
    """

    tokens: float
    spread_tokens: float
    visits: float
    inner: float
    whole_experts: bool


class FeedForward(NamedTuple):
    """Feed-forward products: the main pair, and what runs beside it (shared experts, router).

    `gathered_into` and `gathered_out` are the products whose rows the tensor group gathers before
    and scatters behind: the main pair, or the shared experts' when routed ones are whole.
    """

    into: LinearTimes
    out: LinearTimes
    gathered_into: LinearTimes
    gathered_out: LinearTimes
    beside_forward_s: float
    beside_backward_s: float
    beside_weight_s: float


class Messages(NamedTuple):
    """Messages of one kind in one layer: exposed each way, all of forward, all, bytes sent."""

    forward_s: float
    backward_s: float
    ahead_s: float
    total_s: float
    sent_bytes: float


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
    shared_out = linear_times(
        1.0, work.tokens, shape.hidden, shape.shared_ffn / tensor, machine
    )
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
def _tensor_messages(
    work: Work,
    tensor: float,
    qkv: LinearTimes,
    out: LinearTimes,
    ffn: FeedForward,
    prices: np.ndarray,
    shape: ShapeInputs,
    software: SoftwareInputs,
) -> Messages:
    """Return messages of tensor parallelism.

    With sequence parallelism forward gathers before the first and scatters after the second
    product of attention and of the feed-forward; backward does the reverse and gathers the inputs
    again. That gather runs beside the input's gradient and the scatter of that gradient beside the
    weight's (arXiv:2205.05198, section 4.2.2). Software that overlaps tensor messages cuts the
    others into `tensor` chunks between the products they feed. Without sequence parallelism two
    all-reduces a direction remain.

    Around whole experts only the shared experts' tokens are gathered; without sequence parallelism
    an all-reduce of the tokens puts together what experts return to each rank.
    """
    if tensor == 1.0:
        return Messages(0.0, 0.0, 0.0, 0.0, 0.0)
    attention_bytes = 2.0 * work.tokens * shape.hidden
    ffn_bytes = 2.0 * work.visits * shape.hidden
    if work.whole_experts:
        needed = shape.shared_ffn > 0.0 or not software.sequence_parallel
        ffn_bytes = attention_bytes if needed else 0.0
    into, behind = ffn.gathered_into, ffn.gathered_out
    share = (tensor - 1.0) / tensor
    if not software.sequence_parallel:
        first = transfer_s(prices, TENSOR_REDUCE, attention_bytes)
        second = transfer_s(prices, TENSOR_REDUCE, ffn_bytes)
        backward = max(0.0, first - qkv.weight_s) + max(0.0, second - into.weight_s)
        sent = 4.0 * share * (attention_bytes + ffn_bytes)
        return Messages(first + second, backward, first + second, 2.0 * (first + second), sent)
    first = transfer_s(prices, TENSOR_GATHER, attention_bytes)
    second = transfer_s(prices, TENSOR_GATHER, ffn_bytes) if ffn_bytes > 0.0 else 0.0
    forward = 2.0 * (first + second)
    backward = first + second
    if software.overlaps_tensor:
        forward = interleaved_s(first, qkv.forward_s, tensor)
        forward += interleaved_s(first, out.forward_s, tensor)
        forward += interleaved_s(second, into.forward_s, tensor)
        forward += interleaved_s(second, behind.forward_s, tensor)
        backward = interleaved_s(first, out.input_s, tensor)
        backward += interleaved_s(second, behind.input_s, tensor)
    backward += max(0.0, first - qkv.input_s) + max(0.0, first - qkv.weight_s)
    backward += max(0.0, second - into.input_s) + max(0.0, second - into.weight_s)
    sent = 5.0 * share * (attention_bytes + ffn_bytes)
    return Messages(forward, backward, 2.0 * (first + second), 5.0 * (first + second), sent)


@njit(cache=True)
def _with_contention(messages: Messages, taken: float) -> Messages:
    """Return messages with what they keep from the work that they run beside.

    A message beside work holds the share `taken` of the multiprocessors, so that the work ends that
    share of the message's time later.
    """
    ahead = messages.forward_s + taken * (messages.ahead_s - messages.forward_s)
    back_s = messages.total_s - messages.ahead_s
    back = messages.backward_s + taken * (back_s - messages.backward_s)
    return Messages(ahead, back, messages.ahead_s, messages.total_s, messages.sent_bytes)


@njit(cache=True)
def _context_messages(
    micro_batch: float,
    sequence: float,
    tensor: float,
    context: float,
    kind: int,
    attention_forward: float,
    attention_backward: float,
    prices: np.ndarray,
    shape: ShapeInputs,
) -> Messages:
    """Return messages of context parallelism, by its kind.

    In ring attention keys and values go round under attention's chunks; backward sends them again
    together with their gradients (arXiv:2310.01889). Or they are gathered before attention, which
    has nothing to run beside, and in backward gathered again and their gradients scattered
    (arXiv:2407.21783, section 3.3.2). Ulysses exchanges queries, keys and values of a rank's tokens
    for those of its heads, and the output back, and in backward the gradients of all four
    (arXiv:2309.14509, section 3.1).
    """
    if context == 1.0:
        return Messages(0.0, 0.0, 0.0, 0.0, 0.0)
    left = (context - 1.0) / context
    if kind == ULYSSES:
        tokens = micro_batch * sequence / context
        into = 2.0 * tokens * (shape.query_dim + shape.kv_dim) / tensor
        out = 2.0 * tokens * shape.value_dim / tensor
        exchange = transfer_s(prices, CONTEXT_EXCHANGE, into)
        exchange += transfer_s(prices, CONTEXT_EXCHANGE, out)
        return Messages(exchange, exchange, exchange, 2.0 * exchange, 2.0 * (into + out) * left)
    num_bytes = 2.0 * micro_batch * sequence * shape.kv_dim / tensor
    message = transfer_s(prices, CONTEXT_GATHER, num_bytes)
    if kind != RING:
        return Messages(message, 2.0 * message, message, 3.0 * message, 3.0 * num_bytes * left)
    return Messages(
        interleaved_s(message, attention_forward, context),
        interleaved_s(2.0 * message, attention_backward, context),
        message,
        3.0 * message,
        3.0 * num_bytes * (context - 1.0) / context,
    )


@njit(cache=True)
def _expert_messages(
    work: Work,
    tensor: float,
    expert: float,
    window_s: float,
    prices: np.ndarray,
    shape: ShapeInputs,
    software: SoftwareInputs,
) -> Messages:
    """Return dispatch and combine of the experts' visits, both again in backward.

    Software that overlaps them runs one microbatch's messages beside another's work: what is longer
    than the window stays visible. The busiest accelerator's visits set the pace.
    """
    if expert == 1.0:
        return Messages(0.0, 0.0, 0.0, 0.0, 0.0)
    elements = software.routing_imbalance * work.visits * shape.hidden / tensor
    dispatch = transfer_s(prices, EXPERT_EXCHANGE, software.dispatch_bytes * elements)
    combine = transfer_s(prices, EXPERT_EXCHANGE, software.combine_bytes * elements)
    # backward returns gradients of what was combined, and of what was dispatched, in 16 bits
    forward, backward = dispatch + combine, 2.0 * combine
    sent = software.dispatch_bytes + 3.0 * software.combine_bytes
    sent *= elements * (expert - 1.0) / expert
    visible = 1.0
    if software.overlaps_expert and forward + backward > 0.0:
        visible = max(0.0, 1.0 - window_s / (forward + backward))
    return Messages(visible * forward, visible * backward, forward, forward + backward, sent)


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

    by_tensor = _tensor_messages(work, tensor, qkv, out, ffn, prices, shape, software)
    by_context = _context_messages(
        micro_batch, sequence, tensor, context, context_kind, attention_forward,
        attention_backward, prices, shape,
    )  # fmt: skip
    by_expert = Messages(0.0, 0.0, 0.0, 0.0, 0.0)
    taken = min(1.0, software.communication_multiprocessors / machine.num_multiprocessors)
    if has_experts:
        by_expert = _expert_messages(
            work, tensor, expert, (1.0 - taken) * (forward + backward), prices, shape, software
        )
    by_tensor = _with_contention(by_tensor, taken)
    by_expert = _with_contention(by_expert, taken)

    again = 0.0
    if recompute == OFFLOAD:
        # a layer's activations leave under its forward and come back under its backward
        kept = tokens * activation_bytes_per_token(sequence, 0, has_experts, tensor, shape, software)
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
