"""Forecasts that may not see later data, against closed forms and a second implementation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from netloom import catalog
from netloom.catalog.outlook import Forecast, Series
from netloom.catalog.quantity import Quantity
from netloom.cost.draws import Sampling
from netloom.errors import ParameterError
from netloom.supply import backtest
from netloom.supply.backtest import backtests, errors, forecast, growths, predict
from netloom.validation.categories import backtest as promised
from netloom.validation.categories import backtest_unpromised as listed

SAMPLING = Sampling(num_draws=100_000, seed=7, common_fraction=0.0)


def entry(period, said, kind, low, mode=None, high=None):
    mode = low if mode is None else mode
    value = Quantity(
        low=low, mode=mode, high=mode if high is None else high, dimension="count",
        basis="test", date=said, source=("M28",), grade="A",
    )  # fmt: skip
    return Forecast(period=period, said=said, kind=kind, value=value)


def series(name, unit, *entries):
    return Series(name=name, title=name, unit=unit, entries=entries)


GROWTH = series(
    "growing", "modules",
    entry(2020, "2021-01", "actual", 1.0), entry(2021, "2022-01", "actual", 2.0),
    entry(2022, "2023-01", "actual", 3.0), entry(2023, "2024-01", "actual", 6.0),
)  # fmt: skip


def everything():
    return [catalog.get("series", name) for name in catalog.names("series")]


def changed_after(each, until):
    """Return a series whose later statements are ten times as high, and one more."""
    later = [
        item.model_copy(
            update={"value": item.value.model_copy(
                update={end: 10 * getattr(item.value, end) for end in ("low", "mode", "high")}
            )}
        )
        if item.said > until
        else item
        for item in each.entries
    ]  # fmt: skip
    return each.model_copy(update={"entries": (*later, entry(2024, "2099-12", "actual", 1.0))})


@pytest.mark.parametrize("until", ["2023-12", "2024-12", "2025-03", "2025-06", "2025-12"])
def test_later_data_never_change_a_forecast(until):
    shipped = everything()
    altered = [changed_after(each, until) for each in shipped]
    compared = 0
    for before, after in zip(shipped, altered, strict=True):
        for period in range(2024, 2028):
            try:
                expected = predict(before, shipped, until, period, SAMPLING)
            except ParameterError as refused:
                with pytest.raises(ParameterError, match=str(refused).split(" ")[0]):
                    predict(after, altered, until, period, SAMPLING)
                continue
            assert predict(after, altered, until, period, SAMPLING) == expected
            compared += 1
    assert compared > 4


def test_deleting_later_data_never_changes_a_forecast():
    shipped, until = everything(), "2025-06"
    cut = [
        each.model_copy(update={"entries": tuple(e for e in each.entries if e.said <= until)})
        for each in shipped
    ]
    mine = next(each for each in cut if each.name == "units-800g")
    assert predict(mine, cut, until, 2025, backtest.SAMPLING) == forecast("units-800g", until, 2025)


def test_growth_is_the_predictive_interval_of_a_normal_sample():
    predicted = predict(GROWTH, [GROWTH], "2024-06", 2024, SAMPLING)
    logs = np.log([2.0, 1.5, 2.0])
    deviation = logs.std(ddof=1) * math.sqrt(1 + 1 / 3)
    for share, end in ((0.1, predicted.value.percentile_10), (0.9, predicted.value.percentile_90)):
        expected = 6.0 * math.exp(logs.mean() + deviation * stats.t.ppf(share, 2))
        assert end == pytest.approx(expected, rel=0.02)
    assert predicted.value.mode == pytest.approx(6.0 * 6.0 ** (1 / 3))
    assert (predicted.route, predicted.num_ratios) == ("growth", 3)


def test_growth_over_two_years_counts_the_error_of_the_mean_twice():
    """Two next logarithms of a normal sample have the variance 2 s^2 + 4 s^2 / n."""
    predicted = predict(GROWTH, [GROWTH], "2024-06", 2025, SAMPLING)
    logs = np.log([2.0, 1.5, 2.0])
    deviation = logs.std(ddof=1) * math.sqrt(2 + 4 / 3)
    expected = 6.0 * math.exp(2 * logs.mean() + deviation * stats.t.ppf(0.9, 2))
    assert predicted.value.percentile_90 == pytest.approx(expected, rel=0.03)


def test_errors_grow_with_the_root_of_the_months():
    judged = series(
        "judged", "modules",
        entry(2021, "2021-01", "forecast", 10.0), entry(2021, "2022-01", "actual", 20.0),
        entry(2022, "2022-01", "forecast", 10.0), entry(2022, "2023-01", "actual", 5.0),
        entry(2023, "2023-01", "forecast", 10.0), entry(2023, "2024-01", "actual", 10.0),
        entry(2024, "2024-09", "forecast", 100.0), entry(2025, "2024-12", "forecast", 100.0),
    )  # fmt: skip
    by_year = np.array([math.log(2), -math.log(2), 0.0]) / math.sqrt(12)
    assert errors([judged]) == pytest.approx(by_year)
    for period, months in ((2024, 3), (2025, 12)):
        predicted = predict(judged, [judged], "2024-12", period, SAMPLING)
        scale = math.sqrt(months) * by_year.std(ddof=1) * math.sqrt(4 / 3)
        expected = 100.0 * math.exp(scale * stats.t.ppf(0.9, 2))
        assert predicted.value.percentile_90 == pytest.approx(expected, rel=0.02)
        assert predicted.route == "statements"


def test_soon_corrected_statements_are_no_errors_of_time():
    two_sources = series(
        "two", "modules",
        entry(2025, "2025-01", "forecast", 10.0), entry(2025, "2025-06", "forecast", 20.0),
    )  # fmt: skip
    assert errors([two_sources]) == []


def test_growth_over_several_years_is_yearly():
    gap = series(
        "gap", "modules",
        entry(2016, "2019-04", "actual", 8.0), entry(2018, "2019-04", "actual", 2.0),
    )  # fmt: skip
    assert growths([gap]) == pytest.approx([math.log(0.5)])


def test_prices_use_the_erosion_of_earlier_generations():
    predicted = forecast("price-800g", "2024-12", 2025)
    # 2 of these mean prices and 4 published changes
    assert predicted.num_ratios == 6
    assert predicted.value.percentile_50 < 0.78


def test_what_happened_is_no_forecast():
    for test in backtests():
        mine = catalog.get("series", test.prediction.series).entries
        found = [e.said for e in mine if e.period == test.prediction.period and e.kind == "actual"]
        assert not [said for said in found if said <= test.prediction.until]
        assert test.outcome.said > test.prediction.until


def test_the_issue_of_800g_units_is_told_with_its_verdict():
    (test,) = (
        each
        for each in backtests("2025-06")
        if (each.prediction.series, each.prediction.period) == ("units-800g", 2025)
    )
    assert test.held
    assert test.words.startswith("held: by 2025-06 ")
    missed = [each for each in backtests() if not each.held]
    assert missed
    assert all(each.words.startswith("missed, the outcome is ") for each in missed)


def test_coverage_counts_and_refuses_nothing():
    tests = backtests()
    assert backtest.coverage(tests) == sum(test.held for test in tests) / len(tests)
    assert backtest.sharpness(tests) > 1
    with pytest.raises(ParameterError, match="no forecast can be tested"):
        backtest.coverage([])
    with pytest.raises(ParameterError, match="no forecast can be tested"):
        backtest.sharpness([])


@pytest.mark.parametrize("month", ["2025", "2025-3", "2025-13", "March"])
def test_what_is_no_month_is_refused(month):
    with pytest.raises(ParameterError, match="is no month"):
        backtests(month)


def test_same_seed_same_bits():
    assert forecast("units-800g", "2025-06", 2026) == forecast("units-800g", "2025-06", 2026)


@pytest.mark.parametrize(
    ("name", "until", "period", "why"),
    [
        ("units-800g", "2020-01", 2025, "nothing about units-800g of 2025 or before"),
        ("capex-four-hyperscalers", "2019-12", 2025, "nothing about capex-four"),
        ("units-100g", "2018-12", 2019, "1 ratios are known of units-100g by 2018-12"),
        ("units-80g", "2025-03", 2025, "unknown series 'units-80g'"),
        ("units-800g", "2025-3", 2025, "'2025-3' is no month"),
    ],
)
def test_too_little_is_refused_by_name(name, until, period, why):
    with pytest.raises(ParameterError, match=why):
        forecast(name, until, period)


def test_the_categories_list_hits_and_misses():
    (covered,) = promised.rows()
    notes = [row.note for row in listed.rows()]
    assert covered.computed == pytest.approx(
        sum(note.startswith("held") for note in notes) / len(notes)
    )
    assert covered.passed
    assert {note.split(":")[0].split(",")[0] for note in notes} == {"held", "missed"}
