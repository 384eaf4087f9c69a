"""Where the seconds of a step go: the whole step, and the part beyond compute under a lens."""

from __future__ import annotations

from netloom.report.figures import stacked
from netloom.result import Candidate, StudyResult

#: Parts of a step in drawing order: field of `StepParts` without ``_s``, label.
PARTS = (
    ("compute", "compute"), ("tensor", "tensor"), ("context", "context"), ("expert", "expert"),
    ("pipeline", "pipeline"), ("data", "data"), ("bubble", "bubble"), ("optimizer", "optimizer"),
    ("straggler", "stragglers"),
)  # fmt: skip


def seconds(candidate: Candidate) -> dict[str, float]:
    """Return the seconds of each part, in drawing order."""
    return {name: getattr(candidate.parts, f"{name}_s") for name, _ in PARTS}


def draw(result: StudyResult) -> str:
    """Return the step of every candidate, split into its parts."""
    bars = [_bar(candidate, PARTS, f"{candidate.step_s:.2f} s") for candidate in result.candidates]
    return stacked.draw("Seconds of one step by part, per candidate", PARTS, bars)


def draw_beyond_compute(result: StudyResult) -> str:
    """Return the same without compute, at a scale that shows what the networks differ in."""
    parts = PARTS[1:]
    bars = []
    for candidate in result.candidates:
        beyond_s = sum(seconds(candidate)[name] for name, _ in parts)
        share = 100 * beyond_s / candidate.step_s if candidate.step_s else 0.0
        bars.append(_bar(candidate, parts, f"{beyond_s:.2f} s, {share:.0f} %"))
    return stacked.draw("Seconds of one step beyond compute, per candidate", parts, bars)


def _bar(candidate: Candidate, parts: tuple[tuple[str, str], ...], total: str) -> stacked.Bar:
    values = tuple(seconds(candidate)[name] for name, _ in parts)
    return stacked.Bar(
        f"{candidate.rank}  {candidate.name}",
        total,
        values,
        tuple(f"{value:.2f}" for value in values),
    )
