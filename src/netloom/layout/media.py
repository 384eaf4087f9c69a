"""Which medium joins two ports: by rate, length and price, or as the user pinned it.

A medium at the rate of one link carries one link per cable; one at the rate of a full cage carries
all links of the cage. Links that a trunk has beyond full cables leave as breakout legs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom import units
from netloom.catalog.parts import Medium
from netloom.errors import ParameterError
from netloom.layout.length import COPPER_STOCK_M, FIBRE_STOCK_M, rounded_up

#: Write this instead of a medium's name to choose by length and price.
AUTO = "auto"


@dataclass(frozen=True)
class MediumOffer:
    """One medium as it can be bought.

    Attributes
    ----------
    name : catalogue name.
    technology : ``"dac"``, ``"dsp-optics"``, ...
    optical : whether light leaves the port.
    pluggable_ends : transceivers per cable that are bought apart.
    cable_bytes_per_s : one cable, one way.
    lane_bytes_per_s : one electrical lane.
    reach_m : longest cable.
    cable_usd : one cable with both its ends.
    """

    name: str
    technology: str
    optical: bool
    pluggable_ends: int
    cable_bytes_per_s: float
    lane_bytes_per_s: float
    reach_m: float
    cable_usd: float

    @property
    def stock_m(self) -> tuple[float, ...]:
        """Lengths in which it is sold, metres."""
        return FIBRE_STOCK_M if self.optical else COPPER_STOCK_M


def offers(
    media: Iterable[Medium], usd_of: Callable[[str], float], fibre_usd: float
) -> tuple[MediumOffer, ...]:
    """Return catalogue media with their prices.

    Parameters
    ----------
    media : parts.
    usd_of : price by ``medium/name``: of one transceiver where these are bought apart, else of one
        cable.
    fibre_usd : fibre between two pluggables.
    """
    return tuple(
        MediumOffer(
            name=medium.name,
            technology=medium.technology,
            optical=medium.optical,
            pluggable_ends=medium.pluggable_ends,
            cable_bytes_per_s=units.parse(medium.rate, "rate"),
            lane_bytes_per_s=units.parse(medium.lane_rate, "rate"),
            reach_m=float(medium.reach_m),
            cable_usd=medium.pluggable_ends * usd_of(f"medium/{medium.name}") + fibre_usd
            if medium.pluggable_ends
            else usd_of(f"medium/{medium.name}"),
        )
        for medium in media
    )


def links_per_cable(offer: MediumOffer, link_bytes_per_s: float, cage_ports: int) -> int:
    """Return how many links one cable of the medium carries; 0 when it does not fit the ports.

    A cable carries a whole number of links that divides the links of a cage.
    """
    ratio = offer.cable_bytes_per_s / link_bytes_per_s
    links = round(ratio)
    fits = links >= 1 and abs(ratio - links) < 1e-6 * links and cage_ports % links == 0
    return links if fits else 0


def choose(
    length_m: NDArray[np.float32],
    media: Sequence[MediumOffer],
    wanted: str,
    *,
    link_class: str,
    link_bytes_per_s: float,
    cage_ports: int,
    lane_bytes_per_s: float | None = None,
) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """Return the index of the medium and the stocked length of each trunk of one link class.

    Parameters
    ----------
    length_m : float32, shape (T,), computed.
    media : what can be bought.
    wanted : a medium's name, or `AUTO`: copper that reaches before optics, the cheapest per link.
    link_class : for messages.
    link_bytes_per_s, cage_ports : of the class.
    lane_bytes_per_s : electrical lane of the ports; None when any will do.

    Raises
    ------
    ParameterError
        When no medium runs at the rate, or none reaches; the message says how many trunks and by
        how much.
    """
    fitting = [
        index
        for index, offer in enumerate(media)
        if (wanted in (AUTO, offer.name))
        and links_per_cable(offer, link_bytes_per_s, cage_ports)
        and lane_bytes_per_s in (None, offer.lane_bytes_per_s)
    ]
    if not fitting:
        rate = units.show(link_bytes_per_s, "rate")
        cage = f", {cage_ports} to a cage" if cage_ports > 1 else ""
        sold = sorted({offer.cable_bytes_per_s for offer in media})
        rates = ", ".join(units.show(bytes_per_s, "rate") for bytes_per_s in sold)
        what = "no medium joins" if wanted == AUTO else f"medium '{wanted}' does not join"
        raise ParameterError(
            f"{what} {link_class} links of {rate}{cage}", hint=f"cables are sold for {rates}"
        )

    def preference(index: int) -> tuple[bool, float, str]:
        offer = media[index]
        links = links_per_cable(offer, link_bytes_per_s, cage_ports)
        return offer.optical, offer.cable_usd / links, offer.name

    chosen = np.full(len(length_m), -1, dtype=np.int16)
    stocked = np.full(len(length_m), np.inf, dtype=np.float32)
    for index in sorted(fitting, key=preference):
        length = rounded_up(length_m, media[index].stock_m)
        take = (chosen < 0) & (length <= media[index].reach_m)
        chosen[take], stocked[take] = index, length[take]
    _refuse_short(length_m, chosen, media, fitting, link_class)
    return chosen, stocked


def _refuse_short(
    length_m: NDArray[np.float32],
    chosen: NDArray[np.int16],
    media: Sequence[MediumOffer],
    fitting: Sequence[int],
    link_class: str,
) -> None:
    short = chosen < 0
    if not short.any():
        return
    farthest = max(fitting, key=lambda index: media[index].reach_m)
    longest = float(length_m.max())
    reach = media[farthest].reach_m
    raise ParameterError(
        f"{media[farthest].name} reaches {reach:g} m: {int(short.sum())} of {len(short)} "
        f"{link_class} trunks are longer, the longest {longest:.1f} m",
        hint=f"write {AUTO} or a medium that reaches {longest:.0f} m, or bring the racks closer",
    )
