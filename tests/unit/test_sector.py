"""The sector's published sums against the shipped build-out, and what the comparison is made of."""

from __future__ import annotations

import pytest

from netloom import catalog
from netloom.supply.read import read_build_out
from netloom.validation.categories import sector, sector_unpromised
from netloom.validation.published import read
from netloom.validation.sector_rows import implied, measure

PUBLISHED = read("sector.yaml")


def row(name):
    found = [each for each in (*sector.rows(), *sector_unpromised.rows()) if each.name == name]
    assert len(found) == 1
    return found[0]


def test_sums_of_the_whole_sector_are_within_the_promise():
    rows = list(sector.rows())
    assert len(rows) == 3
    assert all(each.passed and 0 < each.tolerance_fraction < 1 for each in rows)
    assert not any(0 < each.tolerance_fraction < 1 for each in sector_unpromised.rows())


def test_one_factor_brings_figures_of_all_accelerators_to_merchant_ones():
    share = PUBLISHED["merchant"]["fraction"]
    assert row("transceivers for AI").published == pytest.approx(26 * share)
    assert row("NVIDIA, revenue from data centres").published == pytest.approx(4 * 75.2)
    # 98 % of four quarters of 19.5 billion CNY
    innolight = row("Innolight, revenue from modules")
    assert innolight.published == pytest.approx(0.98 * 4 * 19.5 / 6.83 * share)
    for case in PUBLISHED["measures"]:
        covers_all = case["published"]["covers"] == "all"
        assert ("merchant accelerators, 60% of chips" in row(case["name"]).note) == covers_all


def test_modules_are_those_of_the_bills_counted_by_hand():
    # three full tiers of 72-port switches: one end on each NIC, three on switches of half as many
    # ports for each twin, so 2.5 modules of 1.6T and one of 800G for an accelerator
    build_out, _ = read_build_out("merchant-2026")
    year = build_out.years[2026]
    units = {name: year.accelerators.mode * part for name, part in year.mix.items()}
    fast = 2.5 * units["racks, DSP"]
    assert row("modules of 1.6T").computed == pytest.approx(fast / 1e6)
    slow = (
        units["racks, DSP"]
        + units["racks, CPO"]
        + 2.5 * (units["servers, DSP"] + units["servers, LPO"])
        + 1.5 * units["servers, rail-only"]
    )
    assert row("modules of 800G").computed == pytest.approx(slow / 1e6)
    both = row("modules of 800G and 1.6T, as 800G")
    assert both.computed == pytest.approx((2 * fast + slow) / 1e6)


def test_a_measure_of_two_components_is_their_sum():
    base = implied()
    both = measure({"components": ["module-siph", "hbm"]}, base)
    each = [measure({"components": [name]}, base) for name in ("module-siph", "hbm")]
    assert both == pytest.approx([sum(ends) for ends in zip(*each, strict=True)])
    assert both[1] < both[0] < both[2]


def test_notes_say_whether_the_published_figure_is_inside_the_interval():
    for case in PUBLISHED["measures"]:
        mode, low, high = measure(case["computed"], implied())
        mine = row(case["name"])
        scale = mode / mine.computed
        inside = low <= mine.published * scale <= high
        assert ("published inside" in mine.note) == inside
        assert ("published outside" in mine.note) == (not inside)


def test_figures_are_those_of_the_companies_in_the_catalogue():
    of_company = {
        "nvidia": ("NVIDIA, revenue from data centres", "revenue from data centres"),
        "innolight": ("Innolight, revenue from modules", "revenue"),
        "eoptolink": ("Eoptolink, revenue", "revenue"),
        "tfc": ("TFC, revenue", "revenue"),
        "wus": ("WUS, boards of switches and of servers for AI", "revenue"),
        "foxconn-industrial": ("Foxconn Industrial Internet, revenue from cloud", "revenue"),
    }
    cases = {case["name"]: case["published"] for case in PUBLISHED["measures"]}
    for name, (case, what) in of_company.items():
        figures = catalog.get("company", name).figures
        values = [each.value.mode for each in figures if each.what == what]
        assert pytest.approx(float(cases[case]["value"])) in values
