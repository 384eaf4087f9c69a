"""`StudyResult` to the text of ``result.json`` and back."""

from __future__ import annotations

import dataclasses
import json
import numbers
from collections.abc import Mapping
from typing import Any

from netloom.errors import ParameterError
from netloom.result import SCHEMA_VERSION, StudyResult


def derived_names(data_class: type) -> tuple[str, ...]:
    """Return the properties of a dataclass, which the JSON carries beside the fields.

    Examples
    --------
    >>> from netloom.result import BomLine
    >>> derived_names(BomLine)
    ('total_usd', 'power_w')
    """
    return tuple(name for name, value in vars(data_class).items() if isinstance(value, property))


def to_json(result: StudyResult) -> str:
    """Return the text of ``result.json``; equal results give equal bytes.

    Keys stand in the order of the dataclass's fields, then its derived values; tiers and link
    classes keep theirs, hosts first. Floats are written so that reading them gives the same bits.

    Raises
    ------
    ValueError
        When a number is infinite or not a number, which JSON cannot say.
    """
    document = {"schema_version": SCHEMA_VERSION, **_plain(result)}
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(text: str) -> StudyResult:
    """Return the result that `to_json` wrote; derived values are computed anew.

    Raises
    ------
    ParameterError
        When the text is no result, or has another schema version.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise ParameterError(
            f"this is no JSON: {error}", hint="give a result.json of netloom"
        ) from None
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version != SCHEMA_VERSION:
        raise ParameterError(
            f"schema_version is {version}, {SCHEMA_VERSION} is read",
            hint="run the study again with this version of netloom",
        )
    try:
        return TypeAdapter(StudyResult).validate_python(document)
    except ValidationError as error:
        raise ParameterError(
            f"this is no result of netloom: {error}", hint="docs/result.md lists the fields"
        ) from None


def _plain(value: Any) -> Any:
    """Return dataclasses, tuples and NumPy scalars as what `json` knows."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return {
            name: _plain(getattr(value, name)) for name in (*names, *derived_names(type(value)))
        }
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    raise TypeError(f"a result holds no {type(value).__name__}: {value!r}")
