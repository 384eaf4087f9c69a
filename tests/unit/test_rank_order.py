"""Groups under every rank order, against coordinates counted out one rank after another."""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from netloom.catalog import get
from netloom.collective.groups import Communicator, ranks_of
from netloom.errors import InfeasibleError, ParameterError, StudyError
from netloom.evaluate import LIBRARY
from netloom.kernels.inputs import PLAN_COLUMNS, PRICE_ROWS
from netloom.resolve import checks, resolve
from netloom.schema.load import load
from netloom.schema.study import Dimension, Search, Study
from netloom.search import plan_study
from netloom.simulate.network import PLAIN_ALGORITHMS, NetworkModel
from netloom.simulate.placement import Placement
from netloom.simulate.rank_order import (
    RANK_ORDER,
    coordinates,
    groups_of,
    nearest_order,
    splits_experts,
)
from netloom.simulate.step import OPERATIONS
from netloom.topology import build

ORDERS = list(permutations(RANK_ORDER))

#: tensor, context, data, pipeline, expert; whether experts are whole, ranks of a group of shards
SIZES = [
    (2, 3, 4, 2, 1), (2, 3, 4, 2, 3), (2, 2, 4, 2, 4), (2, 2, 4, 3, 8), (2, 2, 4, 2, 2),
    (1, 2, 4, 2, 8), (2, 1, 4, 2, 2), (2, 4, 1, 3, 4), (3, 1, 1, 2, 1), (1, 2, 3, 1, 6),
    (4, 2, 2, 2, 8, 1), (2, 1, 4, 2, 2, 1), (2, 2, 2, 1, 4, 1, 2), (2, 2, 4, 2, 2, 0, 4),
    (1, 2, 4, 2, 1, 0, 2), (2, 1, 8, 2, 2, 0, 4), (4, 1, 2, 1, 8, 1), (2, 2, 4, 1, 4, 1, 4),
]  # fmt: skip


def plan(tensor=1, context=1, data=1, pipeline=1, expert=1, whole=0, shards=0):
    sizes = {"tensor": tensor, "context": context, "data": data, "pipeline": pipeline,
             "expert": expert, "expert_tensor": whole, "context_kind": 0,
             "shard_group": shards}  # fmt: skip
    return np.array([[sizes.get(name, 1) for name in PLAN_COLUMNS]])


def counted_out(sizes, order):
    """Return the groups of each dimension as sets of ranks, by a loop over all coordinates."""
    size = dict(zip(("tensor", "context", "data", "pipeline", "expert"), sizes, strict=False))
    whole, shards = (*sizes[5:], 0, 0)[:2]
    expert_axes = [name for name in order if name in ("context", "data", "tensor"[: 6 * whole])]
    num_replicas = size["context"] * size["data"]
    group = shards or num_replicas
    routed = max(1, (shards or num_replicas) * (size["tensor"] if whole else 1) // size["expert"])
    replica_axes = [name for name in order if name in ("context", "data")]
    found = {}
    places = product(*(range(size[name]) for name in reversed(order)))
    for rank, outermost_first in enumerate(places):
        at = dict(zip(reversed(order), outermost_first, strict=True))
        inner, outer = replica_axes
        replica = at[inner] + size[inner] * at[outer]
        place = {name: at[name] for name in RANK_ORDER}
        alike = {
            "tensor": {k: v for k, v in place.items() if k != "tensor"},
            "context": {k: v for k, v in place.items() if k != "context"},
            "pipeline": {k: v for k, v in place.items() if k != "pipeline"},
            "data": {k: v for k, v in place.items() if k in ("tensor", "pipeline")},
        }
        alike["replica"] = alike["data"] | {"shard": replica % group}
        alike["data"] = alike["data"] | {"copy": replica // group}
        # what an expert's number counts through, the innermost first
        number, below = 0, 1
        for name in expert_axes:
            number, below = number + at[name] * below, below * size[name]
        rest = {k: v for k, v in place.items() if k not in expert_axes}
        alike["expert"] = rest | {"block": number // size["expert"]}
        held = rest | {"within": number % size["expert"]}
        alike["expert-data"] = held | {"copy": number // size["expert"] // routed}
        alike["expert-replica"] = held | {"shard": number // size["expert"] % routed}
        for kind, key in alike.items():
            found.setdefault(kind, {}).setdefault(tuple(sorted(key.items())), []).append(rank)
    return {kind: {tuple(group) for group in groups.values()} for kind, groups in found.items()}


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_groups_are_those_of_a_loop_over_all_coordinates(order):
    checked = 0
    for sizes in SIZES:
        given = plan(*sizes)
        if splits_experts(given, order)[0]:
            with pytest.raises(ParameterError, match="do not lie evenly"):
                groups_of(given, order)
            continue
        num_ranks = int(np.prod(sizes[:4]))
        expected = counted_out(sizes, order)
        for row, name in enumerate(PRICE_ROWS):
            kind = name.split()[0]
            communicator = Communicator(OPERATIONS[row], *map(int, groups_of(given, order)[0, row]))
            groups = ranks_of(communicator, num_ranks)
            assert {tuple(sorted(map(int, group))) for group in groups} == expected[kind], name
            checked += 1
    assert checked >= 12 * len(PRICE_ROWS)


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_an_order_is_refused_only_where_experts_are_no_even_rows(order):
    """Experts of a group along one or two axes: all replicas must differ by constant strides."""
    for sizes in product((1, 2, 3), (2, 3, 4), (2, 3, 6), (1, 2), (1, 2, 3, 4, 6)):
        if sizes[1] * sizes[2] % sizes[4]:
            continue
        groups = np.array(sorted(counted_out(sizes, order)["expert"]))
        relative = groups - groups[:, :1]
        # an even row looks the same from each of its groups, and is a box of two axes
        steps = np.unique(np.diff(groups, axis=1))
        is_box = (relative == relative[0]).all() and len(steps) <= 2
        assert bool(splits_experts(plan(*sizes), order)[0]) <= (not is_box)


def test_the_usual_order_keeps_tensor_ranks_together_and_needs_no_second_axis():
    given = plan(tensor=8, context=2, data=16, pipeline=4, expert=8)
    groups = groups_of(given)[0]
    assert groups[:, :2].tolist() == [
        [8, 1], [8, 1], [2, 8], [8, 8], [4, 256], [32, 8], [4, 64], [2, 8], [1, 256], [1, 256]
    ]  # fmt: skip
    assert groups[:, 2:].tolist() == [[1, 0]] * 10


def test_whole_experts_lie_on_neighbours():
    # Qwen3 235B on 256: tensor 2, stages 8, experts over 32 ranks of 16 replicas
    groups = groups_of(plan(tensor=2, data=16, pipeline=8, expert=32, whole=1))[0]
    assert groups[PRICE_ROWS.index("expert all-to-all")].tolist() == [32, 1, 1, 0]
    assert groups[PRICE_ROWS.index("expert-data reduce-scatter"), 0] == 1
    assert groups[PRICE_ROWS.index("data reduce-scatter")].tolist() == [16, 2, 1, 0]


def test_replicas_of_shards_are_as_far_apart_as_groups_are_long():
    groups = groups_of(plan(tensor=2, data=16, expert=2, shards=4))[0]
    assert groups[PRICE_ROWS.index("data reduce-scatter")].tolist() == [4, 2, 1, 0]
    assert groups[PRICE_ROWS.index("replica all-reduce")].tolist() == [4, 8, 1, 0]
    assert groups[PRICE_ROWS.index("expert-data reduce-scatter")].tolist() == [2, 4, 1, 0]
    assert groups[PRICE_ROWS.index("expert-replica all-reduce")].tolist() == [4, 8, 1, 0]


def test_context_and_data_apart_make_gradients_cross_two_axes():
    given = plan(tensor=2, context=2, data=4, pipeline=2)
    order = ("context", "tensor", "data", "pipeline")
    assert groups_of(given, order)[0, PRICE_ROWS.index("data reduce-scatter")].tolist() == [
        2, 1, 4, 4
    ]  # fmt: skip
    # with a single tensor rank between them they are neighbours
    assert groups_of(plan(context=2, data=4, pipeline=2), order)[0, 5].tolist() == [8, 1, 1, 0]


def test_the_nearest_order_is_the_first_that_carries_the_experts():
    given = plan(tensor=2, context=2, data=3, expert=2)[0]
    order = ("data", "pipeline", "tensor", "context")
    found = nearest_order(given, order)
    assert not splits_experts(given[None], found)[0]
    distance = sum(
        found.index(a) > found.index(b) for i, a in enumerate(order) for b in order[i + 1 :]
    )
    others = [
        sum(other.index(a) > other.index(b) for i, a in enumerate(order) for b in order[i + 1 :])
        for other in ORDERS
        if not splits_experts(given[None], other)[0]
    ]
    assert distance == min(others)


@pytest.mark.parametrize("order", ORDERS[1:], ids="-".join)
def test_relabelled_ranks_cost_the_same(order):
    """Ranks of another order, mapped to where the usual order has them, are the usual groups."""
    given = plan(tensor=4, context=2, data=8, pipeline=2, expert=4)
    num_ranks = 128
    at = coordinates(given[0], np.arange(num_ranks), order)
    usual = at["tensor"] + 4 * (at["context"] + 2 * (at["data"] + 8 * at["pipeline"]))
    assert sorted(usual) == list(range(num_ranks))
    fabric = build("rail-optimized", {"units": 2, "unit_nodes": 8, "radix": 32, "rails": 8})
    parts = (fabric, get("protocol", "infiniband-ndr"), get("scale-up", "nvlink-4"), 8, 8,
             num_ranks, get("collective-library", LIBRARY))  # fmt: skip
    plain = NetworkModel(*parts, algorithms=PLAIN_ALGORITHMS)
    mapped = NetworkModel(
        *parts, placement=Placement(8, 8, usual.astype(np.int32)), algorithms=PLAIN_ALGORITHMS
    )
    rows = [0, 2, 4]  # all members of one group, in the same order in both
    for row in rows:
        here = plain.price([Communicator(OPERATIONS[row], *map(int, groups_of(given)[0, row]))])
        there = mapped.price(
            [Communicator(OPERATIONS[row], *map(int, groups_of(given, order)[0, row]))]
        )
        assert there.s_per_byte == pytest.approx(here.s_per_byte, rel=1e-12)
        assert there.latency_s == pytest.approx(here.latency_s, rel=1e-12)


STUDY = """\
version: 1
name: small
model: llama-3.1-8b
goal: {tokens: 1T, batch_sequences: 128, sequence: 8192}
cluster: {accelerators: 64, node: dgx-h100, nic: connectx-7}
networks:
  - {name: rails, fabric: {kind: rail-optimized}, switch: qm9700, protocol: infiniband-ndr}
search:
  order: ORDER
"""


def problems_of(tmp_path, text):
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(StudyError) as refusal:
        load(path, [checks(tmp_path)])
    return refusal.value.problems


@pytest.mark.parametrize(
    ("order", "column", "message", "hint"),
    [
        ("[tensor, context, data]", 10, "pipeline is missing",
         "write order: [tensor, context, data, pipeline]"),
        ("[pipeline, tensor, tensor, data]", 10,
         "context is missing, tensor is written more than once",
         "write order: [pipeline, context, tensor, data]"),
        ("[tensor, context, date, pipeline]", 28, "'date' is no choice for order",
         "did you mean data? Known: context, data, pipeline, tensor"),
    ],
)  # fmt: skip
def test_a_wrong_order_is_refused_at_its_place(tmp_path, order, column, message, hint):
    problem = problems_of(tmp_path, STUDY.replace("ORDER", order))[0]
    assert (problem.line, problem.column) == (9, column)
    assert (problem.message, problem.hint) == (message, hint)


def test_pinned_experts_that_are_no_even_rows_are_refused_with_the_nearest_order(tmp_path):
    pins = "[data, tensor, context, pipeline]\n  tensor: [2]\n  context: [4]\n  pipeline: [1]"
    text = STUDY.replace("ORDER", f"{pins}\n  expert: [2]").replace("llama-3.1-8b", "mixtral-8x7b")
    (problem,) = problems_of(tmp_path, text.replace("accelerators: 64", "accelerators: 24"))
    assert (problem.where, problem.line) == ("search.order", 9)
    assert problem.message.startswith("2-way experts do not lie evenly on 3 data ranks with tensor")
    assert problem.hint.startswith("write order: [data, context, tensor, pipeline], or an expert")


def test_the_key_knows_the_dimensions_of_the_step():
    assert get_args(Dimension) == RANK_ORDER
    assert Search().order == RANK_ORDER
    assert Search(tensor=(8,), order=RANK_ORDER[::-1]).pinned == {"tensor": (8,)}


def planned(order):
    study = Study.model_validate(
        {
            "version": 1, "name": "small", "model": "llama-3.1-8b",
            "goal": {"tokens": "1T", "batch_sequences": 128, "sequence": 8192},
            "cluster": {"accelerators": 64, "node": "dgx-h100", "nic": "connectx-7"},
            "networks": [{"name": "rails", "fabric": {"kind": "rail-optimized"},
                          "switch": "qm9700", "protocol": "infiniband-ndr"}],
            "search": {"tensor": [8], "pipeline": [2], "context": [1], "order": order},
        }
    )  # fmt: skip
    return plan_study(resolve(study, Path())).candidates[0]


def test_tensor_ranks_on_other_nodes_make_the_step_slower():
    usual, spread = planned(RANK_ORDER), planned(("data", "context", "tensor", "pipeline"))
    assert spread.step_s > 1.5 * usual.step_s
    tensor = next(each for each in spread.communication if each.dimension == "tensor")
    assert tensor.limited_by != "scale-up links"


def test_no_plan_under_an_order_says_what_the_order_asks():
    from netloom.search.best import best_plan
    from netloom.search.plans import PlanSpace, plan_matrix
    from netloom.workload.shape import from_config

    config = {
        "model_type": "mixtral", "hidden_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 4, "intermediate_size": 128,
        "vocab_size": 256, "num_local_experts": 8, "num_experts_per_tok": 2,
    }  # fmt: skip
    space = PlanSpace(
        from_config(config, "tiny"), 24, 8, 24, 1024,
        Search(tensor=(2,), context=(4,), pipeline=(1,), expert=(2,),
               order=("data", "tensor", "context", "pipeline")),
    )  # fmt: skip
    plans = plan_matrix(space)
    assert len(plans) == 0
    with pytest.raises(InfeasibleError, match="expert must divide data or be a multiple of it"):
        best_plan(space, plans, None, None)
