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

#: Devices in a row that make a travel; fewer are devices that wait for each other in turn.
_FEWEST_TRAVELLED = 3

_STAY, _TRAVELS = "stay", ("down", "up")


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
        done = self.phases[-1]
        if len(self.phases) > 1:
            done = f"{', '.join(self.phases[:-1])} and {done}"
        return f"{where}: {done} of {which}" + (sends if self.num_sends else "")


def stretches(timeline: Timeline) -> tuple[Stretch, ...]:
    """Return the critical path from the step's start to the last operation.

    A device that the path stays on is a stretch of its own where it is long. Short stays are told
    together: those on the way through the stages, and those of devices that wait for each other
    in turn. Seconds add up to the makespan.

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
    device, phase = order.device[path].tolist(), order.phase[path].tolist()
    bounds = [0, *(np.flatnonzero(np.diff(device)) + 1).tolist(), len(path)]
    stays = list(pairwise(bounds))
    seconds = np.add.reduceat(timeline.end_s[path] - timeline.start_s[path], bounds[:-1])
    is_long = (seconds > _SHORT * timeline.makespan_s).tolist()
    labels = _labels([device[first] for first, _ in stays], is_long)
    # of two travels in one direction, one with the forwards and one with the backwards
    keys = [
        (label, number if label == _STAY else 0, phase[first] if label in _TRAVELS else 0)
        for number, (label, (first, _)) in enumerate(zip(labels, stays, strict=True))
    ]
    found = []
    for _, group in groupby(zip(keys, stays, strict=True), lambda item: item[0]):
        spans = [span for _, span in group]
        found.append(_stretch(timeline, spans[0][0], spans[-1][1]))
    return tuple(found)


def _words(phase: Phase) -> str:
    return "forward beside backward" if phase == Phase.FORWARD_BACKWARD else phase.words


def _labels(devices: list[int], is_long: list[bool]) -> list[str]:
    """Return what the path does at each device that it stays on.

    Examples
    --------
    >>> _labels([0, 1, 2, 3, 2, 3, 2], 7 * [False])
    ['up', 'up', 'up', 'up', 'in turn', 'in turn', 'in turn']
    """
    labels, first = [], 0
    while first < len(devices):
        if is_long[first]:
            labels.append(_STAY)
            first += 1
            continue
        end = first + 1
        rises = end < len(devices) and devices[end] > devices[first]
        while (
            end < len(devices)
            and not is_long[end]
            and devices[end] != devices[end - 1]
            and (devices[end] > devices[end - 1]) == rises
        ):
            end += 1
        travels = end - first >= _FEWEST_TRAVELLED
        labels += (end - first) * [_TRAVELS[rises] if travels else "in turn"]
        first = end
    return labels


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
        tuple(_words(Phase(phase)) for phase in dict.fromkeys(order.phase[mine].tolist())),
        (int(known.min()), int(known.max())),
        float((timeline.end_s[mine] - timeline.start_s[mine]).sum()),
        float(wait_s.sum()),
        int(np.count_nonzero(wait_s > 0.0)),
    )
