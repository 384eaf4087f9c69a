"""Whole cents: sums of dollars as numbers of cents that add up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from netloom.errors import ConservationError


def in_cents(usd: float) -> int:
    """Return the nearest number of cents, the even one of two.

    Examples
    --------
    >>> in_cents(12.345678)
    1235
    """
    return round(Fraction(usd) * 100)


def apportion(values_usd: Sequence[float], total_cents: int) -> tuple[int, ...]:
    """Return whole cents by largest remainder: they add up to the total, each within a cent.

    Parameters
    ----------
    values_usd : that add up to the total, up to the rounding of floating point.
    total_cents : what the cents shall add up to.

    Raises
    ------
    ConservationError
        When the values miss the total by more than the rounding to cents can.

    Notes
    -----
    Every value is rounded down; the cents that the total still lacks go one each to the values with
    the largest remainders, to the first of equal ones.

    Examples
    --------
    >>> apportion([1 / 3, 1 / 3, 1 / 3], 100)
    (34, 33, 33)
    """
    exact = [Fraction(value) * 100 for value in values_usd]
    total = sum(exact, Fraction(0))
    # half a cent is the total's own rounding; the rest is that of sums of floats
    if abs(total - total_cents) > Fraction(1, 2) + Fraction(abs(total_cents) + 10**6, 10**12):
        raise ConservationError(
            f"rows add up to {float(total) / 100:.4f} US$, the bill is {total_cents / 100:.2f} US$"
        )
    cents = [math.floor(value) for value in exact]
    order = sorted(range(len(exact)), key=lambda row: cents[row] - exact[row])
    lacking = total_cents - sum(cents)
    if not 0 <= lacking <= len(exact):
        raise ConservationError(f"{lacking} cents are left for {len(exact)} rows")
    for row in order[:lacking]:
        cents[row] += 1
    return tuple(cents)
