"""Exposure as a picture: designs by component and company, or a build-out at risk and a tornado."""

from __future__ import annotations

from collections.abc import Sequence

from netloom.cost.draws import Interval
from netloom.report.exposure.cells import named
from netloom.report.exposure.designs import Designs
from netloom.report.exposure.outlook import (
    NETWORK,
    Sector,
    line_of,
    measure_words,
    most_at_risk,
)
from netloom.report.exposure.page import Page, answer
from netloom.report.exposure.words import NETWORK_WORDS, NOTICE, Speaker
from netloom.report.figures import exposure_bars as panels
from netloom.report.figures import svg
from netloom.report.figures.exposure_bars import Panel, Span
from netloom.supply.outlook import WHOLE, Line

_GAP = 26.0

#: Rows of a panel.
_NUM_BARS, _NUM_RISKS, _NUM_SWINGS = 14, 16, 12

_UNITS = ((1e12, "trillion US$"), (1e9, "billion US$"), (1e6, "million US$"), (1e3, "thousand US$"))


def draw(page: Page) -> str:
    """Return the picture of a page, with what it is written below the title."""
    title = f"Who supplies: {page.study}"
    if page.sector is not None:
        build_out = page.sector.build_out
        title = f"{build_out.title or build_out.name}, as of {build_out.as_of}"
    body, y = panels.headline(title)
    lines, y = panels.note(
        f"{NOTICE} Bars are medians, lines reach from the 10th to the 90th percentile "
        f"of {page.sampling.num_draws:,} draws, seed {page.sampling.seed}.", y,
    )  # fmt: skip
    body += lines
    if page.sector is not None:
        for sentence in answer(page):
            lines, y = panels.note(sentence, y + 6)
            body += lines
    told = [each for each in page.chosen if each in page.evidence]
    if page.chosen and not told:
        names = ", ".join(name for _, name in page.chosen)
        parts, y = panels.note(f"None of these designs buys {names}, or from them.", y + _GAP)
    elif page.sector is not None:
        parts, y = _sector(page.sector, told, page.speaker, y + _GAP / 2)
    elif page.designs is not None:
        parts, y = _designs(page.designs, told, page, y + _GAP / 2)
    else:
        raise ValueError("a page tells of designs or of a sector")
    body += parts
    return svg.document(panels.WIDTH, y, f"{title}. {NOTICE}", body)


def _designs(
    found: Designs, told: Sequence[tuple[str, str]], page: Page, top: float
) -> tuple[list[str], float]:
    """Return what companies gain and lose, and components by design."""
    body: list[str] = []
    y = top
    if _wants("company", told):
        more, y = _companies(found, page, y)
        body += more
        y += _GAP
    if _wants("component", told):
        rows = [each.components for each in found.exposure.designs]
        values = [
            (named("component", row.name, page.speaker), [each[place].added for each in rows])
            for place, row in enumerate(rows[0])
            if page.keeps("component", row.name)
        ]
        inside = f" ({NETWORK_WORDS})" if found.scope == "network" else ""
        title = f"Value added by components of the {found.scope_words}, {{unit}}{inside}"
        more, y = _bars(title, [each.name for each in found.exposure.designs], values, y)
        body += more
        y += _GAP
    return body, y - _GAP


def _companies(found: Designs, page: Page, top: float) -> tuple[list[str], float]:
    """Return what companies gain and lose by other designs, or what a single one pays them."""
    designs = found.exposure.designs
    if found.exposure.changes:
        changes = [each.companies for each in found.exposure.changes]
        values = [
            (named("company", row.name, page.speaker), [each[place].added for each in changes])
            for place, row in enumerate(changes[0])
            if page.keeps("company", row.name)
        ]
        title = f"Companies: value added against {designs[0].name}, {{unit}}"
        return _bars(title, [each.name for each in designs[1:]], values, top, first_hue=1)
    values = [
        (named("company", row.name, page.speaker), [row.added, row.sales])
        for row in designs[0].companies
        if page.keeps("company", row.name)
    ]
    title = f"Companies that supply the {found.scope_words}, {{unit}}"
    return _bars(title, ("value added", "sales"), values, top)


def _wants(kind: str, told: Sequence[tuple[str, str]]) -> bool:
    """Return whether rows of a kind are drawn: where nothing is chosen, or one of the kind."""
    return not told or any(each == kind for each, _ in told)


def _sector(
    found: Sector, told: Sequence[tuple[str, str]], speaker: Speaker, top: float
) -> tuple[list[str], float]:
    """Return what moves the whole, then what is at risk beside dollars by year."""
    body: list[str] = []
    y = top
    for line in [line_of(*each) for each in told] or [NETWORK]:
        more, y = _tornado(found, line, speaker, y)
        body += more
        y += _GAP
    for kind in ("company", "component"):
        if _wants(kind, told):
            lines = [line_of(*each) for each in told if each[0] == kind]
            lines = lines or most_at_risk(found, kind)[:_NUM_RISKS]
            more, y = _at_risk(found, kind, lines, speaker, y)
            body += more
            y += _GAP
    return body, y - _GAP


def _at_risk(
    found: Sector, kind: str, lines: Sequence[Line], speaker: Speaker, top: float
) -> tuple[list[str], float]:
    """Return shares lost by scenario beside dollars of the base by year, for the same rows."""
    outlook = found.outlook
    what = f"{measure_words(kind)} by {kind}"
    of_what = f"{measure_words(kind)} of the {found.scope_words}"
    base = speaker.of(found.scenarios[outlook.base].names)
    years = f"{outlook.years[0]} to {outlook.years[-1]}"
    by_year = [[outlook.dollars[outlook.base, y, line] for y in outlook.years] for line in lines]
    scale, unit = _unit([each.percentile_90 for row in by_year for each in row])
    dollars = Panel(
        f"{base}: {what}, {unit}", unit, tuple(map(str, outlook.years)),
        tuple(tuple(_span(each, scale) for each in row) for row in by_year), first_hue=4,
    )  # fmt: skip
    lost = Panel(
        f"By {kind}: share of {of_what} lost, {years}, %", "%",
        tuple(speaker.of(found.scenarios[each].names) for each in outlook.scenarios),
        tuple(
            tuple(
                _span(outlook.risks[each, WHOLE, line].loss_fraction, 0.01)
                for each in outlook.scenarios
            )
            for line in lines
        ),
        most=100.0,
    )  # fmt: skip
    labels = [named(kind, line.name, speaker) for line in lines]
    return panels.bars(labels, (lost, dollars) if outlook.scenarios else (dollars,), top)


def _tornado(found: Sector, line: Line, speaker: Speaker, top: float) -> tuple[list[str], float]:
    outlook = found.outlook
    swings = found.tornado.swings(line)[:_NUM_SWINGS]
    middle = outlook.dollars[outlook.base, WHOLE, line].mode
    ends = [middle, *(usd for each in swings for usd in (each.low_usd, each.high_usd))]
    scale, unit = _unit(ends)
    base = speaker.of(found.scenarios[outlook.base].names)
    what = "the network's content" if line == NETWORK else named(line.kind, line.name, speaker)
    years = f"{outlook.years[0]} to {outlook.years[-1]}"
    return panels.tornado(
        f"What moves {what} in {base}, {years}, {unit}: one number at a time, others most likely",
        [(found.words(each), each.low_usd / scale, each.high_usd / scale) for each in swings],
        middle / scale, top, unit,
    )  # fmt: skip


def _bars(
    title: str,
    series: Sequence[str],
    values: Sequence[tuple[str, Sequence[Interval]]],
    top: float,
    first_hue: int = 0,
) -> tuple[list[str], float]:
    """Return bars of the rows with the largest values, in one unit that is put in the title."""
    moved = [(label, found) for label, found in values if any(each.mean for each in found)]
    moved.sort(key=lambda pair: -max(abs(each.mean) for each in pair[1]))
    shown = moved[:_NUM_BARS]
    if not shown:
        return panels.note(f"{title.partition(',')[0]}: nothing.", top + _GAP)
    scale, unit = _unit([each.percentile_90 for _, found in shown for each in found])
    rows = tuple(tuple(_span(each, scale) for each in found) for _, found in shown)
    panel = Panel(title.format(unit=unit), unit, tuple(series), rows, first_hue)
    return panels.bars([label for label, _ in shown], [panel], top)


def _span(found: Interval, scale: float) -> Span:
    return Span(
        found.percentile_50 / scale, found.percentile_10 / scale, found.percentile_90 / scale
    )


def _unit(values: Sequence[float]) -> tuple[float, str]:
    largest = max(map(abs, values), default=0.0)
    return next((pair for pair in _UNITS if largest >= pair[0]), (1.0, "US$"))
