"""Forecasts of dated series that see nothing later than a month, beside what was published after.

Method
------
Known are the statements published up to the month, of all series. The forecast of a period is

- where somebody has spoken of the period: the range of what was said, times an error. Errors are
  ratios of what was found out, or else of the latest statement, to earlier statements on the same
  period half a year before or more, of all series of the same sort, as far as both are known.
  Sooner ones show that sources differ, which the range of what was said shows already. Logarithms
  of errors are taken to grow with the square root of the months between, as a random walk does;
- where nobody has: the latest period that somebody has spoken of, times a yearly growth for each
  year between. Growths are ratios of neighbouring years in all series of the same unit; for prices
  also published changes from year to year, which are those of earlier generations.

The next logarithm is drawn from Student's t around the mean of the n known ones, with n - 1 degrees
of freedom and their deviation times sqrt(1 + 1/n); the sum of k next ones has k times the mean and
sqrt(k + k^2/n). Few known ratios make a wide interval, and with fewer than three there is none. The
interval is that of 10 to 90 % of the draws.

No constant is fitted, but the method was chosen with the outcomes in view: how often it held is a
description of these series, and no promise for others.

References
----------
Geisser, Predictive Inference, 1993, section 2.2: the next observation of a normal sample.
"""

from __future__ import annotations

import math
import re
import statistics
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom import catalog, units
from netloom.catalog.outlook import Forecast, Series
from netloom.cost.draws import Interval, Sampling, interval
from netloom.errors import ParameterError
from netloom.result import Range

#: Sampling of the listed backtests; nothing is shared between inputs.
SAMPLING = Sampling(num_draws=20_000, seed=0, common_fraction=0.0)

#: Share of outcomes that should be inside an interval of 10 to 90 %.
NOMINAL = 0.8

#: Unit of series that say how a price changed from year to year.
_CHANGE = "ratio to the year before"

#: Fewest known ratios that an interval is made of.
_FEWEST = 3

#: Months between a statement and what it is judged by, at least.
_SHORTEST_MONTHS = 6

#: Months before the end of a period at which it is forecast: two years, one year and a half ahead.
_AHEAD = (24, 18, 12, 6)


@dataclass(frozen=True)
class Prediction:
    """A forecast of one period from what was known by a month.

    Attributes
    ----------
    series, unit : what is forecast.
    period : calendar year.
    until : month of the latest statement that was seen.
    value : interval, in the series' unit.
    route : ``"statements"`` or ``"growth"``.
    num_statements : statements that the base is made of.
    num_ratios : errors or growths that the spread is made of.
    """

    series: str
    unit: str
    period: int
    until: str
    value: Interval
    route: str
    num_statements: int
    num_ratios: int

    @property
    def spread_words(self) -> str:
        """What the spread is made of: errors of earlier statements, or yearly growths."""
        return _counted(self.num_ratios, "error" if self.route == "statements" else "growth")


@dataclass(frozen=True)
class Backtest:
    """A forecast beside what was published after it.

    Attributes
    ----------
    prediction : from the statements up to its month.
    outcome : what was first found out about the period, or else the latest statement on it.
    """

    prediction: Prediction
    outcome: Forecast

    @property
    def held(self) -> bool:
        """Whether the outcome's most likely value is inside the interval."""
        value = self.prediction.value
        return value.percentile_10 <= self.outcome.value.mode <= value.percentile_90

    @property
    def side(self) -> str:
        """Where the outcome is, ``"below"`` or ``"above"`` the interval; empty where it held."""
        if self.held:
            return ""
        is_below = self.outcome.value.mode < self.prediction.value.percentile_10
        return "below" if is_below else "above"

    @property
    def words(self) -> str:
        """The test in one sentence."""
        predicted, value = self.prediction, self.prediction.value
        verdict = "held" if self.held else f"missed, the outcome is {self.side}"
        known = f"{_counted(predicted.num_statements, 'statement')} and {predicted.spread_words}"
        low, high, outcome = (
            shown(each, predicted.unit)
            for each in (value.percentile_10, value.percentile_90, self.outcome.value.mode)
        )
        return (
            f"{verdict}: by {predicted.until} {low} to {high} {predicted.unit}, "
            f"from {known}; {self.outcome.kind} of {self.outcome.said} {outcome}"
        )


def forecast(name: str, until: str, period: int, sampling: Sampling = SAMPLING) -> Prediction:
    """Return what a period of a catalogue series was to be expected at, by the end of a month.

    Parameters
    ----------
    name : catalogue series.
    until : month of the last statement seen, ``"2025-03"``.
    period : calendar year.
    sampling : draws and seed.

    Raises
    ------
    ParameterError
        When too little was known by then, or a name or the month is unknown.

    Examples
    --------
    >>> forecast("units-800g", until="2025-06", period=2025).route
    'statements'
    """
    every = [catalog.get("series", each) for each in catalog.names("series")]
    return predict(catalog.get("series", name), every, until, period, sampling)


def predict(
    series: Series, every: Sequence[Series], until: str, period: int, sampling: Sampling
) -> Prediction:
    """Return the forecast of one series among others; see the module for the method."""
    _check_month(until)
    # the one place where time is cut: nothing below sees a later statement
    seen = [_seen(each, until) for each in every]
    mine = _seen(series, until)
    about = [entry for entry in mine.entries if entry.period == period]
    if about:
        route = "statements"
        logs = errors(each for each in seen if _is_price(each) == _is_price(series))
        steps = max(1, _months_between(_outcome(about).said, f"{period}-12"))
    else:
        route = "growth"
        before = [entry.period for entry in mine.entries if entry.period < period]
        if not before:
            raise ParameterError(
                f"nothing about {series.name} of {period} or before was published by {until}",
                hint="choose a later month",
            )
        about = [entry for entry in mine.entries if entry.period == max(before)]
        # a figure that was found out replaces what was expected
        about = [entry for entry in about if entry.kind == "actual"] or about
        logs = growths(each for each in seen if _grows_alike(each, series))
        steps = period - max(before)
    if len(logs) < _FEWEST:
        raise ParameterError(
            f"{len(logs)} ratios are known of {series.name} by {until}, {_FEWEST} are needed",
            hint="choose a later month",
        )
    base = _range(about)
    key = f"{series.name} {period} by {until}"
    if route == "statements":
        # deviations of errors grow with the root of the months, and so does their mean
        middle, drawn = _next_logs(logs, sampling, key, 1)
        middle, drawn = math.sqrt(steps) * middle, math.sqrt(steps) * drawn
    else:
        middle, drawn = _next_logs(logs, sampling, key, steps)
    value = interval(
        base.mode * math.exp(middle), sampling.draw(f"{key} base", base) * np.exp(drawn)
    )
    return Prediction(series.name, series.unit, period, until, value, route, len(about), len(logs))


def _next_logs(
    logs: Sequence[float], sampling: Sampling, key: str, steps: int
) -> tuple[float, NDArray[np.float64]]:
    """Return the mean of so many next logarithms together, and float64 draws of it, shape (D,)."""
    known = np.array(logs)
    mean = float(known.mean())
    # the error of the mean is the same in every step, so that its variance grows with their square
    deviation = float(known.std(ddof=1)) * math.sqrt(steps + steps**2 / len(known))
    random = np.random.default_rng([sampling.seed, zlib.crc32(key.encode())])
    drawn = random.standard_t(len(known) - 1, size=sampling.num_draws)
    return steps * mean, steps * mean + deviation * drawn


def backtests(until: str | None = None) -> tuple[Backtest, ...]:
    """Return forecasts of the catalogue's series beside what was published later.

    Parameters
    ----------
    until : month of the last statement seen; None for two years to half a year before the end of
        each period.

    Notes
    -----
    A forecast is listed when a later statement on its period exists, and when enough was known to
    make one. Series of yearly changes are only used, not forecast.
    """
    if until is not None:
        _check_month(until)
    found = []
    for name in catalog.names("series"):
        series = catalog.get("series", name)
        if series.unit == _CHANGE:
            continue
        for period in sorted({entry.period for entry in series.entries}):
            about = [entry for entry in series.entries if entry.period == period]
            outcome = _outcome(about)
            months = (until,) if until else tuple(_months(period))
            for month in months:
                if outcome.said > month:
                    try:
                        found.append(Backtest(forecast(name, month, period), outcome))
                    except ParameterError:
                        continue  # too little was known by then
    return tuple(found)


def coverage(tests: Sequence[Backtest]) -> float:
    """Return the share of outcomes inside their interval; compare `NOMINAL`."""
    if not tests:
        raise ParameterError("no forecast can be tested", hint="choose another month")
    return sum(test.held for test in tests) / len(tests)


def sharpness(tests: Sequence[Backtest]) -> float:
    """Return the median ratio of the intervals' upper to lower end; 1 would be certainty."""
    if not tests:
        raise ParameterError("no forecast can be tested", hint="choose another month")
    values = [test.prediction.value for test in tests]
    return statistics.median(value.percentile_90 / value.percentile_10 for value in values)


def errors(seen: Iterable[Series]) -> list[float]:
    """Return logarithms of outcome over an earlier statement, each over the root of its months.

    An outcome is what was first found out about a period, or else the latest statement on it.

    Examples
    --------
    200 G$ expected in June 2024, 223 G$ found out eight months later:

    >>> capex = _seen(catalog.get("series", "capex-four-hyperscalers"), "2025-02")
    >>> [round(math.exp(log * math.sqrt(8)), 3) for log in errors([capex])]
    [1.115]
    """
    logs = []
    for series in seen:
        for period in sorted({entry.period for entry in series.entries}):
            about = [entry for entry in series.entries if entry.period == period]
            outcome = _outcome(about)
            logs += [
                math.log(outcome.value.mode / entry.value.mode)
                / math.sqrt(_months_between(entry.said, outcome.said))
                for entry in about
                if entry.kind == "forecast"
                and _months_between(entry.said, outcome.said) >= _SHORTEST_MONTHS
            ]
    return logs


def growths(seen: Iterable[Series]) -> list[float]:
    """Return logarithms of yearly growth between neighbouring periods, and of published changes.

    Examples
    --------
    >>> [round(math.exp(log), 3) for log in growths([catalog.get("series", "units-400g")])]
    [2.0]
    """
    logs = []
    for series in seen:
        if series.unit == _CHANGE:
            logs += [math.log(entry.value.mode) for entry in series.entries]
            continue
        periods = sorted({entry.period for entry in series.entries})
        known = [
            _outcome([entry for entry in series.entries if entry.period == period]).value.mode
            for period in periods
        ]
        for place in range(1, len(periods)):
            years = periods[place] - periods[place - 1]
            logs.append(math.log(known[place] / known[place - 1]) / years)
    return logs


def _check_month(month: str) -> None:
    """Refuse what is no month: months are compared as texts."""
    if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", month):
        raise ParameterError(f"'{month}' is no month of this century", hint="write it like 2025-03")


def _seen(series: Series, until: str) -> Series:
    return series.model_copy(
        update={"entries": tuple(entry for entry in series.entries if entry.said <= until)}
    )


def _outcome(about: Sequence[Forecast]) -> Forecast:
    """Return what was first found out; else the latest statement, the first listed of its month."""
    found = [entry for entry in about if entry.kind == "actual"]
    if found:
        return min(found, key=lambda entry: entry.said)
    latest = max(entry.said for entry in about)
    return next(entry for entry in about if entry.said == latest)


def _range(entries: Sequence[Forecast]) -> Range:
    """Return what statements span, most likely what was found out or said last."""
    return Range(
        min(entry.value.low for entry in entries),
        _outcome(entries).value.mode,
        max(entry.value.high for entry in entries),
    )


def shown(value: float, unit: str) -> str:
    """Return a value with the prefixes of counts; prices as they are.

    Examples
    --------
    >>> shown(19.5e6, "modules"), shown(0.51, "USD/(Gb/s)")
    ('19.5 M', '0.51')
    """
    return f"{value:.3g}" if unit.startswith("USD/") else units.show(value, "count")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _is_price(series: Series) -> bool:
    return series.unit.startswith("USD/")


def _grows_alike(other: Series, series: Series) -> bool:
    return other.unit == series.unit or (_is_price(series) and other.unit == _CHANGE)


def _months_between(first: str, second: str) -> int:
    """Return the months from one to another.

    Examples
    --------
    >>> _months_between("2024-11", "2025-02")
    3
    """
    (year, month), (later, other) = (map(int, each.split("-")) for each in (first, second))
    return 12 * (later - year) + other - month


def _months(period: int) -> Iterator[str]:
    """Yield the months at which a period is forecast.

    Examples
    --------
    >>> list(_months(2025))
    ['2023-12', '2024-06', '2024-12', '2025-06']
    """
    for ahead in _AHEAD:
        months = (period + 1) * 12 - ahead - 1
        yield f"{months // 12}-{months % 12 + 1:02d}"
