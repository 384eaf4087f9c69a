"""When operations run whose order on every device is given: the longest path, in one pass.

A device works off its operations in order. An operation starts when the one before it on its device
has ended and sent, and when the results that it needs have arrived. Starting times are the longest
paths of that graph; each operation is touched once, because a device that cannot go on is woken by
the very operation that it waits for.

Legend for shapes: N operations, device by device in order; D devices; K operations of a path.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

#: Results that one operation may need: an overlapped block waits for two.
NUM_NEEDS = 2


class Played(NamedTuple):
    """What `play` returns.

    Attributes
    ----------
    start_s, end_s : float64, shape (N,), zero for operations that never ran.
    cause : int64, shape (N,), the operation whose end, and sends, let this one start; -1 for none.
    position : int64, shape (D,), first operation of each device that never ran; the device's end
        when all ran.
    """

    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    cause: NDArray[np.int64]
    position: NDArray[np.int64]


@njit(cache=True, nogil=True)
def play(
    device_start: np.ndarray,
    needs: np.ndarray,
    delay_s: np.ndarray,
    duration_s: np.ndarray,
    occupied_s: np.ndarray,
) -> Played:
    """Return when each operation starts and ends.

    Parameters
    ----------
    device_start : int64, shape (D + 1,), operations of device d are those from ``device_start[d]``
        to before ``device_start[d + 1]``.
    needs : int64, shape (N, 2), operations whose results this one needs; -1 for none.
    delay_s : float64, shape (N, 2), from the end of a needed operation, its sends included, to the
        arrival of its result.
    duration_s : float64, shape (N,).
    occupied_s : float64, shape (N,), that the device sends after the operation and does nothing
        else.

    Notes
    -----
    ``start[n] = max(end[n - 1] + occupied[n - 1], end[q] + occupied[q] + delay[n, q])`` over the
    needed operations q; of equal ones the device's own order is named as the cause.

    Examples
    --------
    Two devices, one forward each of 1 s and 2 s, and half a second to send:

    >>> played = play(
    ...     np.array([0, 1, 2]), np.array([[-1, -1], [0, -1]]), np.array([[0.0, 0.0], [0.5, 0.0]]),
    ...     np.array([1.0, 2.0]), np.zeros(2),
    ... )
    >>> played.start_s, played.end_s, played.cause
    (array([0. , 1.5]), array([1. , 3.5]), array([-1,  0]))
    """
    num_devices, num_operations = len(device_start) - 1, len(duration_s)
    start_s, end_s = np.zeros(num_operations), np.zeros(num_operations)
    cause = np.full(num_operations, -1, np.int64)
    done = np.zeros(num_operations, np.bool_)
    position = device_start[:-1].copy()
    # devices that wait for an operation form a list that starts at it
    first_waiting = np.full(num_operations, -1, np.int64)
    next_waiting = np.full(num_devices, -1, np.int64)
    runnable = np.arange(num_devices)[::-1].copy()
    num_runnable = num_devices
    while num_runnable > 0:
        num_runnable -= 1
        device = runnable[num_runnable]
        n = position[device]
        while n < device_start[device + 1]:
            missing = -1
            for k in range(NUM_NEEDS):
                if needs[n, k] >= 0 and not done[needs[n, k]]:
                    missing = needs[n, k]
            if missing >= 0:
                next_waiting[device] = first_waiting[missing]
                first_waiting[missing] = device
                break
            if n > device_start[device]:
                start_s[n] = end_s[n - 1] + occupied_s[n - 1]
                cause[n] = n - 1
            for k in range(NUM_NEEDS):
                needed = needs[n, k]
                if needed >= 0:
                    arrival_s = end_s[needed] + occupied_s[needed] + delay_s[n, k]
                    if arrival_s > start_s[n] or cause[n] < 0:
                        start_s[n] = max(start_s[n], arrival_s)
                        cause[n] = needed
            end_s[n] = start_s[n] + duration_s[n]
            done[n] = True
            woken = first_waiting[n]
            while woken >= 0:
                runnable[num_runnable] = woken
                num_runnable += 1
                woken = next_waiting[woken]
            n += 1
        position[device] = n
    return Played(start_s, end_s, cause, position)


@njit(cache=True, nogil=True)
def trace_back(end_s: np.ndarray, cause: np.ndarray) -> np.ndarray:
    """Return the critical path: int64, shape (K,), from the start to the operation that ends last.

    Examples
    --------
    >>> trace_back(np.array([1.0, 2.0, 5.0]), np.array([-1, 0, 0]))
    array([0, 2])
    """
    path = np.empty(len(end_s), np.int64)
    num_steps = 0
    n = np.argmax(end_s)
    while n >= 0:
        path[num_steps] = n
        num_steps += 1
        n = cause[n]
    return path[:num_steps][::-1].copy()
