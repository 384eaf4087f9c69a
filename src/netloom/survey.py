"""A fabric without a study: counted, laid out, cabled and priced."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from netloom import catalog, materials, topology, units
from netloom.catalog import parts
from netloom.cost.bom import CableLot, network_lines, nic_line
from netloom.cost.book import fabric_lines, prices_fabrics
from netloom.cost.prices import Prices
from netloom.errors import ParameterError
from netloom.layout import AUTO, Layout
from netloom.materials import TierSwitch
from netloom.resolve import rates
from netloom.result import BomLine, Range
from netloom.schema.study import Layout as HallRules
from netloom.switch_choice import port_mode, tier_switches
from netloom.topology import counts as fabric_counts
from netloom.topology.fabric import Fabric
from netloom.topology.parameters import validated

#: Book whose parts are chosen from when the book asked for knows none.
_MARKET = "market-2026"


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes
    ----------
    kind : fabric family.
    parameters : of the family, as texts or values. ``link_rate`` stands for ``link_bytes_per_s``
        with a unit.
    switches : catalogue switch by tier; under an empty tier the one of all other tiers.
    nic : catalogue NIC at the endpoints, bought with the fabric; None to leave NICs out.
    node : catalogue node that the endpoints stand in.
    host_medium, trunk_medium : names of media, or ``"auto"``.
    book : catalogue price book.
    adjust, quotes : changes of prices, see `netloom.cost.prices.Prices`.
    hall : floor rules.
    """

    kind: str
    parameters: Mapping[str, Any]
    switches: Mapping[str, str] = dataclasses.field(default_factory=dict)
    nic: str | None = None
    node: str = "dgx-h100"
    host_medium: str = AUTO
    trunk_medium: str = AUTO
    book: str = "market-2026"
    adjust: Mapping[str, float] = dataclasses.field(default_factory=dict)
    quotes: Mapping[str, float] = dataclasses.field(default_factory=dict)
    hall: HallRules = dataclasses.field(default_factory=HallRules)


@dataclass(frozen=True)
class Survey:
    """The answer; `as_json` is its public form.

    Attributes
    ----------
    fabric, layout : built and laid out.
    node, rack_units : what the endpoints stand in, and the height of a rack.
    tiers : switch of each tier of boxes.
    switches, ports_used, ports_free : by tier.
    links, cables, transceivers : by link class.
    hops : distances between switches that carry endpoints.
    bisection_fraction : one-way bisection over injection of one half; None without a formula.
    bom : switches, optics, cables, and NICs where they were asked for.
    cables_by_length : cables by stocked length, metres.
    cables_by_medium : cables by catalogue medium.
    warnings : limits met, and what was assumed.
    """

    fabric: Fabric
    layout: Layout
    node: parts.Node
    rack_units: int
    tiers: Mapping[str, TierSwitch]
    switches: Mapping[str, int]
    ports_used: Mapping[str, int]
    ports_free: Mapping[str, int]
    links: Mapping[str, int]
    cables: Mapping[str, int]
    transceivers: Mapping[str, int]
    hops: fabric_counts.Hops
    bisection_fraction: float | None
    bom: tuple[BomLine, ...]
    cables_by_length: Mapping[float, int]
    cables_by_medium: Mapping[str, int]
    warnings: tuple[str, ...]

    @property
    def cost_usd(self) -> Range:
        """Price of all lines: parts, without installation."""
        return sum((line.total_usd for line in self.bom), start=Range(0.0, 0.0, 0.0))

    @property
    def power_w(self) -> float:
        """Draw of all lines."""
        return sum(line.power_w for line in self.bom)

    def as_json(self) -> dict[str, Any]:
        """Return the answer in plain values: SI units, counts with their total."""
        usd = self.cost_usd
        return {
            "family": self.fabric.kind,
            "parameters": dict(self.fabric.parameters),
            "endpoints": self.fabric.num_endpoints,
            "switches": _totalled(self.switches),
            "links": _totalled(self.links),
            "cables": _totalled(self.cables),
            "transceivers": _totalled(self.transceivers),
            "ports_used": _totalled(self.ports_used),
            "ports_free": _totalled(self.ports_free),
            "diameter": self.hops.diameter,
            "mean_hops": self.hops.mean,
            "bisection_fraction": self.bisection_fraction,
            "cost_usd": {"low": usd.low, "mode": usd.mode, "high": usd.high},
            "power_w": self.power_w,
            "cables_by_length": {f"{m:g}": number for m, number in self.cables_by_length.items()},
            "cables_by_medium": dict(self.cables_by_medium),
            "switch_parts": {name: chosen.switch.name for name, chosen in self.tiers.items()},
            "bom": [
                {
                    "group": line.group, "part": line.part, "used_in": line.used_in,
                    "quantity": line.quantity, "unit_usd": line.unit_usd.mode,
                    "total_usd": line.total_usd.mode, "power_w": line.power_w,
                    "price_grade": line.price_grade,
                }
                for line in self.bom
            ],
            "warnings": list(self.warnings),
        }  # fmt: skip


def survey(request: Request) -> Survey:
    """Return a fabric counted, laid out, cabled and priced.

    Raises
    ------
    ParameterError
        When a name is unknown, a parameter is outside its domain, or a part does not fit.
    """
    book = catalog.get("price-book", request.book)
    by_fabric = prices_fabrics(book)
    # a study's book knows no parts: media are chosen in the market, links priced by the book
    parts_book = catalog.get("price-book", _MARKET) if by_fabric else book
    prices = Prices(parts_book, dict(request.adjust), dict(request.quotes))
    node = catalog.get("node", request.node)
    nic = catalog.get("nic", request.nic) if request.nic is not None else None
    fabric, nics_per_node = build_fabric(request)
    tiers, prices, assumed = tier_switches(fabric, request.switches, prices)
    materials.check_ports(fabric, tiers)
    placed = materials.lay_out(
        fabric, request.hall, tiers, prices,
        node=node, nics_per_node=nics_per_node,
        host_medium=request.host_medium, trunk_medium=request.trunk_medium,
    )  # fmt: skip
    lots = materials.cable_lots(fabric, placed)
    counted, built = materials.count(fabric, lots), fabric_counts.count(fabric)
    lines = _lines(fabric, tiers, lots, prices, nic)
    if by_fabric:
        lines = list(fabric_lines(fabric, book))
        assumed.append(
            f"{book.name} prices switches and links of one fabric, without power; media and "
            f"switches were chosen from {_MARKET}"
        )
    distances = fabric_counts.hops(fabric)
    if not distances.exact:
        assumed.append("mean_hops is of evenly spaced switches, not of all")
    by_length: Counter[float] = Counter()
    by_medium: Counter[str] = Counter()
    for lot in lots:
        by_length[lot.stocked_m] += lot.num_cables
        by_medium[lot.medium] += lot.num_cables
    managers = fabric_counts.manager_links(fabric)
    edge = fabric.tiers[0].name
    return Survey(
        fabric=fabric,
        layout=placed,
        node=node,
        rack_units=request.hall.rack_units,
        tiers=tiers,
        switches=counted.switches,
        ports_used=_moved(built.ports_used, edge, managers),
        ports_free=_moved(built.ports_free, edge, -managers),
        links=counted.links,
        cables=counted.cables,
        transceivers=counted.transceivers,
        hops=distances,
        bisection_fraction=fabric_counts.bisection_fraction(fabric),
        bom=tuple(lines),
        cables_by_length=dict(sorted(by_length.items())),
        cables_by_medium=dict(sorted(by_medium.items())),
        warnings=(*fabric.warnings, *_address_warnings(fabric, tiers), *assumed),
    )


def build_fabric(request: Request) -> tuple[Fabric, int]:
    """Return the fabric of a request by itself, and the NICs of one of its nodes.

    Raises
    ------
    ParameterError
        When a name is unknown, or a parameter is outside its domain.
    """
    node = catalog.get("node", request.node)
    nic = catalog.get("nic", request.nic) if request.nic is not None else None
    parameters = _parameters(request, node, nic)
    fabric = topology.build(request.kind, parameters)
    return fabric, int(getattr(parameters, "rails", 0)) or node.nics_per_node


def _lines(
    fabric: Fabric,
    tiers: Mapping[str, TierSwitch],
    lots: tuple[CableLot, ...],
    prices: Prices,
    nic: parts.Nic | None,
) -> list[BomLine]:
    """Return the bill of parts: switches, optics, cables, and NICs where they were asked for."""
    lines = network_lines(
        materials.switch_lots(fabric, tiers), lots, materials.media_of(lots), prices
    )
    if nic is not None:
        lines.append(nic_line(nic, fabric.num_endpoints, prices))
    return lines


def _totalled(counts: Mapping[str, int]) -> dict[str, int]:
    return {**counts, "total": sum(counts.values())}


def _moved(ports: Mapping[str, int], tier: str, number: int) -> dict[str, int]:
    """Return ports by tier with some more in one tier."""
    return {name: count + (number if name == tier else 0) for name, count in ports.items()}


def _address_warnings(fabric: Fabric, tiers: Mapping[str, TierSwitch]) -> tuple[str, ...]:
    """Return a warning when a subnet of what the switches speak has too few addresses."""
    spoken = {
        catalog.get("protocol", name).max_endpoint_addresses
        for chosen in tiers.values()
        for name in chosen.switch.protocols
    }
    # a switch that speaks another protocol too is not bound to the small subnet
    return fabric_counts.address_warnings(fabric, min(spoken)) if spoken and 0 not in spoken else ()


def _parameters(request: Request, node: parts.Node, nic: parts.Nic | None) -> BaseModel:
    """Return the family's parameters: as given, the rest from the NIC and the switch."""
    model = topology.parameter_model(request.kind)
    given = _typed(request.parameters)
    planes = _planes(given.get("planes", 1))
    if nic is not None and "link_bytes_per_s" not in given:
        given["link_bytes_per_s"] = rates.full_bytes_per_s(nic) / planes
    link_bytes_per_s = float(given.get("link_bytes_per_s", _default(model, "link_bytes_per_s")))
    mode = None
    if request.switches:
        switch = catalog.get("switch", next(iter(request.switches.values())))
        mode = port_mode(switch, link_bytes_per_s)
        if not switch.circuits:
            given.setdefault("cage_ports", mode.ports_per_cage)
    missing = [
        name
        for name, field in model.model_fields.items()
        if field.is_required() and name not in given
    ]
    if not missing or mode is None or "hosts" not in given:
        return validated(model, request.kind, given)
    # as in a study: what is not said follows from the hosts and the switch
    return topology.sized(
        request.kind,
        hosts=int(given["hosts"]),
        nics_per_node=int(given.get("rails", node.nics_per_node)),
        num_ports=mode.num_ports,
        link_bytes_per_s=link_bytes_per_s,
        ports_per_cage=mode.ports_per_cage,
        given=given,
    )


def _planes(planes: object) -> int:
    """Return a number of planes; raise `ParameterError` for what is none."""
    try:
        number = int(str(planes))
    except ValueError:
        number = 0
    if number < 1:
        raise ParameterError(f"'{planes}' is no number of planes", hint="write 1, 2, 4 or 8")
    return number


def _typed(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters with rates in bytes/s and whole numbers as such."""
    typed: dict[str, Any] = {}
    for name, value in parameters.items():
        key = "link_bytes_per_s" if name == "link_rate" else name
        is_rate = key.endswith("_bytes_per_s") and isinstance(value, str)
        whole = isinstance(value, str) and value.isdecimal()
        typed[key] = _rate(name, value) if is_rate else int(value) if whole else value
    return typed


def _rate(name: str, text: str) -> float:
    """Return bytes/s; a number alone is one only where the parameter's name says the unit."""
    try:
        return units.parse(text, "rate") if name == "link_rate" else float(text)
    except ValueError:
        return units.parse(text, "rate")


def _default(model: type[BaseModel], name: str) -> Any:
    return model.model_fields[name].default
