"""What a sketch of a fabric needs to know, read from a candidate's counts and parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from netloom import units
from netloom.report.figures import svg
from netloom.result import Candidate

WIDTH, HEIGHT = 372.0, 270.0
#: Right edge of the column of numbers, and the drawing beside it.
COLUMN, LEFT, RIGHT = 118.0, 130.0, 368.0
#: Baselines: hosts at the bottom, the top tier above.
BOTTOM, TOP = 236.0, 34.0

#: What boxes of switches are called, by the name of their tier.
_PLURALS = {"leaf": "leaves", "switch": "switches"}


@dataclass(frozen=True)
class Links:
    """Links of one class; `lower` and `upper` are tier names, ``"host"`` for endpoints.

    Both are empty for links inside one tier, such as ``"local"``.
    """

    name: str
    count: int
    lower: str
    upper: str


@dataclass(frozen=True)
class Structure:
    """A fabric as far as a sketch needs it.

    Attributes
    ----------
    kind : fabric family.
    tiers : name and switches, hosts' neighbours first.
    links : by class.
    rate : one link as text, ``"400 Gb/s"``; empty when the parameters do not say.
    planes, rails, pods, units, groups, routers_per_group : 1 when the parameters do not say.
    """

    kind: str
    tiers: tuple[tuple[str, int], ...]
    links: tuple[Links, ...]
    rate: str
    planes: int
    rails: int
    pods: int
    units: int
    groups: int
    routers_per_group: int

    def between(self, lower: str, upper: str) -> Links | None:
        """Return the links between two tiers, if there are any."""
        return next(
            (link for link in self.links if (link.lower, link.upper) == (lower, upper)), None
        )

    def levels(self) -> Iterator[tuple[Links, float]]:
        """Yield the links into each tier from below, and how many there are per host link."""
        names = ["host", *(name for name, _ in self.tiers)]
        first = self.between(names[0], names[1]) if len(names) > 1 else None
        for lower, upper in pairwise(names):
            link = self.between(lower, upper)
            if link is not None and first is not None and first.count:
                yield link, link.count / first.count


def structure(candidate: Candidate) -> Structure:
    """Return what a candidate's counts and parameters say of its fabric."""
    parameters = candidate.fabric_parameters

    def whole(*names: str) -> int:
        return next(
            (
                int(value)
                for name in names
                if isinstance(value := parameters.get(name), int | float)
            ),
            1,
        )

    rate = parameters.get("link_bytes_per_s")
    tiers = tuple(candidate.counts.switches.items())
    links = []
    for name, count in candidate.counts.links.items():
        lower, dash, upper = name.partition("-")
        links.append(Links(name, count, lower if dash else "", upper))
    return Structure(
        kind=candidate.fabric_kind,
        tiers=tiers,
        links=tuple(links),
        rate=units.show(rate, "rate") if isinstance(rate, int | float) else "",
        planes=whole("planes"),
        rails=whole("rails", "domain"),
        pods=whole("pods"),
        units=whole("units"),
        groups=whole("g"),
        routers_per_group=whole("a"),
    )


def rows(count: int) -> list[float]:
    """Return the y of hosts and tiers, bottom first."""
    return [BOTTOM - level * (BOTTOM - TOP) / max(count - 1, 1) for level in range(count)]


def boxes(left: float, right: float, count: int) -> list[float]:
    """Return the centres of boxes spread evenly over a span."""
    return [left + (right - left) * (index + 0.5) / count for index in range(count)]


def plural(name: str, count: int) -> str:
    """Return the tier's name for a count of its switches."""
    return name if count == 1 else _PLURALS.get(name, f"{name}s")


def numbers(found: Structure, hosts: int) -> list[str]:
    """Return the column of numbers: switches at each tier, links and taper between tiers."""
    ys = rows(len(found.tiers) + 1)
    body = [svg.text(COLUMN, ys[0] + 4, f"{hosts:,} NICs", 12.5, "bold", "end")]
    for y, (name, count) in zip(ys[1:], found.tiers, strict=True):
        label = svg.fit(f"{count:,} {plural(name, count)}", 13.5, COLUMN)
        body.append(svg.text(COLUMN, y + 4, label, 12.5, "bold", "end"))
    below = None
    names = ["host", *(name for name, _ in found.tiers)]
    for lower, upper, low_y, high_y in zip(names[:-1], names[1:], ys[:-1], ys[1:], strict=True):
        link, middle = found.between(lower, upper), (low_y + high_y) / 2
        if link is None:
            continue
        body.append(svg.text(COLUMN, middle + 1, link_text(link, found.rate), 10.5, "muted", "end"))
        if below is not None and link.count:
            body.append(
                svg.text(COLUMN, middle + 14, taper_text(below, link.count), 10.5, "muted", "end")
            )
        below = link.count
    return body


def link_text(link: Links, rate: str) -> str:
    """Return count and rate of a link class, ``"16,384 × 400 Gb/s"``."""
    return f"{link.count:,} × {rate}" if rate else f"{link.count:,} links"


def taper_text(down: int, up: int) -> str:
    """Return the ratio of links below to links above a tier.

    Examples
    --------
    >>> taper_text(16384, 2376), taper_text(512, 512), taper_text(512, 1024)
    ('6.9 : 1 tapered', '1 : 1', '1 : 2 widened')
    """
    ratio = down / up
    if abs(ratio - 1) < 0.005:
        return "1 : 1"
    return f"{ratio:.3g} : 1 tapered" if ratio > 1 else f"1 : {1 / ratio:.3g} widened"
