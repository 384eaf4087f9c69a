"""Parallelism beyond the usual: whole experts, kinds of context parallelism, groups of shards.

Each against a closed form or against another plan that has to come out the same.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netloom import catalog, evaluate
from netloom.errors import ParameterError
from netloom.explained.stages import stage_columns
from netloom.kernels import inputs
from netloom.kernels.layer import layer_times
from netloom.kernels.memory import shards_of, stage_parameters
from netloom.kernels.stages import make_stage, split_layers
from netloom.kernels.step import STEP_COLUMNS, evaluate_plans
from netloom.resolve import resolve
from netloom.schema.study import Study
from netloom.search.given_plan import given_plans
from netloom.search.nearest import named_plan
from netloom.search.plans import PlanSpace
from netloom.simulate.step import message_bytes_of, plan_of, price_plans
from netloom.simulate.step_flows import step_flows
from netloom.workload.inputs import machine_inputs, shape_inputs, software_inputs
from netloom.workload.parameters import count_parameters
from netloom.workload.shape import Experts, TransformerShape

SEQUENCE = 4096.0
DENSE = TransformerShape("dense", 4096, 32, 32, 32, 128, 14336, True, 128256, False)
SPARSE = TransformerShape(
    "sparse", 4096, 32, 32, 8, 128, 0, True, 64000, False,
    experts=Experts(64, 4, 1536, 0, 0, False),
)  # fmt: skip
RELEASE = catalog.get("software", "nemo-25.04")
MACHINE = machine_inputs(catalog.get("accelerator", "h100-sxm"), RELEASE, "bf16")
SOFTWARE = software_inputs(RELEASE)
ROWS = len(inputs.PRICE_ROWS)
FREE = np.zeros((ROWS, 2))
PER_BYTE = np.column_stack([np.zeros(ROWS), np.ones(ROWS)])


def plan(**sizes):
    given = {"sharding": 0, "recompute": 0, "expert_tensor": 0, "context_kind": 0,
             "shard_group": 0} | sizes  # fmt: skip
    return np.array([given.get(name, 1) for name in inputs.PLAN_COLUMNS])


def step(shape, prices=FREE, software=SOFTWARE, **sizes):
    answer = evaluate_plans(
        plan(**sizes)[None], prices[None], SEQUENCE, 1.0, shape_inputs(shape), MACHINE, software
    )[0]
    return dict(zip(STEP_COLUMNS, answer.tolist(), strict=True))


def layer(shape, tensor, context, prices, expert=1.0, whole=0.0, kind=0, software=SOFTWARE):
    return layer_times(
        1.0, SEQUENCE, tensor, context, expert, 0, shape.experts is not None, prices,
        shape_inputs(shape), MACHINE, software, whole, kind,
    )  # fmt: skip


def test_columns_that_are_left_out_are_the_usual():
    short = plan(tensor=4, context=2, data=8, sharding=3)[None, :10]
    long = plan(tensor=4, context=2, data=8, sharding=3)[None]
    prices = np.full((1, ROWS, 2), 1e-9)
    answers = [
        evaluate_plans(
            rows, prices[:, :7] if rows is short else prices, SEQUENCE, 64.0, shape_inputs(DENSE),
            MACHINE, SOFTWARE,
        )
        for rows in (short, long)
    ]  # fmt: skip
    assert (answers[0] == answers[1]).all()
    assert str(plan_of(short[0])) == str(plan_of(long[0]))


# ---- whole experts ---------------------------------------------------------------------------


def test_whole_experts_send_no_tensor_messages_around_them():
    # one gather of tokens before attention and one scatter behind it; backward gathers once more
    tensor = 4.0
    whole = layer(SPARSE, tensor, 1.0, FREE, 8.0, 1.0)
    attention = 2.0 * SEQUENCE * SPARSE.hidden
    assert whole.tensor_sent_bytes == pytest.approx(5 * attention * 3 / 4, rel=1e-12)
    split = layer(SPARSE, tensor, 1.0, FREE, 8.0)
    # four visits a token
    assert split.tensor_sent_bytes == pytest.approx(5 * (1 + 4) * attention * 3 / 4, rel=1e-12)


def test_whole_experts_exchange_what_split_ones_do():
    # a tensor rank sends its own tokens to their experts, whoever has these
    whole, split = (layer(SPARSE, 4.0, 1.0, PER_BYTE, 8.0, each) for each in (1.0, 0.0))
    assert whole.expert_sent_bytes == split.expert_sent_bytes
    assert whole.expert_total_s == split.expert_total_s


def test_whole_experts_with_shared_ones_gather_the_tokens_of_these():
    shared = TransformerShape(
        "shared", 4096, 32, 32, 8, 128, 0, True, 64000, False,
        experts=Experts(64, 4, 1536, 3072, 0, False),
    )  # fmt: skip
    attention = 2.0 * SEQUENCE * 4096
    found = layer(shared, 4.0, 1.0, FREE, 8.0, 1.0).tensor_sent_bytes
    assert found == pytest.approx(2 * 5 * attention * 3 / 4, rel=1e-12)


def test_routed_parameters_are_spread_over_the_expert_ranks_alone():
    shape = shape_inputs(SPARSE)
    stage = make_stage(0, split_layers(32.0, 1.0, 1.0), 1.0, 1.0, 1.0, shape)
    routed = 32 * count_parameters(SPARSE).expert * 64
    for tensor, data, expert, whole, held, sharing in (
        (4, 16, 8, 0, 8 * 4, 2),
        (4, 16, 8, 1, 8, 8),
        (4, 16, 32, 1, 32, 2),
        (4, 16, 64, 1, 64, 1),
    ):
        found = stage_parameters(
            stage,
            shards_of(plan(tensor=tensor, data=data, expert=expert, expert_tensor=whole)),
            shape,
        )
        assert found.routed == pytest.approx(routed / held, rel=1e-12)
        assert found.routed_sharded == pytest.approx(routed / held / sharing, rel=1e-12)
        # all ranks together hold each state once
        assert found.routed_sharded * tensor * data == pytest.approx(routed, rel=1e-12)


def test_narrow_experts_run_faster_whole_than_in_slices():
    # 1,536 columns over 8 ranks leave 192, less than a tile
    whole, split = (layer(SPARSE, 8.0, 1.0, FREE, 8.0, each) for each in (1.0, 0.0))
    assert whole.forward_s < split.forward_s
    # without tensor ranks there is nothing to choose
    assert layer(SPARSE, 1.0, 1.0, FREE, 8.0, 1.0) == layer(SPARSE, 1.0, 1.0, FREE, 8.0)


# ---- context parallelism ---------------------------------------------------------------------


def test_gathered_keys_and_values_are_as_many_bytes_as_in_a_ring_and_all_exposed():
    ring, gathered = (layer(DENSE, 2.0, 4.0, PER_BYTE * 1e-12, kind=kind) for kind in (0, 1))
    assert gathered.context_sent_bytes == ring.context_sent_bytes
    assert gathered.context_total_s == ring.context_total_s
    exposed = gathered.forward_context_s + gathered.backward_context_s
    assert exposed == pytest.approx(gathered.context_total_s, rel=1e-12)
    assert ring.forward_context_s + ring.backward_context_s < exposed


def test_ulysses_sends_four_activations_each_way():
    # queries, keys, values and output, 1 / 4 of the tokens and 1 / 2 of the heads, 3 of 4 parts
    found = layer(DENSE, 2.0, 4.0, PER_BYTE, kind=2)
    activation = 2.0 * SEQUENCE / 4 * DENSE.hidden / 2
    assert found.context_sent_bytes == pytest.approx(2 * 4 * activation * 3 / 4, rel=1e-12)
    assert found.context_total_s == pytest.approx(2 * 4 * activation, rel=1e-12)


def test_ulysses_sends_less_from_twice_as_many_ranks_and_a_ring_does_not():
    """arXiv:2309.14509, section 3.2: messages of a rank shrink with the ranks."""
    sent = {
        kind: [
            layer(DENSE, 1.0, ranks, FREE, kind=kind).context_sent_bytes for ranks in (8.0, 16.0)
        ]
        for kind in (0, 2)
    }
    assert sent[2][1] == pytest.approx(sent[2][0] / 2 * (15 / 16) / (7 / 8), rel=1e-12)
    assert sent[0][1] > sent[0][0]


# ---- groups of shards ------------------------------------------------------------------------


def test_a_group_of_one_is_the_gradients_all_reduce():
    # nothing to gather: gradients cross all 16 replicas once, as without sharding
    prices = PER_BYTE * 1e-12
    late = SOFTWARE._replace(overlaps_data=False)
    alone = step(DENSE, prices, late, data=16, sharding=3, shard_group=1)
    plain = step(DENSE, prices, late, data=16)
    assert alone["data_sent_bytes"] == pytest.approx(plain["data_sent_bytes"], rel=1e-12)
    assert alone["weights_bytes"] == plain["weights_bytes"]


def test_bytes_of_shards_in_groups_of_eight():
    # Zhao et al., arXiv:2304.11277, section 3.2.2: inside the group as if it were alone, across
    # replicas an all-reduce of an eighth of the gradients
    found = step(DENSE, data=64, sharding=3, shard_group=8, num_micro_batches=4)
    inside = step(DENSE, data=8, sharding=3, num_micro_batches=4)
    parameters = count_parameters(DENSE).total
    across = 2 * (7 / 8) * SOFTWARE.gradient_bytes * parameters / 8
    assert found["data_sent_bytes"] == pytest.approx(inside["data_sent_bytes"] + across, rel=1e-12)
    for name in ("weights_bytes", "gradients_bytes", "optimizer_bytes"):
        assert found[name] == inside[name]


def test_the_all_reduce_over_replicas_counts_once_a_step():
    prices = FREE.copy()
    prices[inputs.REPLICA_REDUCE, 1] = 1e-9
    late = SOFTWARE._replace(overlaps_data=False)
    seconds = [
        step(DENSE, prices, late, data=16, sharding=3, shard_group=4, num_micro_batches=count)
        for count in (1, 8)
    ]
    size = SOFTWARE.gradient_bytes * count_parameters(DENSE).total / 4
    for each in seconds:
        assert each["data_s"] == pytest.approx(1e-9 * size, rel=1e-9)


# ---- on a fabric -----------------------------------------------------------------------------


def study(model, **extra):
    return resolve(
        Study.model_validate(
            {
                "version": 1, "name": "small", "model": model,
                "goal": {"tokens": "1T", "batch_sequences": 64, "sequence": 4096} | extra,
                "cluster": {"accelerators": 64, "node": "dgx-h100", "nic": "connectx-7"},
                "networks": [
                    {"name": "rails", "fabric": {"kind": "rail-optimized"}, "switch": "qm9700",
                     "protocol": "infiniband-ndr"}
                ],
            }
        ),
        Path(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("model", "text", "shown"),
    [
        ("mixtral-8x7b", "tp=4,cp=1,pp=2,vp=1,ep=8,etp=1,mbs=1", "DP8 EP8 ETP1"),
        ("mixtral-8x7b", "tp=8,cp=1,pp=2,vp=1,ep=8,mbs=1", "DP4 EP8 ETP1"),
        ("mixtral-8x7b", "tp=2,cp=1,pp=1,ep=2,mbs=1,sharding=parameters,shard_group=8",
         "parameters/8"),
        ("llama-3.1-8b", "tp=2,cp=4,pp=1,mbs=1,context_kind=ulysses", "CP4 ulysses"),
        ("llama-3.1-8b", "tp=2,cp=4,pp=1,mbs=1,context_kind=all-gather", "CP4 all-gather"),
        ("llama-3.1-8b", "tp=1,cp=1,pp=1,mbs=1,sharding=parameters,shard_group=16",
         "parameters/16"),
    ],
)  # fmt: skip
def test_a_named_plan_is_priced_and_all_ranks_send_what_it_counts(model, text, shown):
    found = study(model)
    run, goal = evaluate.start(found), found.study.goal
    prepared = evaluate.prepare(run, found.networks[0], 0)
    space = PlanSpace(
        run.shape, 64, found.node.scale_up_domain, goal.num_batch_sequences, goal.sequence,
        found.study.search,
    )  # fmt: skip
    _, best = named_plan(space, text + ",recompute=full", run.model, prepared.network)
    priced = best.priced
    assert shown in str(plan_of(priced.plan))
    counted = dict(zip(STEP_COLUMNS, priced.step.tolist(), strict=True))
    flows = step_flows(priced.plan, run.model, prepared.network)
    stages = int(priced.plan[inputs.PIPELINE])
    for dimension in ("tensor", "context", "expert", "data"):
        sent = sum(each.sent_bytes for each in flows if each.dimension == dimension)
        if stages == 1:
            assert sent == pytest.approx(64 * counted[f"{dimension}_sent_bytes"], rel=1e-9)
        assert (sent > 0) == (counted[f"{dimension}_sent_bytes"] > 0)
    # the explained step follows the same columns
    columns = stage_columns(priced.plan, prices_of(priced.plan, run, prepared), run.model).columns
    assert columns[:, 0].max() == pytest.approx(priced.step[0], rel=1e-9)


def prices_of(row, run, prepared):
    return price_plans(row[None], prepared.network, message_bytes_of(row[None], run.model)).prices[
        0
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("tp=8,cp=1,pp=1,ep=7", "expert 7 does not divide 8 experts"),
        ("tp=2,cp=8,pp=1,context_kind=ulysses", "2 tensor times 8 context ranks do not divide 8"),
        ("tp=8,cp=1,pp=1,shard_group=3", "shard_group 3 does not divide 8 data and context ranks"),
        ("tp=8,cp=1,pp=1,context_kind=rings", "'rings' is no choice for context_kind"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_rule(text, reason):
    found = study("mixtral-8x7b")
    run, goal = evaluate.start(found), found.study.goal
    space = PlanSpace(run.shape, 64, 8, goal.num_batch_sequences, goal.sequence, found.study.search)
    with pytest.raises(ParameterError, match=reason):
        given_plans(space, text)


# ---- long sequences --------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["bf16", "fp8"])
def test_activations_of_a_million_tokens_grow_with_the_tokens_and_attention_with_their_square(
    precision,
):
    machine = machine_inputs(catalog.get("accelerator", "h100-sxm"), RELEASE, precision)
    found = [
        dict(zip(STEP_COLUMNS, row, strict=True))
        for row in (
            evaluate_plans(
                plan(tensor=8, context=16)[None], FREE[None], tokens, 1.0, shape_inputs(DENSE),
                machine, SOFTWARE,
            )[0].tolist()
            for tokens in (2.0**19, 2.0**20)
        )
    ]  # fmt: skip
    half, full = found
    assert all(np.isfinite(list(each.values())).all() for each in found)
    assert full["activations_bytes"] == pytest.approx(2 * half["activations_bytes"], rel=1e-12)
    for name in ("tensor_sent_bytes", "context_sent_bytes"):
        assert full[name] == pytest.approx(2 * half[name], rel=1e-12)
    # causal: 2 h s^2 multiplications and additions forward, 2.5 times that backward
    flops = 2 * 2.0**40 * 4096 / 128 * 32
    attention_s = flops / machine.attention_forward_flops_per_s
    attention_s += 2.5 * flops / machine.attention_backward_flops_per_s
    quadratic = 2 * (full["compute_s"] - 2 * half["compute_s"])
    assert quadratic == pytest.approx(attention_s, rel=0.02)
