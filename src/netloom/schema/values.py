"""The kinds of value in a study file: quantities with units, and whole numbers.

A value's type carries what it accepts as JSON schema, so that the reference of the study file and
an editor's completion come from the same line as the check.
"""

from __future__ import annotations

from typing import Annotated, Any, NoReturn

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from netloom import units
from netloom.errors import ParameterError

#: Dimensions whose values may be written as a bare number.
_BARE = ("count", "fraction")

#: Largest whole number that a float holds exactly.
_LARGEST = 2**53


def refuse(message: str, hint: str = "", key: str = "") -> NoReturn:
    """Refuse a section in a model validator; `key` names the entry to blame inside it."""
    raise PydanticCustomError(
        "refused", "{message}", {"message": message, "hint": hint, "key": key}
    )


def _quantity(dimension: str, example: str) -> tuple[BeforeValidator, WithJsonSchema]:
    def parse(raw: Any) -> float:
        if not isinstance(raw, str | int | float):
            refuse(f"{described(raw)} is no {dimension}", f"write it like {example}")
        try:
            return units.parse(raw, dimension)
        except ParameterError as error:
            raise ValueError(f"{error.problem.message}\n{error.problem.hint}") from None

    accepted = ["string", "number"] if dimension in _BARE else "string"
    schema = {"type": accepted, "x-dimension": dimension, "examples": [example]}
    return BeforeValidator(parse), WithJsonSchema(schema)


def _whole(raw: Any) -> int:
    """Return a whole number; booleans, fractions and texts are refused with a way out."""
    if isinstance(raw, int) and not isinstance(raw, bool):
        if abs(raw) > _LARGEST:
            refuse("the number is too large", f"write at most {_LARGEST}")
        return raw
    message = f"{described(raw)} is no whole number"
    try:
        value = units.parse(raw, "count") if isinstance(raw, str | float) else 0.5
    except ParameterError:
        value = 0.5
    if not value.is_integer():
        refuse(message, "write it like 8192")
    binary = f" or {int(value / 1e3) * 1024}" if isinstance(raw, str) and raw[-1:] in "kK" else ""
    refuse(message, f"write {int(value)}{binary}")


def _switches(raw: Any) -> Any:
    """Return the name of a switch, or names by tier."""
    if isinstance(raw, dict) and raw:
        for tier, name in raw.items():
            if not isinstance(tier, str) or not isinstance(name, str):
                refuse(f"{described(name)} is no switch for tier {tier}", "write its name")
        return raw
    if not isinstance(raw, str):
        refuse(f"{described(raw)} is given, a text is meant")
    return raw


def described(raw: Any) -> str:
    """Return what was found, in the words of someone who writes YAML."""
    if raw is None:
        return "nothing"
    if isinstance(raw, bool):
        return f"'{str(raw).lower()}'"
    if isinstance(raw, dict):
        return "a section"
    if isinstance(raw, list | tuple):
        return "a list"
    return f"'{raw}'"


_RATE = _quantity("rate", "400 Gb/s")
_TIME = _quantity("time", "10 min")
_COUNT = _quantity("count", "15.6T")
_POWER = _quantity("power", "44 kW")
_LENGTH = _quantity("length", "3.3 m")
_FRACTION = _quantity("fraction", "10 %")
_MONEY = _quantity("money", "31 k$")

Rate = Annotated[float, *_RATE]
Time = Annotated[float, *_TIME]
Count = Annotated[float, *_COUNT]
Power = Annotated[float, *_POWER]
Length = Annotated[float, *_LENGTH]
Fraction = Annotated[float, *_FRACTION]
Money = Annotated[float, *_MONEY]
Whole = Annotated[int, BeforeValidator(_whole)]

#: One name, or names by tier.
Switches = Annotated[
    str | dict[str, str],
    BeforeValidator(_switches),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1},
            ]
        }
    ),
]
