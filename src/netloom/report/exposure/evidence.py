"""How far to trust a row about suppliers: the grade of its main way, and the worst of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from netloom.catalog.quantity import GRADES
from netloom.money.inputs import Input
from netloom.supply.bill import INSTALLATION, RESALE, Bill
from netloom.supply.chain import OTHERS, Chain, Way


@dataclass(frozen=True)
class Evidence:
    """What a row rests on.

    Attributes
    ----------
    main : worst grade along the way that brings the most dollars: the part's price, the shares down
        to the component, and a company's share of that market.
    worst : worst grade along all ways.
    as_of : earliest date along the main way.
    """

    main: str
    worst: str
    as_of: str


NOTHING = Evidence("", "", "")


@dataclass(frozen=True)
class _Main:
    """The numbers of the way that brings the most dollars, and of all ways."""

    usd: float
    on_it: tuple[Input, ...]
    on_all: tuple[Input, ...]


def evidence_of(
    chain: Chain, bills: Mapping[str, Bill], inputs: Iterable[Input]
) -> dict[tuple[str, str], Evidence]:
    """Return the evidence of each row, by ``"component"`` or ``"company"`` and name.

    Dollars are those of all bills together, at the most likely values. What the catalogue's vendor
    of a part sells needs no share of a market; the companies that are not listed have what the
    shares of all others leave.
    """
    by_path = _worst_by_path(inputs)
    usd, prices = _spent(bills)
    mains = {name: _main_of(name, chain, usd, prices, by_path) for name in chain.components}
    found = {("component", name): _seen([each]) for name, each in mains.items()}
    sold: dict[str, list[_Main]] = {name: [] for name in (*chain.companies, OTHERS)}
    for market in chain.markets:
        own = mains[market.component]
        if market.bound_to:
            sold[market.bound_to].append(own)
            continue
        shares = {
            name: by_path[f"company/{name}.sells.{market.component}"]
            for name in chain.sellers[market]
        }
        for name, share in shares.items():
            sold[name].append(_with(own, share.value.mode, [share]))
        left = max(1 - sum(each.value.mode for each in shares.values()), 0.0)
        sold[OTHERS].append(_with(own, left, list(shares.values())))
    return found | {("company", name): _seen(mains) for name, mains in sold.items()}


def _worst_by_path(inputs: Iterable[Input]) -> dict[str, Input]:
    found: dict[str, Input] = {}
    for each in inputs:
        if each.path not in found or each.badness > found[each.path].badness:
            found[each.path] = each
    return found


def _spent(bills: Mapping[str, Bill]) -> tuple[dict[str, float], dict[str, set[str]]]:
    """Return US$ of each part in all bills, and the paths of the numbers that its price is of."""
    usd: dict[str, float] = {}
    paths: dict[str, set[str]] = {}
    for bill in bills.values():
        for part, value in bill.usd(bill.modes).items():
            usd[part] = usd.get(part, 0.0) + float(value)
        for line, terms in zip(bill.lines, bill.terms, strict=True):
            used = paths.setdefault(line.part, set())
            used.update(term.path for term in terms)
            if line.part == INSTALLATION:
                used.update(term.path for term in bill.installed)
                used.add(bill.installation_path)
            if line.part in bill.makers_fraction:
                paths.setdefault(RESALE, set()).update(used)
    return usd, paths


def _main_of(
    name: str,
    chain: Chain,
    usd: Mapping[str, float],
    prices: Mapping[str, set[str]],
    by_path: Mapping[str, Input],
) -> _Main:
    best, on_best = -1.0, tuple[Input, ...]()
    on_all: dict[str, Input] = {}
    for way in chain.ways:
        if way.market.component != name or way.part not in usd:
            continue
        steps = [by_path[path] for path in _steps(way)]
        numbers = [by_path[path] for path in sorted(prices[way.part])] + steps
        dollars = usd[way.part]
        for step in steps:
            dollars *= step.value.mode
        if dollars > best:
            best, on_best = dollars, tuple(numbers)
        on_all |= {each.path: each for each in numbers}
    return _Main(max(best, 0.0), on_best, tuple(on_all.values()))


def _steps(way: Way) -> list[str]:
    return [f"component/{buyer}.components.{bought}" for buyer, bought in way.steps]


def _with(main: _Main, share: float, more: Sequence[Input]) -> _Main:
    return _Main(main.usd * share, (*main.on_it, *more), (*main.on_all, *more))


def _seen(mains: Sequence[_Main]) -> Evidence:
    if not any(each.on_it for each in mains):
        return NOTHING
    first = max(mains, key=lambda each: each.usd)
    return Evidence(
        main=_worst(first.on_it),
        worst=_worst([number for each in mains for number in each.on_all]),
        as_of=min((each.date for each in first.on_it if each.date), default=""),
    )


def _worst(numbers: Sequence[Input]) -> str:
    return max((each.grade for each in numbers), key=GRADES.index, default="")  # type: ignore[arg-type]
