"""What is expected: accelerators by year and design, how scenarios change that, and forecasts."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from netloom.catalog.entry import Entry
from netloom.catalog.quantity import Count, Fraction
from netloom.catalog.suppliers import Names

_SAME = 1e-6

#: Kinds of drivers that move a share of the target to something else.
MOVES = ("substitution", "mix")

#: Kinds of drivers that aim at one company or region.
AT_ONE = ("company share", "region price")

#: Largest change of a quantity or price: ten times as much is a slip of the pen.
MOST_CHANGE = 9.0


class Year(BaseModel):
    """One year of a build-out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accelerators: Count = Field(description="Accelerators that are put into service.")
    training_fraction: Fraction = Field(
        description="Share of them in training clusters; the others serve models."
    )
    mix: dict[str, float] = Field(
        min_length=1, description="Share of the accelerators by design, adding up to 1."
    )

    @model_validator(mode="after")
    def _whole(self) -> Year:
        total = sum(self.mix.values())
        if min(self.mix.values()) < 0 or abs(total - 1) > _SAME:
            raise ValueError(
                f"the mix of designs adds up to {total:.4g}: {', '.join(self.mix)}\n"
                "write shares from 0 to 1 that add up to 1"
            )
        return self


class Design(BaseModel):
    """One network that accelerators are put into: a candidate of a study file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: str = Field(min_length=1, description="Study file, relative to the build-out's.")
    network: str = Field(min_length=1, description="Name of a candidate network in it.")


class BuildOut(Entry):
    """A dated forecast of accelerators by year, and of the designs that they go into."""

    as_of: str = Field(pattern=r"^20\d\d-\d\d$", description="Month of the forecast.")
    base_year: int = Field(description="Year of the prices in the price books used.")
    designs: dict[str, Design] = Field(
        default_factory=dict,
        description="Designs by the names of the mixes; a name that is not here is a candidate "
        "network of the study at hand.",
    )
    years: dict[int, Year] = Field(min_length=1, description="By calendar year.")
    source: tuple[str, ...] = Field(min_length=1, description="Source keys.")

    @model_validator(mode="after")
    def _forward(self) -> BuildOut:
        if min(self.years) < self.base_year:
            first, prices = min(self.years), self.base_year
            raise ValueError(
                f"the build-out begins in {first}, before its prices of {prices}\n"
                f"write years from {prices} on, or an earlier base_year"
            )
        return self


class Driver(BaseModel):
    """One thing that a scenario changes, by a relative amount with a range.

    `target` is the name of a component, of a group of components, of a company, of a region or of a
    design, as `what` asks; empty for all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: Literal[
        "accelerators", "training accelerators", "inference accelerators", "price per year",
        "content", "substitution", "mix", "company share", "region price",
    ] = Field(
        description="Accelerators, all or of one kind; yearly change of a target's price; quantity "
        "of a target in every design; share of a target that another component takes over; share "
        "of a design's accelerators that go into another; points of a company's share of its "
        "markets; price of what a region sells."
    )  # fmt: skip
    target: str = Field(default="", description="What is changed.")
    to: str = Field(default="", description="What takes over, for substitution and mix.")
    within: str = Field(
        default="",
        description="Component or group of components in whose markets a company's share moves; "
        "empty for all that it sells.",
    )
    price_ratio: Count | None = Field(
        default=None,
        description="Price of what takes over, per dollar of what it replaces; for substitution.",
    )
    years: tuple[int, ...] = Field(default=(), description="Only in these; empty for all.")
    change: Fraction = Field(
        description="Relative change; -30 % leaves 70 %. Substitution and mix: the share that goes "
        "over; company share: points."
    )

    @model_validator(mode="after")
    def _fitting(self) -> Driver:
        moves = self.what in MOVES
        if moves != bool(self.to) or (moves and not self.target):
            rule = "needs a target and a 'to'" if moves else "has no 'to'"
            raise ValueError(f"{self.what} {rule}\nwrite what is replaced and what takes over")
        if self.within and self.what != "company share":
            raise ValueError(f"{self.what} has no 'within'\nleave it out, or name it as the target")
        if (self.what == "substitution") != (self.price_ratio is not None):
            raise ValueError(
                f"price_ratio belongs to substitution alone, and always\n"
                f"{'write' if moves else 'leave out'} price_ratio"
            )
        if self.what in AT_ONE and not self.target:
            raise ValueError(f"{self.what} needs a target\nwrite whose it is")
        lowest, highest = (0.0, 1.0) if moves else (-1.0, 1.0)
        if self.what not in (*MOVES, "company share"):
            highest = MOST_CHANGE
        if self.change.low < lowest or self.change.high > highest:
            raise ValueError(
                f"a change of {self.change.low:.0%} to {self.change.high:.0%} is no {self.what}\n"
                f"write {lowest:.0%} to {highest:.0%}"
            )
        return self


class Scenario(Entry):
    """A story about the sector as named changes of the base."""

    names: Names = Field(description="In three languages.")
    as_of: str = Field(pattern=r"^20\d\d(-\d\d)?$", description="When it was written.")
    drivers: dict[str, Driver] = Field(description="By a short name each; none for the base.")


class Forecast(BaseModel):
    """What somebody said, or what was found out, about one period, and when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    period: int = Field(description="Calendar year that it is about.")
    said: str = Field(pattern=r"^20\d\d-\d\d$", description="Month in which it was published.")
    kind: Literal["forecast", "actual"] = Field(
        description="Said before the period was over, or after."
    )
    value: Count = Field(description="In the series' unit.")


class Series(Entry):
    """A figure of the sector over the years: forecasts and what happened."""

    unit: str = Field(min_length=1, description="Of its values, such as modules or USD/(Gb/s).")
    entries: tuple[Forecast, ...] = Field(min_length=1, description="As they were published.")
