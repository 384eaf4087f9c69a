"""Published steps beside netloom's: errors by category, drift of series, regret of plans.

The rank correlation is Spearman's, of predicted and measured seconds. The regret of a model is how
much slower the plan that netloom ranks first was measured to be than the best measured one, where a
source has several plans of the same model, batch and accelerators.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from netloom.errors import InfeasibleError, ParameterError
from netloom.simulate.step import plan_of
from netloom.validation import quantile
from netloom.validation.step_categories import CATEGORIES, categories_of, measurement_of
from netloom.validation.step_rows import RefusedRow, StepRow, predict


@dataclass(frozen=True)
class ScoredRow:
    """A published step beside netloom's.

    Attributes
    ----------
    categories : see `CATEGORIES`; empty for a refused row.
    predicted_s, measured_s : seconds; None where there is none.
    chosen : what netloom chose, by dimension.
    plan : the plan in words.
    refused : why netloom does not predict the row; empty when it does.
    """

    row: StepRow | RefusedRow
    role: str
    categories: tuple[str, ...]
    predicted_s: float | None
    measured_s: float | None
    chosen: dict[str, int | str]
    plan: str
    refused: str
    note: str

    @property
    def error(self) -> float | None:
        """Predicted over measured, less one; None without both."""
        if self.predicted_s is None or self.measured_s is None:
            return None
        return self.predicted_s / self.measured_s - 1.0


def score(rows: Iterable[StepRow | RefusedRow], fitted: frozenset[object]) -> list[ScoredRow]:
    """Return every row with its prediction, or with the reason why there is none.

    Parameters
    ----------
    fitted : measurements that constants of the catalogue were fitted to, see `measurement_of`.
    """
    return [_score(row, fitted) for row in rows]


def _score(row: StepRow | RefusedRow, fitted: frozenset[object]) -> ScoredRow:
    if isinstance(row, RefusedRow):
        return _refused(row, row.reason)
    role = "calibration" if measurement_of(row) in fitted else "test"
    try:
        found = predict(row)
    except ParameterError as error:
        # a hint about the study's keys would not help
        return _refused(row, error.problem.message)
    except InfeasibleError as error:
        return _refused(row, " ".join(str(error).split()))
    choices = ", ".join(f"{name} {value}" for name, value in found.chosen.items())
    notes = (row.note, found.note, choices and f"netloom chose {choices}")
    return ScoredRow(
        row, role, categories_of(row), found.step_s, row.measured_step_s or None, found.chosen,
        str(plan_of(found.best.priced.plan)), "", "; ".join(filter(None, notes)),
    )  # fmt: skip


def _refused(row: StepRow | RefusedRow, reason: str) -> ScoredRow:
    measured_s = row.measured_step_s or None if isinstance(row, StepRow) else None
    return ScoredRow(row, "test", (), None, measured_s, {}, "", reason, "")


@dataclass(frozen=True)
class CategorySummary:
    """Errors of one category and role.

    `median` and `percentile_90` are of absolute errors, `bias` is the mean error with its sign,
    `rank_correlation` is None with fewer than three rows or with equal seconds only.
    """

    category: str
    role: str
    num_rows: int
    median: float
    percentile_90: float
    bias: float
    rank_correlation: float | None


def summaries(scored: Sequence[ScoredRow]) -> list[CategorySummary]:
    """Return a summary per category and role, and of each role's rows together as ``all``."""
    found = []
    for role in ("test", "calibration"):
        for category in ("all", *CATEGORIES):
            rows = [
                item
                for item in scored
                if item.role == role
                and item.error is not None
                and category in ("all", *item.categories)
            ]
            if rows:
                found.append(_summary(category, role, rows))
    return found


def _summary(category: str, role: str, rows: Sequence[ScoredRow]) -> CategorySummary:
    errors = [item.error or 0.0 for item in rows]
    absolute = sorted(map(abs, errors))
    return CategorySummary(
        category, role, len(rows), quantile(absolute, 0.5), quantile(absolute, 0.9),
        sum(errors) / len(errors),
        rank_correlation(
            [item.predicted_s or 0.0 for item in rows], [item.measured_s or 0.0 for item in rows]
        ),
    )  # fmt: skip


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return Spearman's rank correlation, equal values sharing the mean of their ranks.

    None where it says nothing: with fewer than three values, or when all of one side are equal.

    Examples
    --------
    >>> rank_correlation([1.0, 2.0, 3.0, 4.0], [10.0, 30.0, 20.0, 40.0])
    0.8
    """
    if len(first) < 3:
        return None
    ranks = _ranks(first), _ranks(second)
    mean = (len(first) + 1) / 2.0
    spreads = [sum((rank - mean) ** 2 for rank in side) for side in ranks]
    if 0.0 in spreads:
        return None
    shared = sum((a - mean) * (b - mean) for a, b in zip(*ranks, strict=True))
    return float(shared / (spreads[0] * spreads[1]) ** 0.5)


def _ranks(values: Sequence[float]) -> list[float]:
    places: dict[float, list[int]] = {}
    for place, value in enumerate(sorted(values), start=1):
        places.setdefault(value, []).append(place)
    return [sum(places[value]) / len(places[value]) for value in values]


@dataclass(frozen=True)
class Regret:
    """What following netloom's ranking of plans would have cost; fraction of the best step."""

    model: str
    source: str
    accelerators: int
    batch_sequences: int
    num_plans: int
    first: str
    fastest: str
    regret: float


def regrets(scored: Sequence[ScoredRow]) -> list[Regret]:
    """Return the regret of every group of rows that differ in their plan only.

    Rows of calibration count too: a constant that all plans share ranks none before another.
    """
    groups: dict[tuple[object, ...], list[ScoredRow]] = {}
    for item in scored:
        row = item.row
        if isinstance(row, StepRow) and item.error is not None:
            key = (
                row.source, row.model, row.system, row.software, row.stand_in, row.precision,
                row.accelerators, row.sequence, row.batch_sequences,
            )  # fmt: skip
            groups.setdefault(key, []).append(item)
    return [_regret(group) for group in groups.values() if len({item.plan for item in group}) > 1]


def _regret(group: Sequence[ScoredRow]) -> Regret:
    first = min(group, key=lambda item: item.predicted_s or 0.0)
    fastest = min(group, key=lambda item: item.measured_s or 0.0)
    row = first.row
    assert isinstance(row, StepRow)  # see `regrets`
    return Regret(
        row.model, row.source, row.accelerators, row.batch_sequences, len(group), first.plan,
        fastest.plan, (first.measured_s or 0.0) / (fastest.measured_s or 1.0) - 1.0,
    )  # fmt: skip


@dataclass(frozen=True)
class Drift:
    """How a strong-scaling series' error moves from its fewest to its most accelerators."""

    source: str
    model: str
    fewest: int
    most: int
    error_fewest: float
    error_most: float

    @property
    def drift(self) -> float:
        """Predicted speed-up lost over the measured one: 0 when the curve bends as measured."""
        return (1.0 + self.error_most) / (1.0 + self.error_fewest) - 1.0


def drifts(scored: Sequence[ScoredRow]) -> list[Drift]:
    """Return the drift of every strong-scaling series: one source, model and software."""
    series: dict[tuple[str, ...], list[tuple[int, float]]] = {}
    for item in scored:
        row, error = item.row, item.error
        if isinstance(row, StepRow) and error is not None and "strong-scaling" in item.categories:
            key = (row.source, row.model, row.software, row.stand_in)
            series.setdefault(key, []).append((row.accelerators, error))
    found = []
    for (source, model, *_), points in series.items():
        points.sort(key=lambda point: point[0])
        if points[0][0] < points[-1][0]:
            found.append(
                Drift(source, model, points[0][0], points[-1][0], points[0][1], points[-1][1])
            )
    return found
