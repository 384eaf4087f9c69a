"""Sketch of a fabric of tiers: boxes in rows, lines between neighbours, pods framed.

Leaves of rail-optimised fabrics are coloured by rail, and each node meets every leaf of its unit.
"""

from __future__ import annotations

from netloom.report.figures import svg
from netloom.report.figures.structure import COLUMN, LEFT, RIGHT, Structure, boxes, numbers, rows

_LINES_PER_BOX, _THIN, _THICK, _BOX_HEIGHT, _HOST = 4, 0.8, 4.0, 13.0, 7.0
#: Drawn blocks and leaves in each: two units of eight rails, or three pods of four leaves.
_UNITS, _RAILS, _PODS, _LEAVES = 2, 8, 3, 4

Segment = tuple[float, float, float, float]


def sketch(found: Structure) -> list[str]:
    """Return the picture's elements."""
    hosts = next((link.count for link in found.links if link.lower == "host"), 0)
    ys = rows(len(found.tiers) + 1)
    drawing = _by_rail(found, ys) if found.kind.startswith("rail") else _by_pod(found, ys)
    return numbers(found, hosts // found.planes) + drawing


def _by_pod(found: Structure, ys: list[float]) -> list[str]:
    """Return pods of leaves and spines under a common top; one pod when there are two tiers."""
    centres = tier_boxes(found, LEFT, RIGHT, _PODS * _LEAVES, _PODS)
    pods = _PODS if len(found.tiers) > 2 else 1
    hosts = [x + shift for x in centres[0] for shift in (-_HOST * 0.65, _HOST * 0.65)]
    wires = [(x, ys[0], centres[0][index // 2], ys[1]) for index, x in enumerate(hosts)]
    frames = _frames(pods, ys[2] - 13, ys[1] + 13) if pods > 1 else []
    squares = [
        svg.rect(x - _HOST / 2, ys[0] - _HOST / 2, _HOST, _HOST, "f-compute", radius=1.5)
        for x in hosts
    ]
    if pods > 1 and found.pods > 1:
        frames.append(svg.text(COLUMN, ys[2] + 17, f"in {found.pods} pods", 10.5, "muted", "end"))
    tiers = [*tier_wires(found, centres, ys, pods), *tier_rects(centres, ys)]
    return [*frames, svg.lines(wires, "wire"), *tiers, *squares]


def _by_rail(found: Structure, ys: list[float]) -> list[str]:
    """Return units whose nodes meet one leaf per rail; with a third tier, so do spines."""
    centres = tier_boxes(found, LEFT, RIGHT, _UNITS * _RAILS, _UNITS)
    leaves, spines_of_rails = centres[0], len(found.tiers) > 2 and len(centres[1]) >= _RAILS
    nodes = boxes(LEFT, RIGHT, 2 * _UNITS)
    body = _frames(_UNITS, ys[1] - 13, ys[0] + 11)
    if found.units > 1:
        body.append(svg.text(COLUMN, ys[1] + 17, f"in {found.units} units", 10.5, "muted", "end"))
    for rail in range(_RAILS):
        own = leaves[rail::_RAILS]
        wires = [
            (node, ys[0], leaf, ys[1])
            for unit, leaf in enumerate(own)
            for node in nodes[2 * unit : 2 * unit + 2]
        ]
        if spines_of_rails:
            wires += [
                (leaf, ys[1], spine, ys[2])
                for leaf in own
                for index, spine in enumerate(centres[1])
                if _rail_of_spine(index, centres[1]) == rail
            ]
        body.append(svg.lines(wires, f"s-rail-{rail}"))
    body += tier_wires(found, centres, ys, lowest=2 if spines_of_rails else 1)
    body += tier_rects(centres, ys)
    width = _box_width(centres)
    coloured = [(x, ys[1], index % _RAILS) for index, x in enumerate(leaves)]
    if spines_of_rails:
        coloured += [
            (x, ys[2], _rail_of_spine(index, centres[1])) for index, x in enumerate(centres[1])
        ]
    body += [
        svg.rect(x - width / 2, y - _BOX_HEIGHT / 2, width, _BOX_HEIGHT, f"f-rail-{rail}", radius=2)
        for x, y, rail in coloured
    ]
    return body + [svg.rect(node - 18, ys[0] - 5, 36, 10, "box", radius=3) for node in nodes]


def _rail_of_spine(index: int, spines: list[float]) -> int:
    return index * _RAILS // len(spines)


def _frames(count: int, top: float, bottom: float) -> list[str]:
    pitch = (RIGHT - LEFT) / count
    return [
        svg.rect(LEFT + index * pitch + 2, top, pitch - 4, bottom - top, "panel", radius=6)
        for index in range(count)
    ]


def tier_boxes(
    found: Structure, left: float, right: float, most_boxes: int, blocks: int = 1
) -> list[list[float]]:
    """Return the x of each tier's boxes; the widest tier gets `most_boxes`, others in proportion.

    Tiers below the top get a whole number of boxes per block.
    """
    most = max(count for _, count in found.tiers)
    centres = []
    for level, (_, count) in enumerate(found.tiers):
        share = most_boxes * count / most
        top = level == len(found.tiers) - 1
        wanted = round(share) if top else blocks * round(share / blocks)
        centres.append(boxes(left, right, max(wanted, min(count, 2 if top else blocks))))
    return centres


def tier_wires(
    found: Structure, centres: list[list[float]], ys: list[float], pods: int = 1, lowest: int = 1
) -> list[str]:
    """Return the lines from tier `lowest` upwards; their ink is in proportion to the rate.

    Where a tier is fed at the rate of the host links, a box of the widest tier has
    `_LINES_PER_BOX` thin lines; where there are fewer pairs of boxes than that, lines are thicker.
    Lines between the first two tiers stay inside their pod.
    """
    share = {link.upper: relative for link, relative in found.levels()}
    most = max(len(xs) for xs in centres)
    drawn = []
    for level in range(lowest, len(centres)):
        lower, upper = centres[level - 1], centres[level]
        wanted = _LINES_PER_BOX * most * share.get(found.tiers[level][0], 0.0)
        parts = pods if level == 1 else 1
        wires: list[Segment] = []
        for part in range(parts):
            low = lower[part * len(lower) // parts : (part + 1) * len(lower) // parts]
            high = upper[part * len(upper) // parts : (part + 1) * len(upper) // parts]
            count = max(round(wanted / parts), 1)
            wires += _spread(low, high, count, ys[level] - 6, ys[level + 1] + 6)
        width = min(max(wanted / len(wires), 1.0) * _THIN, _THICK) if wires else _THIN
        drawn.append(svg.lines(wires, "wire", width))
    return drawn


def _spread(
    lower: list[float], upper: list[float], total: int, low_y: float, high_y: float
) -> list[Segment]:
    """Return up to `total` different lines, dealt round the lower boxes over all upper ones."""
    pairs: dict[tuple[float, float], None] = {}
    for index in range(min(total, len(lower) * len(upper))):
        turn, source = divmod(index, len(lower))
        stride = max(len(upper) // max(total // len(lower), 1), 1)
        target = (source + turn * stride) % len(upper)
        pairs[lower[source], upper[target]] = None
    return [(low, low_y, high, high_y) for low, high in pairs]


def tier_rects(centres: list[list[float]], ys: list[float]) -> list[str]:
    """Return the boxes of all tiers."""
    width = _box_width(centres)
    return [
        svg.rect(
            x - width / 2, ys[level + 1] - _BOX_HEIGHT / 2, width, _BOX_HEIGHT, "box", radius=2
        )
        for level, xs in enumerate(centres)
        for x in xs
    ]


def _box_width(centres: list[list[float]]) -> float:
    widest = max(centres, key=len)
    return min((widest[-1] - widest[0]) / len(widest) * 0.7, 20.0) if len(widest) > 1 else 20.0
