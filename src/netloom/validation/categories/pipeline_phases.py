"""Phases of a pipeline schedule as published, beside those of the schedule engine.

The step's total was a calibration on the multi-rail fabric; how it falls apart into phases was not,
nor the step on the multi-plane fabric.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from netloom.explained.played import PlayedStep, phase_means, played_step
from netloom.explained.stages import stage_columns
from netloom.simulate.step import message_bytes_of, price_plans
from netloom.simulate.timeline import PlayedPlan, play_plan
from netloom.validation import Row
from netloom.validation.categories.step import shipped
from netloom.validation.published import cite, read
from netloom.validation.step_rows import StepRow, model_and_network, predict

#: Promised for each phase, and for the difference between two fabrics.
_TOLERANCE, _DIFFERENCE = 0.12, 0.01

#: Phase -> how it is said.
_WORDS = {
    "forward": "forwards alone (1F)",
    "backward": "backwards alone (1B)",
    "weight": "gradients of weights (1W)",
    "block": "forwards beside backwards (1F1B)",
    "bubble": "bubble",
    "optimizer": "optimizer",
    "step": "step (ratio)",
}


def rows() -> Iterator[Row]:
    """Yield one row for each phase, and one for the ratio of two fabrics."""
    for case in read("pipeline-phases.yaml"):
        computed = _seconds(case["row"])
        divisor = _seconds(case["over"]) if "over" in case else dict.fromkeys(computed, 1.0)
        for phase, published in case["published"].items():
            yield Row(
                "pipeline-phases",
                f"{case['name']}: {_WORDS[phase]}",
                "" if "over" in case else "s",
                published,
                computed[phase] / divisor[phase],
                _DIFFERENCE if "over" in case else _TOLERANCE,
                cite(case["source"], case["place"]),
            )


@cache
def _seconds(row_id: str) -> dict[str, float]:
    """Return seconds by phase, and of the step, for a published row."""
    played, after = _played(row_id)
    means = phase_means(played)
    return {
        "forward": means.forward_s,
        "backward": means.backward_s,
        "weight": means.weight_s,
        "block": means.block_s,
        "bubble": means.bubble_s,
        "optimizer": float(after.optimizer_s.mean()),
        "step": after.step_s,
    }


def _played(row_id: str) -> tuple[PlayedPlan, PlayedStep]:
    row = next(row for row in shipped() if isinstance(row, StepRow) and row.id == row_id)
    model, network = model_and_network(row)
    plan = predict(row).best.priced.plan
    prices = price_plans(plan[None], network, message_bytes_of(plan[None], model)).prices[0]
    played = play_plan(plan, prices, model)
    return played, played_step(played, stage_columns(plan, prices, model))
