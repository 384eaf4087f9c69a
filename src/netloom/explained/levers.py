"""What would shorten a step most: the step again with one thing changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from netloom.kernels import inputs
from netloom.simulate.step import PricedPlan, StepModel

#: By how much a resource is made faster; small, so that the answers say what one per cent is worth.
FASTER = 0.1


@dataclass(frozen=True)
class Lever:
    """One change and the step that it gives.

    Attributes
    ----------
    change : in words.
    saved_s : of the step by the closed form; negative when it gets longer.
    saved_fraction : the same, of the step.
    """

    change: str
    saved_s: float
    saved_fraction: float


def levers(priced: PricedPlan, prices: NDArray[np.float64], model: StepModel) -> tuple[Lever, ...]:
    """Return what each resource's being a tenth faster saves, what saves most first.

    A network tier is faster for the messages whose rate it sets. Levers that save nothing are left
    out.

    Parameters
    ----------
    prices : float64, shape (7, 2), rows `inputs.PRICE_ROWS`.
    """
    from netloom.kernels.step import BUBBLE, STEP, STRAGGLER

    whole_s = float(priced.step[STEP])
    # stragglers lengthen the bubble like everything else
    bubble_s = float(priced.step[BUBBLE] * whole_s / (whole_s - priced.step[STRAGGLER]))
    found = [Lever("no pipeline bubble", bubble_s, bubble_s / whole_s)] if bubble_s > 0.0 else []
    for change, changed_prices, changed_model in _changes(priced, prices, model):
        step_s = float(changed_model.evaluate(priced.plan[None], changed_prices[None])[0, 0])
        saved_s = whole_s - step_s
        if saved_s > 1e-9 * whole_s:
            found.append(Lever(change, saved_s, saved_s / whole_s))
    return tuple(sorted(found, key=lambda lever: -lever.saved_s))


def _changes(
    priced: PricedPlan, prices: NDArray[np.float64], model: StepModel
) -> Iterator[tuple[str, NDArray[np.float64], StepModel]]:
    faster = 1.0 + FASTER
    machine = model.machine
    rates = {
        "matrix products": {"matmul_flops_per_s": faster * machine.matmul_flops_per_s},
        "attention": {
            name: faster * getattr(machine, name)
            for name in ("attention_forward_flops_per_s", "attention_backward_flops_per_s")
        },
        "memory bandwidth": {"hbm_bytes_per_s": faster * machine.hbm_bytes_per_s},
        "kernel launches": {"launch_s": machine.launch_s / faster},
    }
    for noun, change in rates.items():
        yield (
            f"{noun} {FASTER:.0%} faster",
            prices,
            replace(model, machine=machine._replace(**change)),
        )
    used = {int(limit) for limit in priced.limits[prices[:, 1] > 0.0]}
    for limit in sorted(used):
        quicker = prices.copy()
        quicker[priced.limits == limit, 1] /= faster
        yield f"rate of {priced.limit_names[limit]} {FASTER:.0%} higher", quicker, model
    quicker = prices.copy()
    quicker[:, 0] /= faster
    yield f"latency of messages {FASTER:.0%} lower", quicker, model
    for row, noun in _FREE.items():
        if prices[row].any():
            quicker = prices.copy()
            quicker[row] = 0.0
            yield f"{noun} messages for nothing", quicker, model
    steady = machine._replace(straggler_sigma=0.0)
    yield "no rank slower than another", prices, replace(model, machine=steady)


#: Price rows whose being free says what a dimension costs, in words.
_FREE = {
    inputs.TENSOR_GATHER: "tensor",
    inputs.CONTEXT_GATHER: "context",
    inputs.EXPERT_EXCHANGE: "expert",
    inputs.PIPELINE_SEND: "pipeline",
    inputs.DATA_SCATTER: "data",
}
