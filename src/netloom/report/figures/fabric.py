"""A candidate's fabric, drawn: a sketch with the true numbers written on it.

The sketch shows a few switches for many, but in proportion: a tier with half the switches has half
the boxes, and a tapered tier has as much fewer lines as it has less rate.
"""

from __future__ import annotations

from netloom.report.figures import (
    fabric_clos,
    fabric_direct,
    fabric_groups,
    fabric_planes,
    fabric_rails,
    svg,
)
from netloom.report.figures.structure import HEIGHT, WIDTH, Structure, structure
from netloom.result import Candidate


def draw(candidate: Candidate) -> str:
    """Return the sketch that suits: a lattice or ring, groups, rails, planes or tiers."""
    found = structure(candidate)
    if fabric_direct.suits(found):
        body = fabric_direct.sketch(found, candidate.fabric_parameters)
    else:
        body = _sketch(found)
    return svg.document(WIDTH, HEIGHT, f"Fabric of {candidate.name}", body)


def _sketch(found: Structure) -> list[str]:
    if any(link.name == "global" for link in found.links):
        return fabric_groups.sketch(found)
    if found.kind == "rail-only" and found.rails > 1:
        return fabric_rails.sketch(found)
    if found.planes > 1:
        return fabric_planes.sketch(found)
    return fabric_clos.sketch(found)
