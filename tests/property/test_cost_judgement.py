"""Judging on the same draws: probabilities add up, equal bills cancel, dearer is never cheaper."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netloom.cost.distribution import mean, variance
from netloom.cost.draws import Sampling, cheaper_probability
from netloom.money.account import Term, sums_by_group
from netloom.result import Range

ranges = st.lists(st.floats(0, 1e6), min_size=3, max_size=3).map(lambda ends: Range(*sorted(ends)))
PARTS = ("optics-a", "optics-b", "switch-a", "switch-b")
bills = st.dictionaries(st.sampled_from(PARTS), st.integers(0, 5000), min_size=1)
books = st.fixed_dictionaries({part: ranges for part in PARTS})
SAMPLING = Sampling(256, 11, 0.5)


def drawn(book):
    return {part: SAMPLING.draw(part, found, part[:6]) for part, found in book.items()}


def total(bill, values):
    terms = tuple(Term("all", part, quantity) for part, quantity in bill.items())
    return sums_by_group(terms, values)["all"]


@given(bills, bills, books)
def test_probabilities_of_both_ways_add_up_to_one(first, second, book):
    values = drawn(book)
    one, other = (np.asarray(total(bill, values)) for bill in (first, second))
    both = cheaper_probability(one, other) + cheaper_probability(other, one)
    assert both == pytest.approx(1.0, abs=1e-12)


@given(bills, books)
def test_equal_bills_are_a_tie_on_every_draw(bill, book):
    values = drawn(book)
    one, other = (np.asarray(total(dict(order), values)) for order in (bill.items(), bill.items()))
    assert (one == other).all()
    assert cheaper_probability(one, other) == 0.5


@given(bills, bills, st.sampled_from(PARTS), st.integers(1, 100), books)
def test_more_of_the_same_on_both_sides_changes_nothing(first, second, part, more, book):
    values = drawn(book)
    before = total(second, values) - total(first, values)
    raised = [bill | {part: bill.get(part, 0) + more} for bill in (first, second)]
    after = total(raised[1], values) - total(raised[0], values)
    scale = float(np.abs(values[part]).max()) * 5100 + float(np.abs(before).max()) + 1
    assert np.abs(after - before).max() <= 1e-9 * scale * len(PARTS)


@given(bills, books, st.sampled_from(PARTS), st.floats(1, 3))
def test_a_dearer_price_never_makes_a_draw_cheaper(bill, book, part, factor):
    dearer = book | {part: book[part].scaled(factor)}
    assert (total(bill, drawn(dearer)) >= total(bill, drawn(book)) * (1 - 1e-12)).all()


@given(bills, bills, books)
def test_two_bills_together_cost_their_sum_on_every_draw(first, second, book):
    values = drawn(book)
    both = {part: first.get(part, 0) + second.get(part, 0) for part in {*first, *second}}
    assert total(both, values) == pytest.approx(total(first, values) + total(second, values))


@settings(max_examples=20)
@given(books, st.integers(0, 1000))
def test_independent_sums_have_the_closed_mean_and_variance(book, seed):
    sampling = Sampling(20_000, seed, 0.0)
    values = {part: sampling.draw(part, found) for part, found in book.items()}
    found = total(dict.fromkeys(PARTS, 1), values)
    expected = sum(mean(each) for each in book.values())
    spread = sum(variance(each) for each in book.values())
    assert found.mean() == pytest.approx(expected, abs=6 * np.sqrt(spread / 20_000) + 1e-6)
    assert found.var() == pytest.approx(spread, rel=0.1, abs=1e-6)
