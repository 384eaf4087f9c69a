"""Cost against time: which candidates nothing beats on both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from netloom.report.figures import svg
from netloom.result import Candidate, StudyResult

_WIDTH, _HEIGHT = 460.0, 380.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 50.0, 448.0, 22.0, 334.0
_LABEL_SIZE, _LABEL_WIDTH, _LINE, _RADIUS = 11.5, 118.0, 13.0, 9.0


@dataclass(frozen=True)
class _Box:
    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: _Box) -> float:
        """Return the common area."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)


def pareto(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return the candidates that no other beats in days and total capex at once, fastest first."""

    def beaten(one: Candidate) -> bool:
        return any(
            other.days <= one.days
            and other.total_capex_usd.mode <= one.total_capex_usd.mode
            and (other.days, other.total_capex_usd.mode) != (one.days, one.total_capex_usd.mode)
            for other in candidates
        )

    return tuple(sorted((c for c in candidates if not beaten(c)), key=lambda c: (c.days, c.rank)))


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about `count` round numbers from below `low` to above `high`.

    Examples
    --------
    >>> ticks(73.2, 91.4)
    [70.0, 75.0, 80.0, 85.0, 90.0, 95.0]
    """
    raw = max(high - low, abs(high) * 1e-6, 1e-12) / count
    decade = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * decade for factor in (1, 2, 2.5, 5, 10) if factor * decade >= raw * 0.999)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [index * step for index in range(first, max(last, first + 1) + 1)]


def _spread(candidate: Candidate) -> tuple[float, float]:
    """Return low and high of the total when only the network's price is uncertain, in US$.

    The nodes are the same for every candidate: their uncertainty moves all points together and
    would hide what the choice of network decides.
    """
    rest = candidate.total_capex_usd.mode - candidate.network_capex_usd.mode
    return rest + candidate.network_capex_usd.low, rest + candidate.network_capex_usd.high


def draw(result: StudyResult) -> str:
    """Return days to train against total capex, with the front and the network's price range."""
    candidates = result.candidates
    x_ticks = ticks(min(c.days for c in candidates), max(c.days for c in candidates))
    spreads = [_spread(candidate) for candidate in candidates]
    y_ticks = ticks(min(low for low, _ in spreads) / 1e6, max(high for _, high in spreads) / 1e6)

    def x_of(days: float) -> float:
        return _LEFT + (days - x_ticks[0]) / (x_ticks[-1] - x_ticks[0]) * (_RIGHT - _LEFT)

    def y_of(usd: float) -> float:
        return _BOTTOM - (usd / 1e6 - y_ticks[0]) / (y_ticks[-1] - y_ticks[0]) * (_BOTTOM - _TOP)

    body = [
        svg.lines(
            [(_LEFT, y_of(tick * 1e6), _RIGHT, y_of(tick * 1e6)) for tick in y_ticks], "grid"
        ),
        svg.lines([(x_of(tick), _BOTTOM, x_of(tick), _BOTTOM + 5) for tick in x_ticks], "axis"),
    ]
    body += [
        svg.text(x_of(tick), _BOTTOM + 18, f"{tick:g}", 11.5, "muted", "middle") for tick in x_ticks
    ]
    body += [
        svg.text(_LEFT - 6, y_of(t * 1e6) + 4, f"{t:,.6g}", 11.5, "muted", "end") for t in y_ticks
    ]
    body.append(svg.text(0, 12, "total capex, M$", 12, "muted"))
    body.append(
        svg.text(_RIGHT, _BOTTOM + 37, "days to train, failures included", 12, "muted", "end")
    )

    front = [(x_of(c.days), y_of(c.total_capex_usd.mode)) for c in pareto(candidates)]
    if len(front) > 1:
        body.append(svg.polyline(front, "front"))
    points = [(x_of(c.days), y_of(c.total_capex_usd.mode)) for c in candidates]
    whiskers = [
        (x, y_of(low), x, y_of(high)) for (x, _), (low, high) in zip(points, spreads, strict=True)
    ]
    body.append(svg.lines(whiskers, "whisker"))
    caps = [(x - 4, y, x + 4, y) for x, low, _, high in whiskers for y in (low, high)]
    body.append(svg.lines(caps, "whisker"))
    # the best candidate is drawn last, on top of whoever stands near
    for candidate, (x, y) in reversed(list(zip(candidates, points, strict=True))):
        css = "winner" if candidate.name == result.winner else "other"
        body.append(svg.circle(x, y, _RADIUS, css, candidate.name))
        body.append(svg.text(x, y + 4, str(candidate.rank), 11.5, "paper", "middle"))
    body += _labels(candidates, points, whiskers)
    return svg.document(_WIDTH, _HEIGHT, "Days to train against total capex", body)


def _labels(
    candidates: Sequence[Candidate],
    points: Sequence[tuple[float, float]],
    whiskers: Sequence[tuple[float, float, float, float]],
) -> list[str]:
    """Place each name where it covers the least of points, whiskers and names already placed."""
    taken = [_Box(x - _RADIUS, y - _RADIUS, x + _RADIUS, y + _RADIUS) for x, y in points]
    taken += [_Box(x - 4, high, x + 4, low) for x, low, _, high in whiskers]
    body = []
    for candidate, (x, y) in zip(candidates, points, strict=True):
        rows = svg.wrap(f"{candidate.rank}: {candidate.name}", _LABEL_SIZE, _LABEL_WIDTH)
        width = max(svg.text_width(row, _LABEL_SIZE) for row in rows) + 6
        places = _places(x, y, width, len(rows) * _LINE)
        others = [point for point in points if point != (x, y)]
        # ties go to the earlier, nearer place
        cost = [
            sum(box.overlap(other) for other in taken)
            + 50 * _outside(box)
            + 100 * _crossings(_leader(x, y, box), others)
            + 0.4 * index
            for index, box in enumerate(places)
        ]
        box = places[cost.index(min(cost))]
        taken.append(box)
        leader = _leader(x, y, box)
        if math.dist(leader[:2], leader[2:]) > 2.5 * _RADIUS:
            body.append(svg.lines([leader], "wire"))
        body += [
            svg.text(box.left, box.top + 10.5 + index * _LINE, row, _LABEL_SIZE)
            for index, row in enumerate(rows)
        ]
    return body


def _places(x: float, y: float, width: float, height: float) -> list[_Box]:
    """Return places for a label around a point, nearest first."""
    places = []
    for distance in (13.0, 26.0, 44.0, 66.0, 92.0):
        for left, top in (
            (x + distance, y - height / 2), (x - distance - width, y - height / 2),
            (x + distance * 0.7, y - distance - height), (x + distance * 0.7, y + distance),
            (x - distance * 0.7 - width, y - distance - height),
            (x - distance * 0.7 - width, y + distance),
            (x - width / 2, y - distance - height), (x - width / 2, y + distance),
        ):  # fmt: skip
            places.append(_Box(left, top, left + width, top + height))
    return places


def _leader(x: float, y: float, box: _Box) -> tuple[float, float, float, float]:
    """Return the line from a point's rim to the nearest place of its label."""
    near_x, near_y = min(max(x, box.left), box.right), min(max(y, box.top), box.bottom)
    length = math.hypot(near_x - x, near_y - y)
    rim = min(_RADIUS / length, 1.0) if length else 0.0
    return x + rim * (near_x - x), y + rim * (near_y - y), near_x, near_y


def _crossings(
    line: tuple[float, float, float, float], points: Sequence[tuple[float, float]]
) -> int:
    """Return how many points a line runs through."""
    x1, y1, x2, y2 = line
    length_squared = (x2 - x1) ** 2 + (y2 - y1) ** 2
    if length_squared == 0:
        return 0
    count = 0
    for x, y in points:
        along = min(max(((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length_squared, 0.0), 1.0)
        count += math.hypot(x1 + along * (x2 - x1) - x, y1 + along * (y2 - y1) - y) < _RADIUS
    return count


def _outside(box: _Box) -> float:
    """Return by how many pixels a label leaves the plot."""
    return (
        max(_LEFT + 2 - box.left, 0.0)
        + max(box.right - _WIDTH, 0.0)
        + max(_TOP - 8 - box.top, 0.0)
        + max(box.bottom - _BOTTOM, 0.0)
    )
