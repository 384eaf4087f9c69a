"""From ways of dollars to rows: everything, the network, components and companies.

*Added value* of a component is what ends there; its *sales* are all that passes it. Companies have
their shares of both, but for what a maker that the catalogue names buys of itself, which it does
not book.

Letters: D draws, N designs, R rows, and those of `netloom.kernels.supply`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from netloom.money.account import Value
from netloom.supply.chain import OTHERS, Market
from netloom.supply.dollars import Stream, Supply, kept_shares
from netloom.supply.scenario import Effect

if TYPE_CHECKING:
    from netloom.kernels.supply import Sellers, Streams

Draws = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """What a row of the answer is about.

    Attributes
    ----------
    kind : ``"sector"``, ``"component"`` or ``"company"``.
    name : of the component or company; for the sector ``"all"`` or ``"network"``.
    measure : ``"added"``, which adds up to the sector, or ``"sales"``, which is what is booked.
    """

    kind: str
    name: str
    measure: str


@dataclass(frozen=True)
class Lines:
    """The rows of the answer, in order.

    Attributes
    ----------
    components, companies : names, sorted; companies end with others.
    """

    components: tuple[str, ...]
    companies: tuple[str, ...]
    _places: dict[Line, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        both = ("added", "sales")
        rows = [
            Line("sector", "all", "added"),
            Line("sector", "network", "added"),
            *(Line("component", name, measure) for measure in both for name in self.components),
            *(Line("company", name, measure) for measure in both for name in self.companies),
        ]
        self._places.update({line: place for place, line in enumerate(rows)})

    @property
    def all(self) -> tuple[Line, ...]:
        """Every row."""
        return tuple(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def place(self, line: Line) -> int:
        """Return the row of a line."""
        return self._places[line]

    def span(self, kind: str, measure: str) -> slice:
        """Return the rows of all components or companies by one measure."""
        places = [
            at for line, at in self._places.items() if (line.kind, line.measure) == (kind, measure)
        ]
        return slice(places[0], places[-1] + 1)


def lines_of(contents: Iterable[Sequence[Stream]], supply: Supply) -> Lines:
    """Return the rows that some designs and what may take over need."""
    ways = [stream.markets for content in contents for stream in content]
    ways += [markets for tree in supply.trees.values() for markets, _ in tree]
    markets = {market for way in ways for market in way}
    companies = {name for market in markets for name in supply.shares.get(market, ())}
    return Lines(
        tuple(sorted({market.component for market in markets})),
        (*sorted(companies - {OTHERS}), OTHERS),
    )


def sellers_of(effect: Effect, supply: Supply, lines: Lines, num_draws: int) -> Sellers:
    """Return every market's sellers with their shares under an effect, for the kernel."""
    from netloom.kernels.supply import Sellers

    component = {name: place for place, name in enumerate(lines.components)}
    company = {name: place for place, name in enumerate(lines.companies)}
    first, owners = [0], []
    sold: list[Draws] = []
    kept: list[Draws] = []
    for market in supply.shares:
        sells, _, keeps = makers_of(market, effect, supply)
        for name in sells:
            owners.append(company[name])
            sold.append(np.broadcast_to(sells[name], (num_draws,)))
            kept.append(np.broadcast_to(keeps[name], (num_draws,)))
        first.append(len(owners))
    of_sales = np.array(sold).reshape(len(sold), num_draws)
    return Sellers(
        component=np.array([component[market.component] for market in supply.shares]),
        first=np.array(first),
        company=np.array(owners, dtype=np.int64),
        sold=of_sales,
        # without regions both are the same, and read once
        kept=np.array(kept).reshape(len(kept), num_draws) if effect.regions else of_sales,
        num_components=len(lines.components),
        num_companies=len(lines.companies),
    )


def streams_of(
    designs: Sequence[Sequence[Stream]], effect: Effect, supply: Supply, num_draws: int
) -> Streams:
    """Return the streams of all designs for the kernel, regions' effect on them included."""
    from netloom.kernels.supply import Streams

    places = {market: place for place, market in enumerate(supply.shares)}
    factors = {}
    if effect.regions:
        factors = {market: makers_of(market, effect, supply)[1] for market in supply.shares}
    flat = [each for design in designs for each in design]
    usd = np.empty((len(flat), num_draws))
    starts, steps, booked = [0], [], []
    for row, each in enumerate(flat):
        np.multiply(each.usd, factors.get(each.markets[-1], 1.0), out=usd[row])
        buyer = ""
        for market in each.markets:
            steps.append(places[market])
            booked.append(not market.bound_to or market.bound_to != buyer)
            buyer = market.bound_to
        starts.append(len(steps))
    return Streams(
        usd=usd,
        first=np.cumsum([0, *(len(design) for design in designs)]),
        network=np.array([each.network for each in flat], dtype=np.bool_),
        starts=np.array(starts),
        steps=np.array(steps),
        booked=np.array(booked, dtype=np.bool_),
    )


def makers_of(
    market: Market, effect: Effect, supply: Supply
) -> tuple[dict[str, Value], Value, dict[str, Value]]:
    """Return `kept_shares` of a market with the points that move in it."""
    moving = points_of(market, effect, supply.groups)
    return kept_shares(supply.shares[market], moving, supply.regions)


def points_of(market: Market, effect: Effect, groups: Mapping[str, str]) -> Effect:
    """Return an effect with those points alone that move in a market.

    None do where the catalogue names a vendor, who keeps its part.

    Examples
    --------
    >>> effect = Effect(points=(("tfc", "", 0.1), ("tfc", "lasers", 0.2)))
    >>> groups = {"optical-engine": "optical engines"}
    >>> points_of(Market("optical-engine"), effect, groups).points
    (('tfc', '', 0.1),)
    >>> points_of(Market("optical-engine", "broadcom"), effect, groups).points
    ()
    """
    names = ("", market.component, groups[market.component])
    moving = () if market.bound_to else (each for each in effect.points if each[1] in names)
    return replace(effect, points=tuple(moving))
