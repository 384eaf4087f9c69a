"""The supply chain against a walk that follows every dollar down every path, in exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netloom.catalog.quantity import Quantity
from netloom.catalog.suppliers import Company, Component
from netloom.cost.draws import Sampling
from netloom.money.account import Term
from netloom.money.inputs import from_quantity
from netloom.result import BomLine, Range
from netloom.supply.bill import Bill
from netloom.supply.chain import OTHERS, chain_of
from netloom.supply.content import exposure, tally_of
from netloom.supply.drawn import at_modes, draw

#: Shares are written in parts of this, exact in floating point.
WHOLE = 64

LEVELS = 5
SELLERS = ("ant", "bee", "cat")


def quantity(parts, dimension="fraction", spread=0):
    low, high = max(parts - spread, 0), min(parts + spread, WHOLE)
    return Quantity(
        low=low / WHOLE, mode=parts / WHOLE, high=high / WHOLE, dimension=dimension,
        basis="test", date="2026", source=("test",), grade="proposal",
    )  # fmt: skip


def split(draw_of, names, spread):
    """Return shares by name that together are at most one."""
    left, found = WHOLE, {}
    for name in names:
        parts = draw_of(st.integers(0, left))
        if parts:
            found[name] = quantity(parts, spread=spread)
            left -= parts
    return found


@st.composite
def worlds(draw_of, spread=0):
    """Return components that buy others of lower levels, companies, makers and two bills."""
    names = [f"c{level}" for level in range(LEVELS)]
    components = {}
    for level, name in enumerate(names):
        lower = names[level + 1 :]
        some = draw_of(st.lists(st.sampled_from(lower), unique=True)) if lower else []
        components[name] = Component(
            name=name, title=name, names={"en": name, "zh": name, "ja": name}, group="lasers",
            parts=(f"medium/{name}-*",), components=split(draw_of, some, spread),
            maker=draw_of(st.sampled_from(["market", "vendor"])),
        )  # fmt: skip
    sold = {name: split(draw_of, SELLERS, spread) for name in names}
    companies = {
        seller: Company(
            name=seller,
            title=seller,
            names={"en": seller, "zh": seller, "ja": seller},
            vendor_names=(seller.upper(),),
            region="CN",
            listing="none",
            as_of="2026",
            source=("test",),
            sells={n: sold[n][seller] for n in names if seller in sold[n]},
        )
        for seller in SELLERS
    }
    parts = [f"medium/{name}-{tail}" for name in names for tail in "xy"]
    vendors = {part: draw_of(st.sampled_from(["", "ANT", "BEE"])) for part in parts}
    bills = {}
    for design in ("first", "second"):
        lots = draw_of(
            st.dictionaries(
                st.sampled_from(parts),
                st.tuples(st.integers(0, 2000), st.integers(0, 10**6)),
                min_size=1,
            )
        )
        bills[design] = bill_of_lots(design, lots)
    return components, companies, vendors, bills


def bill_of_lots(design, lots):
    """Return a bill whose units cost a whole number of 64ths of a dollar."""
    lines, terms, inputs = [], [], {}
    for part, (number, parts_of_usd) in lots.items():
        usd = parts_of_usd / WHOLE
        path = f"prices.{part}.{parts_of_usd}"
        price = Quantity(
            low=usd / 2, mode=usd, high=3 * usd, dimension="money", basis="test", date="2026",
            source=("test",), grade="C",
        )  # fmt: skip
        inputs[path] = from_quantity(path, part, price)
        lines.append(
            BomLine(
                "optics", part, part, "leaf", number, Range(usd / 2, usd, 3 * usd), 0.0, "C", ""
            )
        )
        terms.append((Term("optics", path, number),))
    return Bill(design, 8, tuple(lines), tuple(terms), 1.0, "none", (), inputs)


def add(found, key, amount):
    found[key] = found.get(key, Fraction(0)) + amount


def follow(world, part, component, usd, sold_to, found):
    """Follow the dollars of one purchase: who is paid, what he keeps, what he pays on."""
    components, companies, vendors, _ = world
    entry = components[component]
    alone = vendors[part].lower() if entry.maker == "vendor" else ""
    add(found, ("sales", component), usd)
    kept = usd
    for bought, share in entry.components.items():
        paid = usd * Fraction(share.mode)
        kept -= paid
        follow(world, part, bought, paid, alone, found)
    add(found, ("added", component), kept)
    left = Fraction(1)
    for name, company in companies.items():
        if alone:
            share = Fraction(name == alone)
        else:
            share = Fraction(company.sells[component].mode) if component in company.sells else 0
        left -= share
        add(found, ("company", name), share * kept)
        add(found, ("cell", component, name), share * kept)
        if not (alone and alone == sold_to):
            add(found, ("booked", name), share * usd)
    add(found, ("company", OTHERS), left * kept)
    add(found, ("cell", component, OTHERS), left * kept)
    add(found, ("booked", OTHERS), left * usd)


def walk(world, bill):
    found = {}
    for line in bill.lines:
        own = line.part.removeprefix("medium/").partition("-")[0]
        usd = line.quantity * Fraction(line.unit_usd.mode)
        follow(world, line.part, own, usd, "", found)
    return found


def chain_of_world(world):
    components, companies, vendors, bills = world
    parts = [part for bill in bills.values() for part in bill.parts]
    return chain_of(parts, components, companies, lambda part, _: vendors[part])


@settings(max_examples=80, deadline=None)
@given(worlds())
def test_most_likely_values_are_those_of_the_walk(world):
    bills, chain = world[3], chain_of_world(world)
    drawn = at_modes(bills, chain)
    for design, bill in bills.items():
        expected, tally = walk(world, bill), tally_of(drawn, design)
        scale = float(tally.bill[0])

        def same(value, key, expected=expected, scale=scale):
            exact = float(expected.get(key, 0))
            assert float(value[0]) == pytest.approx(exact, rel=1e-12, abs=1e-12 * scale)

        for name in chain.components:
            added, sales = tally.components[name]
            same(added, ("added", name))
            same(sales, ("sales", name))
        for name in (*chain.companies, OTHERS):
            added, booked = tally.companies[name]
            same(added, ("company", name))
            same(booked, ("booked", name))
        for (component, company), cell in tally.cells.items():
            same(cell, ("cell", component, company))


@settings(max_examples=40, deadline=None)
@given(worlds(spread=9))
def test_cents_of_components_and_companies_add_up_to_the_bill(world):
    bills, chain = world[3], chain_of_world(world)
    answer = exposure(bills, Sampling(50, 0, 0.5), chain)
    for design, bill in zip(answer.designs, bills.values(), strict=True):
        expected = walk(world, bill)
        exact = sum(line.quantity * Fraction(line.unit_usd.mode) for line in bill.lines)
        assert design.bill_cents == round(100 * exact)
        for kind, rows in (("added", design.components), ("company", design.companies)):
            assert sum(row.added_cents for row in rows) == design.bill_cents
            for row in rows:
                miss = row.added_cents - 100 * expected.get((kind, row.name), Fraction(0))
                assert abs(miss) < 1 + Fraction(1, 10**4)


@settings(max_examples=40, deadline=None)
@given(worlds(spread=20), st.integers(0, 1000))
def test_every_draw_adds_up_with_no_share_below_nothing(world, seed):
    bills, chain = world[3], chain_of_world(world)
    drawn = draw(bills, chain, Sampling(40, seed, 0.5))
    for kept in drawn.kept.values():
        assert (kept >= 0).all()
    for shares in drawn.shares.values():
        assert (shares >= 0).all()
    for part in chain.parts:
        whole = sum(drawn.added[part, chain.market_of[part, n]] for n in chain.inside(part))
        np.testing.assert_allclose(whole, 1.0, rtol=1e-12)
    for market, sellers in chain.sellers.items():
        rest = () if market.bound_to else (OTHERS,)
        whole = sum(drawn.shares[market, each] for each in (*sellers, *rest))
        np.testing.assert_allclose(whole, 1.0, rtol=1e-12)
