"""``netloom step``: what it prints, that its parts add up, and what it refuses."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import yaml

from netloom import evaluate
from netloom.catalog import sources
from netloom.cli.app import main
from netloom.cli.study import read
from netloom.explained.levers import levers
from netloom.explained.residuals import FILE, interval, kinds_of, shipped
from netloom.explained.tiers import tier_times
from netloom.explained.utilisation import utilisations
from netloom.kernels.step import STEP_COLUMNS
from netloom.result import Communication, StepParts
from netloom.schedule import kinds
from netloom.search.best import best_plan
from netloom.search.plans import PlanSpace, plan_matrix
from netloom.simulate.step import message_bytes_of, price_plans
from netloom.validation.categories import step as step_rows
from netloom.validation.categories.pipeline_phases import rows
from netloom.validation.step_residuals import residuals, to_yaml
from netloom.validation.step_score import score
from netloom.workload.shape import TransformerShape

ROOT = Path(__file__).parents[2]
STUDY = str(ROOT / "examples" / "llama3-70b-512.yaml")
PLAN = ("--plan", "tp=4,cp=1,pp=4,vp=5,mbs=1,recompute=none")


def answer(capsys, *words):
    assert main(["step", STUDY, *words, "--json"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return json.loads(printed.out)


@pytest.mark.parametrize("more", [(), ("--schedule", "gpipe"), ("--schedule", "zb-h1")])
def test_parts_add_up_and_the_step_is_that_of_the_schedule(capsys, more):
    found = answer(capsys, *PLAN, *more)
    for form in ("closed_form", "played"):
        parts = StepParts(**found[form]["parts"])
        assert parts.total_s == pytest.approx(found[form]["step_s"], rel=1e-9)
    own = not more
    assert found["own_schedule"] is own
    assert found["step_s"] == found["closed_form" if own else "played"]["step_s"]
    assert found["expected"]["low_s"] < found["step_s"] < found["expected"]["high_s"]


def test_the_step_is_the_one_that_plan_ranks(capsys):
    """Without a plan: the best one, as `netloom plan` finds it."""
    found = answer(capsys)
    resolved = read(Path(STUDY))
    run, goal = evaluate.start(resolved), resolved.study.goal
    space = PlanSpace(
        run.shape, 512, 8, goal.num_batch_sequences, goal.sequence, resolved.study.search
    )
    prepared = evaluate.prepare(run, resolved.networks[0], 0)
    best = best_plan(space, plan_matrix(space), run.model, prepared.network)
    candidate = evaluate.candidate(run, prepared, best.priced, best.num_plans)
    assert found["step_s"] == pytest.approx(candidate.step_s, rel=1e-12)
    assert found["closed_form"]["parts"] == pytest.approx(vars(candidate.parts), rel=1e-9)
    mfu = next(each for each in found["utilisation"] if each["name"] == "mfu-causal")
    assert mfu["fraction"] == pytest.approx(candidate.mfu, rel=1e-9)
    memory = found["memory"]["devices"][found["memory"]["fullest_device"]]
    assert memory["total_bytes"] == pytest.approx(candidate.memory.total_bytes, rel=1e-9)


def test_messages_by_dimension_and_by_tier_are_the_same_messages(capsys):
    found = answer(capsys, *PLAN)
    for key in ("bytes", "total_s", "exposed_s", "hidden_s"):
        by_dimension = sum(each[key] for each in found["communication"])
        assert sum(each[key] for each in found["tiers"]) == pytest.approx(by_dimension)
    for each in found["communication"]:
        assert each["exposed_s"] + each["hidden_s"] == pytest.approx(each["total_s"])
        assert each["exposed_s"] == found["closed_form"]["parts"][f"{each['dimension']}_s"]


def test_the_critical_path_is_as_long_as_the_pipeline(capsys):
    found = answer(capsys, *PLAN)
    told_s = sum(each["compute_s"] + each["sends_s"] for each in found["critical_path"])
    assert told_s == pytest.approx(found["played"]["pipeline_s"], rel=1e-9)


def test_tables_hold_what_the_step_is_made_of(capsys):
    assert main(["step", STUDY, *PLAN]) == 0
    short = capsys.readouterr().out
    assert main(["step", STUDY, *PLAN, "--explain"]) == 0
    long = capsys.readouterr().out
    for words in ("compute", "bubble", "tensor", "scale-up links", "Memory:", "The critical path",
                  "forward of microbatch 0", "What would shorten it", "matrix products 10% faster",
                  "causal half of attention", "recomputation not counted", "HFU"):  # fmt: skip
        assert words in short
        assert words in long
    assert "Every device of the pipeline" in long
    assert "Every device" not in short


@pytest.mark.parametrize("kind", kinds())
def test_every_schedule_is_played_or_says_what_it_needs(kind, capsys):
    chunks = "vp=5" if kind == "interleaved" else "vp=1"
    plan = f"tp=4,cp=1,pp=4,{chunks},mbs=1,recompute=full"
    assert main(["step", STUDY, "--plan", plan, "--schedule", kind, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["schedule"] == kind


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--plan", "tp=3"), "tensor 3 does not divide 64 heads"),
        (("--plan", "tp=4,xp=2"), "'xp' is no size of a plan"),
        (("--plan", "tp=4,pp=4,vp=1", "--schedule", "interleaved"), "more than one chunk"),
        (("--schedule", "zb-w"), "unknown pipeline schedule 'zb-w'"),
        (("--network", "nets"), "the study has no network 'nets'"),
        (("--trace", "/no/such/folder/step.pftrace"), "no folder"),
    ],
)
def test_what_does_not_go_is_refused_with_what_does(words, said, capsys):
    assert main(["step", STUDY, *words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err
    assert len(printed.err.splitlines()) > 1


def test_levers_are_steps_of_a_changed_machine():
    """A lever's saving against the step evaluated again by hand, for one of them."""
    resolved = read(Path(STUDY))
    run, goal = evaluate.start(resolved), resolved.study.goal
    space = PlanSpace(
        run.shape, 512, 8, goal.num_batch_sequences, goal.sequence, resolved.study.search
    )
    network = evaluate.prepare(run, resolved.networks[0], 0).network
    best = best_plan(space, plan_matrix(space), run.model, network).priced
    row = best.plan[None]
    prices = price_plans(row, network, message_bytes_of(row, run.model)).prices[0]
    found = levers(best, prices, run.model)
    saved = [lever.saved_s for lever in found]
    assert saved == sorted(saved, reverse=True)
    assert min(saved) > 0.0
    stragglers = next(lever for lever in found if lever.change.startswith("no rank"))
    named = dict(zip(STEP_COLUMNS, best.step.tolist(), strict=True))
    work_s = named["step_s"] - named["straggler_s"]
    without = {lever.change: lever.saved_s for lever in found}.get("no pipeline bubble", 0.0)
    assert without == pytest.approx(named["bubble_s"] * named["step_s"] / work_s)
    assert stragglers.saved_s == pytest.approx(named["straggler_s"], rel=1e-9)
    assert stragglers.saved_fraction == pytest.approx(named["straggler_s"] / named["step_s"])


def test_hfu_of_full_recomputation_is_four_thirds_of_mfu_but_for_the_head():
    """The head is not done again; of a GPT without attention to speak of, 8 / 6 of the layers."""
    gpt = TransformerShape("gpt", 12288, 96, 96, 96, 128, 49152, False, 1, True)
    causal, full, hfu = utilisations(gpt, 1, 100.0, 312e12, "full", True)
    assert hfu.fraction / causal.fraction == pytest.approx(4 / 3, rel=1e-4)
    assert full.fraction > causal.fraction
    unfused = utilisations(gpt, 2048, 100.0, 312e12, "selective", False)
    # Korthikanti's 4 s h of scores and values a layer and token (arXiv:2205.05198, appendix A)
    again = (unfused[2].flops_per_s - unfused[0].flops_per_s) / 100.0
    assert again == pytest.approx(0.5 * 4 * 2048 * 12288 * 96)


def test_a_tier_sums_its_messages():
    first = Communication("data", "reduce-scatter", 8, 1e9, 0.2, 0.1, 5e9, "leaf uplinks")
    second = Communication("pipeline", "send-recv", 4, 3e9, 0.2, 0.2, 15e9, "leaf uplinks")
    (tier,) = tier_times([first, second])
    assert (tier.bytes, tier.hidden_s, tier.bytes_per_s) == (4e9, pytest.approx(0.1), 1e10)


def test_shipped_residuals_are_those_that_validation_finds():
    """Written again with ``python -m netloom.validation.step_residuals`` when steps move."""
    found = residuals(score(step_rows.shipped(), step_rows.fitted()))
    written, kept = yaml.safe_load(to_yaml(found)), yaml.safe_load(FILE.read_text("utf-8"))
    assert len(written) == len(kept) > 5
    for new, old in zip(written, kept, strict=True):
        assert new == pytest.approx(old, abs=2e-4)


def test_an_interval_is_of_the_most_similar_runs_that_are_enough():
    known = shipped()
    for accelerator in ("a100-sxm-80g", "h100-sxm", "gb200", "mi300x"):
        for narrow in (False, True):
            for experts in (False, True):
                found = interval(10.0, accelerator, narrow, experts)
                first = next(k for k in kinds_of(accelerator, narrow, experts) if k in known)
                assert found.of.kind == first
                assert 0.0 < found.low_s <= 10.0 * found.of.middle <= found.high_s
                assert math.isfinite(found.high_s)


def test_phases_are_compared_with_a_published_table():
    found = {row.name.split(": ")[1]: row for row in rows()}
    assert len(found) == 7
    assert all(sources()["deepseek-2024"] in row.source for row in found.values())
    ratio = found["step (ratio)"]
    assert (ratio.published, ratio.passed) == (1.0, True)
    # what devices do adds up to the published step of 19.926 s but for data messages
    published_s = sum(row.published for row in found.values() if row.unit == "s")
    assert published_s == pytest.approx(19.926, rel=0.003)
