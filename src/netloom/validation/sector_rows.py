"""What the shipped build-out's base implies for the sector's published figures of one year."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from netloom import catalog, search
from netloom.catalog.parts import Part
from netloom.cost.bom import FIBRE
from netloom.cost.draws import Interval, Sampling
from netloom.resolve import checks, resolve
from netloom.result import BomLine
from netloom.schema.load import load
from netloom.supply.bill import Bill, bills_of
from netloom.supply.outlook import Line, Outlook, run
from netloom.supply.read import design_bills, read_build_out
from netloom.validation import Row
from netloom.validation.published import NOT_PROMISED, cite, read

#: Promised of yearly sums of a whole sector, whose forecasts of one year differ by 1.8 times.
WITHIN = 0.30

_SAMPLING = Sampling(2000, 0, 0.5)

#: What values of a unit are divided by.
_SCALES = {"G$": 1e9, "M modules": 1e6, "$": 1.0}


@dataclass(frozen=True)
class Implied:
    """The base of the build-out.

    Attributes
    ----------
    outlook : in dollars.
    bills : by design.
    year : that is compared.
    """

    outlook: Outlook
    bills: Mapping[str, Bill]
    year: int

    def dollars(self, kind: str, name: str) -> Interval:
        """Return what a component or company is paid in the year, US$."""
        key = self.outlook.base, self.year, Line(kind, name, "sales")
        return self.outlook.dollars.get(key, Interval(0.0, 0.0, 0.0, 0.0, 0.0))

    def bought(self, of_line: Callable[[BomLine], float]) -> list[float]:
        """Return what lines come to in the year: most likely, 10th and 90th percentile."""
        found = [0.0, 0.0, 0.0]
        for design, bill in self.bills.items():
            each = sum(map(of_line, bill.lines)) / bill.num_accelerators
            number = self.outlook.accelerators[self.outlook.base, self.year, design]
            ends = number.mode, number.percentile_10, number.percentile_90
            found = [sum_ + each * end for sum_, end in zip(found, ends, strict=True)]
        return found


def rows(category: str, promised: bool) -> Iterator[Row]:
    """Yield the measures that are promised, or the others."""
    published = read("sector.yaml")
    for case in published["measures"]:
        if case["promised"] != promised:
            continue
        scale = _SCALES[case["unit"]]
        figure, keys = _figure(case["published"], published["merchant"])
        mode, low, high = measure(case["computed"], implied())
        verdict = "inside" if low <= figure <= high else "outside"
        spread = f"{low / scale:.3g} to {high / scale:.3g} {case['unit']} in 8 of 10 draws"
        note = f"{spread}, published {verdict}; {case['reason'].strip()}"
        if case["published"]["covers"] == "all":
            share = f"{published['merchant']['fraction']:.0%}"
            note += f"; the published figure counts for merchant accelerators, {share} of chips"
        yield Row(
            category, case["name"], case["unit"], figure / scale, mode / scale,
            WITHIN if promised else NOT_PROMISED, cite(keys), note=note,
        )  # fmt: skip


def measure(given: Mapping[str, Any], base: Implied) -> list[float]:
    """Return one measure of a base: most likely, 10th and 90th percentile.

    Dollars of several rows add up end by end, as if they moved together.

    Parameters
    ----------
    given : names of `components` and `companies` by what they are paid, `modules` by rate with what
        each counts for, `made_by` a vendor in `groups` of the bills, or `fibre_of` a design for one
        of its accelerators.
    base : in one year.
    """
    if "fibre_of" in given:
        bill = base.bills[given["fibre_of"]]
        lines = [line.total_usd for line in bill.lines if line.part == FIBRE]
        sums = (sum(getattr(usd, end) for usd in lines) for end in ("mode", "low", "high"))
        return [usd / bill.num_accelerators for usd in sums]
    found = [0.0, 0.0, 0.0]
    for kind in ("component", "company"):
        for name in given.get("companies" if kind == "company" else "components", ()):
            usd = base.dollars(kind, name)
            ends = usd.mode, usd.percentile_10, usd.percentile_90
            found = [sum_ + end for sum_, end in zip(found, ends, strict=True)]
    if "modules" in given:
        found = base.bought(lambda line: _modules(line, given["modules"]))
    if "made_by" in given:
        made = base.bought(
            lambda line: (
                line.total_usd.mode
                * (line.group in given["groups"] and _vendor(line.part) == given["made_by"])
            )
        )
        found = [sum_ + end for sum_, end in zip(found, made, strict=True)]
    return found


@cache
def implied() -> Implied:
    """Return the base of the build-out that the data file names."""
    published = read("sector.yaml")
    build_out, folder = read_build_out(published["build_out"])

    def planned(study: Path, networks: Any) -> dict[str, Bill]:
        resolved = resolve(load(study, [checks(study.parent)]), study.parent)
        return bills_of(resolved, search.plan_study(resolved), networks)

    bills = design_bills(build_out, folder, planned, {})
    return Implied(run(bills, build_out, [], _SAMPLING), bills, published["year"])


def _figure(given: Mapping[str, Any], merchant: Mapping[str, Any]) -> tuple[float, list[str]]:
    """Return a published figure as it compares, and the keys of its sources."""
    value = float(given["value"]) * given.get("per_year", 1) * given.get("part", 1.0)
    keys = [given["source"]] if isinstance(given["source"], str) else list(given["source"])
    if given["covers"] == "all":
        value *= merchant["fraction"]
        keys.append(merchant["source"])
    return value / given.get("per_usd", 1.0), list(dict.fromkeys(keys))


def _modules(line: BomLine, counts: Mapping[str, float]) -> float:
    if line.group != "optics":
        return 0.0
    rate = catalog.get("medium", line.part.removeprefix("medium/")).rate
    return line.quantity * counts.get(rate, 0.0)


def _vendor(part: str) -> str:
    kind, _, name = part.partition("/")
    entry = catalog.get(kind, name) if kind in ("switch", "nic") else None
    return entry.vendor if isinstance(entry, Part) else ""
