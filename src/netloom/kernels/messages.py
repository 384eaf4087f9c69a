"""What a message costs and how much of it stays visible beside computation."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def transfer_s(prices: np.ndarray, kind: int, num_bytes: float) -> float:
    """Return seconds of one call; `prices` is one plan's, float64, shape (10, 2)."""
    return prices[kind, 0] + num_bytes * prices[kind, 1]


@njit(cache=True)
def interleaved_s(message_s: float, compute_s: float, chunks: float) -> float:
    """Return what a message adds to a computation that it is interleaved with in equal chunks.

    Both run at once but for one chunk of the shorter, which has nothing to run beside.
    """
    return max(message_s, compute_s) + min(message_s, compute_s) / chunks - compute_s


@njit(cache=True)
def hidden_rest_s(message_s: float, window_s: float, calls: float, overlapped: bool) -> float:
    """Return what stays visible of a message cut into `calls` beside a window of computation.

    The last call has nothing left to hide behind.
    """
    if not overlapped:
        return message_s
    return max(message_s - window_s, message_s / calls)
