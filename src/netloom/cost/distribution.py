"""The distribution of a number that is known as low, most likely and high: a triangle.

A triangle and not the modified PERT curve: two thirds of the inputs rest on memory or on one
reseller, so that the ends deserve more weight than PERT gives them; and its inverse is a square
root, so that draws are exact, compiled and the same bits everywhere. The docs give the PERT mean
and deviation beside it.
"""

from __future__ import annotations

import math

from netloom.errors import ParameterError
from netloom.result import Range


def check(uncertain: Range, what: str) -> None:
    """Refuse a range that is negative or not ascending."""
    if uncertain.low < 0:
        raise ParameterError(f"{what} is negative: {uncertain.low:g}", hint="give a positive value")
    if not uncertain.low <= uncertain.mode <= uncertain.high < math.inf:
        raise ParameterError(
            f"{what} is not low, most likely and high: {uncertain.low:g}, {uncertain.mode:g}, "
            f"{uncertain.high:g}",
            hint="write them in ascending order",
        )


def mean(uncertain: Range) -> float:
    """Return the mean, (low + mode + high) / 3.

    Examples
    --------
    >>> mean(Range(1.0, 2.0, 6.0))
    3.0
    """
    return (uncertain.low + uncertain.mode + uncertain.high) / 3


def variance(uncertain: Range) -> float:
    """Return the variance, (a2 + b2 + c2 - ab - ac - bc) / 18 of low, mode and high.

    Examples
    --------
    >>> variance(Range(0.0, 3.0, 6.0))
    1.5
    """
    low, mode, high = uncertain.low, uncertain.mode, uncertain.high
    return (low * low + mode * mode + high * high - low * mode - low * high - mode * high) / 18


def quantile(uncertain: Range, share: float) -> float:
    """Return the value that a draw stays below with a probability of `share`.

    Examples
    --------
    >>> quantile(Range(0.0, 2.0, 4.0), 0.5), quantile(Range(0.0, 2.0, 4.0), 0.125)
    (2.0, 1.0)
    """
    low, mode, high = uncertain.low, uncertain.mode, uncertain.high
    if not 0 <= share <= 1:
        raise ParameterError(f"a share of {share} is not in 0 to 1")
    if low == high:
        return mode
    if share * (high - low) < mode - low:
        return low + math.sqrt(share * (high - low) * (mode - low))
    return high - math.sqrt((1 - share) * (high - low) * (high - mode))
