"""Traffic of one step: use of each stage of links by dimension, and which block sends to which."""

from __future__ import annotations

import numpy as np

from netloom import units
from netloom.report.figures import svg
from netloom.traffic import Blocks, StepTraffic

_WIDTH, _LEFT, _BAR, _PITCH = 960.0, 150.0, 18.0, 34.0
_SCALE = 560.0

#: Side of the matrix, and shades that its cells have.
_SIDE, _LEVELS, _LARGEST_CELL = 480.0, 6, 44.0

#: Height of a row from which on its sender is named.
_ROW_HEIGHT = 12.0


def draw(found: StepTraffic) -> str:
    """Return the picture."""
    bars, height = _bars(found)
    matrix, below = _matrix(found.blocks, height + 34)
    return svg.document(_WIDTH, below, "Traffic of one training step", [*bars, *matrix])


def _bars(found: StepTraffic) -> tuple[list[str], float]:
    """Return a bar for each stage: mean use by dimension, and a mark where the fullest link is."""
    stages = [stage for stage in found.stages if stage.total_bytes > 0]
    used = [name for name, load in found.bundle_bytes.items() if load.any()]
    body = [
        svg.text(0, 16, "Use of links over the step", 13.5, "bold"),
        svg.text(0, 34, "bar: mean of all links, by dimension; mark: the fullest link", 11.5,
                 "muted"),
    ]  # fmt: skip
    if not stages:
        body.append(svg.text(0, 58, "No traffic leaves the nodes.", 12, "muted"))
        return body, 70.0
    most = max(stage.peak_utilisation for stage in stages)
    scale = _SCALE / most
    top = 54.0
    for stage in stages:
        body.append(svg.text(_LEFT - 10, top + 13, stage.stage, 12, "ink", "end"))
        body.append(svg.rect(_LEFT, top, _SCALE, _BAR, "panel"))
        x = _LEFT
        for name in used:
            share = stage.bytes_by_dimension[name] / stage.total_bytes * stage.mean_utilisation
            if share * scale < 0.05:
                continue
            title = f"{name}: {units.show(stage.bytes_by_dimension[name], 'data')}"
            body.append(svg.rect(x, top, share * scale, _BAR, f"f-{name}", title))
            x += share * scale
        peak = _LEFT + stage.peak_utilisation * scale
        body.append(svg.lines([(peak, top - 3, peak, top + _BAR + 3)], "limit"))
        note = (
            f"mean {units.show(stage.mean_utilisation, 'fraction', 2)}, "
            f"fullest {units.show(stage.peak_utilisation, 'fraction', 2)}"
        )
        body.append(svg.text(_LEFT + _SCALE + 14, top + 13, note, 12, "muted"))
        top += _PITCH
    x = _LEFT
    for name in used:
        body.append(svg.rect(x, top + 2, 12, 12, f"f-{name}", radius=2))
        body.append(svg.text(x + 17, top + 12.5, name, 12, "muted"))
        x += 17 + svg.text_width(name, 12) + 18
    return body, top + 20


def _matrix(blocks: Blocks, top: float) -> tuple[list[str], float]:
    """Return the matrix of blocks, senders down and receivers across, and the y below it."""
    sent = blocks.sent_bytes
    count = len(sent)
    size = min(_SIDE / count, _LARGEST_CELL)
    between = float(sent.sum() - np.trace(sent))
    body = [
        svg.text(0, top, "Which block sends to which", 13.5, "bold"),
        svg.text(0, top + 18, _sentence(blocks, between), 11.5, "muted"),
    ]
    corner = top + 62
    side = size * count
    body.append(svg.text(_LEFT, corner - 24, "to", 11, "muted"))
    body.append(svg.text(_LEFT - 10, corner - 8, "from", 11, "muted", "end"))
    body.append(svg.rect(_LEFT, corner, side, side, "panel"))
    body += _cells(sent, size, corner)
    body += _names(blocks.names, size, corner)
    body += _legend(float(sent.max()), _LEFT + side + 28, corner)
    return body, corner + max(side, _LEVELS * 20.0 + 24) + 16


def _names(names: tuple[str, ...], size: float, corner: float) -> list[str]:
    """Return the names of all senders where rows are high enough, or of the first and the last."""
    side = size * len(names)
    body = [svg.text(_LEFT, corner - 8, names[0], 10, "muted")]
    if svg.text_width(names[0] + names[-1], 10) + 12 < side:
        body.append(svg.text(_LEFT + side, corner - 8, names[-1], 10, "muted", "end"))
    for row, name in enumerate(names):
        if size >= _ROW_HEIGHT or row in (0, len(names) - 1):
            middle = corner + (row + 0.5) * size + 3.5
            body.append(svg.text(_LEFT - 8, middle, name, 10, "muted", "end"))
    return body


def _sentence(blocks: Blocks, between: float) -> str:
    each = "a block" if blocks.num_together == 1 else f"{blocks.num_together} neighbouring blocks"
    stays = float(np.trace(blocks.sent_bytes))
    return (
        f"a cell is {each} of endpoints, named by its first switch; "
        f"{units.show(stays, 'data')} stay inside a cell, {units.show(between, 'data')} cross"
    )


def _cells(sent: np.ndarray, size: float, top: float) -> list[str]:
    """Return filled cells with their bytes as titles; shades are equal steps of bytes."""
    level = _levels(sent)
    gap = 0.12 * size if size > 4 else 0.0
    side = max(size - gap, 0.4)
    body = []
    for row, column in np.argwhere(level > 0).tolist():
        opacity = svg.number(0.15 + 0.85 * level[row, column] / _LEVELS)
        cell = svg.rect(
            _LEFT + column * size, top + row * size, side, side, "f-rail-6",
            units.show(float(sent[row, column]), "data"),
        )  # fmt: skip
        body.append(f'<g fill-opacity="{opacity}">{cell}</g>')
    return body


def _levels(sent: np.ndarray) -> np.ndarray:
    most = sent.max(initial=0.0)
    return np.ceil(sent / most * _LEVELS).astype(int) if most else np.zeros(sent.shape, dtype=int)


def _legend(most: float, x: float, top: float) -> list[str]:
    body = []
    for shade in range(_LEVELS, 0, -1):
        y = top + (_LEVELS - shade) * 20
        opacity = svg.number(0.15 + 0.85 * shade / _LEVELS)
        body.append(f'<g fill-opacity="{opacity}">{svg.rect(x, y, 14, 14, "f-rail-6")}</g>')
        text = f"up to {units.show(most * shade / _LEVELS, 'data', 2)}"
        body.append(svg.text(x + 22, y + 11.5, text, 11.5, "muted"))
    return body
