"""``netbox.csv``: the cable schedule as NetBox imports cables in bulk.

The devices and their interfaces must be in NetBox under the names of the schedule: ``leaf0001``
with interface ``3``, ``node0001`` with ``nic1``.

References
----------
NetBox 4.6 documentation, cables, bulk import.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from netloom import catalog
from netloom.report.cables import COLUMNS as SCHEDULE

COLUMNS = (
    "side_a_device", "side_a_type", "side_a_name", "side_b_device", "side_b_type", "side_b_name",
    "type", "status", "label", "length", "length_unit", "description",
)  # fmt: skip

_TYPES = {"dac": "dac-passive", "acc": "dac-active", "aec": "dac-active", "aoc": "aoc"}


def cable_type(medium: str) -> str:
    """Return NetBox's type of a catalogue medium.

    Examples
    --------
    >>> cable_type("dac-400g"), cable_type("dsp-400g-dr4"), cable_type("dsp-400g-sr4")
    ('dac-passive', 'smf-os2', 'mmf-om4')
    """
    part = catalog.get("medium", medium)
    multimode = any("-sr" in interface.name for interface in part.interfaces)
    return _TYPES.get(part.technology, "mmf-om4" if multimode else "smf-os2")


def write_netbox(path: Path, rows: Iterable[Sequence[object]]) -> int:
    """Write the cables of a schedule (`netloom.layout.cable_rows`) and return how many they are."""
    types: dict[str, str] = {}
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            count += 1
            cable = dict(zip(SCHEDULE, row, strict=True))
            medium = str(cable["medium"])
            if medium not in types:
                types[medium] = cable_type(medium)
            writer.writerow(
                (
                    cable["a_device"], "dcim.interface", cable["a_port"],
                    cable["b_device"], "dcim.interface", cable["b_port"],
                    types[medium], "planned", cable["label"], cable["length_m"], "m",
                    f"{cable['id']} {medium}, bundle {cable['bundle']}",
                )
            )  # fmt: skip
    return count
