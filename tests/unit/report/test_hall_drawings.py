"""Floor plan, elevation and trunk matrix: what they show is what is placed."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from netloom.report import html
from netloom.report.fabric import DRAWINGS, drawings, hall_of
from netloom.survey import Request, survey


def drawn(kind, **parameters):
    found = survey(Request(kind, parameters))
    hall = hall_of(found.fabric, found.layout, found.tiers, found.node, found.rack_units)
    return found, drawings(hall)


@pytest.fixture(scope="module")
def pods():
    return drawn("pods", pods=2, pod_hosts=512, radix=64)


def test_pictures_are_well_formed_and_named(pods):
    _, pictures = pods
    assert pictures.keys() == DRAWINGS.keys()
    for picture in pictures.values():
        assert ElementTree.fromstring(picture).get("aria-label")


def test_every_box_of_a_rack_is_in_its_elevation(pods):
    found, pictures = pods
    titles = re.findall(r"<title>U(\d+): (\S+) ", pictures["elevation"])
    shown = {name: int(unit) for unit, name in titles}
    floor = found.layout.floor
    # the first node rack: two nodes and more, and the leaves above them
    in_rack = np.flatnonzero(floor.node_rack == floor.node_rack[0])
    assert {f"node{node + 1:04d}" for node in in_rack} <= shown.keys()
    assert shown["node0001"] == floor.node_u[0]
    assert shown["leaf0001"] == floor.switch_u[0]


def test_the_matrix_fills_a_cell_for_every_joined_pair(pods):
    found, pictures = pods
    fabric = found.fabric
    cells = len(re.findall(r"M[\d.]+ [\d.]+h", pictures["trunk-matrix"]))
    inner = fabric.trunk_class > 0
    pairs = {*zip(fabric.trunk_lower[inner], fabric.trunk_upper[inner], strict=True)}
    assert cells == len(pairs)


def test_a_mesh_of_switches_is_drawn_both_ways():
    found, pictures = drawn("dragonfly", p=2, a=4, h=2, g=3)
    cells = len(re.findall(r"M[\d.]+ [\d.]+h", pictures["trunk-matrix"]))
    assert cells == 2 * int((found.fabric.trunk_class > 0).sum())


def test_a_large_hall_stays_a_small_picture():
    _, pictures = drawn("fat-tree", hosts=131072, radix=128, tiers=3)
    assert max(map(len, pictures.values())) < 1_500_000
    assert "4,096 with dgx-h100" in pictures["floor-plan"]


def test_a_fabric_without_boxes_says_so():
    _, pictures = drawn("torus", dims="4,4,4", routers="endpoint")
    assert "No two switches" in pictures["trunk-matrix"]


def test_the_report_shows_the_winners_hall(sample, pods):
    _, pictures = pods
    page = html.page(sample, pictures)
    for heading in DRAWINGS.values():
        assert heading in page
    assert 'id="hall"' not in html.page(sample)
