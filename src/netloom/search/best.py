"""The best parallel plan on one network: all plans at once, those that do not fit masked."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from netloom import catalog
from netloom.errors import InfeasibleError
from netloom.kernels import inputs
from netloom.search.plans import PlanSpace, plan_matrix
from netloom.simulate.network import NetworkModel
from netloom.simulate.step import (
    PricedPlan,
    StepModel,
    memory_of,
    message_bytes_of,
    plan_of,
    price_plans,
)
from netloom.units import show

#: How far the search for a cluster that would hold the model doubles the accelerators.
_MAX_DOUBLINGS = 8


@dataclass(frozen=True)
class Best:
    """The fastest plan that fits.

    Attributes
    ----------
    priced : the plan with its step and the limits of its messages.
    num_plans : plans that were evaluated, those that do not fit included.
    """

    priced: PricedPlan
    num_plans: int


def best_plan(
    space: PlanSpace, plans: NDArray[np.int64], model: StepModel, network: NetworkModel
) -> Best:
    """Return the fastest plan that fits in memory; of equals, the first in the plans' order.

    Raises
    ------
    InfeasibleError
        When no plan fits: by how much, and what would make it fit.
    """
    if not len(plans):
        raise InfeasibleError(_no_plan(space))
    priced = price_plans(plans, network, message_bytes_of(plans, model), space.bounds.order)
    steps = model.evaluate(plans, priced.prices)
    step_s = np.where(_memory_bytes(steps) <= model.machine.hbm_bytes, steps[:, 0], np.inf)
    row = int(np.argmin(step_s))
    if not np.isfinite(step_s[row]):
        raise InfeasibleError(_too_large(space, plans, steps, model))
    return Best(
        PricedPlan(plans[row], steps[row], priced.limits[row], priced.limit_names), len(plans)
    )


def _memory_bytes(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    from netloom.kernels.step import BUFFERS, WEIGHTS

    return steps[:, WEIGHTS : BUFFERS + 1].sum(axis=1)


def _no_plan(space: PlanSpace) -> str:
    pinned = space.bounds.pinned
    bounds = (
        "; the study pins "
        + ", ".join(f"{name} {', '.join(map(str, sizes))}" for name, sizes in pinned.items())
        if pinned
        else ""
    )
    shape = space.shape
    return (
        f"no parallel plan splits {shape.name} and a batch of {space.batch_sequences} "
        f"sequences over {space.num_accelerators} accelerators{bounds}\n"
        f"    tensor must divide {shape.num_heads} heads and {shape.num_kv_heads} key-value heads, "
        f"pipeline times interleave {shape.num_layers} layers (or one or two more, for embedding "
        "and loss), data times micro_batch the batch"
        + (
            f", expert {shape.experts.num_routed} experts and data times context"
            if shape.experts
            else ""
        )
        + "; tensor, context, pipeline and data multiply to the accelerators"
        + _order_rule(space)
    )


def _order_rule(space: PlanSpace) -> str:
    order = space.bounds.order
    apart = abs(order.index("context") - order.index("data")) > 1
    if not (space.shape.experts and apart):
        return ""
    inner = next(name for name in order if name in ("context", "data"))
    return f"; in the order {', '.join(order)} expert must divide {inner} or be a multiple of it"


def _too_large(
    space: PlanSpace,
    plans: NDArray[np.int64],
    steps: NDArray[np.float64],
    model: StepModel,
) -> str:
    """Return by how much the leanest plan overflows, and what would make it fit."""
    used = _memory_bytes(steps)
    leanest = int(np.argmin(used))
    memory = memory_of(steps[leanest], model.machine)
    parts = {
        name: getattr(memory, f"{name}_bytes")
        for name in ("weights", "gradients", "optimizer", "activations", "buffers")
    }
    shares = ", ".join(f"{name} {show(size, 'memory')}" for name, size in parts.items())
    remedies = [
        text
        for text in (
            _freer_bounds(space, model),
            _more_accelerators(space, model),
            _larger_memory(float(used[leanest])),
        )
        if text
    ]
    return (
        f"{space.shape.name} fits on no plan: the leanest, {plan_of(plans[leanest])}, needs "
        f"{show(float(used[leanest]), 'memory')} of {show(memory.capacity_bytes, 'memory')} per "
        f"accelerator, {show(float(used[leanest]) - memory.capacity_bytes, 'memory')} too much "
        f"({shares})\n    what would make it fit: " + ("; ".join(remedies) or "a smaller model")
    )


def _fits(space: PlanSpace, model: StepModel) -> bool:
    plans = plan_matrix(space)
    if not len(plans):
        return False
    # memory does not depend on what messages cost
    free = np.zeros((len(plans), len(inputs.PRICE_ROWS), 2))
    used = _memory_bytes(model.evaluate(plans, free))
    return bool((used <= model.machine.hbm_bytes).any())


def _freer_bounds(space: PlanSpace, model: StepModel) -> str:
    pinned = space.bounds.pinned
    if pinned and _fits(replace(space, bounds=type(space.bounds)(order=space.bounds.order)), model):
        return f"search bounds without {', '.join(pinned)}"
    return ""


def _more_accelerators(space: PlanSpace, model: StepModel) -> str:
    for doubling in range(1, _MAX_DOUBLINGS + 1):
        count = space.num_accelerators * 2**doubling
        if _fits(replace(space, num_accelerators=count), model):
            return f"{count} accelerators"
    return ""


def _larger_memory(needed_bytes: float) -> str:
    """Return the accelerator of the catalogue with the least memory that is enough."""
    sizes = {
        name: float(catalog.get("accelerator", name).hbm_bytes)
        for name in catalog.names("accelerator")
    }
    enough = sorted((size, name) for name, size in sizes.items() if size >= needed_bytes)
    if not enough:
        return ""
    size, name = enough[0]
    return f"accelerators with {show(size, 'memory')} such as {name}"
