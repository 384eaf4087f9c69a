"""The best plan is the fastest that fits, ties fall to the first, and no fit is explained."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from netloom import catalog, evaluate
from netloom.errors import InfeasibleError
from netloom.kernels.step import STEP_COLUMNS
from netloom.resolve import resolve
from netloom.schema.study import Search, Study
from netloom.search.best import best_plan
from netloom.search.plans import PlanSpace, plan_matrix
from netloom.simulate.step import message_bytes_of, plan_of, price_plans

HBM_BYTES = float(catalog.get("accelerator", "h100-sxm").hbm_bytes)


def resolved(model="llama-3.1-8b", accelerators=64, batch=128, search=None):
    """Return a small study of one InfiniBand fat tree with its parts."""
    study = Study.model_validate(
        {
            "version": 1,
            "name": "small",
            "model": model,
            "goal": {"tokens": "1T", "batch_sequences": batch, "sequence": 8192},
            "cluster": {"accelerators": accelerators, "node": "dgx-h100", "nic": "connectx-7"},
            "networks": [
                {
                    "name": "rails",
                    "fabric": {"kind": "rail-optimized"},
                    "switch": "qm9700",
                    "protocol": "infiniband-ndr",
                }
            ],
            "search": search or {},
        }
    )
    return resolve(study, Path())


def prepared(found):
    """Return plan space, step model and network of a resolved study."""
    run = evaluate.start(found)
    goal = found.study.goal
    space = PlanSpace(
        run.shape, found.study.cluster.accelerators, found.node.scale_up_domain,
        goal.num_batch_sequences, goal.sequence, found.study.search,
    )  # fmt: skip
    return space, run.model, evaluate.prepare(run, found.networks[0], 0).network


def best_of(found):
    space, model, network = prepared(found)
    return best_plan(space, plan_matrix(space), model, network)


def test_the_best_plan_is_the_fastest_that_fits():
    space, model, network = prepared(resolved())
    plans = plan_matrix(space)
    best = best_plan(space, plans, model, network)
    steps = model.evaluate(
        plans, price_plans(plans, network, message_bytes_of(plans, model)).prices
    )
    memory = [STEP_COLUMNS.index(f"{part}_bytes") for part in
              ("weights", "gradients", "optimizer", "activations", "buffers")]  # fmt: skip
    fastest = np.inf
    for step in steps:
        if sum(step[memory]) <= model.machine.hbm_bytes:
            fastest = min(fastest, step[0])
    assert best.priced.step[0] == fastest
    assert best.num_plans == len(plans)


def test_of_equal_plans_the_first_wins():
    space, model, network = prepared(resolved())
    plans = plan_matrix(space)
    best = best_plan(space, plans, model, network).priced.plan
    doubled = np.concatenate([plans, plans])
    again = best_plan(space, doubled, model, network).priced
    assert (again.plan == best).all()
    reversed_order = best_plan(space, plans[::-1].copy(), model, network).priced
    assert reversed_order.step[0] == again.step[0]


def refusal(found):
    with pytest.raises(InfeasibleError) as caught:
        best_of(found)
    return str(caught.value)


def gib(text, pattern):
    number, unit = re.search(pattern + r"([\d.,]+) ([GT]iB)", text).groups()
    return float(number.replace(",", "")) * {"GiB": 1.0, "TiB": 1024.0}[unit]


def test_a_model_that_cannot_fit_says_by_how_much():
    text = refusal(resolved("llama-3.1-405b", accelerators=16, batch=64))
    assert "fits on no plan" in text
    needed, capacity, missing = gib(text, "needs "), gib(text, " of "), gib(text, "accelerator, ")
    assert capacity == pytest.approx(HBM_BYTES / 2**30, rel=0.01)
    assert missing == pytest.approx(needed - capacity, rel=0.01)
    # every state of 405.85B parameters spread over all 16 accelerators is the floor
    software = catalog.get("software", "nemo-25.04")
    state_bytes = 2 + float(software.gradient_bytes) + float(software.state_bytes)
    assert needed > state_bytes * 405.85e9 / 16 / 2**30
    parts = sum(gib(text, f"{part} ") for part in
                ("weights", "gradients", "optimizer", "activations", "buffers"))  # fmt: skip
    assert parts == pytest.approx(needed, rel=0.01)


def test_the_accelerators_it_asks_for_are_enough_and_half_of_them_are_not():
    text = refusal(resolved("llama-3.1-405b", accelerators=16, batch=64))
    asked = int(re.search(r"(\d+) accelerators(?! with)", text)[1])
    fits = best_of(resolved("llama-3.1-405b", accelerators=asked, batch=64))
    memory = fits.priced.step[10:15].sum()
    assert memory <= HBM_BYTES
    refusal(resolved("llama-3.1-405b", accelerators=asked // 2, batch=64))


def test_bounds_that_are_in_the_way_are_named():
    text = refusal(
        resolved("llama-3.1-70b", accelerators=64, search={"tensor": [1], "pipeline": [2]})
    )
    assert "search bounds without tensor, pipeline" in text
    best_of(resolved("llama-3.1-70b", accelerators=64))


def test_a_batch_that_does_not_split_says_so():
    text = refusal(resolved(batch=1, search={"tensor": [1], "pipeline": [1], "context": [1]}))
    assert "no parallel plan splits llama-3.1-8b and a batch of 1 sequences over 64" in text
    assert "the study pins tensor 1, context 1, pipeline 1" in text


def test_no_fast_plan_is_lost_by_bounds_that_name_it():
    free = best_of(resolved())
    plan = plan_of(free.priced.plan)
    pins = {name: [getattr(plan, name)] for name in Search.model_fields if name != "order"}
    pinned = best_of(resolved(search=pins))
    assert pinned.num_plans == 1
    assert (pinned.priced.plan == free.priced.plan).all()
    assert pinned.priced.step.tobytes() == free.priced.step.tobytes()
