"""The sector's dollars by year: a build-out's accelerators times what each design brings.

In year y of a scenario

    dollars(y) = sum over designs d of accelerators(y, d) content(d, y)
    accelerators(y, d) = accelerators(y) mix(y, d) volume(y, d), before the mix moves

where the volume is that of training and of inference, each with its own factor, by the training
share; and the content of one accelerator is that of the design's bill after prices, quantities and
substitutions (`netloom.supply.dollars`).

Accelerators of the years share a factor, because one forecast is behind them, and so do training
shares.

Letters: D draws, R rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.catalog.outlook import BuildOut, Scenario
from netloom.cost.draws import Sampling
from netloom.errors import ConservationError, ParameterError, StudyError, nearest
from netloom.money.account import Value
from netloom.money.inputs import Input, from_quantity
from netloom.supply import drawn
from netloom.supply import scenario as stories
from netloom.supply.bill import RESALE, Bill, network_of
from netloom.supply.chain import OTHERS, Chain, Market, chain_of, shipped_components
from netloom.supply.dollars import Stream, Supply, changed, merged
from netloom.supply.read import check_years, mixed_designs, target_problems
from netloom.supply.rows import Lines, lines_of, sellers_of, streams_of
from netloom.supply.scenario import Effect, effect_of

Draws = NDArray[np.float64]

#: Stands for all years together.
WHOLE = 0

#: Factors that the years share.
_UNITS, _TRAINING = "accelerators put into service", "share of training"

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Basis:
    """What a build-out in scenarios rests on, on one set of draws.

    Attributes
    ----------
    build_out, base : as read.
    contents : streams of dollars of one accelerator, by design of the mixes.
    supply : who makes what.
    lines : rows of the answer.
    values : inputs of the build-out and of the scenarios by path, float64 (D,).
    num_draws : D.
    """

    build_out: BuildOut
    base: Scenario
    contents: Mapping[str, tuple[Stream, ...]]
    supply: Supply
    lines: Lines
    values: Mapping[str, Draws]
    num_draws: int


@dataclass(frozen=True)
class Totals:
    """One scenario's dollars.

    Attributes
    ----------
    years : by year, `WHOLE` for their sum: float64, shape (R, D), US$.
    planned : by design, of one accelerator that the build-out plans for, mean of the years: what is
        not built brings nothing, what moves to another design brings what it would have here;
        float64, shape (R, D), US$.
    accelerators : by year and design, float64, shape (D,).
    designs : everything and the network of each design's accelerators, by year (`WHOLE` for their
        sum) and design: float64, shape (2, D), US$.
    """

    years: Mapping[int, Draws]
    planned: Mapping[str, Draws]
    accelerators: Mapping[tuple[int, str], Draws]
    designs: Mapping[tuple[int, str], Draws]


def inputs_of(build_out: BuildOut) -> Iterator[Input]:
    """Yield a build-out's numbers as inputs.

    Examples
    --------
    >>> from netloom import catalog
    >>> next(inputs_of(catalog.get("build-out", "merchant-2026"))).path
    'build-out/merchant-2026.years.2026.accelerators'
    """
    for year, planned in sorted(build_out.years.items()):
        path = f"build-out/{build_out.name}.years.{year}"
        yield from_quantity(
            f"{path}.accelerators", f"accelerators of {year}", planned.accelerators, _UNITS
        )
        yield from_quantity(
            f"{path}.training_fraction", f"training's share of {year}", planned.training_fraction,
            _TRAINING,
        )  # fmt: skip


def chain_for(
    bills: Mapping[str, Bill], build_out: BuildOut, scenarios: Sequence[Scenario]
) -> Chain:
    """Return the chain of all designs of a build-out, and of what takes over in scenarios.

    A component that takes over is a part of its own, ``component/<name>``: no vendor is named for
    it, so that its market is shared.

    Raises
    ------
    ParameterError
        When a design has no bill, or a driver holds in no year.
    StudyError
        When a driver aims at something unknown, or the chain is wrong.
    """
    designs = mixed_designs(build_out)
    for design in designs:
        if design not in bills:
            raise ParameterError(
                f"no bill for design '{design}' of build-out {build_out.name}",
                hint=nearest(design, bills),
            )
    names = [each.name for each in scenarios]
    for each in scenarios:
        if names.count(each.name) > 1:
            raise ParameterError(
                f"two scenarios are called '{each.name}'", hint="give one file another name"
            )
        problems = list(target_problems(each, designs))
        if problems:
            raise StudyError(problems)
        check_years(each, build_out)
    components = shipped_components()
    extra = []
    for name in stories.replacing(scenarios):
        part = f"component/{name}"
        parts = (*components[name].parts, part)
        components[name] = components[name].model_copy(update={"parts": parts})
        extra.append(part)
    return chain_of([*(part for each in designs for part in bills[each].parts), *extra], components)


def basis_of(
    bills: Mapping[str, Bill],
    build_out: BuildOut,
    scenarios: Sequence[Scenario],
    sampling: Sampling,
    chain: Chain,
) -> Basis:
    """Return what a build-out in scenarios rests on, drawn.

    Parameters
    ----------
    bills, build_out : as for `chain_for`.
    scenarios : the base first.
    sampling : of all inputs.
    chain : of `chain_for`.
    """
    designs = mixed_designs(build_out)
    networks = {design: f"network of {design}" for design in designs}
    bought = {design: bills[design] for design in designs}
    bought |= {name: network_of(bills[design]) for design, name in networks.items()}
    found = drawn.draw(bought, chain, sampling)
    inputs = [
        *inputs_of(build_out),
        *(one for each in scenarios for one in stories.inputs_of(each)),
    ]
    values = {each.path: each.draw(sampling) for each in inputs}
    ways: dict[str, list[tuple[tuple[Market, ...], Draws]]] = {}
    for way in chain.ways:
        names = (chain.component_of[way.part], *(bought for _, bought in way.steps))
        markets = tuple(chain.market_of[way.part, name] for name in names)
        share = found.passing(way) * found.kept[way.market.component]
        ways.setdefault(way.part, []).append((markets, share))
    shares: dict[Market, dict[str, Draws]] = {market: {} for market in chain.markets}
    for (market, company), share in found.shares.items():
        if company != OTHERS:
            shares[market][company] = share
    supply = Supply(
        groups={name: each.group for name, each in chain.components.items()},
        shares=shares,
        regions={name: each.region for name, each in chain.companies.items()},
        trees={name: ways[f"component/{name}"] for name in stories.replacing(scenarios)},
    )
    contents = {
        design: _content(found, bills[design], design, name, ways)
        for design, name in networks.items()
    }
    return Basis(
        build_out=build_out,
        base=scenarios[0],
        contents=contents,
        supply=supply,
        lines=lines_of(contents.values(), supply),
        values=values,
        num_draws=sampling.num_draws,
    )


def _content(
    found: drawn.Drawn,
    bill: Bill,
    design: str,
    network: str,
    ways: Mapping[str, Sequence[tuple[tuple[Market, ...], Draws]]],
) -> tuple[Stream, ...]:
    """Return the streams of one accelerator of a design; `network` is its bill without nodes."""
    streams, nothing = [], np.zeros(found.num_draws)
    for part in found.parts(design):
        if part == RESALE:
            continue  # told part by part, so that each margin follows its own price
        of_network = found.usd.get((network, part), nothing)
        makers = bill.makers_fraction.get(part, 1.0)
        for in_network, usd in ((True, of_network), (False, found.usd[design, part] - of_network)):
            if not usd.any():
                continue
            each = usd / bill.num_accelerators
            streams += [Stream(in_network, markets, each * share) for markets, share in ways[part]]
            if makers < 1:
                margin_on = ways[part][0][0][:1]
                margin = each * ((1 - makers) / makers)
                streams += [
                    Stream(in_network, markets, margin * share, margin_on)
                    for markets, share in ways[RESALE]
                ]
    return merged(streams)


def totals_of(basis: Basis, scenario: Scenario) -> Totals:
    """Return a scenario's dollars by year and by design.

    Raises
    ------
    ConservationError
        When designs, components or companies do not add up.
    """
    from netloom.kernels.supply import add_rows

    designs, num_draws = tuple(basis.contents), basis.num_draws
    shape = len(basis.lines), num_draws
    plain = sellers_of(Effect(), basis.supply, basis.lines, num_draws)
    years: dict[int, Draws] = {}
    planned = np.zeros((len(designs), *shape))
    accelerators: dict[tuple[int, str], Draws] = {}
    by_design: dict[tuple[int, str], Draws] = {}
    for year in sorted(basis.build_out.years):
        effect = effect_of(basis.base, scenario, year, basis.build_out.base_year, basis.values)
        bought, volumes = numbers_of(basis, effect, year)
        accelerators |= {(year, design): bought[design] for design in designs}
        changes = effect.points or effect.regions
        sellers = sellers_of(effect, basis.supply, basis.lines, num_draws) if changes else plain
        contents = [changed(basis.contents[each], effect, basis.supply) for each in designs]
        streams = streams_of(contents, effect, basis.supply, num_draws)
        years[year] = np.zeros(shape)
        design_usd = np.empty((len(designs), 2, num_draws))
        weights = [volumes[each] / len(basis.build_out.years) for each in designs]
        add_rows(
            streams, sellers, _stacked([bought[each] for each in designs], num_draws),
            _stacked(weights, num_draws), years[year], planned, design_usd,
        )  # fmt: skip
        by_design |= {(year, name): usd for name, usd in zip(designs, design_usd, strict=True)}
        _check(years[year], design_usd, basis.lines, f"{scenario.name}, {year}")
    years[WHOLE] = sum(years.values(), np.zeros(shape))
    for name in designs:
        each = (by_design[year, name] for year in basis.build_out.years)
        by_design[WHOLE, name] = sum(each, np.zeros((2, num_draws)))
    return Totals(years, dict(zip(designs, planned, strict=True)), accelerators, by_design)


def _stacked(values: Sequence[Value], num_draws: int) -> Draws:
    return np.array([np.broadcast_to(each, (num_draws,)) for each in values], dtype=np.float64)


def numbers_of(
    basis: Basis, effect: Effect, year: int
) -> tuple[dict[str, Draws], dict[str, Value]]:
    """Return a year's accelerators by design, and what volumes make of one that is planned."""
    planned = basis.build_out.years[year]
    path = f"build-out/{basis.build_out.name}.years.{year}"
    units = basis.values[f"{path}.accelerators"]
    training = basis.values[f"{path}.training_fraction"]
    volumes = {design: effect.volume(design, training) for design in basis.contents}
    bought = {
        design: units * planned.mix.get(design, 0.0) * volumes[design] for design in basis.contents
    }
    for design, to, share in effect.mixes:
        moved = share * bought[design]
        bought[design] = bought[design] - moved
        bought[to] = bought[to] + moved
    return bought, volumes


def _check(rows: Draws, design_usd: Draws, lines: Lines, what: str) -> None:
    sums = {kind: rows[lines.span(kind, "added")].sum(axis=0) for kind in ("component", "company")}
    for kind, found in (*sums.items(), ("design", design_usd[:, 0].sum(axis=0))):
        if not np.allclose(found, rows[0], rtol=_ROUNDING, atol=_ROUNDING):
            worst = float(np.max(np.abs(found - rows[0])))
            raise ConservationError(f"{what}: dollars by {kind} miss the whole by {worst:.3g} US$")
