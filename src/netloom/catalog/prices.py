"""What is known of money: prices of one market, and what a site adds to its parts."""

from __future__ import annotations

from math import inf

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from netloom.catalog.parts import Part
from netloom.catalog.quantity import (
    Count,
    EnergyPrice,
    Fraction,
    FractionPerYear,
    Money,
    Quantity,
    Time,
)


class RentOffer(BaseModel):
    """What renting one accelerator cost at some time, with machine, network, power and people."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accelerator: str = Field(description="Catalogue name of the accelerator.")
    term: str = Field(description="On demand, or for how long.")
    usd_per_hour: Money = Field(description="One accelerator for one hour.")


class RelativePrice(BaseModel):
    """A price that is known as a share of another part's, and so rises and falls with it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    part: str = Field(description="The other part, 'kind/name'.")
    share: Fraction = Field(description="Of the other part's price.")


class PriceBook(Part):
    """Prices of one market, basis and date."""

    prices: dict[str, Money] = Field(
        description="Price by 'kind/name'. A pluggable medium's price is of one transceiver, any "
        "other medium's of one whole cable, everything else's of one unit. 'fibre/mpo' is the "
        "fibre cable between two pluggables."
    )
    relative: dict[str, RelativePrice] = Field(
        default_factory=dict,
        description="Prices above that were made as a share of another one; draws keep the share.",
    )
    contract_book: str = Field(
        default="",
        description="Price book of what makers of the same parts are paid; what is above it is the "
        "resellers' and integrators'.",
    )
    unpriced: dict[str, str] = Field(
        default_factory=dict, description="Parts without a price, 'kind/name', and why."
    )
    accelerators: dict[str, Money] = Field(
        default_factory=dict,
        description="Price of one accelerator inside a node, by its catalogue name; divides the "
        "node's price into accelerators and server, and adds nothing to it.",
    )
    rents: tuple[RentOffer, ...] = Field(
        default=(), description="What renting accelerators cost, the latest offer of a term first."
    )
    common_fraction: Fraction | None = Field(
        default=None,
        description="Share of a price's uncertainty that it has in common with the prices of its "
        "kind: optics supply, switch silicon, cables, servers.",
    )

    @field_validator("prices", "accelerators")
    @classmethod
    def _not_negative(cls, prices: dict[str, Quantity]) -> dict[str, Quantity]:
        for part, usd in prices.items():
            if usd.low < 0:
                raise ValueError(
                    f"the price of {part} is negative: {usd.low:g}\nwrite 0 USD or more"
                )
        return prices

    @model_validator(mode="after")
    def _relative_to_known(self) -> PriceBook:
        for part, known in self.relative.items():
            for name in (part, known.part):
                if name not in self.prices:
                    raise ValueError(
                        f"relative.{part}: no price of {name}\nwrite one below prices, too"
                    )
        return self


#: Least and most of numbers of a site other than a share, which is in 0 to 1, or 0 and more.
_LIMITS = {"pue": (1.0, inf)}


class SiteCosts(Part):
    """What a site adds to its parts: energy, cooling, people."""

    electricity_usd_per_j: EnergyPrice = Field(description="Of the site's electricity.")
    pue: Count = Field(description="Site power over power of the racks.")
    maintenance_per_year: FractionPerYear = Field(
        description="Maintenance and spares, share of capex."
    )
    depreciation_s: Time = Field(description="Life over which capex is written off, straight line.")
    installation_fraction: Fraction = Field(
        description="Cabling labour and integration, share of the network's capex."
    )
    node_spares_fraction: Fraction = Field(
        description="Spare nodes in stock, share of the nodes' capex."
    )
    network_spares_fraction: Fraction = Field(
        description="Spare NICs, switches, modules and cables in stock, share of their capex."
    )
    loaded_power_fraction: Fraction = Field(
        description="Draw of a node while it trains, share of its maximum."
    )
    idle_power_fraction: Fraction = Field(
        description="Draw of a node while the job stands still, share of its maximum."
    )
    staff_usd_per_mw_year: Money = Field(
        description="People who run the cluster, per megawatt of IT power and year."
    )
    hosting_usd_per_kw_month: Money = Field(
        description="Building, power and cooling plant and its technicians, per kilowatt of IT "
        "power at its maximum and month; electricity is apart.",
    )
    capital_per_year: FractionPerYear = Field(
        description="Cost of capital, on what is not yet written off."
    )

    @model_validator(mode="after")
    def _possible(self) -> SiteCosts:
        for name in type(self).model_fields:
            number = getattr(self, name)
            if not isinstance(number, Quantity):
                continue
            least, most = _LIMITS.get(name, (0.0, 1.0 if "fraction" in number.dimension else inf))
            if not least <= number.low <= number.high <= most:
                raise ValueError(
                    f"{name} of {number.low:g} to {number.high:g} is not in {least:g} to {most:g}\n"
                    "a share is written like 5 %, a PUE like 1.2"
                )
        if not self.depreciation_s.low > 0:
            raise ValueError("nothing is written off at once\nwrite depreciation_s like 5 years")
        return self
