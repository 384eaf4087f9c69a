"""How much more often young hardware fails, as steps in time.

Either one factor for a while, or a Weibull hazard of shape k < 1 that falls to the grown-up rate
at the end of early life T: ``h(t) / h = (t / T)^(k - 1)`` for t < T, whose mean is 1/k.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netloom.errors import ParameterError

#: Steps that stand for a Weibull hazard, and the ratio of their lengths.
_NUM_STEPS, _RATIO = 24, 1.5


@dataclass(frozen=True)
class EarlyLife:
    """Factors on the rates of hardware.

    Attributes
    ----------
    edges_s : where each factor begins; the first is 0.
    factors : the last is 1.
    """

    edges_s: tuple[float, ...] = (0.0,)
    factors: tuple[float, ...] = (1.0,)


#: Hardware whose early life is over.
GROWN_UP = EarlyLife()


def piecewise(factor: float, until_s: float) -> EarlyLife:
    """Return one factor until some time.

    Examples
    --------
    >>> piecewise(3.0, 86400.0)
    EarlyLife(edges_s=(0.0, 86400.0), factors=(3.0, 1.0))
    """
    if not factor >= 1 or not until_s >= 0:
        raise ParameterError(
            f"an early life of {until_s} s at {factor} times the rate is not possible",
            hint="give a factor of 1 or more",
        )
    return EarlyLife((0.0, until_s), (factor, 1.0)) if until_s > 0 else GROWN_UP


def weibull(shape: float, until_s: float) -> EarlyLife:
    """Return the steps of a Weibull hazard; each holds the exact mean of the hazard over it.

    Examples
    --------
    Of shape 1/2, early life sees twice the failures of the same time later:

    >>> young = weibull(0.5, 100.0)
    >>> lengths = np.diff(young.edges_s)
    >>> round(float(lengths @ np.array(young.factors[:-1])), 6)
    200.0
    """
    if not 0 < shape <= 1:
        raise ParameterError(
            f"a Weibull shape of {shape} is no early life", hint="give one above 0, at most 1"
        )
    if not until_s > 0:
        raise ParameterError(f"an early life of {until_s} s is empty", hint="write it like 60 days")
    lengths = _RATIO ** np.arange(_NUM_STEPS)
    edges_s = until_s * np.concatenate([[0.0], np.cumsum(lengths)]) / lengths.sum()
    edges_s[-1] = until_s
    # the hazard's integral is T/k (t/T)^k
    cumulated = until_s / shape * (edges_s / until_s) ** shape
    factors = np.diff(cumulated) / np.diff(edges_s)
    return EarlyLife(tuple(map(float, edges_s)), (*map(float, factors), 1.0))
