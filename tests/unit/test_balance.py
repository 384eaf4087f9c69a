"""What the next dollar buys: verdicts, order, the proportion, spares and the whole command."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize, stats

from netloom import catalog, search
from netloom.cli.app import main
from netloom.cli.study import read
from netloom.errors import ParameterError
from netloom.failure.classes import FailureClass, RunPolicy
from netloom.failure.evidence import certain
from netloom.failure.montecarlo import simulate
from netloom.report.balance import bottleneck
from netloom.search.balance import (
    Refused,
    Step,
    _one_spare,
    balance,
    evaluated,
    proportion,
    step_of,
    waiting_for_spares,
)
from netloom.search.variants import variants

EXAMPLES = Path(__file__).parents[2] / "examples"
STUDY = EXAMPLES / "llama3-70b-512.yaml"
NAME = "rails on 51.2T Ethernet"


@pytest.fixture(scope="module")
def resolved():
    """Return the study with lanes wide enough for NICs of 800 Gb/s, which an H100 has not."""
    study = read(STUDY)
    wide = catalog.get("accelerator", "b300-sxm").host_bytes_per_s
    accelerator = study.accelerator.model_copy(update={"host_bytes_per_s": wide})
    return dataclasses.replace(study, accelerator=accelerator)


@pytest.fixture(scope="module")
def network(resolved):
    return next(each for each in resolved.networks if each.name == NAME)


@pytest.fixture(scope="module")
def found(resolved, network):
    return balance(resolved, network)


@pytest.mark.parametrize(
    ("saved", "capex", "rate", "verdict"),
    [
        (1.0, -1e6, math.inf, "better"),
        (0.0, -1e6, math.inf, "better"),
        (1.0, 4e6, 0.25, "buys days"),
        (-1.0, -4e6, 0.25, "sells days"),
        (-1.0, 4e6, 0.0, "wasted"),
        (0.0, 4e6, 0.0, "wasted"),
    ],
)
def test_a_step_is_judged_by_days_and_dollars(saved, capex, rate, verdict):
    step = step_of("spines", "more", saved, capex, 0.0)
    assert (step.days_per_musd, step.verdict) == (rate, verdict)


@pytest.mark.parametrize(
    ("waiting", "network_usd"), [(0.2, 5.0), (0.02, 20.0), (0.5, 50.0), (0.9, 1.0)]
)
def test_the_proportion_is_the_optimum_of_the_divided_sum(waiting, network_usd):
    factor = proportion(waiting, 1.0, network_usd, 100.0).rate_factor

    # at that factor neither side gains by a dollar of the other, found without the closed form
    def gain(x):
        return (1 - waiting) / (100 - network_usd) - (waiting / x) / (network_usd * x)

    assert factor == pytest.approx(optimize.brentq(gain, 1e-3, 1e3), rel=1e-9)


def test_the_proportion_says_which_is_scarce_and_refuses_nonsense():
    assert "the network is the scarcer" in proportion(0.3, 1.0, 5.0, 100.0).words
    assert "compute is the scarcer" in proportion(0.01, 1.0, 20.0, 100.0).words
    assert proportion(0.0, 1.0, 20.0, 100.0).rate_factor == 0.0
    for wrong in ((1.0, 1.0, 5.0, 100.0), (-0.1, 1.0, 5.0, 100.0), (0.1, 1.0, 100.0, 100.0)):
        with pytest.raises(ParameterError):
            proportion(*wrong)


@pytest.mark.parametrize("broken", [0.1, 2.0, 30.0])
def test_waiting_for_spares_is_the_cut_off_tail_of_a_poisson_count(broken):
    count = stats.poisson(broken)
    for num_spares in (0, 1, 10, 60):
        expected = count.pmf(num_spares + 1) / count.cdf(num_spares + 1)
        assert waiting_for_spares(broken, num_spares) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("num_spares", [0, 1, 3])
def test_waiting_for_spares_is_what_played_runs_wait(num_spares):
    """Nodes break twice in the time of a repair; the job comes back at once."""
    day_s = 86400.0
    node = FailureClass("node", 8, certain(2 / (8 * day_s)), repair_s=day_s, num_nodes=1)
    policy = RunPolicy(600.0, 0.0, 8, num_spares=num_spares)
    runs = simulate([node], policy, 2000 * day_s, 40, 1)
    waits = float((runs.no_spare_s / runs.wall_s).mean())
    assert waits == pytest.approx(waiting_for_spares(2.0, num_spares), rel=0.03)


def test_a_spare_more_saves_what_the_job_waits_less(resolved, network):
    """Where the study names no spares one is always at hand, here as in netloom goodput."""
    alone = dataclasses.replace(resolved, networks=(network,))
    base = evaluated(alone, 0)
    refused = _one_spare(alone, base)
    assert isinstance(refused, Refused)
    assert "always at hand" in refused.reason
    policy = resolved.study.reliability.model_copy(update={"spares": 0})
    study = resolved.study.model_copy(update={"reliability": policy})
    step = _one_spare(dataclasses.replace(alone, study=study), base)
    assert isinstance(step, Step)
    causes = base.goodput.interruptions_per_day_by_cause
    broken = sum(causes[name] for name in ("accelerator", "node", "nic"))
    broken += sum(per_day for name, per_day in causes.items() if "host-leaf" in name)
    broken *= float(resolved.rates.repair_s) / 86400
    none, one = (waiting_for_spares(broken, count) for count in (0, 1))
    assert step.saved_days == pytest.approx(base.days * (1 / (1 - none) - 1 / (1 - one)))
    lines = {line.group: line.unit_usd.mode for line in base.bom}
    assert step.capex_usd == pytest.approx(lines["nodes"] + 8 * lines["nics"])


def test_steps_are_in_order_of_days_per_dollar(found):
    ranks = ["better", "buys days", "sells days", "wasted"]
    places = [ranks.index(each.verdict) for each in found.steps]
    assert places == sorted(places)
    bought = [each.days_per_musd for each in found.steps if each.verdict == "buys days"]
    assert bought == sorted(bought, reverse=True)
    sold = [each.days_per_musd for each in found.steps if each.verdict == "sells days"]
    assert sold == sorted(sold)
    assert {each.part for each in found.steps} >= {"NIC rate", "spines", "accelerators"}


def test_a_step_is_the_difference_of_two_whole_studies(resolved, network, found):
    base = evaluated(dataclasses.replace(resolved, networks=(network,)), 0)
    planned = next(each for each in search.plan_study(resolved).candidates if each.name == NAME)
    assert (found.days, found.capex_usd) == (planned.days, planned.total_capex_usd.mode)
    faster = next(each for each in variants(resolved, network) if "connectx-8" in each.change)
    answer = evaluated(faster.resolved, 0)
    step = next(each for each in found.steps if each.change == faster.change)
    assert step.saved_days == pytest.approx(base.days - answer.days)
    capex = answer.total_capex_usd.mode - base.total_capex_usd.mode
    assert step.capex_usd == pytest.approx(capex)
    assert step.days_per_musd == pytest.approx(step.saved_days / capex * 1e6)


def test_dollars_of_a_step_are_the_difference_of_two_bills(resolved, network, found):
    """Lines of the bill are counted here, and the days are those that `netloom plan` gives."""
    base = evaluated(dataclasses.replace(resolved, networks=(network,)), 0)

    def bill_usd(candidate):
        return math.fsum(line.quantity * line.unit_usd.mode for line in candidate.bom)

    tried = 0
    for variant in variants(resolved, network):
        if variant.resolved is None:
            continue
        (planned,) = search.plan_study(variant.resolved).candidates
        (step,) = (each for each in found.steps if each.change == variant.change)
        assert step.saved_days == pytest.approx(base.days - planned.days)
        assert step.capex_usd == pytest.approx(bill_usd(planned) - bill_usd(base))
        assert step.run_usd == pytest.approx(planned.run_cost_usd.mode - base.run_cost_usd.mode)
        tried += 1
    assert tried >= 3


def test_a_faster_nic_pays_for_itself_its_switches_and_its_cables(resolved, network, found):
    """512 NICs at 1,300 US$ more; twice the switches of 45,000; the rest is media and work."""
    (step,) = (each for each in found.steps if "connectx-8" in each.change)
    book = resolved.prices.prices
    dearer = 512 * (float(book["nic/connectx-8"]) - float(book["nic/connectx-7"]))
    assert dearer > 0
    assert step.capex_usd > dearer + (8 + 4) * float(book["switch/tomahawk-5"])


def test_what_cannot_be_bought_is_refused_with_a_reason(found):
    reasons = {each.part: each.reason for each in found.refused}
    assert "no priced node joins more than 8" in reasons["scale-up domain"]
    assert "full bandwidth" in reasons["spines"]
    assert all(reason and "\n" not in reason for reason in reasons.values())


def test_a_nic_is_not_faster_than_the_lanes_that_feed_it(network):
    """An H100 has 16 lanes of PCIe 5.0 for its host and its NIC: 63 GB/s before headers."""
    (refused,) = (each for each in variants(read(STUDY), network) if "connectx-8" in each.change)
    assert refused.resolved is None
    assert "h100-sxm moves 416 Gb/s" in refused.refusal
    slower = next(each for each in variants(read(STUDY), network) if "connectx-6" in each.change)
    assert slower.resolved is not None


def test_a_larger_domain_is_a_step_where_the_catalogue_sells_one(resolved, network, monkeypatch):
    known, sold = catalog.names, catalog.get
    double = sold("node", "dgx-h100").model_copy(
        update={"name": "double", "scale_up_domain": 16, "nodes_per_rack": 2}
    )

    def get(kind, name):
        return double if (kind, name) == ("node", "double") else sold(kind, name)

    monkeypatch.setattr(
        catalog, "names", lambda kind: (*known(kind), *("double",) * (kind == "node"))
    )
    monkeypatch.setattr(catalog, "get", get)
    prices = resolved.prices.prices
    book = resolved.prices.model_copy(
        update={"prices": prices | {"node/double": prices["node/dgx-h100"]}}
    )
    asked = dataclasses.replace(resolved, prices=book)
    (step,) = (each for each in variants(asked, network) if each.part == "scale-up domain")
    assert step.change == "domains of 16, double"
    assert step.resolved.node is double


def test_shadow_prices_are_ordered_and_more_of_anything_never_hurts(found):
    saved = [each.saved_days for each in found.shadow_prices]
    assert saved == sorted(saved, reverse=True)
    assert min(saved) >= -1e-9
    # one percent of everything cannot save more than about a percent
    assert max(saved) < 0.0101 * found.days
    day_usd = found.run_usd / found.days
    for each in found.shadow_prices:
        assert each.worth_usd == pytest.approx(each.saved_days * day_usd)
        assert each.doubled_worth_usd == pytest.approx(each.doubled_saved_days * day_usd)
        assert each.doubled_saved_days >= each.saved_days - 1e-9
    # time that is computed in halves at twice the FLOP/s, and no more than all of it is saved
    assert 0.3 * found.days < found.shadow_prices[0].doubled_saved_days < 0.5 * found.days


def test_twice_the_network_rate_is_worth_what_a_nic_of_twice_the_rate_saves(found):
    """One percent is worth nothing where NVLink holds the step; twice makes another plan best."""
    rate = next(each for each in found.shadow_prices if each.resource.startswith("network rate"))
    (step,) = (each for each in found.steps if "connectx-8" in each.change)
    # media of the faster NIC fail more or less often, which is the rest
    assert rate.doubled_saved_days == pytest.approx(step.saved_days, rel=0.1)
    assert rate.saved_days < 0.01 * rate.doubled_saved_days
    assert "network rate" in bottleneck(found)


def test_the_waiting_share_counts_the_scale_out_network_alone(resolved, network, found):
    base = evaluated(dataclasses.replace(resolved, networks=(network,)), 0)
    outside = sum(
        each.exposed_s for each in base.communication if each.limited_by != "scale-up links"
    )
    assert found.proportion.waiting_fraction == pytest.approx(outside / base.step_s)
    shares = found.proportion.waiting_fraction, found.proportion.network_fraction
    assert np.all((np.array(shares) >= 0) & (np.array(shares) < 1))


def test_the_command_prints_tables_and_json(capsys):
    assert main(["balance", str(STUDY), "--network", NAME]) == 0
    printed = capsys.readouterr().out
    for text in ("What the next dollar buys", "not to be had", "Shadow prices", "bottleneck"):
        assert text in printed
    assert main(["balance", str(STUDY), "--network", NAME, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["network"] == NAME
    assert main(["balance", str(STUDY), "--network", "rails"]) == 2
    assert "rails" in capsys.readouterr().err
