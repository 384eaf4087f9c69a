"""The switches of a fabric without a study: as named, from the catalogue, or generic.

A tier whose switch nobody names gets one that the catalogue has with exactly its ports at the link
rate and its links to a cage: of those with a price the cheapest. Where there is none, a *generic*
switch is assumed and said so. It costs, draws and holds per port what the nearest priced switch
does: the one at the link rate whose ports are nearest in number, with as many to a cage where there
is one; or else, per bit/s, the one whose capacity is nearest.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from netloom import catalog, materials, units
from netloom.catalog import parts
from netloom.catalog.quantity import Quantity
from netloom.cost.prices import Prices
from netloom.errors import ParameterError, nearest
from netloom.materials import TierSwitch
from netloom.resolve import rates
from netloom.topology import counts as fabric_counts
from netloom.topology.fabric import Fabric, Tier

#: Electrical lanes of the largest usual cage, OSFP and QSFP-DD.
_LANES = 8


def tier_switches(
    fabric: Fabric, named_switches: Mapping[str, str], prices: Prices
) -> tuple[dict[str, TierSwitch], Prices, list[str]]:
    """Return the switch of each tier, prices that know generic ones, and what was assumed.

    Parameters
    ----------
    fabric : the built fabric.
    named_switches : catalogue switch by tier; under an empty tier that of all other packet tiers.
    prices : what has a price.
    """
    known = [tier.name for tier in materials.boxes(fabric)]
    for name in named_switches:
        if name and name not in known:
            raise ParameterError(f"the fabric has no tier '{name}'", hint=nearest(name, known))
    chosen: dict[str, TierSwitch] = {}
    assumed: list[str] = []
    cages = fabric_counts.tier_cages(fabric)
    slowest = fabric_counts.tier_rates(fabric)
    needed = fabric_counts.ports_needed(fabric)
    for number, (rate, num_ports) in enumerate(zip(slowest, needed, strict=True)):
        tier = dataclasses.replace(fabric.tiers[number], num_ports=num_ports)
        if tier.switching == "embedded":
            continue
        named = named_switches.get(tier.name)
        if named is None and tier.switching == "packet":
            named = named_switches.get("")
        if named is not None:
            switch = catalog.get("switch", named)
            chosen[tier.name] = TierSwitch(switch, port_mode(switch, rate))
            continue
        cage = cages[number]
        fastest = max(
            kind.link_bytes_per_s
            for kind in fabric.link_classes
            if number in (kind.lower, kind.upper)
        )
        runs = _runs(tier, rate, fastest, prices)
        found = _catalogue_switch(tier, runs, cage, prices)
        if found is None:
            others = [run for run in runs if run.mode.num_ports == tier.num_ports]
            found, prices = _generic(tier, runs, rate, cage, prices)
            assumed.append(
                f"no priced catalogue switch has {tier.num_ports} {_ports_text(tier, rate)}, "
                f"{cage} to a cage: {tier.name} is a {found.switch.title}"
                + "".join(
                    f"; {run.switch.name} has them with cage_ports {run.mode.ports_per_cage}"
                    for run in others
                )
            )
        chosen[tier.name] = found
    return chosen, prices, assumed


def _ports_text(tier: Tier, link_bytes_per_s: float) -> str:
    if tier.switching == "circuit":
        return "light paths"
    return f"ports of {units.show(link_bytes_per_s, 'rate')}"


def _runs(
    tier: Tier, link_bytes_per_s: float, fastest_bytes_per_s: float, prices: Prices
) -> list[TierSwitch]:
    """Return the priced switches of the tier's sort that have a mode with the link rate.

    Their lanes carry the tier's fastest link too: a cage has eight.
    """
    runs = []
    for switch in _priced(tier, prices):
        mode = rates.port_mode(switch, link_bytes_per_s)
        cage_bytes_per_s = _LANES * units.parse(switch.lane_rate, "rate")
        if mode is not None and fastest_bytes_per_s <= cage_bytes_per_s:
            runs.append(TierSwitch(switch, mode))
    return runs


def _priced(tier: Tier, prices: Prices) -> Sequence[parts.Switch]:
    switches = (catalog.get("switch", name) for name in catalog.names("switch"))
    return [
        switch
        for switch in switches
        if prices.known(f"switch/{switch.name}")
        and switch.circuits == (tier.switching == "circuit")
        and not switch.co_packaged_optics
    ]


def _usd(switch: parts.Switch, prices: Prices) -> float:
    return prices.book_price(f"switch/{switch.name}").usd.mode


def _catalogue_switch(
    tier: Tier, runs: Sequence[TierSwitch], cage_ports: int, prices: Prices
) -> TierSwitch | None:
    exact = [
        run
        for run in runs
        if run.mode.num_ports == tier.num_ports and run.mode.ports_per_cage == cage_ports
    ]
    return min(exact, key=lambda run: (_usd(run.switch, prices), run.switch.name), default=None)


def _generic(
    tier: Tier,
    runs: Sequence[TierSwitch],
    link_bytes_per_s: float,
    cage_ports: int,
    prices: Prices,
) -> tuple[TierSwitch, Prices]:
    """Return a switch with the tier's ports, priced per port as the nearest one that is sold."""

    def distance(run: TierSwitch) -> tuple[bool, int, float]:
        off = abs(run.mode.num_ports - tier.num_ports)
        return run.mode.ports_per_cage != cage_ports, off, _usd(run.switch, prices)

    if runs:
        near = min(runs, key=distance).switch
        mode = rates.port_mode(near, link_bytes_per_s)
        share = tier.num_ports / (mode.num_ports if mode else tier.num_ports)
        rule = "per port"
    else:
        capacity = tier.num_ports * link_bytes_per_s
        sold = _priced(tier, prices)
        if not sold:
            raise ParameterError(
                f"price book '{prices.book.name}' has no {tier.switching} switch",
                hint="name a switch for each tier, or another price book",
            )
        near = min(sold, key=lambda switch: abs(float(switch.capacity_bytes_per_s) - capacity))
        share = capacity / float(near.capacity_bytes_per_s)
        rule = "per bit/s"
    rate = units.show(link_bytes_per_s, "rate", digits=6)
    name = f"generic-{tier.num_ports}x{rate.replace(' ', '').replace('/', 'p')}"
    switch = near.model_copy(
        update={
            "name": name,
            "title": f"generic switch of {tier.num_ports} ports, {rule} as {near.name}",
            "capacity_bytes_per_s": _scaled(near.capacity_bytes_per_s, share),
            "power_w": _scaled(near.power_w, share),
            "height_u": max(1, min(near.height_u, round(near.height_u * share))),
            "port_modes": (
                parts.PortMode(num_ports=tier.num_ports, rate=rate, ports_per_cage=cage_ports),
            ),
        }
    )
    price = prices.book_price(f"switch/{near.name}")
    quantity = Quantity(
        low=price.usd.low * share, mode=price.usd.mode * share, high=price.usd.high * share,
        dimension="money", basis=f"{rule} as {near.name}", date="2026", source=("derived",),
        grade="derived",
    )  # fmt: skip
    book = prices.book.model_copy(
        update={"prices": {**prices.book.prices, f"switch/{name}": quantity}}
    )
    mode = switch.port_modes[0]
    return TierSwitch(switch, mode), dataclasses.replace(prices, book=book)


def _scaled(quantity: Quantity, factor: float) -> Quantity:
    ends = {end: getattr(quantity, end) * factor for end in ("low", "mode", "high")}
    return quantity.model_copy(update={**ends, "grade": "derived"})


def port_mode(switch: parts.Switch, link_bytes_per_s: float) -> parts.PortMode:
    """Return how a switch is run at a link rate; raise `ParameterError` when it cannot be."""
    mode = rates.port_mode(switch, link_bytes_per_s)
    if mode is None:
        modes = ", ".join(f"{each.num_ports} x {each.rate}" for each in switch.port_modes)
        raise ParameterError(
            f"{switch.name} has no port mode of {rates.shown(link_bytes_per_s)}",
            hint=f"its port modes are {modes}; set link_rate",
            where="switch",
        )
    return mode
