"""The bill of materials against sums by hand, and refusals."""

import pytest

from netloom import catalog
from netloom.catalog.prices import PriceBook
from netloom.cost.bom import FIBRE, CableLot, NodeLot, SwitchLot, bill_of_materials
from netloom.cost.money import capex_by_group, network_capex, run_cost, total_capex
from netloom.cost.power import it_power_w, network_power_w, site_power_w
from netloom.cost.prices import Prices
from netloom.errors import ConservationError, ParameterError
from netloom.result import Range

BOOK = catalog.get("price-book", "market-2026")
SITE = catalog.get("site-costs", "us-2026")
MEDIA = {
    name: catalog.get("medium", name)
    for name in ("dac-400g", "dsp-400g-dr4", "cpo-800g", "aec-800g")
}


def usd(part):
    return float(BOOK.prices[part])


def nodes(num_nodes=32, nic="connectx-7", nics_per_node=8):
    return NodeLot(
        node=catalog.get("node", "hgx-h100"),
        delivered_nic=catalog.get("nic", "connectx-7"),
        num_nodes=num_nodes,
        nic=catalog.get("nic", nic),
        nics_per_node=nics_per_node,
    )


SWITCHES = (
    SwitchLot("leaf", catalog.get("switch", "qm9700"), 8),
    SwitchLot("spine", catalog.get("switch", "qm9700"), 4),
)
CABLES = (
    CableLot("host-leaf", "dac-400g", 2.0, 200, 0),
    CableLot("host-leaf", "dsp-400g-dr4", 10.0, 56, 112),
    CableLot("leaf-spine", "dsp-400g-dr4", 10.0, 100, 200),
    CableLot("leaf-spine", "dsp-400g-dr4", 30.0, 156, 312),
)


def bill(lot=None, switches=SWITCHES, cables=CABLES, adjust=None, book=BOOK):
    return bill_of_materials(
        lot or nodes(), switches, cables, MEDIA, Prices(book, adjust or {}), SITE
    )


def test_a_scalable_unit_costs_what_its_parts_cost():
    parts = (
        12 * usd("switch/qm9700")
        + 200 * usd("medium/dac-400g")
        + 624 * usd("medium/dsp-400g-dr4")
        + 312 * usd(FIBRE)
    )
    lines = bill()
    installed = parts * (1 + float(SITE.installation_fraction))
    expected = 32 * usd("node/hgx-h100") + installed
    assert total_capex(lines).mode == pytest.approx(expected, abs=0.005)
    nics = 256 * usd("nic/connectx-7")
    assert network_capex(lines).mode == pytest.approx(installed + nics, abs=0.005)


def test_lines_groups_and_capex_agree_to_the_cent():
    lines = bill()
    total = total_capex(lines)
    for end in ("low", "mode", "high"):
        by_line = sum(getattr(line.total_usd, end) for line in lines)
        by_group = sum(getattr(group, end) for group in capex_by_group(lines).values())
        nodes_usd = getattr(capex_by_group(lines)["nodes"], end)
        network = getattr(network_capex(lines), end)
        assert getattr(total, end) == pytest.approx(by_line, abs=0.005)
        assert getattr(total, end) == pytest.approx(by_group, abs=0.005)
        assert getattr(total, end) == pytest.approx(nodes_usd + network, abs=0.005)
    assert total.low < total.mode < total.high


def test_a_node_with_its_delivered_nics_costs_and_draws_what_it_is_quoted_at():
    lines = bill(switches=(), cables=())
    assert total_capex(lines) == Range(*(32 * end for end in (280_000.0, 310_000.0, 400_000.0)))
    assert it_power_w(lines) == pytest.approx(32 * 10_200)


def test_other_nics_change_the_sum_by_the_difference():
    before, after = bill(), bill(nodes(nic="connectx-8"))
    gap = total_capex(after).mode - total_capex(before).mode
    assert gap == pytest.approx(256 * (usd("nic/connectx-8") - usd("nic/connectx-7")), abs=0.005)
    fewer = bill(nodes(nics_per_node=4))
    gap = total_capex(before).mode - total_capex(fewer).mode
    assert gap == pytest.approx(128 * usd("nic/connectx-7"), abs=0.005)


def test_network_power_is_switches_and_both_ends_of_every_cable():
    switch_w = float(catalog.get("switch", "qm9700").power_w)
    dac_w, optics_w = (float(MEDIA[name].power_per_end_w) for name in ("dac-400g", "dsp-400g-dr4"))
    lines = bill()
    expected = 12 * switch_w + 2 * 200 * dac_w + 2 * 312 * optics_w
    assert network_power_w(lines) == pytest.approx(expected)
    assert it_power_w(lines) == pytest.approx(expected + 32 * 10_200)
    assert site_power_w(1000.0, SITE) == Range(1080.0, 1200.0, 1580.0)


def test_co_packaged_engines_are_in_the_switch_and_active_cables_are_not():
    lot = (
        CableLot("leaf-spine", "cpo-800g", 30.0, 10, 0),
        CableLot("host", "aec-800g", 2.0, 10, 0),
    )
    lines = bill(switches=(), cables=lot)
    assert network_power_w(lines) == pytest.approx(
        2 * 10 * float(MEDIA["aec-800g"].power_per_end_w)
    )
    assert "optics" not in capex_by_group(lines)


def test_adjusting_a_class_moves_that_class_alone():
    before, after = capex_by_group(bill()), capex_by_group(bill(adjust={"optics": -0.15}))
    assert after["optics"].mode == pytest.approx(0.85 * before["optics"].mode)
    for group in ("nodes", "nics", "switches", "cables"):
        assert after[group] == before[group]
    # labour is a share of what is installed
    saved = 0.15 * before["optics"].mode * float(SITE.installation_fraction)
    assert before["installation"].mode - after["installation"].mode == pytest.approx(saved)


def test_class_and_part_changes_multiply():
    both = capex_by_group(bill(adjust={"switches": 0.1, "switch/qm9700": -0.1}))
    assert both["switches"].mode == pytest.approx(12 * usd("switch/qm9700") * 1.1 * 0.9)


def test_unknown_changes_and_negative_prices_are_refused():
    with pytest.raises(ParameterError, match="classes: nodes, nics, switches, optics"):
        Prices(BOOK, {"optic": -0.1})
    with pytest.raises(ParameterError, match="did you mean switch/qm9700"):
        Prices(BOOK, {"switch/qm9701": -0.1})
    with pytest.raises(ParameterError, match="negative"):
        Prices(BOOK, {"optics": -1.01})
    price = BOOK.prices["switch/qm9700"].model_copy(update={"low": -1.0})
    book = PriceBook.model_construct(
        **dict(BOOK) | {"prices": {**BOOK.prices, "switch/qm9700": price}}
    )
    with pytest.raises(ParameterError, match="price of switch/qm9700 is negative"):
        bill(book=book)


def test_a_missing_price_and_a_node_cheaper_than_its_nics_are_refused():
    prices = {part: price for part, price in BOOK.prices.items() if part != FIBRE}
    book = BOOK.model_copy(update={"prices": prices})
    with pytest.raises(ParameterError, match=FIBRE):
        bill(book=book)
    cheap = BOOK.model_copy(
        update={"prices": {**BOOK.prices, "node/hgx-h100": BOOK.prices["switch/qm9700"]}}
    )
    with pytest.raises(ParameterError, match="costs less than the parts inside"):
        bill(
            nodes(nics_per_node=8),
            book=cheap.model_copy(
                update={"prices": {**cheap.prices, "nic/connectx-7": BOOK.prices["switch/qm9700"]}}
            ),
        )


def test_transceivers_that_do_not_add_up_and_wrong_nics_are_bugs():
    with pytest.raises(ConservationError, match="need 112"):
        bill(cables=(CableLot("host-leaf", "dsp-400g-dr4", 10.0, 56, 56),))
    with pytest.raises(ConservationError, match="is delivered with connectx-7"):
        NodeLot(
            catalog.get("node", "hgx-h100"),
            catalog.get("nic", "connectx-8"),
            1,
            catalog.get("nic", "connectx-8"),
            8,
        )
    with pytest.raises(ParameterError, match="unknown medium 'dac-401g'"):
        bill(cables=(CableLot("host-leaf", "dac-401g", 2.0, 1, 0),))


def test_a_year_writes_off_a_fifth_and_burns_its_power():
    year_s = 365.25 * 86400
    cost = run_cost(Range(80e6, 100e6, 120e6), 1e6, year_s, SITE)
    assert cost.depreciation_usd.mode == pytest.approx(20e6)
    assert cost.maintenance_usd.mode == pytest.approx(4e6)
    # 1 MW x 1.2 x 8,766 h x 0.08 $/kWh
    assert cost.energy_usd.mode == pytest.approx(1000 * 1.2 * 8766 * 0.08)
    assert cost.total_usd.mode == pytest.approx(24e6 + cost.energy_usd.mode)
    assert cost.total_usd.low < cost.total_usd.mode < cost.total_usd.high
    with pytest.raises(ParameterError, match="not possible"):
        run_cost(Range(1, 1, 1), 1e6, -1.0, SITE)


def test_a_node_may_be_quoted_more_surely_than_its_nics():
    quoted = Prices(BOOK, {}, {"node/hgx-h100": 300_000.0})
    lines = bill_of_materials(nodes(1), (), (), MEDIA, quoted, SITE)
    (node,) = (line for line in lines if line.group == "nodes")
    assert node.unit_usd.low <= node.unit_usd.mode <= node.unit_usd.high
    assert total_capex(lines).mode == pytest.approx(300_000.0)
