"""A number with its evidence: value or range, unit, basis, date, sources and grade."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from netloom import units

#: A, B, C: read in a source (vendor, standard or peer-reviewed; trade press; reseller, blog, wiki).
#: derived: arithmetic from such inputs. recalled-*: general knowledge without a retrieved source.
#: proposal: a planner's range that nobody published.
Grade = Literal[
    "A", "B", "C", "derived", "recalled-high", "recalled-medium", "recalled-low", "proposal"
]

#: Grades from best to worst evidence.
GRADES: tuple[Grade, ...] = (
    "A", "B", "derived", "C", "recalled-high", "recalled-medium", "proposal", "recalled-low",
)  # fmt: skip


class Quantity(BaseModel):
    """One catalogue number in SI units, as a low-mode-high range, with where it comes from.

    In YAML either ``value: 400 Gb/s`` or ``low:``, ``mode:`` and ``high:`` are given, each as text
    with a unit; `dimension` is filled in by the part's model and never written in a file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: float
    mode: float
    high: float
    dimension: str
    basis: str = Field(min_length=3)
    date: str = Field(pattern=r"^20\d\d(-\d\d)?$")
    source: tuple[str, ...] = Field(min_length=1)
    grade: Grade
    note: str = ""

    def __float__(self) -> float:
        return self.mode

    @model_validator(mode="after")
    def _ordered(self) -> Quantity:
        if not self.low <= self.mode <= self.high:
            raise ValueError(f"low <= mode <= high is broken: {self.low}, {self.mode}, {self.high}")
        return self


def _from_yaml(raw: Any, dimension: str) -> Any:
    if not isinstance(raw, dict):
        return raw
    raw = dict(raw)
    if "value" in raw:
        if {"low", "mode", "high"} & raw.keys():
            raise ValueError("give either value or low, mode and high, not both")
        raw["low"] = raw["mode"] = raw["high"] = raw.pop("value")
    for key in ("low", "mode", "high"):
        if key in raw:
            raw[key] = units.parse(raw[key], dimension)
    if isinstance(raw.get("source"), str):
        raw["source"] = (raw["source"],)
    raw["date"] = str(raw.get("date", ""))
    return raw | {"dimension": dimension}


class _InDimension:
    """Pydantic marker that parses a quantity's texts in one dimension of `netloom.units`."""

    def __init__(self, dimension: str) -> None:
        self.dimension = dimension

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        def parse(raw: Any) -> Any:
            try:
                return _from_yaml(raw, self.dimension)
            except units.ParameterError as error:
                raise ValueError(str(error)) from None

        return core_schema.no_info_before_validator_function(parse, handler(source))


Rate = Annotated[Quantity, _InDimension("rate")]
Data = Annotated[Quantity, _InDimension("data")]
Time = Annotated[Quantity, _InDimension("time")]
Count = Annotated[Quantity, _InDimension("count")]
FlopRate = Annotated[Quantity, _InDimension("flop rate")]
Power = Annotated[Quantity, _InDimension("power")]
Length = Annotated[Quantity, _InDimension("length")]
TimePerLength = Annotated[Quantity, _InDimension("time per length")]
Money = Annotated[Quantity, _InDimension("money")]
EnergyPrice = Annotated[Quantity, _InDimension("energy price")]
Fraction = Annotated[Quantity, _InDimension("fraction")]
Frequency = Annotated[Quantity, _InDimension("frequency")]
FractionPerYear = Annotated[Quantity, _InDimension("fraction per year")]
