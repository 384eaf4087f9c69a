"""What one accelerator of a design brings to every component and company, under an effect.

A design's dollars are split by *way*: from a part's own component down through what its maker buys,
to the market in which the dollar ends. An effect acts on ways, so that what happens to a component
happens to all that is bought for it and to nothing else:

- a factor on a target multiplies a way that passes the target, once however often it is passed;
- a substitution takes its share of the dollars of a way that passes its target, and lets `to` take
  over below what bought the target; what the target's maker had bought leaves with it;
- a reseller's margin on a part follows the price of the part, and goes over with it.

What a maker in a market sells and keeps of it is changed by points of shares and by regions.

Letters: D draws.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from netloom.money.account import Value
from netloom.supply.chain import Market
from netloom.supply.scenario import Effect, Substitution

Draws = NDArray[np.float64]


@dataclass(frozen=True)
class Stream:
    """Dollars of one accelerator that take the same way.

    Attributes
    ----------
    network : whether the part is of the network, and not a node.
    markets : passed on the way down; the dollars end in the last.
    usd : float64, shape (D,).
    margin_on : market of the part that a reseller's margin is on: what moves its price moves the
        dollars, which do not pass it; empty for what makers are paid.
    """

    network: bool
    markets: tuple[Market, ...]
    usd: Draws
    margin_on: tuple[Market, ...] = ()

    @property
    def moved_by(self) -> tuple[Market, ...]:
        """Markets whose prices and quantities the dollars follow."""
        return self.margin_on + self.markets


@dataclass(frozen=True)
class Supply:
    """Who makes what, on the draws.

    Attributes
    ----------
    groups : group by component.
    shares : market -> company -> share, float64 (D,); what is missing to 1 is others'.
    regions : region by company.
    trees : component -> ways below it with shares that add up to 1, for what may take over.
    """

    groups: Mapping[str, str]
    shares: Mapping[Market, Mapping[str, Draws]]
    regions: Mapping[str, str]
    trees: Mapping[str, Sequence[tuple[tuple[Market, ...], Draws]]]

    def passes(self, markets: Sequence[Market], target: str) -> int:
        """Return the first place on a way that is a target's, -1 for none; "" is the first of all.

        Examples
        --------
        >>> way = (Market("module-siph"), Market("signal-processor"))
        >>> supply = Supply({"module-siph": "optical modules", "signal-processor": ""}, {}, {}, {})
        >>> [supply.passes(way, name) for name in ("optical modules", "signal-processor", "hbm")]
        [0, 1, -1]
        """
        if not target:
            return 0
        for place, market in enumerate(markets):
            if target in (market.component, self.groups[market.component]):
                return place
        return -1


def merged(streams: Iterable[Stream]) -> tuple[Stream, ...]:
    """Return streams with those of one way added up.

    Examples
    --------
    >>> one = Stream(True, (Market("hbm"),), np.array([2.0]))
    >>> merged([one, one])[0].usd
    array([4.])
    """
    sums: dict[tuple[bool, tuple[Market, ...], tuple[Market, ...]], Draws] = {}
    for each in streams:
        key = each.network, each.markets, each.margin_on
        sums[key] = sums[key] + each.usd if key in sums else each.usd
    return tuple(
        Stream(network, markets, usd, margin_on)
        for (network, markets, margin_on), usd in sums.items()
    )


def changed(content: Sequence[Stream], effect: Effect, supply: Supply) -> list[Stream]:
    """Return the streams of one accelerator after prices, quantities and substitutions.

    Examples
    --------
    A third of a module's dollars, its parts with it, goes to another at half its price.

    >>> module, other = Market("module"), Market("other")
    >>> supply = Supply({"module": "", "other": ""}, {}, {}, {"other": [((other,), np.ones(1))]})
    >>> effect = Effect(substitutions=(Substitution("module", "other", 1 / 3, 0.5),))
    >>> before = [Stream(True, (module,), np.array([6.0]))]
    >>> [float(each.usd[0]) for each in changed(before, effect, supply)]
    [4.0, 1.0]
    """
    targets = tuple(effect.factors)
    products: dict[tuple[str, ...], Value] = {}
    streams = []
    for each in content:
        hit = tuple(name for name in targets if supply.passes(each.moved_by, name) >= 0)
        if hit not in products:
            product: Value = 1.0
            for name in hit:
                product = product * effect.factors[name]
            products[hit] = product
        usd = each.usd * products[hit] if hit else each.usd
        streams.append(replace(each, usd=usd))
    taken_over: list[Stream] = []
    for target in dict.fromkeys(each.target for each in effect.substitutions):
        movers = [each for each in effect.substitutions if each.target == target]
        streams, new = _substituted(streams, movers, effect, supply)
        taken_over += new
    return streams + taken_over


def _substituted(
    streams: Sequence[Stream], movers: Sequence[Substitution], effect: Effect, supply: Supply
) -> tuple[list[Stream], list[Stream]]:
    """Return what is left of the streams, and what takes over, for substitutions of one target."""
    whole: Value = sum(each.share for each in movers)
    over = np.maximum(whole, 1.0)  # shares of more than everything are scaled down to it
    kept: list[Stream] = []
    new: list[Stream] = []
    # what buys the target, and the factors that the target's own way has met already
    bought: dict[tuple[bool, tuple[Market, ...], tuple[str, ...]], Draws] = {}
    for each in streams:
        place = supply.passes(each.moved_by, movers[0].target)
        if place < 0:
            kept.append(each)
            continue
        kept.append(replace(each, usd=each.usd * (1 - whole / over)))
        if each.margin_on:
            # who resells the one resells the other, at the same margin
            new += [
                Stream(
                    each.network, each.markets,
                    each.usd * (mover.share / over * mover.price_ratio), (Market(mover.to),),
                )
                for mover in movers
            ]  # fmt: skip
            continue
        met = tuple(
            name for name in effect.factors if supply.passes(each.markets[: place + 1], name) >= 0
        )
        key = each.network, each.markets[:place], met
        bought[key] = bought[key] + each.usd if key in bought else each.usd
    for (network, above, met), usd in bought.items():
        for mover in movers:
            paid = usd * (mover.share / over * mover.price_ratio)
            for markets, share in supply.trees[mover.to]:
                inside: Value = 1.0
                for name, factor in effect.factors.items():
                    # one that aims at what takes over is in the price ratio
                    if name not in met and supply.passes(markets, name) > 0:
                        inside = inside * factor
                new.append(Stream(network, above + markets, paid * share * inside))
    return kept, new


def kept_shares(
    shares: Mapping[str, Draws], effect: Effect, regions: Mapping[str, str]
) -> tuple[dict[str, Value], Value, dict[str, Value]]:
    """Return a market's shares of sales, the factor on its added value, and shares of that.

    Examples
    --------
    A company of half the market loses 10 points, a third of which go to one with a sixth of it; a
    region that keeps half of what it had takes a quarter of the market's added value with it.

    >>> lead, next_one = np.array([0.5]), np.array([1 / 6])
    >>> effect = Effect(points=(("lead", "", -0.1),), regions={"CN": 0.5})
    >>> found = kept_shares({"lead": lead, "next": next_one}, effect, {"lead": "CN", "next": "US"})
    >>> [round(float(share[0]), 3) for share in found[0].values()]
    [0.4, 0.2]
    >>> round(float(found[1][0]), 3), round(float(found[2]["lead"][0]), 3)
    (0.8, 0.25)
    """
    sold: dict[str, Value] = dict(shares)
    for company, _, points in effect.points:
        if company in sold:
            sold = _shifted(sold, company, points)
    factor: Value = 1.0
    keeps: dict[str, Value] = {}
    for name, share in sold.items():
        if regions.get(name) in effect.regions:
            keeps[name] = effect.regions[regions[name]]
            factor = factor + share * (keeps[name] - 1)
    if not keeps:
        return sold, 1.0, sold
    over = np.where(np.asarray(factor) > 0, factor, 1.0)
    return sold, factor, {name: share * keeps.get(name, 1.0) / over for name, share in sold.items()}


def _shifted(shares: Mapping[str, Value], company: str, points: Value) -> dict[str, Value]:
    """Return shares with points moved from or to the others of the market, by their shares."""
    old = np.asarray(shares[company])
    new = np.clip(old + points, 0.0, 1.0)
    # one that has the whole market leaves what it loses to companies that are not listed
    others = np.where(old < 1, (1 - new) / np.where(old < 1, 1 - old, 1.0), 1.0)
    return {name: new if name == company else share * others for name, share in shares.items()}
