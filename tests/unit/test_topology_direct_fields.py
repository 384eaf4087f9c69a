"""Finite fields against the field axioms, by brute force over all elements."""

from __future__ import annotations

import numpy as np
import pytest

from netloom.topology.finite_field import finite_field, nearest_prime_powers, prime_power

ORDERS = (2, 3, 4, 5, 7, 8, 9, 11, 13, 16, 25, 27, 32)


@pytest.mark.parametrize("order", ORDERS)
def test_field_axioms(order):
    field = finite_field(order)
    plus, times, all_of = field.plus, field.times, np.arange(order)
    for table in (plus, times):
        assert (table == table.T).all()
        assert (table[table[:, :, None], all_of] == table[all_of[:, None, None], table]).all()
    assert (plus[0] == all_of).all()
    assert (times[1] == all_of).all()
    assert (times[0] == 0).all()
    assert (plus[all_of, field.negative] == 0).all()
    # each element but 0 has one inverse
    assert ((times[1:, 1:] == 1).sum(axis=1) == 1).all()
    a, b, c = np.ix_(all_of, all_of, all_of)
    assert (times[a, plus[b, c]] == plus[times[a, b], times[a, c]]).all()


@pytest.mark.parametrize("order", ORDERS)
def test_characteristic_and_primitive_element(order):
    field = finite_field(order)
    prime, _ = prime_power(order)
    total, count = 1, 1
    while total:
        total, count = int(field.plus[total, 1]), count + 1
    assert count == prime
    assert sorted(field.power) == list(range(1, order))
    generator = field.power[1 % (order - 1)]
    assert (field.times[field.power, generator] == np.roll(field.power, -1)).all()


@pytest.mark.parametrize("order", [4, 8, 9, 16, 25, 27])
def test_prime_powers_are_not_whole_numbers_modulo_q(order):
    number = np.arange(order)
    assert (finite_field(order).times != np.outer(number, number) % order).any()


@pytest.mark.parametrize("order", [2, 3, 5, 7, 11, 13])
def test_prime_fields_are_whole_numbers_modulo_q(order):
    number = np.arange(order)
    field = finite_field(order)
    assert (field.times == np.outer(number, number) % order).all()
    assert (field.plus == np.add.outer(number, number) % order).all()


def test_prime_powers_against_factorisation():
    def by_factors(number):
        factors, rest = set(), number
        for candidate in range(2, number + 1):
            while rest % candidate == 0:
                factors.add(candidate)
                rest //= candidate
        return len(factors) == 1

    for number in range(2, 400):
        assert (prime_power(number) is not None) == by_factors(number)


def test_other_orders_are_refused_and_their_neighbours_named():
    with pytest.raises(ValueError, match="28 is no prime power"):
        finite_field(28)
    assert nearest_prime_powers(6, lambda q: True) == [5, 7]
    assert nearest_prime_powers(2, lambda q: q > 2) == [3]
