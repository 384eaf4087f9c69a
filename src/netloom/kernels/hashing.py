"""A seeded 64-bit hash, the stand-in for a switch's hash of a flow's header."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def mix(value: np.uint64) -> np.uint64:
    """Return 64 well-mixed bits of 64 bits: the finaliser of SplitMix64, a bijection.

    References
    ----------
    .. [1] Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@njit(cache=True)
def flow_hash(flow: np.uint64, queue_pair: int, seed: int) -> np.uint64:
    """Return the hash of one queue pair of a flow."""
    salt = mix(np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(queue_pair))
    return mix(flow ^ salt)


@njit(cache=True)
def choose(hashed: np.uint64, place: int, num_choices: int) -> int:
    """Return which of `num_choices` equal links a hashed flow takes at one place, from 0.

    One multiplication before and one after suffice, because `hashed` is well mixed already.
    """
    value = hashed ^ (np.uint64(place) * np.uint64(0xD1342543DE82EF95))
    value = (value ^ (value >> np.uint64(32))) * np.uint64(0xBF58476D1CE4E5B9)
    # the high half times the range: as uniform as a remainder, without the division
    return int(((value >> np.uint64(32)) * np.uint64(num_choices)) >> np.uint64(32))
