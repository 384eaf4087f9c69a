"""Trunk matrix: which switches are joined by how many links, class by class.

Lower switches run across and upper ones down, in their numbers' order. Where there are more than
fit, equally many neighbours share a cell. Lines part the blocks (pods, units, groups).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netloom.report.figures import svg
from netloom.report.figures.hall import Hall, colour
from netloom.report.figures.structure import plural
from netloom.topology.fabric import HOST

_WIDTH, _LEFT, _SIDE, _MOST_CELLS, _LEVELS = 960.0, 92.0, 400.0, 128, 6
_PANEL, _HEAD, _FOOT = _LEFT + _SIDE + 40, 62.0, 30.0

#: Blocks beyond which no line is drawn between them.
_MOST_BLOCKS = 48


def draw(hall: Hall) -> str:
    """Return one matrix for each link class between boxes."""
    fabric = hall.fabric
    boxes = np.zeros(fabric.num_switches, dtype=bool)
    boxes[hall.boxes()] = True
    classes = [
        number
        for number, kind in enumerate(fabric.link_classes)
        if kind.cabled and kind.lower != HOST and (fabric.trunk_class == number).any()
        and boxes[np.flatnonzero(fabric.switch_tier == kind.upper)].any()
    ]  # fmt: skip
    if not classes:
        return svg.document(_WIDTH, 40, "Trunk matrix", [
            svg.text(0, 24, "No two switches of this fabric are joined by cables.", 12, "muted")
        ])  # fmt: skip
    body: list[str] = []
    left = top = tallest = 0.0
    for number in classes:
        panel, height = _panel(hall, number)
        if left + _PANEL > _WIDTH + 120:
            left, top, tallest = 0.0, top + tallest, 0.0
        body.append(f'<g transform="translate({svg.number(left)} {svg.number(top)})">')
        body += [*panel, "</g>"]
        left, tallest = left + _PANEL, max(tallest, height)
    width = min(len(classes), 2) * _PANEL
    return svg.document(width, top + tallest, "Trunk matrix", body)


def _panel(hall: Hall, number: int) -> tuple[list[str], float]:
    """Return the matrix of one link class and its height."""
    fabric = hall.fabric
    kind = fabric.link_classes[number]
    mine = fabric.trunk_class == number
    low, high = fabric.trunk_lower[mine], fabric.trunk_upper[mine]
    links = fabric.trunk_links[mine]
    across, down = _switches(hall, kind.lower), _switches(hall, kind.upper)
    # as many switches in every cell, the last may have fewer
    together = [-(-len(side) // _MOST_CELLS) for side in (across, down)]
    cells_across, cells_down = (
        -(-len(side) // step) for side, step in zip((across, down), together, strict=True)
    )
    column, row = (low - across[0]) // together[0], (high - down[0]) // together[1]
    grid = np.zeros((cells_down, cells_across))
    np.add.at(grid, (row, column), links)
    if kind.lower == kind.upper:
        np.add.at(grid, (column, row), links)
    wide = _SIDE / max(cells_across, cells_down)
    size = min(wide, 22.0)
    body = [
        svg.text(0, 16, f"{kind.name}: {int(links.sum()):,} links", 13.5, "bold"),
        svg.text(0, 34, _sentence(hall, number, links, grid, across, down), 11.5, "muted"),
        svg.rect(_LEFT, _HEAD, size * cells_across, size * cells_down, "panel"),
    ]
    body += _cells(grid, size, colour(kind.upper))
    body += _block_lines(fabric.switch_block[across], size, cells_across, cells_down, along=True)
    body += _block_lines(fabric.switch_block[down], size, cells_down, cells_across, along=False)
    body += _names(hall, across, down, size, cells_across, cells_down)
    return body, _HEAD + size * cells_down + _FOOT


def _switches(hall: Hall, tier: int) -> NDArray[np.int64]:
    return np.flatnonzero(hall.fabric.switch_tier == tier)


def _sentence(
    hall: Hall, number: int, links: np.ndarray, grid: np.ndarray, across: np.ndarray,
    down: np.ndarray,
) -> str:  # fmt: skip
    kind, tiers = hall.fabric.link_classes[number], hall.fabric.tiers
    fewest, most = int(links.min()), int(links.max())
    each = f"{most}" if fewest == most else f"{fewest} to {most}"
    text = f"{each} link{'s' if most > 1 else ''} in a joined pair; "
    text += f"{len(across):,} {plural(tiers[kind.lower].name, len(across))} across, "
    text += f"{len(down):,} {plural(tiers[kind.upper].name, len(down))} down"
    if grid.shape[0] * grid.shape[1] < len(across) * len(down):
        text += ", neighbours summed up"
    return text


def _cells(grid: np.ndarray, size: float, css: str) -> list[str]:
    """Return filled cells, one path for each of a few shades."""
    most = grid.max()
    level = np.ceil(grid / most * _LEVELS).astype(int) if most else grid.astype(int)
    gap = 0.12 * size if size > 4 else 0.0
    side = svg.number(max(size - gap, 0.4))
    body = []
    for shade in range(1, _LEVELS + 1):
        moves = "".join(
            f"M{svg.number(_LEFT + column * size)} {svg.number(_HEAD + row * size)}"
            f"h{side}v{side}h-{side}z"
            for row, column in np.argwhere(level == shade).tolist()
        )
        if moves:
            opacity = svg.number(0.3 + 0.7 * shade / _LEVELS)
            body.append(f'<path d="{moves}" class="{css}" fill-opacity="{opacity}"/>')
    return body


def _block_lines(
    block: np.ndarray, size: float, cells: int, other_cells: int, *, along: bool
) -> list[str]:
    """Return lines where the block changes along one side."""
    changes = np.flatnonzero(np.diff(block)) + 1
    if not 0 < len(changes) < _MOST_BLOCKS:
        return []
    places = changes * cells / len(block) * size
    far = other_cells * size
    if along:
        segments = [(_LEFT + at, _HEAD, _LEFT + at, _HEAD + far) for at in places]
    else:
        segments = [(_LEFT, _HEAD + at, _LEFT + far, _HEAD + at) for at in places]
    return [svg.lines(segments, "axis", 0.8)]


def _names(
    hall: Hall, across: np.ndarray, down: np.ndarray, size: float, cells_across: int,
    cells_down: int,
) -> list[str]:  # fmt: skip
    """Return the first and last switch of either side."""
    right, bottom = _LEFT + size * cells_across, _HEAD + size * cells_down
    first, last = hall.device_name(int(across[0])), hall.device_name(int(across[-1]))
    body = [svg.text(_LEFT, _HEAD - 8, first, 10, "muted")]
    if svg.text_width(first + last, 10) + 12 < right - _LEFT:
        body.append(svg.text(right, _HEAD - 8, last, 10, "muted", "end"))
    body.append(svg.text(_LEFT - 8, _HEAD + 9, hall.device_name(int(down[0])), 10, "muted", "end"))
    if bottom - _HEAD > 24:
        name = hall.device_name(int(down[-1]))
        body.append(svg.text(_LEFT - 8, bottom, name, 10, "muted", "end"))
    return body
