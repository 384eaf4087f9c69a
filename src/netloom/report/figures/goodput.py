"""Days to finish as a distribution, one row for each candidate, the closed form marked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from netloom.report.figures import svg
from netloom.report.figures.cost_time import ticks
from netloom.report.goodput import formula_days, percentiles, shown_days
from netloom.search.runs import CandidateRuns, StudyRuns

_WIDTH, _LEFT, _RIGHT, _TOP = 640.0, 20.0, 620.0, 30.0
_ROW, _HEIGHT, _SIZE = 62.0, 34.0, 11.5

#: Bars of a distribution, and the share of runs at each end that the axis leaves out.
_NUM_BINS, _OUTSIDE = 80, 0.1

#: Hues of the distributions, cyclic.
_NUM_HUES = 8


def draw(found: StudyRuns) -> str:
    """Return the picture; all rows share the axis of days, each its own height."""
    days = np.concatenate([each.runs.days for each in found.candidates])
    low, high = np.percentile(days, (_OUTSIDE, 100 - _OUTSIDE))
    marks = ticks(float(low), float(high), 6)

    def x_of(day: float) -> float:
        share = (day - marks[0]) / (marks[-1] - marks[0])
        return _LEFT + min(max(share, 0.0), 1.0) * (_RIGHT - _LEFT)

    bottom = _TOP + len(found.candidates) * _ROW
    body = [svg.text(_LEFT, 14, f"days to finish, {found.num_runs:,} runs each", 12, "muted")]
    body.append(svg.lines([(x_of(m), _TOP, x_of(m), bottom + 5) for m in marks], "grid"))
    body += [
        svg.text(x_of(mark), bottom + 19, f"{mark:g}", _SIZE, "muted", "middle") for mark in marks
    ]
    edges = np.linspace(marks[0], marks[-1], _NUM_BINS + 1)
    for row, each in enumerate(found.candidates):
        body += _row(each, row, edges, x_of)
    legend = "bar: 10th to 90th percentile, dot: median, dashed: closed form"
    body.append(svg.text(_LEFT, bottom + 40, legend, _SIZE, "muted"))
    return svg.document(_WIDTH, bottom + 50, "Days to finish per candidate", body)


def _row(
    each: CandidateRuns, row: int, edges: np.ndarray, x_of: Callable[[float], float]
) -> list[str]:
    """Return one distribution with its name, percentiles and closed form."""
    base, hue = _TOP + (row + 1) * _ROW - 10, f"rail-{row % _NUM_HUES}"
    days = each.runs.days
    counts, _ = np.histogram(days, edges)
    outline = [(x_of(edges[0]), base)]
    for count, left, right in zip(counts, edges, edges[1:], strict=False):
        y = base - _HEIGHT * count / max(counts.max(), 1)
        outline += [(x_of(left), y), (x_of(right), y)]
    outline.append((x_of(edges[-1]), base))
    places = "L".join(f"{svg.number(x)} {svg.number(y)}" for x, y in outline)
    low, middle, high = percentiles(days)
    formula = formula_days(each)
    said = (
        f"{shown_days(low)} to {shown_days(high)}, median {shown_days(middle)}, "
        f"closed form {shown_days(formula)}"
    )
    room = _RIGHT - _LEFT - svg.text_width(said, _SIZE) - 12
    return [
        f'<path d="M{places}Z" style="fill:var(--f-{hue});fill-opacity:.35"/>',
        svg.lines([(x_of(low), base, x_of(high), base)], "limit", 3),
        svg.circle(
            x_of(middle), base, 4, "winner", f"{each.name}: median {shown_days(middle)} days"
        ),
        svg.lines([(x_of(formula), base - _HEIGHT, x_of(formula), base + 4)], "front"),
        svg.text(_LEFT, base - _HEIGHT - 4, svg.fit(each.name, 12, room), 12, "bold"),
        svg.text(_RIGHT, base - _HEIGHT - 4, said, _SIZE, "muted", "end"),
    ]
