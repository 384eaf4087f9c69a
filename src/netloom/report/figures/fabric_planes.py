"""Sketch of a multi-plane fabric: equal trees side by side, every NIC split over all of them."""

from __future__ import annotations

from netloom.report.figures import fabric_clos, svg
from netloom.report.figures.structure import BOTTOM, LEFT, RIGHT, TOP, Structure, numbers, rows

_MOST_PANELS, _NUM_HOSTS = 4, 10


def sketch(found: Structure) -> list[str]:
    """Return the picture's elements."""
    hosts = next((link.count for link in found.links if link.lower == "host"), 0)
    panels = min(found.planes, _MOST_PANELS)
    pitch = (RIGHT - LEFT) / panels
    gap = 10.0
    host_xs = [LEFT + (RIGHT - LEFT) * (index + 0.5) / _NUM_HOSTS for index in range(_NUM_HOSTS)]
    ys = rows(len(found.tiers) + 1)
    body = numbers(found, hosts // found.planes)
    for panel in range(panels):
        left, right = LEFT + panel * pitch + gap / 2, LEFT + (panel + 1) * pitch - gap / 2
        body.append(svg.rect(left, TOP - 14, right - left, ys[1] - TOP + 30, "panel", radius=6))
        centres = fabric_clos.tier_boxes(found, left + 4, right - 4, max(8 // panels, 2))
        leaves = centres[0]
        wires = [
            (x, BOTTOM, leaves[index * len(leaves) // _NUM_HOSTS], ys[1])
            for index, x in enumerate(host_xs)
        ]
        body.append(svg.lines(wires, "wire"))
        body += fabric_clos.tier_wires(found, centres, ys)
        body += fabric_clos.tier_rects(centres, ys)
        number = panel + 1 if panel < panels - 1 else found.planes
        prefix = "… plane" if number > panel + 1 else "plane"
        body.append(
            svg.text((left + right) / 2, TOP - 20, f"{prefix} {number}", 11, "muted", "middle")
        )
    body += [svg.rect(x - 4, BOTTOM - 4, 8, 8, "f-compute", radius=1.5) for x in host_xs]
    return body
