"""What may join two ports: the cages at both ends decide, by links, lanes and light.

A *cage* of a switch has so many electrical lanes and holds so many links. What stands in it fills
it: a module whose rate is that of the cage, or the head of a cable. A NIC has one link to a cage.

Rules
-----
1. A medium carries L links: its rate over theirs. L divides the links of both cages.
2. Lanes are no faster than those of the cage, and no more than the links have.
3. A cable sold whole fills both cages; or it is a splitter, whose head fills the switch's cage and
   whose tails end in NICs.
4. Pluggables meet when they speak the same optical interface and are of the same technology. A
   module of the cage's rate may end several cables: through its connectors at full reach, through
   a splitter at the splitter's.
5. A co-packaged engine stands in the switch. Two engines need fibre alone; an engine and a
   pluggable meet when they speak the same interface.
6. An optical circuit switch passes light of any rate: a pluggable needs no partner in it.
7. At 200 Gb/s per lane there is no passive copper, no active optical cable and no multimode: copper
   without a driver is too short, and lasers for multimode are not to be had.

References
----------
Rule 7: NVIDIA, list of cables and transceivers for 800 Gb/s and 1.6 Tb/s at 200G PAM4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from netloom import units
from netloom.catalog.parts import Medium

#: Lane rate from which rule 7 holds, bytes/s.
SHORT_LANE_BYTES_PER_S = 200e9 / 8

#: Technologies of pluggables that a co-packaged engine can meet.
_RETIMED = ("dsp-optics", "lro")

_SAME = 1e-6


@dataclass(frozen=True)
class Cage:
    """One kind of cage.

    Attributes
    ----------
    num_links : logical links of the cage.
    link_bytes_per_s : rate of such a link, one way; 0 when the cage holds one of any rate.
    num_lanes : electrical lanes of the cage; 0 when it takes any.
    lane_bytes_per_s : fastest lane, one way; infinite when any will do.
    co_packaged : whether the optics are in the switch.
    is_nic : whether it belongs to a NIC or to an accelerator's own router.
    is_circuit : whether it belongs to an optical circuit switch.
    """

    num_links: int
    link_bytes_per_s: float = 0.0
    num_lanes: int = 0
    lane_bytes_per_s: float = float("inf")
    co_packaged: bool = False
    is_nic: bool = False
    is_circuit: bool = False

    def run_at(self, link_bytes_per_s: float) -> Cage:
        """Return the cage of links of another rate; one that is faster than a cage has two or more.

        Examples
        --------
        >>> Cage(4, 25e9, num_lanes=8).run_at(50e9).num_links
        2
        >>> Cage(1, 25e9, num_lanes=4).run_at(50e9).num_lanes
        8
        """
        if not self.link_bytes_per_s:
            return self
        faster = max(1, round(link_bytes_per_s / self.link_bytes_per_s))
        cages = max(1, faster // self.num_links)
        return replace(
            self,
            num_links=max(1, self.num_links // faster),
            link_bytes_per_s=link_bytes_per_s,
            num_lanes=self.num_lanes * cages,
        )

    def takes(self, medium: Medium, num_links: int) -> bool:
        """Return whether the lanes of so many links carry a medium."""
        if _lane(medium) > self.lane_bytes_per_s * (1 + _SAME):
            return False
        lanes = round(_rate(medium) / _lane(medium))
        return not self.num_lanes or lanes * self.num_links <= num_links * self.num_lanes


#: The cage of a NIC: one link, whatever the lanes.
NIC = Cage(1, is_nic=True)

#: The port of an optical circuit switch.
CIRCUIT = Cage(1, is_circuit=True)


@dataclass(frozen=True)
class End:
    """What stands at one end of a cable.

    Attributes
    ----------
    module : catalogue name of the pluggable; empty for the head of a cable and for an engine.
    num_cables : cables that one module ends.
    """

    module: str = ""
    num_cables: int = 1


@dataclass(frozen=True)
class Joint:
    """One way to join two ports.

    Attributes
    ----------
    medium : the cable, by the medium that gives it its rate.
    num_links : links of one cable.
    lower, upper : its ends.
    reach_m : longest cable.
    leg_reach_m : longest leg when its links part; 0 when they cannot.
    """

    medium: Medium
    num_links: int
    lower: End
    upper: End
    reach_m: float
    leg_reach_m: float


def joints(
    media: Iterable[Medium],
    link_bytes_per_s: float,
    lower: Cage,
    upper: Cage,
    usd_of: Callable[[str], float],
) -> Iterator[Joint]:
    """Yield every way to join two cages, in the order of the media.

    Parameters
    ----------
    media : catalogue parts that can be had.
    link_bytes_per_s : one link, one way.
    lower, upper : cages at both ends.
    usd_of : price of a module by ``medium/name``, which chooses among modules that serve.
    """
    media = tuple(media)
    for medium in media:
        num_links = links_of(medium, link_bytes_per_s, lower, upper)
        if not num_links or lacking(medium):
            continue
        if not medium.interfaces:
            if _fits_whole(medium, num_links, lower, upper):
                yield Joint(medium, num_links, End(), End(), float(medium.reach_m), 0.0)
            continue
        found = [
            _module(medium, num_links, cage, link_bytes_per_s, media, usd_of)
            for cage in (lower, upper)
        ]
        if None in found or not _is_own_name(medium, found, lower, upper):
            continue
        modules = [module for module in found if module is not None]
        ends = [
            End(
                "" if cage.co_packaged or cage.is_circuit else module.name,
                _cables_of(module, medium),
            )
            for module, cage in zip(modules, (lower, upper), strict=True)
        ]
        reach = min(
            _reach(module, end.num_cables) for module, end in zip(modules, ends, strict=True)
        )
        leg = min(
            _reach(module, end.num_cables * num_links)
            for module, end in zip(modules, ends, strict=True)
        )
        reach = min(reach, float(medium.reach_m))
        yield Joint(medium, num_links, ends[0], ends[1], reach, min(reach, leg))


def lacking(medium: Medium) -> str:
    """Return why a medium cannot be had at its lane rate (rule 7); empty when it can.

    Examples
    --------
    >>> from netloom import catalog
    >>> lacking(catalog.get("medium", "dac-1600g"))
    'there is no passive copper at 200 Gb/s per lane'
    >>> lacking(catalog.get("medium", "dac-800g"))
    ''
    """
    if _lane(medium) < SHORT_LANE_BYTES_PER_S * (1 - _SAME):
        return ""
    multimode = any("-sr" in interface.name for interface in medium.interfaces)
    what = {"dac": "passive copper", "aoc": "active optical cable"}.get(medium.technology)
    what = "multimode" if multimode else what
    return f"there is no {what} at {medium.lane_rate} per lane" if what else ""


def links_of(medium: Medium, link_bytes_per_s: float, lower: Cage, upper: Cage) -> int:
    """Return how many links one cable carries; 0 when that does not divide the cages' links."""
    ratio = _rate(medium) / link_bytes_per_s
    links = round(ratio)
    whole = links >= 1 and abs(ratio - links) < _SAME * links
    divides = whole and lower.num_links % links == 0 and upper.num_links % links == 0
    return links if divides else 0


def why_not(medium: Medium, link_bytes_per_s: float, lower: Cage, upper: Cage) -> str:
    """Return in words why a medium does not join two cages."""
    if reason := lacking(medium):
        return reason
    for cage in (lower, upper):
        if _lane(medium) > cage.lane_bytes_per_s * (1 + _SAME):
            lane = units.show(cage.lane_bytes_per_s, "rate")
            return f"its lanes run at {medium.lane_rate}, those of the cages at {lane}"
    if not links_of(medium, link_bytes_per_s, lower, upper):
        rate = units.show(link_bytes_per_s, "rate")
        counts = " and ".join(
            dict.fromkeys(str(cage.num_links) for cage in (lower, upper) if not cage.is_nic)
        )
        return f"a cable of {medium.rate} does not divide cages of {counts} links of {rate}"
    num_links = links_of(medium, link_bytes_per_s, lower, upper)
    if not all(cage.is_nic or cage.takes(medium, num_links) for cage in (lower, upper)):
        return f"it needs lanes of {medium.lane_rate}, of which the links do not have enough"
    if medium.technology == "cpo":
        return "it needs co-packaged optics at both ends"
    if lower.is_circuit or upper.is_circuit:
        return "an optical circuit switch takes light from pluggables alone"
    if lower.co_packaged or upper.co_packaged:
        return "the optics of the switch are inside and of another interface"
    if not medium.interfaces:
        return "a cable sold whole fills both cages, or splits from one cage to NICs"
    return "no module fills the cage and breaks out to it"


def _fits_whole(medium: Medium, num_links: int, lower: Cage, upper: Cage) -> bool:
    ends = (lower, upper)
    if any(cage.co_packaged or cage.is_circuit for cage in ends):
        return False
    if not all(cage.takes(medium, num_links) for cage in ends):
        return False
    return lower.is_nic or all(cage.num_links == num_links for cage in ends)


def _module(
    medium: Medium,
    num_links: int,
    cage: Cage,
    link_bytes_per_s: float,
    media: tuple[Medium, ...],
    usd_of: Callable[[str], float],
) -> Medium | None:
    """Return the module or engine that ends a cable in a cage; None when there is none."""
    if cage.is_nic or cage.is_circuit:
        return None if medium.technology == "cpo" else medium
    if cage.co_packaged:
        if medium.technology not in (*_RETIMED, "cpo"):
            return None
        engines = (
            part for part in media
            if part.technology == "cpo" and _cables_of(part, medium)
            and abs(_lane(part) / cage.lane_bytes_per_s - 1) < _SAME
        )  # fmt: skip
        return next(engines, None)
    serving = [
        part
        for part in media
        if part.technology == medium.technology
        and (cables := _cables_of(part, medium))
        and cables * num_links == cage.num_links
        and cage.takes(part, cage.num_links)
    ]
    return min(serving, key=lambda part: (usd_of(f"medium/{part.name}"), part.name), default=None)


def _is_own_name(medium: Medium, found: list[Medium | None], lower: Cage, upper: Cage) -> bool:
    """Return whether a cable goes by this medium rather than by one of other lanes.

    Media that differ in lanes alone make the same cable: it goes by one that stands at an end or
    has the lanes of what stands there. Fibre between two engines goes by the engines' medium.
    """
    if lower.co_packaged and upper.co_packaged:
        return medium.technology == "cpo"
    if medium.technology == "cpo":
        return False
    lanes = {_lane(part) for part in found if part is not None and part.technology != "cpo"}
    return medium in found or _lane(medium) in lanes


def _cables_of(module: Medium, medium: Medium) -> int:
    """Return how many cables of a medium's own interface a module ends; 0 if it speaks another."""
    own = medium.interfaces[0].name
    return next((face.num_cables for face in module.interfaces if face.name == own), 0)


def _reach(module: Medium, num_cables: int) -> float:
    """Return the longest cable of a module that ends so many of them."""
    if num_cables <= module.connectors:
        return float(module.reach_m)
    splitter = module.splitter_reach_m
    return float(splitter) if splitter is not None else 0.0


def _rate(medium: Medium) -> float:
    return units.parse(medium.rate, "rate")


def _lane(medium: Medium) -> float:
    return units.parse(medium.lane_rate, "rate")
