"""Forecasts of published series beside what was published later: which intervals held."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from netloom import catalog
from netloom.report.tables import titled_table
from netloom.supply.backtest import NOMINAL, Backtest, coverage, shown


def print_backtests(tests: Sequence[Backtest], console: Console) -> None:
    """Print each forecast with its interval, what came, and how many of the intervals held."""
    if not tests:
        console.print("Nothing was published later about what could be forecast then.\n")
        return
    console.print(_table(tests, console))
    held = sum(each.held for each in tests)
    console.print(
        f"{held} of {len(tests)} held ({coverage(tests):.0%}); intervals of 10 to 90 % should hold "
        f"{NOMINAL:.0%}. What came is a forecast where nothing later is known.",
        highlight=False,
    )
    for name in dict.fromkeys(each.prediction.series for each in tests):
        series = catalog.get("series", name)
        console.print(Text(f"{name}: {series.title or name}, {series.unit}.", style="dim"))
    console.print()


def _table(tests: Sequence[Backtest], console: Console) -> Table:
    columns = (
        "series", "year", "known by", "interval", "from", "10 %", "median", "90 %", "came", "said",
    )  # fmt: skip
    title = "Backtest: forecasts from what was known by a month, and what came"
    table = titled_table(title, console, columns, 5)
    table.columns[0].no_wrap = True
    for each in tests:
        predicted, value = each.prediction, each.prediction.value
        numbers = (
            value.percentile_10, value.percentile_50, value.percentile_90, each.outcome.value.mode,
        )  # fmt: skip
        table.add_row(
            Text(predicted.series), str(predicted.period), predicted.until,
            f"missed, {each.side}" if each.side else "held", predicted.spread_words,
            *(shown(number, predicted.unit) for number in numbers),
            f"{each.outcome.kind} {each.outcome.said}",
        )  # fmt: skip
    return table
