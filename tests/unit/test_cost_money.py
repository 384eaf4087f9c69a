"""A study's money against its bill, sums by hand and the closed form of failures."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from netloom import search
from netloom.catalog.quantity import GRADES
from netloom.cli.app import main
from netloom.cli.study import read
from netloom.cost.money import capex_by_group
from netloom.errors import ParameterError
from netloom.failure.checkpoint import effective_fraction, optimal_interval_s
from netloom.money import money_of
from netloom.money.answer import swings
from netloom.money.failing import best_interval_s
from netloom.money.inputs import AGE
from netloom.money.ledger import account_of
from netloom.report.figures import cost_parts
from netloom.result import Refusal

STUDY = Path(__file__).parents[2] / "examples" / "llama3-70b-512.yaml"
FIRST = "rails on InfiniBand NDR"


@pytest.fixture(scope="module")
def resolved():
    return read(STUDY)


@pytest.fixture(scope="module")
def result(resolved):
    return search.plan_study(resolved)


@pytest.fixture(scope="module")
def answer(resolved, result):
    return money_of(resolved, result, num_draws=2000)


@pytest.fixture
def account(resolved, result):
    candidate = next(each for each in result.candidates if each.name == FIRST)
    return account_of(resolved, candidate)


@pytest.fixture
def candidate(result):
    return next(each for each in result.candidates if each.name == FIRST)


def test_capex_is_the_bill_of_materials_to_the_cent(answer, result):
    for candidate in result.candidates:
        money = next(each for each in answer.candidates if each.name == candidate.name)
        modes = {part: found.mode for part, found in money.capex_usd.items()}
        groups = {group: total.mode for group, total in capex_by_group(candidate.bom).items()}
        assert modes["accelerators"] + modes["servers"] == pytest.approx(groups["nodes"], abs=0.005)
        for group in ("nics", "switches", "cables", "installation"):
            assert modes[group] == pytest.approx(groups[group], abs=0.005)
        bought = modes["total"] - modes["spares"]
        assert bought == pytest.approx(candidate.total_capex_usd.mode, abs=0.005)
        assert money.network_capex_usd.mode == pytest.approx(
            candidate.network_capex_usd.mode, abs=0.005
        )


def test_parts_add_up_on_every_draw(account):
    values = {
        path: np.array([each.value.low, each.value.high]) for path, each in account.inputs.items()
    }
    assert sum(account.run(values).values()) == pytest.approx(account.run_usd(values), rel=1e-12)


def test_delivered_nics_cancel_out_of_a_node_on_every_draw(account):
    modes = account.modes()
    nic = "price-book/market-2026.prices.nic/connectx-7"
    before, after = account.bill(modes), account.bill(modes | {nic: 9999.0})
    both = [bill["nodes"] + bill["nics"] for bill in (before, after)]
    assert after["nics"] > before["nics"]
    assert both[0] == pytest.approx(both[1], rel=1e-12)


def test_a_run_costs_what_the_sums_by_hand_say(account, candidate, resolved):
    modes, site = account.modes(), resolved.site
    run_s = candidate.days * 86400
    capex = sum(account.capex(modes).values())
    parts = account.run(modes)
    years = run_s / (365.25 * 86400)
    assert parts["depreciation"] == pytest.approx(capex * run_s / float(site.depreciation_s))
    assert parts["maintenance"] == pytest.approx(capex * 0.04 * years)
    assert parts["capital"] == pytest.approx(capex / 2 * 0.08 * years)
    rated, loaded, idle = account.draw_w(modes)
    assert rated == pytest.approx(candidate.total_power_w)
    assert parts["hosting"] == pytest.approx(rated / 1e3 * 140 * 12 * years)
    still = account.failing.standing_fraction(modes)
    mean = loaded * (1 - still) + idle * still
    assert idle < mean <= loaded < rated
    assert parts["energy"] == pytest.approx(mean * run_s / 3.6e6 * 1.2 * 0.08)
    assert parts["staff"] == pytest.approx(mean / 1e6 * 150_000 * years)


def test_the_most_likely_run_is_as_long_as_the_plan_says(account, candidate):
    modes = account.modes()
    assert account.failing.run_s(modes) / 86400 == pytest.approx(candidate.days, rel=1e-12)
    assert account.failing.effective(modes) == pytest.approx(candidate.goodput.effective_fraction)


def test_moved_failure_rates_move_the_run_as_the_closed_form_does(account, candidate):
    failing, modes = account.failing, account.modes()
    path = "failure-rates/llama3-h100.accelerator_per_s"
    moved = modes | {path: 3 * modes[path]}

    def exact(values):
        mean_s = 86400 / failing.per_day(values, stops=True)
        return effective_fraction(
            mean_s, optimal_interval_s(mean_s, failing.write_s(values)), failing.write_s(values),
            values[failing.detection_path], values[failing.restart_path],
        )  # fmt: skip

    expected = candidate.goodput.effective_fraction * exact(moved) / exact(modes)
    assert failing.effective(moved) == pytest.approx(expected, rel=1e-12)
    assert failing.effective(moved) < failing.effective(modes)
    by_cause = candidate.goodput.interruptions_per_day_by_cause["accelerator"]
    more = failing.per_day(moved) - failing.per_day(modes)
    assert more == pytest.approx(2 * by_cause)


def test_a_slow_storage_lengthens_the_run_and_a_named_interval_stays(account, candidate):
    failing, modes = account.failing, account.modes()
    storage = "failure-rates/llama3-h100.storage_bytes_per_s"
    assert failing.write_s(modes) == pytest.approx(70.55e9 * 14 / 2e12, rel=1e-3)
    slow = modes | {storage: 0.13e12}
    assert failing.effective(slow) < failing.effective(modes)
    assert storage in {each.path for each in swings(account)}
    # nobody adapts: the same slow storage costs more
    fixed = dataclasses.replace(failing, interval_s=candidate.goodput.checkpoint_interval_s)
    assert fixed.effective(modes) == pytest.approx(failing.effective(modes), rel=1e-12)
    assert fixed.effective(slow) < failing.effective(slow)


def test_the_best_interval_of_many_is_that_of_each():
    rng = np.random.default_rng(1)
    mean_s = 10 ** rng.uniform(2, 7, 300)
    write_s = mean_s * 10 ** rng.uniform(-9, 2, 300)
    each = [optimal_interval_s(*pair) for pair in zip(mean_s, write_s, strict=True)]
    assert best_interval_s(mean_s, write_s) == pytest.approx(np.array(each), rel=1e-12)


def test_failure_rates_of_hardware_share_its_age_and_software_does_not(account):
    factors = {path: each.factor for path, each in account.inputs.items() if "fail" in each.words}
    assert factors["failure-rates/llama3-h100.software_per_s"] == ""
    assert factors["failure-rates/llama3-h100.detection_s"] == ""
    assert factors["failure-rates/llama3-h100.accelerator_per_s"] == AGE
    assert factors["switch/qm9700.annual_failure_rate"] == AGE


def test_every_cause_of_failure_is_traced_to_the_catalogue(account):
    assert all(cause.path for cause in account.failing.causes)


def test_pairs_are_judged_on_the_same_draws(answer):
    names = [each.name for each in answer.candidates]
    assert len(answer.pairs) == len(names) * (len(names) - 1) // 2
    pair = next(p for p in answer.pairs if {p.first, p.second} == {names[0], names[1]})
    first, second = answer.candidates[:2]
    spread = first.run_usd["total"].percentile_90 - first.run_usd["total"].percentile_10
    saved = pair.saved_usd.percentile_90 - pair.saved_usd.percentile_10
    # what both buy cancels: the difference is known far better than either sum
    assert saved < 0.2 * spread
    assert pair.saved_usd.mode == pytest.approx(
        second.run_usd["total"].mode - first.run_usd["total"].mode
    )


def test_the_same_seed_gives_the_same_answer_and_one_network_its_own(resolved, result, answer):
    again = money_of(resolved, result, num_draws=2000)
    assert dataclasses.asdict(again) == dataclasses.asdict(answer)
    alone = money_of(resolved, result, network=FIRST, num_draws=2000)
    (one,) = alone.candidates
    assert one == next(each for each in answer.candidates if each.name == FIRST)
    assert alone.pairs == ()


def test_units_of_a_run_are_its_cost_over_what_it_does(answer, candidate, resolved):
    money = next(each for each in answer.candidates if each.name == FIRST)
    total = money.run_usd["total"].mode
    assert money.usd_per_trillion_tokens.mode == pytest.approx(total / 0.3)
    hours = 512 * candidate.days * 24
    assert money.usd_per_accelerator_hour.mode == pytest.approx(total / hours)
    flops = candidate.model_flops_per_s_per_accelerator * 512 * candidate.days_without_failures
    assert money.usd_per_pflop_day.mode == pytest.approx(total / (flops / 1e15))


def test_rent_breaks_even_where_the_fixed_cost_meets_it(answer, candidate):
    money = next(each for each in answer.candidates if each.name == FIRST)
    offer = next(each for each in money.rents if each.offer == "one-year contract, 2026-03")
    hours = 512 * candidate.days * 24
    assert offer.rent_usd.mode == pytest.approx(hours * 2.35)
    energy = money.run_usd["energy"].mode
    fixed = money.run_usd["total"].mode - energy
    assert fixed / offer.break_even_fraction + energy == pytest.approx(offer.rent_usd.mode)
    assert {each.offer for each in money.rents} >= {"on demand, median, 2026-05"}


def test_a_users_rent_and_quotes_take_the_place_of_the_book(resolved, result):
    economics = resolved.study.economics.model_copy(update={"rent": 9.0})
    study = resolved.study.model_copy(update={"economics": economics})
    found = money_of(dataclasses.replace(resolved, study=study), result, num_draws=100)
    (offer,) = found.candidates[0].rents
    assert (offer.usd_per_hour.mode, offer.buy_probability) == (9.0, 1.0)
    assert any(each.path == "study.economics.rent" for each in found.inputs)


def test_inputs_come_worst_grade_first_with_their_sources(answer):
    places = [GRADES.index(each.grade) for each in answer.inputs]
    assert places == sorted(places, reverse=True)
    paths = {each.path for each in answer.inputs}
    assert "site-costs/us-2026.pue" in paths
    assert "failure-rates/llama3-h100.accelerator_per_s" in paths
    assert "price-book/market-2026.prices.switch/qm9700" in paths
    assert all(each.sources for each in answer.inputs)


def test_swings_are_the_run_with_one_input_moved(account):
    found = swings(account)
    widths = [each.width_usd for each in found]
    assert widths == sorted(widths, reverse=True)
    node = next(each for each in found if each.words == "price of node/dgx-h100")
    assert node.low_usd < account.run_usd(account.modes()) < node.high_usd
    life = next(each for each in found if "life" in each.words)
    assert life.low_usd > life.high_usd  # a longer life is cheaper


def test_refusals_name_what_is_missing(resolved, result):
    with pytest.raises(ParameterError, match="did you mean"):
        money_of(resolved, result, network="rails on InfiniBand")
    none = dataclasses.replace(
        result, candidates=(), refused=(Refusal(FIRST, "price book has no price for x"),)
    )
    with pytest.raises(ParameterError, match="no price for x"):
        money_of(resolved, none)
    refused = dataclasses.replace(result, refused=(Refusal("dear", "no price"),))
    with pytest.raises(ParameterError, match="dear cannot carry the run: no price"):
        money_of(resolved, refused, network="dear")


def test_keys_that_shape_goodput_alone_are_said(tmp_path, capsys):
    study = tmp_path / "study.yaml"
    text = STUDY.read_text(encoding="utf-8")
    study.write_text(text + "\nreliability: {restart: 1 h, checkpoint_interval: 30 min}\n")
    assert main(["cost", str(study), "--draws", "100"]) == 0
    assert "note: restart of the section reliability" in capsys.readouterr().out


def test_a_node_quoted_below_its_nics_is_refused_with_both_prices(tmp_path, capsys):
    study = tmp_path / "study.yaml"
    text = STUDY.read_text(encoding="utf-8")
    study.write_text(text + "\neconomics: {quotes: {node/dgx-h100: 5 k$}}\n")
    assert main(["cost", str(study)]) == 2
    said = capsys.readouterr().err
    assert "node/dgx-h100 at 5 k$ costs less than the parts inside it at 9.6 k$" in said


def test_the_command_prints_tables_json_sources_and_a_picture(tmp_path, capsys):
    picture = tmp_path / "cost.svg"
    words = ["cost", str(STUDY), "--draws", "500"]
    assert main([*words, "--sources", "--plot", str(picture)]) == 0
    printed = capsys.readouterr().out
    for text in ("with probability", "Openness", "Rent or buy", "One run", "per PFLOP-day"):
        assert text in printed
    assert "- C: site-costs/us-2026.pue = 1.08 to 1.58, most likely 1.2 (2026, yearly" in printed
    assert picture.read_text(encoding="utf-8").startswith("<svg")
    assert main([*words, "--json", "--network", FIRST]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["num_draws"] == 500
    assert document["candidates"][0]["capex_usd"]["total"]["percentile_90"] > 0
    for draws in ("0", "1", "-3", "1000000000"):
        assert main(["cost", str(STUDY), "--draws", draws]) == 2
        assert "write 100 to 200,000" in capsys.readouterr().err


def test_the_picture_has_a_bar_for_every_part_and_a_title_for_every_swing(answer):
    picture = cost_parts.draw(answer)
    assert picture.count("<rect") >= 6 * len(answer.candidates) + 10
    assert "price of node/dgx-h100" in picture
