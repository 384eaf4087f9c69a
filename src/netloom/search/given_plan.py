"""A plan that the user names, such as ``tp=8,pp=16``: what it leaves open, why it is refused."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from netloom.errors import ParameterError, nearest
from netloom.kernels.inputs import CONTEXT_KINDS, PLAN_COLUMNS, RECOMPUTES, SHARDINGS
from netloom.schema.study import Search
from netloom.search.plans import PlanSpace, plan_matrix
from netloom.simulate.rank_order import cannot_split, splits_experts

#: What may be written for a column of a plan.
KEYS = {
    "tp": "tensor", "cp": "context", "pp": "pipeline", "vp": "interleave", "vpp": "interleave",
    "dp": "data", "ep": "expert", "mbs": "micro_batch", "etp": "expert_tensor",
}  # fmt: skip

#: Columns that follow from the others.
_DERIVED = ("data", "num_micro_batches")
#: Digits of a size; no cluster has a thousand million accelerators.
_MOST_DIGITS = 9

_CHOICES = {"sharding": SHARDINGS, "recompute": RECOMPUTES, "context_kind": CONTEXT_KINDS}


def given_plans(space: PlanSpace, text: str) -> tuple[PlanSpace, NDArray[np.int64]]:
    """Return the plans that agree with a text such as ``"tp=8,pp=16,mbs=1"``.

    What the text leaves out is open within the study's bounds.

    Returns
    -------
    tuple
        The space that the text leaves, and its plans, rows of `PLAN_COLUMNS`.

    Raises
    ------
    ParameterError
        When no plan agrees: every rule that the named sizes break.
    """
    given = parsed(text)
    bounds = {name: (value,) for name, value in given.items() if name not in _DERIVED}
    left = replace(
        space,
        bounds=Search.model_validate(
            {**space.bounds.pinned, **bounds, "order": space.bounds.order}
        ),
    )
    plans = plan_matrix(left)
    for name in _DERIVED:
        if name in given:
            plans = plans[plans[:, PLAN_COLUMNS.index(name)] == given[name]]
    if "expert_tensor" in given and space.shape.experts is not None:
        plans = plans[_splits_over(plans, int(given["expert_tensor"]))]
    if not len(plans):
        reasons = broken_rules(left, given)
        raise ParameterError(
            f"no plan agrees with '{text}'" + "".join(f"\n    {reason}" for reason in reasons),
            hint="leave out what does not have to be so; the search finds the rest",
        )
    return left, plans


def parsed(text: str) -> dict[str, int | str]:
    """Return the columns that a text names, with their values.

    Examples
    --------
    >>> parsed("tp=8, pipeline=16, sharding=optimizer")
    {'tensor': 8, 'pipeline': 16, 'sharding': 'optimizer'}
    """
    found: dict[str, int | str] = {}
    for part in text.split(","):
        key, equals, value = (each.strip() for each in part.partition("="))
        name = KEYS.get(key.lower(), key.lower().replace("-", "_"))
        if name not in PLAN_COLUMNS:
            raise ParameterError(
                f"'{key}' is no size of a plan",
                hint=nearest(key, (*KEYS, *_CHOICES, "shard_group")),
            )
        if name in found:
            raise ParameterError(f"{key} is set twice", hint=f"keep one {key}=...")
        if name in _CHOICES:
            if value not in _CHOICES[name]:
                raise ParameterError(
                    f"'{value}' is no choice for {name}", hint=nearest(value, _CHOICES[name])
                )
            found[name] = value
            continue
        if not (equals and value.isdecimal() and len(value) <= _MOST_DIGITS and int(value) > 0):
            raise ParameterError(f"'{part.strip()}' sets no size", hint=f"write {key}=8")
        found[name] = int(value)
    return found


def pinned_sizes(bounds: Search) -> dict[str, int | str]:
    """Return what bounds leave no choice in, as `parsed` does.

    Examples
    --------
    >>> pinned_sizes(Search(tensor=(8,), pipeline=(4, 8), recompute=("none",)))
    {'tensor': 8, 'recompute': 'none'}
    """
    return {
        name: values[0]
        for name, values in bounds.pinned.items()
        if name in PLAN_COLUMNS and len(values) == 1
    }


def broken_rules(space: PlanSpace, given: dict[str, int | str]) -> list[str]:
    """Return the rules of `netloom.search.plans` that named sizes break, each once."""
    return list(dict.fromkeys(_reasons(space, given)))


def _splits_over(plans: NDArray[np.int64], ranks: int) -> NDArray[np.bool_]:
    """Return where an expert is split over so many tensor ranks."""
    tensor = plans[:, PLAN_COLUMNS.index("tensor")]
    whole = plans[:, PLAN_COLUMNS.index("expert_tensor")] == 1
    return np.asarray(np.where(whole, 1, tensor) == ranks)


def _reasons(space: PlanSpace, given: dict[str, int | str]) -> Iterator[str]:
    sizes = {name: value for name, value in given.items() if isinstance(value, int)}
    yield from _size_reasons(space, sizes)
    yield from _layer_reasons(space, sizes)
    inner = ("tensor", "context", "pipeline")
    is_whole = sizes.keys() >= set(inner)
    names = [name for name in inner if name in sizes]
    if "data" in sizes and not is_whole:
        names.append("data")
    product, total = math.prod(sizes[name] for name in names), space.num_accelerators
    if total % product:
        written = " x ".join(f"{name} {sizes[name]}" for name in names)
        number = "" if len(names) == 1 else f" is {product} and"
        yield f"{written}{number} does not divide {total} accelerators"
        return
    if not is_whole:
        yield from _open_batch_reasons(space, sizes)
        return
    data = total // product
    if sizes.get("data", data) != data:
        yield f"{total} accelerators over {product} leave data {data}, not {sizes['data']}"
    yield from _batch_reasons(space, sizes, data)


def _open_batch_reasons(space: PlanSpace, sizes: dict[str, int]) -> Iterator[str]:
    """Yield what no number of replicas can mend."""
    data, micro_batch = sizes.get("data", 1), sizes.get("micro_batch", 1)
    if space.batch_sequences % (data * micro_batch):
        replicas = (
            f"{data} replicas of {micro_batch}" if data > 1 else f"microbatches of {micro_batch}"
        )
        yield f"{replicas} sequences do not divide a batch of {space.batch_sequences}"
    shard_group = sizes.get("shard_group", 1)
    if space.num_accelerators % shard_group:
        yield f"shard_group {shard_group} does not divide {space.num_accelerators} accelerators"


def _layer_reasons(space: PlanSpace, sizes: dict[str, int]) -> Iterator[str]:
    """Yield why layers do not split into the stages and chunks that are named."""
    from netloom.kernels.stages import split_layers, splits_evenly

    layers, pipeline = space.shape.num_layers, sizes.get("pipeline")
    interleave = sizes.get("interleave", 1)
    if pipeline is None:
        if not any(
            splits_evenly(float(layers), float(stages), float(interleave))
            for stages in range(1, layers + 3)
            if space.num_accelerators % stages == 0
        ):
            yield f"{layers} layers do not split into {interleave} chunks on any number of stages"
        return
    split = split_layers(float(layers), float(pipeline), float(interleave))
    leading = space.shape.experts.num_dense_layers if space.shape.experts else 0
    if interleave > 1 and pipeline == 1:
        yield f"interleave {interleave} needs a pipeline"
    elif split.middle == 0.0:
        chunks = f" of {interleave} chunks" if "interleave" in sizes else ""
        yield f"{layers} layers do not split into {pipeline} stages{chunks}"
    elif split.first < leading:
        yield f"{leading} dense layers do not fit on a first stage of {int(split.first)} layers"


def _size_reasons(space: PlanSpace, sizes: dict[str, int]) -> Iterator[str]:
    shape, experts = space.shape, space.shape.experts
    tensor, context = sizes.get("tensor", 1), sizes.get("context", 1)
    key_value = shape.num_heads if shape.latent else shape.num_kv_heads
    divided = (
        (shape.num_heads, "heads"),
        (key_value, "key-value heads"),
        (experts.ffn if experts else shape.ffn, "inner elements of the feed-forward"),
    )
    for count, noun in divided:
        if count % tensor:
            yield f"tensor {tensor} does not divide {count} {noun}"
    by_heads = space.bounds.context_kind == ("ulysses",)
    pieces = context if by_heads else 2 * context
    if context > 1 and space.sequence % pieces:
        yield f"context {context} does not cut {space.sequence} tokens into {pieces} pieces"
    elif by_heads and context > 1 and key_value % (tensor * context):
        yield (
            f"under ulysses {tensor} tensor times {context} context ranks do not divide "
            f"{key_value} key-value heads"
        )
    expert, expert_tensor = sizes.get("expert", 1), sizes.get("expert_tensor", 1)
    if experts is not None and expert_tensor not in (1, sizes.get("tensor", expert_tensor)):
        yield f"expert_tensor {expert_tensor} is neither 1 nor tensor {tensor}"
    if experts is None and expert > 1:
        yield f"expert {expert}: {shape.name} has no experts"
    elif experts is not None and experts.num_routed % expert:
        yield f"expert {expert} does not divide {experts.num_routed} experts"


def _batch_reasons(space: PlanSpace, sizes: dict[str, int], data: int) -> Iterator[str]:
    context, pipeline = sizes["context"], sizes["pipeline"]
    expert, micro_batch = sizes.get("expert", 1), sizes.get("micro_batch", 1)
    folded = data * context % expert > 0 or sizes.get("expert_tensor") == 1
    ranks = data * context * (sizes["tensor"] if folded else 1)
    shard_group = sizes.get("shard_group", 1)
    if ranks % expert:
        noun = "tensor, data and context" if folded else "data and context"
        yield f"expert {expert} does not divide {ranks} {noun} ranks"
    elif data * context % shard_group:
        yield f"shard_group {shard_group} does not divide {data * context} data and context ranks"
    else:
        plan = np.ones(len(PLAN_COLUMNS), dtype=np.int64)
        for name, size in (
            sizes | {"data": data, "expert_tensor": int(folded), "shard_group": shard_group}
        ).items():
            plan[PLAN_COLUMNS.index(name)] = size
        if splits_experts(plan[None], space.bounds.order)[0]:
            yield cannot_split(plan, space.bounds.order).problem.message
    if space.batch_sequences % (data * micro_batch):
        yield (
            f"{data} replicas of {micro_batch} sequences do not divide a batch of "
            f"{space.batch_sequences}"
        )
        return
    num_micro = space.batch_sequences // (data * micro_batch)
    if "num_micro_batches" in sizes and sizes["num_micro_batches"] != num_micro:
        yield f"there are {num_micro} microbatches, not {sizes['num_micro_batches']}"
    interleave = sizes.get("interleave", 1)
    if interleave > 1 and pipeline > 1 and num_micro % pipeline:
        yield f"{num_micro} microbatches are no whole rounds of {pipeline} stages"
