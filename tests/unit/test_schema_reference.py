"""The reference of the study file says what the models say."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from netloom import units
from netloom.schema import explain, study
from netloom.schema.reference import json_schema, reference_text

DOCS = Path(__file__).parents[2] / "docs"
SECTIONS = [
    kind
    for kind in vars(study).values()
    if isinstance(kind, type) and issubclass(kind, BaseModel) and kind.__module__ == study.__name__
]


def test_page_is_the_one_that_the_models_write():
    assert (DOCS / "study.md").read_text(encoding="utf-8") == reference_text(), (
        "run python -m netloom.schema.reference docs"
    )


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_key_is_documented_with_a_sentence(section):
    page = (DOCS / "study.md").read_text(encoding="utf-8")
    for key, sentence in explain.fields(section).items():
        assert sentence.strip().endswith("."), f"{section.__name__}.{key} has no sentence"
        assert any(line.startswith(f"| `{key}` |") for line in page.splitlines()), key


def test_defaults_of_quantities_are_text_that_a_study_may_hold():
    layout = json_schema()["$defs"]["Layout"]["properties"]
    assert layout["rack_power"]["default"] == "44 kW"
    defaults = study.Layout()
    for key, node in layout.items():
        if "x-dimension" in node:
            parsed = units.parse(node["default"], node["x-dimension"])
            assert parsed == pytest.approx(getattr(defaults, key), rel=1e-12)


def test_schema_refuses_unknown_keys_and_bounds_whole_numbers():
    schema = json_schema()
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Goal"]["properties"]["sequence"] == {
        "description": "Tokens per sequence.",
        "exclusiveMinimum": 0,
        "type": "integer",
    }
