"""Traffic patterns by name, for exports without a flow table of their own."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from netloom.errors import ParameterError, nearest
from netloom.exchange.flows import Flows

#: Senders of an incast.
_INCAST = 16

#: Most flows of a pattern: more do not fit into a text file that anybody reads.
MOST_FLOWS = 20_000_000

_Ends = tuple[NDArray[np.int32], NDArray[np.int32]]


def _permutation(num_endpoints: int, seed: int) -> _Ends:
    """Return a random permutation in which nobody sends to itself.

    Python's ``random.Random(seed)`` shuffles until there is no fixed point, so that other programs
    can draw the same one.
    """
    draw, target = random.Random(seed), list(range(num_endpoints))
    draw.shuffle(target)
    while any(source == each for source, each in enumerate(target)):
        draw.shuffle(target)
    return np.arange(num_endpoints, dtype=np.int32), np.array(target, dtype=np.int32)


def _all_to_all(num_endpoints: int, seed: int) -> _Ends:
    if num_endpoints * (num_endpoints - 1) > MOST_FLOWS:
        raise ParameterError(
            f"all-to-all of {num_endpoints:,} endpoints is "
            f"{num_endpoints * (num_endpoints - 1):,} flows, the most are {MOST_FLOWS:,}",
            hint="write the flows of some endpoints as a table and give it with --flows",
        )
    source = np.repeat(np.arange(num_endpoints, dtype=np.int32), num_endpoints - 1)
    step = np.tile(np.arange(1, num_endpoints, dtype=np.int32), num_endpoints)
    return source, (source + step) % num_endpoints


def _ring(num_endpoints: int, seed: int) -> _Ends:
    source = np.arange(num_endpoints, dtype=np.int32)
    return source, (source + 1) % num_endpoints


def _incast(num_endpoints: int, seed: int) -> _Ends:
    """Return 16 senders, or all others, evenly over the endpoints, to endpoint 0."""
    senders = min(_INCAST, num_endpoints - 1)
    source = np.arange(senders, dtype=np.int32) * max(1, num_endpoints // _INCAST) + 1
    return source, np.zeros(senders, dtype=np.int32)


PATTERNS: Mapping[str, Callable[[int, int], _Ends]] = MappingProxyType(
    {
        "all-to-all": _all_to_all, "incast": _incast, "permutation": _permutation, "ring": _ring,
    }
)  # fmt: skip


def pattern(kind: str, num_endpoints: int, size_bytes: int, seed: int = 42) -> Flows:
    """Return the flows of a pattern; all start at zero.

    Parameters
    ----------
    kind : ``permutation``, ``all-to-all``, ``ring`` (each to the next) or ``incast`` (16 endpoints
        to the first).
    num_endpoints : endpoints of the fabric.
    size_bytes : of every flow.
    seed : of the permutation.

    Examples
    --------
    >>> pattern("ring", 4, 10).target.tolist()
    [1, 2, 3, 0]
    """
    if kind not in PATTERNS:
        raise ParameterError(f"unknown pattern '{kind}'", hint=nearest(kind, PATTERNS))
    if num_endpoints < 2:
        raise ParameterError("traffic needs two endpoints", hint="build a fabric of 2 or more")
    return Flows.of(*PATTERNS[kind](num_endpoints, seed), size_bytes)
