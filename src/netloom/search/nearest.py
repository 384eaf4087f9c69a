"""A plan that the user names is taken as it is, or refused with the nearest plans that are valid.

How far a plan is from another is the sum of ``|log2|`` of the ratios of the sizes that the user
named, and 1 for each other choice that differs: to double or to halve a size counts 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from netloom.errors import ParameterError
from netloom.kernels import inputs
from netloom.kernels.inputs import PLAN_COLUMNS
from netloom.schema.study import Search
from netloom.search.best import Best, best_plan
from netloom.search.given_plan import given_plans, parsed
from netloom.search.plans import PlanSpace, plan_matrix
from netloom.simulate.network import NetworkModel
from netloom.simulate.step import (
    StepModel,
    memory_of,
    message_bytes_of,
    plan_of,
    price_plans,
)
from netloom.units import show

#: Plans that a refusal shows.
NUM_SHOWN = 3

_CHOICES = {
    "sharding": inputs.SHARDINGS, "recompute": inputs.RECOMPUTES,
    "context_kind": inputs.CONTEXT_KINDS,
}  # fmt: skip


def named_plan(
    space: PlanSpace, text: str, model: StepModel, network: NetworkModel
) -> tuple[PlanSpace, Best]:
    """Return the best plan that agrees with a text such as ``"tp=8,pp=16"``, and what it leaves.

    Raises
    ------
    ParameterError
        When no plan agrees, or none that agrees fits in memory: each rule that is broken, and the
        nearest plans that are valid, with their steps.
    """
    given = parsed(text)
    try:
        left, plans = given_plans(space, text)
    except ParameterError as error:
        reasons = error.problem.message
        if "\n" not in reasons:
            reasons += "".join(f"\n    {reason}" for reason in _conflicts(space, given))
        raise _refusal(reasons, space, given, model, network) from None
    used = _memory_bytes(plans, model)
    if (used > model.machine.hbm_bytes).all():
        leanest = int(np.argmin(used))
        overflow = _overflow(plans[leanest], model)
        reasons = f"no plan that agrees with '{text}' fits in memory\n    {overflow}"
        raise _refusal(reasons, space, given, model, network)
    return left, best_plan(left, plans, model, network)


def nearest_plans(
    space: PlanSpace,
    given: dict[str, int | str],
    model: StepModel,
    network: NetworkModel,
    count: int = NUM_SHOWN,
) -> list[tuple[NDArray[np.int64], float]]:
    """Return the valid plans nearest to named sizes, with their steps in seconds.

    Plans that differ in sizes that were not named are one: the fastest of them is taken. Of equally
    near ones the faster comes first.

    Parameters
    ----------
    given : columns of a plan with their values, see `given_plan.parsed`.
    """
    plans = _valid(space, given, model)
    if not len(plans):
        return []
    columns = [PLAN_COLUMNS.index(name) for name in given]
    values = [_CHOICES[k].index(str(v)) if k in _CHOICES else int(v) for k, v in given.items()]
    is_choice = np.array([name in _CHOICES for name in given])
    mine = _as_written(plans)[:, columns]
    ratios = np.abs(np.log2(np.maximum(1, mine) / np.maximum(1, values)))
    distance = np.where(is_choice, mine != values, ratios).sum(axis=1)
    # all plans that are as near as the last one that will be shown
    _, first, kind = np.unique(mine, axis=0, return_index=True, return_inverse=True)
    farthest = np.sort(distance[first])[:count][-1]
    near = np.flatnonzero(distance <= farthest + 1e-9)
    priced = price_plans(
        plans[near], network, message_bytes_of(plans[near], model), space.bounds.order
    )
    step_s = model.evaluate(plans[near], priced.prices)[:, 0]
    shown: dict[int, tuple[NDArray[np.int64], float]] = {}
    for k in np.lexsort([step_s, np.round(distance[near], 9)]):
        shown.setdefault(int(kind.reshape(-1)[near[k]]), (plans[near[k]], float(step_s[k])))
    return list(shown.values())[:count]


def _valid(space: PlanSpace, given: dict[str, int | str], model: StepModel) -> NDArray[np.int64]:
    """Return all plans that fit in memory, of any size; uneven stages where the user named them."""
    choices: dict[str, tuple[int | str, ...]] = {
        name: (given[name],) for name in _CHOICES if name in given
    }
    # sizes that the search does not try on its own
    if "expert_tensor" in given and space.shape.experts is not None:
        choices["expert_tensor"] = (
            1,
            *(2**k for k in range(1, space.scale_up_domain.bit_length())),
        )
    if "shard_group" in given:
        total = space.num_accelerators
        choices["shard_group"] = tuple(size for size in range(1, total + 1) if total % size == 0)
    pinned = [choices]
    for name in ("pipeline", "micro_batch", "expert"):
        if name in given:
            pinned.append(choices | {name: (given[name],)})
    found = [
        plan_matrix(
            replace(space, bounds=Search.model_validate({**bounds, "order": space.bounds.order}))
        )
        for bounds in pinned
    ]
    plans = np.unique(np.concatenate(found), axis=0)
    if not len(plans):
        return plans
    return plans[_memory_bytes(plans, model) <= model.machine.hbm_bytes]


def _as_written(plans: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return plans with the sizes that ``--plan`` takes where a column has 0 for all ranks.

    Examples
    --------
    >>> plan = np.array([[8, 2, 4, 1, 8, 1, 1, 64, 1, 0, 0, 0, 0]])
    >>> dict(zip(PLAN_COLUMNS, _as_written(plan)[0].tolist()))["shard_group"]
    16
    """
    column = PLAN_COLUMNS.index
    written = plans.copy()
    for name, all_ranks in (
        ("expert_tensor", plans[:, column("tensor")]),
        ("shard_group", plans[:, column("data")] * plans[:, column("context")]),
    ):
        mine = written[:, column(name)]
        written[:, column(name)] = np.where(mine == 0, all_ranks, mine)
    return written


def _memory_bytes(plans: NDArray[np.int64], model: StepModel) -> NDArray[np.float64]:
    from netloom.kernels.step import BUFFERS, WEIGHTS

    # memory does not depend on what messages cost
    free = np.zeros((len(plans), len(inputs.PRICE_ROWS), 2))
    return model.evaluate(plans, free)[:, WEIGHTS : BUFFERS + 1].sum(axis=1)


def _overflow(plan: NDArray[np.int64], model: StepModel) -> str:
    free = np.zeros((1, len(inputs.PRICE_ROWS), 2))
    memory = memory_of(model.evaluate(plan[None], free)[0], model.machine)
    parts = ", ".join(
        f"{name} {show(getattr(memory, f'{name}_bytes'), 'memory')}"
        for name in ("weights", "gradients", "optimizer", "activations", "buffers")
    )
    return (
        f"{plan_of(plan)} needs {show(memory.total_bytes, 'memory')} of "
        f"{show(memory.capacity_bytes, 'memory')} on its fullest accelerator ({parts})"
    )


def _conflicts(space: PlanSpace, given: dict[str, int | str]) -> Iterator[str]:
    """Yield sizes that could be left out to have a plan, where no single rule is broken."""
    for left_out in given:
        rest = {name: value for name, value in given.items() if name != left_out}
        if rest:
            try:
                given_plans(space, ",".join(f"{name}={value}" for name, value in rest.items()))
            except ParameterError:
                continue
            yield f"{left_out} {given[left_out]} does not go with the rest"


def _refusal(
    reasons: str,
    space: PlanSpace,
    given: dict[str, int | str],
    model: StepModel,
    network: NetworkModel,
) -> ParameterError:
    near = nearest_plans(space, given, model, network)
    if not near:
        return ParameterError(reasons, hint="no plan at all is valid on this cluster")
    lines = [
        f"{_written(plan, given)}    ({plan_of(plan)}, step {show(step_s, 'time')})"
        for plan, step_s in near
    ]
    return ParameterError(reasons, hint="nearest valid plans:\n        " + "\n        ".join(lines))


#: Column of a plan -> how `--plan` writes it shortest.
_SHORT = {
    "tensor": "tp", "context": "cp", "pipeline": "pp", "interleave": "vp", "data": "dp",
    "expert": "ep", "micro_batch": "mbs", "expert_tensor": "etp",
}  # fmt: skip


def _written(plan: NDArray[np.int64], given: dict[str, int | str]) -> str:
    """Return the named sizes of a plan as ``--plan`` takes them.

    Examples
    --------
    >>> plan = np.array([8, 1, 16, 8, 128, 1, 1, 128, 1, 0, 0, 0, 0])
    >>> _written(plan, {"tensor": 6, "pipeline": 16, "sharding": "none"})
    'tp=8,pp=16,sharding=optimizer'
    """
    values = dict(zip(PLAN_COLUMNS, _as_written(plan[None])[0].tolist(), strict=True))
    for name, choices in _CHOICES.items():
        values[name] = choices[values[name]]
    return ",".join(f"{_SHORT.get(name, name)}={values[name]}" for name in given)
