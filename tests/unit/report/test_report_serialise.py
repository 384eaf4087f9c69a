"""result.json: same bytes for the same result, back without loss, as its schema says."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from netloom.errors import ParameterError
from netloom.report import schema, serialise
from netloom.result import SCHEMA_VERSION

DOCS = Path(__file__).parents[3] / "docs"


def test_result_survives_the_round_trip(sample):
    text = serialise.to_json(sample)
    again = serialise.from_json(text)
    assert again == sample
    assert serialise.to_json(again) == text


def test_floats_keep_every_bit_and_numpy_scalars_are_plain_numbers(sample):
    value = np.float64(0.1) + np.float64(0.2)
    first = dataclasses.replace(
        sample.candidates[0], step_s=value, rank=np.int64(1), mfu=np.float32(0.5)
    )
    document = json.loads(serialise.to_json(dataclasses.replace(sample, candidates=(first,))))
    assert document["candidates"][0]["step_s"] == 0.30000000000000004
    assert document["candidates"][0]["rank"] == 1
    assert document["candidates"][0]["mfu"] == 0.5


def test_derived_values_are_included(sample):
    document = json.loads(serialise.to_json(sample))
    candidate = document["candidates"][2]
    assert candidate["parts"]["total_s"] == pytest.approx(candidate["step_s"], rel=1e-12)
    line = next(line for line in candidate["bom"] if line["group"] == "switches")
    assert line["total_usd"]["mode"] == line["quantity"] * line["unit_usd"]["mode"]
    assert list(candidate["counts"]["switches"]) == ["leaf", "spine", "core"]


def test_what_json_cannot_say_is_refused(sample):
    endless = dataclasses.replace(sample, tokens=float("inf"))
    with pytest.raises(ValueError, match="JSON compliant"):
        serialise.to_json(endless)
    odd = dataclasses.replace(sample, tokens=object())
    with pytest.raises(TypeError, match="holds no object"):
        serialise.to_json(odd)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no JSON"),
        ("[]", "schema_version is None"),
        ('{"schema_version": 999}', f"999, {SCHEMA_VERSION} is read"),
        (f'{{"schema_version": {SCHEMA_VERSION}}}', "no result of netloom"),
    ],
)
def test_foreign_text_is_refused_with_a_reason(text, message):
    with pytest.raises(ParameterError, match=message):
        serialise.from_json(text)


def assert_fits(value, node, definitions, path="result"):
    """Check a JSON value against the parts of JSON Schema that the schema uses."""
    if "$ref" in node:
        node = definitions[node["$ref"].rsplit("/", 1)[1]]
    if "const" in node:
        assert value == node["const"], path
    kind = node.get("type")
    if kind == "object" and "properties" in node:
        assert list(value) == node["required"] == list(node["properties"]), path
        assert node["additionalProperties"] is False
        for name, inner in node["properties"].items():
            assert inner["description"], f"{path}.{name}"
            assert_fits(value[name], inner, definitions, f"{path}.{name}")
    elif kind == "object":
        for name, inner in value.items():
            if isinstance(node["additionalProperties"], dict):
                assert_fits(inner, node["additionalProperties"], definitions, f"{path}.{name}")
    elif kind == "array":
        for item in value:
            assert_fits(item, node["items"], definitions, f"{path}[]")
    elif kind is not None:
        types = {"string": str, "integer": int, "number": int | float}
        assert isinstance(value, types[kind]), path


def test_result_fits_the_schema_in_names_order_and_types(sample):
    root = json.loads((DOCS / "result.schema.json").read_text())
    assert_fits(json.loads(serialise.to_json(sample)), root, root["$defs"])


def test_documented_schema_and_reference_are_those_of_the_code():
    hint = "run python -m netloom.report.schema docs"
    assert (DOCS / "result.schema.json").read_text() == schema.schema_text(), hint
    assert (DOCS / "result.md").read_text() == schema.reference_text(), hint


def test_every_field_with_a_unit_in_its_name_says_it():
    assert schema.unit("network_power_w") == "watts"
    assert schema.unit("tokens_per_s") == "per second"
    assert schema.unit("bytes_per_s") == "bytes per second, one way"
    assert schema.unit("checkpoint_interval_s") == "seconds"
    assert schema.unit("interruptions_per_day_by_cause") == "per day"
    assert schema.unit("weights_bytes") == "bytes"
    assert schema.unit("winner") == ""
