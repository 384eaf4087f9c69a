"""Sketch of a rail-only fabric: one network per rail, met only inside the nodes."""

from __future__ import annotations

from netloom.report.figures import svg
from netloom.report.figures.structure import (
    BOTTOM,
    COLUMN,
    LEFT,
    RIGHT,
    TOP,
    Structure,
    link_text,
    plural,
)

_MOST_RAILS, _NUM_NODES, _NODE_PITCH = 8, 3, 20.0
_SWITCHES_BOTTOM = 148.0


def sketch(found: Structure) -> list[str]:
    """Return the picture's elements."""
    hosts = next((link.count for link in found.links if link.lower == "host"), 0)
    rails = min(found.rails, _MOST_RAILS)
    pitch = (RIGHT - LEFT) / rails
    xs = [LEFT + pitch * (rail + 0.5) for rail in range(rails)]
    top_node = BOTTOM - (_NUM_NODES - 1) * _NODE_PITCH
    levels = len(found.tiers)
    ys = [
        _SWITCHES_BOTTOM - level * (_SWITCHES_BOTTOM - TOP) / max(levels - 1, 1)
        for level in range(levels)
    ]
    body = [
        svg.rect(
            LEFT - 4, top_node + index * _NODE_PITCH - 7, RIGHT - LEFT + 6, 14, "panel", radius=4
        )
        for index in range(_NUM_NODES)
    ]
    for rail, x in enumerate(xs):
        body += _rail(found, rail, x, pitch, ys, top_node)
    last = f"… {found.rails}" if found.rails > rails else str(rails)
    body += [
        svg.text(x, TOP - 16, last if rail == rails - 1 else str(rail + 1), 10.5, "muted", "middle")
        for rail, x in enumerate(xs)
    ]
    body.append(svg.text(COLUMN, TOP - 16, "rail", 10.5, "muted", "end"))
    return body + _numbers(found, hosts, ys, top_node)


def _rail(
    found: Structure, rail: int, x: float, pitch: float, ys: list[float], top_node: float
) -> list[str]:
    """Return one rail: its switches in proportion to the tiers, and its NIC in every node."""
    colour = f"f-rail-{rail % 8}"
    most = max(count for _, count in found.tiers)
    width = min(pitch * 0.36, 9.0)
    centres = []
    for _, count in found.tiers:
        num_boxes = max(round(2 * count / most), 1)
        centres.append(
            [x + (index - (num_boxes - 1) / 2) * pitch * 0.42 for index in range(num_boxes)]
        )
    wires = [(x, BOTTOM, x, top_node)] + [(leaf, ys[0], x, top_node) for leaf in centres[0]]
    for low, high, low_y, high_y in zip(centres[:-1], centres[1:], ys[:-1], ys[1:], strict=True):
        wires += [(a, low_y, b, high_y) for a in low for b in high]
    body = [svg.lines(wires, "wire")]
    for xs, y in zip(centres, ys, strict=True):
        body += [svg.rect(box - width / 2, y - 6.5, width, 13, colour, radius=2) for box in xs]
    body += [
        svg.circle(x, top_node + index * _NODE_PITCH, 3.5, colour) for index in range(_NUM_NODES)
    ]
    return body


def _numbers(found: Structure, hosts: int, ys: list[float], top_node: float) -> list[str]:
    body = [
        svg.text(COLUMN, BOTTOM - 7, f"{hosts:,} NICs", 12.5, "bold", "end"),
        svg.text(COLUMN, BOTTOM + 7, "rails meet in nodes", 10.5, "muted", "end"),
    ]
    marks = [top_node, *ys]
    names = ["host", *(name for name, _ in found.tiers)]
    for (name, count), y in zip(found.tiers, ys, strict=True):
        body.append(
            svg.text(COLUMN, y + 4, f"{count:,} {plural(name, count)}", 12.5, "bold", "end")
        )
    for lower, upper, low_y, high_y in zip(
        names[:-1], names[1:], marks[:-1], marks[1:], strict=True
    ):
        link = found.between(lower, upper)
        if link is not None:
            middle = (low_y + high_y) / 2 + 4
            body.append(svg.text(COLUMN, middle, link_text(link, found.rate), 10.5, "muted", "end"))
    return body
