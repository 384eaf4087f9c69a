"""JSON Schema and reference page of ``result.json``, from the dataclasses that define it.

``python -m netloom.report.schema docs`` writes both files; a test holds them equal to the code.
"""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from pathlib import Path
from typing import Any, get_type_hints

from netloom import result
from netloom.report.serialise import derived_names
from netloom.result import SCHEMA_VERSION, StudyResult

_UNITS = (
    ("bytes_per_s", "bytes per second, one way"),
    ("flops_per_s_per_accelerator", "FLOP/s per accelerator"),
    ("_per_s", "per second"),
    ("_per_day", "per day"),
    ("_per_day_by_cause", "per day"),
    ("bytes", "bytes"),
    ("_usd", "US$"),
    ("_fraction", "fraction of one"),
    ("_s", "seconds"),
    ("_w", "watts"),
)
_UNIT_OF_NAME = {
    "days": "days", "days_without_failures": "days", "mfu": "fraction of one",
    "run_cost_usd": "US$",
}  # fmt: skip


def data_classes() -> dict[str, type]:
    """Return the dataclasses of a result by name, the whole first, then in order of definition."""
    found = {
        name: value
        for name, value in vars(result).items()
        if dataclasses.is_dataclass(value) and isinstance(value, type)
    }
    return {StudyResult.__name__: StudyResult} | found


def unit(name: str) -> str:
    """Return the unit that a field's name says; empty for counts and texts.

    Examples
    --------
    >>> unit("step_s"), unit("network_capex_usd"), unit("rank")
    ('seconds', 'US$', '')
    """
    return _UNIT_OF_NAME.get(name) or next((text for end, text in _UNITS if name.endswith(end)), "")


def descriptions(data_class: type) -> dict[str, str]:
    """Return the sentence of each attribute, from docstrings of class and properties."""
    doc = data_class.__doc__ or ""
    section = doc.partition("----------\n")[2]
    entries = re.findall(r"^    (\w[\w, ]*) : (.+(?:\n        .+)*)", section, flags=re.MULTILINE)
    found = {
        name.strip(): re.sub(r"\s+", " ", text.replace("``", "`"))
        for names, text in entries
        for name in names.split(",")
    }
    for name in derived_names(data_class):
        found[name] = (getattr(data_class, name).__doc__ or "").strip()
    return {name: text[:1].upper() + text[1:] for name, text in found.items()}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of ``result.json``."""
    from pydantic import TypeAdapter

    root = TypeAdapter(StudyResult).json_schema()
    definitions = root.pop("$defs")
    for name, data_class in data_classes().items():
        node = root if data_class is StudyResult else definitions[name]
        texts = descriptions(data_class)
        for derived in derived_names(data_class):
            hint = get_type_hints(getattr(data_class, derived).fget)["return"]
            node["properties"][derived] = (
                {"$ref": f"#/$defs/{hint.__name__}"}
                if hint in data_classes().values()
                else TypeAdapter(hint).json_schema()
            )
        for field, node_of_field in node["properties"].items():
            node_of_field.pop("title", None)
            node_of_field["description"] = (
                f"{texts[field]} [{unit(field)}]" if unit(field) else texts[field]
            )
        node["required"] = list(node["properties"])
        node["additionalProperties"] = False
        node["description"] = (data_class.__doc__ or "").partition("\n")[0]
    version = {"const": SCHEMA_VERSION, "description": "Version of this layout."}
    root["properties"] = {"schema_version": version} | root["properties"]
    root["required"] = ["schema_version", *root["required"]]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **root, "$defs": definitions}


def schema_text() -> str:
    """Return the text of ``docs/result.schema.json``."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


def reference_text() -> str:
    """Return the text of ``docs/result.md``."""
    lines = [
        "# result.json",
        "",
        "What `netloom plan --json` prints and `--out` writes, "
        f"at `schema_version` {SCHEMA_VERSION}. "
        "The machine-readable form is [result.schema.json](result.schema.json). Both are generated "
        "from `netloom.result` by `python -m netloom.report.schema docs`.",
        "",
        "- Numbers are SI, with the unit in the name; rates are one way; "
        "money is US$ as low, mode and high.",
        "- *Derived* values repeat what follows from the others, for readers without netloom.",
        "- The same study, seed and version give the same bytes.",
        "- `schema_version` grows when a field changes its meaning or goes away; "
        "new fields may appear.",
    ]
    for name, data_class in data_classes().items():
        texts = descriptions(data_class)
        hints = {field.name: str(field.type) for field in dataclasses.fields(data_class)}
        for derived in derived_names(data_class):
            hint = get_type_hints(getattr(data_class, derived).fget)["return"]
            hints[derived] = f"{hint.__name__}, derived"
        lines += ["", f"## {name}", "", (data_class.__doc__ or "").partition("\n")[0], ""]
        lines += ["| field | type | unit | meaning |", "|---|---|---|---|"]
        lines += [
            f"| `{field}` | {hint} | {unit(field)} | {texts[field]} |"
            for field, hint in hints.items()
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    (folder / "result.schema.json").write_text(schema_text(), encoding="utf-8")
    (folder / "result.md").write_text(reference_text(), encoding="utf-8")
