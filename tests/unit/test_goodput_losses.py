"""Losses priced once for parts that are alike, against every part taken out one by one."""

import math
from pathlib import Path

import numpy as np
import pytest
import yaml

from netloom import evaluate, topology
from netloom.cli.study import read
from netloom.errors import InfeasibleError
from netloom.failure.classes import LAST_PATH
from netloom.failure.degraded import LossEffect, link_cause, loss_effects, switch_cause
from netloom.failure.evidence import certain
from netloom.failure.inventory import Exposure, Inventory
from netloom.failure.job import NetworkFailures, Saving, failure_classes, policy_of
from netloom.schema.study import Reliability
from netloom.search.best import best_plan
from netloom.search.losses import priced_losses
from netloom.search.plans import plan_matrix, plan_space
from netloom.simulate.degrade import Loss, degrade
from netloom.simulate.step import message_bytes_of, price_plans
from netloom.topology.routing.shortest import ShortestRouting

EXAMPLE = Path(__file__).parents[2] / "examples" / "llama3-70b-512.yaml"
ADAPTIVE, HASHED = "roce-v2-adaptive", "roce-v2"


def prepared_study(folder, fabric, protocol, accelerators, search):
    """Return the example's run on another fabric, with the fabric prepared and the best plan."""
    document = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    document["cluster"]["accelerators"] = accelerators
    document["networks"] = [
        {"name": "net", "fabric": fabric, "switch": "tomahawk-5", "protocol": protocol}
    ]
    document["search"] = search
    study = folder / "study.yaml"
    study.write_text(yaml.safe_dump(document), encoding="utf-8")
    resolved = read(study)
    run = evaluate.start(resolved)
    space = plan_space(run)
    prepared = evaluate.prepare(run, resolved.networks[0], 0)
    best = best_plan(space, plan_matrix(space), run.model, prepared.network).priced
    return run, prepared, best


def step_s(run, prepared, best, fabric):
    row = best.plan[None]
    network = evaluate.network_on(run, prepared, fabric, 0)
    order = run.resolved.study.search.order
    priced = price_plans(row, network, message_bytes_of(row, run.model), order)
    return float(run.model.evaluate(row, priced.prices)[0, 0])


def shortest(fabric):
    import dataclasses

    routing = ShortestRouting.build(
        fabric.num_endpoints, fabric.num_switches, fabric.link_classes,
        fabric.trunk_class, fabric.trunk_lower, fabric.trunk_upper, fabric.trunk_links,
    )  # fmt: skip
    return dataclasses.replace(fabric, routing=routing)


def every_loss(fabric):
    """Yield the cause and the loss of every switch and of every cable, cables of a trunk alike."""
    for number, tier in enumerate(fabric.tiers):
        if tier.switching == "packet":
            for switch in np.flatnonzero(fabric.switch_tier == number).tolist():
                yield switch_cause(tier.name), 1, Loss(switches=[switch])
    for number, kind in enumerate(fabric.link_classes):
        if kind.cabled:
            for trunk in np.flatnonzero(fabric.trunk_class == number).tolist():
                links = int(fabric.trunk_links[trunk])
                loss = Loss(trunk_links={trunk: min(kind.links_per_cable, links)})
                yield link_cause(kind.name), -(-links // kind.links_per_cable), loss


def brute_force(run, prepared, best):
    """Return the effect of every class of part, each part taken out by itself."""
    fabric, known, found = prepared.fabric, {}, {}
    for cause, count, loss in every_loss(fabric):
        left = degrade(fabric, loss)
        kind = type(left.routing)
        if kind not in known:
            whole = fabric if isinstance(fabric.routing, kind) else shortest(fabric)
            known[kind] = step_s(run, prepared, best, whole)
        try:
            slower = max(0.0, step_s(run, prepared, best, left) / known[kind] - 1)
        except InfeasibleError:
            slower = math.inf
        found.setdefault(cause, []).append((count, slower))
    effects = {}
    for cause, rows in found.items():
        count, slower = np.array(rows).T
        stops = np.isinf(slower)
        going = count[~stops].sum()
        mean = float(count[~stops] @ slower[~stops] / going) if going else 0.0
        effects[cause] = LossEffect(float(count[stops].sum() / count.sum()), mean)
    return effects


TENSOR = {"tensor": [8]}


@pytest.mark.parametrize(
    ("fabric", "protocol", "search"),
    [
        ({"kind": "rail-optimized", "radix": 16}, ADAPTIVE, TENSOR),
        ({"kind": "fat-tree", "radix": 16, "tiers": 3}, ADAPTIVE, TENSOR),
        ({"kind": "fat-tree", "radix": 16, "tiers": 3}, ADAPTIVE, {"tensor": [1]}),
        ({"kind": "leaf-spine", "radix": 32, "planes": 2}, ADAPTIVE, TENSOR),
        ({"kind": "torus", "dims": [4, 4, 4], "p": 1}, ADAPTIVE, {"tensor": [1]}),
        ({"kind": "torus", "dims": [4, 4, 4], "p": 1}, ADAPTIVE, {**TENSOR, "pipeline": [2]}),
        ({"kind": "hammingmesh", "board": [2, 2], "grid": [4, 4]}, ADAPTIVE, TENSOR),
    ],
    ids=lambda value: value.get("kind") if isinstance(value, dict) else None,
)
def test_one_part_of_a_kind_stands_for_all_of_them(tmp_path, fabric, protocol, search):
    study = prepared_study(tmp_path, fabric, protocol, 64, search)
    found, expected = priced_losses(*study, 0), brute_force(*study)
    assert set(found) == set(expected)
    for cause, effect in expected.items():
        assert found[cause].stops_fraction == pytest.approx(effect.stops_fraction)
        slowdown = pytest.approx(effect.slowdown_fraction, rel=1e-6, abs=1e-9)
        assert found[cause].slowdown_fraction == slowdown, cause


def test_of_a_tree_with_a_part_filled_edge_an_even_sample_is_priced(tmp_path):
    fabric = {"kind": "fat-tree", "radix": 16, "tiers": 3}
    study = prepared_study(tmp_path, fabric, ADAPTIVE, 96, {"tensor": [8]})
    found, expected = priced_losses(*study, 0), brute_force(*study)
    most = max(each.slowdown_fraction for each in expected.values())
    assert most > 0
    for cause, effect in expected.items():
        assert found[cause].stops_fraction == pytest.approx(effect.stops_fraction)
        slowdown = pytest.approx(effect.slowdown_fraction, abs=0.05 * most)
        assert found[cause].slowdown_fraction == slowdown, cause


def test_a_hashed_loss_is_that_of_some_part_of_its_class(tmp_path):
    study = prepared_study(
        tmp_path, {"kind": "rail-optimized", "radix": 16}, HASHED, 64, {"tensor": [1]}
    )
    found, expected = priced_losses(*study, 0), brute_force(*study)
    for cause, effect in expected.items():
        assert found[cause].stops_fraction == effect.stops_fraction
        # draws of the hash differ from part to part
        assert found[cause].slowdown_fraction == pytest.approx(effect.slowdown_fraction, abs=2e-3)


def test_optical_circuits_have_no_parts_that_can_be_taken_out():
    fabric = topology.build("ocs-torus", {"cubes": 2})
    assert loss_effects(fabric, lambda built: 1.0, lambda built: np.zeros((0, 0))) == {}


def classes_with(effect):
    """Return the classes of failure of a job whose hundred links have this effect."""
    study = Reliability()
    saving = Saving(1e12, 1e12, 0.1, 4)
    network = NetworkFailures(
        (Exposure("link a-b (x)", 100, 1e-9, 2, avoidable=False),),
        {"link a-b (x)": certain(1e-9)}, {"link a-b (x)": effect}, {}, 100,
    )  # fmt: skip
    from netloom import catalog

    rates = catalog.get("failure-rates", "llama3-h100")
    policy = policy_of(study, rates, saving, 8, 100)
    inventory = Inventory(64, 8, 64, network.exposures)
    found = failure_classes(study, rates, inventory, network, saving, policy)
    return [each for each in found if each.cause.startswith("link ")]


def test_parts_that_stop_and_parts_that_slow_are_classes_of_their_own():
    stops, slows = classes_with(LossEffect(0.25, 0.5))
    assert (stops.cause, stops.num_parts, stops.effect) == (
        f"link a-b (x){LAST_PATH}", 25, "interrupts"
    )  # fmt: skip
    assert (slows.cause, slows.num_parts, slows.effect) == ("link a-b (x)", 75, "slows")
    assert slows.slowdown_fraction == 0.5
    assert stops.kind == slows.kind == "link a-b (x)"
    (alone,) = classes_with(LossEffect(1.0, 0.0))
    assert (alone.cause, alone.num_parts, alone.effect) == ("link a-b (x)", 100, "interrupts")
    (slow,) = classes_with(LossEffect(0.0, 0.1))
    assert (slow.cause, slow.num_parts, slow.effect) == ("link a-b (x)", 100, "slows")
