"""The step of one plan, stage by stage: the formulas of the batch evaluator, with nothing left out.

The batch evaluator keeps the stage that ends last and the fullest memory; here every stage of the
pipeline keeps its own columns.

Legend for shapes: D stages of the pipeline.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netloom.kernels import inputs
from netloom.simulate.step import StepModel
from netloom.simulate.timeline import PlayedPlan


class StageColumns(NamedTuple):
    """What every stage of a plan does and holds.

    Attributes
    ----------
    columns : float64, shape (D, 25), columns `kernels.step.STEP_COLUMNS`: the step as it would be
        were this stage the one that ends last, and this stage's memory.
    slowdown : share that the slowest rank takes longer.
    """

    columns: NDArray[np.float64]
    slowdown: float

    @property
    def pacing(self) -> int:
        """The stage that ends last; of equal ones the first."""
        return int(np.argmax(self.columns[:, 0]))

    @property
    def fullest(self) -> int:
        """The stage with the most memory in use; of equal ones the first."""
        return int(np.argmax(self.memory_bytes.sum(axis=1)))

    @property
    def memory_bytes(self) -> NDArray[np.float64]:
        """Weights, gradients, optimizer, activations, buffers: float64, shape (D, 5)."""
        from netloom.kernels.step import BUFFERS, WEIGHTS

        return self.columns[:, WEIGHTS : BUFFERS + 1]

    def step(self) -> NDArray[np.float64]:
        """Return the columns of the whole step, as the batch evaluator answers them."""
        from netloom.kernels.step import BUFFERS, WEIGHTS

        step = self.columns[self.pacing].copy()
        step[WEIGHTS : BUFFERS + 1] = self.memory_bytes[self.fullest]
        return step


def stage_columns(
    plan: NDArray[np.int64], prices: NDArray[np.float64], model: StepModel
) -> StageColumns:
    """Return every stage's part of one plan's step.

    Parameters
    ----------
    plan : int64, shape (13,), columns `inputs.PLAN_COLUMNS`; its layers have to split.
    prices : float64, shape (10, 2), rows `inputs.PRICE_ROWS`.
    """
    from netloom.kernels.layer import layer_times
    from netloom.kernels.memory import shards_of, stage_memory
    from netloom.kernels.stages import FIRST, LAST, MIDDLE, SHORT, make_stage, split_layers
    from netloom.kernels.step import STEP_COLUMNS, WEIGHTS, end_times, fill_step, stage_times

    shape, machine, software = model.shape, model.machine, model.software
    num_stages, interleave = int(plan[inputs.PIPELINE]), float(plan[inputs.INTERLEAVE])
    pipeline, num_micro = float(num_stages), float(plan[inputs.NUM_MICRO_BATCHES])
    micro_batch, sequence = float(plan[inputs.MICRO_BATCH]), float(model.sequence)
    shards = shards_of(plan)
    split = split_layers(shape.num_layers, pipeline, interleave)
    places = np.full(num_stages, MIDDLE)
    places[num_stages - 1 - int(split.num_short) :] = SHORT
    places[-1], places[0] = LAST, FIRST

    tokens = micro_batch * sequence / shards.context
    dense, sparse = [
        layer_times(
            micro_batch, sequence, shards.tensor, shards.context, shards.expert, shards.recompute,
            has_experts, prices, shape, machine, software, shards.expert_tensor,
            shards.context_kind,
        )
        for has_experts in (False, bool(shape.num_experts))
    ]  # fmt: skip
    ends = end_times(tokens, shards.tensor, shape, machine)
    by_place = {}
    for place in sorted(set(places.tolist())):
        stage = make_stage(place, split, pipeline, interleave, num_micro, shape)
        by_place[place] = stage, stage_times(stage, place, dense, sparse, ends)
    chain_s = sum(stage.num_alike * times[:8].sum() for stage, times in by_place.values())
    slowdown = machine.straggler_sigma * math.sqrt(2.0 * math.log(model.num_accelerators))

    columns = np.zeros((num_stages, len(STEP_COLUMNS)))
    for place, (stage, times) in by_place.items():
        row = np.zeros(len(STEP_COLUMNS))
        fill_step(
            stage, times, chain_s, plan, shards, tokens, slowdown, prices, shape, machine,
            software, row,
        )  # fmt: skip
        columns[places == place] = row
    for number, place in enumerate(places.tolist()):
        stage = by_place[place][0]
        stage = stage._replace(
            layers_in_flight=_in_flight(number, plan) * (stage.num_dense + stage.num_sparse)
        )
        memory = stage_memory(stage, shards, micro_batch, sequence, shape, machine, software)
        columns[number, WEIGHTS : WEIGHTS + 5] = memory
    return StageColumns(columns, slowdown)


def _in_flight(stage: int, plan: NDArray[np.int64]) -> float:
    """Return the microbatches of a whole stage whose activations are alive at once."""
    from netloom.kernels.stages import chunks_in_flight

    pipeline, interleave = float(plan[inputs.PIPELINE]), float(plan[inputs.INTERLEAVE])
    num_micro = float(plan[inputs.NUM_MICRO_BATCHES])
    return chunks_in_flight(float(stage), pipeline, interleave, num_micro) / interleave


def device_memory(
    plan: NDArray[np.int64], played: PlayedPlan, model: StepModel
) -> NDArray[np.float64]:
    """Return weights, gradients, optimizer, activations and buffers of every device.

    Activations are those of the played schedule at its peak, a chunk holding the mean of the
    device's layers. A device of DualPipe holds two stages, one of each direction, and shares what
    is sharded with the device that holds the other copies.

    Returns
    -------
    float64, shape (D, 5), bytes.
    """
    from netloom.kernels.memory import shards_of, stage_memory
    from netloom.kernels.stages import Stage

    shape, held = model.shape, played.stages
    shards = shards_of(plan)
    order, peak = played.timeline.order, played.timeline.peak_activations
    memory = np.empty((order.num_devices, 5))
    for device, stages in enumerate(order.virtual_stage):
        dense, sparse = held.num_dense[stages].sum(), held.num_sparse[stages].sum()
        first, last = held.has_embedding[stages].sum(), held.has_loss[stages].sum()
        stage = Stage(
            1.0, float(dense), float(sparse),
            float(first * shape.embedding_parameters + last * shape.head_parameters),
            float(last * shape.vocab),
            float(peak[device] * (dense + sparse) / played.num_chunks),
        )  # fmt: skip
        memory[device] = stage_memory(
            stage, shards, float(plan[inputs.MICRO_BATCH]), float(model.sequence), shape,
            model.machine, model.software,
        )  # fmt: skip
    if played.kind == "dualpipe":
        # sharding the optimizer shards its states, then gradients, then weights
        memory[:, [2, 1, 0][: shards.sharding]] /= 2.0
    return memory
