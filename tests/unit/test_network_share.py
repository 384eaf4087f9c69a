"""Shares of the network against sums by hand and against the printed bill."""

from __future__ import annotations

import pytest

from netloom.result import BomLine, Range
from netloom.supply.share import share
from netloom.validation.categories import network_share, network_share_unpromised
from netloom.validation.network_shares import laid_out_bill
from netloom.validation.published import read


def line(group, usd):
    return BomLine(group, f"x/{group}", "", "", 2, Range(0.0, usd / 2, usd), 0.0, "C", "list")


BILL = [
    line(group, usd)
    for group, usd in (
        ("nodes", 70.0), ("nics", 6.0), ("switches", 10.0), ("optics", 8.0), ("cables", 2.0),
        ("installation", 4.0),
    )
]  # fmt: skip


def test_shares_by_hand():
    found = share(BILL)
    assert found.network_fraction == pytest.approx(0.20)
    assert found.optics_fraction == pytest.approx(0.10)


def test_nics_and_installation_count_where_the_measure_has_them():
    assert share(BILL, nics_are_network=True).network_fraction == pytest.approx(0.30)


def test_a_building_only_dilutes():
    with_building = share(BILL, nics_are_network=True, building_usd=100.0)
    assert with_building.network_usd == share(BILL, nics_are_network=True).network_usd
    assert with_building.network_fraction == pytest.approx(0.15)


def test_a_bill_without_a_network_has_no_share():
    assert share([line("nodes", 5.0)]).network_fraction == 0


def test_the_whole_bill_is_laid_out():
    given = read("network_share.yaml")["clusters"][0]["nodes"]
    lines = laid_out_bill(given)
    assert {each.group for each in lines} == {
        "nodes", "nics", "switches", "optics", "cables", "installation",
    }  # fmt: skip
    nodes = next(each for each in lines if each.group == "nodes")
    assert nodes.quantity == 4 * 32
    # four units of eight leaves, sixteen spines: a published SuperPOD
    assert sum(each.quantity for each in lines if each.group == "switches") == 32 + 16


def test_every_published_range_is_shown_with_its_reason():
    rows = [*network_share.rows(), *network_share_unpromised.rows()]
    published = read("network_share.yaml")
    for case in published["sites"]:
        mine = [row for row in rows if row.name.startswith(case["name"])]
        assert len(mine) == len(case["builds"])
        for row in mine:
            low, high = case["published"]
            assert ("inside" in row.note) == (low <= row.computed <= high)
            assert row.note.count("the published range") == 1
    assert all(row.passed for row in network_share.rows())
