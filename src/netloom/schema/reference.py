"""JSON schema and reference page of the study file, from the models that check it.

``python -m netloom.schema.reference docs`` writes the page; a test holds it equal to the code.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from netloom import units
from netloom.schema.study import Study

_INTRODUCTION = """\
# The study file

A study asks one question: which of these networks should carry this run? It is one YAML file (YAML
1.2: `yes` and `on` are texts). `netloom schema` prints the same reference as JSON schema, for
editors that complete and check while you write.

- Quantities are texts with a unit: `400 Gb/s`, `10 min`, `44 kW`. Rates are one way. Counts may
  have a decimal prefix, `15.6T`, or a binary one, `16Mi`; fractions may be percent.
- Parts have the names of `netloom catalog list`, fabric families those of `netloom fabric list`.
- An unknown key is an error, and so is a name that the catalogue does not know. All problems of a
  file are reported at once, each with line, column and what to write instead.
- Where a key is not required and has no default, its meaning says what happens without it.

This page is generated from the models by `python -m netloom.schema.reference docs`.
"""


class _WithUnits(GenerateJsonSchema):
    """Writes the defaults of quantities as the text that a study would hold."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        found = super().default_schema(schema)
        dimension, default = found.get("x-dimension"), found.get("default")
        if dimension is not None and isinstance(default, int | float):
            found["default"] = units.show(default, dimension, digits=12)
        return found


def json_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of a study file."""
    schema = Study.model_json_schema(schema_generator=_WithUnits)
    _tidy(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def reference_text() -> str:
    """Return the text of ``docs/study.md``."""
    schema = json_schema()
    sections = [("", schema), *_sections(schema, schema, "")]
    lines = [_INTRODUCTION]
    for path, section in sections:
        lines += [f"## `{path}`" if path else "## The file", "", section["description"], ""]
        lines += ["| key | value | default | meaning |", "|---|---|---|---|"]
        required = section.get("required", [])
        for key, node in section["properties"].items():
            meaning = node.get("description") or _resolved(node, schema).get("description", "")
            default = "required" if key in required else _default(node)
            lines.append(f"| `{key}` | {_value(node, schema)} | {default} | {meaning} |")
        lines.append("")
    return "\n".join(lines)


def _sections(node: Any, root: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every section below one, with its path as a study has it."""
    for key, child in node["properties"].items():
        inner, place = _resolved(child, root), f"{path}.{key}".removeprefix(".")
        if inner.get("type") == "array":
            inner, place = _resolved(inner["items"], root), f"{place}[]"
        if "properties" in inner:
            yield place, inner
            yield from _sections(inner, root, place)


def _resolved(node: Any, root: Any) -> Any:
    """Return the definition that a node refers to, or the node itself."""
    reference = node.get("$ref", "")
    return root["$defs"][reference.rsplit("/", 1)[-1]] if reference else node


def _value(node: Any, root: Any) -> str:
    """Return what may be written as a value, in words."""
    node = _resolved(node, root)
    if "anyOf" in node:
        choices = (choice for choice in node["anyOf"] if choice.get("type") != "null")
        return " or ".join(_value(choice, root) for choice in choices)
    if "const" in node:
        return f"`{node['const']}`"
    if "enum" in node:
        return ", ".join(f"`{choice}`" for choice in node["enum"])
    if "x-dimension" in node:
        return f"{node['x-dimension']}, `{node['examples'][0]}`"
    if node["type"] == "array":
        inner = _resolved(node["items"], root)
        many = "sections" if "properties" in inner else _value(inner, root)
        return f"list of {'whole numbers' if many == 'whole number' else many}"
    if node["type"] == "object":
        free = node.get("additionalProperties")
        if "properties" in node or not isinstance(free, dict):
            return "section"
        keys = _value(node["propertyNames"], root) if "propertyNames" in node else "key"
        return f"section of {keys}: {_value(free, root)}"
    return {"string": "text", "integer": "whole number"}[node["type"]]


def _default(node: Any) -> str:
    default = node.get("default")
    return "" if default is None or isinstance(default, dict) else f"`{default}`"


def _tidy(node: Any) -> None:
    """Take out titles that pydantic makes of names, and give bounds their JSON schema names."""
    if isinstance(node, dict):
        if isinstance(node.get("title"), str):
            del node["title"]
        for bound, name in (("gt", "exclusiveMinimum"), ("ge", "minimum"), ("le", "maximum")):
            if isinstance(node.get(bound), int | float):
                limit = node.pop(bound)
                # a bound says nothing of a text
                if node.get("type") != "string":
                    node[name] = limit
        for child in node.values():
            _tidy(child)
    elif isinstance(node, list):
        for child in node:
            _tidy(child)


if __name__ == "__main__":
    (Path(sys.argv[1]) / "study.md").write_text(reference_text(), encoding="utf-8")
