"""Endpoints that full non-blocking trees of a catalogue switch reach."""

from __future__ import annotations

from collections.abc import Iterator

from netloom import catalog
from netloom.topology.clos import most_hosts
from netloom.units import parse
from netloom.validation import Row
from netloom.validation.published import cite, read


def rows() -> Iterator[Row]:
    """Yield one row per switch, rate and number of tiers."""
    for case in read("radix.yaml"):
        modes = catalog.get("switch", case["switch"]).port_modes
        rate = parse(case["rate"], "rate")
        (num_ports,) = (mode.num_ports for mode in modes if parse(mode.rate, "rate") == rate)
        yield Row(
            "radix",
            f"{case['switch']} at {case['rate']}, {case['tiers']} tiers: endpoints",
            "",
            case["published"],
            most_hosts(num_ports, case["tiers"], 1.0),
            0.0,
            cite(case["source"]),
            note=case.get("note", ""),
        )
