"""Parts out of order: ``spine0004`` or ``spine:3``, ``node0003:nic2`` or ``nic:17``, ``plane:1``.

A name is that of the cable schedule and of exports, where numbers begin with 1. A kind and a number
with a colon between count from 0, as arrays do. A link is two ends with a dash between, written in
either way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from netloom.errors import ParameterError, nearest
from netloom.simulate.degrade import Loss
from netloom.topology.fabric import HOST, Fabric
from netloom.topology.names import endpoint_name, endpoint_names, switch_names

_NIC, _PLANE, _LINK, _SWITCH = "nic", "plane", "link", "switch"


class LostPart(NamedTuple):
    """One part out of order.

    Attributes
    ----------
    kind : ``"switch"``, ``"nic"``, ``"plane"`` or ``"link"``.
    number : of the switch, NIC or plane on the fabric, or of the link's trunk; from 0.
    name : as in the cable schedule; planes, which have none there, as ``plane:1``.
    """

    kind: str
    number: int
    name: str


def lost_parts(
    texts: Iterable[str], fabric: Fabric, nics_per_node: int = 1
) -> tuple[LostPart, ...]:
    """Return the parts that texts name.

    Parameters
    ----------
    texts : each a part of the fabric.
    nics_per_node : for the names of NICs.

    Raises
    ------
    ParameterError
        When the fabric has no such part.

    Examples
    --------
    >>> from netloom.topology import build
    >>> fabric = build("fat-tree", {"hosts": 2048, "radix": 64, "tiers": 2})
    >>> [part.name for part in lost_parts(["spine:3", "nic:17", "leaf:0-spine:3"], fabric, 8)]
    ['spine0004', 'node0003:nic2', 'leaf0001-spine0004']
    """
    wanted = list(texts)
    if not wanted:
        return ()
    finder = _Finder(fabric, nics_per_node)
    return tuple(finder.part(text) for text in wanted)


def loss_of(parts: Iterable[LostPart]) -> Loss:
    """Return what is lost, for `netloom.simulate.degrade.degrade`. A link twice is two links.

    Examples
    --------
    >>> loss_of([LostPart("switch", 67, "spine0004"), LostPart("nic", 17, "node0003:nic2")])
    Loss(trunk_links={}, switches=(67,), planes=(), endpoints=(17,))
    """
    found = list(parts)

    def numbers(kind: str) -> tuple[int, ...]:
        return tuple(part.number for part in found if part.kind == kind)

    return Loss(dict(Counter(numbers(_LINK))), numbers(_SWITCH), numbers(_PLANE), numbers(_NIC))


class _Finder:
    """Finds parts of one fabric by what they are called."""

    def __init__(self, fabric: Fabric, nics_per_node: int) -> None:
        self.fabric, self.nics_per_node = fabric, nics_per_node
        self.switch_names = switch_names(fabric)
        self.tier_names = [tier.name for tier in fabric.tiers]
        self.named = {
            name: LostPart(_SWITCH, number, name) for number, name in enumerate(self.switch_names)
        }
        for number, name in enumerate(endpoint_names(fabric.num_endpoints, nics_per_node)):
            self.named[name] = LostPart(_NIC, number, name)

    def part(self, text: str) -> LostPart:
        """Return the part that a text names."""
        kind, colon, rest = text.partition(":")
        if text in self.named or not ("-" in text or colon):
            return self._end(text)
        if colon and kind == _LINK:
            return self._link(rest)
        if colon and kind == _PLANE:
            count = int(self.fabric.switch_plane.max(initial=-1)) + 1
            return LostPart(_PLANE, _number(rest, count, _PLANE), text)
        return self._link(text) if "-" in text else self._end(text)

    def _end(self, text: str) -> LostPart:
        """Return a switch or a NIC."""
        if text in self.named:
            return self.named[text]
        kind, colon, number = text.partition(":")
        if kind == _NIC and colon:
            place = _number(number, self.fabric.num_endpoints, kind)
            return LostPart(_NIC, place, endpoint_name(place, self.nics_per_node))
        if kind in self.tier_names and colon:
            tier = self.tier_names.index(kind)
            first = int(np.searchsorted(self.fabric.switch_tier, tier))
            place = first + _number(number, self.fabric.tiers[tier].num_switches, kind)
            return LostPart(_SWITCH, place, self.switch_names[place])
        if colon and not kind[-1:].isdecimal():
            raise ParameterError(
                f"fabric '{self.fabric.kind}' has no part '{kind}'",
                hint=nearest(kind, [*self.tier_names, _NIC, _PLANE, _LINK]),
            )
        close, question, _ = nearest(text, self.switch_names).partition("? ")
        raise ParameterError(
            f"'{text}' names no part of fabric '{self.fabric.kind}'",
            hint=close + "?" if question else self._examples(),
        )

    def _examples(self) -> str:
        top, tier = self.tier_names[-1], len(self.tier_names) - 1
        first = self.switch_names[int(np.searchsorted(self.fabric.switch_tier, tier))]
        return (
            f"names of the cable schedule run from {first} to {self.switch_names[-1]} and from "
            f"{endpoint_name(0, self.nics_per_node)} to "
            f"{endpoint_name(self.fabric.num_endpoints - 1, self.nics_per_node)}; counted from 0, "
            f"the first are {top}:0 and nic:0; a link is {self._example_link()}"
        )

    def _example_link(self) -> str:
        return f"{endpoint_name(0, self.nics_per_node)}-{self._neighbours(self.part('nic:0'))[0]}"

    def _link(self, text: str) -> LostPart:
        """Return the trunk between two neighbours, whose names may have dashes of their own."""
        places = [place for place, letter in enumerate(text) if letter == "-"]
        if not places:
            raise ParameterError(
                f"'{text}' has not two ends", hint=f"write a link as {self._example_link()}"
            )
        both = [(text[:place], text[place + 1 :]) for place in places]
        pair = next((ends for ends in both if all(map(self._known, ends))), both[0])
        one, other = (self._end(end) for end in pair)
        if other.kind == _NIC:
            one, other = other, one
        fabric = self.fabric
        is_host = self._is_host()
        joined = (fabric.trunk_lower == one.number) & (fabric.trunk_upper == other.number)
        if one.kind == _SWITCH:
            joined |= (fabric.trunk_lower == other.number) & (fabric.trunk_upper == one.number)
        found = np.flatnonzero(joined & (is_host == (one.kind == _NIC)))
        if other.kind == _NIC or not len(found):
            near = self._neighbours(one)
            raise ParameterError(
                f"no link joins {one.name} and {other.name}",
                hint=f"neighbours of {one.name}: {', '.join(near[:5])}" + ", ..." * (len(near) > 5),
            )
        return LostPart(_LINK, int(found[0]), f"{one.name}-{other.name}")

    def _known(self, end: str) -> bool:
        kind, colon, number = end.partition(":")
        counted = bool(colon) and number.isdecimal() and kind in (*self.tier_names, _NIC)
        return end in self.named or counted

    def _is_host(self) -> np.ndarray:
        lower = np.array([kind.lower == HOST for kind in self.fabric.link_classes])
        return lower[self.fabric.trunk_class]

    def _neighbours(self, part: LostPart) -> list[str]:
        """Return the switches that a part is joined to."""
        fabric, is_host, is_nic = self.fabric, self._is_host(), part.kind == _NIC
        above = fabric.trunk_upper[(is_host == is_nic) & (fabric.trunk_lower == part.number)]
        below = fabric.trunk_lower[~is_host & (fabric.trunk_upper == part.number)]
        found = np.unique(above if is_nic else np.concatenate([above, below]))
        return [self.switch_names[switch] for switch in found]


def _number(text: str, count: int, kind: str) -> int:
    if not text.isdecimal() or int(text) >= count:
        hint = f"they are numbered 0 to {count - 1}" if count else f"the fabric has no {kind}s"
        raise ParameterError(f"there is no {kind} '{text}'", hint=hint)
    return int(text)
