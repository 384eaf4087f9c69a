"""How often dated forecasts of the sector held, that see nothing published after a month.

Promised: of intervals of 10 to 90 %, four fifths of the outcomes are inside, within 25 %. The
forecasts, hits and misses, are in backtest-unpromised; the method stands in
`netloom.supply.backtest`.
"""

from __future__ import annotations

from collections.abc import Iterator

from netloom.supply.backtest import NOMINAL, backtests, coverage, sharpness
from netloom.validation import Row

_TOLERANCE = 0.25


def rows() -> Iterator[Row]:
    """Yield the share of outcomes inside their interval."""
    tests = backtests()
    held = sum(test.held for test in tests)
    yield Row(
        "backtest",
        "outcomes inside their interval of 10 to 90 %, share",
        "",
        NOMINAL,
        coverage(tests),
        _TOLERANCE,
        "the level of the intervals themselves",
        note=f"{held} of {len(tests)}; the median interval's upper end is {sharpness(tests):.2g} "
        "times its lower end; forecasts of one series share statements and are not independent; "
        "the method was chosen with the outcomes in view",
    )
