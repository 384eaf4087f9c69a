"""Which medium joins two ports: by rate, length and price, or as the user pinned it.

`netloom.layout.ends` says what can join them at all. Of that, copper that reaches comes before
optics, and then the cheapest per link that reaches, modules and fibre included. Links that a trunk
has beyond full cables leave as breakout legs, where no other medium takes the trunk whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom import units
from netloom.catalog.parts import Medium
from netloom.errors import ParameterError, nearest
from netloom.layout.ends import Cage, End, joints, why_not
from netloom.layout.length import rounded_up

#: Write this instead of a medium's name to choose by length and price.
AUTO = "auto"


@dataclass(frozen=True)
class Market:
    """What can be bought.

    Attributes
    ----------
    media : catalogue parts.
    usd_of : price by ``medium/name``: of one module where these are bought apart, else of one
        cable.
    fibre_usd : fibre between two modules.
    """

    media: tuple[Medium, ...]
    usd_of: Callable[[str], float]
    fibre_usd: float


@dataclass(frozen=True)
class Ports:
    """The two ports that the links of one class join.

    Attributes
    ----------
    link_class : for messages.
    link_bytes_per_s : one link, one way.
    lower, upper : cages at both ends.
    """

    link_class: str
    link_bytes_per_s: float
    lower: Cage
    upper: Cage


@dataclass(frozen=True)
class MediumOffer:
    """One medium as it can be bought for two ports.

    Attributes
    ----------
    name : catalogue name.
    optical : whether light leaves the port.
    num_links : logical links of one cable.
    lower, upper : what stands at its ends.
    reach_m : longest cable.
    leg_reach_m : longest leg when its links part; 0 when they cannot.
    cable_usd : one cable with its share of the modules at its ends.
    """

    name: str
    optical: bool
    num_links: int
    lower: End
    upper: End
    reach_m: float
    leg_reach_m: float
    cable_usd: float

    def named(self, name: str) -> bool:
        """Return whether the cable or one of its modules has a name."""
        return name in (self.name, self.lower.module, self.upper.module)


@dataclass(frozen=True)
class Stock:
    """Lengths that can be ordered, metres, ascending.

    Attributes
    ----------
    copper_m, fibre_m : of copper cables; of fibres and active optical cables.
    longest_m : longest cable of any kind that may be pulled.
    """

    copper_m: tuple[float, ...]
    fibre_m: tuple[float, ...]
    longest_m: float

    def of(self, offer: MediumOffer) -> tuple[float, ...]:
        """Return the lengths in which a medium is sold."""
        return self.fibre_m if offer.optical else self.copper_m


def offers(market: Market, ports: Ports) -> tuple[MediumOffer, ...]:
    """Return every medium that joins two ports, with its price."""

    def price(medium: Medium, ends: tuple[End, ...]) -> float:
        modules = [
            market.usd_of(f"medium/{end.module}") / end.num_cables for end in ends if end.module
        ]
        # fibre between two engines is priced as the engines' medium
        return (
            sum(modules) + market.fibre_usd if modules else market.usd_of(f"medium/{medium.name}")
        )

    found = joints(market.media, ports.link_bytes_per_s, ports.lower, ports.upper, market.usd_of)
    return tuple(
        MediumOffer(
            name=joint.medium.name,
            optical=joint.medium.optical,
            num_links=joint.num_links,
            lower=joint.lower,
            upper=joint.upper,
            reach_m=joint.reach_m,
            leg_reach_m=joint.leg_reach_m,
            cable_usd=price(joint.medium, (joint.lower, joint.upper)),
        )
        for joint in found
    )


def choose(
    length_m: NDArray[np.float32],
    num_links: NDArray[np.int32],
    offered: Sequence[MediumOffer],
    wanted: str,
    *,
    ports: Ports,
    market: Market,
    stock: Stock,
) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """Return the index of the offer and the stocked length of each trunk of one link class.

    Parameters
    ----------
    length_m : float32, shape (T,), computed.
    num_links : int32, shape (T,), links of each trunk.
    offered : what joins the ports.
    wanted : a medium's name, or `AUTO`: copper that reaches before optics, the cheapest per link.
    ports, market : for messages.
    stock : lengths that can be ordered.

    Raises
    ------
    ParameterError
        When nothing joins the ports, or nothing reaches; the message says how many trunks and by
        how much, and what would do.
    """
    fitting = [
        index for index, offer in enumerate(offered) if wanted == AUTO or offer.named(wanted)
    ]
    if not fitting:
        raise _no_fit(offered, wanted, ports, market)
    fitting.sort(
        key=lambda index: (
            offered[index].optical,
            offered[index].cable_usd / offered[index].num_links,
            offered[index].name,
        )
    )
    chosen = np.full(len(length_m), -1, dtype=np.int16)
    stocked = np.full(len(length_m), np.inf, dtype=np.float32)
    for parted in (False, True):
        for index in fitting:
            offer = offered[index]
            length = rounded_up(length_m, stock.of(offer))
            reach = offer.leg_reach_m if parted else offer.reach_m
            take = (chosen < 0) & (length <= min(reach, stock.longest_m))
            if not parted:
                take &= num_links % offer.num_links == 0
            chosen[take], stocked[take] = index, length[take]
    short = chosen < 0
    if short.any():
        raise _too_short(
            length_m, short, [offered[index] for index in fitting], offered, ports, stock
        )
    return chosen, stocked


def _no_fit(
    offered: Sequence[MediumOffer], wanted: str, ports: Ports, market: Market
) -> ParameterError:
    cages = [cage for cage in (ports.lower, ports.upper) if not cage.is_nic]
    most = max((cage.num_links for cage in cages), default=1)
    joined = f"{ports.link_class} links of {units.show(ports.link_bytes_per_s, 'rate')}" + (
        f", {most} to a cage" if most > 1 else ""
    )
    hint = f"these join them: {_reaches(offered)}" if offered else ""
    if wanted == AUTO:
        sold = sorted({units.parse(medium.rate, "rate") for medium in market.media})
        rates = ", ".join(units.show(bytes_per_s, "rate") for bytes_per_s in sold)
        return ParameterError(f"no medium joins {joined}", hint=f"cables are sold for {rates}")
    known = {medium.name: medium for medium in market.media}
    if wanted not in known:
        return ParameterError(f"unknown medium '{wanted}'", hint=nearest(wanted, known))
    reason = why_not(known[wanted], ports.link_bytes_per_s, ports.lower, ports.upper)
    return ParameterError(f"medium '{wanted}' does not join {joined}: {reason}", hint=hint)


def _too_short(
    length_m: NDArray[np.float32],
    short: NDArray[np.bool_],
    fitting: Sequence[MediumOffer],
    offered: Sequence[MediumOffer],
    ports: Ports,
    stock: Stock,
) -> ParameterError:
    longest = float(length_m.max())
    many = f"{int(short.sum())} of {len(short)} {ports.link_class} trunks are longer"
    if longest > stock.longest_m:
        return ParameterError(
            f"cables may be {stock.longest_m:g} m long: {many}, the longest {longest:.1f} m",
            hint="raise longest_cable of the layout, or bring the racks closer",
            where="layout.longest_cable",
        )
    farthest = max(fitting, key=lambda offer: offer.reach_m)
    reaching = [
        offer
        for offer in offered
        if float(rounded_up(np.array([longest]), stock.of(offer))[0]) <= offer.reach_m
    ]
    choices = f"{AUTO} or one of {_reaches(reaching)}" if reaching else AUTO
    # a pinned medium that would reach if its links need not part through a splitter
    parts = " behind a splitter" if farthest.reach_m >= longest else ""
    reach = farthest.leg_reach_m if parts else farthest.reach_m
    return ParameterError(
        f"{farthest.name} reaches {reach:g} m{parts}: {many}, the longest {longest:.1f} m",
        hint=f"write {choices}, or bring the racks closer",
    )


def _reaches(offered: Sequence[MediumOffer]) -> str:
    """Return names with reach, the nearest reach first."""
    ordered = sorted(offered, key=lambda offer: (offer.reach_m, offer.name))
    return ", ".join(f"{offer.name} ({offer.reach_m:g} m)" for offer in ordered)
