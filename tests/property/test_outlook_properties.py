"""What holds for any effect: sums, proportions, and that a cut is a cut."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from netloom.supply.chain import Market
from netloom.supply.dollars import Stream, Supply, changed, kept_shares
from netloom.supply.scenario import Effect, Substitution

MODULE, CHIP, LASER, ENGINE = (Market(name) for name in ("module", "chip", "laser", "engine"))
GROUPS = {"module": "optics", "chip": "silicon", "laser": "lasers", "engine": "optics"}
ONE = np.ones(1)

fractions = st.floats(0.0, 1.0)
factors = st.floats(0.0, 3.0)
dollars = st.floats(0.0, 1e9)
targets = st.sampled_from(["", "module", "chip", "laser", "optics", "silicon"])


def supply(share):
    trees = {"engine": [((ENGINE,), ONE * (1 - share)), ((ENGINE, LASER), ONE * share)]}
    return Supply(GROUPS, {}, {}, trees)


def content(usd, share):
    return [
        Stream(True, (MODULE,), ONE * usd * (1 - share)),
        Stream(True, (MODULE, CHIP), ONE * usd * share / 2),
        Stream(True, (MODULE, LASER), ONE * usd * share / 2),
    ]


def total(streams):
    return float(sum(each.usd[0] for each in streams))


@settings(max_examples=60, deadline=None)
@given(dollars, fractions, fractions, factors)
def test_a_substitution_moves_its_share_at_its_price(usd, share, moved, ratio):
    effect = Effect(substitutions=(Substitution("module", "engine", moved, ratio),))
    found = changed(content(usd, share), effect, supply(share))
    expected = usd * (1 - moved + moved * ratio)
    assert np.isclose(total(found), expected, rtol=1e-12, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(dollars, fractions, st.lists(st.tuples(fractions, factors), max_size=4))
def test_no_more_than_everything_is_replaced(usd, share, moves):
    effect = Effect(substitutions=tuple(Substitution("optics", "engine", *each) for each in moves))
    found = changed(content(usd, share), effect, supply(share))
    assert min((float(each.usd[0]) for each in found), default=0.0) >= -1e-6
    left = sum(float(each.usd[0]) for each in found[:3])
    whole = sum(moved for moved, _ in moves)
    assert np.isclose(left, usd * max(0.0, 1 - whole), rtol=1e-9, atol=1e-3)


@settings(max_examples=60, deadline=None)
@given(dollars, fractions, st.dictionaries(targets, factors), targets, fractions)
def test_a_deeper_cut_of_any_target_never_brings_more(usd, share, held, target, cut):
    before = changed(content(usd, share), Effect(factors=held), supply(share))
    deeper = {**held, target: held.get(target, 1.0) * cut}
    after = changed(content(usd, share), Effect(factors=deeper), supply(share))
    for old, new in zip(before, after, strict=True):
        assert new.usd[0] <= old.usd[0] * (1 + 1e-12)


@settings(max_examples=60, deadline=None)
@given(dollars, fractions, st.dictionaries(targets, factors), st.floats(0.0, 100.0))
def test_dollars_are_proportional_to_the_bill(usd, share, held, times):
    effect = Effect(factors=held, substitutions=(Substitution("optics", "engine", 0.3, 0.6),))
    one = changed(content(usd, share), effect, supply(share))
    many = changed(content(usd * times, share), effect, supply(share))
    assert np.isclose(total(many), total(one) * times, rtol=1e-9, atol=1e-3)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(fractions, min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 5), st.floats(-1.0, 1.0)), max_size=4),
    st.dictionaries(st.sampled_from(["CN", "US"]), factors),
)
def test_shares_stay_shares_whatever_points_move(weights, moves, regions):
    whole = max(sum(weights), 1.0)
    shares = {f"c{place}": ONE * each / whole for place, each in enumerate(weights)}
    homes = {name: ("CN", "US", "JP")[place % 3] for place, name in enumerate(shares)}
    effect = Effect(
        points=tuple((f"c{place}", "", points) for place, points in moves), regions=regions
    )
    sold, factor, kept = kept_shares(shares, effect, homes)
    for found in (sold, kept):
        assert min(float(np.min(each)) for each in found.values()) >= -1e-12
        assert sum(float(np.max(each)) for each in found.values()) <= 1 + 1e-9
    # what is kept is what was sold, each by its region's factor
    usual = {name: float(np.max(share)) for name, share in sold.items()}
    for name, share in kept.items():
        keeps = regions.get(homes[name], 1.0)
        assert np.isclose(float(np.max(share * factor)), usual[name] * keeps, atol=1e-9)
