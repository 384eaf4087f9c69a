"""Sketches of direct networks carry their true numbers and show how lines are wired."""

from __future__ import annotations

import re

import pytest

from netloom.report.figures import fabric_direct
from netloom.report.figures.structure import Links, Structure
from netloom.topology import build
from netloom.topology.counts import count


def found_structure(kind, parameters):
    fabric = build(kind, parameters)
    counts = count(fabric)
    links = [
        Links(name, number, *(name.split("-") if "-" in name else ("", name)))
        for name, number in counts.links.items()
    ]
    return fabric, Structure(
        kind=kind, tiers=tuple(counts.switches.items()), links=tuple(links), rate="400 Gb/s",
        planes=1, rails=1, pods=1, units=1, groups=1, routers_per_group=1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "parameters", "boxes"),
    [
        ("torus", {"dims": "4,4,4"}, 16), ("mesh", {"dims": "3"}, 3),
        ("torus", {"dims": "4,6", "routers": "endpoint"}, 24),
        ("hyperx", {"dims": "13,13", "p": 12}, 42), ("flattened-butterfly", {"k": 4, "n": 3}, 16),
        ("slim-fly", {"q": 5}, 16), ("polarfly", {"q": 2}, 7), ("hyperx", {"dims": "1"}, 1),
    ],
)  # fmt: skip
def test_direct_networks_are_drawn_with_their_counts(kind, parameters, boxes):
    fabric, found = found_structure(kind, parameters)
    assert fabric_direct.suits(found)
    picture = "".join(fabric_direct.sketch(found, fabric.parameters))
    assert picture.count("<rect") == boxes
    content = " ".join(re.findall(r">([^<]+)</text>", picture))
    for _, number in found.tiers:
        assert f"{number:,} switch" in content
    for link in found.links:
        assert f"{link.count:,} × 400 Gb/s" in content


def wires(kind, parameters):
    fabric, found = found_structure(kind, parameters)
    picture = "".join(fabric_direct.sketch(found, fabric.parameters))
    return len(re.findall(r"L[\d.-]+ ", picture))


def test_a_torus_closes_its_lines_and_a_hyperx_joins_all_of_a_line():
    mesh, torus, hyperx = (wires(kind, {"dims": "4,4"}) for kind in ("mesh", "torus", "hyperx"))
    assert mesh == 2 * 4 * 3
    # each of eight rings leaves on one side and comes back on the other
    assert torus == mesh + 8 * 2
    # three more pairs in each line, bent once
    assert hyperx == mesh + 8 * 3 * 2


def test_trees_and_groups_are_drawn_otherwise():
    for kind, parameters in [
        ("fat-tree", {"hosts": 64, "radix": 16, "tiers": 2}),
        ("dual-tor", {"segments": 1}),
    ]:
        assert not fabric_direct.suits(found_structure(kind, parameters)[1])
