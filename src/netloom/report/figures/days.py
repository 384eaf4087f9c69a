"""Days to train: what training needs, and what failures and checkpoints add."""

from __future__ import annotations

from netloom.report.figures import stacked
from netloom.result import StudyResult

PARTS = (("training", "training"), ("lost", "failures and checkpoints"))


def draw(result: StudyResult) -> str:
    """Return the days of every candidate, split into training and loss."""
    bars = []
    for candidate in result.candidates:
        values = (candidate.days_without_failures, candidate.days - candidate.days_without_failures)
        name = f"{candidate.rank}  {candidate.name}"
        shown = tuple(f"{value:.1f}" for value in values)
        bars.append(stacked.Bar(name, f"{candidate.days:.1f} days", values, shown))
    return stacked.draw("Days to train with and without failures, per candidate", PARTS, bars)
