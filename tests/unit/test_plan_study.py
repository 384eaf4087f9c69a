"""Whole studies: what a change of the network moves, and what it must leave alone."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from pathlib import Path

import pytest

from netloom import catalog
from netloom.report.serialise import from_json, to_json
from netloom.resolve import resolve
from netloom.schema.study import Study
from netloom.search import plan_study

#: One plan, so that a change of network changes nothing but its messages.
PIPELINED = {
    "tensor": [8], "context": [2], "pipeline": [4], "interleave": [5], "micro_batch": [1],
    "recompute": ["none"], "sharding": ["optimizer"],
}  # fmt: skip
SHARDED = PIPELINED | {
    "context": [1], "pipeline": [1], "interleave": [1], "sharding": ["parameters"],
}  # fmt: skip
#: Four nodes to a pod, so that each pod's eight rings share few links when these are tapered.
PODS = {"pod_hosts": 32, "rack_hosts": 16}
NETWORK_PARTS = ("context_s", "expert_s", "pipeline_s", "data_s")


def network(name, kind="rail-optimized", switch="tomahawk-5", protocol="roce-v2-adaptive", **more):
    outer = {key: more.pop(key) for key in ("nic", "nic_rate", "media") if key in more}
    fabric = {"kind": kind, **more}
    return {"name": name, "fabric": fabric, "switch": switch, "protocol": protocol, **outer}


def study(networks, *, accelerators=512, model="llama-3.1-70b", search=None, batch=512, **more):
    return resolve(
        Study.model_validate(
            {
                "version": 1,
                "name": "small",
                "model": model,
                "goal": {"tokens": "100B", "batch_sequences": batch, "sequence": 8192},
                "cluster": {
                    "accelerators": accelerators, "node": "dgx-h100",
                    "nic": more.pop("nic", "connectx-7"),
                },
                "networks": networks,
                "search": search or {},
                **more,
            }
        ),
        Path(),
    )  # fmt: skip


def answers(*networks, **more):
    result = plan_study(study(list(networks), **more))
    assert not result.refused
    return {found.name: found for found in result.candidates}


def traffic(candidate):
    return {message.dimension: message for message in candidate.communication}


@pytest.mark.parametrize(
    ("switch", "protocol"),
    [("tomahawk-5", "roce-v2-adaptive"), ("sn5600", "spectrum-x")],
)
def test_a_nic_of_twice_the_rate_shortens_messages_and_leaves_computation(switch, protocol):
    found = answers(
        network("400G", switch=switch, protocol=protocol, nic_rate="400 Gb/s"),
        network("800G", switch=switch, protocol=protocol),
        nic="connectx-8", search=PIPELINED,
    )  # fmt: skip
    slow, fast = found["400G"], found["800G"]
    assert slow.plan == fast.plan
    for name in ("context_s", "pipeline_s", "data_s"):
        assert getattr(fast.parts, name) < getattr(slow.parts, name), name
    for name in ("compute_s", "tensor_s", "optimizer_s"):
        assert getattr(fast.parts, name) == getattr(slow.parts, name), name
    assert fast.step_s < slow.step_s
    for dimension in ("context", "pipeline", "data"):
        before, after = traffic(slow)[dimension], traffic(fast)[dimension]
        assert after.bytes == before.bytes
        # latency does not halve
        assert before.total_s / 2 <= after.total_s < before.total_s
    assert fast.memory == slow.memory


def test_the_800g_infiniband_switch_carries_an_800g_nic():
    (found,) = answers(
        network("xdr", switch="q3400", protocol="infiniband-xdr"),
        nic="connectx-8", search=PIPELINED,
    ).values()  # fmt: skip
    assert traffic(found)["data"].bytes_per_s > 50e9


def test_a_tapered_pod_layer_slows_gradients_alone_and_saves_switches():
    """Pipeline of one stage: nothing but the rings of the data group leaves a pod."""
    found = answers(
        *(network(f"1:{o}", kind="pods", **PODS, oversubscription=o) for o in (1, 7)),
        search=SHARDED,
    )
    full, thin = found["1:1"], found["1:7"]
    assert thin.parts.data_s > full.parts.data_s
    for name in ("compute_s", "tensor_s", "context_s", "pipeline_s", "bubble_s", "optimizer_s"):
        assert getattr(thin.parts, name) == getattr(full.parts, name), name
    assert sum(thin.counts.switches.values()) < sum(full.counts.switches.values())
    assert thin.network_capex_usd.mode < full.network_capex_usd.mode
    assert thin.network_power_w < full.network_power_w
    # each pod's 8 rings leave over ceil(32 / 7) = 5 links; latency stays as it is
    assert traffic(thin)["data"].limited_by == "spine uplinks"
    protocol = catalog.get("protocol", "roce-v2-adaptive")
    efficiency = float(protocol.framing_efficiency) * float(protocol.transport_efficiency)
    on_wire_s = traffic(full)["data"].bytes / (50e9 * efficiency)
    added_s = traffic(thin)["data"].total_s - traffic(full)["data"].total_s
    assert added_s == pytest.approx((8 / 5 - 1) * on_wire_s, rel=1e-6)


def test_a_tapered_pod_layer_slows_sends_between_stages_in_different_pods():
    found = answers(
        *(network(f"1:{o}", kind="pods", pod_hosts=128, oversubscription=o) for o in (1, 7)),
        search=PIPELINED,
    )
    full, thin = found["1:1"], found["1:7"]
    assert thin.parts.pipeline_s > full.parts.pipeline_s
    # stages of 128 are pods: tensor, context and data traffic stays inside
    for name in ("compute_s", "tensor_s", "context_s", "data_s", "bubble_s", "optimizer_s"):
        assert getattr(thin.parts, name) == getattr(full.parts, name), name


def test_a_steeper_taper_is_never_faster_nor_dearer():
    tapers = (1, 2, 4, 7)
    found = answers(*(network(f"1:{o}", kind="pods", **PODS, oversubscription=o) for o in tapers))
    steps = [found[f"1:{o}"].step_s for o in tapers]
    capex = [found[f"1:{o}"].network_capex_usd.mode for o in tapers]
    # fewer long cables to the core make the mean hop some nanoseconds shorter
    assert all(after > before * (1 - 1e-4) for before, after in pairwise(steps))
    assert steps[-1] > steps[0]
    assert capex == sorted(capex, reverse=True)


@pytest.mark.parametrize("search", [PIPELINED, SHARDED], ids=["pipelined", "sharded"])
def test_rails_without_spines_carry_a_dense_model_alike(search):
    found = answers(
        network("rails"), network("rail-only", kind="rail-only"), accelerators=1024, search=search
    )
    rails, only = found["rails"], found["rail-only"]
    assert only.parts == rails.parts
    assert sum(only.counts.switches.values()) < sum(rails.counts.switches.values())
    assert only.network_capex_usd.mode < rails.network_capex_usd.mode


@pytest.mark.parametrize("kind", ["rail-optimized", "leaf-spine", "fat-tree", "rail-only"])
@pytest.mark.parametrize("search", [PIPELINED, SHARDED], ids=["pipelined", "sharded"])
def test_hashing_is_never_faster_than_adaptive_routing(kind, search):
    found = answers(
        network("hashed", kind=kind, protocol="roce-v2"),
        network("adaptive", kind=kind), search=search,
    )  # fmt: skip
    for name in NETWORK_PARTS:
        hashed, adaptive = (getattr(found[n].parts, name) for n in ("hashed", "adaptive"))
        assert hashed >= adaptive, name


def test_hashing_collides_where_flows_share_spines():
    found = answers(
        network("hashed", kind="leaf-spine", protocol="roce-v2"),
        network("adaptive", kind="leaf-spine"), search=PIPELINED,
    )  # fmt: skip
    assert found["hashed"].step_s > found["adaptive"].step_s


def test_the_search_is_never_slower_than_a_pinned_plan():
    free = answers(network("rails"))["rails"]
    pinned = answers(network("rails"), search=PIPELINED)["rails"]
    assert free.step_s <= pinned.step_s
    assert free.num_plans > pinned.num_plans == 1


def two_networks(seed=0):
    networks = [network("rails"), network("hashed", kind="leaf-spine", protocol="roce-v2")]
    return plan_study(study(networks, search={"tensor": [8], "micro_batch": [1]}), seed=seed)


def test_the_same_study_and_seed_give_the_same_bytes():
    first, second = two_networks(), two_networks()
    assert first == second
    assert to_json(first).encode() == to_json(second).encode()
    assert from_json(to_json(first)) == first


def test_another_seed_changes_only_what_is_drawn():
    first, second = two_networks(0), two_networks(1)
    assert second.seed == 1
    rails = [
        next(found for found in result.candidates if found.name == "rails")
        for result in (first, second)
    ]
    assert dataclasses.replace(rails[0], rank=0) == dataclasses.replace(rails[1], rank=0)


@pytest.mark.parametrize(
    ("rank_by", "measure"),
    [
        ("run-cost", lambda found: found.run_cost_usd.mode),
        ("days", lambda found: found.days),
        ("network-capex", lambda found: found.network_capex_usd.mode),
        ("total-capex", lambda found: found.total_capex_usd.mode),
    ],
)
def test_candidates_are_ranked_by_what_the_study_asks(rank_by, measure):
    networks = [
        network("rails"), network("only", kind="rail-only"),
        network("ndr", switch="qm9700", protocol="infiniband-ndr"),
    ]  # fmt: skip
    result = plan_study(study(networks, search=PIPELINED, rank_by=rank_by))
    values = [measure(found) for found in result.candidates]
    assert values == sorted(values)
    assert [found.rank for found in result.candidates] == [1, 2, 3]
    assert result.winner == result.candidates[0].name
    assert result.verdict.startswith(f"{result.winner} wins")


def test_order_in_the_study_does_not_matter():
    networks = [network("b"), network("a"), network("c", kind="rail-only")]
    forward = plan_study(study(networks, search=PIPELINED))
    backward = plan_study(study(networks[::-1], search=PIPELINED))
    assert forward.candidates == backward.candidates
    assert [found.name for found in forward.candidates[-2:]] == ["a", "b"]


def test_a_model_that_fits_on_no_plan_is_refused_with_the_reason():
    result = plan_study(
        study([network("rails")], accelerators=16, model="llama-3.1-405b", batch=64)
    )
    assert result.candidates == ()
    assert result.winner == ""
    (refusal,) = result.refused
    assert "fits on no plan" in refusal.reason
    assert "what would make it fit" in refusal.reason


def test_progress_counts_the_candidates():
    seen = []
    plan_study(
        study([network("one"), network("two", kind="rail-only")], search=PIPELINED),
        progress=lambda done, total, text: seen.append((done, total, text)),
    )
    assert [(done, total) for done, total, _ in seen] == [(0, 2), (1, 2), (2, 2)]
    assert [text for *_, text in seen][:2] == ["one", "two"]
