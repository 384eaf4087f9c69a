"""How long operations and sends take; every virtual stage may differ.

Legend for shapes: V virtual stages, numbered from embedding to loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netloom.errors import ParameterError
from netloom.schedule.operations import Phase


class Uniform(NamedTuple):
    """Seconds of one microbatch on one chunk, the same on all virtual stages.

    Attributes
    ----------
    forward_s, input_s, weight_s : forward, gradient of the input and of the weights.
    overlapped_s : forward of one microbatch beside the backward of another.
    """

    forward_s: float
    input_s: float
    weight_s: float
    overlapped_s: float

    @property
    def backward_s(self) -> float:
        """Return a whole backward.

        >>> Uniform(1.0, 1.0, 0.5, 2.0).backward_s
        1.5
        """
        return self.input_s + self.weight_s


@dataclass(frozen=True, eq=False)
class Durations:
    """Seconds of each phase on each virtual stage.

    Attributes
    ----------
    seconds : float64, shape (5, V), rows in the order of `Phase`. The last row is the overlapped
        block whose forward is on that virtual stage.
    """

    seconds: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.seconds.ndim != 2 or len(self.seconds) != len(Phase):
            raise ParameterError(
                f"durations have shape {self.seconds.shape}",
                hint=f"({len(Phase)}, number of virtual stages), rows in the order of Phase",
            )
        _check(self.seconds, "durations")


@dataclass(frozen=True, eq=False)
class Sends:
    """What it takes to pass a result on to another device.

    A crossing k joins virtual stages k and k + 1; activations go up and gradients of the same size
    go down. Where both are on one device nothing is sent. Messages do not slow one another.

    Attributes
    ----------
    latency_s, transfer_s : float64, shape (V - 1,).
    overlapped : whether the sender goes on with its next operation while it transfers; otherwise
        it does nothing else, and a block's two messages leave one after the other.
    """

    latency_s: NDArray[np.float64]
    transfer_s: NDArray[np.float64]
    overlapped: bool = True

    def __post_init__(self) -> None:
        if self.latency_s.shape != self.transfer_s.shape or self.latency_s.ndim != 1:
            raise ParameterError(
                f"sends have latencies of shape {self.latency_s.shape} and transfers of shape "
                f"{self.transfer_s.shape}",
                hint="one of each for every pair of neighbouring virtual stages",
            )
        _check(self.latency_s, "latencies")
        _check(self.transfer_s, "transfers")


def split_durations(
    forward_s: ArrayLike,
    input_s: ArrayLike,
    weight_s: ArrayLike,
    overlapped_s: ArrayLike | None = None,
) -> Durations:
    """Return durations in which a whole backward takes as long as its two parts.

    Parameters
    ----------
    forward_s, input_s, weight_s : shape (V,), forward, gradient of the input and of the weights.
    overlapped_s : shape (V,), the block whose forward is on that virtual stage; one half after the
        other when left out.

    Examples
    --------
    >>> split_durations([1.0, 1.0], [1.0, 1.0], [0.5, 0.5]).seconds[1]
    array([1.5, 1.5])
    """
    rows = [np.asarray(row, np.float64) for row in (forward_s, input_s, weight_s)]
    forward, gradient, weight = np.atleast_1d(*rows)
    whole = gradient + weight
    block = forward + whole if overlapped_s is None else np.asarray(overlapped_s, np.float64)
    return Durations(np.stack([forward, whole, gradient, weight, np.atleast_1d(block)]))


def uniform_durations(
    num_virtual_stages: int,
    forward_s: float,
    input_s: float,
    weight_s: float,
    overlapped_s: float | None = None,
) -> Durations:
    """Return durations that are the same on all virtual stages.

    Examples
    --------
    >>> uniform_durations(2, 1.0, 1.5, 0.5).seconds[:, 0]
    array([1. , 2. , 1.5, 0.5, 3. ])
    """
    ones = np.ones(num_virtual_stages)
    block = None if overlapped_s is None else overlapped_s * ones
    return split_durations(forward_s * ones, input_s * ones, weight_s * ones, block)


def uniform_sends(
    num_virtual_stages: int, latency_s: float, transfer_s: float, overlapped: bool = True
) -> Sends:
    """Return sends that are the same between all neighbours.

    Examples
    --------
    >>> uniform_sends(3, 1e-6, 2e-6).transfer_s
    array([2.e-06, 2.e-06])
    """
    ones = np.ones(num_virtual_stages - 1)
    return Sends(latency_s * ones, transfer_s * ones, overlapped)


def _check(seconds: NDArray[np.float64], noun: str) -> None:
    if not (np.isfinite(seconds).all() and (seconds >= 0.0).all()):
        raise ParameterError(f"{noun} must be finite and not negative")
