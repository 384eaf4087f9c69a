"""Traffic of a step on links, against flows counted out by hand and closed forms."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest

from netloom import evaluate
from netloom.catalog import get
from netloom.cli.app import main
from netloom.collective.groups import Communicator
from netloom.errors import ConservationError, ParameterError
from netloom.kernels import inputs
from netloom.kernels.stage_traffic import stage_operations
from netloom.kernels.stages import FIRST, LAST, MIDDLE
from netloom.kernels.step import STEP_COLUMNS
from netloom.resolve import resolve
from netloom.schema.study import Study
from netloom.search.best import best_plan
from netloom.search.given_plan import given_plans, parsed
from netloom.search.plans import PlanSpace, plan_matrix
from netloom.simulate import step_flows
from netloom.simulate.bundle_names import bundle_names
from netloom.simulate.network import NetworkModel
from netloom.simulate.placement import Placement
from netloom.topology import build
from netloom.traffic import step_traffic

ROOT = Path(__file__).parents[2]
MIXTRAL, DENSE = "mixtral-8x7b", "llama-3.1-8b"


def network(name="rails", protocol="infiniband-ndr", switch="qm9700", **fabric):
    return {"name": name, "fabric": {"kind": "rail-optimized"} | fabric, "switch": switch,
            "protocol": protocol}  # fmt: skip


def study(*networks, model=DENSE, accelerators=64, batch=64, order=None, **extra):
    found = {
        "version": 1, "name": "small", "model": model,
        "goal": {"tokens": "1T", "batch_sequences": batch, "sequence": 4096},
        "cluster": {"accelerators": accelerators, "node": "dgx-h100", "nic": "connectx-7"},
        "networks": list(networks or (network(),)),
    } | extra  # fmt: skip
    if order:
        found["search"] = {"order": order}
    return resolve(Study.model_validate(found), Path())


def space_of(found):
    goal, run = found.study.goal, evaluate.start(found)
    return PlanSpace(
        run.shape, found.study.cluster.accelerators, found.node.scale_up_domain,
        goal.num_batch_sequences, goal.sequence, found.study.search,
    )  # fmt: skip


def parts_of(found, plan, which=0):
    """Return the priced plan, the step model and the network model."""
    run = evaluate.start(found)
    space, plans = given_plans(space_of(found), plan)
    prepared = evaluate.prepare(run, found.networks[which], 0)
    return best_plan(space, plans, run.model, prepared.network).priced, run.model, prepared.network


def traffic_of(found, plan, which=0):
    return step_traffic(*parts_of(found, plan, which), found.study.search.order)


def counted_out(priced, model, order):
    """Return bytes by (dimension, sending NIC, receiving NIC), flow by flow; nodes of eight.

    Rings cross nodes on as many rails as the group has ranks there; every flow takes the rail of
    its target.
    """
    plan = priced.plan
    size = dict(zip(inputs.PLAN_COLUMNS, map(int, plan), strict=True))
    operations = stage_operations(
        plan, float(model.sequence), model.shape, model.machine, model.software
    )
    last = size["pipeline"] - 1
    kinds = [FIRST, *[MIDDLE] * (last - 1), LAST] if last else [FIRST]
    groups = defaultdict(list)
    stage_of = {}
    places = product(*(range(size[name]) for name in reversed(order)))
    inner, outer = [name for name in order if name in ("context", "data")]
    for rank, place in enumerate(places):
        at = dict(zip(reversed(order), place, strict=True))
        stage_of[rank] = at["pipeline"]
        replica = at[inner] + size[inner] * at[outer]
        same = (at["tensor"], at["pipeline"])
        groups["tensor", at["context"], at["data"], at["pipeline"]].append(rank)
        groups["context", at["tensor"], at["data"], at["pipeline"]].append(rank)
        groups["pipeline", at["tensor"], at["data"], at["context"]].append(rank)
        groups["expert", *same, replica // size["expert"]].append(rank)
        groups["data", *same].append(rank)
        groups["expert data", *same, replica % size["expert"]].append(rank)
    rows = {"tensor": inputs.TENSOR_GATHER, "context": inputs.CONTEXT_GATHER,
            "expert": inputs.EXPERT_EXCHANGE, "pipeline": inputs.PIPELINE_SEND,
            "data": inputs.DATA_SCATTER, "expert data": inputs.EXPERT_DATA_SCATTER}  # fmt: skip
    flows = defaultdict(float)

    def add(kind, source, target, num_bytes):
        if source // 8 != target // 8:
            nic = source // 8 * 8 + target % 8
            flows[kind.split()[-1], nic, target] += num_bytes

    for (kind, *_), ranks in groups.items():
        count = len(ranks)
        whole = operations[kinds[stage_of[ranks[0]]], rows[kind]]
        if kind == "pipeline":
            part = (size["interleave"] - 1) / size["interleave"]
            for one, other in pairwise(ranks):
                add(kind, one, other, whole)
                add(kind, other, one, whole)
            add(kind, ranks[-1], ranks[0], part * whole)
            add(kind, ranks[0], ranks[-1], part * whole)
        elif kind == "expert":
            for one, other in product(ranks, ranks):
                add(kind, one, other, whole / count)
        else:
            by_node = defaultdict(list)
            for rank in ranks:
                by_node[rank // 8].append(rank)
            runs = list(by_node.values())
            channels = min(map(len, runs))
            for here, there in zip(runs, runs[1:] + runs[:1], strict=True):
                for channel in range(channels):
                    carried = whole * (count - 1) / count / channels
                    add(kind, here[channel], there[channel], carried)
    return flows


@pytest.mark.parametrize(
    ("model", "plan", "order"),
    [
        (DENSE, "tp=4,cp=2,pp=2,vpp=1,mbs=1", None),
        (DENSE, "tp=8,cp=1,pp=4,vpp=2,mbs=1", None),
        (DENSE, "tp=2,cp=1,pp=1,mbs=1,sharding=parameters", None),
        (MIXTRAL, "tp=2,cp=1,pp=2,vpp=1,ep=8,mbs=1", None),
        (MIXTRAL, "tp=4,cp=2,pp=2,ep=4,mbs=1", ["context", "tensor", "data", "pipeline"]),
        (DENSE, "tp=8,cp=1,pp=2,mbs=1", ["pipeline", "data", "context", "tensor"]),
    ],
)
def test_host_links_carry_what_flows_counted_out_carry(model, plan, order):
    found = study(model=model, order=order)
    priced, step, fabric_model = parts_of(found, plan)
    ring_only = all("ring" in each.algorithm or each.dimension in ("expert", "pipeline")
                    for each in step_traffic(priced, step, fabric_model,
                                             found.study.search.order).dimensions)  # fmt: skip
    assert ring_only
    traffic = step_traffic(priced, step, fabric_model, found.study.search.order)
    flows = counted_out(priced, step, found.study.search.order)
    assert flows
    endpoints = fabric_model.fabric.num_endpoints
    expected = {name: np.zeros(2 * endpoints) for name in traffic.bundle_bytes}
    for (dimension, source, target), num_bytes in flows.items():
        expected[dimension][source] += num_bytes
        expected[dimension][endpoints + target] += num_bytes
    for dimension, load in expected.items():
        np.testing.assert_allclose(
            traffic.bundle_bytes[dimension][: 2 * endpoints], load, rtol=1e-12, atol=1e-3
        )
    by_dimension = {
        name: sum(value for key, value in flows.items() if key[0] == name) for name in expected
    }
    for name, total in by_dimension.items():
        sent = sum(each.network_bytes for each in traffic.dimensions if each.dimension == name)
        assert sent == pytest.approx(total, rel=1e-12)


def test_leaf_uplinks_carry_the_flows_that_leave_their_leaf():
    found = study(accelerators=128)
    priced, step, fabric_model = parts_of(
        study(network(unit_nodes=4, units=4), accelerators=128), "tp=4,cp=1,pp=2,vpp=1,mbs=1"
    )
    traffic = step_traffic(priced, step, fabric_model)
    fabric = fabric_model.fabric
    host = fabric.trunk_class == 0
    leaf = dict(
        zip(fabric.trunk_lower[host].tolist(), fabric.trunk_upper[host].tolist(), strict=True)
    )
    leaving = sum(
        num_bytes
        for (_, source, target), num_bytes in counted_out(
            priced, step, found.study.search.order
        ).items()
        if leaf[source] != leaf[target]
    )
    stage = next(each for each in traffic.stages if each.stage == "leaf uplinks")
    assert leaving > 0
    assert stage.total_bytes == pytest.approx(leaving, rel=1e-12)


@pytest.mark.parametrize(
    ("model", "plan"),
    [
        (DENSE, "tp=4,cp=2,pp=4,vpp=1,recompute=full"),
        (DENSE, "tp=2,cp=1,pp=1,sharding=parameters"),
        (DENSE, "tp=2,cp=1,pp=4,vpp=2,sharding=none"),
        (MIXTRAL, "tp=2,cp=1,pp=4,vpp=1,ep=4"),
    ],
)
def test_stages_send_what_the_step_counts_for_the_slowest_of_them(model, plan):
    priced, step, _ = parts_of(study(model=model), plan)
    by_stage = stage_operations(
        priced.plan, float(step.sequence), step.shape, step.machine, step.software
    )
    sizes = dict(zip(inputs.PLAN_COLUMNS, map(int, priced.plan), strict=True))
    counted = dict(zip(STEP_COLUMNS, priced.step, strict=True))
    replicas = sizes["data"] * sizes["context"]
    others = max(1, replicas // sizes["expert"])

    def left(count):
        return (count - 1) / count

    expected = {
        "tensor": left(sizes["tensor"]) * by_stage[:, inputs.TENSOR_GATHER],
        "context": left(sizes["context"]) * by_stage[:, inputs.CONTEXT_GATHER],
        "expert": left(sizes["expert"]) * by_stage[:, inputs.EXPERT_EXCHANGE],
        "pipeline": 2 * by_stage[:, inputs.PIPELINE_SEND],
        "data": left(replicas) * by_stage[:, inputs.DATA_SCATTER]
        + left(others) * by_stage[:, inputs.EXPERT_DATA_SCATTER],
    }
    for name, sent in expected.items():
        value = counted[f"{name}_sent_bytes"]
        assert np.isclose(sent, value, rtol=1e-12).any(), name


def test_bytes_that_get_lost_are_a_bug(monkeypatch):
    parts = parts_of(study(), "tp=8,cp=1,pp=2")
    with monkeypatch.context() as patch:
        patch.setattr(step_flows, "crossing", lambda *_: np.array([1.0]))
        with pytest.raises(ConservationError, match="its flows carry"):
            step_traffic(*parts)
    routing = parts[2].fabric.routing

    class Lossy:
        bundles = routing.bundles

        def paths(self, source, target):
            found = routing.paths(source, target)
            found.share[0] = 0.5
            return found

    import dataclasses

    parts[2].fabric = dataclasses.replace(parts[2].fabric, routing=Lossy())
    with pytest.raises(ConservationError, match="enter the fabric"):
        step_traffic(*parts)


def test_utilisation_is_load_over_what_the_links_could_carry():
    traffic = traffic_of(study(), "tp=8,cp=1,pp=2,mbs=1")
    up = traffic.stages[0]
    assert up.num_links == 64
    assert up.mean_utilisation == pytest.approx(
        up.total_bytes / (64 * 50e9 * traffic.step_s), rel=1e-12
    )
    busiest = traffic.hottest(1)[0]
    assert up.peak_busy_s == pytest.approx(traffic.link_bytes[busiest] / 50e9, rel=1e-12)
    assert up.peak_utilisation * traffic.step_s == pytest.approx(up.peak_busy_s, rel=1e-12)


def test_blocks_hold_every_byte_that_leaves_a_node():
    traffic = traffic_of(study(network(unit_nodes=4, units=4), accelerators=128), "tp=4,pp=4")
    assert traffic.blocks.names == ("leaf0001", "leaf0009", "leaf0017", "leaf0025")
    sent = sum(each.network_bytes for each in traffic.dimensions)
    assert traffic.blocks.sent_bytes.sum() == pytest.approx(sent, rel=1e-12)
    across = traffic.blocks.sent_bytes.sum() - np.trace(traffic.blocks.sent_bytes)
    leaf = next(each for each in traffic.stages if each.stage == "leaf uplinks")
    assert across == pytest.approx(leaf.total_bytes, rel=1e-12)


def test_hashed_links_are_answered_over_draws():
    spread = study(network(unit_nodes=4, units=4), accelerators=128)
    hashed = study(
        network(unit_nodes=4, units=4, protocol="roce-v2", switch="tomahawk-5"), accelerators=128
    )
    even = traffic_of(spread, "tp=8,pp=2,vpp=1,mbs=1,cp=1,recompute=none")
    drawn = traffic_of(hashed, "tp=8,pp=2,vpp=1,mbs=1,cp=1,recompute=none")
    assert (even.num_draws, drawn.num_draws) == (1, 8)
    for name, load in drawn.bundle_bytes.items():
        np.testing.assert_allclose(load, even.bundle_bytes[name], rtol=1e-12)
    assert (drawn.link_bytes_low <= drawn.link_bytes).all()
    assert (drawn.link_bytes <= drawn.link_bytes_high).all()
    # no link of a bundle is fuller than the mean only where there is one link
    several = (drawn.fabric.routing.bundles.num_members > 1) & (even.link_bytes > 0)
    assert several.any()
    assert (drawn.link_bytes_low[several] > even.link_bytes[several] * (1 - 1e-12)).all()
    assert drawn.stages[2].peak_utilisation > 1.3 * drawn.stages[2].mean_utilisation


def test_gradients_and_sends_share_a_nic_by_max_min():
    """A NIC with gradients D and two sends of S: alone D and 2 S, together D + 2 S and 3 S.

    The first and the last stage send one way only.
    """
    priced, model, fabric_model = parts_of(study(), "tp=8,cp=1,pp=4,vpp=1,mbs=1")
    met = step_traffic(priced, model, fabric_model).overlap
    protocol = fabric_model.protocol
    rate = 50e9 * float(protocol.framing_efficiency) * float(protocol.transport_efficiency)
    operations = stage_operations(
        priced.plan, float(model.sequence), model.shape, model.machine, model.software
    )
    send_s = operations[MIDDLE, inputs.PIPELINE_SEND] / rate
    send_s /= priced.plan[inputs.NUM_MICRO_BATCHES]
    # two data ranks: each sends half; one bucket as on a stage in the middle
    gradients_s = operations[:, inputs.DATA_SCATTER] * operations[MIDDLE, -1] / 2 / rate
    assert send_s < gradients_s[MIDDLE]
    assert met.pipeline.alone_s == pytest.approx(2 * send_s, rel=1e-9)
    assert met.pipeline.together_s == pytest.approx(3 * send_s, rel=1e-9)
    assert met.data.alone_s == pytest.approx(gradients_s.max(), rel=1e-9)
    ends_s = (gradients_s[MIDDLE] + 2 * send_s, gradients_s[FIRST] + send_s,
              gradients_s[LAST] + send_s)  # fmt: skip
    assert met.data.together_s == pytest.approx(max(ends_s), rel=1e-9)
    assert met.num_shared_links == 128


def test_what_does_not_overlap_is_not_solved_together():
    assert traffic_of(study(), "tp=8,cp=1,pp=1").overlap is None
    assert traffic_of(study(), "tp=8,cp=1,pp=2,sharding=none").overlap is None


def test_a_taper_of_seven_heats_the_links_between_pods():
    def peak(oversubscription):
        found = study(
            network(
                kind="pods", pod_hosts=64, rack_hosts=16, oversubscription=oversubscription,
                radix=[64, 64, 64], switch="tomahawk-4", protocol="roce-v2-adaptive",
            ),
            accelerators=256, batch=128,
        )  # fmt: skip
        traffic = traffic_of(found, "tp=8,cp=1,pp=4,vpp=1,mbs=1,recompute=none")
        stages = {each.stage: each for each in traffic.stages}
        assert stages["spine uplinks"].total_bytes > 0
        return stages["host uplinks"], stages["spine uplinks"], traffic.step_s

    flat, tapered = peak(1), peak(7)
    # the same bytes on a seventh of the links, but for links in whole numbers
    assert tapered[1].total_bytes == pytest.approx(flat[1].total_bytes, rel=1e-12)
    assert tapered[1].num_links * 7 == pytest.approx(flat[1].num_links, rel=0.1)
    assert tapered[1].peak_busy_s / flat[1].peak_busy_s == pytest.approx(7, rel=0.1)
    assert tapered[0].total_bytes == pytest.approx(flat[0].total_bytes, rel=1e-12)


def test_rail_only_makes_an_exchange_of_experts_slower_than_rails_with_spines():
    """Wang et al., arXiv 2307.12169: 8.2 to 11.2 % slower, with forwarding before the network.

    Rails with spines let every NIC reach every NIC. Without spines ranks first hand over inside the
    node what belongs on another rail; where that is done before anything leaves, and not beside it,
    its time adds up.
    """
    found = study(
        network("rails", switch="tomahawk-5", protocol="roce-v2-adaptive"),
        network("only", switch="tomahawk-5", protocol="roce-v2-adaptive", kind="rail-only"),
        model=MIXTRAL, accelerators=1024, batch=1024,
    )  # fmt: skip
    run = evaluate.start(found)
    price = {}
    for resolved, ways in zip(
        found.networks,
        ({"spines": ("pairwise", False)}, {"beside": ("pairwise", True),
                                           "before": ("hierarchical", True)}),
        strict=True,
    ):  # fmt: skip
        built = evaluate.prepare(run, resolved, 0).network
        for name, (algorithm, forwarding) in ways.items():
            model = NetworkModel(
                built.fabric, built.protocol, built.scale_up, 8, 8, 1024,
                get("collective-library", "generic-2026"), algorithms=(algorithm,),
                placement=Placement(8, 8, forwarding=forwarding),
            )  # fmt: skip
            (offer,) = model.candidates(Communicator("all-to-all", 1024, 1))
            price[name] = offer.s_per_byte
    assert price["beside"] == pytest.approx(price["spines"], rel=1e-12)
    assert 1.082 <= price["before"] / price["spines"] <= 1.125


def test_bundles_are_named_by_their_ends():
    tree = build("fat-tree", {"hosts": 16, "radix": 4, "tiers": 3})
    names = bundle_names(tree, 8)
    bundles = tree.routing.bundles
    assert (names.tail[9], names.head[9]) == ("node0002:nic2", "leaf0005")
    first = int(np.flatnonzero(bundles.stage == 2)[0])
    assert (names.tail[first], names.head[first]) == ("leaf0001", "spine0001-0002")
    pod = int(np.flatnonzero(bundles.stage == 4)[0])
    assert (names.tail[pod + 1], names.head[pod + 1]) == ("spine0003-0004", "core0001-0004")
    down = int(np.flatnonzero(bundles.stage == 5)[0])
    assert (names.tail[down], names.head[down]) == ("core0001-0004", "spine0001-0002")


@pytest.mark.parametrize("kind", ["fat-tree", "leaf-spine", "rail-only", "rail-optimized",
                                  "dragonfly", "torus", "hyperx", "slim-fly", "dragonfly-plus",
                                  "jellyfish"])  # fmt: skip
def test_every_bundle_has_two_ends_and_both_ways_have_the_same(kind):
    from netloom.topology import sized

    fabric = build(
        kind,
        sized(kind, hosts=64, nics_per_node=8, num_ports=32, link_bytes_per_s=50e9,
              ports_per_cage=1, given={}),
    )  # fmt: skip
    names = bundle_names(fabric, 8)
    used = np.flatnonzero(fabric.routing.bundles.num_members)
    pairs = {(names.tail[each], names.head[each]) for each in used}
    assert all(tail and head for tail, head in pairs)
    assert {(head, tail) for tail, head in pairs} == pairs
    switches = {name for pair in pairs for name in pair if not name.startswith("node")}
    assert switches


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        ("tp=3", "tensor 3 does not divide 32 heads"),
        ("tp=8,cp=1,pp=3", "is 24 and does not divide 64 accelerators"),
        ("tp=8,cp=1,pp=2,dp=3", "64 accelerators over 16 leave data 4, not 3"),
        ("tp=8,cp=1,pp=2,mbs=3", "4 replicas of 3 sequences do not divide a batch of 64"),
        ("ep=2", "expert 2: llama-3.1-8b has no experts"),
        ("tp=8,cp=1,pp=1,vpp=2", "interleave 2 needs a pipeline"),
        (
            "tp=900000000,cp=900000000,pp=900000000",
            f"is {900_000_000**3} and does not divide",  # beyond 64 bits
        ),
        ("tp=8,cp=3,pp=1", "context 3 does not cut 4096 tokens into 6 pieces"),
    ],
)
def test_a_plan_that_breaks_a_rule_is_refused_with_the_rule(plan, reason):
    with pytest.raises(ParameterError) as refusal:
        given_plans(space_of(study()), plan)
    assert reason in refusal.value.problem.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("xp=2", "'xp' is no size of a plan"),
        ("tp=0", "'tp=0' sets no size"),
        ("tp=4294967296,pp=4294967296", "'tp=4294967296' sets no size"),
        ("tp", "'tp' sets no size"),
        ("tp=8,tensor=4", "tensor is set twice"),
        ("sharding=some", "'some' is no choice for sharding"),
    ],
)
def test_a_plan_that_cannot_be_read_is_refused(text, message):
    with pytest.raises(ParameterError) as refusal:
        parsed(text)
    assert refusal.value.problem.message == message


def test_an_open_plan_is_searched_within_the_study():
    space, plans = given_plans(space_of(study()), "tp=8,dp=4")
    assert set(plans[:, inputs.TENSOR]) == {8}
    assert set(plans[:, inputs.DATA]) == {4}
    every = plan_matrix(space_of(study()))
    mine = every[(every[:, inputs.TENSOR] == 8) & (every[:, inputs.DATA] == 4)]
    assert plans.tolist() == mine.tolist()
    assert space.bounds.tensor == (8,)


STUDY = """\
version: 1
name: small [study]
model: mixtral-8x7b
goal: {tokens: 1T, batch_sequences: 64, sequence: 4096}
cluster: {accelerators: 64, node: dgx-h100, nic: connectx-7}
networks:
  - {name: rails, fabric: {kind: rail-optimized}, switch: qm9700, protocol: infiniband-ndr}
  - {name: only, fabric: {kind: rail-only}, switch: tomahawk-5, protocol: roce-v2}
"""


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    file = tmp_path / "study.yaml"
    file.write_text(STUDY)
    return str(file)


def keys_of(document):
    if isinstance(document, dict):
        for key, value in document.items():
            yield key
            yield from keys_of(value)
    elif isinstance(document, list):
        for value in document[:1]:
            yield from keys_of(value)


def test_the_command_prints_json_whose_keys_are_documented(path, capsys):
    plan = ["--plan", "tp=2,cp=1,pp=2,ep=8", "--network", "rails"]
    assert main(["traffic", path, *plan, "--top", "3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["plan"]["expert"] == 8
    assert len(found["hottest"]) == 3
    assert found["hottest"][0]["from"].startswith("node000")
    assert {each["dimension"] for each in found["dimensions"]} >= {"expert", "pipeline", "data"}
    shares = found["hottest"][0]["share_by_dimension"]
    assert sum(shares.values()) == pytest.approx(1, rel=1e-12)
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    section = text.split("## netloom traffic")[1].split("\n## ")[0]
    named = set(keys_of(found)) - set(found["plan"]) - set(shares)
    assert [key for key in sorted(named) if f"`{key}`" not in section] == []


def test_tables_fit_a_hundred_columns(path, capsys):
    assert main(["traffic", path, "--network", "only", "--plan", "tp=2,cp=1,pp=2,ep=8"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    text = "\n".join(lines)
    assert "small [study] on only" in text
    assert "The 10 hottest links" in text
    assert "expert" in text
    assert "over 8 draws" in text


def test_the_winner_is_shown_when_no_network_is_named(path, capsys):
    assert main(["plan", path, "--json"]) == 0
    winner = json.loads(capsys.readouterr().out)["winner"]
    assert main(["traffic", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["network"] == winner


def test_files_hold_every_bundle_and_the_pictures(path, tmp_path, capsys):
    out = tmp_path / "answer"
    assert main(["traffic", path, "--network", "rails", "--out", str(out)]) == 0
    capsys.readouterr()
    assert {each.name for each in out.iterdir()} == {
        "traffic.json", "traffic.csv", "traffic.svg", "traffic.html"
    }  # fmt: skip
    rows = list(csv.DictReader((out / "traffic.csv").read_text(encoding="utf-8").splitlines()))
    found = json.loads((out / "traffic.json").read_text())
    for stage in found["stages"]:
        mine = [row for row in rows if row["stage"] == stage["stage"]]
        assert sum(int(row["num_links"]) for row in mine) == stage["num_links"]
        for name, total in stage["bytes_by_dimension"].items():
            assert sum(float(row[f"{name}_bytes"]) for row in mine) == pytest.approx(total)
    page = (out / "traffic.html").read_text()
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert found["hottest"][0]["from"] in page


def test_wrong_input_is_refused(path, capsys):
    assert main(["traffic", path, "--network", "rail"]) == 2
    assert "did you mean rails" in capsys.readouterr().err
    assert main(["traffic", path, "--plan", "tp=5", "--network", "rails"]) == 2
    assert "tensor 5 does not divide 32 heads" in capsys.readouterr().err


def test_static_routes_of_a_file_load_single_links(path, tmp_path, capsys):
    """On rails without spines every flow has one path, so that its table changes no load."""
    plan = ["--network", "only", "--plan", "tp=2,cp=1,pp=2,ep=8", "--json"]
    exported = ["--study", path, "--network", "only", "--out", str(tmp_path)]
    assert main(["export", "forwarding", *exported]) == 0
    table = str(tmp_path / "forwarding.csv")
    found = []
    for routes in ([], ["--routes", table]):
        capsys.readouterr()
        assert main(["traffic", path, *plan, *routes]) == 0
        found.append(json.loads(capsys.readouterr().out))
    spread, static = found
    assert (spread["routes"], static["routes"]) == (None, table)
    assert static["step_s"] == pytest.approx(spread["step_s"], rel=1e-12)
    hottest = [
        [(row["from"], row["to"], row["link_bytes"]) for row in answer["hottest"]]
        for answer in found
    ]
    assert hottest[0] == hottest[1]
    assert static["stages"][0]["stage"] == "host-leaf links up"
    assert main(["traffic", path, "--network", "rails", "--routes", str(tmp_path / "no.csv")]) == 2
    assert "cannot read" in capsys.readouterr().err
