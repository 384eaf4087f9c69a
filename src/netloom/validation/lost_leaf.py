"""A training job that loses one leaf switch, on one plane and on two, priced on what is left."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netloom import evaluate
from netloom.failure.degraded import nodes_below, switch_cause
from netloom.resolve import resolve
from netloom.schema.study import Study
from netloom.search.best import best_plan
from netloom.search.losses import priced_losses
from netloom.search.plans import plan_matrix, plan_space


@dataclass(frozen=True)
class LostLeaf:
    """What the loss does.

    Attributes
    ----------
    slowdown : lengthening of the step; infinite where some message has no path.
    nodes_fraction : share of the job's nodes that hang on the leaf.
    """

    slowdown: float
    nodes_fraction: float


def lost_leaf(case: dict[str, Any], num_planes: int) -> LostLeaf:
    """Return what the loss of one leaf does to the case's job on rails of so many planes."""
    resolved = resolve(Study.model_validate(_study(case, num_planes)), Path())
    run = evaluate.start(resolved)
    prepared = evaluate.prepare(run, resolved.networks[0], seed=0)
    space = plan_space(run)
    best = best_plan(space, plan_matrix(space), run.model, prepared.network).priced
    leaf = switch_cause(prepared.fabric.tiers[0].name)
    below = nodes_below(prepared.fabric, resolved.nics_per_node)[leaf]
    effect = priced_losses(run, prepared, best, seed=0)[leaf]
    slowdown = math.inf if effect.stops_fraction == 1 else effect.slowdown_fraction
    return LostLeaf(slowdown, below / resolved.num_nodes)


def _study(case: dict[str, Any], num_planes: int) -> dict[str, Any]:
    goal = {key: case[key] for key in ("tokens", "batch_sequences", "sequence")}
    cluster = {key: case[key] for key in ("accelerators", "node", "nic")}
    network = {
        "name": "rails",
        "fabric": {"kind": "rail-optimized", "planes": num_planes},
        "switch": case["switch"],
        "protocol": case["protocol"],
    }
    return {
        "version": 1,
        "name": case["name"],
        "model": case["model"],
        "goal": goal,
        "cluster": cluster,
        "networks": [network],
        "search": case["search"],
    }
