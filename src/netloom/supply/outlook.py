"""A build-out in scenarios: dollars by year, revenue at risk, and what designs have to lose.

All scenarios stand on the same draws as the base, so that what a scenario takes is known better
than either; and the sector's sums are checked year by year (`netloom.supply.sector`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from netloom import catalog
from netloom.catalog.outlook import BuildOut, Scenario
from netloom.cost.draws import Interval, Sampling
from netloom.money.inputs import Input, worst_first
from netloom.supply import drawn, sector
from netloom.supply import scenario as stories
from netloom.supply.bill import Bill
from netloom.supply.chain import Chain
from netloom.supply.read import mixed_designs
from netloom.supply.risk import Risk, intervals, risks
from netloom.supply.rows import Line, Lines
from netloom.supply.sector import WHOLE, Totals, basis_of, chain_for, totals_of
from netloom.supply.tornado import Modes, Tornado, moving

__all__ = ["WHOLE", "Line", "Outlook", "Risk", "Tornado", "run", "tornado"]

_Told = TypeVar("_Told")
_What = TypeVar("_What")


@dataclass(frozen=True)
class Outlook:
    """A build-out in scenarios.

    Attributes
    ----------
    build_out : name.
    years : of the build-out.
    base : name of the scenario that others are compared with.
    scenarios : names of the others.
    designs : names in the mixes.
    lines : what is told: the sector, components and companies, by added value and by sales.
    sampling : draws, seed, common share.
    dollars : by scenario (the base too), year (`WHOLE` for all) and line.
    accelerators : by scenario, year and design.
    design_usd, design_network_usd : of a design's accelerators, everything and the network alone,
        by scenario, year (`WHOLE` for all) and design; they add up to the sector.
    risks : base minus scenario, by scenario, year (`WHOLE` for all) and line.
    design_risks : the same for one accelerator that the build-out plans for, mean of the years, by
        scenario, design and line: what is not built is lost, what moves to another design is not.
    inputs : every number that it rests on, the weakest evidence first.
    """

    build_out: str
    years: tuple[int, ...]
    base: str
    scenarios: tuple[str, ...]
    designs: tuple[str, ...]
    lines: tuple[Line, ...]
    sampling: Sampling
    dollars: Mapping[tuple[str, int, Line], Interval]
    accelerators: Mapping[tuple[str, int, str], Interval]
    design_usd: Mapping[tuple[str, int, str], Interval]
    design_network_usd: Mapping[tuple[str, int, str], Interval]
    risks: Mapping[tuple[str, int, Line], Risk]
    design_risks: Mapping[tuple[str, str, Line], Risk]
    inputs: tuple[Input, ...]


def run(
    bills: Mapping[str, Bill],
    build_out: BuildOut,
    scenarios: Sequence[Scenario],
    sampling: Sampling,
    base: Scenario | None = None,
) -> Outlook:
    """Return a build-out in scenarios.

    Parameters
    ----------
    bills : what is bought, by design of the build-out's mixes; others are left out.
    build_out : accelerators by year and design.
    scenarios : compared with the base; the base itself may be among them and is told once.
    sampling : the same gives the same bits.
    base : what others are compared with and fall back on; the shipped one when None.

    Raises
    ------
    ParameterError
        When a design has no bill, or a driver's target is not known.
    """
    told = _with_base(scenarios, base)
    chain = chain_for(bills, build_out, told)
    drawn_basis = basis_of(bills, build_out, told, sampling, chain)
    mode_basis = basis_of(bills, build_out, told, Modes(1, 0, 0.0), chain)
    lines = drawn_basis.lines
    dollars: dict[tuple[str, int, Line], Interval] = {}
    accelerators: dict[tuple[str, int, str], Interval] = {}
    design_usd: dict[tuple[str, int, str], Interval] = {}
    design_network_usd: dict[tuple[str, int, str], Interval] = {}
    at_risk: dict[tuple[str, int, Line], Risk] = {}
    by_design: dict[tuple[str, str, Line], Risk] = {}
    first: tuple[Totals, Totals] | None = None
    for each in told:
        modes, draws = totals_of(mode_basis, each), totals_of(drawn_basis, each)
        by_year = _intervals(modes.years, draws.years)
        dollars.update(_keyed(each.name, lines, by_year))
        for key, number in draws.accelerators.items():
            accelerators[(each.name, *key)] = next(intervals(modes.accelerators[key], number[None]))
        for key, (whole, network) in _intervals(modes.designs, draws.designs).items():
            design_usd[(each.name, *key)] = whole
            design_network_usd[(each.name, *key)] = network
        if first is None:
            first, years = (modes, draws), by_year
            planned = _intervals(modes.planned, draws.planned)
            continue
        usual, drawn_usual = first
        lost = _risks(years, usual.years, drawn_usual.years, modes.years, draws.years)
        at_risk.update(_keyed(each.name, lines, lost))
        of_one = _risks(planned, usual.planned, drawn_usual.planned, modes.planned, draws.planned)
        by_design.update(_keyed(each.name, lines, of_one))
    return Outlook(
        build_out=build_out.name,
        years=tuple(sorted(build_out.years)),
        base=told[0].name,
        scenarios=tuple(each.name for each in told[1:]),
        designs=tuple(drawn_basis.contents),
        lines=lines.all,
        sampling=sampling,
        dollars=dollars,
        accelerators=accelerators,
        design_usd=design_usd,
        design_network_usd=design_network_usd,
        risks=at_risk,
        design_risks=by_design,
        inputs=_inputs(bills, build_out, told, chain),
    )


def tornado(
    bills: Mapping[str, Bill],
    build_out: BuildOut,
    scenarios: Sequence[Scenario],
    base: Scenario | None = None,
) -> Tornado:
    """Return what each input and driver does alone to the dollars of all years.

    Parameters
    ----------
    bills, build_out, scenarios, base : as for `run`.
    """
    told = _with_base(scenarios, base)
    chain = chain_for(bills, build_out, told)
    modes = Modes(1, 0, 0.0)
    basis_of(bills, build_out, told, modes, chain)
    one_at_a_time = moving(modes)
    basis = basis_of(bills, build_out, told, one_at_a_time, chain)
    inputs = _inputs(bills, build_out, told, chain)
    return Tornado(
        base=told[0].name,
        lines=basis.lines,
        places=one_at_a_time.places,
        words={each.path: each.words for each in inputs},
        rows={each.name: totals_of(basis, each).years[WHOLE] for each in told},
    )


def _with_base(scenarios: Sequence[Scenario], base: Scenario | None) -> tuple[Scenario, ...]:
    """Return the base and then the other scenarios."""
    first: Scenario = catalog.get("scenario", "base") if base is None else base
    return first, *(each for each in scenarios if each != first)


def _intervals(
    modes: Mapping[_What, NDArray[np.float64]], drawn: Mapping[_What, NDArray[np.float64]]
) -> dict[_What, list[Interval]]:
    """Return the interval of each row, by year or design; shapes (R, 1) and (R, D)."""
    return {what: list(intervals(modes[what][:, 0], rows)) for what, rows in drawn.items()}


def _risks(
    before: Mapping[_What, Sequence[Interval]],
    base_modes: Mapping[_What, NDArray[np.float64]],
    base_drawn: Mapping[_What, NDArray[np.float64]],
    modes: Mapping[_What, NDArray[np.float64]],
    drawn: Mapping[_What, NDArray[np.float64]],
) -> dict[_What, list[Risk]]:
    """Return what a scenario takes from each row of the base, by year or design."""
    return {
        what: list(
            risks(before[what], base_drawn[what], rows, base_modes[what][:, 0], modes[what][:, 0])
        )
        for what, rows in drawn.items()
    }


def _keyed(
    scenario: str, lines: Lines, told: Mapping[_What, Sequence[_Told]]
) -> Iterator[tuple[tuple[str, _What, Line], _Told]]:
    for what, rows in told.items():
        for line, each in zip(lines.all, rows, strict=True):
            yield (scenario, what, line), each


def _inputs(
    bills: Mapping[str, Bill], build_out: BuildOut, scenarios: Sequence[Scenario], chain: Chain
) -> tuple[Input, ...]:
    """Return every number behind an outlook, each once, the weakest evidence first."""
    return worst_first([
        *(one for name in mixed_designs(build_out) for one in bills[name].inputs.values()),
        *drawn.inputs_of(chain),
        *sector.inputs_of(build_out),
        *(one for each in scenarios for one in stories.inputs_of(each)),
    ])  # fmt: skip
