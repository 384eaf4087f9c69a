"""Bus bandwidth against size, one line for each network; a band where hashing draws."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from netloom.collective_table.answer import Answer
from netloom.collective_table.sizes import shown
from netloom.collective_table.table import Table
from netloom.report.figures import svg
from netloom.report.figures.cost_time import ticks

_WIDTH, _PLOT_HEIGHT = 640.0, 300.0
_LEFT, _RIGHT, _TOP = 46.0, 626.0, 26.0
_BOTTOM = _TOP + _PLOT_HEIGHT
_SIZE, _LINE, _KEY = 11.5, 18.0, 26.0

#: Hues of the lines, cyclic; those of rails, which stay apart for the common colour deficiencies.
_NUM_HUES = 8


@dataclass(frozen=True)
class Series:
    """One line.

    Attributes
    ----------
    name : in the key.
    points : size in bytes, and mean, 10th and 90th percentile of bus bandwidth in bytes per second.
    hue : number of its colour.
    intact : whether it is the whole fabric beside one with losses, drawn with dashes.
    """

    name: str
    points: tuple[tuple[float, float, float, float], ...]
    hue: int
    intact: bool = False


def series(answers: Sequence[Answer]) -> list[Series]:
    """Return the lines of answers: each network, and the intact one beside where parts are lost."""
    found = []
    for hue, answer in enumerate(answers):
        name = answer.table.machine.name
        if answer.intact is not None:
            found.append(Series(f"{name}, intact", _points(answer.intact), hue, intact=True))
            name = f"{name}, without {', '.join(answer.lost)}"
        found.append(Series(name, _points(answer.table), hue))
    return found


def _points(table: Table) -> tuple[tuple[float, float, float, float], ...]:
    return tuple((row.size_bytes, *row.busbw_bytes_per_s) for row in table.rows if row.size_bytes)


def draw(lines: Sequence[Series], operation: str) -> str:
    """Return the picture; sizes on a logarithmic axis."""
    sizes = sorted({point[0] for line in lines for point in line.points})
    if not sizes:
        return svg.document(_WIDTH, 40, f"{operation} has no bandwidth", [
            svg.text(0, 24, f"{operation} moves no bytes: there is no bandwidth to draw")
        ])  # fmt: skip
    low, high = math.log2(sizes[0]), math.log2(sizes[-1])
    top = max(point[3] for line in lines for point in line.points) / 1e9
    rates = ticks(0.0, top)

    def x_of(size_bytes: float) -> float:
        share = (math.log2(size_bytes) - low) / (high - low) if high > low else 0.5
        return _LEFT + 12 + share * (_RIGHT - _LEFT - 24)

    def y_of(bytes_per_s: float) -> float:
        return _BOTTOM - bytes_per_s / 1e9 / rates[-1] * _PLOT_HEIGHT

    body = [svg.lines([(_LEFT, y_of(t * 1e9), _RIGHT, y_of(t * 1e9)) for t in rates], "grid")]
    body += [
        svg.text(_LEFT - 6, y_of(t * 1e9) + 4, f"{t:,.6g}", _SIZE, "muted", "end") for t in rates
    ]
    body.append(svg.text(0, 12, f"bus bandwidth of {operation}, GB/s", 12, "muted"))
    body += _size_axis(sizes, x_of)
    # the first line lies on top of those that it covers
    for line in reversed(lines):
        body += _line(line, x_of, y_of)
    keys, height = _key(lines, [_covered_by(line, lines, y_of) for line in lines])
    return svg.document(_WIDTH, height, f"Bus bandwidth of {operation} against size", body + keys)


def _size_axis(sizes: Sequence[float], x_of: Callable[[float], float]) -> list[str]:
    """Return marks at all sizes, and names at all or at every second, third, ... for room."""
    body = [svg.lines([(x_of(size), _BOTTOM, x_of(size), _BOTTOM + 5) for size in sizes], "axis")]
    named = next(
        found
        for found in (sizes[:: step + 1] for step in range(len(sizes)))
        if all(
            x_of(right) - x_of(left) > (_width(left) + _width(right)) / 2 + 8
            for left, right in pairwise(found)
        )
    )
    body += [
        svg.text(x_of(size), _BOTTOM + 18, shown(size), _SIZE, "muted", "middle") for size in named
    ]
    body.append(svg.text(_RIGHT, _BOTTOM + 36, "size, as nccl-tests counts it", 12, "muted", "end"))
    return body


def _width(size_bytes: float) -> float:
    return svg.text_width(shown(size_bytes), _SIZE)


def _line(
    line: Series, x_of: Callable[[float], float], y_of: Callable[[float], float]
) -> list[str]:
    """Return a band from the 10th to the 90th percentile, the mean, and a dot at each size."""
    colour = _colour(line)
    body = []
    if any(low < high for _, _, low, high in line.points):
        rim = [(x_of(size), y_of(high)) for size, _, _, high in line.points]
        rim += [(x_of(size), y_of(low)) for size, _, low, _ in reversed(line.points)]
        body.append(_path(rim, f"fill:{colour};fill-opacity:.18"))
    points = [(x_of(size), y_of(mean)) for size, mean, _, _ in line.points]
    body.append(_path(points, _stroke(line)))
    body += [
        svg.circle(x, y, 2.6, f"f-rail-{line.hue % _NUM_HUES}",
                   f"{line.name}: {shown(size)}, {mean / 1e9:.4g} GB/s")
        for (x, y), (size, mean, _, _) in zip(points, line.points, strict=True)
        if not line.intact
    ]  # fmt: skip
    return body


def _colour(line: Series) -> str:
    return f"var(--f-rail-{line.hue % _NUM_HUES})"


def _stroke(line: Series) -> str:
    dashes = ";stroke-dasharray:5 4" if line.intact else ""
    return f"fill:none;stroke:{_colour(line)};stroke-width:2{dashes}"


def _path(points: Sequence[tuple[float, float]], style: str) -> str:
    places = "L".join(f"{svg.number(x)} {svg.number(y)}" for x, y in points)
    return f'<path d="M{places}" style="{style}"/>'


def _covered_by(line: Series, lines: Sequence[Series], y_of: Callable[[float], float]) -> str:
    """Return the name of an earlier line that lies upon this one, empty when it is seen."""
    for other in lines[: lines.index(line)]:
        pairs = list(zip(line.points, other.points, strict=False))
        if other.intact == line.intact and all(
            one[0] == two[0] and abs(y_of(one[1]) - y_of(two[1])) < 1.0 for one, two in pairs
        ):
            return other.name
    return ""


def _key(lines: Sequence[Series], covered_by: Sequence[str]) -> tuple[list[str], float]:
    """Return the names of the lines below the axis, and the height of the picture."""
    body = []
    for row, (line, cover) in enumerate(zip(lines, covered_by, strict=True)):
        y = _BOTTOM + 58 + row * _LINE
        body.append(_path([(_LEFT, y - 4), (_LEFT + _KEY, y - 4)], _stroke(line)))
        text = f"{line.name}: as {cover}" if cover else line.name
        name = svg.fit(text, 12, _RIGHT - _LEFT - _KEY - 8)
        body.append(svg.text(_LEFT + _KEY + 8, y, name))
    height = _BOTTOM + 58 + len(lines) * _LINE
    if any(low < high for line in lines for _, _, low, high in line.points):
        text = "bands: 10th to 90th percentile over seeds of the hash"
        body.append(svg.text(_LEFT, height, text, _SIZE, "muted"))
        height += _LINE
    return body, height
