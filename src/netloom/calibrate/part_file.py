"""A software part with fitted constants, as a file that a study can name."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import yaml

from netloom import catalog
from netloom.calibrate.problem import FittedConstant
from netloom.calibrate.release_fit import ReleaseFit
from netloom.catalog.load import DATA
from netloom.errors import ParameterError
from netloom.units import show

#: Digits of a fitted constant.
_DIGITS = 4


def part_text(fits: Sequence[ReleaseFit], source: str, date: datetime.date) -> str:
    """Return the YAML text of a release's part with the fitted constants in place.

    All that was not fitted is the catalogue's, with its own sources.

    Parameters
    ----------
    fits : of one release, one for each accelerator.
    source : the table that was fitted to.
    date : of the calibration.

    Raises
    ------
    ParameterError
        When the fits are of several releases: a part is one.
    """
    releases = sorted({fit.software for fit in fits})
    if len(releases) > 1:
        raise ParameterError(
            f"the rows are of {len(releases)} software releases: {', '.join(releases)}",
            hint="write --software with one of them, or keep the rows of one in a file of its own",
        )
    (name,) = releases
    raw = yaml.safe_load((DATA / "software" / f"{name}.yaml").read_text(encoding="utf-8"))
    for fit in fits:
        for constant in fit.constants:
            place = raw if constant.dimension == "time" else raw["accelerators"][fit.accelerator]
            place[constant.name] = _quantity(fit, constant, source, date)
    title = catalog.get("software", name).title
    return (
        f"# {name} of the catalogue, calibrated by netloom calibrate step. A study names this\n"
        "# file by its path, such as cluster.software: ./software.yaml\n"
        + yaml.safe_dump(
            raw | {"title": f"{title}, calibrated"},
            sort_keys=False, allow_unicode=True, default_flow_style=None, width=10_000,
        )
    )  # fmt: skip


def _quantity(
    fit: ReleaseFit, constant: FittedConstant, source: str, date: datetime.date
) -> dict[str, Any]:
    """Return a fitted constant as part files write it.

    Without an interval of its own it takes the catalogue's, widened to hold the fitted value.
    """
    value, low, high = constant.value, constant.low, constant.high
    interval = "95 % interval by profile likelihood"
    if low is None or high is None:
        low, high = _catalogue_range(fit, constant)
        interval = "range of the catalogue, widened"
    before, after, left_out = (show(error, "fraction") for error in fit.median_errors)
    numbers = {"low": min(low, value), "mode": value, "high": max(high, value)}
    return {
        **{key: _shown(number, constant.dimension) for key, number in numbers.items()},
        "basis": f"robust least squares on log(step) of {constant.num_rows} rows; {interval}; "
        f"median error {before} before, {after} after, {left_out} of rows left out",
        "date": f"{date:%Y-%m}",
        "source": source,
        "grade": "derived",
    }


def _catalogue_range(fit: ReleaseFit, constant: FittedConstant) -> tuple[float, float]:
    part = catalog.get("software", fit.software)
    if constant.dimension != "time":
        part = part.accelerators[fit.accelerator]
    quantity = getattr(part, constant.name)
    return quantity.low, quantity.high


def _shown(number: float, dimension: str) -> float | str:
    """Return a number with its unit; a fraction is a bare number."""
    rounded = float(f"{number:.{_DIGITS}g}")
    return f"{rounded!r} s" if dimension == "time" else rounded
