"""A build-out in scenarios: closed forms, paired draws, refusals, and the shipped ones."""

import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from netloom import catalog, search
from netloom.catalog.outlook import BuildOut, Scenario
from netloom.cli.study import read
from netloom.cost.distribution import quantile
from netloom.cost.draws import Sampling
from netloom.cost.prices import Prices
from netloom.errors import ParameterError, StudyError
from netloom.money.account import Term
from netloom.money.inputs import of_part, of_price
from netloom.result import BomLine, Range
from netloom.supply.bill import Bill, bills_of
from netloom.supply.content import exposure
from netloom.supply.outlook import WHOLE, run, tornado
from netloom.supply.read import design_bills, mixed_designs, read_build_out, read_scenario
from netloom.supply.rows import Line
from netloom.supply.scenario import inputs_of as scenario_inputs

ALL, NETWORK = Line("sector", "all", "added"), Line("sector", "network", "added")
BOOK = Prices(catalog.get("price-book", "contract-2026"), {})
GROUPS = {"node": "nodes", "switch": "switches", "medium": "optics", "nic": "nics"}
SAMPLING = Sampling(300, 3, 0.5)


def bill(name, num_accelerators, **parts):
    inputs = {each.path: each for each in (of_price(BOOK, part) for part in parts)}
    site = of_part("site-costs", catalog.get("site-costs", "us-2026"), "installation_fraction")
    lines, terms = [], []
    for part, quantity in parts.items():
        price, group = of_price(BOOK, part), GROUPS[part.partition("/")[0]]
        lines.append(BomLine(group, part, part, "", quantity, price.value, 0.0, price.grade, ""))
        terms.append((Term(group, price.path, quantity),))
    return Bill(
        name, num_accelerators, tuple(lines), tuple(terms), 1.0, site.path, (),
        inputs | {site.path: site},
    )  # fmt: skip


BILLS = {
    "dsp": bill("dsp", 100, **{"medium/dsp-800g-dr8": 300, "switch/tomahawk-5": 5,
                               "node/hgx-b200": 12}),
    "lpo": bill("lpo", 50, **{"medium/lpo-800g-dr8": 150, "switch/tomahawk-5": 2}),
}  # fmt: skip


def number(low, mode=None, high=None):
    mode, high = low if mode is None else mode, low if high is None else high
    return {
        "low": low, "mode": mode, "high": high, "basis": "of a test", "date": "2026",
        "source": ["general-knowledge-2026"], "grade": "proposal",
    }  # fmt: skip


def build_out(units=1e6, training=0.4, mix=None, years=(2026, 2027, 2028), spread=0.0):
    return BuildOut.model_validate(
        {
            "name": "test", "title": "test", "as_of": "2026-11", "base_year": 2026,
            "source": ["general-knowledge-2026"],
            "years": {
                year: {
                    "accelerators": number(units * (1 - spread), units, units * (1 + spread)),
                    "training_fraction": number(training), "mix": mix or {"dsp": 1.0},
                }
                for year in years
            },
        }
    )  # fmt: skip


def story(name, **drivers):
    names = {"en": name, "zh": name, "ja": name}
    return Scenario.model_validate(
        {"name": name, "title": name, "names": names, "as_of": "2026", "drivers": drivers}
    )


def driver(what, *change, **keys):
    return {"what": what, "change": number(*change), **keys}


STILL = story("still")


def test_dollars_are_accelerators_times_content_times_price_path():
    falling = story("falling", optics=driver("price per year", -0.12, target="optical modules"))
    found = run(BILLS, build_out(), [], SAMPLING, base=falling)
    module = BOOK.book_price("medium/dsp-800g-dr8").usd.mode
    switch = BOOK.book_price("switch/tomahawk-5").usd.mode
    node = BOOK.book_price("node/hgx-b200").usd.mode
    for year, path in ((2026, 1.0), (2027, 0.88), (2028, 0.88**2)):
        network = 1e6 * (3 * module * path + 0.05 * switch)
        assert found.dollars["falling", year, NETWORK].mode == pytest.approx(network)
        assert found.dollars["falling", year, ALL].mode == pytest.approx(network + 1.2e5 * node)
        modules = found.dollars["falling", year, Line("component", "module-siph", "sales")]
        assert modules.mode == pytest.approx(1e6 * 3 * module * path)
        share = float(catalog.get("component", "module-siph").components["signal-processor"])
        chips = found.dollars["falling", year, Line("component", "signal-processor", "sales")]
        assert chips.mode == pytest.approx(1e6 * 3 * module * path * share)


def test_a_resellers_margin_follows_the_price_of_its_part_and_goes_over_with_it():
    price = BOOK.book_price("medium/dsp-800g-dr8").usd.mode
    resold = replace(BILLS["dsp"], makers_fraction={"medium/dsp-800g-dr8": 0.8})
    tale = story(
        "tale",
        price=driver("price per year", -0.25, target="optical modules"),
        linear=driver(
            "substitution", 0.4, target="module-siph", to="module-lpo", price_ratio=number(0.5)
        ),
    )
    found = run(BILLS | {"dsp": resold}, build_out(), [tale], SAMPLING, base=STILL)
    margin = 1e6 * 3 * price * 0.2
    resale = Line("component", "resale", "added")
    assert found.dollars["still", 2028, resale].mode == pytest.approx(margin)
    left = 0.6 + 0.4 * 0.5
    for year, path in ((2026, 1.0), (2027, 0.75), (2028, 0.75**2)):
        assert found.dollars["tale", year, resale].mode == pytest.approx(margin * path * left)
        whole = sum(
            found.dollars["tale", year, Line("component", name, "sales")].mode
            for name in ("module-siph", "module-lpo")
        )
        assert whole == pytest.approx(4 * margin * path * left)
    chips = Line("component", "switch-chip", "sales")
    assert found.dollars["tale", 2028, chips].mode == found.dollars["still", 2028, chips].mode


def test_components_companies_and_designs_add_up_in_every_year_of_every_scenario():
    stories = [catalog.get("scenario", name) for name in catalog.names("scenario")]
    found = run(BILLS, build_out(mix={"dsp": 0.6, "lpo": 0.4}), stories, SAMPLING)
    assert len(found.scenarios) == len(stories) - 1
    for name in (found.base, *found.scenarios):
        for year in (*found.years, WHOLE):
            whole = found.dollars[name, year, ALL]
            for end in ("mode", "mean"):
                for kind in ("component", "company"):
                    total = sum(
                        getattr(usd, end)
                        for (scenario, when, line), usd in found.dollars.items()
                        if (scenario, when) == (name, year)
                        and (line.kind, line.measure) == (kind, "added")
                    )
                    assert total == pytest.approx(getattr(whole, end), rel=1e-9)
                designs = sum(
                    getattr(found.design_usd[name, year, design], end) for design in found.designs
                )
                assert designs == pytest.approx(getattr(whole, end), rel=1e-9)


def test_the_base_year_is_what_the_designs_bring_apart():
    """Added values and what is booked, against the walk that tells one design from another."""
    found = run(BILLS, build_out(mix={"dsp": 0.6, "lpo": 0.4}), [], SAMPLING)
    apart = exposure(BILLS, SAMPLING)
    weights = [1e6 * share / bill.num_accelerators
               for share, bill in zip((0.6, 0.4), BILLS.values(), strict=True)]  # fmt: skip
    for kind, rows in (("component", "components"), ("company", "companies")):
        for several in zip(*(getattr(each, rows) for each in apart.designs), strict=True):
            for measure in ("added", "sales"):
                line = Line(kind, several[0].name, measure)
                parts = (getattr(row, measure).mode for row in several)
                usd = sum(weight * part for weight, part in zip(weights, parts, strict=True))
                assert found.dollars["base", 2026, line].mode == pytest.approx(usd, rel=1e-9)


def test_what_a_scenario_without_drivers_takes_is_nothing():
    found = run(BILLS, build_out(), [story("nothing")], SAMPLING)
    for risk in (*found.risks.values(), *found.design_risks.values()):
        assert risk.loss.mode == risk.loss.percentile_10 == risk.loss.percentile_90 == 0
        assert not any(risk.falls.values())


def test_no_accelerators_bring_nothing():
    gone = story(
        "gone",
        training=driver("training accelerators", -1),
        inference=driver("inference accelerators", -1),
    )
    found = run(BILLS, build_out(), [gone], SAMPLING, base=STILL)
    for line in found.lines:
        risk = found.risks["gone", WHOLE, line]
        assert found.dollars["gone", WHOLE, line].percentile_90 == 0
        # to the bit; where nothing is in the base, nothing is lost
        assert risk.loss == risk.base
        if risk.base.percentile_10 > 0:
            assert risk.loss_fraction.percentile_10 == 1
            assert min(risk.falls.values()) > 0.9


def test_training_and_inference_are_told_apart_by_the_training_share():
    half = story("half", training=driver("training accelerators", -0.5, years=[2027]))
    found = run(BILLS, build_out(training=0.4), [half], SAMPLING, base=STILL)
    assert found.risks["half", 2026, ALL].loss_fraction.mean == 0
    assert found.risks["half", 2027, ALL].loss_fraction.mean == pytest.approx(0.2)
    assert found.risks["half", WHOLE, ALL].loss_fraction.mean == pytest.approx(0.2 / 3)
    assert found.design_risks["half", "dsp", ALL].loss_fraction.mean == pytest.approx(0.2 / 3)


def test_one_number_cuts_training_and_inference_alike():
    cut = story("cut", cut=driver("accelerators", -0.4, -0.3, -0.2, years=[2027]))
    found = run(BILLS, build_out(training=0.4), [cut], SAMPLING, base=STILL)
    # whatever trains: the ends are those of the one triangle on these draws
    [drawn] = (each for each in scenario_inputs(cut) if each.path == "scenario/cut.cut")
    lost = 1 - SAMPLING.draw(drawn.path, drawn.value, drawn.factor)
    risk = found.risks["cut", 2027, ALL].loss_fraction
    assert risk.mode == pytest.approx(0.3)
    ends = risk.percentile_10, risk.percentile_90
    assert ends == pytest.approx(tuple(np.quantile(lost, (0.1, 0.9))))


def test_a_driver_shares_a_factor_with_the_one_whose_place_it_takes():
    base, fierce = (catalog.get("scenario", name) for name in ("base", "fiercer-competition"))
    factors = [
        {each.path.partition(".")[2]: each.factor for each in scenario_inputs(one)}
        for one in (base, fierce)
    ]
    assert factors[0]["optics-price"] == factors[1]["optics-price"] != ""
    assert len(set(factors[0].values())) == len(factors[0])


def test_dollars_are_linear_in_accelerators():
    one, three = (run(BILLS, build_out(units), [], SAMPLING) for units in (1e6, 3e6))
    for key, usd in one.dollars.items():
        assert three.dollars[key].percentile_90 == pytest.approx(3 * usd.percentile_90, rel=1e-9)


def test_a_signal_processor_leaves_with_the_module_that_holds_it():
    linear = {"target": "module-siph", "to": "module-lpo", "price_ratio": number(0.5)}
    lpo = story("lpo", lpo=driver("substitution", 0.4, **linear))
    found = run(BILLS, build_out(), [lpo], SAMPLING, base=STILL)
    modules = found.dollars["still", 2027, Line("component", "module-siph", "sales")]
    for name in ("module-siph", "signal-processor", "driver-amplifier"):
        risk = found.risks["lpo", 2027, Line("component", name, "sales")]
        assert risk.loss_fraction.percentile_10 == pytest.approx(0.4)
    new = found.dollars["lpo", 2027, Line("component", "module-lpo", "sales")]
    assert new.mode == pytest.approx(0.4 * 0.5 * modules.mode)
    drivers = found.dollars["lpo", 2027, Line("component", "linear-driver-amplifier", "sales")]
    share = float(catalog.get("component", "module-lpo").components["linear-driver-amplifier"])
    assert drivers.mode == pytest.approx(new.mode * share)
    assert found.risks["lpo", 2027, ALL].loss.mode == pytest.approx(0.2 * modules.mode)
    # what is bought beside modules stays
    assert found.risks["lpo", 2027, Line("component", "server", "sales")].loss.mean == 0


def test_a_module_that_replaces_itself_at_its_price_changes_nothing():
    same = {"target": "module-siph", "to": "module-siph", "price_ratio": number(1)}
    itself = story("itself", same=driver("substitution", 0.7, **same))
    found = run(BILLS, build_out(), [itself], SAMPLING, base=STILL)
    for line in found.lines:
        risk = found.risks["itself", WHOLE, line]
        assert risk.loss.percentile_90 == pytest.approx(0, abs=1e-9 * risk.base.mode + 1e-6)


def test_points_of_the_leader_go_to_the_others_by_their_shares():
    move = story("move", leader=driver("company share", -0.1, target="innolight"))
    found = run(BILLS, build_out(), [move], SAMPLING, base=STILL)
    modules = found.dollars["still", 2026, Line("component", "module-siph", "sales")].mode
    sells = {
        name: catalog.get("company", name).sells["module-siph"].mode
        for name in catalog.names("company")
        if "module-siph" in catalog.get("company", name).sells
    }
    lost = found.risks["move", 2026, Line("company", "innolight", "sales")].loss.mode
    assert lost == pytest.approx(0.1 * modules)
    other = found.risks["move", 2026, Line("company", "coherent", "sales")].loss.mode
    expected = 0.1 * modules * sells["coherent"] / (1 - sells["innolight"])
    assert other == pytest.approx(-expected)
    assert found.risks["move", 2026, ALL].loss.mean == pytest.approx(0, abs=1.0)


def test_points_move_within_the_markets_that_they_are_of():
    """The leader sells modules and engines; only the named group's share moves."""
    for within, moves in (("optical modules", True), ("optical engines", False)):
        leader = driver("company share", -0.1, target="innolight", within=within)
        move = story("move", leader=leader)
        found = run(BILLS, build_out(), [move], SAMPLING, base=STILL)
        lost = found.risks["move", 2026, Line("company", "innolight", "sales")].loss.mode
        assert (lost > 1.0) is moves, within


def test_a_region_keeps_less_and_its_suppliers_as_much():
    duty = story("duty", cn=driver("region price", -0.2, target="CN"))
    found = run(BILLS, build_out(), [duty], SAMPLING, base=STILL)
    for name, line in ((line.name, line) for line in found.lines if line.kind == "company"):
        if line.measure == "added" and name != "others":
            risk = found.risks["duty", WHOLE, line]
            chinese = catalog.get("company", name).region == "CN"
            expected = 0.2 * risk.base.mean if chinese else 0.0
            assert risk.loss.mean == pytest.approx(expected, abs=1e-9 * risk.base.mean)


def test_the_mix_moves_accelerators_and_keeps_their_number():
    swap = story("swap", swap=driver("mix", 0.25, target="dsp", to="lpo", years=[2028]))
    found = run(BILLS, build_out(mix={"dsp": 0.8, "lpo": 0.2}), [swap], SAMPLING, base=STILL)
    assert found.accelerators["swap", 2028, "dsp"].mode == pytest.approx(0.6e6)
    assert found.accelerators["swap", 2028, "lpo"].mode == pytest.approx(0.4e6)
    assert found.accelerators["swap", 2027, "lpo"].mode == pytest.approx(0.2e6)
    # a design's own accelerators bring what they brought
    assert found.design_risks["swap", "dsp", ALL].loss.mean == 0


def test_linear_designs_have_no_signal_processors_to_lose():
    fierce = catalog.get("scenario", "fiercer-competition")
    found = run(BILLS, build_out(mix={"dsp": 0.5, "lpo": 0.5}), [fierce], SAMPLING)
    line = Line("component", "signal-processor", "sales")
    assert found.design_risks[fierce.name, "lpo", line].base.mode == 0
    assert found.design_risks[fierce.name, "dsp", line].loss.percentile_10 > 0


def test_draws_depend_on_the_seed_alone():
    stories = [read_scenario("demand-below-expectation"), read_scenario("cpo-early")]
    out = build_out(mix={"dsp": 0.6, "lpo": 0.4}, spread=0.2)
    first = run(BILLS, out, stories, SAMPLING)
    assert run(BILLS, out, stories, SAMPLING) == first
    alone = run(BILLS, out, stories[:1], SAMPLING)
    for key, usd in alone.dollars.items():
        assert first.dollars[key] == usd
    for key, risk in alone.risks.items():
        assert first.risks[key] == risk
    assert run(BILLS, out, stories, Sampling(300, 4, 0.5)).dollars != first.dollars


def test_a_larger_cut_never_takes_less():
    cuts = [
        story(f"cut{cut}", price=driver("price per year", -cut / 100, target="optical modules"))
        for cut in (5, 20, 60)
    ]
    found = run(BILLS, build_out(), cuts, SAMPLING, base=STILL)
    for line in found.lines:
        lost = [found.risks[cut.name, WHOLE, line].loss for cut in cuts]
        for small, large in pairwise(lost):
            assert small.percentile_10 <= large.percentile_10 + 1e-6
            assert small.percentile_90 <= large.percentile_90 + 1e-6


def test_a_tornado_moves_one_input_at_a_time():
    out = build_out(spread=0.3)
    fierce = read_scenario("fiercer-competition")
    found = tornado(BILLS, out, [fierce], base=STILL)
    swings = found.swings(NETWORK)
    widths = [each.width_usd for each in swings]
    assert widths == sorted(widths, reverse=True)
    by_path = {each.path: each for each in swings}
    told = run(BILLS, out, [], SAMPLING, base=STILL).dollars
    low, high = (quantile(Range(0.7, 1.0, 1.3), share) for share in (0.1, 0.9))
    year = by_path["build-out/test.years.2027.accelerators"]
    usd = told["still", 2027, NETWORK].mode
    rest = told["still", WHOLE, NETWORK].mode - usd
    assert year.low_usd == pytest.approx(rest + low * usd)
    assert year.high_usd == pytest.approx(rest + high * usd)
    # who sells what moves no dollar of the sector, a scenario's driver none of the base
    assert not any(path.startswith(("company/", "scenario/fiercer")) for path in by_path)
    lost = found.swings(Line("company", "innolight", "sales"), fierce.name, loss=True)
    assert "scenario/fiercer-competition.leader-share" in [each.path for each in lost[:3]]


def test_an_unknown_design_is_refused_by_name():
    with pytest.raises(ParameterError, match="no bill for design 'lpoo'") as caught:
        run(BILLS, build_out(mix={"lpoo": 1.0}), [], SAMPLING)
    assert "did you mean lpo?" in caught.value.problem.hint


def test_an_unknown_target_and_a_scenario_out_of_time_are_refused():
    wrong = story("wrong", lens=driver("content", -0.1, target="optical module"))
    with pytest.raises(StudyError, match="unknown component or group of components"):
        run(BILLS, build_out(), [wrong], SAMPLING)
    design = story("design", cut=driver("training accelerators", -0.1, target="dspp"))
    with pytest.raises(StudyError, match="unknown design 'dspp'"):
        run(BILLS, build_out(), [design], SAMPLING)
    late = story("late", cut=driver("training accelerators", -0.1, years=[2035]))
    with pytest.raises(ParameterError, match="driver cut of scenario late holds in 2035"):
        run(BILLS, build_out(), [late], SAMPLING)
    with pytest.raises(ParameterError, match="two scenarios are called 'late'"):
        run(BILLS, build_out(), [late, story("late")], SAMPLING)


def planned(study, networks):
    resolved = read(study)
    return bills_of(resolved, search.plan_study(resolved), networks)


def test_the_example_of_a_buyer_runs_with_a_scenario_of_his_own():
    folder = Path(__file__).parents[2] / "examples" / "sector"
    out, beside = read_build_out(str(folder / "build-out.yaml"))
    assert beside == folder
    own = read_scenario(str(folder / "own-scenario.yaml"), mixed_designs(out))
    found = run(design_bills(out, beside, planned, {}), out, [own], SAMPLING)
    assert set(found.designs) == set(out.designs)
    copper = found.risks["own-scenario", WHOLE, Line("component", "cable-dac", "sales")]
    assert copper.loss.percentile_90 < 0
    modules = found.risks["own-scenario", WHOLE, Line("component", "module-siph", "sales")]
    assert modules.loss.percentile_10 > 0


@pytest.fixture(scope="module")
def shipped():
    """The shipped build-out and the bills of its designs."""
    out, folder = read_build_out("merchant-2026")
    return out, design_bills(out, folder, planned, {})


def test_three_years_and_three_risks_take_less_than_five_seconds(shipped):
    out, bills = shipped
    names = ("demand-below-expectation", "scaling-laws-fail", "fiercer-competition")
    stories = [read_scenario(name) for name in names]
    run(bills, out, stories, Sampling(10, 0, 0.5))  # compiles
    start = time.process_time()
    found = run(bills, out, stories, Sampling(10_000, 0, 0.5))
    assert time.process_time() - start < 5.0
    for name in names:
        modules = found.risks[name, WHOLE, Line("component", "module-siph-200g", "sales")]
        assert modules.loss.percentile_10 > 0
        network = found.risks[name, WHOLE, NETWORK]
        # modules are a part of the network, and not the part that holds its price
        assert modules.loss_fraction.percentile_50 > network.loss_fraction.percentile_50


def test_designs_differ_in_what_they_have_to_lose(shipped):
    out, bills = shipped
    stories = [read_scenario(name) for name in ("fiercer-competition", "cpo-early")]
    found = run(bills, out, stories, SAMPLING)
    modules = Line("component", "module-siph-200g", "sales")
    for name in found.scenarios:
        risks = {design: found.design_risks[name, design, modules] for design in found.designs}
        assert risks["racks, CPO"].loss.mode < risks["racks, DSP"].loss.mode / 4
        network = {design: found.design_risks[name, design, NETWORK] for design in found.designs}
        assert network["servers, rail-only"].loss.mode < network["servers, DSP"].loss.mode
    engines = Line("component", "optical-engine", "sales")
    assert found.design_risks["cpo-early", "racks, DSP", engines].loss.percentile_90 < 0


def test_fast_modules_slip_to_slower_ones_when_demand_disappoints(shipped):
    out, bills = shipped
    tale = read_scenario("demand-below-expectation")
    found = run(bills, out, [tale], Sampling(200, 0, 0.5))
    for year, slip in ((2027, 0.375), (2028, 0.25)):
        # 30 % fewer accelerators, prices as modules in loose supply, and the slip on top
        price = (0.80 / 0.88) ** (year - 2026)
        left = {}
        for name in ("module-siph-200g", "module-siph"):
            line = Line("component", name, "sales")
            base, told = (found.dollars[each, year, line].mode for each in ("base", tale.name))
            left[name] = (base, told)
        fast, slow = left["module-siph-200g"], left["module-siph"]
        assert fast[1] == pytest.approx(fast[0] * 0.7 * price * (1 - slip))
        # the same bits at 0.63 of the price
        assert slow[1] == pytest.approx(0.7 * price * (slow[0] + 0.63 * slip * fast[0]))
