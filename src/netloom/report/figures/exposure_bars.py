"""Rows of ranges on axes of dollars or percent: bars with whiskers side by side, and tornadoes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netloom.report.figures import svg
from netloom.report.figures.cost_time import ticks

WIDTH = 900.0
_LEFT, _RIGHT, _BETWEEN = 262.0, 884.0, 34.0
_TORNADO_LEFT = 372.0
_SIZE, _LINE = 11.5, 15.0
_BAR, _BAR_GAP, _ROW_GAP = 9.0, 2.0, 9.0
_TORNADO_BAR, _TORNADO_ROW = 15.0, 21.0

#: Fonts of some systems are so much wider than what a text's width is estimated for.
_WIDER = 1.14

#: Hues of the series, cyclic.
_NUM_HUES = 8


@dataclass(frozen=True)
class Span:
    """One value with the range around it, in the unit of the axis."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Panel:
    """Bars of the same rows in one unit.

    Attributes
    ----------
    title : with the unit of the axis.
    unit : of a value that the pointer shows.
    series : names of the bars of a row.
    rows : a span for each series, by row.
    first_hue : number of the first series' hue.
    most : the axis ends here on either side, and what lies beyond is written in numbers; 0 for an
        axis as long as the values need.
    """

    title: str
    unit: str
    series: tuple[str, ...]
    rows: tuple[tuple[Span, ...], ...]
    first_hue: int = 0
    most: float = 0.0


@dataclass(frozen=True)
class _Axis:
    left: float
    right: float
    ticks: list[float]

    def x(self, value: float) -> float:
        """Return the place of a value, at the nearer end for those outside."""
        low, high = self.ticks[0], self.ticks[-1]
        share = (min(max(value, low), high) - low) / (high - low)
        return self.left + share * (self.right - self.left)


def bars(labels: Sequence[str], panels: Sequence[Panel], top: float) -> tuple[list[str], float]:
    """Return panels of bars side by side that share their rows, and the y below them."""
    room = (_RIGHT - _LEFT - (len(panels) - 1) * _BETWEEN) / len(panels)
    lefts = [_LEFT + number * (room + _BETWEEN) for number in range(len(panels))]
    body: list[str] = []
    first = top
    for number, (left, panel) in enumerate(zip(lefts, panels, strict=True)):
        # the first heading reaches over the labels, and all legends begin below their headings
        start = left if number else 0.0
        heading, y = _heading(panel.title, start, left + room - start, top)
        legend, y = _legend(panel.series, start, left + room, y, panel.first_hue)
        body += heading + legend
        first = max(first, y + 6)
    height = max(len(panel.series) for panel in panels) * (_BAR + _BAR_GAP)
    pitch = height + _ROW_GAP
    bottom = first + len(labels) * pitch
    for row, label in enumerate(labels):
        body.append(_label(label, first + row * pitch + height / 2 + 3))
    for left, panel in zip(lefts, panels, strict=True):
        body += _panel(panel, labels, _Axis(left, left + room, _scale(panel)), first, pitch)
    return body, bottom + 30


def tornado(
    title: str, rows: Sequence[tuple[str, float, float]], middle: float, top: float, unit: str
) -> tuple[list[str], float]:
    """Return one bar for each input from its low to its high end, and the y below them.

    Parameters
    ----------
    rows : label, and the sum with the input at either end.
    middle : the sum with every input at its most likely value, marked by a line.
    """
    body, y = _heading(title, 0.0, WIDTH, top)
    hues = (1, 0)
    legend, y = _legend(("at its 10th percentile", "at its 90th percentile"), 0.0, WIDTH, y, *hues)
    y += 6
    ends = [value for _, *both in rows for value in both]
    axis = _Axis(_TORNADO_LEFT, _RIGHT, ticks(min(middle, *ends), max(middle, *ends), 8))
    first = y
    marks = []
    for label, *both in rows:
        marks.append(_label(label, y + 12, _TORNADO_LEFT))
        said = f"{label}: {both[0]:,.4g} to {both[1]:,.4g} {unit}"
        for value, hue in zip(both, hues, strict=True):
            x, end = sorted((axis.x(middle), axis.x(value)))
            width = max(end - x, 0.5)
            marks.append(svg.rect(x, y, width, _TORNADO_BAR, f"f-rail-{hue}", said))
        y += _TORNADO_ROW
    x = axis.x(middle)
    line = svg.lines([(x, first - 4, x, y)], "limit")
    return [*body, *legend, *_grid(axis, first - 4, y), *marks, line], y + 30


def note(content: str, top: float) -> tuple[list[str], float]:
    """Return a paragraph in lines, and the y below it."""
    lines = svg.wrap(content, _SIZE * _WIDER, WIDTH)
    body = [svg.text(0, top + _LINE * n, line, _SIZE, "muted") for n, line in enumerate(lines)]
    return body, top + _LINE * len(lines)


def headline(content: str) -> tuple[list[str], float]:
    """Return the title of a picture in lines, and the y below it."""
    lines = svg.wrap(content, 16 * _WIDER, WIDTH)
    return [svg.text(0, 18 + 21 * n, line, 16, "bold") for n, line in enumerate(lines)], (
        18 + 21 * len(lines)
    )


def _scale(panel: Panel) -> list[float]:
    ends = [
        value
        for row in panel.rows
        for span in row
        for value in (span.median, span.low, span.high)
        if not panel.most or abs(value) <= panel.most
    ]
    beyond = [
        panel.most if span.median > 0 else -panel.most
        for row in panel.rows
        for span in row
        if panel.most and abs(span.median) > panel.most
    ]
    return ticks(min(0.0, *ends, *beyond), max(0.0, *ends, *beyond), 5)


def _panel(panel: Panel, labels: Sequence[str], axis: _Axis, top: float, pitch: float) -> list[str]:
    bottom = top + len(labels) * pitch
    body = _grid(axis, top - 4, bottom)
    for row, (label, spans) in enumerate(zip(labels, panel.rows, strict=True)):
        for number, span in enumerate(spans):
            y = top + row * pitch + number * (_BAR + _BAR_GAP)
            said = f"{span.median:,.4g} ({span.low:,.4g} to {span.high:,.4g}) {panel.unit}"
            title = f"{label}, {panel.series[number]}: {said}"
            hue = (panel.first_hue + number) % _NUM_HUES
            body += _bar(span, y, axis, f"f-rail-{hue}", title)
            if abs(span.median) > max(abs(axis.ticks[0]), axis.ticks[-1]):
                body.append(_beyond(span, y, axis, panel.unit, f"t-rail-{hue}"))
    zero = axis.x(0.0)
    return [*body, svg.lines([(zero, top - 4, zero, bottom)], "limit")]


def _bar(span: Span, y: float, axis: _Axis, css: str, title: str) -> list[str]:
    x, end = sorted((axis.x(0.0), axis.x(span.median)))
    low, high, middle = axis.x(span.low), axis.x(span.high), y + _BAR / 2
    if span.low == span.high == 0:
        return []
    marks = [(low, middle, high, middle), *((at, middle - 3, at, middle + 3) for at in (low, high))]
    return [
        svg.rect(x, y, max(end - x, 0.5), _BAR, css, title),
        svg.lines(marks, "whisker"),
    ]


def _beyond(span: Span, y: float, axis: _Axis, unit: str, css: str) -> str:
    """Return the number of a bar that the axis is too short for, upon its end."""
    said = f"{span.median:,.0f} {unit}"
    x, anchor = (axis.right - 4, "end") if span.median > 0 else (axis.left + 4, "start")
    return svg.text(x, y + _BAR - 1, said, 9, css, anchor)


def _heading(title: str, left: float, width: float, top: float) -> tuple[list[str], float]:
    lines = svg.wrap(title, 13 * _WIDER, width)
    body = [svg.text(left, top + 13 + 17 * n, line, 13, "bold") for n, line in enumerate(lines)]
    return body, top + 10 + 17 * len(lines)


def _legend(
    names: Sequence[str], left: float, right: float, y: float, first_hue: int, *others: int
) -> tuple[list[str], float]:
    """Return swatches with names in as many lines as needed, and the y below them."""
    body, x = [], left
    for number, name in enumerate(names):
        hue = (first_hue, *others)[number] if others else (first_hue + number) % _NUM_HUES
        width = 17 + svg.text_width(name, 12 * _WIDER) + 14
        if x > left and x + width > right + 14:
            x, y = left, y + 18
        body.append(svg.rect(x, y, 12, 12, f"f-rail-{hue}", radius=2))
        body.append(svg.text(x + 17, y + 10.5, name, 12, "muted"))
        x += width
    return body, y + 20


def _label(label: str, y: float, left: float = _LEFT) -> str:
    fitted = svg.fit(label, _SIZE * _WIDER, left - 12)
    return svg.text(left - 10, y, fitted, _SIZE, "ink", "end")


def _grid(axis: _Axis, top: float, bottom: float) -> list[str]:
    places = [(axis.x(tick), tick) for tick in axis.ticks]
    return [
        svg.lines([(x, top, x, bottom + 4) for x, _ in places], "grid"),
        *(svg.text(x, bottom + 18, f"{tick:,.6g}", _SIZE, "muted", "middle") for x, tick in places),
    ]
