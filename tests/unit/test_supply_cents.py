"""Whole cents by largest remainder."""

import pytest

from netloom.errors import ConservationError
from netloom.supply.cents import apportion, in_cents


def test_the_largest_remainders_are_rounded_up():
    # 10.4 + 20.35 + 30.25 cents: the floors are 60, the cent left goes to .4
    assert apportion([0.104, 0.2035, 0.3025], 61) == (11, 20, 30)


def test_half_a_cent_of_the_total_may_go_either_way():
    assert apportion([0.125, 0.25], 37) == (12, 25)
    assert apportion([0.125, 0.25], 38) == (13, 25)


def test_equal_remainders_go_to_the_first():
    assert apportion([0.005, 0.005, 0.005, 0.005], 2) == (1, 1, 0, 0)


def test_rows_that_miss_the_total_are_refused():
    with pytest.raises(ConservationError, match=r"add up to 3\.0000 US\$, the bill is 3\.02 US\$"):
        apportion([1.0, 2.0], 302)


def test_nothing_is_nothing():
    assert apportion([], 0) == ()
    assert apportion([0.0, 0.0], 0) == (0, 0)


def test_cents_of_a_large_bill_are_exact():
    assert in_cents(734250649.6) == 73425064960
