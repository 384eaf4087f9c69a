"""Plans that the user names: taken as they are, or refused with the nearest valid ones."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from math import log2
from pathlib import Path

import numpy as np
import pytest

from netloom import evaluate
from netloom.errors import ParameterError
from netloom.kernels.inputs import PLAN_COLUMNS
from netloom.resolve import resolve
from netloom.schema.study import Search, Study
from netloom.search.given_plan import given_plans, parsed
from netloom.search.nearest import named_plan, nearest_plans
from netloom.search.plans import PlanSpace, plan_matrix


def setting(model="llama-3.1-70b", accelerators=256):
    found = resolve(
        Study.model_validate(
            {
                "version": 1, "name": "small", "model": model,
                "goal": {"tokens": "1T", "batch_sequences": 256, "sequence": 4096},
                "cluster": {"accelerators": accelerators, "node": "dgx-h100", "nic": "connectx-7"},
                "networks": [{"name": "rails", "fabric": {"kind": "rail-optimized"},
                              "switch": "qm9700", "protocol": "infiniband-ndr"}],
            }
        ),
        Path(),
    )  # fmt: skip
    run = evaluate.start(found)
    space = PlanSpace(run.shape, accelerators, 8, 256, 4096, Search())
    return space, run.model, evaluate.prepare(run, found.networks[0], 0).network


@pytest.fixture(scope="module")
def dense():
    return setting()


@pytest.fixture(scope="module")
def sparse():
    return setting("mixtral-8x7b", 64)


def test_a_valid_plan_is_taken_as_it_is(dense):
    space, model, network = dense
    _, best = named_plan(space, "tp=4,cp=1,pp=8,vp=5,mbs=1,recompute=none", model, network)
    assert best.priced.plan[:7].tolist() == [4, 1, 8, 5, 8, 1, 1]


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("tp=128,cp=1,pp=2", ["tensor 128 does not divide 64 heads"]),
        ("tp=3,cp=1,pp=7", ["tensor 3 does not divide 64 heads",
                            "tensor 3 x context 1 x pipeline 7 is 21 and does "
                                "not divide 256 accelerators"]),
        ("tp=8,cp=1,pp=8,dp=3", ["256 accelerators over 64 leave data 4, not 3"]),
        ("tp=8,cp=1,pp=4,vp=30", ["80 layers do not split into 4 stages of 30 chunks"]),
        ("tp=8,cp=1,pp=4,mbs=5", ["8 replicas of 5 sequences do not divide a batch of 256"]),
        ("tp=1,cp=1,pp=1,mbs=1,recompute=none,sharding=optimizer", ["fits in memory",
                                                                    "GiB of 80 GiB"]),
        ("tp=8,dp=7", ["tensor 8 x data 7 is 56 and does not divide 256 accelerators"]),
        ("dp=7", ["data 7 does not divide 256 accelerators"]),
        ("mbs=5", ["microbatches of 5 sequences do not divide a batch of 256"]),
        ("pp=8,vp=16", ["80 layers do not split into 8 stages of 16 chunks"]),
        ("vp=50", ["80 layers do not split into 50 chunks on any number of stages"]),
        ("shard_group=7", ["shard_group 7 does not divide 256 accelerators"]),
    ],
)  # fmt: skip
def test_each_broken_rule_is_said_and_valid_plans_follow(dense, text, rules):
    space, model, network = dense
    with pytest.raises(ParameterError) as raised:
        named_plan(space, text, model, network)
    problem = raised.value.problem
    for rule in rules:
        assert rule in problem.message
    shown = re.findall(r"^ +(\S+=\S+) ", problem.hint, re.M)
    assert len(shown) == 3
    for offered in shown:
        assert parsed(offered).keys() == parsed(text).keys()
        named_plan(space, offered, model, network)  # what is offered is accepted


def test_experts_beyond_the_model_are_refused(sparse):
    space, model, network = sparse
    with pytest.raises(ParameterError) as raised:
        named_plan(space, "tp=1,cp=1,pp=1,ep=16", model, network)
    assert "expert 16 does not divide 8 experts" in raised.value.problem.message
    assert "ep=8" in raised.value.problem.hint


def test_the_nearest_are_those_of_a_search_through_all(dense):
    """Against all plans, one by one: the distances that are shown are the three least."""
    space, model, network = dense
    given = {"tensor": 6, "context": 1, "pipeline": 8, "recompute": "none"}
    near = nearest_plans(space, given, model, network)
    columns = [PLAN_COLUMNS.index(name) for name in ("tensor", "context", "pipeline")]

    def distance(sizes):
        return sum(abs(log2(size / wanted)) for size, wanted in zip(sizes, (6, 1, 8), strict=True))

    plans = plan_matrix(with_recompute(space, "none"))
    prices = np.zeros((len(plans), 7, 2))
    used = model.evaluate(plans, prices)[:, 10:15].sum(axis=1)
    fitting = plans[used <= model.machine.hbm_bytes]
    by_hand = sorted({tuple(plan[columns].tolist()) for plan in fitting}, key=distance)
    found = [distance(plan[columns].tolist()) for plan, _ in near]
    assert found == pytest.approx([distance(sizes) for sizes in by_hand[:3]])


def with_recompute(space, recompute):
    return replace(space, bounds=Search(recompute=(recompute,)))


def test_short_and_long_names_mean_the_same():
    assert parsed("tp=8,vp=4,cp=2,pp=4,ep=2,dp=4,mbs=2") == parsed(
        "tensor=8,interleave=4,context=2,pipeline=4,expert=2,data=4,micro-batch=2"
    )
    assert parsed("vpp=4") == parsed("vp=4")


def test_what_is_left_out_is_open(dense):
    space, _, _ = dense
    for tensor, pipeline in product((2, 4), (2, 4)):
        plans = given_plans(space, f"tp={tensor},pp={pipeline}")[1]
        assert set(plans[:, 0].tolist()) == {tensor}
        assert set(plans[:, 2].tolist()) == {pipeline}
        assert len(plans) > 10
