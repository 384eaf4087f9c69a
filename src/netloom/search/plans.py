"""Which parallel plans a model, a cluster and a batch allow.

The rules are those of the training software: what must divide what.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from netloom.kernels.inputs import RECOMPUTES, SHARDINGS
from netloom.schema.study import Search
from netloom.simulate.rank_order import splits_experts
from netloom.workload.shape import TransformerShape


#: What the search chooses from; moving activations to the host is only taken where a user asks.
_FREE_RECOMPUTES = ("none", "selective", "full")


@dataclass(frozen=True)
class PlanSpace:
    """What bounds the plans.

    Attributes
    ----------
    scale_up_domain : accelerators that tensor parallelism may span unless the user pins more.
    bounds : sizes that the user allows; None lets the search choose.
    """

    shape: TransformerShape
    num_accelerators: int
    scale_up_domain: int
    batch_sequences: int
    sequence: int
    bounds: Search


def plan_matrix(space: PlanSpace) -> NDArray[np.int64]:
    """Return every plan that the rules allow, rows of `kernels.inputs.PLAN_COLUMNS`.

    Memory is not looked at: it depends on the machine and is masked by whoever evaluates.
    """
    rows = list(_plans(space))
    plans = np.array(rows, dtype=np.int64).reshape(len(rows), 10)
    return plans[~splits_experts(plans, space.bounds.order)]


def _plans(space: PlanSpace) -> Iterator[tuple[int, ...]]:
    bounds = space.bounds
    recomputes = [RECOMPUTES.index(name) for name in bounds.recompute or _FREE_RECOMPUTES]
    micro_batches = bounds.micro_batch or _powers_of_two(8)
    for tensor, context, expert in product(_tensor(space), _context(space), _expert(space)):
        for pipeline in _pipeline(space, tensor * context):
            data = space.num_accelerators // (tensor * context * pipeline)
            if (data * context) % expert:
                continue
            shardings = bounds.sharding or (
                ("optimizer", "parameters") if pipeline == 1 else ("optimizer",)
            )
            for micro_batch in micro_batches:
                if space.batch_sequences % (data * micro_batch):
                    continue
                num_micro = space.batch_sequences // (data * micro_batch)
                for interleave in _interleave(space, pipeline, num_micro):
                    for sharding, recompute in product(shardings, recomputes):
                        yield (
                            tensor, context, pipeline, interleave, data, expert, micro_batch,
                            num_micro, SHARDINGS.index(sharding), recompute,
                        )  # fmt: skip


def _powers_of_two(limit: int) -> tuple[int, ...]:
    return tuple(2**k for k in range(limit.bit_length()) if 2**k <= limit)


def _tensor(space: PlanSpace) -> list[int]:
    """Tensor ranks share heads, key-value heads and the feed-forward's inner size evenly."""
    shape = space.shape
    sizes = space.bounds.tensor or _powers_of_two(space.scale_up_domain)
    inner = shape.experts.ffn if shape.experts else shape.ffn
    key_value = shape.num_heads if shape.latent else shape.num_kv_heads
    return [
        size for size in sizes
        if shape.num_heads % size == 0 and key_value % size == 0 and inner % size == 0
    ]  # fmt: skip


def _context(space: PlanSpace) -> list[int]:
    """Each context rank gets two pieces of the sequence, so that causal work is even."""
    sizes = space.bounds.context or _powers_of_two(16)
    return [size for size in sizes if size == 1 or space.sequence % (2 * size) == 0]


def _expert(space: PlanSpace) -> list[int]:
    experts = space.shape.experts
    if experts is None:
        return [size for size in space.bounds.expert or (1,) if size == 1]
    sizes = space.bounds.expert or _powers_of_two(experts.num_routed)
    return [size for size in sizes if experts.num_routed % size == 0]


def _pipeline(space: PlanSpace, inner: int) -> Iterator[int]:
    if space.num_accelerators % inner:
        return
    rest = space.num_accelerators // inner
    sizes = space.bounds.pipeline or range(1, min(rest, space.shape.num_layers + 2) + 1)
    for size in sizes:
        if rest % size == 0:
            yield size


def _interleave(space: PlanSpace, pipeline: int, num_micro: int) -> Iterator[int]:
    """Chunks split the layers evenly, with or without places for embedding and loss.

    Uneven chunks are allowed where the user pins the stages. More than one chunk needs microbatches in whole rounds of the pipeline (Megatron-LM). Dense
    layers before those with experts stay on the first stage.
    """
    from netloom.kernels.stages import split_layers, splits_evenly

    shape = space.shape
    num_leading = shape.experts.num_dense_layers if shape.experts else 0
    sizes = space.bounds.interleave or range(1, (shape.num_layers + 2) // pipeline + 1)
    for size in sizes:
        if size > 1 and (pipeline == 1 or num_micro % pipeline):
            continue
        sizes_of_split = float(shape.num_layers), float(pipeline), float(size)
        if not (space.bounds.pipeline or splits_evenly(*sizes_of_split)):
            continue
        split = split_layers(*sizes_of_split)
        if split.middle > 0.0 and split.first >= num_leading:
            yield size
