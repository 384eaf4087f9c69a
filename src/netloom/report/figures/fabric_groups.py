"""Sketch of a Dragonfly: groups on a ring, joined by global links, and one group under a lens."""

from __future__ import annotations

import math
from itertools import combinations

from netloom.report.figures import svg
from netloom.report.figures.structure import Structure, link_text, plural

_RING, _RING_RADIUS, _MOST_GROUPS = (258.0, 104.0), 84.0, 16
_LENS, _LENS_RADIUS, _MOST_ROUTERS = (170.0, 214.0), 40.0, 8


def sketch(found: Structure) -> list[str]:
    """Return the picture's elements."""
    ring = _around(_RING, _RING_RADIUS, max(min(found.groups, _MOST_GROUPS), 2))
    lens = _around(_LENS, _LENS_RADIUS - 11, max(min(found.routers_per_group, _MOST_ROUTERS), 2))
    chosen = max(ring, key=lambda point: point[1] - point[0])
    angle = math.atan2(_LENS[1] - chosen[1], _LENS[0] - chosen[0])
    side = math.pi / 2 - math.asin(min((_LENS_RADIUS - 7) / math.dist(chosen, _LENS), 1.0))
    beams = [
        (
            chosen[0] + 7 * math.cos(angle + turn),
            chosen[1] + 7 * math.sin(angle + turn),
            _LENS[0] + _LENS_RADIUS * math.cos(angle + turn),
            _LENS[1] + _LENS_RADIUS * math.sin(angle + turn),
        )
        for turn in (side, -side)
    ]
    body = [
        svg.lines([(*a, *b) for a, b in combinations(ring, 2)], "wire"),
        svg.lines(beams, "free"),
    ]
    body += [svg.circle(x, y, 7, "box") for x, y in ring]
    body.append(svg.circle(*_LENS, _LENS_RADIUS, "panel"))
    body.append(svg.lines([(*a, *b) for a, b in combinations(lens, 2)], "wire"))
    body += [svg.rect(x - 4.5, y - 4.5, 9, 9, "box", radius=2) for x, y in lens]
    return body + _numbers(found)


def _around(centre: tuple[float, float], radius: float, count: int) -> list[tuple[float, float]]:
    """Return points on a circle, the first at the top."""
    return [
        (
            centre[0] + radius * math.sin(2 * math.pi * index / count),
            centre[1] - radius * math.cos(2 * math.pi * index / count),
        )
        for index in range(count)
    ]


def _numbers(found: Structure) -> list[str]:
    links = {link.name: link for link in found.links}
    hosts = next((link for link in found.links if link.lower == "host"), None)
    entries: list[tuple[float, str, str]] = [(34, "bold", f"{found.groups:,} groups")]
    if "global" in links:
        entries.append((50, "muted", "global links"))
        entries.append((63, "muted", link_text(links["global"], found.rate)))
    entries.append((110, "bold", f"{found.routers_per_group:,} routers each"))
    entries += [
        (125, "muted", f"{count:,} {plural(name, count)} in all") for name, count in found.tiers
    ]
    if "local" in links:
        entries.append((141, "muted", "local links"))
        entries.append((154, "muted", link_text(links["local"], found.rate)))
    if hosts is not None:
        entries.append((218, "bold", f"{hosts.count:,} NICs"))
        entries.append((233, "muted", link_text(hosts, found.rate)))
    return [
        svg.text(4, y, content, 12.5 if css == "bold" else 10.5, css) for y, css, content in entries
    ]
