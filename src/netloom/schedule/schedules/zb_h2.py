"""ZB-H2: so many forwards ahead that devices are never idle once they have begun.

The devices start one after the other and end one after the other: the next step's first forward may
follow before the last device has ended, because the optimizer's synchronisation is put after it.

References
----------
.. [1] Qi, Wan, Huang and Lin, "Zero bubble pipeline parallelism", ICLR 2024, arXiv:2401.10241,
   sections 2.2 and 4, table 2 and figure 3, bottom.
"""

from __future__ import annotations

from netloom.schedule.durations import Uniform
from netloom.schedule.operations import Order, assemble, require_chunks, straight
from netloom.schedule.schedules.zb_h1 import delayed

#: What of a `Timeline` the closed form of the bubble counts.
COUNTED = "idle_within_s"


def build(num_stages: int, num_microbatches: int, num_chunks: int) -> Order:
    """Return the order of figure 3, bottom: twice what ZB-H1 does ahead and keeps back.

    Examples
    --------
    >>> build(2, 3, 1).phase[:9]
    array([0, 0, 0, 2, 3, 2, 3, 2, 3])
    """
    require_chunks("zb-h2", num_chunks, 1)
    devices = [
        delayed(2 * (num_stages - device - 1), 2 * device, num_microbatches)
        for device in range(num_stages)
    ]
    return assemble(devices, straight(num_stages), num_microbatches)


def bubble_s(num_stages: int, num_chunks: int, uniform: Uniform) -> float:
    """Return ``(p - 1) (F + B - 2 W)``, B the gradient of the input alone [1]_.

    Exact for W no longer than F and B, and at least ``2 p - 1`` microbatches. Devices need not
    start and end together, or there is a bubble of ``(p - 1) F`` at least.

    Examples
    --------
    >>> bubble_s(4, 1, Uniform(1.0, 1.5, 1.0, 3.5))
    1.5
    """
    return (num_stages - 1) * (uniform.forward_s + uniform.input_s - 2 * uniform.weight_s)


def peak_activations(device: int, num_stages: int, num_microbatches: int, num_chunks: int) -> int:
    """Return ``min(m, 2 p - 1)`` on every device [1]_; exact.

    Examples
    --------
    >>> peak_activations(0, 4, 8, 1)
    7
    """
    return min(num_microbatches, 2 * num_stages - 1)
