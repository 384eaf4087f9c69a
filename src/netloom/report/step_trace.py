"""An explained step as tracks in time: one process for each device of the pipeline.

Legend for shapes: N operations, D devices, S slices.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from netloom.explained import ExplainedStep
from netloom.report.perfetto import Track
from netloom.schedule.operations import Order, Phase
from netloom.simulate.timeline import DIMENSIONS, PhaseSeconds

#: Names of what follows the pipeline.
_HIDDEN, _WAITED, _OPTIMIZER, _END = (
    "gradients and weights, hidden",
    "gradients and weights, waited for",
    "optimizer",
    "waiting for the end of the step",
)


def step_tracks(step: ExplainedStep) -> Iterator[Track]:
    """Yield the tracks of every device: compute, its messages, its sends, gradients and weights.

    Messages of a phase are drawn as one slice of their whole length from the phase's start; in
    truth they alternate with the products of its layers. Gradients and weights that hide behind
    work are drawn together, right before those that are waited for.
    """
    order, timeline = step.played.timeline.order, step.played.timeline
    names, number = operation_names(order)
    lengths = _message_lengths(step.played.phases, order)
    for device, stages in enumerate(order.virtual_stage):
        mine = slice(int(order.device_start[device]), int(order.device_start[device + 1]))
        start_s, end_s = timeline.start_s[mine], timeline.end_s[mine]
        held = ", ".join(map(str, stages.tolist()))
        process = f"device {device}: virtual stage{'s' if len(stages) > 1 else ''} {held}"
        yield _with_end(
            Track(process, "compute", start_s, end_s, number[mine], names), step, device
        )
        for dimension, seconds in zip(DIMENSIONS, lengths[:, mine], strict=True):
            sent = np.flatnonzero(seconds > 0.0)
            if len(sent):
                yield Track(
                    process, f"{dimension} messages", start_s[sent],
                    np.minimum(start_s[sent] + seconds[sent], end_s[sent]),
                    number[mine][sent], names,
                )  # fmt: skip
        for way, noun in enumerate(("activations", "gradients")):
            sent = np.flatnonzero(order.links.sent[mine, way] >= 0)
            if len(sent) and step.played.send_s > 0.0:
                arrives_s = end_s[sent] + step.played.send_s
                # what is still on its way when the next one leaves is cut off
                arrives_s[:-1] = np.minimum(arrives_s[:-1], end_s[sent][1:])
                yield Track(
                    process, f"pipeline sends, {noun}", end_s[sent], arrives_s,
                    number[mine][sent], names,
                )  # fmt: skip
        data = _data_track(process, step, device)
        if len(data.name):
            yield data


def operation_names(order: Order) -> tuple[list[str], NDArray[np.int64]]:
    """Return the names of operations, each once, and the number of every operation's.

    Examples
    --------
    >>> from netloom.schedule import order
    >>> names, number = operation_names(order("one-f-one-b", 2, 3))
    >>> names[number[0]]
    'forward mb 0 chunk 0'
    """
    columns = np.stack(
        [order.phase, order.microbatch, order.chunk, order.paired_microbatch, order.paired_chunk],
        axis=1,
    )
    distinct, number = np.unique(columns, axis=0, return_inverse=True)
    return [_name(*row) for row in distinct.tolist()], number.reshape(-1)


def _name(phase: int, microbatch: int, chunk: int, paired: int, paired_chunk: int) -> str:
    if phase == Phase.FORWARD_BACKWARD:
        return f"forward mb {microbatch} chunk {chunk}, backward mb {paired} chunk {paired_chunk}"
    return f"{Phase(phase).words} mb {microbatch} chunk {chunk}"


def _message_lengths(phases: PhaseSeconds, order: Order) -> NDArray[np.float64]:
    """Return seconds of each operation's messages, hidden part included: float64, shape (3, N)."""
    ahead, back = phases.forward_messages_s, phases.backward_messages_s
    none = np.zeros_like(ahead)
    by_phase = np.stack([ahead, back, back, none, ahead + back[:, ::-1]], axis=1)
    return by_phase[:, order.phase, order.stage]


def _with_end(track: Track, step: ExplainedStep, device: int) -> Track:
    """Return a device's compute with its optimizer and what it waits for after that."""
    after = step.played_step
    begin_s = float(after.pipeline_ends_s[device] + after.data_s[device])
    done_s = begin_s + float(after.optimizer_s[device])
    num_names = len(track.names)
    return track._replace(
        start_s=np.append(track.start_s, [begin_s, done_s]),
        end_s=np.append(track.end_s, [done_s, max(done_s, after.step_s)]),
        name=np.append(track.name, [num_names, num_names + 1]),
        names=[*track.names, _OPTIMIZER, _END],
    )


def _data_track(process: str, step: ExplainedStep, device: int) -> Track:
    """Return gradients and weights of a device: those hidden behind work, those waited for."""
    from netloom.kernels.step import DATA_TOTAL

    after = step.played_step
    begin_s, waited_s = float(after.pipeline_ends_s[device]), float(after.data_s[device])
    hidden_s = max(0.0, float(step.by_stage.columns[device, DATA_TOTAL]) - waited_s)
    start_s = np.array([max(0.0, begin_s - hidden_s), begin_s])
    end_s = np.array([begin_s, begin_s + waited_s])
    drawn = end_s > start_s
    return Track(
        process, "data messages", start_s[drawn], end_s[drawn], np.flatnonzero(drawn),
        [_HIDDEN, _WAITED],
    )  # fmt: skip
