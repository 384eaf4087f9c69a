"""How sure a failure rate is: counts over exposure, or a planner's range, and draws from either.

Counted events over an exposure are a Poisson process of unknown rate. With Jeffreys' prior, a gamma
distribution of shape 1/2 and rate 0, what is known of the rate after n events in T unit-seconds is
a gamma distribution of shape n + 1/2 and rate T: no event in a short test leaves a wide range, not
a rate of zero. Ranges that nobody counted are drawn from a triangle over low, mode and high.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.catalog.quantity import Quantity
from netloom.errors import ParameterError

#: Shape of Jeffreys' prior for the rate of a Poisson process; its own rate is 0.
PRIOR_SHAPE = 0.5


@dataclass(frozen=True)
class Rate:
    """Failures of one part per second, with what is known of it.

    Attributes
    ----------
    per_s : most likely value.
    low_per_s, high_per_s : ends of a range that was not counted; equal where nothing is uncertain.
    num_events, exposure_s : the count, and part-seconds over which it was taken; exposure 0 where
        there is no count.
    """

    per_s: float
    low_per_s: float
    high_per_s: float
    num_events: int = 0
    exposure_s: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.low_per_s <= self.per_s <= self.high_per_s < np.inf:
            raise ParameterError(
                f"a failure rate of {self.low_per_s}, {self.per_s}, {self.high_per_s} per second "
                "(low, mode, high) is not possible",
                hint="give 0 or more, the lowest first",
            )

    def scaled(self, factor: float) -> Rate:
        """Return so many times the rate, as sure."""
        return Rate(
            self.per_s * factor,
            self.low_per_s * factor,
            self.high_per_s * factor,
            self.num_events,
            self.exposure_s / factor,
        )

    def draws(self, cause: str, num_runs: int, seed: int) -> NDArray[np.float64]:
        """Return rates for runs, shape (R,); one cause and seed give one list, whoever asks.

        Candidates that share a cause are so compared on the same draws.
        """
        stream = np.random.default_rng([seed, zlib.crc32(cause.encode())])
        if self.exposure_s > 0:
            return stream.standard_gamma(self.num_events + PRIOR_SHAPE, num_runs) / self.exposure_s
        if self.low_per_s == self.high_per_s:
            return np.full(num_runs, self.per_s)
        return stream.triangular(self.low_per_s, self.per_s, self.high_per_s, num_runs)


def certain(per_s: float) -> Rate:
    """Return a rate without doubt.

    Examples
    --------
    >>> certain(2.0).draws("any", 3, 0).tolist()
    [2.0, 2.0, 2.0]
    """
    return Rate(per_s, per_s, per_s)


def ranged(quantity: Quantity) -> Rate:
    """Return the rate that a catalogue number gives."""
    return Rate(quantity.mode, quantity.low, quantity.high)


def counted(num_events: int, exposure_s: float) -> Rate:
    """Return the rate that a count gives; its most likely value is events over exposure.

    Parameters
    ----------
    num_events : failures seen.
    exposure_s : parts times seconds under watch.

    Examples
    --------
    The mean of the posterior of 7 events is that of 7.5:

    >>> rate = counted(7, 1e9)
    >>> round(rate.per_s * 1e9, 9), round(float(rate.draws("nic", 100_000, 0).mean()) * 1e9, 1)
    (7.0, 7.5)
    """
    if num_events < 0:
        raise ParameterError(f"{num_events} failures cannot be counted", hint="count 0 or more")
    if not 0 < exposure_s < np.inf:
        raise ParameterError(
            f"an exposure of {exposure_s} s says nothing about a rate",
            hint="give parts times time, such as 2424 years for 16,384 parts in 54 days",
        )
    mode = num_events / exposure_s
    return Rate(mode, mode, mode, num_events, exposure_s)
