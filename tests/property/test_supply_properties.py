"""Laws of the supply chain: what rises with what, and what nothing changes."""

import math
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from netloom.catalog.quantity import Quantity
from netloom.catalog.suppliers import Company, Component
from netloom.cost.draws import Sampling
from netloom.money.account import Term
from netloom.money.inputs import from_quantity
from netloom.result import BomLine, Range
from netloom.supply.bill import Bill
from netloom.supply.cents import apportion
from netloom.supply.chain import OTHERS, chain_of
from netloom.supply.content import exposure, tally_of
from netloom.supply.drawn import draw

SAMPLING = Sampling(200, 5, 0.5)
shares = st.floats(0.01, 0.3)
prices = st.floats(1.0, 1e5)


def quantity(mode, spread, dimension="fraction"):
    return Quantity(
        low=mode * (1 - spread), mode=mode, high=mode * (1 + spread), dimension=dimension,
        basis="test", date="2026", source=("test",), grade="proposal",
    )  # fmt: skip


def component(name, bought, spread, parts=()):
    return Component(
        name=name, title=name, names={"en": name, "zh": name, "ja": name}, group="lasers",
        parts=parts, components={n: quantity(share, spread) for n, share in bought.items()},
    )  # fmt: skip


def company(name, sells, spread):
    return Company(
        name=name, title=name, names={"en": name, "zh": name, "ja": name}, region="CN",
        listing="none", as_of="2026", source=("test",),
        sells={n: quantity(share, spread) for n, share in sells.items()},
    )  # fmt: skip


def tally(chip, laser, wafer, seller, usd, spread, number=3):
    """Return the dollars of modules whose chips and lasers hold wafers."""
    components = {
        "module": component("module", {"chip": chip, "laser": laser}, spread, ("m/*",)),
        "chip": component("chip", {"wafer": wafer}, spread),
        "laser": component("laser", {"wafer": wafer}, spread),
        "wafer": component("wafer", {}, spread),
    }
    companies = {"seller": company("seller", {"chip": seller}, spread)}
    one = bill(number, usd, spread)
    return tally_of(draw({"a": one}, chain_of(one.parts, components, companies), SAMPLING), "a")


def bill(number, usd, spread):
    price = quantity(usd, spread, "money")
    line = BomLine(
        "optics", "m/a", "m", "leaf", number, Range(price.low, usd, price.high), 0.0, "C", "test"
    )
    terms = ((Term("optics", "price", number),),)
    return Bill(
        "a", 8, (line,), terms, 1.0, "none", (), {"price": from_quantity("price", "p", price)}
    )


spreads = st.floats(0.0, 0.6)


@settings(max_examples=40, deadline=None)
@given(shares, shares, shares, shares, shares, prices, spreads)
def test_a_larger_share_brings_more_to_what_is_bought_and_less_to_its_buyer(
    chip, more, laser, wafer, seller, usd, spread
):
    less = tally(chip, laser, wafer, seller, usd, spread)
    dear = tally(chip + more, laser, wafer, seller, usd, spread)
    for name in ("chip", "wafer"):
        for before, after in zip(less.components[name], dear.components[name], strict=True):
            assert (after >= before * (1 - 1e-12)).all()
    assert (dear.components["module"][0] <= less.components["module"][0] * (1 + 1e-12)).all()
    assert (dear.companies["seller"][0] >= less.companies["seller"][0] * (1 - 1e-12)).all()


@settings(max_examples=40, deadline=None)
@given(shares, shares, shares, prices, spreads, st.integers(1, 20))
def test_dollars_grow_with_what_is_bought(chip, laser, seller, usd, spread, times):
    one = tally(chip, laser, 0.2, seller, usd, spread)
    many = tally(chip, laser, 0.2, seller, usd, spread, number=3 * times)
    for kind in ("components", "companies"):
        before, after = getattr(one, kind), getattr(many, kind)
        for name in before:
            for old, new in zip(before[name], after[name], strict=True):
                np.testing.assert_allclose(new, times * old, rtol=1e-12, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(shares, shares, shares, prices, spreads)
def test_a_larger_market_share_takes_from_others_alone(chip, seller, more, usd, spread):
    small = tally(chip, 0.1, 0.2, seller, usd, spread)
    large = tally(chip, 0.1, 0.2, seller + more, usd, spread)
    for name in small.components:
        np.testing.assert_array_equal(small.components[name][0], large.components[name][0])
    gained = large.companies["seller"][0] - small.companies["seller"][0]
    lost = small.companies[OTHERS][0] - large.companies[OTHERS][0]
    assert (gained >= -1e-9 * usd).all()
    np.testing.assert_allclose(gained, lost, rtol=1e-9, atol=1e-9 * usd)


@settings(max_examples=30, deadline=None)
@given(shares, shares, prices, spreads)
def test_sales_are_what_is_added_and_what_is_bought(chip, laser, usd, spread):
    found = tally(chip, laser, 0.25, 0.1, usd, spread)
    added = sum(each[0] for each in found.components.values())
    np.testing.assert_allclose(added, found.bill, rtol=1e-12)
    sales = {name: each[1] for name, each in found.components.items()}
    np.testing.assert_allclose(sales["module"], found.bill, rtol=1e-12)
    assert all((sales[name] >= found.components[name][0] * (1 - 1e-12)).all() for name in sales)


@settings(max_examples=20, deadline=None)
@given(shares, shares, prices, spreads)
def test_a_bill_against_itself_changes_nothing(chip, laser, usd, spread):
    components = {
        "module": component("module", {"chip": chip, "laser": laser}, spread, ("m/*",)),
        "chip": component("chip", {}, spread), "laser": component("laser", {}, spread),
    }  # fmt: skip
    companies = {"seller": company("seller", {"chip": 0.3, "laser": 0.1}, spread)}
    one = bill(7, usd, spread)
    (change,) = exposure(
        {"a": one, "b": one}, SAMPLING, chain_of(one.parts, components, companies)
    ).changes
    rows = (*change.components, *change.companies)
    assert change.bill_cents == change.bill.mean == 0
    assert all(row.added_cents == row.added.mean == row.added.percentile_10 == 0 for row in rows)
    assert all(row.gain_probability == row.loss_probability == 0 for row in rows)


@given(st.lists(st.floats(-1e6, 1e9), max_size=30))
def test_apportioned_cents_add_up_each_within_one(values):
    total = round(sum((Fraction(value) for value in values), Fraction(0)) * 100)
    cents = apportion(values, total)
    assert sum(cents) == total
    for value, found in zip(values, cents, strict=True):
        assert found in (math.floor(Fraction(value) * 100), math.floor(Fraction(value) * 100) + 1)


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=12))
def test_a_larger_remainder_is_rounded_up_first(values):
    exact = [Fraction(value) * 100 for value in values]
    cents = apportion(values, round(sum(exact)))
    up = [value - math.floor(value) for value, c in zip(exact, cents, strict=True) if c > value]
    down = [value - math.floor(value) for value, c in zip(exact, cents, strict=True) if c <= value]
    if up and down:
        assert min(up) >= max(down)
