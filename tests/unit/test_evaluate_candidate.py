"""The numbers of one candidate, worked out again by hand from its plan, step and bill."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from netloom import catalog
from netloom.resolve import resolve
from netloom.schema.study import Study
from netloom.search import plan_study

TOKENS, BATCH, SEQUENCE, ACCELERATORS = 1e12, 512, 8192, 256
PINS = {
    "tensor": [8], "context": [2], "pipeline": [2], "interleave": [4], "micro_batch": [1],
    "recompute": ["none"], "sharding": ["optimizer"],
}  # fmt: skip


@pytest.fixture(scope="module")
def answer():
    study = Study.model_validate(
        {
            "version": 1,
            "name": "one",
            "model": "llama-3.1-8b",
            "goal": {"tokens": "1T", "batch_sequences": BATCH, "sequence": SEQUENCE},
            "cluster": {"accelerators": ACCELERATORS, "node": "dgx-h100", "nic": "connectx-7"},
            "networks": [
                {
                    "name": "rails",
                    "fabric": {"kind": "rail-optimized"},
                    "switch": "qm9700",
                    "protocol": "infiniband-ndr",
                }
            ],
            "search": PINS,
        }
    )
    return plan_study(resolve(study, Path()))


@pytest.fixture(scope="module")
def found(answer):
    return answer.candidates[0]


def test_the_plan_uses_every_accelerator_and_the_whole_batch(found):
    plan = found.plan
    assert plan.tensor * plan.context * plan.data * plan.pipeline == ACCELERATORS
    assert plan.data * plan.micro_batch * plan.num_micro_batches == BATCH


def test_parts_add_up_to_the_step(found):
    assert found.parts.total_s == pytest.approx(found.step_s, rel=1e-12)


def test_rates_follow_from_the_step(found):
    batch_tokens = BATCH * SEQUENCE
    assert found.tokens_per_s == pytest.approx(batch_tokens / found.step_s, rel=1e-12)
    # Llama 3.1 8B by hand: 32 layers of 2 x 4096^2 + 2 x 4096 x 1024 + 3 x 4096 x 14336, and head
    matrices = 32 * (2 * 4096**2 + 2 * 4096 * 1024 + 3 * 4096 * 14336) + 4096 * 128256
    flops = 6 * matrices + 3 * 2 * SEQUENCE * 4096 * 32
    rate = flops * found.tokens_per_s / ACCELERATORS
    assert found.model_flops_per_s_per_accelerator == pytest.approx(rate, rel=1e-12)
    # dense BF16 peak of an H100 SXM: 989.4 TFLOP/s
    assert found.mfu == pytest.approx(rate / 989.4e12, rel=1e-3)
    assert 0.2 < found.mfu < 0.6


def test_days_follow_from_steps_and_goodput(found):
    steps = math.ceil(TOKENS / (BATCH * SEQUENCE))
    assert found.days_without_failures == pytest.approx(steps * found.step_s / 86400, rel=1e-12)
    expected = found.days_without_failures / found.goodput.effective_fraction
    assert found.days == pytest.approx(expected, rel=1e-12)


def test_bytes_of_each_dimension_by_hand(found):
    """Per rank and step: 16 layers a stage, 8,192 / 2 tokens a microbatch, hidden size 4,096."""
    plan = found.plan
    sent = {message.dimension: message.bytes for message in found.communication}
    tokens, micro, layers = SEQUENCE // 2, plan.num_micro_batches, 16
    # ten collectives a layer, two bytes an element, 7 of 8 parts
    assert sent["tensor"] == pytest.approx(micro * layers * 10 * tokens * 4096 * 2 * 7 / 8)
    # keys and values (8 heads of 128) of one rank: once forward, twice backward
    assert sent["context"] == pytest.approx(micro * layers * 3 * tokens * 2 * 1024 * 2 / 8)
    # four chunks a stage, each sent forward and back, an eighth by each tensor rank
    assert sent["pipeline"] == pytest.approx(micro * 4 * 2 * tokens * 4096 * 2 / 8)
    # reduce-scatter of gradients and all-gather of 16-bit weights over data and context
    group = plan.data * plan.context
    software = catalog.get("software", "nemo-25.04")
    norms = 4096 * 2
    layer = 2 * 4096**2 + 2 * 4096 * 1024 + 3 * 4096 * 14336 + norms
    last = layers * layer + 4096 * 128256 + 4096
    first = layers * layer + 4096 * 128256
    each = (group - 1) / group * (2 + float(software.gradient_bytes)) / 8
    assert sent["data"] in (pytest.approx(last * each), pytest.approx(first * each))


def test_memory_of_the_fullest_rank_by_hand(found):
    software = catalog.get("software", "nemo-25.04")
    layer = 2 * 4096**2 + 2 * 4096 * 1024 + 3 * 4096 * 14336 + 2 * 4096
    first = (16 * layer + 4096 * 128256) / 8
    last = first + 4096 / 8
    memory, shards = found.memory, found.plan.data * found.plan.context
    assert memory.weights_bytes in (2 * first, 2 * last)
    parameters = memory.weights_bytes / 2
    assert memory.gradients_bytes == pytest.approx(float(software.gradient_bytes) * parameters)
    optimizer = float(software.state_bytes) * parameters / shards
    assert memory.optimizer_bytes == pytest.approx(optimizer)
    assert memory.total_bytes <= memory.capacity_bytes


def test_every_dimension_of_more_than_one_rank_is_told(found):
    assert [message.dimension for message in found.communication] == [
        "tensor", "context", "pipeline", "data",
    ]  # fmt: skip
    for message in found.communication:
        assert message.bytes_per_s == pytest.approx(message.bytes / message.total_s)
        assert message.group_size > 1


def test_no_rate_exceeds_what_carries_it(found):
    for message in found.communication:
        limit = 450e9 if message.limited_by == "scale-up links" else 50e9
        assert message.bytes_per_s < limit


def test_money_and_power_are_sums_of_the_bill(found):
    network = [line for line in found.bom if line.group not in ("accelerators", "nodes")]
    for field in ("low", "mode", "high"):
        total = sum(getattr(line.total_usd, field) for line in found.bom)
        assert getattr(found.total_capex_usd, field) == pytest.approx(total)
        part = sum(getattr(line.total_usd, field) for line in network)
        assert getattr(found.network_capex_usd, field) == pytest.approx(part)
    assert found.total_power_w == pytest.approx(sum(line.power_w for line in found.bom))
    # NICs are fed by their nodes
    outside = sum(line.power_w for line in network if line.group != "nics")
    assert found.network_power_w == pytest.approx(outside)


def test_counts_of_the_fabric_by_hand(found):
    # 32 nodes, 8 rails, one unit: 8 leaves of 32 downlinks and 256 uplinks into 64-port spines
    assert found.counts.switches == {"leaf": 8, "spine": 4}
    assert list(found.counts.links.values()) == [256, 256]


def test_the_answer_names_its_model_and_convention(answer):
    assert answer.num_parameters == answer.num_active_parameters == 8_030_261_248
    assert answer.num_accelerators == ACCELERATORS
    assert "causal" in answer.flop_convention
