"""One training step of many parallel plans on one network.

Legend for shapes: P plans. Plans are rows of `kernels.inputs.PLAN_COLUMNS`, int64, shape (P, 13).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.collective.groups import Communicator
from netloom.errors import ConservationError
from netloom.kernels import inputs
from netloom.kernels.inputs import MachineInputs, ShapeInputs, SoftwareInputs
from netloom.result import Communication, Memory, Plan, StepParts
from netloom.simulate.network import NetworkModel
from netloom.simulate.rank_order import RANK_ORDER, column_of, groups_of

#: Operation of each price row; the step kernel hands over sizes as nccl-tests counts them.
OPERATIONS = (
    "all-gather", "all-reduce", "all-gather", "all-to-all",
    "send-recv", "reduce-scatter", "reduce-scatter", "all-to-all", "all-reduce", "all-reduce",
)  # fmt: skip

#: Rows that a plan needs only with something in this column.
_NEEDED_BY = {
    inputs.CONTEXT_EXCHANGE: inputs.CONTEXT_KIND,
    inputs.REPLICA_REDUCE: inputs.SHARD_GROUP,
    inputs.EXPERT_REPLICA_REDUCE: inputs.SHARD_GROUP,
}


@dataclass(frozen=True)
class PlanPrices:
    """Communication prices of plans on one network.

    Attributes
    ----------
    prices : float64, shape (P, 10, 2), latency_s and s_per_byte by `inputs.PRICE_ROWS`.
    limits : int16, shape (P, 10), what sets each rate, index into `limit_names`.
    """

    prices: NDArray[np.float64]
    limits: NDArray[np.int16]
    limit_names: tuple[str, ...]


@dataclass(frozen=True)
class PricedPlan:
    """One plan with its step.

    Attributes
    ----------
    plan : int64, shape (13,).
    step : float64, shape (25,), columns `kernels.step.STEP_COLUMNS`.
    limits : int16, shape (10,), index into `limit_names`.
    """

    plan: NDArray[np.int64]
    step: NDArray[np.float64]
    limits: NDArray[np.int16]
    limit_names: tuple[str, ...]


@dataclass(frozen=True)
class StepModel:
    """What a step needs to know besides its plan and its network."""

    shape: ShapeInputs
    machine: MachineInputs
    software: SoftwareInputs
    sequence: int
    num_accelerators: int

    def evaluate(
        self, plans: NDArray[np.int64], prices: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the step of each plan, float64, columns `kernels.step.STEP_COLUMNS`."""
        from netloom.kernels.step import evaluate_plans

        return evaluate_plans(
            plans, prices, float(self.sequence), float(self.num_accelerators),
            self.shape, self.machine, self.software,
        )  # fmt: skip


def message_bytes_of(plans: NDArray[np.int64], model: StepModel) -> NDArray[np.float64]:
    """Return the size of one call of each plan's messages, float64, shape (P, 10).

    Sizes decide which algorithm the communication library takes: whole activations of a microbatch
    for tensor, context, expert and pipeline messages, one layer's gradients for data messages.
    """
    shape = model.shape
    tensor, context = plans[:, inputs.TENSOR], plans[:, inputs.CONTEXT]
    sequences = plans[:, inputs.MICRO_BATCH] * float(model.sequence)
    hidden_bytes = 2.0 * sequences / context * shape.hidden
    layer = shape.attention_parameters + shape.shared_parameters + shape.dense_ffn_parameters
    routed = shape.num_experts * shape.expert_parameters / plans[:, inputs.EXPERT]
    routed = routed / np.where(column_of(plans, inputs.EXPERT_TENSOR) == 1, 1, tensor)
    heads = shape.query_dim + shape.kv_dim
    shard_group = np.maximum(1, column_of(plans, inputs.SHARD_GROUP))
    rows = (
        hidden_bytes,
        hidden_bytes,
        2.0 * sequences * shape.kv_dim / tensor,
        hidden_bytes * max(1.0, shape.num_active) / tensor,
        hidden_bytes / tensor,
        model.software.gradient_bytes * layer / tensor,
        model.software.gradient_bytes * routed,
        2.0 * sequences / context * heads / tensor,
        model.software.gradient_bytes * layer / tensor / shard_group,
        model.software.gradient_bytes * routed / shard_group,
    )
    return np.stack(rows, axis=1)


def size_exponents(message_bytes: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the powers of two to which sizes of messages are rounded.

    Sizes only choose algorithms, and near a threshold two algorithms cost the same.
    """
    return np.round(np.log2(np.maximum(1.0, message_bytes))).astype(np.int64)


def price_plans(
    plans: NDArray[np.int64],
    network: NetworkModel,
    message_bytes: NDArray[np.float64],
    order: Sequence[str] = RANK_ORDER,
) -> PlanPrices:
    """Return the prices of every plan's messages; each distinct communicator is solved once.

    Parameters
    ----------
    message_bytes : float64, shape (P, 10), see `message_bytes_of`.
    order : of the plans' dimensions onto ranks, from the inside out.
    """
    groups = groups_of(plans, order)
    scale = size_exponents(message_bytes)
    prices = np.zeros((len(plans), len(OPERATIONS), 2))
    limits = np.zeros((len(plans), len(OPERATIONS)), dtype=np.int16)
    limit_names: tuple[str, ...] = ()
    for row, operation in enumerate(OPERATIONS):
        if row in _NEEDED_BY and not column_of(plans, _NEEDED_BY[row]).any():
            continue
        keys = np.column_stack([scale[:, row], groups[:, row]])
        distinct, index = np.unique(keys, axis=0, return_inverse=True)
        index = index.reshape(-1)
        for exponent in np.unique(distinct[:, 0]):
            chosen = np.flatnonzero(distinct[:, 0] == exponent)
            priced = network.price(
                [Communicator(operation, *map(int, row)) for row in distinct[chosen, 1:]],
                reference_bytes=2.0**exponent,
            )
            limit_names = priced.limit_names
            mine = distinct[index, 0] == exponent
            place = np.searchsorted(chosen, index[mine])
            prices[mine, row, 0] = priced.latency_s[place]
            prices[mine, row, 1] = priced.s_per_byte[place]
            limits[mine, row] = priced.limit[place]
    return PlanPrices(prices, limits, limit_names)


def plan_of(row: NDArray[np.int64]) -> Plan:
    """Return one row of a plan matrix as a `Plan`."""
    sizes = dict(zip(inputs.PLAN_COLUMNS[:8], map(int, row[:8]), strict=True))
    return Plan(
        **sizes,
        sharding=inputs.SHARDINGS[row[inputs.SHARDING]],
        recompute=inputs.RECOMPUTES[row[inputs.RECOMPUTE]],
        expert_tensor=int(column_of(row[None], inputs.EXPERT_TENSOR)[0]) or int(row[inputs.TENSOR]),
        context_kind=inputs.CONTEXT_KINDS[column_of(row[None], inputs.CONTEXT_KIND)[0]],
        shard_group=int(column_of(row[None], inputs.SHARD_GROUP)[0])
        or int(row[inputs.DATA] * row[inputs.CONTEXT]),
    )


def parts_of(step: NDArray[np.float64]) -> StepParts:
    """Return where one step's seconds go; raises `ConservationError` unless they add up."""
    values = _named(step)
    parts = StepParts(
        **{name: values[name] for name in StepParts.__dataclass_fields__}  # type: ignore[arg-type]
    )
    if not np.isclose(parts.total_s, values["step_s"], rtol=1e-9, atol=0.0):
        raise ConservationError(
            f"parts add up to {parts.total_s} s, the step is {values['step_s']}"
        )
    return parts


def memory_of(step: NDArray[np.float64], machine: MachineInputs) -> Memory:
    """Return the memory of the fullest accelerator."""
    values = _named(step)
    return Memory(
        **{f"{name}_bytes": values[f"{name}_bytes"] for name in _MEMORY},
        capacity_bytes=machine.hbm_bytes,
    )


def communication_of(priced: PricedPlan, *, sequence_parallel: bool) -> tuple[Communication, ...]:
    """Return each parallel dimension's traffic in one step, dimensions of size one left out."""
    values = _named(priced.step)
    # how many ranks a group has does not depend on their order
    sizes = groups_of(priced.plan[None])[0, :, 0]
    tensor_row = inputs.TENSOR_GATHER if sequence_parallel else inputs.TENSOR_REDUCE
    kind = column_of(priced.plan[None], inputs.CONTEXT_KIND)[0]
    context_row = inputs.CONTEXT_EXCHANGE if kind == inputs.ULYSSES else inputs.CONTEXT_GATHER
    rows = (
        ("tensor", tensor_row),
        ("context", context_row),
        ("expert", inputs.EXPERT_EXCHANGE),
        ("pipeline", inputs.PIPELINE_SEND),
        ("data", inputs.DATA_SCATTER),
    )
    found = []
    for dimension, row in rows:
        total_s, sent = values[f"{dimension}_total_s"], values[f"{dimension}_sent_bytes"]
        if sizes[row] == 1 or total_s == 0.0:
            continue
        found.append(
            Communication(
                dimension=dimension,
                operation=OPERATIONS[row],
                group_size=int(sizes[row]),
                bytes=sent,
                total_s=total_s,
                exposed_s=values[f"{dimension}_s"],
                bytes_per_s=sent / total_s,
                limited_by=priced.limit_names[priced.limits[row]],
            )
        )
    return tuple(found)


_MEMORY = ("weights", "gradients", "optimizer", "activations", "buffers")


def _named(step: NDArray[np.float64]) -> dict[str, float]:
    from netloom.kernels.step import STEP_COLUMNS

    return dict(zip(STEP_COLUMNS, map(float, step), strict=True))
