"""Prices, purchases and market shares on the same draws, and what they make of each part.

Every share is drawn as a triangle of its own. What all makers pay for one component shares a
factor, and so does what one company sells: notes on one price and one ranking are behind several of
them. Where the purchases for one component exceed its price on a draw, or the companies of one
market exceed the market, all of them are divided by their sum: their proportions stay, and nothing
is left for the maker, or for others. So distributions are pulled in at their high ends, and only
where ranges leave no room.

Down a part, with s(b, c) the share of component b's price that pays for c:

    sales(part's own) = 1;  sales(c) = sum over buyers b of sales(b) s(b, c)
    added(c) = sales(c) (1 - sum over what c's maker buys)

per dollar of the part. Added values of a part add up to 1; sales count what is bought inside again.
*Booked* sales leave out what a company buys of itself: where the catalogue names one maker of both
buyer and bought. A company in two markets that are shared may buy of itself too; that is not known
and not taken out.

Letters: D draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from netloom.catalog.quantity import Quantity
from netloom.cost.draws import Sampling
from netloom.errors import ConservationError
from netloom.money.inputs import Input, from_quantity
from netloom.supply.bill import Bill
from netloom.supply.chain import OTHERS, Chain, Market, Way

Draws = NDArray[np.float64]
Key = TypeVar("Key")

#: Largest difference of shares that must add up to one.
_ROUNDING = 1e-9

#: From an input to its values.
ValueOf = Callable[[Input], Draws]


@dataclass(frozen=True)
class Drawn:
    """Everything on the same draws; arrays are float64 of shape (D,).

    Attributes
    ----------
    chain : what the parts are made of.
    num_draws : D.
    usd : price of all units by design and part, US$.
    bought : share of the buyer's price by buyer and bought component, scaled to at most 1 together.
    kept : what is left to the maker, by component.
    added, sales, booked : per dollar of the part, by part and market.
    shares : by market and company, `OTHERS` among them; they add up to 1 over a market.
    """

    chain: Chain
    num_draws: int
    usd: Mapping[tuple[str, str], Draws]
    bought: Mapping[tuple[str, str], Draws]
    kept: Mapping[str, Draws]
    added: Mapping[tuple[str, Market], Draws]
    sales: Mapping[tuple[str, Market], Draws]
    booked: Mapping[tuple[str, Market], Draws]
    shares: Mapping[tuple[Market, str], Draws]

    def parts(self, design: str) -> tuple[str, ...]:
        """Return the parts that a design buys, in the order of its bill."""
        return tuple(part for name, part in self.usd if name == design)

    def passing(self, way: Way) -> Draws:
        """Return the share of a part's price that comes down one way, per dollar."""
        found = np.ones(self.num_draws)
        for step in way.steps:
            found = found * self.bought[step]
        return found


def draw(bills: Mapping[str, Bill], chain: Chain, sampling: Sampling) -> Drawn:
    """Return bills and their chain on the draws of `netloom cost`.

    Parameters
    ----------
    bills : by design.
    chain : of all their parts at least.
    sampling : equal ones give equal bits, whatever other designs are drawn beside one.
    """
    return _drawn(bills, chain, lambda each: each.draw(sampling), sampling.num_draws)


def at_modes(bills: Mapping[str, Bill], chain: Chain) -> Drawn:
    """Return the same with every input at its most likely value, as a single draw."""

    return _drawn(bills, chain, lambda each: np.array([each.value.mode]), 1)


def inputs_of(chain: Chain) -> Iterator[Input]:
    """Yield the shares that a chain rests on: of what is bought, and of the companies."""
    for name, component in chain.components.items():
        for bought, quantity in component.components.items():
            yield _purchase(name, bought, quantity)
    for market in chain.markets:
        if not market.bound_to:
            for company in chain.sellers[market]:
                yield _sold(company, market.component, chain.companies[company].sells)


def _drawn(bills: Mapping[str, Bill], chain: Chain, value_of: ValueOf, num_draws: int) -> Drawn:
    bought: dict[tuple[str, str], Draws] = {}
    kept: dict[str, Draws] = {}
    for name, component in chain.components.items():
        purchases = {
            (name, each): _purchase(name, each, component.components[each])
            for each in sorted(component.components)
        }
        found, kept[name] = _within_one(purchases, value_of, num_draws)
        bought |= found
    shares: dict[tuple[Market, str], Draws] = {}
    for market in chain.markets:
        if market.bound_to:
            shares[market, market.bound_to] = np.ones(num_draws)
            continue
        sold = {
            (market, each): _sold(each, market.component, chain.companies[each].sells)
            for each in chain.sellers[market]
        }
        sellers, shares[market, OTHERS] = _within_one(sold, value_of, num_draws)
        shares |= sellers
    added: dict[tuple[str, Market], Draws] = {}
    sales: dict[tuple[str, Market], Draws] = {}
    booked: dict[tuple[str, Market], Draws] = {}
    walked: dict[tuple[Market, ...], tuple[list[Draws], ...]] = {}
    for part in chain.parts:
        # parts of one component with the same makers are the same arrays
        markets = tuple(chain.market_of[part, name] for name in chain.inside(part))
        if markets not in walked:
            walked[markets] = _walk(chain, markets, bought, kept, num_draws)
        for results, arrays in zip((added, sales, booked), walked[markets], strict=True):
            results.update(
                {(part, market): each for market, each in zip(markets, arrays, strict=True)}
            )
    return Drawn(
        chain, num_draws, _prices(bills, value_of, num_draws), bought, kept, added, sales, booked,
        shares,
    )  # fmt: skip


def _within_one(
    inputs: Mapping[Key, Input], value_of: ValueOf, num_draws: int
) -> tuple[dict[Key, Draws], Draws]:
    """Return shares that together are at most 1, and what they leave."""
    found = {key: value_of(each) for key, each in inputs.items()}
    total = np.zeros(num_draws)
    for share in found.values():
        total = total + share
    over = np.maximum(total, 1.0)
    if (over > 1).any():
        found = {key: share / over for key, share in found.items()}
    return found, np.maximum(1 - total, 0.0)


def _walk(
    chain: Chain,
    markets: tuple[Market, ...],
    bought: Mapping[tuple[str, str], Draws],
    kept: Mapping[str, Draws],
    num_draws: int,
) -> tuple[list[Draws], list[Draws], list[Draws]]:
    """Return added, sales and booked by market, per dollar of the first; buyers come first."""
    market_of = {market.component: market for market in markets}
    passing = {name: np.zeros(num_draws) for name in market_of}
    outside = {name: np.zeros(num_draws) for name in market_of}
    first = markets[0].component
    passing[first] = outside[first] = np.ones(num_draws)
    for name, market in market_of.items():
        for other in sorted(chain.components[name].components):
            paid = passing[name] * bought[name, other]
            passing[other] = passing[other] + paid
            seller = market_of[other].bound_to
            if not seller or seller != market.bound_to:
                outside[other] = outside[other] + paid
    added = {name: passing[name] * kept[name] for name in market_of}
    total = sum(added.values(), np.zeros(num_draws))
    if not np.allclose(total, 1.0, rtol=0, atol=_ROUNDING):
        raise ConservationError(f"the values added to {first} do not add up to its price")
    return list(added.values()), list(passing.values()), list(outside.values())


def _prices(
    bills: Mapping[str, Bill], value_of: ValueOf, num_draws: int
) -> dict[tuple[str, str], Draws]:
    known: dict[Input, Draws] = {}

    def value(each: Input) -> Draws:
        # not by its path alone: two studies may quote one part differently
        if each not in known:
            known[each] = value_of(each)
        return known[each]

    found: dict[tuple[str, str], Draws] = {}
    for design, bill in bills.items():
        values = {path: value(each) for path, each in bill.inputs.items()}
        for part, usd in bill.usd(values).items():
            found[design, part] = np.broadcast_to(np.asarray(usd, dtype=np.float64), (num_draws,))
    return found


def _purchase(buyer: str, bought: str, quantity: Quantity) -> Input:
    path = f"component/{buyer}.components.{bought}"
    return from_quantity(
        path, f"{bought}, share of what {buyer} costs", quantity, f"dollars of {bought}"
    )


def _sold(company: str, component: str, sells: Mapping[str, Quantity]) -> Input:
    path = f"company/{company}.sells.{component}"
    return from_quantity(
        path, f"share of {company} in sales of {component}", sells[component],
        f"standing of {company}",
    )  # fmt: skip
