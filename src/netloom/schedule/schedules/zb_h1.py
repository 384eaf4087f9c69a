"""ZB-H1: 1F1B with the gradients of the weights set apart, late enough to fill the drain.

Device d keeps d gradients of weights back, so that all devices hold as much as 1F1B's first one.

References
----------
.. [1] Qi, Wan, Huang and Lin, "Zero bubble pipeline parallelism", ICLR 2024, arXiv:2401.10241,
   section 2.1, table 2 and figure 3, top.
"""

from __future__ import annotations

from netloom.schedule.durations import Uniform
from netloom.schedule.operations import (
    DeviceOrder,
    Order,
    Phase,
    Slot,
    assemble,
    drop_after,
    number,
    repeat,
    require_chunks,
    straight,
)

#: What of a `Timeline` the closed form of the bubble counts.
COUNTED = "bubble_s"

FORWARD, INPUT, WEIGHT = (
    Slot(Phase.FORWARD), Slot(Phase.BACKWARD_INPUT), Slot(Phase.BACKWARD_WEIGHT),
)  # fmt: skip


def build(num_stages: int, num_microbatches: int, num_chunks: int) -> Order:
    """Return the order of figure 3, top.

    Examples
    --------
    >>> build(1, 1, 1).phase
    array([0, 2, 3])
    """
    require_chunks("zb-h1", num_chunks, 1)
    devices = [
        delayed(num_stages - device - 1, device, num_microbatches) for device in range(num_stages)
    ]
    return assemble(devices, straight(num_stages), num_microbatches)


def delayed(num_ahead: int, num_kept_back: int, num_microbatches: int) -> DeviceOrder:
    """Return a device's order: F ahead, then F and B, then F, B and W, then B and W, then W.

    Parameters
    ----------
    num_ahead : forwards before the first forward that a backward follows.
    num_kept_back : gradients of inputs before the first gradient of weights.

    Examples
    --------
    >>> delayed(1, 1, 3).phase
    array([0, 0, 2, 0, 2, 3, 2, 3, 3])
    """
    steady = max(0, num_microbatches - num_ahead - num_kept_back)
    slots = repeat(
        [
            (num_ahead, (FORWARD,)),
            (num_kept_back, (FORWARD, INPUT)),
            (steady, (FORWARD, INPUT, WEIGHT)),
            (num_ahead, (INPUT, WEIGHT)),
            (num_kept_back, (WEIGHT,)),
        ]
    )
    return drop_after(number(slots), num_microbatches)


def bubble_s(num_stages: int, num_chunks: int, uniform: Uniform) -> float:
    """Return ``(p - 1) (F + B - W)``, B the gradient of the input alone [1]_.

    Exact for W no longer than F and B, and at least p microbatches; the paper supposes all three to
    be about equal. A longer W leaves the fill, which no gradient of weights can shorten.

    Examples
    --------
    >>> bubble_s(4, 1, Uniform(1.0, 1.0, 1.0, 3.0))
    3.0
    """
    return (num_stages - 1) * (uniform.forward_s + uniform.input_s - uniform.weight_s)


def peak_activations(device: int, num_stages: int, num_microbatches: int, num_chunks: int) -> int:
    """Return ``min(m, p)`` on every device [1]_; exact.

    The paper counts less for what waits for its gradient of weights alone, so that it states p as
    an upper bound on later devices.

    Examples
    --------
    >>> peak_activations(3, 4, 8, 1)
    4
    """
    return min(num_microbatches, num_stages)
