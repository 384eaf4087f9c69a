"""The bill of materials: every part that is bought, how many, at what price, with what draw.

Nodes are quoted with their NICs inside. The bill takes those out of the node's price and power and
lists the NICs that are really bought on lines of their own, so that a candidate with other NICs is
compared on equal terms; for the NICs as delivered the two lines add up to the quoted node.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netloom.catalog.parts import Medium, Nic, Node, Switch
from netloom.catalog.prices import SiteCosts
from netloom.cost.prices import Price, Prices, price_of
from netloom.errors import ConservationError, ParameterError, nearest
from netloom.result import BomLine, Range

#: The fibre cable between two pluggables, whatever its length: glass costs cents per metre.
FIBRE = "fibre/mpo"

#: Groups whose capex the installation share applies to; nodes arrive with their NICs in place.
_INSTALLED = ("switches", "optics", "cables")


@dataclass(frozen=True)
class CableLot:
    """Cables of one link class, medium and stocked length.

    Attributes
    ----------
    link_class : name of the fabric's link class.
    medium : catalogue name.
    stocked_m : length as ordered.
    num_cables : cables, each with two ends.
    num_transceivers : pluggables at their ends, bought apart.
    modules : those pluggables by catalogue name, where the ends differ or share modules; None when
        each end of each cable has one of the cable's own.
    """

    link_class: str
    medium: str
    stocked_m: float
    num_cables: int
    num_transceivers: int
    modules: Mapping[str, int] | None = None


@dataclass(frozen=True)
class NodeLot:
    """The computing side: nodes, and the NICs that are put into them.

    Attributes
    ----------
    node, delivered_nic : catalogue parts; the node's price and power include the latter.
    num_nodes : nodes bought.
    nic : NIC used.
    nics_per_node : NICs used per node.
    """

    node: Node
    delivered_nic: Nic
    num_nodes: int
    nic: Nic
    nics_per_node: int

    def __post_init__(self) -> None:
        if self.delivered_nic.name != self.node.nic:
            raise ConservationError(
                f"{self.node.name} is delivered with {self.node.nic}, not {self.delivered_nic.name}"
            )


@dataclass(frozen=True)
class SwitchLot:
    """Switches of one tier.

    Attributes
    ----------
    tier : name of the fabric's tier.
    switch : catalogue part.
    num_switches : boxes bought.
    """

    tier: str
    switch: Switch
    num_switches: int


def network_lines(
    switches: Sequence[SwitchLot],
    cables: Sequence[CableLot],
    media: Mapping[str, Medium],
    prices: Prices,
) -> list[BomLine]:
    """Return the lines of switches, pluggables and cables alone."""
    lines = _switch_lines(switches, prices)
    return lines + _pluggable_lines(cables, media, prices) + _cable_lines(cables, media, prices)


def nic_line(nic: Nic, quantity: int, prices: Prices) -> BomLine:
    """Return the line of NICs that are bought apart from nodes."""
    part = f"nic/{nic.name}"
    return _line(
        "nics", part, nic.title, "node", quantity, prices.of("nics", part), float(nic.power_w)
    )


def bill_of_materials(
    nodes: NodeLot,
    switches: Sequence[SwitchLot],
    cables: Sequence[CableLot],
    media: Mapping[str, Medium],
    prices: Prices,
    site: SiteCosts,
) -> tuple[BomLine, ...]:
    """Return the lines of one cluster, node to installation.

    Parameters
    ----------
    nodes, switches, cables : what is bought; cable lots in any order.
    media : catalogue media by name, those of the cables at least.
    prices : price book with the user's changes.
    site : for the installation share.
    """
    lines = [*_node_lines(nodes, prices), *network_lines(switches, cables, media, prices)]
    return (*lines, _installation_line(lines, prices, site))


def _node_lines(lot: NodeLot, prices: Prices) -> list[BomLine]:
    inside = lot.node.nics_per_node
    node_part = f"node/{lot.node.name}"
    # a change of the NICs' price is no change of the node without them
    bare = prices.book_price(node_part).less(
        prices.book_price(f"nic/{lot.delivered_nic.name}").scaled(inside), node_part
    )
    bare_power_w = float(lot.node.power_w) - inside * float(lot.delivered_nic.power_w)
    return [
        _line(
            "nodes",
            node_part,
            f"{lot.node.title}, without NICs",
            "node",
            lot.num_nodes,
            bare.scaled(prices.factor("nodes", node_part)),
            bare_power_w,
        ),
        nic_line(lot.nic, lot.num_nodes * lot.nics_per_node, prices),
    ]


def _switch_lines(lots: Sequence[SwitchLot], prices: Prices) -> list[BomLine]:
    return [
        _line(
            "switches",
            f"switch/{lot.switch.name}",
            lot.switch.title,
            lot.tier,
            lot.num_switches,
            prices.of("switches", f"switch/{lot.switch.name}"),
            float(lot.switch.power_w),
        )
        for lot in lots
    ]


def _pluggable_lines(
    lots: Sequence[CableLot], media: Mapping[str, Medium], prices: Prices
) -> list[BomLine]:
    """Return the transceivers, one line per link class and medium."""
    bought: dict[tuple[str, str], int] = {}
    for lot in lots:
        own = {lot.medium: _medium(lot, media).pluggable_ends * lot.num_cables}
        modules = own if lot.modules is None else lot.modules
        expected = sum(modules.values())
        if lot.num_transceivers != expected:
            raise ConservationError(
                f"{lot.num_cables} cables of {lot.medium} in {lot.link_class} need {expected} "
                f"transceivers, {lot.num_transceivers} are counted"
            )
        for name, quantity in modules.items():
            if quantity:
                key = (lot.link_class, name)
                bought[key] = bought.get(key, 0) + quantity
    return [
        _line(
            "optics",
            f"medium/{name}",
            media[name].title,
            link_class,
            quantity,
            prices.of("optics", f"medium/{name}"),
            float(media[name].power_per_end_w),
        )
        for (link_class, name), quantity in bought.items()
    ]


def _cable_lines(
    lots: Sequence[CableLot], media: Mapping[str, Medium], prices: Prices
) -> list[BomLine]:
    """Return fibres and whole cables, one line per link class, medium and length."""
    bought: dict[tuple[str, str, float], int] = {}
    for lot in lots:
        key = (lot.link_class, lot.medium, lot.stocked_m)
        bought[key] = bought.get(key, 0) + lot.num_cables
    lines = []
    for (link_class, name, length_m), quantity in bought.items():
        medium = media[name]
        if medium.pluggable_ends:
            part, title, power_w = FIBRE, f"Fibre for {medium.title}", 0.0
        else:
            part, title = f"medium/{name}", medium.title
            # engines of a co-packaged switch are in the switch's power
            engines_in_switch = medium.technology == "cpo"
            power_w = 0.0 if engines_in_switch else 2 * float(medium.power_per_end_w)
        price = prices.of("cables", part)
        title = f"{title}, {length_m:g} m"
        lines.append(_line("cables", part, title, link_class, quantity, price, power_w))
    return lines


def _installation_line(lines: Sequence[BomLine], prices: Prices, site: SiteCosts) -> BomLine:
    """Return labour as a share of the network's parts, low with low and high with high."""
    part = "site/installation"
    installed = [line.total_usd for line in lines if line.group in _INSTALLED]
    share = price_of(site.installation_fraction, "installation")
    usd = Range(
        sum(total.low for total in installed) * share.usd.low,
        sum(total.mode for total in installed) * share.usd.mode,
        sum(total.high for total in installed) * share.usd.high,
    )
    price = Price(usd, share.grade, share.basis).scaled(prices.factor("installation", part))
    return _line("installation", part, "Cabling labour and integration", "network", 1, price, 0.0)


def _medium(lot: CableLot, media: Mapping[str, Medium]) -> Medium:
    if lot.medium not in media:
        raise ParameterError(f"unknown medium '{lot.medium}'", hint=nearest(lot.medium, media))
    return media[lot.medium]


def _line(
    group: str, part: str, title: str, used_in: str, quantity: int, price: Price, power_w: float
) -> BomLine:
    if quantity < 0 or power_w < 0:
        raise ConservationError(f"{part} in {used_in}: {quantity} units of {power_w} W")
    return BomLine(
        group=group,
        part=part,
        title=title,
        used_in=used_in,
        quantity=quantity,
        unit_usd=price.usd,
        unit_power_w=power_w,
        price_grade=price.grade,
        price_basis=price.basis,
    )
