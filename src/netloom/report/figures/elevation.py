"""Elevation: one rack of each kind from the front, unit by unit."""

from __future__ import annotations

import numpy as np

from netloom.report.figures import svg
from netloom.report.figures.hall import Hall, colour
from netloom.report.figures.structure import plural

_UNIT, _RACK_WIDTH, _GAP, _LEFT, _TOP = 11.0, 188.0, 44.0, 30.0, 56.0


def draw(hall: Hall) -> str:
    """Return a node rack and, for each tier, a network rack: the fullest of each kind."""
    racks = _chosen(hall)
    width = _LEFT + len(racks) * (_RACK_WIDTH + _GAP)
    height = _TOP + hall.rack_units * _UNIT + 16
    body = []
    for number, (rack, label) in enumerate(racks):
        body += _rack(hall, rack, label, _LEFT + number * (_RACK_WIDTH + _GAP))
    return svg.document(width, height, "Elevation of the racks", body)


def _chosen(hall: Hall) -> list[tuple[int, str]]:
    """Return one rack of each kind with a label: the first of the fullest."""
    floor = hall.layout.floor
    tiers = hall.tier_of_rack()
    held = np.bincount(floor.node_rack, minlength=floor.num_racks)
    held += np.bincount(floor.switch_rack[hall.boxes()], minlength=floor.num_racks)
    chosen = []
    for kind in np.unique(tiers).tolist():
        mine = np.flatnonzero(tiers == kind)
        rack = int(mine[np.argmax(held[mine])])
        name = "nodes" if kind < 0 else plural(hall.fabric.tiers[kind].name, 2)
        chosen.append((rack, f"R{rack + 1:04d}, 1 of {len(mine):,} for {name}"))
    return chosen


def _rack(hall: Hall, rack: int, label: str, left: float) -> list[str]:
    floor, fabric = hall.layout.floor, hall.fabric
    bottom = _TOP + hall.rack_units * _UNIT

    def box(low_u: int, units: int, name: str, note: str, css: str) -> list[str]:
        top = bottom - (low_u - 1 + units) * _UNIT
        words = svg.fit(f"{name}  {note}", 9.5, _RACK_WIDTH - 12)
        return [
            svg.rect(left + 2, top + 0.6, _RACK_WIDTH - 4, units * _UNIT - 1.2, css,
                     f"U{low_u}: {name} {note}", radius=1.5),
            svg.text(left + 8, top + units * _UNIT / 2 + 3.3, words, 9.5, css.replace("f-", "t-")),
        ]  # fmt: skip

    body = [
        svg.text(left, _TOP - 16, label, 12, "bold"),
        svg.rect(left, _TOP, _RACK_WIDTH, hall.rack_units * _UNIT, "panel"),
        svg.lines(
            [
                (left, bottom - unit * _UNIT, left + _RACK_WIDTH, bottom - unit * _UNIT)
                for unit in range(1, hall.rack_units)
            ],
            "grid",
        ),
    ]
    body += [
        svg.text(left - 5, bottom - (unit - 0.5) * _UNIT + 3, str(unit), 8.5, "muted", "end")
        for unit in range(1, hall.rack_units + 1)
        if unit == 1 or unit % 5 == 0
    ]
    for node in np.flatnonzero(floor.node_rack == rack).tolist():
        name = f"node{node + 1:04d}"
        body += box(int(floor.node_u[node]), hall.node_height_u, name, hall.node_name, colour(-1))
    boxes = hall.boxes()
    for switch in boxes[floor.switch_rack[boxes] == rack].tolist():
        tier = int(fabric.switch_tier[switch])
        name = fabric.tiers[tier].name
        body += box(
            int(floor.switch_u[switch]), hall.switch_heights_u[name], hall.device_name(switch),
            hall.switch_names[name], colour(tier),
        )  # fmt: skip
    return body
