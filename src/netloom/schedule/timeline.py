"""A pipeline's operations in time: when each runs, what bounds them, what waits.

Legend for shapes: N operations, device by device in order; D devices; C chunks on each; V virtual
stages; K operations on the critical path.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.errors import InfeasibleError, ParameterError
from netloom.schedule.durations import Durations, Sends
from netloom.schedule.operations import Order, Phase


@dataclass(frozen=True, eq=False)
class Timeline:
    """One step's pipeline in time; arrays are read-only.

    On every device ``busy_s + sending_s + bubble_s`` is the makespan, and on the critical path
    ``critical_compute_s.sum() + critical_sends_s`` is.

    Attributes
    ----------
    order : the operations.
    start_s, end_s : float64, shape (N,).
    makespan_s : when the last operation ends; the first starts at 0.
    busy_s : float64, shape (D,), computing.
    sending_s : float64, shape (D,), sending and doing nothing else; 0 where sends overlap.
    bubble_s : float64, shape (D,), idle from 0 to the makespan.
    idle_within_s : float64, shape (D,), idle between the device's own first and last operation,
        the part of the bubble that remains when devices need not start and end together.
    critical_path : int64, shape (K,), operations, each of which starts when the one before has
        ended and its result has arrived; the last ends at the makespan.
    critical_compute_s : float64, shape (D, 5), of the critical path, by device and `Phase`.
    critical_sends_s : the rest of it.
    first_forward_s : float64, shape (D, C), when a chunk's weights are needed first.
    gradients_ready_s : float64, shape (D, C), when its last gradient of weights is done: reducing
        it can hide behind what is left of the step.
    peak_activations : int64, shape (D,), most chunks' activations of one microbatch that are alive
        at once, from the start of the forward to the end of the gradient of the weights.
    """

    order: Order
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    makespan_s: float
    busy_s: NDArray[np.float64]
    sending_s: NDArray[np.float64]
    bubble_s: NDArray[np.float64]
    idle_within_s: NDArray[np.float64]
    critical_path: NDArray[np.int64]
    critical_compute_s: NDArray[np.float64]
    critical_sends_s: float
    first_forward_s: NDArray[np.float64]
    gradients_ready_s: NDArray[np.float64]
    peak_activations: NDArray[np.int64]


def simulate(order: Order, durations: Durations, sends: Sends | None = None) -> Timeline:
    """Return an order in time.

    Parameters
    ----------
    order : of all devices.
    durations : V must be the order's.
    sends : nothing takes time to send when left out.

    Raises
    ------
    InfeasibleError
        When devices wait for each other for ever; the message names who waits for what.

    Examples
    --------
    Two stages, two microbatches, 1 s forward and 2 s backward: ``(2 + 1) * (1 + 2)`` seconds.

    >>> from netloom.schedule import order, uniform_durations
    >>> simulate(order("gpipe", 2, 2), uniform_durations(2, 1.0, 1.0, 1.0)).makespan_s
    9.0
    """
    from netloom.kernels.schedule import play, trace_back

    num_stages = order.num_virtual_stages
    if durations.seconds.shape[1] != num_stages:
        raise ParameterError(
            f"durations are for {durations.seconds.shape[1]} virtual stages",
            hint=f"the schedule has {num_stages}",
        )
    if sends is None:
        sends = Sends(np.zeros(num_stages - 1), np.zeros(num_stages - 1))
    if len(sends.latency_s) != num_stages - 1:
        raise ParameterError(
            f"sends are for {len(sends.latency_s)} pairs of virtual stages",
            hint=f"the schedule has {num_stages - 1}",
        )
    duration_s = durations.seconds[order.phase, order.stage]
    # number -1, no crossing, is the last entry
    latency_s, transfer_s = (np.append(s, 0.0) for s in (sends.latency_s, sends.transfer_s))
    delay_s = latency_s[order.links.crossed]
    if sends.overlapped:
        delay_s = delay_s + transfer_s[order.links.crossed]
        occupied_s = np.zeros(len(duration_s))
    else:
        occupied_s = transfer_s[order.links.sent].sum(axis=1)
    played = play(order.device_start, order.links.needs, delay_s, duration_s, occupied_s)
    if (played.position < order.device_start[1:]).any():
        raise InfeasibleError(_deadlock(order, played.position))
    path = trace_back(played.end_s, played.cause)
    return _timeline(order, duration_s, occupied_s, played.start_s, played.end_s, path)


def _timeline(
    order: Order,
    duration_s: NDArray[np.float64],
    occupied_s: NDArray[np.float64],
    start_s: NDArray[np.float64],
    end_s: NDArray[np.float64],
    path: NDArray[np.int64],
) -> Timeline:
    first, last = order.device_start[:-1], order.device_start[1:] - 1
    makespan_s = float(end_s.max())
    busy_s = np.add.reduceat(duration_s, first)
    sending_s = np.add.reduceat(occupied_s, first)
    compute_s = np.zeros((order.num_devices, len(Phase)))
    np.add.at(compute_s, (order.device[path], order.phase[path]), duration_s[path])
    first_forward_s, gradients_ready_s = _windows(order, start_s, end_s)
    timeline = Timeline(
        order=order,
        start_s=start_s,
        end_s=end_s,
        makespan_s=makespan_s,
        busy_s=busy_s,
        sending_s=sending_s,
        bubble_s=makespan_s - busy_s - sending_s,
        idle_within_s=end_s[last] + occupied_s[last] - start_s[first] - busy_s - sending_s,
        critical_path=path,
        critical_compute_s=compute_s,
        critical_sends_s=float((start_s[path[1:]] - end_s[path[:-1]]).sum()),
        first_forward_s=first_forward_s,
        gradients_ready_s=gradients_ready_s,
        peak_activations=_peak_activations(order),
    )
    for value in vars(timeline).values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    return timeline


def _windows(
    order: Order, start_s: NDArray[np.float64], end_s: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return when each chunk first runs, and when its last gradient of weights is done."""
    first_s, ready_s = np.empty(order.virtual_stage.shape), np.empty(order.virtual_stage.shape)
    # a device's operations are in order of time, and of several values for a place the last stays
    is_block = order.phase == Phase.FORWARD_BACKWARD
    forward = np.flatnonzero(is_block | (order.phase == Phase.FORWARD))[::-1]
    first_s[order.device[forward], order.chunk[forward]] = start_s[forward]
    split = (order.phase == Phase.FORWARD) | (order.phase == Phase.BACKWARD_INPUT)
    weight = np.flatnonzero(~split)
    chunk = np.where(is_block, order.paired_chunk, order.chunk)[weight]
    ready_s[order.device[weight], chunk] = end_s[weight]
    return first_s, ready_s


def _peak_activations(order: Order) -> NDArray[np.int64]:
    """Return the most activations alive on each device, in chunks of one microbatch.

    It follows from the order alone: a device runs one operation at a time.
    """
    change = np.zeros(len(Phase), np.int64)
    change[Phase.FORWARD] = 1
    change[[Phase.BACKWARD, Phase.BACKWARD_WEIGHT]] = -1
    # every device ends with none, so one running sum serves all; a block holds both while it runs
    alive = np.cumsum(change[order.phase]) + (order.phase == Phase.FORWARD_BACKWARD)
    return np.maximum.reduceat(alive, order.device_start[:-1])


def _deadlock(order: Order, position: NDArray[np.int64]) -> str:
    """Return who waits for whom, once round the circle of devices that wait for each other."""
    blocked = {
        device: int(n) for device, n in enumerate(position) if n < order.device_start[device + 1]
    }
    done = np.zeros(len(order.phase), bool)
    for device, n in enumerate(position):
        done[order.device_start[device] : n] = True
    of_operation = order.device
    waits_for = {}
    for device, n in blocked.items():
        missing = [int(q) for q in order.links.needs[n] if q >= 0 and not done[q]]
        waits_for[device] = missing[0]
    device = next(iter(blocked))
    walked: list[int] = []
    while device not in walked:
        walked.append(device)
        device = int(of_operation[waits_for[device]])
    circle = walked[walked.index(device) :]
    sentences = [
        f"device {waiting} cannot start {order.name(blocked[waiting])} before "
        f"{order.name(waits_for[waiting])}, which device {int(of_operation[waits_for[waiting]])} "
        f"has later in its order"
        for waiting in circle
    ]
    return "the order of the pipeline is deadlocked: " + "; ".join(sentences)
