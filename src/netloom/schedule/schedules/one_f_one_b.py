"""1F1B: after a warm-up every device alternates one forward and one backward.

The same bubble as GPipe, but no more microbatches in flight than stages.

References
----------
.. [1] Narayanan et al., "Memory-efficient pipeline-parallel DNN training" (PipeDream-Flush), ICML
   2021, arXiv:2006.09503, section 3.2.
.. [2] Narayanan et al., "Efficient large-scale language model training on GPU clusters using
   Megatron-LM", SC 2021, arXiv:2104.04473, section 2.2.1 and figure 4, top.
"""

from __future__ import annotations

from netloom.schedule.durations import Uniform
from netloom.schedule.operations import (
    Order,
    Phase,
    Slot,
    assemble,
    number,
    repeat,
    require_chunks,
    straight,
)

#: What of a `Timeline` the closed form of the bubble counts.
COUNTED = "bubble_s"

FORWARD, BACKWARD = Slot(Phase.FORWARD), Slot(Phase.BACKWARD)


def build(num_stages: int, num_microbatches: int, num_chunks: int) -> Order:
    """Return the order: device d first does ``p - d - 1`` forwards, or all.

    Examples
    --------
    >>> build(2, 2, 1).phase
    array([0, 0, 1, 1, 0, 1, 0, 1])
    """
    require_chunks("one-f-one-b", num_chunks, 1)
    devices = []
    for device in range(num_stages):
        ahead = min(num_stages - device - 1, num_microbatches)
        devices.append(
            number(
                repeat(
                    [
                        (ahead, (FORWARD,)),
                        (num_microbatches - ahead, (FORWARD, BACKWARD)),
                        (ahead, (BACKWARD,)),
                    ]
                )
            )
        )
    return assemble(devices, straight(num_stages), num_microbatches)


def bubble_s(num_stages: int, num_chunks: int, uniform: Uniform) -> float:
    """Return ``(p - 1) (F + B)`` [2]_; exact.

    Examples
    --------
    >>> bubble_s(4, 1, Uniform(1.0, 1.0, 1.0, 3.0))
    9.0
    """
    return (num_stages - 1) * (uniform.forward_s + uniform.backward_s)


def peak_activations(device: int, num_stages: int, num_microbatches: int, num_chunks: int) -> int:
    """Return ``min(m, p - d)``, p on the first device [2]_; exact.

    Examples
    --------
    >>> peak_activations(0, 4, 8, 1)
    4
    """
    return min(num_microbatches, num_stages - device)
