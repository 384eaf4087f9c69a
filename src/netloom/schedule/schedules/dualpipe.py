"""DualPipe: microbatches enter at both ends, and forwards run beside backwards.

Device d holds virtual stage d for one direction (chunk 0) and ``p - 1 - d`` for the other (chunk
1): two copies of the model. The first half of the microbatches goes down, the second half up. In
the steady part a device runs the forward of one direction beside the backward of the other, so that
the messages of one hide behind the computation of the other.

References
----------
.. [1] DeepSeek-AI, "DeepSeek-V3 technical report", arXiv:2412.19437, section 3.2.1, figure 5 and
   table 2.
.. [2] DeepSeek-AI, DualPipe, github.com/deepseek-ai/DualPipe, ``dualpipe/dualpipe.py``, the eight
   parts of ``step``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netloom.schedule.durations import Uniform
from netloom.schedule.operations import (
    Order,
    Phase,
    Slot,
    assemble,
    number,
    repeat,
    require,
    require_chunks,
)

#: What of a `Timeline` the closed form of the bubble counts.
COUNTED = "bubble_s"

# "near" is the direction whose start is the nearer end of the pipeline, "far" the other one
NEAR, FAR = 0, 1
F_NEAR, F_FAR = Slot(Phase.FORWARD, NEAR), Slot(Phase.FORWARD, FAR)
B_NEAR, B_FAR = Slot(Phase.BACKWARD, NEAR), Slot(Phase.BACKWARD, FAR)
I_NEAR, I_FAR = Slot(Phase.BACKWARD_INPUT, NEAR), Slot(Phase.BACKWARD_INPUT, FAR)
F_NEAR_B_FAR = Slot(Phase.FORWARD_BACKWARD, NEAR, FAR)
F_FAR_B_NEAR = Slot(Phase.FORWARD_BACKWARD, FAR, NEAR)
# of the oldest gradient of an input that has none yet; its direction is filled in later
WEIGHT = Slot(Phase.BACKWARD_WEIGHT)


def build(num_stages: int, num_microbatches: int, num_chunks: int) -> Order:
    """Return the order of [2]_, which is figure 5 of [1]_ for 8 stages and 20 microbatches.

    Examples
    --------
    >>> build(2, 4, 2).virtual_stage
    array([[0, 1],
           [1, 0]])
    """
    require_chunks("dualpipe", num_chunks, 2)
    require(num_stages % 2 == 0, "dualpipe", f"an even number of stages, not {num_stages}",
            f"nearest: {num_stages + 1}")  # fmt: skip
    fewest = max(2 * num_stages, num_microbatches + num_microbatches % 2)
    require(
        fewest == num_microbatches, "dualpipe",
        f"an even number of microbatches, at least twice its {num_stages} stages, "
        f"not {num_microbatches}",
        f"nearest: {fewest}",
    )  # fmt: skip
    half = num_microbatches // 2
    devices = []
    for device in range(num_stages):
        slots = _slots(min(device, num_stages - 1 - device), num_stages, half)
        if device >= num_stages // 2:
            slots[:, 1] ^= 1
            slots[:, 2] = np.where(slots[:, 2] < 0, slots[:, 2], slots[:, 2] ^ 1)
        devices.append(number(slots, (0, half)))
    down = np.arange(num_stages)
    return assemble(devices, np.stack([down, down[::-1]], axis=1), num_microbatches)


def _slots(depth: int, num_stages: int, half: int) -> NDArray[np.int64]:
    """Return the slots of the device `depth` places from the nearer end: int64, shape (N, 3).

    Parameters
    ----------
    half : microbatches of one direction.
    """
    to_middle = num_stages // 2 - 1 - depth
    # the middle devices do not overlap their first pair, which shortens the bubble
    first = (F_NEAR, B_FAR) if to_middle == 0 else (F_NEAR_B_FAR,)
    blocks = [
        (2 * to_middle, (F_NEAR,)),
        (depth + 1, (F_NEAR, F_FAR)),
        (to_middle, (I_FAR, WEIGHT, F_FAR)),
        (1, (*first, F_FAR_B_NEAR)),
        (half - num_stages + depth, (F_NEAR_B_FAR, F_FAR_B_NEAR)),
        (to_middle, (B_FAR, F_FAR_B_NEAR)),
        (1, _drain(depth + 1)),
        (to_middle, (WEIGHT, I_NEAR)),
        (depth + 1, (WEIGHT,)),
    ]
    slots = repeat(blocks)
    is_weight = slots[:, 0] == Phase.BACKWARD_WEIGHT
    slots[is_weight, 1] = slots[slots[:, 0] == Phase.BACKWARD_INPUT, 1]
    return slots


def _drain(num_pairs: int) -> tuple[Slot, ...]:
    """Return backwards of both directions in turn, the second half with the weights left for later.

    Examples
    --------
    >>> [slot.phase.words for slot in _drain(1)]
    ['backward', 'backward input']
    """
    # num_pairs of the 2 * num_pairs backwards are whole
    whole = [B_FAR, B_NEAR] * num_pairs
    split = [I_FAR, I_NEAR] * num_pairs
    return tuple(whole[:num_pairs] + split[num_pairs:])


def bubble_s(num_stages: int, num_chunks: int, uniform: Uniform) -> float:
    """Return ``(p / 2 - 1) (F&B + B - 3 W)``, B a whole backward, F&B an overlapped block [1]_.

    Exact where a forward takes as long as the gradient of the input, that of the weights no longer,
    and a block no longer than its parts one after the other. A shorter forward F makes the form too
    long, by ``min(F, (p / 2 - 1) (B - W - F))``: the form counts an overlapped block in places
    where only backwards are in the way. A longer forward, or longer gradients of weights, make it
    too short.

    Examples
    --------
    >>> bubble_s(8, 2, Uniform(1.0, 1.0, 1.0, 2.5))
    4.5
    """
    each_s = uniform.overlapped_s + uniform.backward_s - 3 * uniform.weight_s
    return (num_stages / 2 - 1) * each_s


def peak_activations(device: int, num_stages: int, num_microbatches: int, num_chunks: int) -> int:
    """Return ``p + 1``, the same on every device [1]_; exact.

    Examples
    --------
    >>> peak_activations(0, 8, 20, 2)
    9
    """
    return num_stages + 1
