"""Restarts of a run from its own count of broken hosts, as it took hosts out and started again.

Promised: a tenth, because both counts are printed as lower bounds.
"""

from __future__ import annotations

from collections.abc import Iterator

from netloom.validation import Row
from netloom.validation.failures import GPUS_PER_NODE, node_failure_hours
from netloom.validation.published import cite, read

_TOLERANCE = 0.1


def rows() -> Iterator[Row]:
    """Yield the run whose hosts and restarts were both counted."""
    case = read("failure.yaml")["opt"]
    node_days = case["accelerators"] / GPUS_PER_NODE * case["days"]
    hours = node_failure_hours(1000 * case["cycled_hosts"] / node_days, case["accelerators"])
    yield Row(
        "restarts",
        f"{case['name']}: restarts a day, from the hosts that were cycled",
        "",
        case["restarts"]["all"] / case["days"],
        24 / hours,
        _TOLERANCE,
        cite(case["source"]),
        note=f"more than {case['cycled_hosts']} of {node_days / case['days']:.0f} hosts in "
        f"{case['days']} days, each taken as one failure of one node; at least "
        f"{case['restarts']['all']} restarts, by hand and by the system. Rates of other clusters "
        "explain half of them: category failure-unpromised",
    )
