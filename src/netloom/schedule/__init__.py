"""Pipeline schedules in time: who computes what when, what is critical, what waits.

`run` plays a schedule with given durations; `kinds` names the schedules. One schedule is one module
of `netloom.schedule.schedules`. It defines

``build(num_stages, num_microbatches, num_chunks)``
    the `Order` of every device, or a `ParameterError` that says which numbers it takes;
``bubble_s(num_stages, num_chunks, uniform)``
    its published closed form for `Uniform` stages without sends, with its source and where it
    holds: of the device that idles longest;
``COUNTED``
    the field of `Timeline` that the form counts, ``"bubble_s"`` or ``"idle_within_s"``;
``peak_activations(device, num_stages, num_microbatches, num_chunks)``
    most chunks' activations of one microbatch that a device holds at once.
"""

from __future__ import annotations

from functools import lru_cache

from netloom.errors import ParameterError
from netloom.registry import Registry
from netloom.schedule.durations import (
    Durations,
    Sends,
    Uniform,
    split_durations,
    uniform_durations,
    uniform_sends,
)
from netloom.schedule.operations import Order, Phase
from netloom.schedule.timeline import Timeline, simulate

__all__ = [
    "SCHEDULES",
    "Durations",
    "Order",
    "Phase",
    "Sends",
    "Timeline",
    "Uniform",
    "kinds",
    "order",
    "run",
    "simulate",
    "split_durations",
    "uniform_durations",
    "uniform_sends",
]

SCHEDULES = Registry(
    "netloom.schedule.schedules",
    "netloom.schedule",
    "pipeline schedule",
    required=("COUNTED", "build", "bubble_s", "peak_activations"),
)


def kinds() -> tuple[str, ...]:
    """Return the names of all schedules.

    >>> kinds()[:3]
    ('dualpipe', 'gpipe', 'interleaved')
    """
    return SCHEDULES.names()


@lru_cache(maxsize=64)
def order(kind: str, num_stages: int, num_microbatches: int, num_chunks: int = 1) -> Order:
    """Return a schedule's operations; made once for the same numbers.

    Raises
    ------
    ParameterError
        When the kind is unknown or the numbers do not fit it; the hint names what does.

    >>> order("one-f-one-b", 2, 2).phase
    array([0, 0, 1, 1, 0, 1, 0, 1])
    """
    counts = {"stages": num_stages, "microbatches": num_microbatches, "chunks": num_chunks}
    for noun, count in counts.items():
        if count < 1:
            raise ParameterError(f"a pipeline of {count} {noun}", hint="1 or more")
    return SCHEDULES.get(kind).build(num_stages, num_microbatches, num_chunks)


def run(
    kind: str,
    num_stages: int,
    num_microbatches: int,
    num_chunks: int,
    durations: Durations,
    sends: Sends | None = None,
) -> Timeline:
    """Return a schedule in time.

    Parameters
    ----------
    kind : one of `kinds`.
    num_stages : devices that the model is spread over.
    num_microbatches : of one step, over both directions of a bidirectional pipeline.
    num_chunks : chunks on each device.
    durations : of each phase on each virtual stage.
    sends : between neighbouring virtual stages; free when left out.

    Examples
    --------
    Four stages, eight microbatches, 1 s forward and 2 s backward: ``3 * (1 + 2)`` seconds of
    bubble.

    >>> timeline = run("one-f-one-b", 4, 8, 1, uniform_durations(4, 1.0, 1.0, 1.0))
    >>> timeline.makespan_s, timeline.bubble_s, timeline.peak_activations
    (33.0, array([9., 9., 9., 9.]), array([4, 3, 2, 1]))
    """
    return simulate(order(kind, num_stages, num_microbatches, num_chunks), durations, sends)
