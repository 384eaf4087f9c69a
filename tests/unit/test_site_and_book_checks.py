"""Numbers of sites and price books that cannot be are refused when they are read."""

import re

import pytest
import yaml

from netloom.catalog import load
from netloom.catalog.prices import PriceBook, SiteCosts

SITE = (load.DATA / "site-costs" / "us-2026.yaml").read_text(encoding="utf-8")
BOOK = (load.DATA / "price-book" / "market-2026.yaml").read_text(encoding="utf-8")


def site(old, new):
    assert SITE.count(old) == 1
    return SiteCosts(name="x", **yaml.safe_load(SITE.replace(old, new)))


def book(old, new):
    assert old in BOOK
    return PriceBook(name="x", **yaml.safe_load(BOOK.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("high: 95 %", "high: 140 %", "loaded_power_fraction of 0.7 to 1.4 is not in 0 to 1"),
        ("high: 8 %/year", "high: 120 %/year", "maintenance_per_year"),
        ("low: 1 %\n  mode: 3 %", "low: -1 %\n  mode: 3 %", "node_spares_fraction of -0.01"),
        ("low: '1.08'", "low: '0.9'", "pue of 0.9 to 1.58 is not in 1 to inf"),
        ("low: 0.05 USD/kWh", "low: -0.05 USD/kWh", "electricity_usd_per_j"),
        ("low: 4 years", "low: 0 years", "nothing is written off at once"),
        ("mode: 5 years", "mode: 9 years", "low <= mode <= high is broken"),
    ],
)
def test_a_site_that_cannot_be_is_refused(old, new, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        site(old, new)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("low: 280000 USD", "low: -1 USD", "the price of node/dgx-h100 is negative"),
        ("low: 280000 USD", "low: 320000 USD", "low <= mode <= high is broken"),
        ("{part: medium/dsp-400g-dr4,", "{part: medium/dsp-400g,", "no price of medium/dsp-400g"),
    ],
)
def test_a_book_that_cannot_be_is_refused(old, new, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        book(old, new)
