"""Published numbers, computed again: `run` is what ``netloom validate`` prints.

A category is one module in `netloom.validation.categories` with a function ``rows``. A row is a
test, or a calibration when a constant of ours was fitted to it; the two are never mixed in a
summary.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from netloom.registry import Registry

CATEGORIES = Registry(
    "netloom.validation.categories", "netloom.validation", "validation category", ("rows",)
)


@dataclass(frozen=True)
class Row:
    """One published number beside ours.

    Attributes
    ----------
    category : module that computed it.
    name : case and quantity.
    unit : of `published` and `computed`; empty for counts.
    published, computed : the two numbers.
    tolerance_fraction : largest error that passes; 0 for counts, which must be exact.
    source : where the number was published.
    role : ``"calibration"`` when a constant was fitted to this row.
    note : what was chosen by netloom, or what the source contradicts itself in.
    """

    category: str
    name: str
    unit: str
    published: float
    computed: float
    tolerance_fraction: float
    source: str
    role: Literal["test", "calibration"] = "test"
    note: str = ""

    @property
    def error_fraction(self) -> float:
        """Computed over published, less one."""
        if self.published == 0:
            return 0.0 if self.computed == 0 else float("inf")
        return self.computed / self.published - 1

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance."""
        return abs(self.error_fraction) <= self.tolerance_fraction


@dataclass(frozen=True)
class ValidationReport:
    """All rows that were asked for."""

    rows: tuple[Row, ...]

    @property
    def passed(self) -> bool:
        """Whether every row is within its tolerance."""
        return all(row.passed for row in self.rows)

    @property
    def summaries(self) -> tuple[Summary, ...]:
        """One summary per category and role, in order of appearance."""
        kinds = dict.fromkeys((row.category, row.role) for row in self.rows)
        return tuple(
            summarise([row for row in self.rows if (row.category, row.role) == kind], *kind)
            for kind in kinds
        )


@dataclass(frozen=True)
class Summary:
    """Errors of one category and role; fractions.

    `median` and `percentile_90` are of absolute errors, `bias` is the mean error with its sign.
    """

    category: str
    role: str
    num_rows: int
    num_missed: int
    median: float
    percentile_90: float
    bias: float


def summarise(rows: Sequence[Row], category: str, role: str) -> Summary:
    """Return the summary of some rows; there must be at least one."""
    errors = sorted(abs(row.error_fraction) for row in rows)
    return Summary(
        category=category,
        role=role,
        num_rows=len(rows),
        num_missed=sum(not row.passed for row in rows),
        median=quantile(errors, 0.5),
        percentile_90=quantile(errors, 0.9),
        bias=sum(row.error_fraction for row in rows) / len(rows),
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile by linear interpolation between order statistics."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def run(categories: Iterable[str] = ()) -> ValidationReport:
    """Compute the rows of the named categories, or of all.

    Raises
    ------
    ParameterError
        When a category is unknown; the hint lists the known ones.
    """
    names = tuple(categories) or CATEGORIES.names()
    modules = [CATEGORIES.get(name) for name in names]
    return ValidationReport(tuple(row for module in modules for row in module.rows()))
