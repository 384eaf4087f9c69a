"""Sketch of a direct network: a lattice of switches, or switches on a ring with chords."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise

from netloom.report.figures import svg
from netloom.report.figures.structure import COLUMN, LEFT, RIGHT, Structure, link_text, plural

_TOP, _BOTTOM = 30.0, 240.0
_MOST_COLUMNS, _MOST_ROWS, _MOST_ON_RING = 7, 6, 16
_BOX = 11.0
#: How far links that come round the back reach out, and how far chords of a line bend.
_STUB, _BEND = 9.0, 4.0

Point = tuple[float, float]
Segment = tuple[float, float, float, float]


def suits(found: Structure) -> bool:
    """Return whether all links but the hosts' are inside one tier, without groups."""
    inner = [link for link in found.links if link.lower != "host"]
    same = all(link.lower in ("", link.upper) for link in inner)
    return bool(inner) and same and found.groups == 1


def sketch(found: Structure, parameters: Mapping[str, object]) -> list[str]:
    """Return the picture's elements; a lattice where the parameters state its extents."""
    dims = _extents(found.kind, parameters)
    drawing = _lattice(found.kind, dims) if dims else _ring(found)
    return _numbers(found, dims) + drawing


def _extents(kind: str, parameters: Mapping[str, object]) -> tuple[int, ...]:
    dims, k, n = (parameters.get(name) for name in ("dims", "k", "n"))
    if isinstance(dims, list | tuple):
        return tuple(dims)
    if kind == "flattened-butterfly" and isinstance(k, int) and isinstance(n, int):
        return (k,) * (n - 1)
    return ()


def _lattice(kind: str, dims: Sequence[int]) -> list[str]:
    """Return the last two dimensions as a grid, wired as the kind says."""
    columns = min(dims[-1], _MOST_COLUMNS)
    rows = min(dims[-2], _MOST_ROWS) if len(dims) > 1 else 1
    xs, ys = _spread(LEFT, RIGHT, columns), _spread(_TOP, _BOTTOM, rows)
    across = [[(x, y) for x in xs] for y in ys]
    lines = across + [[(x, y) for y in ys] for x in xs]
    wires: list[Segment] = []
    for line in lines:
        wires += [(*one, *other) for one, other in pairwise(line)]
        if kind == "torus" and len(line) > 2:
            wires += _stubs(line)
    body = [svg.lines(wires, "wire")]
    if kind not in ("torus", "mesh"):
        body += [_chord(one, other) for line in lines for one, other in _far_pairs(line)]
    return body + [
        svg.rect(x - _BOX / 2, y - _BOX / 2, _BOX, _BOX, "box", radius=2) for x in xs for y in ys
    ]


def _spread(start: float, stop: float, count: int) -> list[float]:
    return [start + (stop - start) * (index + 0.5) / count for index in range(count)]


def _stubs(line: list[Point]) -> list[Segment]:
    """Return the ends of the link that closes a ring round the back."""
    (x1, y1), (x2, y2) = line[0], line[-1]
    dx, dy = (_STUB + _BOX / 2, 0.0) if y1 == y2 else (0.0, _STUB + _BOX / 2)
    return [(x1, y1, x1 - dx, y1 - dy), (x2, y2, x2 + dx, y2 + dy)]


def _far_pairs(line: list[Point]) -> list[tuple[Point, Point]]:
    pairs = combinations(range(len(line)), 2)
    return [(line[one], line[other]) for one, other in pairs if other - one > 1]


def _chord(one: Point, other: Point) -> str:
    """Return a link between places of a line that are not neighbours, bent away from the line."""
    bend = _BEND + math.dist(one, other) / 20
    middle = (one[0] + other[0]) / 2, (one[1] + other[1]) / 2
    peak = (middle[0], middle[1] - bend) if one[1] == other[1] else (middle[0] - bend, middle[1])
    return svg.lines([(*one, *peak), (*peak, *other)], "wire")


def _ring(found: Structure) -> list[str]:
    """Return switches on a ring; as many chords from each as tell a dense network from a sparse."""
    switches = sum(count for _, count in found.tiers)
    count = max(min(switches, _MOST_ON_RING), 2)
    links = sum(link.count for link in found.links if link.lower != "host")
    # a complete graph has all its chords; otherwise three for a switch are enough to see
    complete = 2 * links >= switches * (switches - 1)
    steps = range(1, count // 2 + 1) if complete else (1, 3, 6)
    centre, radius = ((LEFT + RIGHT) / 2, (_TOP + _BOTTOM) / 2), (_BOTTOM - _TOP) / 2
    points = [
        (
            centre[0] + radius * math.sin(2 * math.pi * index / count),
            centre[1] - radius * math.cos(2 * math.pi * index / count),
        )
        for index in range(count)
    ]
    wires = [
        (*points[index], *points[(index + step) % count])
        for step in steps
        for index in range(count)
    ]
    return [svg.lines(wires, "wire")] + [
        svg.rect(x - _BOX / 2, y - _BOX / 2, _BOX, _BOX, "box", radius=2) for x, y in points
    ]


def _numbers(found: Structure, dims: Sequence[int]) -> list[str]:
    """Return the column of numbers: switches, shape, links of each class, hosts."""
    hosts = next((link for link in found.links if link.lower == "host"), None)
    entries = [("bold", f"{count:,} {plural(name, count)}") for name, count in found.tiers]
    if dims:
        entries.append(("muted", " × ".join(map(str, dims))))
    for link in found.links:
        if link.lower != "host":
            entries += [("bold", f"{link.name} links"), ("muted", link_text(link, found.rate))]
    if hosts is not None:
        entries += [("bold", f"{hosts.count:,} NICs"), ("muted", link_text(hosts, found.rate))]
    if found.planes > 1:
        entries.append(("muted", f"in {found.planes} planes"))
    step = min(18.0, (_BOTTOM - _TOP) / max(len(entries), 1))
    body = []
    for index, (css, content) in enumerate(entries):
        size = 12.0 if css == "bold" else 10.5
        label = svg.fit(content, size, COLUMN)
        body.append(svg.text(4, _TOP + step * (index + 0.5), label, size, css))
    return body
