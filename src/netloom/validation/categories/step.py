"""Published training steps, in seconds.

Which rows calibrate is a rule and not a choice: for each accelerator and software release, the
rows that its matrix-product efficiency was fitted to (vTrain with tensor groups inside a node, the
Megatron Core 0.8 scaling table, and of the 2025 recipes Llama 3.1 70B in BF16 and 405B in FP8). All
other rows are tests; nothing was fitted to them.
"""

from __future__ import annotations

from collections.abc import Iterator

from netloom.simulate.step import plan_of
from netloom.validation import Row
from netloom.validation.step_rows import DATA, predict, read_rows, shape_of

#: Promised for single rows; medians and 90th percentiles are in the summary.
_TOLERANCE = 0.15


def rows() -> Iterator[Row]:
    """Yield one row per measured step."""
    for case in read_rows(DATA / "steps.csv"):
        published = case.published_step_s(shape_of(case.model))
        found = predict(case)
        plan = str(plan_of(found.priced.plan))
        chosen = plan if found.num_plans > 1 else ""
        note = "; ".join(filter(None, (case.note, chosen and f"netloom chose {chosen}")))
        yield Row(
            "step", case.id, "s", published, float(found.priced.step[0]), _TOLERANCE, case.source,
            case.role, note,
        )  # fmt: skip
