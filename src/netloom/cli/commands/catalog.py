"""``netloom catalog``: what the catalogue holds, and on what each number rests."""

from __future__ import annotations

import json as encoder
import sys
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

if TYPE_CHECKING:
    from rich.table import Table

    from netloom.catalog.quantity import Quantity

app = App(name="catalog", help="List the parts, and show each number with its source.")

#: Kinds that say what is expected of markets and companies.
_OF_THE_SECTOR = ("component", "company", "scenario", "build-out", "series")

#: Columns of a console from which the basis of each number fits beside it.
_WIDE = 100


@app.command(name="list")
def list_parts(
    kind: str | None = None, /, *, json: Annotated[bool, Parameter(negative="")] = False
) -> None:
    """List the parts of the catalogue.

    Parameters
    ----------
    kind
        Only parts of this kind, such as switch.
    json
        Print the names by kind as JSON.
    """
    from netloom import catalog

    kinds = (*catalog.kinds(), "model") if kind is None else (kind,)
    names = {each: catalog.names(each) for each in kinds}
    if json:
        _print_json(names)
        return
    from rich.table import Table

    from netloom.cli.console import output

    table = Table(box=None)
    for heading in ("kind", "part", "in full"):
        table.add_column(heading, overflow="fold")
    for each, parts in names.items():
        for name in parts:
            table.add_row(each, name, "" if each == "model" else catalog.get(each, name).title)
    output().print(table)


@app.command
def show(part: str, /, *, json: Annotated[bool, Parameter(negative="")] = False) -> None:
    """Show every number of a part with its range, source, date and grade.

    Parameters
    ----------
    part
        Name of the part, or kind/name where several kinds share the name.
    json
        Print the part as JSON in SI units.
    """
    from netloom import catalog

    kind, name = find(part)
    if kind == "model":
        sys.stdout.write(catalog.model_path(name).read_text(encoding="utf-8"))
        return
    found = catalog.get(kind, name)
    if json:
        _print_json({"kind": kind, **found.model_dump(mode="json")})
        return
    from rich.text import Text

    from netloom.cli.console import output

    console = output()
    console.print(Text(f"{kind}/{name}: {found.title}", style="bold"))
    if found.note:
        console.print(Text(found.note))
    if kind in _OF_THE_SECTOR:
        from netloom.report.exposure.words import NOTICE

        console.print(Text(NOTICE, style="bold yellow"))
    console.print()
    for field, value in _plain_fields(found):
        console.print(Text(f"{field}: {value}"), soft_wrap=True)
    quantities = list(catalog.walk_quantities(found))
    if quantities:
        wide = console.width >= _WIDE
        console.print(_table(quantities, wide))
        console.print(_evidence(quantities, not wide), soft_wrap=True)


def find(part: str) -> tuple[str, str]:
    """Return kind and name of a part that a user names; refuse what is unknown or ambiguous."""
    from netloom import catalog
    from netloom.errors import ParameterError, nearest

    kinds = (*catalog.kinds(), "model")
    kind, slash, name = part.partition("/")
    if slash:
        if name not in catalog.names(kind):
            hint = nearest(name, catalog.names(kind))
            raise ParameterError(f"unknown {kind} '{name}'", hint)
        return kind, name
    homes = [kind for kind in kinds if part in catalog.names(kind)]
    if not homes:
        known = {name for kind in kinds for name in catalog.names(kind)}
        close, question, _ = nearest(part, known).partition("? ")
        listing = "'netloom catalog list' lists all parts"
        hint = f"{close}{question}{listing}" if question else listing
        raise ParameterError(f"unknown part '{part}'", hint)
    if len(homes) > 1:
        choices = " or ".join(f"{home}/{part}" for home in homes)
        raise ParameterError(f"several parts are called '{part}'", f"write {choices}")
    return homes[0], part


def _plain_fields(part: Any) -> list[tuple[str, str]]:
    """Return the fields of a part that are names, counts and layouts, as text."""
    from netloom import catalog

    numbers = {path.partition(".")[0] for path, _ in catalog.walk_quantities(part)}
    skipped = numbers | {"name", "title", "note"}
    return [
        (name, _plain(getattr(part, name)))
        for name in type(part).model_fields
        if name not in skipped and getattr(part, name) not in ("", (), {})
    ]


def _plain(value: Any) -> str:
    from pydantic import BaseModel

    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(_plain(item) for item in value)
    if isinstance(value, BaseModel):
        inside = ((name, getattr(value, name)) for name in type(value).model_fields)
        return "(" + ", ".join(f"{name} {_plain(item)}" for name, item in inside) + ")"
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_plain(item)}" for name, item in value.items())
    return str(value)


def _table(quantities: list[tuple[str, Quantity]], with_basis: bool) -> Table:
    """Return the numbers of a part, with what they are counted on where there is room for it."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("number", "low", "mode", "high"):
        table.add_column(heading, justify="left" if heading == "number" else "right", no_wrap=True)
    words = ("grade", "date", "basis") if with_basis else ("grade", "date")
    for heading in words:
        table.add_column(heading, overflow="fold")
    for path, quantity in quantities:
        low, mode, high = (
            _shown(value, quantity.dimension)
            for value in (quantity.low, quantity.mode, quantity.high)
        )
        ends = ("", "") if quantity.low == quantity.high else (low, high)
        texts = (getattr(quantity, word) for word in words)
        table.add_row(path, ends[0], mode, ends[1], *texts)
    return table


def _shown(value: float, dimension: str) -> str:
    """Return a number for people; sizes of memory in the binary units that they are built in."""
    from netloom.units import show as shown

    if dimension == "data" and value >= 2**20 and value % 2**20 == 0:
        dimension = "memory"
    return shown(value, dimension, digits=4)


def _evidence(quantities: list[tuple[str, Quantity]], with_basis: bool) -> str:
    """Return sources and remarks of each number, and what the source keys stand for."""
    from netloom import catalog

    lines = []
    for path, quantity in quantities:
        basis = f"{quantity.basis}. " if with_basis and quantity.basis else ""
        note = f". {quantity.note}" if quantity.note else ""
        lines.append(f"{path}: {basis}{', '.join(quantity.source)}{note}")
    keys = dict.fromkeys(key for _, quantity in quantities for key in quantity.source)
    lines += ["", "Sources"]
    lines += [f"{key}: {catalog.sources().get(key, key)}" for key in keys]
    return "\n".join(lines)


def _print_json(value: Any) -> None:
    sys.stdout.write(encoder.dumps(value, indent=1, ensure_ascii=False) + "\n")
