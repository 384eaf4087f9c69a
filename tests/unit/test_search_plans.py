"""The plan matrix is exactly what the rules allow: every factorisation tried one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from netloom.kernels.inputs import CONTEXT_KINDS, PLAN_COLUMNS, RECOMPUTES, SHARDINGS
from netloom.schema.study import Search
from netloom.search.plans import PlanSpace, plan_matrix
from netloom.workload.shape import Experts, LatentAttention, TransformerShape

GPT = TransformerShape("gpt", 768, 12, 12, 12, 64, 3072, False, 50257, True, 1024)
GROUPED = TransformerShape("grouped", 1024, 14, 16, 2, 64, 3584, True, 32000, False)
EXPERTS = TransformerShape(
    "experts", 1024, 13, 16, 16, 96, 4096, True, 32000, False,
    latent=LatentAttention(0, 256, 64, 32, 64), experts=Experts(8, 2, 512, 512, 2, False),
)  # fmt: skip


def allowed(shape, count, domain, batch, sequence):
    """Yield every plan that the rules allow, from all tuples of sizes up to `count`."""
    powers = [1, 2, 4, 8, 16, 32, 64, 128]
    sizes = range(1, count + 1)
    inner = shape.experts.ffn if shape.experts else shape.ffn
    heads = shape.num_heads if shape.latent else shape.num_kv_heads
    for tensor, context, pipeline, data in itertools.product(powers, powers, sizes, sizes):
        if tensor * context * pipeline * data != count or tensor > domain or context > 16:
            continue
        if shape.num_heads % tensor or heads % tensor or inner % tensor:
            continue
        if context > 1 and sequence % (2 * context):
            continue
        for expert in powers if shape.experts else [1]:
            if shape.experts and shape.experts.num_routed % expert:
                continue
            if data * context % expert:
                continue
            for micro_batch in (1, 2, 4, 8):
                num_micro, rest = divmod(batch, data * micro_batch)
                if rest or not num_micro:
                    continue
                for interleave in range(1, shape.num_layers + 3):
                    if not splits(shape, pipeline, interleave, num_micro):
                        continue
                    for sharding in (1, 3) if pipeline == 1 else (1,):
                        for recompute in (0, 1, 2):
                            yield (
                                tensor, context, pipeline, interleave, data, expert, micro_batch,
                                num_micro, sharding, recompute, 0, 0, 0,
                            )  # fmt: skip


def splits(shape, pipeline, interleave, num_micro):
    """Return whether layers fall into equal chunks, embedding and loss counting as none or one."""
    if interleave > 1 and (pipeline == 1 or num_micro % pipeline):
        return False
    for embedding, loss in ((0, 0), (1, 1), (0, 1)):
        if pipeline == 1 and embedding + loss:
            continue
        places = shape.num_layers + embedding + loss
        if places % (pipeline * interleave) == 0:
            first = places // pipeline - embedding
            return not shape.experts or shape.experts.num_dense_layers <= first
    return False


CASES = [
    (GPT, 64, 8, 64, 1024),
    (GPT, 24, 8, 48, 1024),
    (GROUPED, 64, 8, 128, 48),
    (GROUPED, 7, 7, 14, 1000),
    (EXPERTS, 16, 4, 32, 4096),
    (EXPERTS, 64, 64, 32, 4096),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0].name}-{case[1]}")
def test_the_matrix_is_the_set_that_the_rules_allow(case):
    shape, count, domain, batch, sequence = case
    plans = plan_matrix(PlanSpace(shape, count, domain, batch, sequence, Search()))
    rows = list(map(tuple, plans.tolist()))
    assert plans.dtype == np.int64
    assert len(set(rows)) == len(rows)
    assert set(rows) == set(allowed(shape, count, domain, batch, sequence))
    assert rows


PINS = {
    "tensor": (2,), "context": (1, 2), "pipeline": (2,), "interleave": (7,), "expert": (8,),
    "micro_batch": (1, 2), "recompute": ("full",), "sharding": ("optimizer",),
}  # fmt: skip


def column(plans, name):
    return plans[:, PLAN_COLUMNS.index(name)]


def with_bounds(**bounds):
    return plan_matrix(PlanSpace(EXPERTS, 64, 8, 64, 4096, Search(**bounds)))


def only_where_pinned(name, plan):
    """Return whether a plan is one that the search takes only where the user names its size."""
    sizes = dict(zip(PLAN_COLUMNS, plan, strict=True))
    # whole experts, which need tensor ranks as well
    return name == "expert" and sizes["data"] * sizes["context"] % sizes["expert"] > 0


@pytest.mark.parametrize("name", PINS)
def test_a_bound_keeps_the_plans_that_have_it(name):
    free, pinned = with_bounds(), with_bounds(**{name: PINS[name]})
    codes = {"recompute": RECOMPUTES, "sharding": SHARDINGS}.get(name)
    values = [codes.index(value) for value in PINS[name]] if codes else PINS[name]
    chosen = set(map(tuple, free[np.isin(column(free, name), values)].tolist()))
    found = set(map(tuple, pinned.tolist()))
    assert chosen
    assert chosen <= found
    assert (len(found) > len(chosen)) == (name == "expert")
    assert all(only_where_pinned(name, plan) for plan in found - chosen)
    assert np.isin(column(pinned, name), values).all()


def is_even(plan):
    sizes = dict(zip(PLAN_COLUMNS, plan, strict=True))
    return splits(EXPERTS, sizes["pipeline"], sizes["interleave"], sizes["num_micro_batches"])


def test_uneven_chunks_are_for_whoever_names_them_or_has_no_even_split():
    evenly = with_bounds(pipeline=(2,))
    named = with_bounds(pipeline=(2,), interleave=tuple(range(1, EXPERTS.num_layers)))
    rows, all_rows = (set(map(tuple, plans.tolist())) for plans in (evenly, named))
    assert rows < all_rows
    assert all(is_even(plan) for plan in rows)
    assert not any(is_even(plan) for plan in all_rows - rows)
    # neither 13 layers nor 14 or 15 places split over four stages
    uneven = with_bounds(pipeline=(4,))
    assert len(uneven)
    assert not any(is_even(plan) for plan in uneven.tolist())


def test_whole_experts_need_tensor_ranks_that_share_something():
    split = with_bounds(expert_tensor=(2, 4, 8), expert=(8,))
    whole = with_bounds(expert_tensor=(1,), expert=(8,))
    assert set(column(split, "expert_tensor")) == {0}
    # without tensor ranks both are the same
    assert set(column(whole[column(whole, "tensor") == 1], "expert_tensor")) == {0}
    assert set(column(whole[column(whole, "tensor") > 1], "expert_tensor")) == {1}
    replicas = column(whole, "data") * column(whole, "context")
    assert (replicas * column(whole, "tensor") % 8 == 0).all()
    assert (replicas % 8 != 0).any()


def test_ulysses_gives_each_rank_whole_heads():
    found = with_bounds(context_kind=("ulysses",), tensor=(2, 4), context=(1, 2, 4, 8, 16))
    first = PLAN_COLUMNS.index("tensor")
    pairs = set(map(tuple, found[:, first : first + 2].tolist()))
    # 16 heads
    assert pairs == {(2, 1), (2, 2), (2, 4), (2, 8), (4, 1), (4, 2), (4, 4)}
    named = column(found, "context_kind")
    assert set(named[column(found, "context") == 1]) == {0}
    assert set(named[column(found, "context") > 1]) == {CONTEXT_KINDS.index("ulysses")}


def test_shards_lie_on_groups_that_divide_the_replicas():
    found = with_bounds(
        shard_group=(4, 16, 64), sharding=("none", "parameters"), pipeline=(1,), tensor=(1, 4)
    )
    replicas = column(found, "data") * column(found, "context")
    group, sharding = column(found, "shard_group"), column(found, "sharding")
    assert set(group[sharding == 0]) == {0}
    sharded = sharding > 0
    # all replicas together are the usual
    assert set(group[sharded & (replicas == 64)]) == {0, 4, 16}
    assert set(group[sharded & (replicas == 16)]) == {0, 4}


def test_a_bound_may_go_beyond_what_the_search_tries_on_its_own():
    space = PlanSpace(GPT, 12, 8, 24, 1024, Search(tensor=(3, 12), sharding=("none", "gradients")))
    plans = plan_matrix(space)
    assert set(plans[:, 0]) == {3, 12}
    assert set(plans[:, 8]) == {0, 2}


def test_a_bound_that_breaks_a_rule_leaves_nothing():
    assert plan_matrix(PlanSpace(GPT, 64, 8, 64, 1024, Search(tensor=(5,)))).shape == (0, 13)


def test_llama_405b_as_meta_trained_it_is_among_the_plans():
    # arXiv:2407.21783 table 4: TP 8, CP 1, PP 16, DP 128 and batch 2,048 on 16,384
    shape = TransformerShape("405b", 16384, 126, 128, 8, 128, 53248, True, 128256, False)
    plans = plan_matrix(PlanSpace(shape, 16384, 8, 2048, 8192, Search()))
    assert (8, 1, 16, 8, 128, 1, 1, 16, 1, 0, 0, 0, 0) in set(map(tuple, plans.tolist()))
