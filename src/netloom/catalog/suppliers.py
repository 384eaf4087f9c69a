"""What is known of the supply chain: what parts are made of, and who sells what.

Prices flow down a chain of purchases. A component's price pays what is bought for it and the rest,
the value that its maker adds: labour, capital and margin. So every dollar of a bill of materials
ends with exactly one maker of exactly one component, however deep the chain.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from netloom.catalog.entry import Entry
from netloom.catalog.quantity import Count, Fraction, Quantity

#: Groups of components, in the order in which they are shown. Scenarios aim at groups too.
Group = Literal[
    "accelerators", "memory", "servers", "scale-up", "nics", "switches", "switch chips",
    "optical modules", "optical engines", "signal processors", "lasers", "photonic chips",
    "optical drivers", "optical passives", "fibre", "copper", "boards", "cooling", "power",
    "assembly", "labour", "resale",
]  # fmt: skip

_ROUNDING = 1e-9


class Names(BaseModel):
    """A name as people of three languages write it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    en: str = Field(min_length=1, description="English.")
    zh: str = Field(min_length=1, description="Chinese, simplified.")
    ja: str = Field(min_length=1, description="Japanese.")


class Component(Entry):
    """Something that one company buys of another: a part of a bill, or what is inside one."""

    names: Names = Field(description="In three languages.")
    group: Group = Field(description="What it is counted as.")
    parts: tuple[str, ...] = Field(
        default=(),
        description="Parts of bills of materials that are this component, 'kind/name' with * for "
        "any text; empty for what is only inside others.",
    )
    components: dict[str, Fraction] = Field(
        default_factory=dict,
        description="What its maker buys for it, by component, as shares of its price; what is "
        "left is the maker's own.",
    )
    maker: Literal["market", "vendor", "silicon vendor", "accelerator vendor"] = Field(
        default="market",
        description="Who sells it: the companies of its market by shares, or the vendor of the "
        "part around it, of its chip or of its accelerator, where the catalogue names one.",
    )

    @model_validator(mode="after")
    def _whole(self) -> Component:
        check_shares(self.components, f"the components of {self.name}")
        return self


class Figure(BaseModel):
    """One published figure of a company."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str = Field(min_length=3, description="Such as revenue, or units sold.")
    period: str = Field(min_length=4, description="Such as FY2025 or H1 2025.")
    unit: str = Field(min_length=1, description="Such as CNY, or modules.")
    value: Count = Field(description="In that unit.")


class Company(Entry):
    """A company and what it sells into the chain."""

    names: Names = Field(description="In three languages.")
    vendor_names: tuple[str, ...] = Field(
        default=(), description="Its name as the vendor of catalogue parts."
    )
    region: str = Field(min_length=2, description="Country of its head office, ISO 3166 alpha-2.")
    listing: str = Field(
        min_length=3,
        description="Code and exchange such as 300308.SZ, or 'not listed', or 'part of ...'.",
    )
    in_house: bool = Field(
        default=False, description="Whether it makes these components for itself, as a customer."
    )
    sells: dict[str, Fraction] = Field(
        default_factory=dict,
        description="Its share of the world's sales by component, in money.",
    )
    figures: tuple[Figure, ...] = Field(default=(), description="Published figures, dated.")
    as_of: str = Field(pattern=r"^20\d\d(-\d\d)?$", description="Date of the latest statement.")
    source: tuple[str, ...] = Field(
        min_length=1, description="Source keys of who it is and what it sells."
    )

    @model_validator(mode="before")
    @classmethod
    def _sourced(cls, given: Any) -> Any:
        """Refuse by name what the fields would refuse by their own rules."""
        if not isinstance(given, dict):
            return given
        name = given.get("name", "")
        if not given.get("source"):
            raise ValueError(
                f"company {name} has no source\n"
                "write source: keys of where its products and shares were read"
            )
        sells = given.get("sells")
        for component, share in sells.items() if isinstance(sells, dict) else ():
            if isinstance(share, dict) and not share.get("source"):
                raise ValueError(
                    f"the share of {name} in {component} has no source\n"
                    "write source: keys of where it was read"
                )
        return given


def check_shares(shares: dict[str, Quantity], what: str) -> None:
    """Refuse shares that are negative, or that exceed one together.

    Raises
    ------
    ValueError
        With the names of the shares.
    """
    for name, share in shares.items():
        if share.low < 0 or share.high > 1:
            raise ValueError(
                f"the share of {name} in {what} is {share.low:.1%} to {share.high:.1%}\n"
                "write shares from 0 to 100 %"
            )
    for words, end in (("most likely", "mode"), ("lowest", "low")):
        values = {name: getattr(share, end) for name, share in shares.items()}
        if sum(values.values()) > 1 + _ROUNDING:
            listed = ", ".join(f"{name} {value:.1%}" for name, value in values.items())
            raise ValueError(
                f"the {words} shares of {what} are {sum(values.values()):.1%} together: {listed}\n"
                "write shares that leave 0 % or more to the maker"
            )
