"""Capex from the bill of materials, and what one run costs of it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from netloom.catalog.prices import SiteCosts
from netloom.cost.power import site_power_w
from netloom.errors import ParameterError
from netloom.result import BomLine, Range
from netloom.units import YEAR_S

#: Groups of the bill of materials that are the network; the others compute.
NETWORK = ("nics", "switches", "optics", "cables", "installation")


def network_capex(bom: Iterable[BomLine]) -> Range:
    """Return what the network costs: NICs, switches, optics, cables and their installation."""
    return _capex(bom, lambda line: line.group in NETWORK)


def total_capex(bom: Iterable[BomLine]) -> Range:
    """Return what everything on the bill costs.

    Notes
    -----
    Lows are added to lows and highs to highs, as if all prices moved together. The range is the
    widest that the prices allow; independent prices would give a narrower one.
    """
    return _capex(bom, lambda line: True)


def capex_by_group(bom: Iterable[BomLine]) -> dict[str, Range]:
    """Return what each group of the bill costs, in the bill's order."""
    groups: dict[str, Range] = {}
    for line in bom:
        groups[line.group] = groups.get(line.group, Range(0.0, 0.0, 0.0)) + line.total_usd
    return groups


def _capex(bom: Iterable[BomLine], chosen: Callable[[BomLine], bool]) -> Range:
    totals = (line.total_usd for line in bom if chosen(line))
    return functools.reduce(Range.__add__, totals, Range(0.0, 0.0, 0.0))


@dataclass(frozen=True)
class RunCost:
    """What one run costs; `total_usd` is the sum.

    Attributes
    ----------
    depreciation_usd : share of the capex that is written off during the run.
    energy_usd : electricity of racks and cooling.
    maintenance_usd : maintenance and spares.
    """

    depreciation_usd: Range
    energy_usd: Range
    maintenance_usd: Range

    @property
    def total_usd(self) -> Range:
        """Sum of the three."""
        return self.depreciation_usd + self.energy_usd + self.maintenance_usd


def run_cost(capex_usd: Range, it_power_w: float, run_s: float, site: SiteCosts) -> RunCost:
    """Return what a run of some length costs on hardware that is bought and written off.

    Parameters
    ----------
    capex_usd : total capex.
    it_power_w : draw of all parts.
    run_s : length of the run in wall-clock time, failures included.
    site : electricity, PUE, maintenance, depreciation.

    Notes
    -----
    depreciation = capex run / life; energy = IT power x PUE x run x price; maintenance = capex x
    share per year x run. The low end takes every input at its cheap end (a long life), the high
    end at its dear one.
    """
    if not run_s >= 0 or not it_power_w >= 0:
        raise ParameterError(f"a run of {run_s} s at {it_power_w} W is not possible")
    life, upkeep, tariff = (
        site.depreciation_s,
        site.maintenance_per_year,
        site.electricity_usd_per_j,
    )
    site_w = site_power_w(it_power_w, site)
    years = run_s / YEAR_S
    return RunCost(
        depreciation_usd=Range(
            capex_usd.low * run_s / life.high,
            capex_usd.mode * run_s / life.mode,
            capex_usd.high * run_s / life.low,
        ),
        energy_usd=Range(
            site_w.low * run_s * tariff.low,
            site_w.mode * run_s * tariff.mode,
            site_w.high * run_s * tariff.high,
        ),
        maintenance_usd=Range(
            capex_usd.low * upkeep.low * years,
            capex_usd.mode * upkeep.mode * years,
            capex_usd.high * upkeep.high * years,
        ),
    )
