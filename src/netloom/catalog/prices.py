"""What is known of money: prices of one market, and what a site adds to its parts."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from netloom.catalog.parts import Part
from netloom.catalog.quantity import (
    Count,
    EnergyPrice,
    Fraction,
    FractionPerYear,
    Money,
    Time,
)


class RentOffer(BaseModel):
    """What renting one accelerator cost at some time, with machine, network, power and people."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accelerator: str = Field(description="Catalogue name of the accelerator.")
    term: str = Field(description="On demand, or for how long.")
    usd_per_hour: Money = Field(description="One accelerator for one hour.")


class PriceBook(Part):
    """Prices of one market, basis and date."""

    prices: dict[str, Money] = Field(
        description="Price by 'kind/name'. A pluggable medium's price is of one transceiver, any "
        "other medium's of one whole cable, everything else's of one unit. 'fibre/mpo' is the "
        "fibre cable between two pluggables."
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
