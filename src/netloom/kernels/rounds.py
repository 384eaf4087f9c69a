"""Messages that follow one another on the same routes, round after round, as in a ring.

Legend for shapes: R routes, N entries of all paths, B bundles.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def alone_rates(paths, bytes_per_s):
    """Return the rate of each route alone, float64, shape (R,), bytes/s, and whether all fit.

    When all routes together at these rates fill no bundle beyond its capacity, a message runs at
    its route's rate whatever the others do: no set of running messages has anything to share.
    """
    indptr, crosses, shares = paths.indptr, paths.bundle, paths.share
    rates = np.full(len(indptr) - 1, np.inf)
    used = np.zeros(len(bytes_per_s))
    for route in range(len(rates)):
        for entry in range(indptr[route], indptr[route + 1]):
            rates[route] = min(rates[route], bytes_per_s[crosses[entry]] / shares[entry])
        for entry in range(indptr[route], indptr[route + 1]):
            used[crosses[entry]] += shares[entry] * rates[route]
    fit = True
    for bundle in range(len(bytes_per_s)):
        fit &= used[bundle] <= bytes_per_s[bundle] * (1 + 1e-12)
    return rates, fit


@njit(cache=True)
def last_ends(seconds, before_start, before, num_rounds):
    """Return when each route's message of the last round ends, float64, shape (R,).

    A message starts when the message of the round before has ended on its own route and on the
    routes that it follows.

    Parameters
    ----------
    seconds : float64, shape (R,), one message from start to end.
    before_start, before : int64, shape (R + 1,), and int32, routes that each route follows.
    num_rounds : messages of each route.
    """
    end_s = np.zeros(len(seconds))
    start_s = np.zeros(len(seconds))
    for _ in range(num_rounds):
        for route in range(len(seconds)):
            start = end_s[route]
            for position in range(before_start[route], before_start[route + 1]):
                start = max(start, end_s[before[position]])
            start_s[route] = start
        for route in range(len(seconds)):
            end_s[route] = start_s[route] + seconds[route]
    return end_s
