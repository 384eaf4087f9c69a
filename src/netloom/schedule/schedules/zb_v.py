"""ZB-V: two chunks on each device, placed as a V, so that the loss comes back to the first device.

Chunk 0 of device d is virtual stage d, chunk 1 is virtual stage ``2 p - 1 - d``. No bubble with the
memory of 1F1B where forward and both parts of the backward take equally long.

References
----------
.. [1] Qi, Wan, Huang and Lin, "Zero bubble pipeline parallelism", arXiv:2401.10241v3, section 6.
.. [2] Qi, Wan, Amar and Lin, "Pipeline parallelism with controllable memory", NeurIPS 2024,
   arXiv:2405.15362, table 1 (V-ZB).
"""

from __future__ import annotations

import numpy as np

from netloom.schedule.durations import Uniform
from netloom.schedule.operations import (
    Order,
    Phase,
    Slot,
    assemble,
    drop_after,
    number,
    repeat,
    require_chunks,
)

#: What of a `Timeline` the closed form of the bubble counts.
COUNTED = "idle_within_s"

F0, F1 = Slot(Phase.FORWARD, 0), Slot(Phase.FORWARD, 1)
I0, I1 = Slot(Phase.BACKWARD_INPUT, 0), Slot(Phase.BACKWARD_INPUT, 1)
W0, W1 = Slot(Phase.BACKWARD_WEIGHT, 0), Slot(Phase.BACKWARD_WEIGHT, 1)


def build(num_stages: int, num_microbatches: int, num_chunks: int) -> Order:
    """Return the order by hand; below ``2 p - 1`` microbatches the last ones are left out.

    Examples
    --------
    >>> build(2, 3, 2).virtual_stage
    array([[0, 3],
           [1, 2]])
    """
    require_chunks("zb-v", num_chunks, 2)
    more = max(0, num_microbatches - 2 * num_stages + 1)
    devices = []
    for device in range(num_stages):
        back = num_stages - device
        slots = repeat(
            [
                (2 * back - 1, (F0,)),
                (device, (F1, F0)),
                (back, (F1, I1, W1)),
                (more + device, (F0, I0, W0, F1, I1, W1)),
                (back - 1, (I0, W0, F1, I1, W1)),
                (device, (I0, I1)),
                (back, (I0, W0)),
                (device, (W1,)),
                (device, (W0,)),
            ]
        )
        devices.append(drop_after(number(slots), num_microbatches))
    down = np.arange(num_stages)
    return assemble(devices, np.stack([down, 2 * num_stages - 1 - down], 1), num_microbatches)


def bubble_s(num_stages: int, num_chunks: int, uniform: Uniform) -> float:
    """Return ``2 (p - 1) (max(F, B) - W)``, B the gradient of the input alone.

    Published is 0 for F = B = W [1]_ [2]_, where devices need not start and end together. The rest
    is this order's own, found with the engine: exact for ``W <= F <= B`` and at least ``2 p - 1``
    microbatches; too long by no more than ``F - B`` for a longer forward. The authors change the
    order with the durations instead.

    Examples
    --------
    >>> bubble_s(4, 2, Uniform(1.0, 1.0, 1.0, 3.0))
    0.0
    """
    longest_s = max(uniform.forward_s, uniform.input_s)
    return 2 * (num_stages - 1) * (longest_s - uniform.weight_s)


def peak_activations(device: int, num_stages: int, num_microbatches: int, num_chunks: int) -> int:
    """Return 2 p chunks, as much as 1F1B's p microbatches [1]_ [2]_.

    Exact from ``2 p - 1`` microbatches on; with fewer a device may hold less.

    Examples
    --------
    >>> peak_activations(0, 4, 8, 2)
    8
    """
    return 2 * min(num_microbatches, num_stages)
