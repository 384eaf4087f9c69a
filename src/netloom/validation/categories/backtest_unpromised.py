"""Dated forecasts of the sector from what was known by a month, beside what was published later.

Computed is the median of a forecast that sees no later statement; each note says whether the
outcome was inside the interval of 10 to 90 %, and what the forecast was made of.
"""

from __future__ import annotations

from collections.abc import Iterator

from netloom import catalog
from netloom.supply.backtest import Backtest, backtests
from netloom.validation import Row
from netloom.validation.published import NOT_PROMISED, cite

#: Unit of a series -> unit of a row and what divides its values.
_UNITS = {
    "modules": ("M modules", 1e6), "accelerators": ("M accelerators", 1e6), "USD": ("G$", 1e9),
    "USD/(Gb/s)": ("$/(Gb/s)", 1.0),
}  # fmt: skip


def rows() -> Iterator[Row]:
    """Yield every forecast with its outcome."""
    for test in backtests():
        yield _row(test)


def _row(test: Backtest) -> Row:
    predicted, outcome = test.prediction, test.outcome
    unit, scale = _UNITS[predicted.unit]
    title = catalog.get("series", predicted.series).title
    return Row(
        "backtest-unpromised",
        f"{title}, {predicted.period}, by {predicted.until}",
        unit,
        outcome.value.mode / scale,
        predicted.value.percentile_50 / scale,
        NOT_PROMISED,
        cite(outcome.value.source),
        note=test.words,
    )
