"""Cost of a run: its parts per candidate, its range, and what moves it (a tornado)."""

from __future__ import annotations

from netloom.money import CandidateMoney, MoneyAnswer
from netloom.report.figures import svg
from netloom.report.figures.cost_time import ticks
from netloom.units import show

#: Parts of a run: colour, label.
_PARTS = {
    "depreciation": "compute", "capital": "tensor", "energy": "straggler",
    "maintenance": "pipeline", "staff": "expert", "hosting": "context",
}  # fmt: skip

_WIDTH, _LEFT, _RIGHT, _ROW, _BAR = 760.0, 250.0, 740.0, 30.0, 16.0
_MOST_SWINGS = 12

_TITLE = "Cost of one run, M$, most likely; line from 10th to 90th percentile, dot at the median"


def draw(answer: MoneyAnswer) -> str:
    """Return bars of what the run costs on each candidate, and the tornado of the cheapest."""
    y, body = (
        24.0,
        [svg.text(0, 14, _TITLE, 13, "bold")],
    )
    totals = [each.run_usd["total"] for each in answer.candidates]
    scale = ticks(0.0, max(each.percentile_90 for each in totals) / 1e6)
    for each in answer.candidates:
        body += _bar(each, y, scale[-1])
        y += _ROW
    body += _axis(scale, y)
    y += 40
    legend_x = _LEFT
    for name, colour in _PARTS.items():
        body.append(svg.rect(legend_x, y - 10, 11, 11, f"f-{colour}"))
        body.append(svg.text(legend_x + 15, y, name, 11.5))
        legend_x += 27 + svg.text_width(name, 11.5)
    tornado, bottom = _tornado(answer.candidates[0], y + 34)
    return svg.document(_WIDTH, bottom, "Cost of one run and what moves it", [*body, *tornado])


def _x(value: float, low: float, high: float) -> float:
    return _LEFT + (value - low) / (high - low) * (_RIGHT - _LEFT)


def _bar(candidate: CandidateMoney, y: float, largest: float) -> list[str]:
    body = [svg.text(0, y + 13, svg.fit(candidate.name, 12.5, _LEFT - 12), 12.5)]
    left = 0.0
    for name, colour in _PARTS.items():
        value = candidate.run_usd[name].mode / 1e6
        x, end = _x(left, 0, largest), _x(left + value, 0, largest)
        title = f"{name}: {show(value * 1e6, 'money')}"
        body.append(svg.rect(x, y, max(end - x - 1, 0.5), _BAR, f"f-{colour}", title))
        left += value
    total = candidate.run_usd["total"]
    ends = [_x(value / 1e6, 0, largest) for value in (total.percentile_10, total.percentile_90)]
    middle = y + _BAR / 2
    marks = [(ends[0], middle, ends[1], middle)]
    marks += [(end, middle - 5, end, middle + 5) for end in ends]
    dot = _x(total.percentile_50 / 1e6, 0, largest)
    shown = f"median: {show(total.percentile_50, 'money')}"
    return [*body, svg.lines(marks, "limit"), svg.circle(dot, middle, 3.5, "ink", shown)]


def _axis(scale: list[float], y: float) -> list[str]:
    low, high = scale[0], scale[-1]
    body = [svg.lines([(_LEFT, y, _RIGHT, y)], "axis")]
    for tick in scale:
        x = _x(tick, low, high)
        body.append(svg.lines([(x, y, x, y + 5)], "axis"))
        body.append(svg.text(x, y + 18, f"{tick:,.6g}", 11.5, "muted", "middle"))
    return body


def _tornado(candidate: CandidateMoney, top: float) -> tuple[list[str], float]:
    """Return the bars of the inputs that move the run the most, and where they end."""
    swings = candidate.swings[:_MOST_SWINGS]
    title = f"{candidate.name}, M$: one input at its 10th and 90th percentile, others most likely"
    body = [svg.text(0, top, svg.fit(title, 13, _WIDTH), 13, "bold")]
    if not swings:
        return body, top + 10
    ends = [value / 1e6 for each in swings for value in (each.low_usd, each.high_usd)]
    scale = ticks(min(ends), max(ends))
    mode = candidate.run_usd["total"].mode / 1e6
    y = top + 12
    for each in swings:
        low, high = sorted((each.low_usd / 1e6, each.high_usd / 1e6))
        x, end = _x(low, scale[0], scale[-1]), _x(high, scale[0], scale[-1])
        body.append(
            svg.text(_LEFT - 8, y + 12, svg.fit(each.words, 11.5, _LEFT - 12), 11.5, "ink", "end")
        )
        shown = f"{each.words}: {low:,.4g} to {high:,.4g} M$"
        body.append(svg.rect(x, y, max(end - x, 1), _BAR, "f-optics", shown))
        y += 22
    middle = _x(mode, scale[0], scale[-1])
    body.append(svg.lines([(middle, top + 8, middle, y)], "limit"))
    return [*body, *_axis(scale, y)], y + 28
