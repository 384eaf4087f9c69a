"""The critical path of a pipeline in words: what ends last, and what it waited for, to the start.

Legend for shapes: K operations on the critical path.
"""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import NamedTuple

import numpy as np

from netloom.schedule.operations import Phase
from netloom.schedule.timeline import Timeline

#: Stays on one device that are shorter than this share of the step are told together.
_SHORT = 0.02


class Stretch(NamedTuple):
    """A run of operations of the critical path, told as one.

    Attributes
    ----------
    devices : first and last, in the order of the path.
    num_operations : of it, all phases.
    phases : in words, in the order in which they first appear.
    microbatches : least and most.
    compute_s : of the operations; the messages that they wait for included.
    sends_s : between them, and from the stretch before.
    num_sends : that those seconds are for.
    """

    devices: tuple[int, int]
    num_operations: int
    phases: tuple[str, ...]
    microbatches: tuple[int, int]
    compute_s: float
    sends_s: float
    num_sends: int

    @property
    def words(self) -> str:
        """The stretch without its seconds.

        >>> Stretch((0, 3), 4, ("forward",), (0, 0), 4.0, 0.3, 3).words
        'devices 0 to 3: forward of microbatch 0, 3 sends'
        """
        (first, last), (low, high) = self.devices, self.microbatches
        where = f"device {first}" if first == last else f"devices {first} to {last}"
        which = f"microbatch {low}" if low == high else f"microbatches {low} to {high}"
        sends = f", {self.num_sends} send{'s' if self.num_sends > 1 else ''}"
        return f"{where}: {' and '.join(self.phases)} of {which}" + (
            sends if self.num_sends else ""
        )


def stretches(timeline: Timeline) -> tuple[Stretch, ...]:
    """Return the critical path from the step's start to the last operation.

    A device that the path stays on is a stretch of its own where it is long; short stays, on the
    way from stage to stage, are told together. Seconds add up to the makespan.

    Examples
    --------
    Two stages, three microbatches, 1 s forward and 2 s backward: down, three turns of the last
    stage less a forward, up.

    >>> from netloom import schedule
    >>> timeline = schedule.run("one-f-one-b", 2, 3, 1, schedule.uniform_durations(2, 1., 1., 1.))
    >>> [(found.words, found.compute_s) for found in stretches(timeline)]
    [('device 0: forward of microbatch 0', 1.0), ('device 1: forward and backward of microbatches \
0 to 2', 9.0), ('device 0: backward of microbatch 2', 2.0)]
    """
    path, order = timeline.critical_path, timeline.order
    device = order.device[path]
    bounds = np.concatenate([[0], np.flatnonzero(np.diff(device)) + 1, [len(path)]])
    seconds = np.add.reduceat(timeline.end_s[path] - timeline.start_s[path], bounds[:-1])
    is_long = (seconds > _SHORT * timeline.makespan_s).tolist()
    found = []
    for long, group in groupby(
        zip(is_long, pairwise(bounds.tolist()), strict=True), lambda s: s[0]
    ):
        spans = [span for _, span in group]
        told = spans if long else [(spans[0][0], spans[-1][1])]
        found += [_stretch(timeline, *span) for span in told]
    return tuple(found)


def _stretch(timeline: Timeline, first: int, end: int) -> Stretch:
    """Return operations `first` to before `end` of the critical path as one stretch."""
    order, path = timeline.order, timeline.critical_path
    mine = path[first:end]
    devices = order.device[mine]
    moves = np.diff(devices)
    ends = (int(devices[0]), int(devices[-1]))
    if (moves > 0).any() and (moves < 0).any():
        ends = (int(devices.min()), int(devices.max()))
    microbatches = np.concatenate([order.microbatch[mine], order.paired_microbatch[mine]])
    known = microbatches[microbatches >= 0]
    # what came before, and arrived on another device
    arriving = path[max(0, first - 1) : end]
    wait_s = timeline.start_s[arriving[1:]] - timeline.end_s[arriving[:-1]]
    return Stretch(
        ends,
        len(mine),
        tuple(Phase(phase).words for phase in dict.fromkeys(order.phase[mine].tolist())),
        (int(known.min()), int(known.max())),
        float((timeline.end_s[mine] - timeline.start_s[mine]).sum()),
        float(wait_s.sum()),
        int(np.count_nonzero(wait_s > 0.0)),
    )
