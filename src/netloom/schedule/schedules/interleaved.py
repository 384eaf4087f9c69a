"""Interleaved 1F1B: a device holds several chunks, and the pipeline fills that much faster.

Chunk c of device d is virtual stage ``c p + d``. Microbatches go in groups of p: the group passes
the device's chunks one after the other.

References
----------
.. [1] Narayanan et al., "Efficient large-scale language model training on GPU clusters using
   Megatron-LM", SC 2021, arXiv:2104.04473, section 2.2.2 and figure 4, bottom.
.. [2] Korthikanti et al., "Reducing activation recomputation in large transformer models", MLSys
   2023, arXiv:2205.05198, section 4.2.3.
"""

from __future__ import annotations

import numpy as np

from netloom.schedule.durations import Uniform
from netloom.schedule.operations import Order, Phase, Slot, assemble, number, repeat, require

#: What of a `Timeline` the closed form of the bubble counts.
COUNTED = "bubble_s"

FORWARD, BACKWARD = Slot(Phase.FORWARD), Slot(Phase.BACKWARD)


def build(num_stages: int, num_microbatches: int, num_chunks: int) -> Order:
    """Return Megatron-LM's order; with one chunk it is 1F1B, with a longer warm-up.

    Examples
    --------
    >>> build(2, 2, 2).virtual_stage
    array([[0, 2],
           [1, 3]])
    """
    require(num_chunks >= 2, "interleaved", f"2 chunks or more, not {num_chunks}",
            "schedule 'one-f-one-b' takes 1")  # fmt: skip
    rest = num_microbatches % num_stages
    below, above = num_microbatches - rest, num_microbatches - rest + num_stages
    require(
        rest == 0, "interleaved",
        f"microbatches in multiples of its {num_stages} stages, not {num_microbatches}",
        f"nearest: {below} or {above}" if below else f"nearest: {above}",
    )  # fmt: skip
    total = num_microbatches * num_chunks
    chunk = np.arange(total) // num_stages % num_chunks
    devices = []
    for device in range(num_stages):
        ahead = min(_ahead(device, num_stages, num_chunks), total)
        slots = repeat(
            [(ahead, (FORWARD,)), (total - ahead, (FORWARD, BACKWARD)), (ahead, (BACKWARD,))]
        )
        slots[slots[:, 0] == Phase.FORWARD, 1] = chunk
        slots[slots[:, 0] == Phase.BACKWARD, 1] = num_chunks - 1 - chunk
        devices.append(number(slots))
    virtual_stage = np.arange(num_stages * num_chunks).reshape(num_chunks, num_stages).T.copy()
    return assemble(devices, virtual_stage, num_microbatches)


def _ahead(device: int, num_stages: int, num_chunks: int) -> int:
    """Return forwards before the first backward, less one."""
    return 2 * (num_stages - device - 1) + (num_chunks - 1) * num_stages


def bubble_s(num_stages: int, num_chunks: int, uniform: Uniform) -> float:
    """Return ``(p - 1) (F + B)`` of one chunk, the v-th part of what 1F1B has [1]_; exact.

    Examples
    --------
    >>> bubble_s(4, 2, Uniform(0.5, 0.5, 0.5, 1.5))
    4.5
    """
    return (num_stages - 1) * (uniform.forward_s + uniform.backward_s)


def peak_activations(device: int, num_stages: int, num_microbatches: int, num_chunks: int) -> int:
    """Return ``min(m v, 2 (p - d - 1) + (v - 1) p + 1)``; exact.

    On the first device ``p v + p - 1``, which is the ``1 + (p - 1) / (p v)`` of [2]_ over 1F1B.

    Examples
    --------
    >>> peak_activations(0, 4, 8, 2)
    11
    """
    return min(num_microbatches * num_chunks, _ahead(device, num_stages, num_chunks) + 1)
