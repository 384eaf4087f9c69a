"""What one candidate costs, as a function of its inputs: evaluated at the most likely values, on
draws, and with one input moved.

Sums are linear in prices: a *term* is a coefficient times the price or the draw of one part. The
bill's lines and these terms are the same numbers, so that the most likely capex is the bill's to
the cent. A node's line is its price less the NICs inside it, which are a term of their own: with
the NICs as delivered they cancel on every draw.

Letters: D draws; values are floats, or float64 of shape (D,).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.money.failing import Failing
from netloom.money.inputs import Input
from netloom.units import YEAR_S

_MONTH_S = YEAR_S / 12

Value = float | NDArray[np.float64]
Values = Mapping[str, Value]

#: Groups that installation is a share of; nodes arrive with their NICs in place.
INSTALLED = ("switches", "optics", "cables")

#: Parts of the capex in the order in which they are shown; `nodes` stands where no price of the
#: accelerators inside is known.
CAPEX = (
    "accelerators", "servers", "nodes", "nics", "switches", "optics", "cables", "installation",
    "spares",
)  # fmt: skip

#: Parts of what a run costs.
RUN = ("depreciation", "capital", "energy", "maintenance", "staff", "hosting")


@dataclass(frozen=True)
class Term:
    """A coefficient times one input.

    Attributes
    ----------
    group : of the bill of materials.
    path : of the input: a unit price, or the draw of one unit.
    coefficient : units, the study's changes of the price included.
    """

    group: str
    path: str
    coefficient: float


@dataclass(frozen=True)
class Account:
    """One candidate's inputs, and what it does with them.

    Attributes
    ----------
    name : of the candidate.
    inputs : by path.
    prices, power : terms of capex and of rated draw.
    accelerator_share : accelerators' share of a node's price without NICs; 0 when unknown.
    installation_factor : the study's change of installation; 1 for none.
    site : path prefix of the site's numbers, with its dot.
    failing : what failures do to the length of the run.
    """

    name: str
    inputs: Mapping[str, Input]
    prices: tuple[Term, ...]
    power: tuple[Term, ...]
    accelerator_share: float
    installation_factor: float
    site: str
    failing: Failing

    def modes(self) -> dict[str, Value]:
        """Return every input at its most likely value."""
        return {path: each.value.mode for path, each in self.inputs.items()}

    def bill(self, values: Values) -> dict[str, Value]:
        """Return the capex by group of the bill of materials, US$."""
        groups = sums_by_group(self.prices, values)
        installed = sum(groups.get(group, 0.0) for group in INSTALLED)
        share = values[f"{self.site}installation_fraction"]
        groups["installation"] = self.installation_factor * share * installed
        return groups

    def capex(self, values: Values) -> dict[str, Value]:
        """Return the capex by part (`CAPEX`), spares in stock included, US$."""
        groups = self.bill(values)
        nodes = groups.pop("nodes", 0.0)
        network = sum(value for group, value in groups.items() if group != "installation")
        if self.accelerator_share:
            groups["accelerators"] = self.accelerator_share * nodes
            groups["servers"] = (1 - self.accelerator_share) * nodes
        else:
            groups["nodes"] = nodes
        groups["spares"] = (
            values[f"{self.site}node_spares_fraction"] * nodes
            + values[f"{self.site}network_spares_fraction"] * network
        )
        return {part: groups[part] for part in CAPEX if part in groups}

    def draw_w(self, values: Values) -> tuple[Value, Value, Value]:
        """Return the IT power at its maximum, while training, and while the job stands still, W.

        The network draws the same in all three: its links are up and its ports clocked.
        """
        groups = sums_by_group(self.power, values)
        nodes = groups.pop("nodes", 0.0)
        network = sum(groups.values())
        loaded, idle = (
            values[f"{self.site}{name}_power_fraction"] * nodes + network
            for name in ("loaded", "idle")
        )
        return nodes + network, loaded, idle

    def network_w(self, values: Values) -> Value:
        """Return the draw of switches and of both ends of every cable, W; NICs are the nodes'."""
        groups = sums_by_group(self.power, values)
        return sum(groups.get(group, 0.0) for group in INSTALLED)

    def run(self, values: Values) -> dict[str, Value]:
        """Return what the run costs by part (`RUN`), US$.

        Notes
        -----
        depreciation = capex run / life; capital = capex / 2 rate run, half being what is not yet
        written off on average over the life; energy = (loaded draw, or idle draw while the job
        stands still) x PUE x tariff; maintenance = capex x share per year; staff by megawatts that
        are drawn; hosting by kilowatts that the plant is built for.
        """
        site = self.site
        run_s, still = self.failing.run_s(values), self.failing.standing_fraction(values)
        rated_w, loaded_w, idle_w = self.draw_w(values)
        mean_w = loaded_w * (1 - still) + idle_w * still
        capex = sum(self.capex(values).values())
        years = run_s / YEAR_S
        tariff = values[f"{site}electricity_usd_per_j"]
        return {
            "depreciation": capex * run_s / values[f"{site}depreciation_s"],
            "capital": capex / 2 * values[f"{site}capital_per_year"] * years,
            "energy": mean_w * values[f"{site}pue"] * run_s * tariff,
            "maintenance": capex * values[f"{site}maintenance_per_year"] * years,
            "staff": mean_w / 1e6 * values[f"{site}staff_usd_per_mw_year"] * years,
            "hosting": rated_w / 1e3 * values[f"{site}hosting_usd_per_kw_month"] * run_s / _MONTH_S,
        }

    def run_usd(self, values: Values) -> Value:
        """Return what the run costs, US$."""
        return sum(self.run(values).values())


def sums_by_group(terms: tuple[Term, ...], values: Values) -> dict[str, Value]:
    """Return coefficient times value, summed by group.

    Examples
    --------
    >>> sums_by_group((Term("nics", "a", 2.0), Term("nics", "b", -1.0)), {"a": 5.0, "b": 1.0})
    {'nics': 9.0}
    """
    groups: dict[str, Value] = {}
    for term in terms:
        groups[term.group] = groups.get(term.group, 0.0) + term.coefficient * values[term.path]
    return groups
