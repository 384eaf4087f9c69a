"""One training step explained: where its seconds go, what waits, what fills memory, what is next.

`explain_step` answers for one plan on one network. Its columns are those of the batch evaluator,
formula by formula; beside them stands the same step played in time by the schedule engine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.explained.levers import Lever, levers
from netloom.explained.path import Stretch, stretches
from netloom.explained.played import PhaseMeans, PlayedStep, phase_means, played_step
from netloom.explained.residuals import Interval, interval
from netloom.explained.stages import StageColumns, device_memory, stage_columns
from netloom.explained.tiers import TierTime, tier_times
from netloom.explained.utilisation import Utilisation, utilisations
from netloom.kernels import inputs
from netloom.result import Communication, Plan, StepParts
from netloom.simulate.step import PricedPlan, StepModel, communication_of, parts_of, plan_of
from netloom.simulate.timeline import PlayedPlan, play_plan, schedule_of
from netloom.workload.precision import FORMATS
from netloom.workload.shape import TransformerShape

__all__ = ["ExplainedStep", "Subject", "explain_step"]


@dataclass(frozen=True)
class Subject:
    """What is trained on what, as far as a plan's step does not already say it.

    Attributes
    ----------
    batch_tokens : of one step.
    accelerator : name in the catalogue.
    precision : of the matrix products.
    peak_flops_per_s : dense, in that precision.
    """

    shape: TransformerShape
    model: StepModel
    batch_tokens: float
    accelerator: str
    precision: str
    peak_flops_per_s: float


@dataclass(frozen=True, eq=False)
class ExplainedStep:
    """One step of one plan.

    Attributes
    ----------
    step_s : by the closed form when the plan runs its software's own schedule, as the search ranks
        it, otherwise played.
    own_schedule : whether it does.
    parts : of the closed form, of the stage that ends last under the software's own schedule.
    by_stage : the same for every stage.
    played : the pipeline in time.
    played_step : its parts, of the device with the most to do.
    phases : what devices do with their time, the mean over devices.
    communication : of the closed form, by dimension.
    tiers : the same by what sets the rate.
    memory_bytes : float64, shape (D, 5), of every device under the played schedule: weights,
        gradients, optimizer, activations, buffers.
    capacity_bytes : of one accelerator.
    path : the critical path of the pipeline.
    levers : what would shorten the step, what saves most first.
    utilisations : shares of the peak by FLOP convention.
    expected : where similar runs measured their steps.
    """

    plan: Plan
    step_s: float
    own_schedule: bool
    parts: StepParts
    by_stage: StageColumns
    played: PlayedPlan
    played_step: PlayedStep
    phases: PhaseMeans
    communication: tuple[Communication, ...]
    tiers: tuple[TierTime, ...]
    memory_bytes: NDArray[np.float64]
    capacity_bytes: float
    path: tuple[Stretch, ...]
    levers: tuple[Lever, ...]
    utilisations: tuple[Utilisation, ...]
    expected: Interval

    @property
    def closed_form_s(self) -> float:
        """The step under the software's own schedule, by the closed form."""
        return self.parts.total_s

    @property
    def fullest(self) -> int:
        """The device with the most memory in use."""
        return int(np.argmax(self.memory_bytes.sum(axis=1)))

    @property
    def fits(self) -> bool:
        """Whether the fullest device's memory is enough."""
        return bool(self.memory_bytes.sum(axis=1).max() <= self.capacity_bytes)


def explain_step(
    priced: PricedPlan,
    prices: NDArray[np.float64],
    subject: Subject,
    kind: str | None = None,
) -> ExplainedStep:
    """Return one step explained.

    Parameters
    ----------
    priced : the plan with its step.
    prices : float64, shape (7, 2), the plan's, rows `inputs.PRICE_ROWS`.
    kind : of pipeline schedule; the software's own when left out.

    Raises
    ------
    ParameterError
        When the plan's layers or microbatches do not fit the schedule.
    """
    plan, model = priced.plan, subject.model
    own = schedule_of(plan, model.software)
    by_stage = stage_columns(plan, prices, model)
    played = play_plan(plan, prices, model, kind)
    after = played_step(played, by_stage)
    parts = parts_of(by_stage.step())
    own_schedule = played.kind == own
    step_s = parts.total_s if own_schedule else after.step_s
    communication = communication_of(
        priced, sequence_parallel=bool(model.software.sequence_parallel)
    )
    return ExplainedStep(
        plan=plan_of(plan),
        step_s=step_s,
        own_schedule=own_schedule,
        parts=parts,
        by_stage=by_stage,
        played=played,
        played_step=after,
        phases=phase_means(played),
        communication=communication,
        tiers=tier_times(communication),
        memory_bytes=device_memory(plan, played, model),
        capacity_bytes=model.machine.hbm_bytes,
        path=stretches(played.timeline),
        levers=levers(priced, prices, model),
        utilisations=utilisations(
            subject.shape, model.sequence,
            subject.batch_tokens / step_s / model.num_accelerators,
            subject.peak_flops_per_s, inputs.RECOMPUTES[plan[inputs.RECOMPUTE]],
            bool(model.software.fused_attention),
        ),
        expected=interval(
            step_s, subject.accelerator, FORMATS[subject.precision].operand_bytes < 2.0,
            subject.shape.experts is not None,
        ),
    )  # fmt: skip
