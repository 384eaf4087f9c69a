"""Dollars by component and company: worked by hand, in closed form, and on a whole study."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from netloom import catalog, search
from netloom.catalog.quantity import Quantity
from netloom.catalog.suppliers import Company, Component
from netloom.cli.study import read
from netloom.cost.draws import Sampling
from netloom.errors import ParameterError
from netloom.money.account import Term
from netloom.money.inputs import from_quantity
from netloom.money.ledger import account_of
from netloom.resolve import resolve
from netloom.result import BomLine, Range
from netloom.supply.bill import Bill, bills_of, network_of, sampling_of
from netloom.supply.chain import OTHERS, Market, chain_of
from netloom.supply.content import exposure, tally_of
from netloom.supply.drawn import at_modes, draw

EXAMPLES = Path(__file__).parents[2] / "examples"
SAMPLING = Sampling(2000, 0, 0.5)


def quantity(low, mode, high, dimension="fraction", grade="proposal"):
    return Quantity(
        low=low, mode=mode, high=high, dimension=dimension, basis="test", date="2026",
        source=("test",), grade=grade,
    )  # fmt: skip


def shares(given):
    return {name: quantity(*(each if isinstance(each, tuple) else (each,) * 3))
            for name, each in given.items()}  # fmt: skip


def component(name, bought=None, parts=(), maker="market"):
    return Component(
        name=name, title=name, names={"en": name, "zh": name, "ja": name}, group="optical modules",
        parts=parts, components=shares(bought or {}), maker=maker,
    )  # fmt: skip


def company(name, sells=None, vendor_names=(), region="CN"):
    return Company(
        name=name, title=name, names={"en": name, "zh": name, "ja": name}, region=region,
        vendor_names=vendor_names, listing="not listed", as_of="2026", source=("test",),
        sells=shares(sells or {}),
    )  # fmt: skip


def by_name(*entries):
    return {each.name: each for each in entries}


def bill(name, lots):
    """Return a bill of parts: number of units and price, one number or low, mode and high."""
    lines, terms, inputs = [], [], {}
    for part, (quantity_bought, usd) in lots.items():
        ends = usd if isinstance(usd, tuple) else (usd, usd, usd)
        path = f"price-book/test.prices.{part}"
        inputs[path] = from_quantity(path, part, quantity(*ends, "money"), "optics supply")
        lines.append(
            BomLine("optics", part, part, "leaf", quantity_bought, Range(*ends), 0.0, "C", "test")
        )
        terms.append((Term("optics", path, quantity_bought),))
    return Bill(name, 8, tuple(lines), tuple(terms), 1.0, "none", (), inputs)


# a module of 100 US$ pays 30 for its chip and 20 for its laser; both buy wafers, 25 % and 10 %
PARTS = by_name(
    component("module", {"chip": 0.3, "laser": 0.2}, ["medium/dsp*"]),
    component("linear", {"laser": 0.5}, ["medium/lpo*"]),
    component("chip", {"wafer": 0.25}),
    component("laser", {"wafer": 0.1}),
    component("wafer"),
)
SELLERS = by_name(
    company("maker", {"module": 0.6, "laser": 0.5}), company("fab", {"wafer": 0.8}, region="TW")
)


def test_a_module_worked_by_hand():
    bills = {"a": bill("a", {"medium/dsp": (10, 100.0)})}
    answer = exposure(bills, SAMPLING, chain_of(["medium/dsp"], PARTS, SELLERS))
    (design,) = answer.designs
    rows = {row.name: row for row in design.components}
    # 1000 of modules: 500 stay; chips 300, of which 225 stay; lasers 200, of which 180 stay
    assert {name: row.added_cents for name, row in rows.items()} == {
        "module": 50000, "chip": 22500, "laser": 18000, "wafer": 9500,
    }  # fmt: skip
    assert {name: round(row.sales.mode, 9) for name, row in rows.items()} == {
        "module": 1000, "chip": 300, "laser": 200, "wafer": 95,
    }  # fmt: skip
    # 0.6 of 500 and 0.5 of 180; 0.8 of 95; the rest is others'
    assert {row.name: row.added_cents for row in design.companies} == {
        "fab": 7600, "maker": 39000, OTHERS: 53400,
    }  # fmt: skip
    sales = {row.name: round(row.sales.mode, 9) for row in design.companies}
    assert sales == {"fab": 76, "maker": 700, OTHERS: 400 + 300 + 100 + 19}
    assert design.cells["laser", "maker"].mode == pytest.approx(90)
    assert design.bill_cents == 100000
    assert [row.group for row in design.companies] == ["TW", "CN", ""]


def test_another_design_changes_what_it_buys_and_nothing_else():
    bills = {
        "dsp": bill("dsp", {"medium/dsp": (10, 100.0), "medium/dsp-2": (3, (1.0, 2.0, 9.0))}),
        "lpo": bill("lpo", {"medium/lpo": (10, 80.0), "medium/dsp-2": (3, (1.0, 2.0, 9.0))}),
    }
    chain = chain_of([*bills["dsp"].parts, *bills["lpo"].parts], PARTS, SELLERS)
    (change,) = exposure(bills, SAMPLING, chain).changes
    rows = {row.name: row for row in (*change.components, *change.companies)}
    assert (change.name, change.against, change.bill_cents) == ("lpo", "dsp", -20000)
    assert rows["chip"].added_cents == -22500
    # lasers: 400 x 0.9 instead of 200 x 0.9
    assert rows["laser"].added.percentile_50 == pytest.approx(180)
    assert (rows["laser"].gain_probability, rows["laser"].loss_probability) == (1.0, 0.0)
    assert (rows["chip"].gain_probability, rows["chip"].loss_probability) == (0.0, 1.0)
    assert sum(row.added_cents for row in change.components) == change.bill_cents
    assert sum(row.added_cents for row in change.companies) == change.bill_cents


def test_a_design_against_itself_changes_nothing():
    lots = {"medium/dsp": (10, (50.0, 100.0, 300.0)), "medium/lpo": (7, (1.0, 2.0, 3.0))}
    chain = chain_of(lots, PARTS, SELLERS)
    answer = exposure({"a": bill("a", lots), "b": bill("b", lots)}, SAMPLING, chain)
    (change,) = answer.changes
    for row in (*change.components, *change.companies):
        assert row.added.mean == row.added.percentile_90 == row.sales.mean == row.added_cents == 0
        assert row.gain_probability == row.loss_probability == 0.0


def test_the_mean_of_one_level_is_the_product_of_the_triangles_means():
    components = by_name(component("module", {"chip": (0.1, 0.2, 0.6)}, ["m/*"]), component("chip"))
    companies = by_name(company("maker", {"chip": (0.2, 0.3, 0.7)}))
    chain = chain_of(["m/a"], components, companies)
    drawn = draw(
        {"a": bill("a", {"m/a": (2, (50.0, 100.0, 300.0))})}, chain, Sampling(40_000, 1, 0.5)
    )
    tally = tally_of(drawn, "a")
    # 2 x 150 x 0.3 x 0.4: independent, each with the mean of its triangle
    for found, mean in ((tally.components["chip"][0], 90.0), (tally.companies["maker"][0], 36.0)):
        assert abs(found.mean() - mean) < 4 * found.std() / np.sqrt(len(found))


def test_what_one_mistake_would_move_together_shares_a_factor():
    wide = (0.1, 0.2, 0.4)
    components = by_name(
        component("old", {"chip": wide, "laser": wide}, ["m/old"]),
        component("new", {"chip": wide}, ["m/new"]),
        component("chip"),
        component("laser"),
    )
    companies = by_name(
        company("maker", {"old": wide, "new": wide}), company("rival", {"old": wide})
    )
    sampling = Sampling(40_000, 1, 0.5)
    drawn = draw({}, chain_of(["m/old", "m/new"], components, companies), sampling)
    bought, shares = drawn.bought, drawn.shares
    # ranks of two normals with correlation 1/2 have 6/pi arcsin(1/4)
    together = 6 / np.pi * np.arcsin(0.25)
    for one, two, expected in (
        (bought["old", "chip"], bought["new", "chip"], together),
        (bought["old", "chip"], bought["old", "laser"], 0.0),
        (shares[Market("old"), "maker"], shares[Market("new"), "maker"], together),
        (shares[Market("old"), "maker"], shares[Market("old"), "rival"], 0.0),
    ):
        assert spearmanr(one, two).statistic == pytest.approx(expected, abs=0.02)


def test_shares_that_exceed_one_on_a_draw_are_scaled_and_leave_nothing():
    half = (0.2, 0.5, 0.9)
    components = by_name(
        component("module", {"a": half, "b": half}, ["m/*"]), component("a"), component("b")
    )
    companies = by_name(company("x", {"a": half}), company("y", {"a": half}))
    chain = chain_of(["m/m"], components, companies)
    drawn = draw({}, chain, SAMPLING)
    raw = [
        SAMPLING.draw(f"component/module.components.{n}", Range(*half), f"dollars of {n}")
        for n in ("a", "b")
    ]
    over = raw[0] + raw[1] > 1
    assert 0.3 < over.mean() < 0.8
    assert (drawn.kept["module"][over] == 0).all()
    assert (drawn.kept["module"][~over] > 0).all()
    np.testing.assert_array_equal(drawn.bought["module", "a"][~over], raw[0][~over])
    # proportions stay
    ratio = drawn.bought["module", "a"] / drawn.bought["module", "b"]
    np.testing.assert_allclose(ratio, raw[0] / raw[1], rtol=1e-12)
    whole = sum(drawn.shares[Market("a"), each] for each in ("x", "y", OTHERS))
    np.testing.assert_allclose(whole, 1.0, rtol=1e-12)


def test_a_company_does_not_book_what_it_buys_of_itself():
    components = by_name(
        component("server", {"accelerator": 0.8, "board": 0.1}, ["node/*"], maker="vendor"),
        component("accelerator", {"board": 0.1}, maker="accelerator vendor"),
        component("board"),
    )
    companies = by_name(company("a", vendor_names=["A"]), company("b", vendor_names=["B"]))
    for seller, accelerators, booked in (("A", "A", {"a": 100}), ("B", "A", {"b": 100, "a": 80})):
        named = {"vendor": seller, "accelerator vendor": accelerators}
        chain = chain_of(["node/n"], components, companies, lambda _, maker, m=named: m[maker])
        tally = tally_of(at_modes({"n": bill("n", {"node/n": (1, 100.0)})}, chain), "n")
        found = {name: float(tally.companies[name][1][0]) for name in booked}
        assert found == pytest.approx(booked)
        assert float(tally.components["accelerator"][1][0]) == pytest.approx(80)
        assert float(tally.companies["a"][0][0]) == pytest.approx(72 + 10 * (seller == "A"))
        assert float(tally.companies[OTHERS][1][0]) == pytest.approx(18)


def test_a_way_carries_the_product_of_its_shares():
    chain = chain_of(["medium/dsp"], PARTS, SELLERS)
    drawn = draw({}, chain, SAMPLING)
    total = {}
    for way in chain.ways:
        total[way.market] = total.get(way.market, 0) + drawn.passing(way)
    for market, passing in total.items():
        np.testing.assert_allclose(drawn.sales["medium/dsp", market], passing, rtol=1e-12)


def test_equal_seeds_give_equal_bits_beside_any_other_design():
    wide = (0.05, 0.1, 0.4)
    components = PARTS | by_name(
        component("module", {"chip": wide, "laser": wide}, ["medium/dsp*"])
    )
    lots = {"medium/dsp-a": (10, (50.0, 100.0, 300.0)), "medium/dsp-b": (3, (1.0, 2.0, 9.0))}
    other = {"medium/lpo": (9, (5.0, 6.0, 7.0)), "medium/dsp-b": (4, (1.0, 2.0, 9.0))}
    first, second = bill("a", lots), bill("b", other)
    answers = [
        exposure(
            bills,
            SAMPLING,
            chain_of([*other, *lots] if "b" in bills else lots, components, SELLERS),
        )
        for bills in ({"a": first}, {"b": second, "a": first})
    ]
    alone, beside = (answer.designs[-1] for answer in answers)
    assert alone.bill == beside.bill
    assert alone.cells == beside.cells
    for kind in ("components", "companies"):
        rows = {row.name: row for row in getattr(beside, kind)}
        assert all(rows[row.name] == row for row in getattr(alone, kind))
    again = exposure({"a": first}, SAMPLING, chain_of(lots, components, SELLERS))
    assert again == answers[0]
    assert exposure({"a": first}, Sampling(2000, 1, 0.5), again.chain).designs != again.designs


def test_inputs_are_listed_once_with_the_weakest_evidence_first():
    bills = {"a": bill("a", {"medium/dsp": (1, 5.0)}), "b": bill("b", {"medium/dsp": (2, 5.0)})}
    answer = exposure(bills, SAMPLING, chain_of(["medium/dsp"], PARTS, SELLERS))
    paths = [each.path for each in answer.inputs]
    assert sorted(paths) == paths
    assert paths.count("price-book/test.prices.medium/dsp") == 1
    assert "component/module.components.chip" in paths
    assert "company/maker.sells.laser" in paths
    assert not any("linear" in path for path in paths)
    badness = [each.badness for each in answer.inputs]
    assert badness == sorted(badness, reverse=True)


def test_two_studies_may_quote_one_part_differently():
    bills = {"a": bill("a", {"m/a": (1, 5.0)}), "b": bill("b", {"m/a": (1, (6.0, 7.0, 9.0))})}
    chain = chain_of(["m/a"], by_name(component("module", parts=["m/*"])), {})
    answer = exposure(bills, SAMPLING, chain)
    assert [design.bill_cents for design in answer.designs] == [500, 700]
    assert answer.designs[0].bill.percentile_90 == 5.0 < answer.designs[1].bill.percentile_10
    assert [each.value.mode for each in answer.inputs] == [5.0, 7.0]


def test_no_bill_is_refused():
    with pytest.raises(ParameterError, match="no design has a bill"):
        exposure({}, SAMPLING)


@pytest.fixture(scope="module")
def study():
    resolved = read(EXAMPLES / "supply-16k.yaml")
    return resolved, search.plan_study(resolved)


@pytest.fixture(scope="module")
def resold(study):
    """The same study at what resellers ask."""
    economics = study[0].study.economics.model_copy(update={"prices": "market-2026"})
    resolved = resolve(study[0].study.model_copy(update={"economics": economics}), EXAMPLES)
    return resolved, search.plan_study(resolved)


@pytest.fixture(scope="module")
def answer(study):
    return exposure(bills_of(*study), sampling_of(study[0], 4000, 0))


def test_bills_are_drawn_as_the_cost_command_draws_them(study):
    resolved, result = study
    sampling = sampling_of(resolved, 500, 3)
    for name, one in bills_of(resolved, result).items():
        candidate = next(each for each in result.candidates if each.name == name)
        account = account_of(resolved, candidate)
        values = {path: each.draw(sampling) for path, each in account.inputs.items()}
        groups = account.bill(values)
        found = {}
        drawn = draw({name: one}, chain_of(one.parts), sampling)
        group_of = {line.part: line.group for line in one.lines}
        for part, group in group_of.items():
            whole = drawn.usd[name, part] / one.makers_fraction.get(part, 1.0)
            found[group] = found.get(group, 0) + whole
        assert found.keys() == groups.keys()
        for group, usd in groups.items():
            np.testing.assert_allclose(found[group], usd, rtol=1e-12)


def test_rows_of_a_study_add_up_to_its_bills_to_the_cent(study, answer):
    resolved, result = study
    assert [each.name for each in answer.designs] == [each.name for each in resolved.networks]
    for design in answer.designs:
        candidate = next(each for each in result.candidates if each.name == design.name)
        # the bill as the plan prints it, in decimal cents
        assert design.bill_cents == round(100 * candidate.total_capex_usd.mode)
        for rows in (design.components, design.companies):
            assert sum(row.added_cents for row in rows) == design.bill_cents
            assert all(abs(row.added_cents - 100 * row.added.mode) <= 1.001 for row in rows)
    for change, design in zip(answer.changes, answer.designs[1:], strict=True):
        difference = design.bill_cents - answer.designs[0].bill_cents
        for rows in (change.components, change.companies):
            assert sum(row.added_cents for row in rows) == difference


def test_linear_modules_buy_no_signal_processors_and_engines_no_modules(answer):
    sales = {
        design.name: {row.name: row.sales.mode for row in design.components}
        for design in answer.designs
    }
    assert sales["rails, LPO"]["signal-processor"] == 0 < sales["rails, DSP"]["signal-processor"]
    assert sales["rails, CPO"]["optical-engine"] > 0 == sales["rails, DSP"]["optical-engine"]
    change = next(each for each in answer.changes if each.name == "rails, LPO")
    processor = next(row for row in change.components if row.name == "signal-processor")
    assert (processor.gain_probability, processor.loss_probability) == (0.0, 1.0)


def test_without_nodes_the_network_is_left(study):
    resolved, result = study
    bills = bills_of(resolved, result, ["rails, LPO"])
    network = network_of(bills["rails, LPO"])
    candidate = next(each for each in result.candidates if each.name == "rails, LPO")
    assert network.total_usd == pytest.approx(candidate.network_capex_usd.mode, rel=1e-12)
    rows = exposure({"n": network}, SAMPLING).designs[0]
    assert sum(row.added_cents for row in rows.companies) == rows.bill_cents
    assert not any("node/" in path for path in network.inputs)


def test_unknown_networks_are_refused_with_the_nearest(study):
    with pytest.raises(ParameterError, match="did you mean rails, LPO"):
        bills_of(*study, ["rails LPO"])


def test_resale_is_the_market_price_less_the_contract_price(resold):
    """Read from the two price books, unit by unit, at the most likely prices."""
    resolved, result = resold
    market, contract = (
        {part: float(usd) for part, usd in catalog.get("price-book", name).prices.items()}
        for name in ("market-2026", "contract-2026")
    )
    for name, one in bills_of(resolved, result).items():
        expected = 0.0
        for line in one.lines:
            if line.group == "installation":
                continue
            # a node is booked less the NICs that it is delivered with
            inside = 8 * market["nic/connectx-7"] if line.group == "nodes" else 0.0
            asked = market[line.part]
            part = 1 - min(1.0, contract[line.part] / asked)
            expected += line.quantity * (asked - inside) * part
        row = next(
            each
            for each in exposure({name: one}, sampling_of(resolved, 10, 0)).designs[0].components
            if each.name == "resale"
        )
        assert row.added.mode == pytest.approx(expected, rel=1e-9)


def test_a_book_of_contract_prices_and_a_quote_leave_nothing_to_resellers(study, resold):
    resolved, result = resold
    one = bills_of(resolved, result)["rails, DSP"]
    assert 0 < one.makers_fraction["medium/dsp-800g-dr8"] < 1
    economics = resolved.study.economics.model_copy(
        update={"quotes": {"medium/dsp-800g-dr8": 900.0}}
    )
    study_of = resolved.study.model_copy(update={"economics": economics})
    quoted = bills_of(replace(resolved, study=study_of), result)["rails, DSP"]
    assert "medium/dsp-800g-dr8" not in quoted.makers_fraction
    assert not any(each.makers_fraction for each in bills_of(*study).values())
