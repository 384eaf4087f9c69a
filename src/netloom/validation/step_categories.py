"""Categories of published steps, and which of them calibrate: by what is computed and by source.

A row may count in several categories; its first one is its main one. Nothing here looks at errors.
"""

from __future__ import annotations

from functools import cache

from netloom import catalog
from netloom.validation.step_rows import StepRow
from netloom.validation.step_rules.patterns import matches, table

#: All categories, the most special first.
CATEGORIES = (
    "vtrain", "strong-scaling", "zero-3", "moe", "nvl72", "fp8", "dense-a100", "dense-h100",
    "other",
)  # fmt: skip

#: Accelerators of the dense categories, by the first part of their catalogue name.
_AMPERE, _HOPPER = ("a100",), ("h100", "h200", "h800")


@cache
def _accelerator_of(node: str) -> str:
    return str(catalog.get("node", node).accelerator).split("-")[0]


def categories_of(row: StepRow) -> tuple[str, ...]:
    """Return a row's categories, by what is computed and by its source, never by its error."""
    accelerator = _accelerator_of(row.system.node)
    dense = row.shape.experts is None
    sharded = row.bounds.sharding == ("parameters",)
    of_vtrain = row.format == "vtrain_a100"
    words = {"id": row.id, "source": row.source, "model": row.model, "note": row.note}
    found = {
        "vtrain": of_vtrain,
        "strong-scaling": any(
            matches(when, words) for when in table("step-roles.yaml")["strong_scaling"]
        ),
        "zero-3": sharded,
        "moe": not dense,
        "nvl72": catalog.get("node", row.system.node).scale_up_domain == 72,
        "fp8": row.peak in ("fp8", "fp4"),
        "dense-a100": dense and accelerator in _AMPERE and not (sharded or of_vtrain),
        "dense-h100": dense and accelerator in _HOPPER and not sharded,
    }
    names = tuple(name for name in CATEGORIES if found.get(name))
    return names or ("other",)


def measurement_of(row: StepRow) -> object:
    """Return what tells one measurement from all others, whatever table it is in."""
    return (row.source, row.model, row.accelerators, str(row.bounds), row.measured_step_s)


def is_calibration(row: StepRow) -> bool:
    """Return whether the rule of ``data/step-roles.yaml`` makes a shipped row a calibration."""
    tensor = row.bounds.tensor
    words = {
        name: str(getattr(row, name))
        for name in ("id", "format", "source", "model", "software", "precision")
    } | {"tensor": str(tensor[0]) if tensor else ""}
    return any(matches(when, words) for when in table("step-roles.yaml")["calibration"])
