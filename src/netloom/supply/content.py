"""What each design brings to every component and company, and what another design changes.

The most likely values are told in whole cents that add up to the bill; intervals are those of the
draws, and a difference between two designs is taken on each draw, where what both buy cancels.

Letters: D draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.cost.draws import Interval, Sampling
from netloom.errors import ConservationError, ParameterError
from netloom.money.inputs import Input, worst_first
from netloom.supply.bill import Bill
from netloom.supply.cents import apportion, in_cents
from netloom.supply.chain import OTHERS, Chain, Market, chain_of
from netloom.supply.drawn import Drawn, at_modes, draw, inputs_of
from netloom.supply.risk import intervals

Draws = NDArray[np.float64]

#: A change below half a cent is none: it is the rounding of sums.
_HALF_CENT_USD = 0.005

#: Largest relative difference of sums that must be equal.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Row:
    """One component or company in one design.

    Attributes
    ----------
    name : of the component or company, or ``"others"``.
    group : of the component; for a company its region, empty for others.
    added : value that it adds, US$; adds up to the bill.
    sales : what is paid for it, US$: what is bought inside counts again. A company's leave out what
        it certainly buys of itself.
    added_cents : most likely value added, in cents that add up to the bill's.
    """

    name: str
    group: str
    added: Interval
    sales: Interval
    added_cents: int


@dataclass(frozen=True)
class DesignExposure:
    """One design's bill by component and company.

    Attributes
    ----------
    name : of the design.
    num_accelerators : that it connects.
    bill : US$.
    bill_cents : most likely bill in cents.
    components, companies : all that any design of the answer reaches, in one order; companies end
        with others.
    cells : value added by component and company, US$, where either is in the design.
    """

    name: str
    num_accelerators: int
    bill: Interval
    bill_cents: int
    components: tuple[Row, ...]
    companies: tuple[Row, ...]
    cells: Mapping[tuple[str, str], Interval]


@dataclass(frozen=True)
class ChangeRow:
    """What another design changes for one component or company, on the same draws.

    Attributes
    ----------
    name, group : as in `Row`.
    added, sales : the design's less the first design's, US$.
    added_cents : difference of the rows' cents; adds up to the difference of the bills.
    gain_probability, loss_probability : of more and of less value added, by half a cent at least.
    """

    name: str
    group: str
    added: Interval
    sales: Interval
    added_cents: int
    gain_probability: float
    loss_probability: float


@dataclass(frozen=True)
class Change:
    """One design less the first one.

    Attributes
    ----------
    name, against : of the design and of the first.
    bill : difference of the bills, US$.
    bill_cents : the same at the most likely values.
    components, companies : in the order of the designs' rows.
    """

    name: str
    against: str
    bill: Interval
    bill_cents: int
    components: tuple[ChangeRow, ...]
    companies: tuple[ChangeRow, ...]


@dataclass(frozen=True)
class Exposure:
    """Who supplies some designs.

    Attributes
    ----------
    chain : what their parts are made of, and who sells it.
    sampling : draws, seed, common share.
    designs : in the order of the bills.
    changes : every design but the first against the first.
    inputs : every number behind them, the weakest evidence first.
    """

    chain: Chain
    sampling: Sampling
    designs: tuple[DesignExposure, ...]
    changes: tuple[Change, ...]
    inputs: tuple[Input, ...]


@dataclass(frozen=True)
class Tally:
    """One design's dollars on draws; arrays are float64 of shape (D,), US$.

    Attributes
    ----------
    bill : price of everything.
    components, companies : value added and sales by name.
    cells : value added by component and company.
    """

    bill: Draws
    components: Mapping[str, tuple[Draws, Draws]]
    companies: Mapping[str, tuple[Draws, Draws]]
    cells: Mapping[tuple[str, str], Draws]


def exposure(bills: Mapping[str, Bill], sampling: Sampling, chain: Chain | None = None) -> Exposure:
    """Return what designs bring to every component and company.

    Parameters
    ----------
    bills : by design; others are compared with the first.
    sampling : equal ones give equal bits, whatever other designs are beside one.
    chain : of all their parts; the catalogue's when None.

    Raises
    ------
    StudyError
        When the chain is wrong: see `chain_of`.
    ConservationError
        When components or companies do not add up to a bill.
    """
    if not bills:
        raise ParameterError("no design has a bill", hint="name at least one network")
    if chain is None:
        chain = chain_of(part for bill in bills.values() for part in bill.parts)
    drawn, modes = draw(bills, chain, sampling), at_modes(bills, chain)
    designs: list[DesignExposure] = []
    changes: list[Change] = []
    first: tuple[Tally, Tally] | None = None
    for name, bill in bills.items():
        tallies = tally_of(modes, name), tally_of(drawn, name)
        designs.append(_design(name, bill, chain, *tallies))
        if first is None:
            first = tallies
        else:
            changes.append(_change(designs[0], designs[-1], first, tallies))
    inputs = [each for bill in bills.values() for each in bill.inputs.values()]
    return Exposure(
        chain=chain,
        sampling=sampling,
        designs=tuple(designs),
        changes=tuple(changes),
        inputs=worst_first([*inputs, *inputs_of(chain)]),
    )


def tally_of(drawn: Drawn, design: str) -> Tally:
    """Return one design's dollars by component and company, on the draws.

    Raises
    ------
    ConservationError
        When they do not add up to the design's bill on every draw.
    """
    chain = drawn.chain
    zero = np.zeros(drawn.num_draws)
    bill = zero
    by_market: dict[Market, list[Draws]] = {}
    for part in drawn.parts(design):
        usd = drawn.usd[design, part]
        bill = bill + usd
        for component in chain.inside(part):
            market = chain.market_of[part, component]
            found = by_market.setdefault(market, [zero, zero, zero])
            for place, shares in enumerate((drawn.added, drawn.sales, drawn.booked)):
                found[place] = found[place] + usd * shares[part, market]
    components = {name: (zero, zero) for name in chain.components}
    companies = {name: (zero, zero) for name in (*chain.companies, OTHERS)}
    cells: dict[tuple[str, str], Draws] = {}
    for market in chain.markets:
        if market not in by_market:
            continue
        added, sales, booked = by_market[market]
        name = market.component
        components[name] = components[name][0] + added, components[name][1] + sales
        sellers = chain.sellers[market] + (() if market.bound_to else (OTHERS,))
        for company in sellers:
            share = drawn.shares[market, company]
            cell = share * added
            cells[name, company] = cells.get((name, company), zero) + cell
            before = companies[company]
            companies[company] = before[0] + cell, before[1] + share * booked
    for what, rows in (("components", components), ("companies", companies)):
        total = sum((added for added, _ in rows.values()), zero)
        if not np.allclose(total, bill, rtol=_ROUNDING, atol=_ROUNDING):
            raise ConservationError(f"{design}: {what} do not add up to the bill on every draw")
    return Tally(bill, components, companies, cells)


def _design(name: str, bill: Bill, chain: Chain, modes: Tally, drawn: Tally) -> DesignExposure:
    bill_cents = in_cents(bill.total_usd)
    return DesignExposure(
        name=name,
        num_accelerators=bill.num_accelerators,
        bill=_interval(modes.bill, drawn.bill),
        bill_cents=bill_cents,
        components=_rows(_groups(chain), modes.components, drawn.components, bill_cents),
        companies=_rows(_regions(chain), modes.companies, drawn.companies, bill_cents),
        cells={key: _interval(modes.cells[key], cell) for key, cell in drawn.cells.items()},
    )


def _rows(
    groups: Mapping[str, str],
    modes: Mapping[str, tuple[Draws, Draws]],
    drawn: Mapping[str, tuple[Draws, Draws]],
    bill_cents: int,
) -> tuple[Row, ...]:
    cents = apportion([float(modes[name][0][0]) for name in groups], bill_cents)
    return tuple(
        Row(
            name=name,
            group=group,
            added=_interval(modes[name][0], drawn[name][0]),
            sales=_interval(modes[name][1], drawn[name][1]),
            added_cents=part,
        )
        for (name, group), part in zip(groups.items(), cents, strict=True)
    )


def _change(
    before: DesignExposure,
    after: DesignExposure,
    first: tuple[Tally, Tally],
    second: tuple[Tally, Tally],
) -> Change:
    modes, drawn = (second[each].bill - first[each].bill for each in (0, 1))
    return Change(
        name=after.name,
        against=before.name,
        bill=_interval(modes, drawn),
        bill_cents=after.bill_cents - before.bill_cents,
        components=tuple(
            _change_rows(
                before.components, after.components,
                [each.components for each in first], [each.components for each in second],
            )
        ),
        companies=tuple(
            _change_rows(
                before.companies, after.companies,
                [each.companies for each in first], [each.companies for each in second],
            )
        ),
    )  # fmt: skip


def _change_rows(
    before: Sequence[Row],
    after: Sequence[Row],
    first: Sequence[Mapping[str, tuple[Draws, Draws]]],
    second: Sequence[Mapping[str, tuple[Draws, Draws]]],
) -> Iterator[ChangeRow]:
    """Yield the changes of rows; the tallies are those of the most likely values and of draws."""
    for old, new in zip(before, after, strict=True):
        added, sales = (
            [second[each][new.name][place] - first[each][new.name][place] for each in (0, 1)]
            for place in (0, 1)
        )
        yield ChangeRow(
            name=new.name,
            group=new.group,
            added=_interval(*added),
            sales=_interval(*sales),
            added_cents=new.added_cents - old.added_cents,
            gain_probability=float(np.mean(added[1] > _HALF_CENT_USD)),
            loss_probability=float(np.mean(added[1] < -_HALF_CENT_USD)),
        )


def _interval(modes: Draws, drawn: Draws) -> Interval:
    """Return the interval of draws; the most likely value is an array of one."""
    if not drawn.any() and not modes.any():
        return Interval(0.0, 0.0, 0.0, 0.0, 0.0)  # most pairs of designs and companies
    return next(intervals(modes, drawn[None]))


def _groups(chain: Chain) -> dict[str, str]:
    return {name: component.group for name, component in chain.components.items()}


def _regions(chain: Chain) -> dict[str, str]:
    return {name: company.region for name, company in chain.companies.items()} | {OTHERS: ""}
