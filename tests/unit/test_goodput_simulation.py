"""Simulated runs against closed forms, the best interval, spares, refusals and the command."""

import dataclasses
import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import optimize

from netloom import catalog, topology
from netloom.catalog.load import read_part
from netloom.cli.app import main
from netloom.errors import InfeasibleError, ParameterError, StudyError
from netloom.failure import checkpoint
from netloom.failure.classes import FailureClass, RunPolicy
from netloom.failure.closed_form import closed_form, interval_s, mean_speed
from netloom.failure.degraded import LossEffect, loss_effects
from netloom.failure.early_life import weibull
from netloom.failure.evidence import certain, counted
from netloom.failure.levers import best_interval, best_interval_s, levers
from netloom.failure.montecarlo import simulate
from netloom.report.goodput import ties
from netloom.search.runs import Sooner, StudyRuns, sooner
from netloom.topology.fabric import HOST

HOUR_S, DAY_S = 3600.0, 86400.0
STUDY = Path(__file__).parents[2] / "examples" / "llama3-70b-512.yaml"


def part(per_h, **values):
    return FailureClass("part", 1, certain(per_h / HOUR_S), **values)


def close_to(values, expected):
    """Return whether a mean is within four standard errors."""
    error = np.std(values) / math.sqrt(len(values))
    return abs(np.mean(values) - expected) <= 4 * error


@pytest.mark.parametrize("mean_h", [0.25, 1.8, 24.0])
@pytest.mark.parametrize("tau", [200.0, 1800.0])
@pytest.mark.parametrize("recovery_s", [(120.0, 400.0), (0.0, 1800.0)])
def test_runs_agree_with_the_exact_formula(mean_h, tau, recovery_s):
    detection_s, restart_s = recovery_s
    classes = [
        part(0.75 / mean_h, detection_s=detection_s, restart_s=restart_s, num_nodes=1),
        part(0.25 / mean_h, detection_s=detection_s, restart_s=restart_s),
    ]
    stall_s, num_intervals = 30.0, round(5 * DAY_S / tau)
    # one interval more, whose end writes no checkpoint, and less than a second of work
    work_s = num_intervals * tau + 0.5
    runs = simulate(classes, RunPolicy(tau, stall_s, 4), work_s, 1500, 3)
    exact = checkpoint.effective_fraction(mean_h * HOUR_S, tau, stall_s, detection_s, restart_s)
    # the last half second adds no more than its own share of a failure's cost
    assert close_to(runs.wall_s - 0.5, num_intervals * tau / exact)


def test_wall_clock_time_is_work_and_all_that_is_lost():
    classes = [
        part(1.0, detection_s=60, restart_s=300, num_nodes=2, repair_s=HOUR_S),
        dataclasses.replace(
            part(0.2, restart_s=300, repair_s=HOUR_S), effect="slows", slowdown_fraction=0.5
        ),
        part(0.1, effect="corrupts", notice_s=HOUR_S, restart_s=300),
    ]
    policy = RunPolicy(
        600.0, 20.0, 8, nodes_per_replica=2.0, num_spares=1, shrinks=True, flaps_fraction=0.01,
        num_crews=2,
    )  # fmt: skip
    runs = simulate(classes, policy, 3 * DAY_S, 300, 1)
    beside = runs.stall_s + runs.no_spare_s + runs.shrunk_s + runs.flaps_s
    np.testing.assert_allclose(runs.wall_s, runs.work_s + runs.lost_s.sum(axis=1) + beside)
    assert runs.shrunk_s.max() > 0
    assert min(runs.lost_s.min(), runs.shrunk_s.min()) >= -1e-6


def test_the_best_interval_is_that_of_young_and_daly():
    classes = [part(0.5, detection_s=120, restart_s=400)]
    policy = RunPolicy(1000.0, 30.0, 1)

    def play(classes, policy):
        return simulate(classes, policy, 30 * DAY_S, 2000, 2)

    found_s, _ = best_interval_s(classes, policy, play)
    daly_s = checkpoint.optimal_interval_s(2 * HOUR_S, 30.0)
    assert found_s == pytest.approx(daly_s, rel=0.05)
    assert interval_s(classes, dataclasses.replace(policy, interval_s=None)) == daly_s


@pytest.mark.parametrize("asked_s", [None, 200.0, 4000.0])
def test_the_best_interval_does_not_depend_on_the_one_in_use(asked_s):
    """Against the optimum of the exact renewal formula, found without its derivative."""
    classes = [part(1.0, detection_s=60, restart_s=300)]
    policy = RunPolicy(asked_s, 20.0, 1)

    def play(classes, policy):
        return simulate(classes, policy, 30 * DAY_S, 1000, 3)

    best = best_interval(classes, policy, play)
    searched = optimize.minimize_scalar(
        lambda tau: -checkpoint.effective_fraction(HOUR_S, tau, 20.0, 60.0, 300.0),
        bounds=(50.0, 2000.0), method="bounded", options={"xatol": 1e-3},
    )  # fmt: skip
    assert best.daly_s == pytest.approx(searched.x, rel=1e-4)
    assert best.young_s == pytest.approx(math.sqrt(2 * 20 * HOUR_S))
    assert best.played_s == pytest.approx(best.daly_s, rel=0.1)
    least = simulate(classes, dataclasses.replace(policy, interval_s=best.daly_s), 30 * DAY_S,
                     1000, 3)  # fmt: skip
    assert best.played_days == pytest.approx(float(least.days.mean()), rel=2e-3)


def test_there_is_no_best_interval_where_nothing_fails_or_nothing_stalls():
    assert best_interval([part(0.0)], RunPolicy(900.0, 10.0, 1), None) is None
    assert best_interval([part(1.0)], RunPolicy(900.0, 0.0, 1), None) is None


def test_broken_parts_slow_a_run_as_the_queue_says():
    slows = [
        FailureClass("x", 1, certain(0.2 / HOUR_S), "slows", repair_s=10 * HOUR_S,
                     slowdown_fraction=0.03),
        FailureClass("y", 1, certain(0.025 / HOUR_S), "slows", repair_s=24 * HOUR_S,
                     slowdown_fraction=0.2),
    ]  # fmt: skip
    runs = simulate(slows, RunPolicy(1000.0, 0.0, 1), 1000 * DAY_S, 200, 1)
    # nothing is broken at first, which 1,000 days forget
    assert np.mean(runs.effective) == pytest.approx(mean_speed([(2, 0.03), (0.6, 0.2)]), rel=2e-3)


@pytest.mark.parametrize(
    "policy",
    [RunPolicy(900.0, 5.0, 1, storage_lag_s=600.0),
     RunPolicy(300.0, 5.0, 1, storage_every=6, storage_lag_s=600.0)],
)  # fmt: skip
def test_first_order_terms_hold_where_losses_are_small(policy):
    classes = [part(0.05, detection_s=60, restart_s=300, loses_memory=True),
               part(0.01, effect="corrupts", notice_s=HOUR_S, restart_s=300)]  # fmt: skip
    runs = simulate(classes, policy, 60 * DAY_S, 2000, 4)
    loss = 1 - runs.effective.mean()
    assert closed_form(classes, policy).effective_fraction == pytest.approx(
        runs.effective.mean(), abs=0.05 * loss
    )


@pytest.mark.parametrize("notice_s", [6 * HOUR_S, 24 * HOUR_S])
def test_slow_nodes_are_borne_until_noticed_or_interrupted(notice_s):
    # an interruption each 3 h ends most slow nodes before anybody notices
    slow = FailureClass("slow", 1, certain(0.05 / HOUR_S), "slows", restart_s=600,
                        notice_s=notice_s, slowdown_fraction=0.5, moved=True,
                        avoidable=True)  # fmt: skip
    classes, policy = [part(1 / 3, restart_s=600), slow], RunPolicy(250.0, 3.0, 1)
    runs = simulate(classes, policy, 60 * DAY_S, 2000, 6)
    formula = closed_form(classes, policy).effective_fraction
    without = closed_form(classes[:1], policy).effective_fraction
    assert formula == pytest.approx(runs.effective.mean(), abs=0.05 * (without - formula))


def test_two_planes_ride_through_a_leaf_that_no_spares_could_replace():
    leaf = FailureClass("leaf", 2, certain(1 / (5 * DAY_S)), "slows", repair_s=DAY_S, num_nodes=64,
                        slowdown_fraction=0.02, avoidable=True)  # fmt: skip
    classes = [part(1 / 3, restart_s=600), leaf]
    few, none, enough = (
        simulate(classes, RunPolicy(900.0, 3.0, 256, num_spares=spares), 60 * DAY_S, 500, 8)
        for spares in (63, 0, 10_000)
    )
    for runs in (few, none):
        assert not runs.no_spare_s.any()
        # in its place until the repair, as a trunk: nobody restarts off it
        borne = mean_speed([(0.4, 0.02)])
        lost_s = runs.lost_by_cause_s()["leaf"]
        assert lost_s == pytest.approx(60 * DAY_S * (1 / borne - 1), rel=0.05)
    assert enough.lost_by_cause_s()["leaf"] < few.lost_by_cause_s()["leaf"] / 4


def test_the_seed_gives_the_same_bits_on_any_number_of_workers():
    classes = [FailureClass("part", 3, counted(20, 20 * 3 * HOUR_S), num_nodes=1, restart_s=300)]
    policy = RunPolicy(900.0, 5.0, 8)
    first = simulate(classes, policy, 5 * DAY_S, 101, 7)
    for num_workers in (2, 3, 8):
        again = simulate(classes, policy, 5 * DAY_S, 101, 7, num_workers=num_workers)
        np.testing.assert_array_equal(first.wall_s, again.wall_s)
        np.testing.assert_array_equal(first.lost_s, again.lost_s)
    other = simulate(classes, policy, 5 * DAY_S, 101, 8)
    assert (first.wall_s != other.wall_s).all()


def test_counts_give_the_gamma_posterior_of_jeffreys_prior():
    from scipy.stats import gamma

    drawn = counted(7, 1.0).draws("nic", 200_000, 1)
    known = gamma(7.5)
    for share in (0.05, 0.5, 0.95):
        assert np.quantile(drawn, share) == pytest.approx(known.ppf(share), rel=0.01)
    # nothing seen is not nothing known: 95 % lie below 1.92 events of the same exposure
    assert np.quantile(counted(0, 1.0).draws("x", 200_000, 1), 0.95) == pytest.approx(
        1.92, rel=0.02
    )


def test_candidates_that_share_a_cause_share_its_draws():
    rate = counted(5, 1e6)
    np.testing.assert_array_equal(rate.draws("hbm", 9, 3), counted(5, 1e6).draws("hbm", 9, 3))
    assert (rate.draws("hbm", 9, 3) != rate.draws("nic", 9, 3)).all()


def test_young_hardware_fails_as_a_weibull_hazard_says():
    life = weibull(0.5, 10 * DAY_S)
    # without standstill and loss, interruptions are the hazard's integral: T/k (t/T)^k
    free = [part(0.5)]
    runs = simulate(free, RunPolicy(1.0, 0.0, 1, early_life=life), DAY_S, 4000, 1)
    assert close_to(runs.num_interruptions, 0.5 / HOUR_S * 2 * 10 * DAY_S * math.sqrt(0.1))


# fabrics ----------------------------------------------------------------------------------------
def fewest_links(fabric):
    """Price a step by the links of the host that has the fewest, as a stand-in."""
    host = np.array([kind.lower == HOST for kind in fabric.link_classes])[fabric.trunk_class]
    links = np.bincount(
        fabric.trunk_lower[host], fabric.trunk_links[host], minlength=fabric.num_endpoints
    )
    if not links.all():
        raise InfeasibleError("cut off")
    return float(1 + 0.1 / links.min())


def everywhere(fabric):
    """Return one byte on every trunk, both ways."""
    return np.ones((1, 2 * len(fabric.trunk_links)))


@pytest.mark.parametrize(
    ("planes", "expected"), [(1, LossEffect(1.0, 0.0)), (2, LossEffect(0.0, 0.05 / 1.05))]
)
def test_a_leaf_stops_a_single_homed_job_and_slows_a_dual_plane_one(planes, expected):
    fabric = topology.build("leaf-spine", {"hosts": 64, "radix": 32, "planes": planes})
    found = loss_effects(fabric, fewest_links, everywhere)
    for cause in ("switch leaf", "link host-leaf"):
        assert found[cause].stops_fraction == expected.stops_fraction
        assert found[cause].slowdown_fraction == pytest.approx(expected.slowdown_fraction)
    assert found["switch spine"] == LossEffect(0.0, 0.0)


def test_what_carries_nothing_is_not_missed():
    fabric = topology.build("leaf-spine", {"hosts": 64, "radix": 32})

    def idle(built):
        return np.zeros((1, 2 * len(built.trunk_links)))

    assert set(loss_effects(fabric, fewest_links, idle).values()) == {LossEffect(0.0, 0.0)}


# refusals ---------------------------------------------------------------------------------------
def test_impossible_rates_and_policies_are_refused():
    for refused in (
        lambda: certain(-1.0),
        lambda: counted(-1, 1.0),
        lambda: counted(3, 0.0),
        lambda: part(1.0, repair_s=0.0),
        lambda: part(1.0, slowdown_fraction=-0.1),
        lambda: part(1.0, effect="corrupts"),
        lambda: RunPolicy(0.0, 1.0, 1),
        lambda: RunPolicy(1.0, 1.0, 1, num_spares=-1),
        lambda: RunPolicy(1.0, 1.0, 1, num_crews=0),
        lambda: simulate([part(1.0)], RunPolicy(1.0, 0.0, 1), 0.0),
    ):
        with pytest.raises(ParameterError):
            refused()


def test_checkpoints_faster_than_storage_are_refused_with_the_least_interval():
    policy = RunPolicy(60.0, 1.0, 1, storage_lag_s=300.0)
    with pytest.raises(ParameterError, match="5 min"):
        interval_s([part(1.0)], policy)


def test_a_run_that_does_not_get_on_is_refused():
    with pytest.raises(ParameterError, match="do not get on"):
        simulate([part(60.0, restart_s=600)], RunPolicy(7200.0, 10.0, 1), DAY_S, 2)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("value: 884736 days", "value: 0 days", "empty exposure"),
        ("events: 148", "events: -1", "greater than or equal to 0"),
        ("low: 0.15 per 100 unit-years", "low: -1 per 100 unit-years", "negative failure rate"),
        ("    part: nic\n", "", "Field required"),
    ],
)
def test_a_rates_file_with_impossible_evidence_is_refused(tmp_path, old, new, said):
    file = Path(catalog.__file__).parent / "data" / "failure-rates" / "llama3-h100.yaml"
    text = file.read_text()
    assert old in text
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace(old, new, 1))
    with pytest.raises(StudyError, match=said):
        read_part("failure-rates", wrong)


# the command ------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Return the small example with its first network only, and every policy in use."""
    folder = tmp_path_factory.mktemp("study")
    text = STUDY.read_text()
    if "models/" in text:
        (folder / "models").symlink_to(STUDY.parent / "models")
    text += """
reliability:
  checkpoint: in-memory
  storage_every: 4
  spares: 1
  without_spare: shrink
  repair_crews: 2
  early_life: 30 days
  corruption_notice: 2 h
  straggler_rate: 50 %
  flaps: 1
  feed_failure_rate: 5 %
"""
    path = folder / "study.yaml"
    path.write_text(text)
    return path


def names_of(path):
    from netloom.cli.study import read

    return [network.name for network in read(path).networks]


def test_the_command_prints_draws_and_repeats_itself(capsys, tmp_path, study):
    name = names_of(study)[0]
    words = ["goodput", str(study), "--network", name, "--runs", "200"]
    assert main([*words, "--plot", str(tmp_path / "days.svg")]) == 0
    printed = capsys.readouterr().out
    assert "What would help most" in printed
    assert name in (tmp_path / "days.svg").read_text()
    assert main([*words, "--json"]) == 0
    first = capsys.readouterr().out
    assert main([*words, "--json", "--workers", "2"]) == 0
    assert capsys.readouterr().out == first
    (found,) = json.loads(first)["candidates"]
    assert found["days"]["p10"] <= found["days"]["p50"] <= found["days"]["p90"]
    assert {"power feed", "slow node", "silent-corruption"} <= set(found["lost_gpu_hours"])
    lost = sum(found["lost_gpu_hours"].values())
    mean_s = found["days"]["mean"] * DAY_S - found["work_s"]
    assert lost == pytest.approx(512 * mean_s / HOUR_S)


def test_the_command_gives_the_best_interval_by_formula_and_by_playing(capsys, study):
    name = names_of(study)[0]
    words = ["goodput", str(study), "--network", name, "--runs", "100"]
    assert main(words) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "by Young-Daly" in printed
    assert "by playing runs" not in printed
    assert main([*words, "--best-interval"]) == 0
    assert "by playing runs" in " ".join(capsys.readouterr().out.split())
    assert main([*words, "--best-interval", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["candidates"]
    best = found["best_interval"]
    assert 0 < best["daly_s"] < best["young_s"] * 1.01
    assert best["played_s"] > 0
    assert best["played_days"] <= found["days"]["mean"] * 1.01


def test_an_unknown_network_is_refused(capsys, study):
    assert main(["goodput", str(study), "--network", "no such"]) == 2
    assert "no such" in capsys.readouterr().err


def test_levers_only_name_what_helps():
    classes = [part(0.2, detection_s=60, restart_s=900, num_nodes=1, repair_s=4 * HOUR_S)]
    policy = RunPolicy(7200.0, 10.0, 4, num_spares=0)

    def play(changed, others):
        return simulate(changed, others, 20 * DAY_S, 200, 1)

    found = levers(classes, policy, play, play(classes, policy).days)
    assert found[0].saved_days >= found[-1].saved_days > 0
    assert any("spare" in lever.change for lever in found)


# which is sooner --------------------------------------------------------------------------------
def test_candidates_that_differ_by_noise_alone_are_tied():
    """Of two equal candidates on other draws, 95 of 100 pairs are tied."""
    chance = np.random.default_rng(0)
    tied = [
        sooner("a", "b", *chance.normal(60.0, 1.0, (2, 1000))).is_tied for _ in range(400)
    ]  # fmt: skip
    assert 0.92 < np.mean(tied) < 0.98


def test_candidates_on_the_same_draws_are_told_apart_by_little():
    days = np.random.default_rng(0).normal(60.0, 1.0, 1000)
    found = sooner("a", "b", days, days + 1e-4)
    assert (found.probability, found.is_tied) == (1.0, False)
    assert found.mean_days == pytest.approx(1e-4)
    assert sooner("b", "a", days + 1e-4, days).probability == 0.0
    assert sooner("a", "a", days, days).is_tied


def test_a_study_says_which_candidates_are_tied(capsys):
    """Three networks of 512 accelerators differ by seconds, and 30 runs cannot tell them apart."""
    assert main(["goodput", str(STUDY), "--runs", "30", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["pairs"]) == 3
    assert document["candidates"][0]["name"] == document["pairs"][0]["first"]
    found = StudyRuns("s", 30, 0, False, (), (), ())
    names = ["a", "b", "c"]
    candidates = tuple(SimpleNamespace(name=name) for name in names)
    pairs = (
        Sooner("a", "b", 0.52, 0.1, True),
        Sooner("a", "c", 0.9, 0.5, False),
        Sooner("b", "c", 0.5, 0.0, True),
    )
    (sentence,) = ties(dataclasses.replace(found, candidates=candidates, pairs=pairs))
    assert sentence.startswith("Tied: a, b.")
