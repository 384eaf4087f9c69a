"""Floor plan: every rack from above, by what stands in it."""

from __future__ import annotations

import numpy as np

from netloom.report.figures import svg
from netloom.report.figures.hall import Hall, colour
from netloom.report.figures.structure import plural

_WIDTH, _LEFT, _TOP, _MOST_HEIGHT = 960.0, 58.0, 74.0, 900.0

#: Depth of a rack as drawn, metres.
_RACK_DEPTH_M = 1.2

#: Racks beyond which neighbours of one kind are drawn as one strip.
_MOST_RACKS = 3000


def draw(hall: Hall) -> str:
    """Return the plan, to scale along and across the rows."""
    floor = hall.layout.floor
    x, y = floor.rack_x_m.astype(float), floor.rack_y_m.astype(float)
    rack_width_m = _rack_width_m(x)
    wide, deep = x.max() + rack_width_m, y.max() + _RACK_DEPTH_M
    scale = min((_WIDTH - _LEFT - 12) / wide, _MOST_HEIGHT / deep, 34.0)
    height = _TOP + deep * scale + 34
    tiers = hall.tier_of_rack()
    body = _legend(hall, tiers, wide, deep)
    body += _racks(hall, tiers, x, y, rack_width_m, scale)
    rows = np.unique(y)
    every = max(1, int(np.ceil(13 / (scale * (rows[1] - rows[0]))))) if len(rows) > 1 else 1
    body += [
        svg.text(_LEFT - 8, _TOP + (row + _RACK_DEPTH_M / 2) * scale + 4, f"row {number + 1}",
                 10.5, "muted", "end")
        for number, row in enumerate(rows) if number % every == 0
    ]  # fmt: skip
    width = max(_LEFT + wide * scale + 12, 640.0)
    return svg.document(width, height, "Floor plan", [*body, *_ruler(scale, height)])


def _rack_width_m(x: np.ndarray) -> float:
    """Return the pitch of racks in a row."""
    places = np.unique(x)
    return float(np.diff(places).min()) if len(places) > 1 else 0.6


def _legend(hall: Hall, tiers: np.ndarray, wide: float, deep: float) -> list[str]:
    rows = len(np.unique(hall.layout.floor.rack_y_m))
    kinds, counts = np.unique(tiers, return_counts=True)
    total = f"{len(tiers):,} rack{'s' if len(tiers) > 1 else ''} in {rows:,} row"
    total += f"{'s' if rows > 1 else ''}, {wide:.0f} m by {deep:.0f} m"
    body = [svg.text(0, 16, total, 13.5, "bold")]
    left = 0.0
    names = [tier.name for tier in hall.fabric.tiers]
    for kind, count in zip(kinds.tolist(), counts.tolist(), strict=True):
        label = f"{count:,} with {hall.node_name if kind < 0 else plural(names[kind], 2)}"
        body += [
            svg.rect(left, 32, 13, 13, colour(kind), radius=2),
            svg.text(left + 19, 43, label, 12, "ink"),
        ]
        left += 19 + svg.text_width(label, 12) + 22
    above = _with_switches_above(hall)
    if above.any():
        label = f"{int(above.sum()):,} of them with switches above the nodes"
        body += [
            svg.rect(left, 32, 13, 13, colour(-1), radius=2),
            svg.rect(left, 32, 13, 4, colour(0)),
            svg.text(left + 19, 43, label, 12, "ink"),
        ]
    return body


def _with_switches_above(hall: Hall) -> np.ndarray:
    floor = hall.layout.floor
    above = np.zeros(floor.num_racks, dtype=bool)
    above[floor.switch_rack[hall.boxes()]] = True
    return above & ~floor.rack_is_network


def _racks(
    hall: Hall, tiers: np.ndarray, x: np.ndarray, y: np.ndarray, width_m: float, scale: float
) -> list[str]:
    """Return the racks; where there are very many, neighbours of a kind are one strip."""
    order = np.lexsort((x, y))
    merged = len(order) > _MOST_RACKS
    nodes = np.bincount(hall.layout.floor.node_rack, minlength=len(order))
    boxes = np.bincount(hall.layout.floor.switch_rack[hall.boxes()], minlength=len(order))
    above = _with_switches_above(hall)
    gap = 0.0 if merged else min(1.0, 0.12 * width_m * scale)
    depth = _RACK_DEPTH_M * scale
    starts = [0]
    for place in range(1, len(order)):
        one, other = order[place - 1], order[place]
        joined = (
            merged and y[one] == y[other] and tiers[one] == tiers[other]
            and abs(x[other] - x[one] - width_m) < 0.01
        )  # fmt: skip
        if not joined:
            starts.append(place)
    body = []
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        first, last = int(order[start]), int(order[end - 1])
        left, top = _LEFT + x[first] * scale, _TOP + y[first] * scale
        wide = (x[last] - x[first] + width_m) * scale - gap
        number = f"R{first + 1:04d}" + (f" to R{last + 1:04d}" if end - start > 1 else "")
        held = order[start:end]
        title = f"{number}: {int(nodes[held].sum())} nodes, {int(boxes[held].sum())} switches"
        body.append(svg.rect(left, top, wide, depth, colour(int(tiers[first])), title))
        if above[held].any():
            body.append(svg.rect(left, top, wide, depth * 0.28, colour(0)))
    return body


def _ruler(scale: float, height: float) -> list[str]:
    length = 10 if scale * 10 < 400 else 2
    y = height - 14
    ends = [(_LEFT, y, _LEFT + length * scale, y)]
    ends += [(x, y - 4, x, y + 4) for x in (_LEFT, _LEFT + length * scale)]
    return [
        svg.lines(ends, "axis"),
        svg.text(_LEFT + length * scale + 8, y + 4, f"{length} m", 10.5, "muted"),
    ]
