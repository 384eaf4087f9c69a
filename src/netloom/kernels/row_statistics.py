"""Means and percentiles of many rows of draws, and of what is lost between two tables of them.

Letters: R rows, D draws, K ranks, F shares of the base.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True)
def row_statistics(
    values: NDArray[np.float64], ranks: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean of each row, and the values of some ranks, 0 the smallest.

    Parameters
    ----------
    values : float64, shape (R, D).
    ranks : int64, ascending, shape (K,).

    Returns
    -------
    float64, shapes (R,) and (K, R).

    Examples
    --------
    >>> row_statistics(np.array([[4.0, 1.0, 7.0]]), np.array([0, 1]))
    (array([4.]), array([[1.],
           [4.]]))
    """
    num_rows = values.shape[0]
    means, found = np.empty(num_rows), np.empty((ranks.size, num_rows))
    bins, inside = _work(values.shape[1])
    for row in range(num_rows):
        means[row] = _ranked(values[row], ranks, bins, inside, found[:, row])
    return means, found


@njit(cache=True)
def loss_statistics(
    base: NDArray[np.float64],
    left: NDArray[np.float64],
    ranks: NDArray[np.int64],
    falls: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return what is known of base minus what is left, in dollars and over the base.

    Parameters
    ----------
    base, left : float64, shape (R, D).
    ranks : int64, ascending, shape (K,).
    falls : shares of the base, float64, shape (F,).

    Returns
    -------
    means of dollars and of fractions, float64, shape (2, R); their values of the ranks, shape
    (2, K, R); how often the fraction is above each share, float64, shape (F, R).
    """
    num_rows, num = base.shape
    means, found = np.empty((2, num_rows)), np.empty((2, ranks.size, num_rows))
    often = np.zeros((falls.size, num_rows))
    loss, fraction = np.empty(num), np.empty(num)
    bins, inside = _work(num)
    for row in range(num_rows):
        for at in range(num):
            loss[at] = base[row, at] - left[row, at]
            fraction[at] = loss[at] / base[row, at] if base[row, at] > 0 else 0.0
        means[0, row] = _ranked(loss, ranks, bins, inside, found[0, :, row])
        means[1, row] = _ranked(fraction, ranks, bins, inside, found[1, :, row])
        for share in range(falls.size):
            times = 0
            for at in range(num):
                times += fraction[at] > falls[share]
            often[share, row] = times / num
    return means, found, often


@njit(cache=True)
def _work(num: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    return np.empty((2, num), np.int64), np.empty(num)


@njit(cache=True)
def _ranked(
    values: NDArray[np.float64],
    ranks: NDArray[np.int64],
    bins: NDArray[np.int64],
    inside: NDArray[np.float64],
    found: NDArray[np.float64],
) -> float:
    """Put the values of ranks into `found`, and return the mean.

    Values are counted into equal bins, and only bins that hold a rank are sorted: several times as
    fast as sorting all.
    """
    num = values.size
    lowest = highest = values[0]
    total = 0.0
    for at in range(num):
        total += values[at]
        lowest = min(lowest, values[at])
        highest = max(highest, values[at])
    num_bins = max(num // 4, 1)
    width = (highest - lowest) / num_bins
    if not width > 0:
        found[:] = lowest
        return lowest
    of, counts = bins[0], bins[1]
    counts[:num_bins] = 0
    for at in range(num):
        of[at] = min(int((values[at] - lowest) / width), num_bins - 1)
        counts[of[at]] += 1
    before, current, filled = 0, 0, -1
    for place in range(ranks.size):
        while before + counts[current] <= ranks[place]:
            before += counts[current]
            current += 1
        if filled != current:
            size = 0
            for at in range(num):
                if of[at] == current:
                    inside[size] = values[at]
                    size += 1
            inside[:size].sort()
            filled = current
        found[place] = inside[ranks[place] - before]
    return total / num
