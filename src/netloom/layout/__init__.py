"""Racks, rows, cable lengths, media and the cable schedule of a fabric.

`plan` lays a fabric out; `Layout.lots` counts its cables by link class, medium and length;
`cable_rows` is the schedule that a contractor works from.
"""

from __future__ import annotations

from netloom.layout.cables import COLUMNS as CABLE_COLUMNS
from netloom.layout.cables import Cables, schedule
from netloom.layout.cables import rows as cable_rows
from netloom.layout.ends import Cage
from netloom.layout.floor import Box, Floor, FloorRules
from netloom.layout.media import AUTO, Market, MediumOffer
from netloom.layout.plan import CableLot, Layout, plan

__all__ = [
    "AUTO",
    "CABLE_COLUMNS",
    "Box",
    "CableLot",
    "Cables",
    "Cage",
    "Floor",
    "FloorRules",
    "Layout",
    "Market",
    "MediumOffer",
    "cable_rows",
    "plan",
    "schedule",
]
