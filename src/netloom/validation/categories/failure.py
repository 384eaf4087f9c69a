"""Interruptions and effective training time of published runs.

Promised: effective time inside the published bounds, times between interruptions to the printed
digit. A published bound such as "above 90 %" is shown as the middle of the range that it leaves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netloom.failure.inventory import Exposure
from netloom.units import DAY_S, parse
from netloom.validation import Row
from netloom.validation.failures import (
    answer,
    inventory,
    llama3_rates,
    node_failure_hours,
    simulated_effective,
    write_s,
)
from netloom.validation.published import between, cite, half_digit, read, with_values

#: The catalogue keeps three digits of a counted rate.
_COUNTED = 0.005


def rows() -> Iterator[Row]:
    """Yield the rows of ``data/failure.yaml`` that netloom promises."""
    published = read("failure.yaml")
    network = _measured_network(published["llama3"])
    yield from _llama3(published["llama3"], network)
    yield from _rsc1(published["rsc1"])
    for case in published["runs"]:
        yield _run(case, network)
    yield _simulated(published["llama3"], network)


def _simulated(case: dict[str, Any], network: Exposure) -> Row:
    """Simulate the run, every rate drawn from its count and the network's at its own."""
    rates = llama3_rates()
    median = simulated_effective(
        inventory(case["accelerators"], network), rates, write_s(case["parameters"], rates)
    )
    middle, tolerance = between(*case["effective"])
    return Row(
        "failure",
        f"{case['name']}: effective time, median of 1,000 simulated runs",
        "",
        middle,
        median,
        tolerance,
        cite(case["source"]),
        note="printed as above 90 %: the middle of 90 to 100 %; rates drawn from their counts",
    )


def _measured_network(case: dict[str, Any]) -> Exposure:
    """Return switches and cables as that run counted them, as a rate per accelerator."""
    exposure_s = case["days"] * DAY_S * case["accelerators"]
    return Exposure("network", case["accelerators"], case["interruptions"]["network"] / exposure_s)


def _llama3(case: dict[str, Any], network: Exposure) -> Iterator[Row]:
    rates, source = llama3_rates(), cite(case["source"])
    job = inventory(case["accelerators"], network)
    found = answer(job, rates, write_s(case["parameters"], rates))
    by_cause = found.interruptions_per_day_by_cause
    # the network's own count went in as it is, so only the catalogue's causes are compared
    calibrated = {
        f"by {cause}": (number, by_cause[cause])
        for cause, number in case["interruptions"].items()
        if cause != network.cause
    }
    calibrated["in all"] = case["total"], found.interruptions_per_day
    for name, (number, per_day) in calibrated.items():
        yield Row(
            "failure",
            f"{case['name']}: interruptions {name}",
            "",
            number,
            case["days"] * per_day,
            _COUNTED,
            source,
            "calibration",
            case["note"],
        )
    yield Row(
        "failure",
        f"{case['name']}: time between interruptions",
        "h",
        float(case["hours_between"]),
        24 / found.interruptions_per_day,
        _COUNTED,
        source,
        "calibration",
    )
    middle, tolerance = between(*case["effective"])
    yield Row(
        "failure",
        f"{case['name']}: effective time",
        "",
        middle,
        found.effective_fraction,
        tolerance,
        source,
        note="printed as above 90 %: the middle of 90 to 100 %",
    )


def _rsc1(case: dict[str, Any]) -> Iterator[Row]:
    for num_accelerators, printed in case["hours_between"].items():
        yield Row(
            "failure",
            f"{case['name']}, {num_accelerators:,} GPUs: time between interruptions",
            "h",
            float(printed),
            node_failure_hours(case["per_1000_node_days"], num_accelerators),
            half_digit(printed),
            cite(case["source"]),
            note="from the paper's 6.50 failures per 1,000 node-days",
        )


def _run(case: dict[str, Any], network: Exposure) -> Row:
    job = inventory(
        case["accelerators"],
        Exposure(network.cause, case["accelerators"], network.failures_per_s),
    )
    rates = with_values(
        llama3_rates(),
        detection_s=parse(case["detection"], "time") if case["detection"] else None,
        restart_s=parse(case["restart"], "time"),
    )
    interval_s, stall_s = None, write_s(case["parameters"], rates)
    if case["checkpoint_interval"]:
        interval_s = parse(case["checkpoint_interval"], "time")
        stall_s = case["stall_fraction"] * interval_s
    middle, tolerance = between(*case["published"])
    return Row(
        "failure",
        case["name"],
        "",
        middle,
        answer(job, rates, stall_s, interval_s).effective_fraction,
        tolerance,
        cite(case["source"]),
        note=case["note"],
    )
