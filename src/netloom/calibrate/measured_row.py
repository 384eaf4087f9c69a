"""Measured steps ready to be computed many times, with other constants each time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netloom import catalog
from netloom.catalog.parts import Precision
from netloom.errors import InfeasibleError, ParameterError
from netloom.kernels import inputs
from netloom.simulate.step import StepModel, message_bytes_of, plan_of, price_plans
from netloom.validation.step_rows import RefusedRow, StepRow, model_and_network, predict

#: Precision of the matrix products -> the constant that rates them; others share the 16-bit one.
_EFFICIENCIES: dict[Precision, str] = {
    "fp8": "fp8_matmul_efficiency",
    "fp4": "fp4_matmul_efficiency",
}

#: Times that can be fitted, of a release and not of an accelerator; fields of the software.
TIMES = ("expert_launch_s", "step_overhead_s")


@dataclass(frozen=True)
class MeasuredRow:
    """One measured step under the plan that it had.

    Attributes
    ----------
    accelerator : catalogue part that it ran on.
    efficiency : name of the constant that rates its matrix products.
    model : the step with the constants of the catalogue.
    plan : int64, shape (1, 10).
    prices : float64, shape (1, 7, 2), of its messages.
    chosen : sizes that the table leaves blank, chosen once with the catalogue's constants: a
        measured run had one plan, whatever the constants are said to be.
    """

    row: StepRow
    accelerator: str
    efficiency: str
    model: StepModel
    plan: NDArray[np.int64]
    prices: NDArray[np.float64]
    chosen: dict[str, int | str]

    @property
    def num_micro_batches(self) -> int:
        """Microbatches of one pipeline in one step."""
        return int(self.plan[0, inputs.NUM_MICRO_BATCHES])

    @property
    def has_experts(self) -> bool:
        """Whether the model routes tokens to experts."""
        return self.row.shape.experts is not None

    @property
    def plan_text(self) -> str:
        """The plan in words."""
        return str(plan_of(self.plan[0]))

    def depends_on(self, constant: str) -> bool:
        """Return whether the step depends on a constant that can be fitted."""
        if constant == "expert_launch_s":
            return self.has_experts
        return constant in (self.efficiency, *TIMES)

    def catalogue_value(self, constant: str) -> float:
        """Return what the catalogue says of a constant."""
        part = catalog.get("software", self.row.software)
        if constant.endswith("efficiency"):
            part = part.accelerators[self.accelerator]
        return float(getattr(part, constant))

    def step_s(self, constants: Mapping[str, float]) -> float:
        """Return seconds of the step with some constants replaced, those that it depends on."""
        machine, software = self.model.machine, self.model.software
        if self.efficiency in constants:
            ratio = constants[self.efficiency] / self.catalogue_value(self.efficiency)
            machine = machine._replace(matmul_flops_per_s=machine.matmul_flops_per_s * ratio)
        times: dict[str, Any] = {name: constants[name] for name in TIMES if name in constants}
        changed = StepModel(
            self.model.shape, machine, software._replace(**times), self.model.sequence,
            self.model.num_accelerators,
        )  # fmt: skip
        return float(changed.evaluate(self.plan, self.prices)[0, 0])


def measured_row(row: StepRow) -> MeasuredRow:
    """Return a row of a table, its plan chosen where the table leaves it open.

    Raises
    ------
    ParameterError
        When the software is not calibrated for the accelerator or the precision.
    InfeasibleError
        When no plan has the published sizes.
    """
    found = predict(row)
    model, network = model_and_network(row)
    plan = found.best.priced.plan[None]
    priced = price_plans(plan, network, message_bytes_of(plan, model), row.bounds.order)
    return MeasuredRow(
        row=row,
        accelerator=catalog.get("node", row.system.node).accelerator,
        efficiency=_EFFICIENCIES.get(row.peak, "matmul_efficiency"),
        model=model,
        plan=plan,
        prices=priced.prices,
        chosen=found.chosen,
    )


def measured_rows(
    rows: Iterable[StepRow | RefusedRow],
) -> tuple[list[MeasuredRow], dict[str, str]]:
    """Return the rows that can be fitted to, and why each other one cannot, by its id."""
    found, left_out = [], {}
    for row in rows:
        if isinstance(row, RefusedRow):
            left_out[row.id] = row.reason
        elif not row.measured_step_s:
            left_out[row.id] = "no measured step"
        else:
            try:
                found.append(measured_row(row))
            except ParameterError as error:
                left_out[row.id] = error.problem.message
            except InfeasibleError as error:
                left_out[row.id] = " ".join(str(error).split())
    return found, left_out
