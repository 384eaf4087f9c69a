"""A fabric without a study on disk: counts, cables, and drawings of the hall."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from netloom import layout
from netloom.catalog.parts import Node
from netloom.layout import Layout
from netloom.materials import TierSwitch
from netloom.report.cables import write_cables
from netloom.report.figures import elevation, floor_plan, svg, trunk_matrix
from netloom.report.figures.hall import Hall
from netloom.report.netbox import write_netbox
from netloom.survey import Survey
from netloom.topology.fabric import Fabric

#: File stem -> heading in the report.
DRAWINGS = {
    "floor-plan": "Floor plan",
    "elevation": "Racks from the front",
    "trunk-matrix": "Which switches are joined",
}


def hall_of(
    fabric: Fabric, placed: Layout, tiers: Mapping[str, TierSwitch], node: Node, rack_units: int
) -> Hall:
    """Return what the drawings need of a placed fabric."""
    return Hall(
        fabric=fabric,
        layout=placed,
        node_name=node.name,
        node_height_u=node.height_u,
        switch_names={name: chosen.switch.name for name, chosen in tiers.items()},
        switch_heights_u={name: chosen.switch.height_u for name, chosen in tiers.items()},
        rack_units=rack_units,
    )


def drawings(hall: Hall) -> dict[str, str]:
    """Return the pictures of a hall by the keys of `DRAWINGS`, without colours of their own."""
    return {
        "floor-plan": floor_plan.draw(hall),
        "elevation": elevation.draw(hall),
        "trunk-matrix": trunk_matrix.draw(hall),
    }


def write(found: Survey, directory: Path | str) -> tuple[Path, ...]:
    """Write ``fabric.json``, ``cables.csv``, ``netbox.csv`` and the drawings; return the files."""
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    answer = folder / "fabric.json"
    text = json.dumps(found.as_json(), indent=1, ensure_ascii=False) + "\n"
    answer.write_text(text, encoding="utf-8", newline="\n")
    cables, netbox = folder / "cables.csv", folder / "netbox.csv"
    write_cables(cables, layout.cable_rows(found.fabric, found.layout))
    write_netbox(netbox, layout.cable_rows(found.fabric, found.layout))
    written = [answer, cables, netbox]
    hall = hall_of(found.fabric, found.layout, found.tiers, found.node, found.rack_units)
    for stem, picture in drawings(hall).items():
        written.append(folder / f"{stem}.svg")
        written[-1].write_text(svg.standalone(picture), encoding="utf-8", newline="\n")
    return tuple(written)
