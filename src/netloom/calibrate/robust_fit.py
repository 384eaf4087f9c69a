"""Least squares of a few bounded parameters, far observations counting less, with intervals.

Legend for shapes: N observations, K parameters, K being one or two.

Residuals are taken to be distributed as Student's t with 4 degrees of freedom times one unknown
spread. That is least squares, each residual r weighted by ``1 / (1 + (r / spread)^2 / 4)``: one
that no parameter explains pulls little, where plain least squares would bend the parameters
towards it.

A 95 % interval is by profile likelihood: the values x of a parameter for which twice the drop of
the log likelihood, the others free, is below ``N log(1 + t^2 / (N - K))``, t being Student's 97.5 %
quantile with N - K degrees of freedom. For normal residuals that is the exact interval, for many it
is the usual one of Wilks. It needs no draws and follows a curved model.

References
----------
Lange, Little and Taylor, Robust statistical modeling using the t distribution, Journal of the
American Statistical Association 84, 1989, section 3. Bates and Watts, Nonlinear regression analysis
and its applications, 1988, section 6.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

#: Parameters, float64, shape (K,) -> residuals, float64, shape (N,).
Residuals = Callable[[Vector], Vector]

#: Probability with which an interval holds the true value.
CONFIDENCE = 0.95

#: Degrees of freedom of a residual's distribution.
_TAIL = 4.0

#: Least spread of residuals: that of an exact model would be nothing.
_LEAST_SPREAD = 1e-7

_MAX_ROUNDS, _MAX_HALVINGS, _NUM_BISECTIONS = 100, 30, 40
#: Bisections of an interval's end: to a ten-thousandth of the way to the bound.
_NUM_END_BISECTIONS = 14
_CONVERGED = 1e-10
#: Step of a difference quotient, of the width between the bounds.
_DIFFERENCE = 1e-6


@dataclass(frozen=True)
class Box:
    """Bounds of the parameters, float64, shape (K,) each."""

    low: Vector
    high: Vector

    def without(self, place: int) -> Box:
        """Return the bounds of all parameters but one."""
        return Box(np.delete(self.low, place), np.delete(self.high, place))


def fit(residuals: Residuals, start: Vector, box: Box) -> Vector:
    """Return the most likely parameters: first by plain least squares, then reweighted.

    Examples
    --------
    The last of five observations of one number is far off, and their mean is 3:

    >>> seen = np.array([0.9, 1.0, 1.0, 1.1, 11.0])
    >>> box = Box(np.array([0.0]), np.array([20.0]))
    >>> fit(lambda x: x - seen, np.array([9.0]), box).round(2)
    array([1.04])
    """
    plain = _descend(residuals, start, box, lambda found: (float(found @ found), None))
    return refit(residuals, plain, box)


def refit(residuals: Residuals, near: Vector, box: Box) -> Vector:
    """Return the most likely parameters next to those of much the same observations.

    Examples
    --------
    >>> box = Box(np.array([0.0]), np.array([20.0]))
    >>> refit(lambda x: x - np.array([0.9, 1.0, 1.1]), np.array([1.2]), box).round(2)
    array([1.])
    """
    return _descend(residuals, near, box, lambda found: (_misfit(found), weights(found)))


def weights(found: Vector) -> Vector:
    """Return how much each residual counts, float64, shape (N,): 1 for one of no size.

    Examples
    --------
    >>> weights(np.array([0.0, 0.01, -0.01, 0.02, -0.02, 0.5])).round(2)[[0, -1]]
    array([1.  , 0.02])
    """
    return np.asarray(_TAIL / (_TAIL + (found / _spread(found)) ** 2))


def _descend(
    residuals: Residuals,
    start: Vector,
    box: Box,
    judge: Callable[[Vector], tuple[float, Vector | None]],
) -> Vector:
    """Return where Gauss and Newton's steps within bounds end.

    A parameter at a bound stays there while the misfit would fall beyond it. A step that does not
    lower the misfit is halved.

    Parameters
    ----------
    judge : residuals -> their misfit, and their weights or None where all are one.
    """
    here = np.clip(start, box.low, box.high)
    if not len(here):
        return here
    found = residuals(here)
    misfit, weight = judge(found)
    for _ in range(_MAX_ROUNDS):
        root = np.ones(len(found)) if weight is None else np.sqrt(weight)
        slopes = root[:, None] * jacobian(residuals, here, box)
        downhill = -slopes.T @ (root * found)
        held = ((here <= box.low) & (downhill < 0.0)) | ((here >= box.high) & (downhill > 0.0))
        step = np.zeros(len(here))
        step[~held] = np.linalg.lstsq(slopes[:, ~held], -root * found, rcond=None)[0]
        for _ in range(_MAX_HALVINGS):
            there = np.clip(here + step, box.low, box.high)
            next_found = residuals(there)
            next_misfit, next_weight = judge(next_found)
            if next_misfit < misfit:
                break
            step = step / 2.0
        else:
            break
        gain = misfit - next_misfit
        here, found, misfit, weight = there, next_found, next_misfit, next_weight
        if gain <= _CONVERGED * (1.0 + abs(misfit)):
            break
    return here


def jacobian(residuals: Residuals, here: Vector, box: Box) -> NDArray[np.float64]:
    """Return derivatives of the residuals, float64, shape (N, K), by quotients inside the bounds.

    Examples
    --------
    >>> box = Box(np.array([0.0]), np.array([1.0]))
    >>> jacobian(lambda x: 3.0 * x, np.array([1.0]), box).round(6)
    array([[3.]])
    """
    found = residuals(here)
    columns = []
    for place in range(len(here)):
        width = _DIFFERENCE * (box.high[place] - box.low[place])
        if here[place] + width > box.high[place]:
            width = -width
        moved = here.copy()
        moved[place] += width
        columns.append((residuals(moved) - found) / width)
    return np.stack(columns, axis=1)


def interval(
    residuals: Residuals, best: Vector, place: int, box: Box
) -> tuple[float, float] | None:
    """Return the interval of one parameter, within its bounds.

    None where there are no more observations than parameters, which leaves no spread to judge by.

    Parameters
    ----------
    best : the most likely parameters, see `fit`.
    place : which of them.
    """
    found = residuals(best)
    freedom = len(found) - len(best)
    if freedom < 1:
        return None
    quantile = student_quantile(freedom)
    limit = _misfit(found) + 0.5 * len(found) * math.log1p(quantile**2 / freedom)

    def beyond(value: float) -> bool:
        def others(rest: Vector) -> Vector:
            return residuals(np.insert(rest, place, value))

        rest = refit(others, np.delete(best, place), box.without(place))
        return _misfit(others(rest)) > limit

    middle = float(best[place])
    return (
        _crossing(beyond, middle, float(box.low[place])),
        _crossing(beyond, middle, float(box.high[place])),
    )


def _crossing(beyond: Callable[[float], bool], inside: float, bound: float) -> float:
    """Return where values on the way to a bound begin to be beyond; the bound when none is."""
    if not beyond(bound):
        return bound
    outside = bound
    for _ in range(_NUM_END_BISECTIONS):
        middle = 0.5 * (inside + outside)
        if beyond(middle):
            outside = middle
        else:
            inside = middle
    return 0.5 * (inside + outside)


def _misfit(found: Vector) -> float:
    """Return the negative log likelihood at the most likely spread, less its constant."""
    spread = _spread(found)
    tails = np.log1p((found / spread) ** 2 / _TAIL).sum()
    return float(len(found) * math.log(spread) + 0.5 * (_TAIL + 1.0) * tails)


def _spread(found: Vector) -> float:
    """Return the most likely spread: that at which the squares' weighted mean is its own square.

    The weighted mean of ``(r / spread)^2`` falls as the spread grows, from 5 to 0.
    """
    low, high = _LEAST_SPREAD, _LEAST_SPREAD + 3.0 * float(np.abs(found).max())
    for _ in range(_NUM_BISECTIONS):
        middle = math.sqrt(low * high)
        squares = (found / middle) ** 2
        if ((_TAIL + 1.0) * squares / (_TAIL + squares)).mean() > 1.0:
            low = middle
        else:
            high = middle
    return math.sqrt(low * high)


def student_quantile(freedom: int) -> float:
    """Return Student's two-sided quantile of `CONFIDENCE` for whole degrees of freedom.

    Examples
    --------
    >>> round(student_quantile(4), 3), round(student_quantile(1), 2)
    (2.776, 12.71)
    """
    low, high = 0.0, 100.0
    for _ in range(_NUM_BISECTIONS):
        middle = 0.5 * (low + high)
        if _student_inside(middle, freedom) < CONFIDENCE:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def _student_inside(size: float, freedom: int) -> float:
    """Return the probability that Student's t is within plus or minus a size.

    The finite series in the angle ``atan(t / sqrt(n))`` of Abramowitz and Stegun, Handbook of
    Mathematical Functions, 26.7.3 for odd and 26.7.4 for even degrees of freedom n.
    """
    angle = math.atan(size / math.sqrt(freedom))
    squared = math.cos(angle) ** 2
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    terms = 0.0
    for place in range(freedom // 2):
        terms += term
        term *= squared * (2 * place + 1 + odd) / (2 * place + 2 + odd)
    if odd:
        return 2.0 / math.pi * (angle + math.sin(angle) * terms)
    return math.sin(angle) * terms
