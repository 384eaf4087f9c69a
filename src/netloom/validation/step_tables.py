"""Tables that follow the rows of published steps."""

from __future__ import annotations

from collections.abc import Sequence

from netloom.units import show
from netloom.validation.details import Detail
from netloom.validation.step_score import ScoredRow, drifts, regrets, summaries


def details(scored: Sequence[ScoredRow]) -> list[Detail]:
    """Return the tables that follow the rows: errors by category, regret, refused rows."""
    by_category = Detail(
        "errors by category",
        ("category", "role", "rows", "median", "90th percentile", "bias", "rank correlation"),
        tuple(
            (
                item.category, item.role, str(item.num_rows),
                *(show(x, "fraction") for x in (item.median, item.percentile_90, item.bias)),
                "" if item.rank_correlation is None else f"{item.rank_correlation:.3f}",
            )
            for item in summaries(scored)
        ),
    )  # fmt: skip
    by_model = Detail(
        "regret by model: the plan that netloom ranks first against the best measured one",
        ("model", "accelerators", "batch", "plans", "ranked first", "measured best", "regret"),
        tuple(
            (
                item.model, str(item.accelerators), str(item.batch_sequences), str(item.num_plans),
                item.first, item.fastest, show(item.regret, "fraction"),
            )
            for item in regrets(scored)
        ),
    )  # fmt: skip
    by_series = Detail(
        "strong scaling: error from the fewest to the most accelerators",
        ("source", "model", "fewest", "most", "error at fewest", "error at most", "drift"),
        tuple(
            (
                item.source, item.model, str(item.fewest), str(item.most),
                show(item.error_fewest, "fraction"), show(item.error_most, "fraction"),
                show(item.drift, "fraction"),
            )
            for item in drifts(scored)
        ),
    )  # fmt: skip
    cases: dict[str, list[str]] = {}
    for item in scored:
        if item.refused:
            cases.setdefault(item.refused, []).append(item.row.id)
    refused = Detail(
        "refused rows",
        ("reason", "rows", "cases"),
        tuple((reason, str(len(ids)), ", ".join(ids)) for reason, ids in cases.items()),
    )
    return [detail for detail in (by_category, by_series, by_model, refused) if detail.lines]
