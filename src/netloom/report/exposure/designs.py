"""Designs by component and company: tables of dollars, of what another design changes, of links."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from netloom.cost.draws import Interval
from netloom.report.exposure.cells import evidence_cell, labelled, named, narrow
from netloom.report.exposure.evidence import Evidence
from netloom.report.exposure.words import (
    Scope,
    Speaker,
    below,
    cents,
    head,
    probability,
    usd,
)
from netloom.report.tables import titled_table
from netloom.supply.architectures import Architecture, beside_published
from netloom.supply.attach import Attach, words
from netloom.supply.bill import Bill
from netloom.supply.cents import in_cents
from netloom.supply.content import Change, ChangeRow, DesignExposure, Exposure, Row
from netloom.supply.share import share

#: Rows of a table; JSON has all.
_NUM_ROWS, _NUM_CHANGES = 12, 10

#: Fewest characters of a label.
_LABEL = 14


@dataclass(frozen=True)
class Designs:
    """Some designs of a study, and what is known of them.

    Attributes
    ----------
    bills : whole ones, by design.
    whole : of these bills, US$.
    exposure : of the bills, or of the network alone, as `scope` says.
    attaches : optical ends by design, and the published architecture that is closest.
    evidence : by ``"component"`` or ``"company"`` and name.
    scope : of components and companies.
    """

    bills: Mapping[str, Bill]
    whole: Mapping[str, Interval]
    exposure: Exposure
    attaches: Mapping[str, tuple[Attach, Architecture]]
    evidence: Mapping[tuple[str, str], Evidence]
    scope: Scope = "everything"

    @property
    def scope_words(self) -> str:
        """What the dollars of components and companies are of."""
        return "network" if self.scope == "network" else "whole bill"


def print_designs(found: Designs, console: Console, speaker: Speaker) -> None:
    """Print bill and links of every design, what each changes against the first, and dollars."""
    designs, changes = found.exposure.designs, found.exposure.changes
    console.print(_summary(found, console), "")
    for line in _attach_lines(found):
        console.print(Text(line))
    console.print(
        "netloom validate network-share attach sets such shares and ratios beside published ones; "
        "network-share-unpromised and attach-unpromised have what is outside, with the reasons.",
        style="dim",
    )
    if changes:
        for kind, moved in (
            ("company", [each.companies for each in changes]),
            ("component", [each.components for each in changes]),
        ):
            console.print("", _changes(kind, changes, moved, console, speaker))
    for kind, rows in (
        ("company", [each.companies for each in designs]),
        ("component", [each.components for each in designs]),
    ):
        console.print("", _dollars(kind, designs, rows, found, console, speaker))
    console.print()
    console.print(
        "Sums at the most likely prices, to the cent; a bill is that of netloom plan.", style="bold"
    )
    for line in sums(found):
        console.print(Text(line))
    console.print()


def sums(found: Designs) -> Iterator[str]:
    """Yield what the rows of each design add up to, in cents, beside its bill."""
    for each in found.exposure.designs:
        components, companies = (
            sum(row.added_cents for row in rows) for rows in (each.components, each.companies)
        )
        told = f"{each.name}: components {cents(components)}, companies {cents(companies)}, "
        bill = in_cents(found.bills[each.name].total_usd)
        if found.scope == "network":
            told += f"network {cents(each.bill_cents)}; servers {cents(bill - each.bill_cents)}, "
        yield f"{told}bill {cents(bill)}."


def _attach_lines(found: Designs) -> Iterator[str]:
    """Yield why the designs have so many modules, beside published; equal reasons once."""
    said: dict[str, list[str]] = {}
    for name, (attach, published) in found.attaches.items():
        text = f"{words(attach)}; {beside_published(attach, published)}."
        said.setdefault(text, []).append(name)
    for text, names in said.items():
        yield f"{'; '.join(names)}: {text}"


def _summary(found: Designs, console: Console) -> Table:
    designs = found.exposure.designs
    title = "Designs: bill, shares of it, optics per accelerator"
    table = titled_table(title, console, ("", *(escape(each.name) for each in designs)))
    table.columns[0].min_width = _LABEL
    shares = [share(found.bills[each.name].lines) for each in designs]
    with_nics = [share(found.bills[each.name].lines, nics_are_network=True) for each in designs]
    attaches = [found.attaches[each.name] for each in designs]
    table.add_row("bill", *narrow([usd(found.whole[each.name]) for each in designs]))
    if found.scope == "network":
        table.add_row("network", *narrow([usd(each.bill) for each in designs]))
    for label, fractions in (
        ("switches, optics, cables", [each.network_fraction for each in shares]),
        ("with NICs, installation", [each.network_fraction for each in with_nics]),
        ("optics, cables", [each.optics_fraction for each in shares]),
    ):
        table.add_row(label, *(f"{each:.1%}" for each in fractions))
    table.add_row("modules, as 800G", *(f"{one.equivalents:.2f}" for one, _ in attaches))
    if any(one.engines for one, _ in attaches):
        table.add_row("engines of 3.2T", *(f"{one.engines:.2f}" for one, _ in attaches))
    return table


def _dollars(
    kind: str,
    designs: Sequence[DesignExposure],
    rows: Sequence[Sequence[Row]],
    found: Designs,
    console: Console,
    speaker: Speaker,
) -> Table:
    """Return value added by row and design, sales too where there is room."""
    alone = len(designs) == 1
    names = ["value added", "sales"] if alone else [escape(each.name) for each in designs]
    title = f"By {kind}: value added and sales, of the {found.scope_words}"
    table = titled_table(title, console, (kind, "grade, as of", *names), num_left=2)
    table.columns[1].no_wrap = True
    shown, rest = _largest(rows)
    for place in shown:
        row = rows[0][place]
        if alone:
            texts = [usd(row.added), usd(row.sales)]
        else:
            texts = [_with_sales(below(usd(each[place].added)), each[place]) for each in rows]
        table.add_row(
            labelled(kind, row.name, row.group, speaker),
            evidence_cell(found.evidence.get((kind, row.name))), *texts,
        )  # fmt: skip
    if rest:
        table.add_row(f"{len(rest)} smaller ones: in JSON", "", *[""] * len(names))
    bills = [usd(each.bill) for each in designs]
    table.add_row(found.scope_words, "", *([*bills, ""] if alone else map(below, bills)))
    return table


def _with_sales(text: str, row: Row | ChangeRow, *, signed: bool = False) -> str:
    """Return value added with the sales below it, where there are any."""
    sales = head(usd(row.sales, signed=signed))
    return text if sales == "0" else f"{text}\nsales {sales}"


def _changes(
    kind: str,
    changes: Sequence[Change],
    rows: Sequence[Sequence[ChangeRow]],
    console: Console,
    speaker: Speaker,
) -> Table:
    title = (
        f"By {kind}, against {changes[0].against}: value added, P that it gains, 10 to 90 %, sales"
    )
    table = titled_table(escape(title), console, (kind, *(escape(each.name) for each in changes)))
    places = sorted(
        range(len(rows[0])), key=lambda place: -max(abs(each[place].added.mean) for each in rows)
    )
    for place in places[:_NUM_CHANGES]:
        table.add_row(
            Text(named(kind, rows[0][place].name, speaker)),
            *(_change(each[place]) for each in rows),
        )
    table.add_row("bill", *narrow([usd(each.bill, signed=True) for each in changes]))
    return table


def _change(row: ChangeRow) -> str:
    if not row.gain_probability and not row.loss_probability:
        return "none"
    median, _, rest = usd(row.added, signed=True).partition(" (")
    told = f"{median}, P {probability(row.gain_probability)}\n{rest.removesuffix(')')}"
    return _with_sales(told, row, signed=True)


def _largest(rows: Sequence[Sequence[Row]]) -> tuple[list[int], list[int]]:
    """Return places of the rows that are shown, in their order, and of those that are not."""
    sizes = [max(each[place].added.percentile_90 for each in rows) for place in range(len(rows[0]))]
    found = [place for place, size in enumerate(sizes) if size > 0]
    ordered = sorted(found, key=lambda place: -sizes[place])
    return ordered[:_NUM_ROWS], ordered[_NUM_ROWS:]


def plain(found: Designs, keep: Callable[[str, str], bool]) -> dict[str, Any]:
    """Return the designs and their changes for JSON.

    Parameters
    ----------
    keep : from ``"component"`` or ``"company"`` and a name to whether its row is wanted.
    """

    def rows(kind: str, each: Sequence[Row] | Sequence[ChangeRow]) -> list[dict[str, Any]]:
        return [dataclasses.asdict(row) for row in each if keep(kind, row.name)]

    designs = []
    for each in found.exposure.designs:
        of_bill = share(found.bills[each.name].lines)
        attach, published = found.attaches[each.name]
        designs.append(
            {
                "name": each.name,
                "num_accelerators": each.num_accelerators,
                "whole_bill_usd": dataclasses.asdict(found.whole[each.name]),
                "bill_usd": dataclasses.asdict(each.bill),
                "bill_cents": each.bill_cents,
                "network_fraction": of_bill.network_fraction,
                "optics_fraction": of_bill.optics_fraction,
                "attach": {
                    "words": words(attach),
                    "modules_per_accelerator": attach.modules,
                    "equivalents_of_800g": attach.equivalents,
                    "engines_of_3200g": attach.engines,
                    "published": {
                        "architecture": published.title,
                        "low": published.published.low,
                        "high": published.published.high,
                        "of": published.published.what,
                        "counted": published.published.counted(attach),
                        "sources": list(published.published.sources),
                        "difference": beside_published(attach, published),
                    },
                },
                "components": rows("component", each.components),
                "companies": rows("company", each.companies),
                "cells": [
                    {"component": component, "company": company, "added": dataclasses.asdict(cell)}
                    for (component, company), cell in each.cells.items()
                    if keep("component", component) and keep("company", company)
                ],
            }
        )
    changes = [
        {
            "name": each.name,
            "against": each.against,
            "bill_usd": dataclasses.asdict(each.bill),
            "bill_cents": each.bill_cents,
            "components": rows("component", each.components),
            "companies": rows("company", each.companies),
        }
        for each in found.exposure.changes
    ]
    return {"scope": found.scope, "designs": designs, "changes": changes}
