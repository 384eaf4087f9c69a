"""Which parallel plans a model, a cluster and a batch allow.

The rules are those of the training software: what must divide what.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from netloom.evaluate import Run
from netloom.kernels.inputs import CONTEXT_KINDS, PLAN_COLUMNS, RECOMPUTES, SHARDINGS
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


def plan_space(run: Run) -> PlanSpace:
    """Return what bounds the plans of a study."""
    study, goal = run.resolved.study, run.resolved.study.goal
    return PlanSpace(
        shape=run.shape,
        num_accelerators=study.cluster.accelerators,
        scale_up_domain=run.resolved.node.scale_up_domain,
        batch_sequences=goal.num_batch_sequences,
        sequence=goal.sequence,
        bounds=study.search,
    )


def plan_matrix(space: PlanSpace) -> NDArray[np.int64]:
    """Return every plan that the rules allow, rows of `kernels.inputs.PLAN_COLUMNS`.

    Memory is not looked at: it depends on the machine and is masked by whoever evaluates.
    """
    rows = list(_plans(space))
    plans = np.array(rows, dtype=np.int64).reshape(len(rows), len(PLAN_COLUMNS))
    return plans[~splits_experts(plans, space.bounds.order)]


def _plans(space: PlanSpace) -> Iterator[tuple[int, ...]]:
    bounds = space.bounds
    recomputes = [RECOMPUTES.index(name) for name in bounds.recompute or _FREE_RECOMPUTES]
    micro_batches = bounds.micro_batch or _powers_of_two(8)
    for tensor, context, expert in product(_tensor(space), _context(space), _expert(space)):
        for pipeline in _pipeline(space, tensor * context):
            data = space.num_accelerators // (tensor * context * pipeline)
            expert_tensors = list(_expert_tensor(space, tensor, data * context, expert))
            if not expert_tensors:
                continue
            kinds = list(_context_kind(space, tensor, context))
            shardings = bounds.sharding or (
                ("optimizer", "parameters") if pipeline == 1 else ("optimizer",)
            )
            for micro_batch in micro_batches:
                if space.batch_sequences % (data * micro_batch):
                    continue
                num_micro = space.batch_sequences // (data * micro_batch)
                for interleave in _interleave(space, pipeline, num_micro):
                    for sharding, recompute, split, kind in product(
                        shardings, recomputes, expert_tensors, kinds
                    ):
                        for shards in _shard_group(space, sharding, data * context):
                            yield (
                                tensor, context, pipeline, interleave, data, expert, micro_batch,
                                num_micro, SHARDINGS.index(sharding), recompute, split,
                                CONTEXT_KINDS.index(kind), shards,
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
    sizes = space.bounds.context or _powers_of_two(16)
    return [size for size in sizes if space.sequence % size == 0]


def _context_kind(space: PlanSpace, tensor: int, context: int) -> Iterator[str]:
    """Yield what context ranks may do; ring attention unless the user names something else.

    Each rank gets two pieces of the sequence, so that causal work is even; under Ulysses one piece,
    and afterwards all tokens of its share of heads and key-value heads.
    """
    shape = space.shape
    key_value = shape.num_heads if shape.latent else shape.num_kv_heads
    kinds = space.bounds.context_kind or CONTEXT_KINDS[:1]
    if context == 1:
        yield CONTEXT_KINDS[0]
        return
    for kind in kinds:
        if kind == "ulysses":
            fits = shape.num_heads % (tensor * context) == key_value % (tensor * context) == 0
        else:
            fits = space.sequence % (2 * context) == 0
        if fits:
            yield kind


def _expert_tensor(space: PlanSpace, tensor: int, replicas: int, expert: int) -> Iterator[int]:
    """Yield over how many tensor ranks an expert is split: 0 for all of them, or 1.

    Split experts are spread over the replicas, whole ones over their tensor ranks too. Experts are
    whole where the user says so, or pins an expert size that replicas alone cannot carry.
    """
    is_dense = space.shape.experts is None or tensor == 1
    asked = space.bounds.expert_tensor
    if replicas % expert == 0 and (asked is None or tensor in asked or is_dense):
        yield 0
    needed = space.bounds.expert is not None and replicas % expert > 0
    whole = needed if asked is None else 1 in asked
    if whole and not is_dense and replicas * tensor % expert == 0:
        yield 1


def _shard_group(space: PlanSpace, sharding: str, replicas: int) -> Iterator[int]:
    """Yield over how many replicas states are spread: 0 for all, or sizes that the user names."""
    if space.bounds.shard_group is None or sharding == "none":
        yield 0
        return
    for size in space.bounds.shard_group:
        if replicas % size == 0:
            yield size if size < replicas else 0


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

    Uneven chunks are allowed where the user pins the stages, and names the chunks or leaves no even
    split. More than one chunk needs microbatches in whole rounds of the pipeline (Megatron-LM).
    Dense layers before those with experts stay on the first stage.
    """
    from netloom.kernels.stages import split_layers, splits_evenly

    shape = space.shape
    num_leading = shape.experts.num_dense_layers if shape.experts else 0
    sizes = space.bounds.interleave or range(1, (shape.num_layers + 2) // pipeline + 1)
    layers, stages = float(shape.num_layers), float(pipeline)
    fitting = [size for size in sizes if size == 1 or not (pipeline == 1 or num_micro % pipeline)]
    even = [size for size in fitting if splits_evenly(layers, stages, float(size))]
    only_even = space.bounds.pipeline is None or (even and space.bounds.interleave is None)
    for size in even if only_even else fitting:
        split = split_layers(layers, stages, float(size))
        if split.middle > 0.0 and split.first >= num_leading:
            yield size
