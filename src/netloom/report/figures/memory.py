"""Where memory goes on the fullest accelerator, against what it has."""

from __future__ import annotations

from netloom import units
from netloom.report.figures import stacked
from netloom.result import StudyResult

#: Colour name, label; the field of `Memory` is the label with ``_bytes``.
PARTS = (
    ("weights", "weights"), ("gradients", "gradients"), ("optimizer-state", "optimizer"),
    ("activations", "activations"), ("buffers", "buffers"),
)  # fmt: skip


def draw(result: StudyResult) -> str:
    """Return the memory of every candidate's plan; a line marks the capacity."""
    bars = []
    for candidate in result.candidates:
        memory = candidate.memory
        values = tuple(getattr(memory, f"{label}_bytes") for _, label in PARTS)
        shown = tuple(units.show(value, "memory") for value in values)
        used, capacity = (
            units.show(value, "memory") for value in (memory.total_bytes, memory.capacity_bytes)
        )
        name = f"{candidate.rank}  {candidate.name}"
        bars.append(
            stacked.Bar(name, f"{used} of {capacity}", values, shown, limit=memory.capacity_bytes)
        )
    return stacked.draw("Memory of the fullest accelerator, per candidate", PARTS, bars)
