"""Arithmetic of finite fields GF(q) for prime powers q, as tables.

An element is the number ``a_0 + a_1 p + ... + a_(n-1) p^(n-1)`` of the polynomial with
coefficients ``a_i`` modulo the prime p, where ``q = p^n``. Products are taken modulo a monic
polynomial of degree n for which the powers of x run through all ``q - 1`` elements other than 0.
Such a polynomial is found by trial; every element but 0 then is a power of x, so it has an inverse,
and the residues are a field. For n = 1 this finds a primitive root. Whole numbers modulo q are no
field unless n = 1.

References
----------
Lidl, Niederreiter, "Introduction to finite fields and their applications", 1994, sections 2.1, 3.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class FiniteField:
    """Tables of GF(q), Q elements; 0 is the number zero and 1 the number one.

    Attributes
    ----------
    order : q.
    plus, times : int32, shape (Q, Q).
    negative : int32, shape (Q,), what adds up to 0 with each element.
    power : int32, shape (Q - 1,), powers 0, 1, ..., q - 2 of a primitive element.
    """

    order: int
    plus: NDArray[np.int32]
    times: NDArray[np.int32]
    negative: NDArray[np.int32]
    power: NDArray[np.int32]


def prime_power(order: int) -> tuple[int, int] | None:
    """Return prime and exponent of a prime power, None for any other number.

    Examples
    --------
    >>> prime_power(27), prime_power(13), prime_power(28), prime_power(1)
    ((3, 3), (13, 1), None, None)
    """
    if order < 2:
        return None
    prime = next((d for d in range(2, int(order**0.5) + 1) if order % d == 0), order)
    exponent = 0
    while order % prime == 0:
        order //= prime
        exponent += 1
    return (prime, exponent) if order == 1 else None


def nearest_prime_powers(order: int, allowed: Callable[[int], bool]) -> list[int]:
    """Return the nearest allowed prime power below a number, and the nearest above.

    Examples
    --------
    >>> nearest_prime_powers(28, lambda q: True), nearest_prime_powers(1, lambda q: q > 2)
    ([27, 29], [3])
    """

    def valid(candidate: int) -> bool:
        return prime_power(candidate) is not None and allowed(candidate)

    below = next((q for q in range(order - 1, 1, -1) if valid(q)), None)
    # between n and 2n there always is a prime
    above = next((q for q in range(max(order, 1) + 1, 4 * max(order, 2)) if valid(q)), None)
    return [q for q in (below, above) if q is not None]


def finite_field(order: int) -> FiniteField:
    """Return GF(order); raise `ValueError` when the order is no prime power.

    Examples
    --------
    >>> four = finite_field(4)
    >>> four.times.tolist()  # 2 is x and 3 is x + 1: x * x = x + 1, x * (x + 1) = 1
    [[0, 0, 0, 0], [0, 1, 2, 3], [0, 2, 3, 1], [0, 3, 1, 2]]
    >>> four.plus[2].tolist()
    [2, 3, 0, 1]
    """
    parts = prime_power(order)
    if parts is None:
        raise ValueError(f"{order} is no prime power")
    prime, degree = parts
    digits = np.arange(order)[:, None] // prime ** np.arange(degree) % prime
    value = prime ** np.arange(degree)
    power = _powers(prime, degree)
    logarithm = np.zeros(order, dtype=np.int64)
    logarithm[power] = np.arange(order - 1)
    times = power[(logarithm[:, None] + logarithm) % (order - 1)]
    times[0, :] = times[:, 0] = 0
    return FiniteField(
        order=order,
        plus=((digits[:, None, :] + digits) % prime @ value).astype(np.int32),
        times=times.astype(np.int32),
        negative=(-digits % prime @ value).astype(np.int32),
        power=power.astype(np.int32),
    )


def _powers(prime: int, degree: int) -> NDArray[np.int64]:
    """Return all powers of x modulo the first monic polynomial for which they are all different.

    The polynomial is ``x^n - r`` where the remainder r, of degree below n, is what is searched.
    """
    order = prime**degree
    for remainder in product(range(prime), repeat=degree):
        powers = _cycle(np.array(remainder), prime, order)
        if len(powers) == order - 1:
            return np.array(powers)
    raise AssertionError(f"GF({order}) has a primitive element")


def _cycle(remainder: NDArray[np.int64], prime: int, order: int) -> list[int]:
    """Return 1, x, x^2, ... up to the power before the first that is 1; empty when none is."""
    degree = len(remainder)
    value = prime ** np.arange(degree)
    element = np.zeros(degree, dtype=np.int64)
    element[0] = 1
    powers: list[int] = []
    for _ in range(order - 1):
        powers.append(int(element @ value))
        # times x: shift up, and the coefficient that falls out comes back as the remainder
        carry = element[-1]
        element = (np.concatenate([[0], element[:-1]]) + carry * remainder) % prime
        if element[0] == 1 and not element[1:].any():
            return powers
    return []
