"""What the network's money buys: switches, optics, cables, NICs and their installation."""

from __future__ import annotations

from netloom import units
from netloom.report.figures import stacked
from netloom.result import Candidate, StudyResult

#: Groups of the bill of materials that are network money: name, label.
GROUPS = (
    ("switches", "switches"), ("optics", "optics"), ("cables", "cables"), ("nics", "NICs"),
    ("installation", "installation"),
)  # fmt: skip


def dollars(candidate: Candidate) -> dict[str, float]:
    """Return the most likely price of each group of the network, in US$."""
    return {
        name: sum((line.total_usd.mode for line in candidate.bom if line.group == name), 0.0)
        for name, _ in GROUPS
    }


def draw(result: StudyResult) -> str:
    """Return the network capex of every candidate, split by group."""
    bars = []
    for candidate in result.candidates:
        capex, values = candidate.network_capex_usd, tuple(dollars(candidate).values())
        total = (
            f"{units.show(capex.mode, 'money')} ({capex.low / 1e6:.0f} to {capex.high / 1e6:.0f})"
        )
        shown = tuple(units.show(value, "money") for value in values)
        bars.append(stacked.Bar(f"{candidate.rank}  {candidate.name}", total, values, shown))
    return stacked.draw("Network capex by group, per candidate", GROUPS, bars)
