"""The catalogue's purchases as one checked graph: what a part is made of, and who sells each piece.

A part of a bill is one component. A component's maker buys others for it, and so on down; the same
component may be reached on several ways, which add up. Who sells it is a *market*: the companies
that share it, or one company alone where the catalogue names the vendor of the part around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from netloom import catalog
from netloom.catalog.parts import Node, Part, Switch
from netloom.catalog.suppliers import Company, Component, Group
from netloom.errors import Problem, StudyError, nearest
from netloom.supply.refusals import catalogue_problems, component_of_part

#: What no listed company sells.
OTHERS = "others"

#: Vendors of the catalogue that are no company.
_NOBODY = ("", "multi-vendor", "none")


@dataclass(frozen=True)
class Market:
    """Who competes for one component.

    Attributes
    ----------
    component : what is sold.
    bound_to : company that alone sells it, where the part around it names its maker; else empty.
    """

    component: str
    bound_to: str = ""


@dataclass(frozen=True)
class Way:
    """One way down from a part of a bill to a market.

    Attributes
    ----------
    part : of a bill, ``medium/lpo-800g-dr8``.
    market : where the way ends.
    steps : buyer and bought component, from the part's own component down; empty for its own.
    """

    part: str
    market: Market
    steps: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Chain:
    """What some parts are made of, and who sells it.

    Attributes
    ----------
    parts : parts of bills, as given, without repetition.
    component_of : component that each part is.
    components : every component that a part is or contains, by name: groups in the order in which
        they are shown, names sorted inside a group.
    markets : every market that is reached, in the order of the components.
    market_of : market by part and component.
    companies : every company that sells in one of the markets, by name, sorted.
    sellers : their names by market, sorted; what they leave of a market is `OTHERS`.
    ways : every way from a part to a market.
    """

    parts: tuple[str, ...]
    component_of: Mapping[str, str]
    components: Mapping[str, Component]
    markets: tuple[Market, ...]
    market_of: Mapping[tuple[str, str], Market]
    companies: Mapping[str, Company]
    sellers: Mapping[Market, tuple[str, ...]]
    ways: tuple[Way, ...]

    def inside(self, part: str) -> tuple[str, ...]:
        """Return the components of a part, each after all those that buy it; its own comes first.

        The order depends on the part alone, so that sums along it have the same bits in every
        chain.
        """
        return _buyers_first(self.component_of[part], self.components)


def chain_of(
    parts: Iterable[str],
    components: Mapping[str, Component] | None = None,
    companies: Mapping[str, Company] | None = None,
    vendor: Callable[[str, str], str] | None = None,
) -> Chain:
    """Return what parts of bills are made of.

    Parameters
    ----------
    parts : of bills of materials, ``kind/name``.
    components, companies : by name; the catalogue's when None.
    vendor : from a part and `Component.maker` to the vendor's name in the catalogue, empty where
        there is none or several; `vendor_of` when None.

    Raises
    ------
    StudyError
        With a problem for each part of no component or of two, unknown component, cycle, unknown
        company, share above one, market whose shares exceed one, company without a source, and
        source that stands for nothing.

    Examples
    --------
    >>> chain = chain_of(["medium/lpo-800g-dr8"])
    >>> chain.component_of["medium/lpo-800g-dr8"], "signal-processor" in chain.components
    ('module-lpo', False)
    """
    # an edited catalogue has edited sources; what a caller makes up has its own
    sources = catalog.sources() if companies is None else None
    components = shipped_components() if components is None else components
    companies = shipped_companies() if companies is None else companies
    vendor = vendor_of if vendor is None else vendor
    parts = tuple(dict.fromkeys(parts))
    problems = list(catalogue_problems(components, companies, sources))
    if problems:
        raise StudyError(problems)
    component_of: dict[str, str] = {}
    for part in parts:
        found = component_of_part(part, components)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            component_of[part] = found
    market_of: dict[tuple[str, str], Market] = {}
    named = {name: key for key, company in companies.items() for name in company.vendor_names}
    for part, own in component_of.items():
        for name in _buyers_first(own, components):
            maker = components[name].maker
            sold_by = "" if maker == "market" else vendor(part, maker)
            if sold_by and sold_by not in named:
                problems.append(_unknown_vendor(part, maker, sold_by, named))
            market_of[part, name] = Market(name, named.get(sold_by, ""))
    if problems:
        raise StudyError(dict.fromkeys(problems))
    return _chain(parts, component_of, market_of, components, companies)


def shipped_components() -> dict[str, Component]:
    """Return the catalogue's components by name."""
    return {name: catalog.get("component", name) for name in catalog.names("component")}


def shipped_companies() -> dict[str, Company]:
    """Return the catalogue's companies by name."""
    return {name: catalog.get("company", name) for name in catalog.names("company")}


def vendor_of(part: str, maker: str) -> str:
    """Return the vendor that the catalogue names for a part, for its chip or its accelerator.

    Parameters
    ----------
    part : of a bill, ``kind/name``.
    maker : ``"vendor"``, ``"silicon vendor"`` or ``"accelerator vendor"``.

    Returns
    -------
    Empty where the catalogue names none or says that there are several.

    Examples
    --------
    >>> vendor_of("switch/sn5600", "silicon vendor"), vendor_of("fibre/mpo", "vendor")
    ('NVIDIA', '')
    """
    kind, _, name = part.partition("/")
    if kind not in catalog.kinds() or name not in catalog.names(kind):
        return ""
    entry = catalog.get(kind, name)
    found = ""
    if maker == "silicon vendor" and isinstance(entry, Switch):
        found = entry.silicon_vendor
    elif maker == "accelerator vendor" and isinstance(entry, Node):
        found = catalog.get("accelerator", entry.accelerator).vendor
    elif maker == "vendor" and isinstance(entry, Part):
        found = entry.vendor
    return "" if found in _NOBODY else found


def _chain(
    parts: tuple[str, ...],
    component_of: Mapping[str, str],
    market_of: Mapping[tuple[str, str], Market],
    components: Mapping[str, Component],
    companies: Mapping[str, Company],
) -> Chain:
    groups = get_args(Group)
    reached = sorted(
        {component for _, component in market_of},
        key=lambda name: (groups.index(components[name].group), name),
    )
    places = {name: place for place, name in enumerate(reached)}
    markets = tuple(
        sorted(set(market_of.values()), key=lambda each: (places[each.component], each.bound_to))
    )
    sellers = {market: _sellers(market, companies) for market in markets}
    selling = sorted({name for names in sellers.values() for name in names})
    return Chain(
        parts=parts,
        component_of=component_of,
        components={name: components[name] for name in reached},
        markets=markets,
        market_of=market_of,
        companies={name: companies[name] for name in selling},
        sellers=sellers,
        ways=tuple(
            Way(part, market_of[part, steps[-1][1] if steps else own], steps)
            for part, own in component_of.items()
            for steps in _steps(own, components)
        ),
    )


def _sellers(market: Market, companies: Mapping[str, Company]) -> tuple[str, ...]:
    if market.bound_to:
        return (market.bound_to,)
    return tuple(
        sorted(name for name, company in companies.items() if market.component in company.sells)
    )


def _steps(
    component: str, components: Mapping[str, Component]
) -> Iterator[tuple[tuple[str, str], ...]]:
    """Yield the purchases of every way down from a component, that of no purchase first."""
    yield ()
    for bought in sorted(components[component].components):
        for rest in _steps(bought, components):
            yield ((component, bought), *rest)


def _buyers_first(root: str, components: Mapping[str, Component]) -> tuple[str, ...]:
    """Return what a component contains, each component after all its buyers."""
    finished: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in finished:
            for bought in sorted(components[name].components):
                visit(bought)
            finished[name] = None

    visit(root)
    return tuple(reversed(finished))


def _unknown_vendor(part: str, maker: str, sold_by: str, named: Mapping[str, str]) -> Problem:
    return Problem(
        f"the {maker} of {part}, {sold_by}, is no company of the catalogue",
        hint=f"list it in the vendor_names of a company; {nearest(sold_by, named)}",
        where=part,
    )
