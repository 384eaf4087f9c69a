"""Random numbers of one uncertain input: from standard normals to a triangular distribution.

Letters: D draws.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True)
def triangular_of_normals(
    normals: NDArray[np.float64], low: float, mode: float, high: float
) -> NDArray[np.float64]:
    """Return draws of a triangular distribution at the ranks of standard normal draws.

    Parameters
    ----------
    normals : float64, shape (D,), standard normal.
    low, mode, high : ends and peak of the triangle, low < high.

    Returns
    -------
    float64, shape (D,)
        ``F^-1(Phi(normals))``, rising with `normals`.

    Notes
    -----
    Phi(z) = erfc(-z / sqrt 2) / 2. With c = (mode - low)/(high - low) the inverse is
    low + sqrt(p (high - low)(mode - low)) for p < c, else high - sqrt(q (high - low)(high - mode)),
    where q = 1 - p is taken from Phi(-z), which keeps its digits near one.

    Examples
    --------
    The median of the triangle from 0 over 1 to 2 is its peak:

    >>> triangular_of_normals(np.zeros(1), 0.0, 1.0, 2.0)
    array([1.])
    """
    drawn = np.empty_like(normals)
    width = high - low
    share = (mode - low) / width
    for index in range(normals.size):
        below = 0.5 * math.erfc(-normals[index] / math.sqrt(2.0))
        if below < share:
            drawn[index] = low + math.sqrt(below * width * (mode - low))
        else:
            above = 0.5 * math.erfc(normals[index] / math.sqrt(2.0))
            drawn[index] = high - math.sqrt(above * width * (high - mode))
    return drawn
