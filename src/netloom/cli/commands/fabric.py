"""``netloom fabric``: the fabric families and what each takes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

app = App(name="fabric", help="List the fabric families and their parameters.")


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
        for heading in ("parameter", "default", "meaning"):
            table.add_column(heading)
        for name, field in model.model_fields.items():
            table.add_row(name, _default(name, field), field.description or "")
        console.print(table, "")


def _default(name: str, field: FieldInfo) -> str:
    """Return a parameter's default as text; one without follows from the cluster in a study."""
    from netloom import units

    if field.is_required() or field.default is None:
        return ""
    if name.endswith("_bytes_per_s"):
        return units.show(field.default, "rate")
    return f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
