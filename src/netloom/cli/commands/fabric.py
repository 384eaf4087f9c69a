"""``netloom fabric``: count and price any fabric, and list the families."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic.fields import FieldInfo

    from netloom.survey import Survey

app = App(name="fabric", help="Count and price a fabric, or list the families.")


@app.default
def fabric(
    family: str,
    /,
    *,
    set: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    switch: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    nic: str | None = None,
    node: str = "dgx-h100",
    medium_host: str = "auto",
    medium_trunk: str = "auto",
    prices: str = "market-2026",
    layout: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    out: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Count, lay out, cable and price one fabric without a study.

    Parameters
    ----------
    family
        Fabric family; `netloom fabric list` names them.
    set
        A parameter of the family, such as hosts=2048 or link_rate=400Gb/s; may be repeated.
    switch
        Catalogue switch of all tiers, or of one: leaf=qm9700; may be repeated. Left out, a
        catalogue switch with exactly the ports is taken, or a generic one is assumed and said so.
    nic
        Catalogue NIC: gives the link rate, and is bought with the fabric.
    node
        Catalogue node that the endpoints stand in.
    medium_host
        Medium between NIC and first switch; auto for the cheapest that reaches.
    medium_trunk
        Medium between switches.
    prices
        Catalogue price book.
    layout
        A rule of the hall as in a study's layout section, such as rack_power=130kW.
    out
        Folder for fabric.json, cables.csv, netbox.csv and the drawings.
    json
        Print JSON instead of tables.
    """
    from netloom.cli.settings import pairs
    from netloom.schema.study import Layout
    from netloom.survey import Request, survey
    from netloom.topology.parameters import validated

    if out is not None:
        from netloom.cli.folder import make_folder

        make_folder(out)
    found = survey(
        Request(
            kind=family,
            parameters=pairs(set, "--set"),
            switches=_by_tier(switch),
            nic=nic,
            node=node,
            host_medium=medium_host,
            trunk_medium=medium_trunk,
            book=prices,
            hall=validated(Layout, "layout", _lists(pairs(layout, "--layout"))),
        )
    )
    if out is not None:
        from netloom.report.fabric import write

        for path in write(found, out):
            print(f"wrote {path}", file=sys.stderr)
    if json:
        import json as encoder

        sys.stdout.write(encoder.dumps(found.as_json(), indent=1, ensure_ascii=False) + "\n")
        return
    _print(found)


@app.command(name="list")
def list_families(*, json: Annotated[bool, Parameter(negative="")] = False) -> None:
    """List every fabric family with its parameters.

    Parameters
    ----------
    json
        Print the JSON schema of each family's parameters instead.
    """
    from netloom import topology

    models = {kind: topology.parameter_model(kind) for kind in topology.REGISTRY.names()}
    if json:
        import json as encoder

        schemas = {kind: model.model_json_schema() for kind, model in models.items()}
        sys.stdout.write(encoder.dumps(schemas, indent=1, ensure_ascii=False) + "\n")
        return
    from rich.table import Table

    from netloom.cli.console import output

    console = output()
    for kind, model in models.items():
        table = Table(title=kind, title_justify="left", title_style="bold", box=None)
        for heading in ("parameter", "unit", "default", "meaning"):
            table.add_column(heading, overflow="fold")
        for name, field in model.model_fields.items():
            table.add_row(name, _unit(name, field), _default(name, field), field.description or "")
        console.print(table, "")


def _default(name: str, field: FieldInfo) -> str:
    """Return a parameter's default as text; one without follows from the cluster in a study."""
    from netloom import units

    if field.is_required() or field.default is None:
        return ""
    if name.endswith("_bytes_per_s"):
        return units.show(field.default, "rate")
    return f"{field.default:g}" if isinstance(field.default, float) else str(field.default)


def _unit(name: str, field: FieldInfo) -> str:
    """Return the unit of a parameter's values."""
    annotation = str(field.annotation)
    if name.endswith("_bytes_per_s"):
        return "rate"
    if "tuple" in annotation:
        return "comma list"
    if "Literal" in annotation and "'" in annotation:
        return "choice"
    if "str" in annotation or "Path" in annotation:
        return "text"
    return "ratio" if "float" in annotation else "count"


def _lists(given: dict[str, str]) -> dict[str, object]:
    """Return pairs whose comma lists are lists and whose whole numbers are numbers."""
    return {
        key: value.split(",") if key.endswith("_lengths") else int(value)
        if value.isdecimal() else value
        for key, value in given.items()
    }  # fmt: skip


def _by_tier(switches: Iterable[str]) -> dict[str, str]:
    """Return switches by tier; one without a tier stands under an empty name."""
    from netloom.errors import ParameterError

    found: dict[str, str] = {}
    for text in switches:
        tier, equals, name = text.partition("=")
        key, part = (tier, name) if equals else ("", tier)
        if key in found:
            raise ParameterError(
                "two switches are given for the same tiers", hint="write --switch TIER=PART"
            )
        found[key] = part
    return found


def _print(found: Survey) -> None:
    from rich.table import Table

    from netloom import units
    from netloom.cli.console import output

    console = output()
    fabric, usd = found.fabric, found.cost_usd

    def table(title: str, headings: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
        made = Table(title=title, title_justify="left", title_style="bold", box=None)
        for number, heading in enumerate(headings):
            made.add_column(heading, justify="right" if number else "left")
        for row in rows:
            made.add_row(*(f"{each:,}" if isinstance(each, int) else str(each) for each in row))
        console.print(made, "")

    share = found.bisection_fraction
    bisection = "no stated formula" if share is None else f"{share:.3g} of injection"
    console.print(
        f"[bold]{fabric.kind}[/bold]  {fabric.num_endpoints:,} endpoints, diameter "
        f"{found.hops.diameter}, mean {found.hops.mean:.3f} hops, bisection {bisection}\n"
        f"{units.show(usd.mode, 'money')} ({units.show(usd.low, 'money')} to "
        f"{units.show(usd.high, 'money')}), {units.show(found.power_w, 'power')}\n"
    )
    table(
        "Switches",
        ("tier", "switches", "ports used", "ports free", "part"),
        [
            (name, count, found.ports_used[name], found.ports_free[name],
             found.tiers[name].switch.name)
            for name, count in found.switches.items()
        ],
    )  # fmt: skip
    table(
        "Links",
        ("class", "logical links", "cables", "transceivers"),
        [
            (name, count, found.cables.get(name, 0), found.transceivers.get(name, 0))
            for name, count in found.links.items()
        ],
    )
    table("Cables by medium", ("medium", "cables"), found.cables_by_medium.items())
    table(
        "Cables by length",
        ("length", "cables"),
        [(f"{length:g} m", count) for length, count in found.cables_by_length.items()],
    )
    for warning in found.warnings:
        console.print(f"note: {warning}")
