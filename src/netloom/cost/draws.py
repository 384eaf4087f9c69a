"""Draws of uncertain inputs: one stream per input, one per factor that inputs share.

An input's rank is that of z = sqrt(c) f + sqrt(1 - c) e: f is the draw of its shared factor, e its
own, both standard normal, c the common share. So each input keeps its own distribution, and two
inputs of one factor have the correlation c between their normal scores. A stream's seed is the
study's with the stream's name: a draw depends on neither the other inputs nor on the candidates,
and whatever two candidates both buy is drawn once for both.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.cost.distribution import check
from netloom.errors import ParameterError
from netloom.result import Range

#: Largest number of draws: 1.6 MB for each input, a gigabyte for a study.
MOST_DRAWS = 200_000


@dataclass(frozen=True)
class Sampling:
    """How inputs are drawn.

    Attributes
    ----------
    num_draws : draws of every input.
    seed : of the study.
    common_fraction : share c of an input's normal score that its factor sets.
    """

    num_draws: int
    seed: int
    common_fraction: float

    def __post_init__(self) -> None:
        if not 1 <= self.num_draws <= MOST_DRAWS:
            raise ParameterError(
                f"{self.num_draws} draws cannot be made", hint=f"write 1 to {MOST_DRAWS:,}"
            )
        if not 0 <= self.common_fraction <= 1:
            raise ParameterError(
                f"a common share of {self.common_fraction} is not in 0 to 1",
                hint="write it like 50 %",
                where="economics.common",
            )

    def draw(self, name: str, uncertain: Range, factor: str = "") -> NDArray[np.float64]:
        """Return float64 draws, shape (num_draws,), of one input.

        Parameters
        ----------
        name : of the input; equal names give equal draws.
        uncertain : low, most likely and high value.
        factor : shared factor; empty for an input that shares nothing.

        Examples
        --------
        >>> Sampling(3, 0, 0.5).draw("a quote", Range(7.0, 7.0, 7.0))
        array([7., 7., 7.])
        """
        from netloom.kernels.draws import triangular_of_normals

        check(uncertain, name)
        if uncertain.low == uncertain.high:
            return np.full(self.num_draws, uncertain.mode)
        normals = self._normals(f"input {name}")
        if factor:
            common = math.sqrt(self.common_fraction) * self._normals(f"factor {factor}")
            normals = common + math.sqrt(1 - self.common_fraction) * normals
        return triangular_of_normals(normals, uncertain.low, uncertain.mode, uncertain.high)

    def _normals(self, stream: str) -> NDArray[np.float64]:
        key = zlib.crc32(stream.encode())
        return np.random.default_rng([self.seed, key]).standard_normal(self.num_draws)


@dataclass(frozen=True)
class Interval:
    """What is known of an uncertain sum.

    Attributes
    ----------
    mode : with every input at its most likely value.
    mean : of the draws.
    percentile_10, percentile_50, percentile_90 : of the draws.
    """

    mode: float
    mean: float
    percentile_10: float
    percentile_50: float
    percentile_90: float


def interval(mode: float, drawn: NDArray[np.float64]) -> Interval:
    """Return the interval of some draws.

    Examples
    --------
    >>> interval(5.0, np.arange(11.0))
    Interval(mode=5.0, mean=5.0, percentile_10=1.0, percentile_50=5.0, percentile_90=9.0)
    """
    ends = np.quantile(drawn, (0.1, 0.5, 0.9))
    return Interval(float(mode), float(drawn.mean()), *(float(end) for end in ends))


def cheaper_probability(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return how often the first is below the second on the same draw; a tie is half of one.

    Examples
    --------
    >>> cheaper_probability(np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 2.0, 2.0, 5.0]))
    0.625
    """
    return float(np.mean(first < second) + 0.5 * np.mean(first == second))


def factors(names: Iterable[str]) -> tuple[str, ...]:
    """Return the distinct non-empty factors, in order of appearance."""
    return tuple(dict.fromkeys(name for name in names if name))
