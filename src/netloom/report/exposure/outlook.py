"""A build-out in scenarios: dollars by year, revenue at risk, what moves it, what designs risk."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from netloom import catalog
from netloom.catalog.outlook import BuildOut, Scenario
from netloom.money.answer import Swing
from netloom.report.exposure.cells import evidence_cell, labelled, named
from netloom.report.exposure.evidence import Evidence
from netloom.report.exposure.words import (
    NETWORK_WORDS,
    Scope,
    Speaker,
    below,
    head,
    percent,
    probability,
    usd,
)
from netloom.report.tables import titled_table
from netloom.supply.chain import OTHERS
from netloom.supply.outlook import WHOLE, Line, Outlook, Risk, Tornado
from netloom.supply.risk import FALLS
from netloom.units import show

#: Rows of a table; JSON has all.
_NUM_ROWS, _NUM_RISKS, _NUM_SWINGS = 15, 15, 8

#: Most lines of which each has a tornado of its own in JSON: so few are those that were asked for.
_MOST_IN_FULL = 40

#: Fall of which the probability is shown: a tenth of the base.
_FALL = FALLS[0]

#: Share of the network's dollars below which a row is not among those at risk.
_LEAST = 0.002

#: Group of components whose sales are what a network pays for pluggable optics.
_MODULES = "optical modules"

NETWORK = Line("sector", "network", "added")
SECTOR = Line("sector", "all", "added")


@dataclass(frozen=True)
class Sector:
    """A build-out in scenarios with all that is told of it.

    Attributes
    ----------
    build_out : forecast of accelerators and designs.
    scenarios : by name, the base first.
    outlook, tornado : of both.
    evidence : by ``"component"`` or ``"company"`` and name.
    scope : of all dollars.
    """

    build_out: BuildOut
    scenarios: Mapping[str, Scenario]
    outlook: Outlook
    tornado: Tornado
    evidence: Mapping[tuple[str, str], Evidence]
    scope: Scope = "everything"

    @property
    def scope_words(self) -> str:
        """What the dollars of components and companies are of."""
        return "network" if self.scope == "network" else "network and servers"

    def words(self, swing: Swing) -> str:
        """Return what a number of the tornado is; drivers with the scenario that has them."""
        kind, _, rest = swing.path.partition("/")
        if kind != "scenario":
            return swing.words
        return f"{rest.partition('.')[0]}: {swing.words.removeprefix('1 + change, ')}"


def measure_of(kind: str) -> str:
    """Return what tables show: components by value added, which adds up; companies by revenue."""
    return "added" if kind == "component" else "sales"


def measure_words(kind: str) -> str:
    """Return the measure in words."""
    return "value added" if kind == "component" else "sales"


def line_of(kind: str, name: str) -> Line:
    """Return the row that tables show of a component or company."""
    return Line(kind, name, measure_of(kind))


def largest_lines(found: Sector, kind: str) -> list[Line]:
    """Return the lines of all components or companies, those with most dollars first."""
    outlook = found.outlook
    lines = [each for each in outlook.lines if each.kind == kind]
    shown = [each for each in lines if each.measure == measure_of(kind)]
    return sorted(shown, key=lambda each: -outlook.dollars[outlook.base, WHOLE, each].mode)


def most_at_risk(found: Sector, kind: str) -> list[Line]:
    """Return the lines of more than a trifle, by the largest share that a scenario moves."""
    outlook = found.outlook
    least = _LEAST * outlook.dollars[outlook.base, WHOLE, NETWORK].mode

    def moved(line: Line) -> float:
        risks = [outlook.risks[each, WHOLE, line] for each in outlook.scenarios]
        return max((abs(each.loss_fraction.mean) for each in risks), default=0.0)

    kept = [
        line
        for line in largest_lines(found, kind)
        if outlook.dollars[outlook.base, WHOLE, line].mode >= least
    ]
    return sorted(kept, key=lambda line: -moved(line))


def print_sector(found: Sector, console: Console, speaker: Speaker) -> None:
    """Print the sector by year and scenario, what is at risk, its rows and what moves it."""
    console.print(_by_scenario(found, console, speaker), "")
    if found.outlook.scenarios:
        console.print(_choices(found, console, speaker), "")
        for kind in ("company", "component"):
            lines = most_at_risk(found, kind)[:_NUM_RISKS]
            console.print(_at_risk(found, kind, lines, console, speaker), "")
    for kind in ("company", "component"):
        lines = largest_lines(found, kind)[:_NUM_ROWS]
        console.print(_by_year(found, kind, lines, console, speaker), "")
    console.print(swings(found, NETWORK, "network content of the base", console), "")
    for scenario in found.outlook.scenarios:
        what = f"network content lost in {speaker.of(found.scenarios[scenario].names)}"
        console.print(swings(found, NETWORK, what, console, scenario), "")


def print_line(found: Sector, kind: str, name: str, console: Console, speaker: Speaker) -> None:
    """Print one component or company by year and scenario, what is at risk and what moves it."""
    outlook = found.outlook
    years = [*outlook.years, WHOLE]
    columns = ("", *map(str, outlook.years), "all years")
    title = f"{named(kind, name, speaker)} by scenario"
    table = titled_table(escape(title), console, columns)
    for measure, words in (("added", "value added"), ("sales", "sales")):
        line = Line(kind, name, measure)
        for scenario in (outlook.base, *outlook.scenarios):
            label = f"{words}, {speaker.of(found.scenarios[scenario].names)}"
            table.add_row(
                Text(label), *(usd(outlook.dollars[scenario, year, line]) for year in years)
            )
    console.print(table, "")
    line = line_of(kind, name)
    if outlook.scenarios:
        console.print(_at_risk(found, kind, [line], console, speaker), "")
    told = named(kind, name, speaker)
    console.print(swings(found, line, f"{measure_words(kind)} of {told} in the base", console), "")


def heading(found: Sector, speaker: Speaker) -> Text:
    """Return what is told: the build-out, its designs, and scenarios with their dates."""
    build_out = found.build_out
    designs = [
        f"{name} ({build_out.designs[name].study})" if name in build_out.designs else name
        for name in found.outlook.designs
    ]
    told = [f"{speaker.of(each.names)} (as of {each.as_of})" for each in found.scenarios.values()]
    return Text(
        f"Build-out: {build_out.title or build_out.name}, as of {build_out.as_of}; prices of "
        f"{build_out.base_year}.\nDesigns: {'; '.join(designs)}.\nScenarios: {', '.join(told)}.\n"
        f"Dollars are of the network ({NETWORK_WORDS})"
        + ("; --scope everything adds servers." if found.scope == "network" else " and of servers.")
    )


def _by_scenario(found: Sector, console: Console, speaker: Speaker) -> Table:
    outlook = found.outlook
    columns = ("", *map(str, outlook.years), "all years")
    table = titled_table("The sector by scenario", console, columns)
    for scenario in (outlook.base, *outlook.scenarios):
        name = speaker.of(found.scenarios[scenario].names)
        numbers = [
            sum(outlook.accelerators[scenario, year, each].mode for each in outlook.designs)
            for year in outlook.years
        ]
        table.add_row(
            Text(f"{name}: accelerators, most likely"),
            *(show(each, "count") for each in (*numbers, sum(numbers))),
        )
        both = ((NETWORK, "network"), (SECTOR, "with servers"))
        for line, words in both[: 1 if found.scope == "network" else 2]:
            table.add_row(
                Text(f"{name}: {words}"),
                *(usd(outlook.dollars[scenario, year, line]) for year in (*outlook.years, WHOLE)),
            )
    return table


def _by_year(
    found: Sector, kind: str, lines: Sequence[Line], console: Console, speaker: Speaker
) -> Table:
    outlook = found.outlook
    base = speaker.of(found.scenarios[outlook.base].names)
    title = f"By {kind}: {measure_words(kind)} in {base}, of the {found.scope_words}"
    columns = (kind, "grade, as of", *map(str, outlook.years), "all years")
    table = titled_table(escape(title), console, columns, num_left=2)
    table.columns[1].no_wrap = True
    for line in lines:
        texts = [usd(outlook.dollars[outlook.base, y, line]) for y in (*outlook.years, WHOLE)]
        table.add_row(
            labelled(kind, line.name, _group(kind, line.name), speaker),
            evidence_cell(found.evidence.get((kind, line.name))), *map(below, texts),
        )  # fmt: skip
    return table


def _group(kind: str, name: str) -> str:
    if name == OTHERS:
        return ""
    entry = catalog.get(kind, name)
    return str(entry.group if kind == "component" else entry.region)


def _at_risk(
    found: Sector, kind: str, lines: Sequence[Line], console: Console, speaker: Speaker
) -> Table:
    outlook = found.outlook
    title = (
        f"By {kind}: share of {measure_words(kind)} lost in all years, of the "
        f"{found.scope_words}; dollars; P of losing more than {_FALL:.0%}; without trifles"
    )
    names = (escape(speaker.of(found.scenarios[each].names)) for each in outlook.scenarios)
    table = titled_table(title, console, (kind, *names))
    for line in lines:
        risks = [outlook.risks[each, WHOLE, line] for each in outlook.scenarios]
        table.add_row(Text(named(kind, line.name, speaker)), *map(_risk, risks))
    return table


def _risk(found: Risk) -> str:
    if found.loss.mean == found.loss.mode == 0:
        return "nothing"
    if found.base.mean <= 0:
        return f"was nothing\n{usd(found.loss, signed=True)}"
    dollars = head(usd(found.loss))
    return f"{percent(found.loss_fraction)}\n{dollars}, P {probability(found.falls[_FALL])}"


def _choices(found: Sector, console: Console, speaker: Speaker) -> Table:
    """Return what one planned accelerator of each design loses of its network content."""
    outlook = found.outlook
    names = [escape(speaker.of(found.scenarios[each].names)) for each in outlook.scenarios]
    columns = ("design", "network, base", "of it optical modules", *names)
    title = "Design choices: network content lost per planned accelerator, mean of the years"
    table = titled_table(title, console, columns)
    for design in outlook.designs:
        risks = [outlook.design_risks[each, design, NETWORK] for each in outlook.scenarios]
        table.add_row(
            Text(design), below(usd(risks[0].base)), f"{modules_share(found, design):.0%}",
            *(f"{percent(each.loss_fraction)}\n{head(usd(each.loss))}" for each in risks),
        )  # fmt: skip
    return table


def modules_share(found: Sector, design: str) -> float:
    """Return the optical modules' share of a design's network, mean of the years, at medians."""
    outlook = found.outlook
    if not outlook.scenarios:
        return 0.0

    def usd_of(line: Line) -> float:
        return outlook.design_risks[outlook.scenarios[0], design, line].base.percentile_50

    names = {line.name for line in outlook.lines if line.kind == "component"}
    modules = [name for name in names if catalog.get("component", name).group == _MODULES]
    network = usd_of(NETWORK)
    sold = sum(usd_of(Line("component", name, "sales")) for name in sorted(modules))
    return sold / network if network else 0.0


def swings(found: Sector, line: Line, what: str, console: Console, scenario: str = "") -> Table:
    """Return the table of a tornado, of what a scenario takes where one is named."""
    title = f"What moves the {what}: one number at its 10th and 90th percentile"
    table = titled_table(escape(title), console, ("number", "grade", "10 %", "90 %", "swing"), 2)
    grades = {each.path: each.grade for each in found.outlook.inputs}
    for each in found.tornado.swings(line, scenario, loss=bool(scenario))[:_NUM_SWINGS]:
        table.add_row(
            Text(found.words(each)), grades.get(each.path, ""), show(each.low_usd, "money"),
            show(each.high_usd, "money"), show(each.width_usd, "money"),
        )  # fmt: skip
    return table


def plain(found: Sector, keep: Callable[[str, str], bool]) -> dict[str, Any]:
    """Return the outlook for JSON.

    Parameters
    ----------
    keep : from ``"component"`` or ``"company"`` and a name to whether its rows are wanted.
    """
    outlook = found.outlook
    scenarios = (outlook.base, *outlook.scenarios)
    lines = [each for each in outlook.lines if each.kind == "sector" or keep(each.kind, each.name)]
    years = (*outlook.years, WHOLE)
    chosen = [each for each in lines if each.kind != "sector"]
    told_in_full = [SECTOR, NETWORK, *(chosen if len(lines) <= _MOST_IN_FULL else ())]

    def swings_of(scenario: str, line: Line) -> list[dict[str, Any]]:
        moved = found.tornado.swings(line, scenario, loss=scenario != outlook.base)
        return [dataclasses.asdict(each) for each in moved]

    return {
        "build_out": {
            "name": outlook.build_out, "title": found.build_out.title,
            "as_of": found.build_out.as_of, "base_year": found.build_out.base_year,
            "years": list(outlook.years), "designs": list(outlook.designs),
        },
        "scenarios": [
            {"name": each, "names": found.scenarios[each].names.model_dump(),
             "as_of": found.scenarios[each].as_of}
            for each in scenarios
        ],
        "accelerators": [
            {"scenario": scenario, "year": year, "design": design, **dataclasses.asdict(number)}
            for (scenario, year, design), number in outlook.accelerators.items()
        ],
        "design_dollars": [
            {"scenario": scenario, "year": year, "design": design,
             "bill_usd": dataclasses.asdict(usd),
             "network_usd": dataclasses.asdict(outlook.design_network_usd[scenario, year, design])}
            for (scenario, year, design), usd in outlook.design_usd.items()
        ],
        "dollars": [
            {"scenario": scenario, "year": _year(year), **dataclasses.asdict(line),
             **dataclasses.asdict(outlook.dollars[scenario, year, line])}
            for scenario in scenarios for year in years for line in lines
        ],
        "risks": [
            {"scenario": scenario, "year": _year(year), **dataclasses.asdict(line),
             **_plain_risk(outlook.risks[scenario, year, line])}
            for scenario in outlook.scenarios for year in years for line in lines
        ],
        "design_risks": [
            {"scenario": scenario, "design": design, **dataclasses.asdict(line),
             **_plain_risk(outlook.design_risks[scenario, design, line])}
            for scenario in outlook.scenarios for design in outlook.designs for line in told_in_full
        ],
        "tornado": [
            {"scenario": scenario, "of": "loss" if scenario in outlook.scenarios else "dollars",
             **dataclasses.asdict(line), "swings": swings_of(scenario, line)}
            for scenario in scenarios for line in told_in_full
        ],
    }  # fmt: skip


def _plain_risk(risk: Risk) -> dict[str, Any]:
    return {
        "base_usd": dataclasses.asdict(risk.base),
        "loss_usd": dataclasses.asdict(risk.loss),
        "loss_fraction": dataclasses.asdict(risk.loss_fraction),
        "falls": [
            {"more_than": share, "probability": chance} for share, chance in risk.falls.items()
        ],
    }


def _year(year: int) -> int | None:
    return None if year == WHOLE else year
