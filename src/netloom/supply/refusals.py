"""What is wrong with a supply chain, by name: unknown pieces, loops, excess shares, no sources."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase

from netloom.catalog.load import walk_quantities
from netloom.catalog.quantity import Quantity
from netloom.catalog.suppliers import Company, Component, check_shares
from netloom.errors import Problem, nearest

_ROUNDING = 1e-9


def catalogue_problems(
    components: Mapping[str, Component],
    companies: Mapping[str, Company],
    sources: Collection[str] | None = None,
) -> Iterator[Problem]:
    """Yield every problem of components and companies.

    Parameters
    ----------
    components, companies : by name.
    sources : keys that stand for something; unchecked when None.
    """
    yield from _component_problems(components)
    yield from _cycle_problems(components)
    yield from _company_problems(components, companies)
    yield from _market_problems(components, companies)
    if sources is not None:
        yield from _source_problems(components, companies, sources)


def component_of_part(part: str, components: Mapping[str, Component]) -> str | Problem:
    """Return the one component that a part of a bill is, or the problem with that.

    Parameters
    ----------
    part : of a bill, ``kind/name``.
    components : by name.
    """
    matching = {
        name: pattern
        for name, component in components.items()
        for pattern in component.parts
        if fnmatchcase(part, pattern)
    }
    if len(matching) == 1:
        return next(iter(matching))
    if matching:
        found = " and ".join(f"{name} by '{matching[name]}'" for name in sorted(matching))
        return Problem(
            f"{part} is part of {len(matching)} components: {found}",
            hint="narrow the patterns of all but one of them",
            where=part,
        )
    kind = part.partition("/")[0]
    patterns = sorted({pattern for component in components.values() for pattern in component.parts})
    near = [pattern for pattern in patterns if pattern.startswith(f"{kind}/")] or patterns
    return Problem(
        f"{part} is part of no component",
        hint=f"add it to the parts of a component; patterns: {', '.join(near) or 'none'}",
        where=part,
    )


def _component_problems(components: Mapping[str, Component]) -> Iterator[Problem]:
    for name in sorted(components):
        bought = components[name].components
        try:
            check_shares(bought, f"the components of {name}")
        except ValueError as error:
            message, _, hint = str(error).partition("\n")
            yield Problem(message, hint, f"component/{name}.components")
        for other in bought:
            if other not in components:
                yield Problem(
                    f"{name} is made of an unknown component '{other}'",
                    hint=nearest(other, components),
                    where=f"component/{name}.components.{other}",
                )


def _cycle_problems(components: Mapping[str, Component]) -> Iterator[Problem]:
    """Yield one problem for each loop that a depth-first walk closes."""
    finished: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> Iterator[Problem]:
        if name in way:
            loop = " -> ".join((*way[way.index(name) :], name))
            yield Problem(
                f"components are made of themselves: {loop}",
                hint="take one of these purchases out",
                where=f"component/{way[-1]}.components.{name}",
            )
        elif name not in finished:
            for bought in sorted(components[name].components):
                if bought in components:
                    yield from visit(bought, (*way, name))
            finished.add(name)

    for name in sorted(components):
        yield from visit(name, ())


def _company_problems(
    components: Mapping[str, Component], companies: Mapping[str, Company]
) -> Iterator[Problem]:
    vendors: dict[str, str] = {}
    for name in sorted(companies):
        company = companies[name]
        if not company.source:
            yield Problem(
                f"company {name} has no source",
                hint="name where its products and shares were read",
                where=f"company/{name}.source",
            )
        for vendor in company.vendor_names:
            if vendor in vendors:
                yield Problem(
                    f"two companies are the vendor {vendor}: {vendors[vendor]} and {name}",
                    hint="leave the name with one of them",
                    where=f"company/{name}.vendor_names",
                )
            vendors[vendor] = name
        for component, share in company.sells.items():
            where = f"company/{name}.sells.{component}"
            if component not in components:
                yield Problem(
                    f"{name} sells an unknown component '{component}'",
                    hint=nearest(component, components),
                    where=where,
                )
            if not share.source:
                yield Problem(
                    f"the share of {name} in {component} has no source",
                    hint="name where it was read",
                    where=where,
                )
            if share.low < 0 or share.high > 1:
                yield Problem(
                    f"the share of {name} in {component} is {share.low:.1%} to {share.high:.1%}",
                    hint="write shares from 0 to 100 %",
                    where=where,
                )


def _market_problems(
    components: Mapping[str, Component], companies: Mapping[str, Company]
) -> Iterator[Problem]:
    for component in sorted(components):
        shares = {
            name: company.sells[component]
            for name, company in sorted(companies.items())
            if component in company.sells
        }
        for words, end in (("most likely", "mode"), ("lowest", "low")):
            total = sum(getattr(share, end) for share in shares.values())
            if total > 1 + _ROUNDING:
                yield Problem(
                    f"the {words} shares of the companies that sell {component} are {total:.1%} "
                    f"together: {_listed(shares, end)}",
                    hint="write shares that leave 0 % or more to others",
                    where=f"company/*.sells.{component}",
                )
                break


def _source_problems(
    components: Mapping[str, Component], companies: Mapping[str, Company], sources: Collection[str]
) -> Iterator[Problem]:
    """Yield a problem for each source key that stands for nothing."""
    keys = [(f"company/{name}.source", each.source) for name, each in sorted(companies.items())]
    for kind, entries in (("component", components), ("company", companies)):
        for name in sorted(entries):
            numbers = walk_quantities(entries[name])
            keys += [(f"{kind}/{name}.{path}", number.source) for path, number in numbers]
    for where, given in keys:
        for key in given:
            if key not in sources:
                near = difflib.get_close_matches(key, sources, 3)
                meant = f"did you mean {' or '.join(near)}? Or " if near else ""
                yield Problem(
                    f"unknown source '{key}'",
                    hint=f"{meant}say in sources.yaml what it stands for",
                    where=where,
                )


def _listed(shares: Mapping[str, Quantity], end: str) -> str:
    return ", ".join(f"{name} {getattr(share, end):.1%}" for name, share in shares.items())
