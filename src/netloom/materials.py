"""What a fabric is built of: the switches of its tiers, its layout, its counts and its bill.

What a study's candidate and a fabric without a study share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from netloom import catalog, layout, units
from netloom.catalog import parts
from netloom.cost.bom import FIBRE, CableLot, SwitchLot
from netloom.cost.prices import Prices
from netloom.errors import ParameterError
from netloom.layout import Box, Cage, Layout
from netloom.layout.ends import CIRCUIT, NIC
from netloom.layout.floor import FloorRules
from netloom.result import Counts
from netloom.topology import counts as fabric_counts
from netloom.topology.fabric import Fabric, Tier

#: Link class of the ports that fabric managers take.
MANAGERS = "manager-leaf"


@dataclass(frozen=True)
class TierSwitch:
    """The switch of one tier and the way it is run.

    Attributes
    ----------
    switch : catalogue part.
    mode : port mode with the rate of the tier's slowest link.
    """

    switch: parts.Switch
    mode: parts.PortMode

    def cage(self, num_links: int) -> Cage:
        """Return a cage that is run with so many links."""
        switch, mode = self.switch, self.mode
        if switch.circuits:
            return CIRCUIT
        lane = units.parse(switch.lane_rate, "rate")
        lanes = float(switch.capacity_bytes_per_s) / mode.num_ports * num_links / lane
        return Cage(
            num_links=num_links,
            link_bytes_per_s=units.parse(mode.rate, "rate"),
            num_lanes=max(1, round(lanes)),
            lane_bytes_per_s=lane,
            co_packaged=switch.co_packaged_optics,
        )


def boxes(fabric: Fabric) -> tuple[Tier, ...]:
    """Return the tiers that are bought as boxes: all but routers inside endpoints."""
    return tuple(tier for tier in fabric.tiers if tier.switching != "embedded")


def circuit_switches() -> tuple[str, ...]:
    """Return the names of the catalogue's optical circuit switches."""
    return tuple(name for name in catalog.names("switch") if catalog.get("switch", name).circuits)


def check_ports(fabric: Fabric, tiers: Mapping[str, TierSwitch]) -> None:
    """Refuse a tier whose switch is of the wrong sort or has too few ports."""
    needed = dict(zip(fabric.tiers, fabric_counts.ports_needed(fabric), strict=True))
    for tier in boxes(fabric):
        chosen = tiers[tier.name]
        if (tier.switching == "circuit") != chosen.switch.circuits:
            raise ParameterError(
                f"tier {tier.name} is of {tier.switching} switches, {chosen.switch.name} is not",
                hint=f"circuit switches are {', '.join(circuit_switches())}",
                where="switch",
            )
        if needed[tier] > chosen.mode.num_ports:
            raise ParameterError(
                f"a {tier.name} switch needs {needed[tier]} ports, {chosen.switch.name} has "
                f"{chosen.mode.num_ports} of {chosen.mode.rate}",
                hint="set a smaller radix, or name a switch for each tier: "
                + "{" + ", ".join(f"{each.name}: ..." for each in boxes(fabric)) + "}",
                where="switch",
            )  # fmt: skip


def market(prices: Prices, *pinned: str) -> layout.Market:
    """Return the media that have a price, and those that the user pins."""
    media = (catalog.get("medium", name) for name in catalog.names("medium"))
    return layout.Market(
        media=tuple(
            medium
            for medium in media
            if prices.known(f"medium/{medium.name}") or medium.name in pinned
        ),
        usd_of=lambda part: prices.book_price(part).usd.mode,
        fibre_usd=prices.book_price(FIBRE).usd.mode,
    )


def lay_out(
    fabric: Fabric,
    rules: FloorRules,
    tiers: Mapping[str, TierSwitch],
    prices: Prices,
    *,
    node: parts.Node,
    nics_per_node: int,
    host_medium: str = layout.AUTO,
    trunk_medium: str = layout.AUTO,
) -> Layout:
    """Return where a fabric stands and which cables join it.

    Parameters
    ----------
    fabric, rules : what to lay out, and the floor of the hall.
    tiers : switch of each tier of boxes, by name.
    prices : which media can be bought, and which is the cheapest.
    node, nics_per_node : the machines at the endpoints.
    host_medium, trunk_medium : names of media, or ``"auto"``.
    """
    packet = {chosen.mode.ports_per_cage for chosen in tiers.values() if not chosen.switch.circuits}
    # what a fabric says of its cages holds where one kind of switch is run; else each its own
    said = dict(zip(fabric.tiers, fabric_counts.tier_cages(fabric), strict=True))
    cages = {
        tier.name: NIC
        if tier.name not in tiers
        else tiers[tier.name].cage(
            said[tier] if len(packet) == 1 else tiers[tier.name].mode.ports_per_cage
        )
        for tier in fabric.tiers
    }
    return layout.plan(
        fabric,
        rules,
        nics_per_node=nics_per_node,
        nodes_per_rack=node.nodes_per_rack,
        node=Box(node.height_u, float(node.power_w)),
        switches={
            name: Box(chosen.switch.height_u, float(chosen.switch.power_w))
            for name, chosen in tiers.items()
        },
        cages=cages,
        market=market(prices, host_medium, trunk_medium),
        host_medium=host_medium,
        trunk_medium=trunk_medium,
    )


def cable_lots(fabric: Fabric, placed: Layout) -> tuple[CableLot, ...]:
    """Return the cables to buy: those of the links, and those of the fabric managers.

    A manager's cable is of the medium and length that most hosts have.
    """
    lots = [
        CableLot(
            lot.link_class, lot.medium, lot.stocked_m, lot.num_cables, lot.num_transceivers,
            lot.modules,
        )
        for lot in placed.lots()
    ]  # fmt: skip
    num_managers = fabric_counts.manager_links(fabric)
    hosts = [lot for lot in lots if lot.link_class == fabric.link_classes[0].name]
    if num_managers and hosts:
        usual = max(hosts, key=lambda lot: lot.num_cables)
        shares = {
            name: -(-count * num_managers // usual.num_cables)
            for name, count in (usual.modules or {}).items()
        }
        lots.append(
            CableLot(
                MANAGERS, usual.medium, usual.stocked_m, num_managers, sum(shares.values()), shares
            )
        )
    return tuple(lots)


def count(fabric: Fabric, lots: tuple[CableLot, ...]) -> Counts:
    """Return switches, logical links, cables and transceivers, apart, by tier and link class."""
    built = fabric_counts.count(fabric)
    links = dict(built.links)
    if num_managers := fabric_counts.manager_links(fabric):
        links[MANAGERS] = num_managers
    cabled = [*built.cables, *links.keys() - built.links.keys()]
    cables: Counter[str] = Counter(dict.fromkeys(cabled, 0))
    transceivers = Counter(cables)
    for lot in lots:
        cables[lot.link_class] += lot.num_cables
        transceivers[lot.link_class] += lot.num_transceivers
    return Counts(built.switches, links, dict(cables), dict(transceivers))


def switch_lots(fabric: Fabric, tiers: Mapping[str, TierSwitch]) -> list[SwitchLot]:
    """Return the switches to buy, tier by tier."""
    return [
        SwitchLot(tier.name, tiers[tier.name].switch, tier.num_switches) for tier in boxes(fabric)
    ]


def media_of(lots: tuple[CableLot, ...]) -> dict[str, parts.Medium]:
    """Return the catalogue media of cables and of the modules at their ends."""
    names = {lot.medium for lot in lots} | {name for lot in lots for name in lot.modules or {}}
    return {name: catalog.get("medium", name) for name in sorted(names)}
