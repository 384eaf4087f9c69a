"""Messages of data parallelism: gradients and weights of one pipeline stage."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from netloom.kernels.inputs import (
    DATA_SCATTER,
    EXPERT_DATA_SCATTER,
    EXPERT_REPLICA_REDUCE,
    REPLICA_REDUCE,
    SoftwareInputs,
)
from netloom.kernels.memory import StageParameters
from netloom.kernels.messages import hidden_rest_s


class DataMessages(NamedTuple):
    """Gradients and weights that cross the data group: whole and exposed seconds, bytes sent."""

    total_s: float
    exposed_s: float
    sent_bytes: float


@njit(cache=True)
def _across_data_s(
    held: StageParameters, bytes_per_parameter: float, calls: float, prices: np.ndarray
) -> float:
    """Return seconds of one reduce-scatter or all-gather of a stage's parameters, in `calls`."""
    seconds = 0.0
    if held.common > held.common_sharded:
        seconds += calls * prices[DATA_SCATTER, 0]
        seconds += held.common * bytes_per_parameter * prices[DATA_SCATTER, 1]
    if held.routed > held.routed_sharded:
        seconds += calls * prices[EXPERT_DATA_SCATTER, 0]
        seconds += held.routed * bytes_per_parameter * prices[EXPERT_DATA_SCATTER, 1]
    return seconds


@njit(cache=True)
def _across_replicas(
    held: StageParameters, bytes_per_parameter: float, calls: float, prices: np.ndarray
) -> tuple[float, float]:
    """Return seconds and bytes sent of the all-reduce of shards over their replicas."""
    seconds = sent = 0.0
    if held.common_replicas > 1.0:
        num_bytes = held.common_sharded * bytes_per_parameter
        seconds += calls * prices[REPLICA_REDUCE, 0] + num_bytes * prices[REPLICA_REDUCE, 1]
        sent += 2.0 * num_bytes * (held.common_replicas - 1.0) / held.common_replicas
    if held.routed_replicas > 1.0 and held.routed > 0.0:
        num_bytes = held.routed_sharded * bytes_per_parameter
        seconds += calls * prices[EXPERT_REPLICA_REDUCE, 0]
        seconds += num_bytes * prices[EXPERT_REPLICA_REDUCE, 1]
        sent += 2.0 * num_bytes * (held.routed_replicas - 1.0) / held.routed_replicas
    return seconds, sent


@njit(cache=True)
def data_messages(
    held: StageParameters,
    sharding: int,
    num_micro: float,
    calls: float,
    forward_window_s: float,
    backward_window_s: float,
    software: SoftwareInputs,
    prices: np.ndarray,
) -> DataMessages:
    """Return messages of data parallelism.

    Sharding nothing reduces gradients after backward (an all-reduce is a reduce-scatter and an
    all-gather); sharding the optimizer scatters gradients under backward and gathers weights under
    forward; sharding gradients scatters in every microbatch; sharding parameters gathers them in
    every forward and every backward as well. Where shards have replicas, an all-reduce over these
    follows the last backward's scatters.
    """
    scatter = _across_data_s(held, software.gradient_bytes, calls, prices)
    gather = _across_data_s(held, 2.0, calls, prices)
    if sharding == 3:
        # parameters are gathered tensor by tensor, at the rate that the release's gathers reach
        more_calls = calls * software.gathers_per_layer
        slower = 1.0 / software.gather_rate_fraction
        scatter = _across_data_s(held, slower * software.gradient_bytes, more_calls, prices)
        gather = _across_data_s(held, slower * 2.0, more_calls, prices)
    moved = held.common - held.common_sharded + held.routed - held.routed_sharded
    forward, backward = gather, scatter
    forward_bytes, backward_bytes = 2.0 * moved, software.gradient_bytes * moved
    forward_repeats = backward_repeats = 1.0
    if sharding == 0:
        forward, backward = 0.0, 2.0 * scatter
        forward_bytes, backward_bytes = 0.0, 2.0 * backward_bytes
    elif sharding == 2:
        backward_repeats = num_micro
    elif sharding == 3:
        forward_repeats = backward_repeats = num_micro
        backward += gather
        backward_bytes += 2.0 * moved
    exposed = forward_repeats * hidden_rest_s(
        forward, forward_window_s, calls, software.overlaps_data
    )
    exposed += backward_repeats * hidden_rest_s(
        backward, backward_window_s, calls, software.overlaps_data
    )
    total = forward_repeats * forward + backward_repeats * backward
    sent = forward_repeats * forward_bytes + backward_repeats * backward_bytes
    across, across_bytes = _across_replicas(held, software.gradient_bytes, calls, prices)
    if across > 0.0:
        hidden = software.overlaps_data
        exposed += hidden_rest_s(backward + across, backward_window_s, calls, hidden)
        exposed -= hidden_rest_s(backward, backward_window_s, calls, hidden)
    return DataMessages(total + across, exposed, sent + across_bytes)
