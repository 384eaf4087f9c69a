"""Stacked horizontal bars: one bar per candidate, its name above, its total at the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netloom.report.figures import svg

WIDTH = 460.0
_BAR_HEIGHT, _ROW_PITCH, _TOP = 22.0, 48.0, 6.0


@dataclass(frozen=True)
class Bar:
    """One bar.

    Attributes
    ----------
    name : written above, left.
    total : written above, right.
    values : one value per part, in the order of the legend.
    shown : the same values as text, for inside the segment.
    limit : value at which a line is drawn, such as a capacity; 0 for none.
    """

    name: str
    total: str
    values: tuple[float, ...]
    shown: tuple[str, ...]
    limit: float = 0.0


def draw(title: str, parts: Sequence[tuple[str, str]], bars: Sequence[Bar]) -> str:
    """Return the picture; `parts` are (colour name, label); parts that are nowhere are left out."""
    largest = max(max(sum(bar.values), bar.limit) for bar in bars)
    scale = WIDTH / largest if largest > 0 else 0.0
    body: list[str] = []
    for row, bar in enumerate(bars):
        top = _TOP + row * _ROW_PITCH
        body.append(svg.text(WIDTH, top + 11, bar.total, 13, "bold", "end"))
        room = WIDTH - svg.text_width(bar.total, 14) - 12
        body.append(svg.text(0, top + 11, svg.fit(bar.name, 13, room), 13))
        body += _segments(bar, parts, top + 17, scale)
        if bar.limit:
            x = min(bar.limit * scale, WIDTH - 1)
            body.append(svg.lines([(x, top + 14, x, top + 20 + _BAR_HEIGHT)], "limit"))
    used = [part for index, part in enumerate(parts) if any(bar.values[index] > 0 for bar in bars)]
    legend, height = _legend(used, _TOP + len(bars) * _ROW_PITCH + 8)
    return svg.document(WIDTH, height, title, [*body, *legend])


def _segments(bar: Bar, parts: Sequence[tuple[str, str]], y: float, scale: float) -> list[str]:
    body, x = [], 0.0
    for (colour, label), value, shown in zip(parts, bar.values, bar.shown, strict=True):
        width = value * scale
        if width <= 0:
            continue
        body.append(
            svg.rect(x, y, max(width - 1, 0.5), _BAR_HEIGHT, f"f-{colour}", f"{label}: {shown}")
        )
        for content in (f"{label} {shown}", shown):
            if svg.text_width(content, 12.2) + 8 < width:
                body.append(
                    svg.text(x + width / 2, y + 15.5, content, 11.5, f"t-{colour}", "middle")
                )
                break
        x += width
    return body


def _legend(parts: Sequence[tuple[str, str]], top: float) -> tuple[list[str], float]:
    """Return swatches with labels in as many lines as needed, and the y below them."""
    body, x, y = [], 0.0, top
    for colour, label in parts:
        width = 18 + svg.text_width(label, 12) + 14
        if x and x + width > WIDTH + 14:
            x, y = 0.0, y + 19
        body.append(svg.rect(x, y, 12, 12, f"f-{colour}", radius=2))
        body.append(svg.text(x + 17, y + 10.5, label, 12, "muted"))
        x += width
    return body, y + 18
