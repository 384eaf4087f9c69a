"""Messages of one transformer layer, and what of them stays visible beside the layer's work."""

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
    ShapeInputs,
    SoftwareInputs,
)
from netloom.kernels.messages import interleaved_s, transfer_s


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
def tensor_messages(
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
def with_contention(messages: Messages, taken: float) -> Messages:
    """Return messages with what they keep from the work that they run beside.

    A message beside work holds the share `taken` of the multiprocessors, so that the work ends that
    share of the message's time later.
    """
    ahead = messages.forward_s + taken * (messages.ahead_s - messages.forward_s)
    back_s = messages.total_s - messages.ahead_s
    back = messages.backward_s + taken * (back_s - messages.backward_s)
    return Messages(ahead, back, messages.ahead_s, messages.total_s, messages.sent_bytes)


@njit(cache=True)
def context_messages(
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
def expert_messages(
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
