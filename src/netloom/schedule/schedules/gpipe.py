"""GPipe: all forwards, then all backwards.

Simple, and every microbatch's activations are alive at the turn.

References
----------
.. [1] Huang et al., "GPipe: efficient training of giant neural networks using pipeline
   parallelism", NeurIPS 2019, arXiv:1811.06965, section 2.
.. [2] Narayanan et al., "Efficient large-scale language model training on GPU clusters using
   Megatron-LM", SC 2021, arXiv:2104.04473, section 2.2.1 and figure 3.
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


def build(num_stages: int, num_microbatches: int, num_chunks: int) -> Order:
    """Return the order of figure 3 in [2]_: backwards in the order of the forwards.

    Examples
    --------
    >>> build(1, 2, 1).phase
    array([0, 0, 1, 1])
    """
    require_chunks("gpipe", num_chunks, 1)
    every = repeat(
        [(num_microbatches, (Slot(Phase.FORWARD),)), (num_microbatches, (Slot(Phase.BACKWARD),))]
    )
    return assemble([number(every)] * num_stages, straight(num_stages), num_microbatches)


def bubble_s(num_stages: int, num_chunks: int, uniform: Uniform) -> float:
    """Return ``(p - 1) (F + B)`` [2]_; exact.

    Examples
    --------
    >>> bubble_s(4, 1, Uniform(1.0, 1.0, 1.0, 3.0))
    9.0
    """
    return (num_stages - 1) * (uniform.forward_s + uniform.backward_s)


def peak_activations(device: int, num_stages: int, num_microbatches: int, num_chunks: int) -> int:
    """Return m: all microbatches [2]_; exact.

    Examples
    --------
    >>> peak_activations(0, 4, 8, 1)
    8
    """
    return num_microbatches
