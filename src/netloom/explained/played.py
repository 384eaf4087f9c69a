"""The parts of a step that was played in time, and the seconds of its phases.

Legend for shapes: D devices, V virtual stages.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netloom.explained.stages import StageColumns
from netloom.result import StepParts
from netloom.schedule.operations import Phase
from netloom.simulate.timeline import DIMENSIONS, PhaseSeconds, PlayedPlan


class PlayedStep(NamedTuple):
    """A played step, device by device.

    Attributes
    ----------
    busiest : the device with the most to do.
    parts : of that device; they add up to the step. Pipeline sends are what they make the pipeline
        longer, and the bubble is the rest of the time in which the device waits.
    pipeline_ends_s : float64, shape (D,), when each device has passed on its last result.
    data_s, optimizer_s : float64, shape (D,), gradients and weights that a device waits for after
        that, and its optimizer.
    """

    busiest: int
    parts: StepParts
    pipeline_ends_s: NDArray[np.float64]
    data_s: NDArray[np.float64]
    optimizer_s: NDArray[np.float64]

    @property
    def step_s(self) -> float:
        """Seconds of one step."""
        return self.parts.total_s


class PhaseMeans(NamedTuple):
    """Seconds that a device spends in each phase of a step, the mean over devices."""

    forward_s: float
    backward_s: float
    weight_s: float
    block_s: float
    bubble_s: float


def played_step(played: PlayedPlan, by_stage: StageColumns) -> PlayedStep:
    """Return a played pipeline with what follows it: gradients, optimizer, the slowest rank.

    Each device's gradients and optimizer follow its own last operation, and the step is that of
    the device that ends last, as in the closed form. Gradients and optimizer are those of the
    plan's own split into stages. Under DualPipe a device has the gradients of two stages; their
    optimizer's states it shares with the device that holds the other copies.
    """
    from netloom.kernels.step import BY_DATA, OPTIMIZER

    timeline = played.timeline
    order, first = timeline.order, timeline.order.device_start[:-1]
    ends_s = timeline.start_s[first] + timeline.busy_s + timeline.sending_s
    ends_s += timeline.idle_within_s
    data_s, optimizer_s = by_stage.columns[:, BY_DATA], by_stage.columns[:, OPTIMIZER]
    if played.kind == "dualpipe":
        data_s = data_s + data_s[::-1]
    work_s = float((ends_s + data_s + optimizer_s).max())

    load_s = timeline.busy_s + data_s + optimizer_s
    # of devices that do the same, the first, whatever rounding says
    busiest = int(np.argmax(load_s >= load_s.max() * (1.0 - 1e-9)))
    mine = slice(int(order.device_start[busiest]), int(order.device_start[busiest + 1]))
    phase, stage = order.phase[mine], order.stage[mine]
    work, waits = _of_phases(played.phases)
    tensor_s, context_s, expert_s = waits[:, phase, stage].sum(axis=1).tolist()
    pipeline_s = timeline.makespan_s - played.without_sends_s
    follows_s = float(data_s[busiest] + optimizer_s[busiest])
    bubble_s = work_s - follows_s - pipeline_s - float(timeline.busy_s[busiest])
    if abs(bubble_s) < 1e-12 * work_s:
        bubble_s = 0.0  # what rounding leaves of a device that never waits
    parts = StepParts(
        compute_s=float(work[phase, stage].sum()),
        tensor_s=tensor_s,
        context_s=context_s,
        expert_s=expert_s,
        pipeline_s=pipeline_s,
        data_s=float(data_s[busiest]),
        bubble_s=bubble_s,
        optimizer_s=float(optimizer_s[busiest]),
        straggler_s=by_stage.slowdown * work_s,
    )
    return PlayedStep(busiest, parts, ends_s, data_s, optimizer_s)


def _of_phases(phases: PhaseSeconds) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return work, and messages waited for, of each phase on each virtual stage.

    Shapes (5, V) and (3, 5, V), rows in the order of `Phase`. A block's backward is that of the
    mirrored stage; what it takes beyond its work and other messages are expert messages.
    """
    forward, backward = phases.forward_compute_s, phases.backward_compute_s
    weight = phases.weight_s
    work = np.stack([forward, backward, backward - weight, weight, forward + backward[::-1]])
    ahead, back = phases.forward_waits_s, phases.backward_waits_s
    both = ahead + back[:, ::-1]
    expert = DIMENSIONS.index("expert")
    others = [k for k in range(len(DIMENSIONS)) if k != expert]
    both[expert] = phases.block_s - work[Phase.FORWARD_BACKWARD] - both[others].sum(axis=0)
    waits = np.stack([ahead, back, back, np.zeros_like(back), both], axis=1)
    return work, waits


def phase_means(played: PlayedPlan) -> PhaseMeans:
    """Return what devices do with their time, the mean over devices; gradients follow apart.

    Backward counts gradients of inputs alone and whole backwards, which is how DeepSeek-AI lists
    them (arXiv:2505.09343, table 4).
    """
    timeline = played.timeline
    order = timeline.order
    seconds = (
        np.bincount(order.phase, timeline.end_s - timeline.start_s, minlength=len(Phase))
        / order.num_devices
    )
    return PhaseMeans(
        forward_s=float(seconds[Phase.FORWARD]),
        backward_s=float(seconds[Phase.BACKWARD] + seconds[Phase.BACKWARD_INPUT]),
        weight_s=float(seconds[Phase.BACKWARD_WEIGHT]),
        block_s=float(seconds[Phase.FORWARD_BACKWARD]),
        bubble_s=float(timeline.bubble_s.mean()),
    )
