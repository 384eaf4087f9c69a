"""One component with who sells it, or one company with what it sells: shares, figures, sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from netloom import catalog
from netloom.catalog.quantity import Quantity
from netloom.catalog.suppliers import Company, Component
from netloom.money.inputs import Input
from netloom.report.exposure.cells import named, narrow
from netloom.report.exposure.designs import Designs
from netloom.report.exposure.words import Speaker, probability, usd
from netloom.report.sources import source_lines
from netloom.report.tables import titled_table
from netloom.supply.chain import OTHERS
from netloom.units import show


def print_changes(kind: str, name: str, designs: Designs | None, console: Console) -> None:
    """Print the names of a component or company, and what other designs change for it."""
    console.print(Text(_title(kind, name), style="bold"))
    for change in designs.exposure.changes if designs is not None else ():
        for row in change.components if kind == "component" else change.companies:
            if row.name == name:
                console.print(
                    Text(
                        f"- {change.name} instead of {change.against}: value added "
                        f"{usd(row.added, signed=True)}, sales {usd(row.sales, signed=True)}; "
                        f"gains with probability {probability(row.gain_probability)}."
                    )
                )
    console.print()


def print_part(
    kind: str,
    name: str,
    designs: Designs | None,
    inputs: Sequence[Input],
    console: Console,
    speaker: Speaker,
) -> None:
    """Print the dollars of a component or company in each design, and what the catalogue says.

    Parameters
    ----------
    kind, name : ``"component"`` or ``"company"``.
    inputs : numbers of the answer, of which those about it are listed with their sources.
    """
    described = _component_lines(name) if kind == "component" else _company_lines(name)
    console.print(_partners(kind, name, designs, console, speaker), "")
    for line in described:
        console.print(Text(line))
    about = list(source_lines(each for each in inputs if _is_about(each.path, kind, name)))
    if about:
        console.print(Text("\nNumbers about it, the weakest evidence first", style="bold"))
    for line in about:
        console.print(Text(f"- {line}"), soft_wrap=True)
    console.print()


def _title(kind: str, name: str) -> str:
    if name == OTHERS:
        return "others: what no listed company sells"
    names = catalog.get(kind, name).names
    return f"{name}: {names.en}, {names.zh}, {names.ja}"


def _component_lines(name: str) -> Iterator[str]:
    part: Component = catalog.get("component", name)
    yield f"Group {part.group}; sold by {_MAKERS[part.maker]}."
    if part.parts:
        yield f"Parts of bills: {', '.join(part.parts)}."
    if part.components:
        inside = (f"{each} {_share(quantity)}" for each, quantity in part.components.items())
        yield f"Bought for it, of its price: {', '.join(inside)}."
    buyers = {
        other: catalog.get("component", other).components.get(name)
        for other in catalog.names("component")
    }
    found = [f"{other} {_share(each)}" for other, each in buyers.items() if each is not None]
    if found:
        yield f"Bought by, of their price: {', '.join(found)}."
    if part.note:
        yield part.note


_MAKERS = {
    "market": "the companies of its market by shares",
    "vendor": "the vendor of the part, where the catalogue names one",
    "silicon vendor": "the vendor of the part's chip, where the catalogue names one",
    "accelerator vendor": "the vendor of the accelerator, where the catalogue names one",
}


def _company_lines(name: str) -> Iterator[str]:
    if name == OTHERS:
        return
    company: Company = catalog.get("company", name)
    own = "; makes for itself, as a customer" if company.in_house else ""
    yield f"Head office {company.region}; {company.listing}{own}; stated as of {company.as_of}."
    known = catalog.sources()
    yield f"Sources: {'; '.join(known[key] for key in company.source)}."
    for figure in company.figures:
        where = "; ".join(known[key] for key in figure.value.source)
        number = show(figure.value.mode, "count", 4)
        yield (
            f"{figure.what}, {figure.period}: {number} {figure.unit} ({figure.value.grade}, "
            f"{figure.value.date}; {where})."
        )
    if company.note:
        yield company.note


def _partners(
    kind: str, name: str, designs: Designs | None, console: Console, speaker: Speaker
) -> Table:
    """Return who sells a component, or what a company sells, with value added in each design."""
    found = () if designs is None else designs.exposure.designs
    other = "company" if kind == "component" else "component"
    columns = (other, "share of market", "grade, date", *(escape(each.name) for each in found))
    title = "Who sells it" if kind == "component" else "What it sells"
    table = titled_table(f"{title}: value added", console, columns, num_left=3)
    table.columns[1].no_wrap = table.columns[2].no_wrap = True
    for partner in _partner_names(kind, name, designs):
        component, company = (name, partner) if kind == "component" else (partner, name)
        share = None if company == OTHERS else catalog.get("company", company).sells.get(component)
        cells = [each.cells.get((component, company)) for each in found]
        texts = ("", "")
        if share is not None:
            texts = _share(share), f"{share.grade}, {share.date}"
        dollars = ["" if each is None else usd(each) for each in cells]
        table.add_row(Text(named(other, partner, speaker)), *texts, *narrow(dollars))
    of_it = [
        row
        for each in found
        for row in (each.components if kind == "component" else each.companies)
        if row.name == name
    ]
    if of_it:
        table.add_row("value added, all", "", "", *narrow([usd(each.added) for each in of_it]))
        table.add_row("sales", "", "", *narrow([usd(each.sales) for each in of_it]))
    return table


def _partner_names(kind: str, name: str, designs: Designs | None) -> list[str]:
    """Return sellers of a component or goods of a company, the largest first."""
    sold = {
        (component, company): quantity.mode
        for company in catalog.names("company")
        for component, quantity in catalog.get("company", company).sells.items()
    }
    place = 0 if kind == "component" else 1
    size = {key[1 - place]: share for key, share in sold.items() if key[place] == name}
    in_designs: dict[str, float] = {}
    for each in designs.exposure.designs if designs is not None else ():
        for key, cell in each.cells.items():
            if key[place] == name:
                partner = key[1 - place]
                in_designs[partner] = max(in_designs.get(partner, 0.0), cell.mode)
    size = in_designs or size
    return sorted(size, key=lambda partner: (-size[partner], partner))


def _is_about(path: str, kind: str, name: str) -> bool:
    """Return whether a number is one of a component's or company's own shares."""
    if kind == "company":
        return path.startswith(f"company/{name}.")
    return (
        path.startswith(f"component/{name}.")
        or (path.startswith("component/") and path.endswith(f".components.{name}"))
        or (path.startswith("company/") and path.endswith(f".sells.{name}"))
    )


def _share(quantity: Quantity) -> str:
    mode, low, high = (100 * each for each in (quantity.mode, quantity.low, quantity.high))
    return f"{mode:.3g} %" if low == high else f"{mode:.3g} % ({low:.3g} to {high:.3g})"
