"""A fabric priced as a cost study does it: by switches or their ports, by links, by ends.

Market books price catalogue parts, which a layout has chosen. The books of studies know no parts;
their keys say what a price is of:

==========================  ================================================================
``switch/64-port``          a packet switch with at most so many ports
``port/400g``               one electrical port of a packet switch, used or not
``port/ocs``                one port of an optical circuit switch, used or not
``port/patch-panel``        one port of a patch panel; no family has one
``cable/host``              a link to a host with its cable and both ends
``cable/trunk``             a link between switches, the same
``cable/dac-5m``            one copper cable of the length that the study assumes
``cable/aoc-20m``           one active optical cable, the same
``transceiver/400g``        one pluggable; circuit switches need none, fibre is free
``nic/400g``                one NIC port
==========================  ================================================================

A fabric costs its switches, by the smallest that is large enough, else by ports; its cables, by
what they join, else by copper or light, else by the transceivers at their ends; and its NICs where
the book has any. `LinkClass.electrical` says where a study puts copper: to hosts and not between
switches, unless the family says otherwise. Traces on boards cost nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from netloom import catalog
from netloom.catalog.prices import PriceBook
from netloom.cost.prices import price_of
from netloom.errors import ParameterError
from netloom.result import BomLine
from netloom.topology.counts import count
from netloom.topology.fabric import HOST, Fabric, LinkClass, Tier

_SWITCH = re.compile(r"switch/(\d+)-port")
_BY_FABRIC = re.compile(
    r"switch/\d+-port|port/.+|cable/(host|trunk|dac-.+|aoc-.+)|transceiver/\d+g|nic/\d+g"
)


def prices_fabrics(book: PriceBook) -> bool:
    """Return whether a book prices fabrics by their switches and links, and not by parts.

    Examples
    --------
    >>> prices_fabrics(catalog.get("price-book", "mixnet-2025"))
    True
    >>> prices_fabrics(catalog.get("price-book", "market-2026"))
    False
    """
    return any(_BY_FABRIC.fullmatch(key) for key in book.prices)


def fabric_lines(fabric: Fabric, book: PriceBook, copies: int = 1) -> tuple[BomLine, ...]:
    """Return the bill of a fabric at a study's prices; power is not part of it.

    Parameters
    ----------
    fabric : what is priced.
    book : with the keys of the module's table.
    copies : equal fabrics side by side, for families whose parameters have no planes.

    Raises
    ------
    ParameterError
        When the book prices parts and not fabrics, or has no price for a switch or a link.

    Examples
    --------
    >>> from netloom.topology import build
    >>> tree = build("fat-tree", {"hosts": 1024, "radix": 64, "tiers": 2, "planes": 16})
    >>> lines = fabric_lines(tree, catalog.get("price-book", "hammingmesh-2022"))
    >>> round(sum(line.total_usd.mode for line in lines) / 1e6, 1)
    25.3
    """
    if not prices_fabrics(book):
        raise ParameterError(
            f"price book '{book.name}' prices parts, not a fabric's switches and links",
            hint="lay the fabric out and price its parts",
        )
    lines = [*_switches(fabric, book), *_links(fabric, book), *_nics(fabric, book)]
    return tuple(_line(book, *line, copies) for line in lines)


def rate_key(bytes_per_s: float) -> str:
    """Return a rate as the keys of books have it.

    Examples
    --------
    >>> rate_key(50e9)
    '400g'
    """
    return f"{8 * bytes_per_s / 1e9:g}g"


#: group, part, title, where it is used, quantity
_Item = tuple[str, str, str, str, int]


def _switches(fabric: Fabric, book: PriceBook) -> Iterator[_Item]:
    sizes = sorted(int(match[1]) for key in book.prices if (match := _SWITCH.fullmatch(key)))
    for number, tier in enumerate(fabric.tiers):
        if tier.switching == "embedded":
            continue
        ports = tier.num_switches * tier.num_ports
        if tier.switching == "circuit":
            yield "switches", "port/ocs", "Port of an optical circuit switch", tier.name, ports
        elif sizes:
            size = next((size for size in sizes if size >= tier.num_ports), None)
            if size is None:
                raise _too_large(book, tier, sizes[-1])
            yield (
                "switches", f"switch/{size}-port", f"Switch of {size} ports", tier.name,
                tier.num_switches,
            )  # fmt: skip
        else:
            rate = rate_key(_tier_bytes_per_s(fabric, number))
            yield "switches", f"port/{rate}", f"Switch port of {rate}", tier.name, ports


def _too_large(book: PriceBook, tier: Tier, largest: int) -> ParameterError:
    return ParameterError(
        f"a {tier.name} switch has {tier.num_ports} ports, price book '{book.name}' ends at "
        f"{largest}",
        hint=f"set radix: {largest}",
    )


def _tier_bytes_per_s(fabric: Fabric, tier: int) -> float:
    """Return the rate of the fastest links that end in a tier."""
    return max(
        each.link_bytes_per_s for each in fabric.link_classes if tier in (each.lower, each.upper)
    )


def _links(fabric: Fabric, book: PriceBook) -> Iterator[_Item]:
    cables = count(fabric).cables
    for link_class in fabric.link_classes:
        if not link_class.cabled:
            continue
        whole = "cable/host" if link_class.lower == HOST else "cable/trunk"
        name, quantity = link_class.name, cables[link_class.name]
        if whole in book.prices:
            yield "cables", whole, "Link, cable and ends", name, quantity
            continue
        wanted = "cable/dac-" if _is_electrical(link_class) else "cable/aoc-"
        found = next((key for key in sorted(book.prices) if key.startswith(wanted)), None)
        if found is not None:
            title = "Copper cable" if _is_electrical(link_class) else "Active optical cable"
            yield "cables", found, title, name, quantity
            continue
        rate = rate_key(link_class.link_bytes_per_s * link_class.links_per_cable)
        ends = quantity * _lit_ends(fabric, link_class)
        yield "optics", f"transceiver/{rate}", f"Transceiver of {rate}", name, ends


def _is_electrical(link_class: LinkClass) -> bool:
    """Return whether a study puts copper here."""
    if link_class.electrical is None:
        return link_class.lower == HOST
    return link_class.electrical


def _lit_ends(fabric: Fabric, link_class: LinkClass) -> int:
    """Return how many ends of a link have a transceiver."""
    tiers = [fabric.tiers[end] for end in (link_class.lower, link_class.upper) if end != HOST]
    return 2 - sum(tier.switching == "circuit" for tier in tiers)


def _nics(fabric: Fabric, book: PriceBook) -> Iterator[_Item]:
    if not any(key.startswith("nic/") for key in book.prices):
        return
    per_class = np.bincount(fabric.trunk_class, weights=fabric.trunk_links)
    for number, link_class in enumerate(fabric.link_classes):
        # where the router is inside the endpoint, its ports are the endpoint's own
        if link_class.lower == HOST and link_class.cabled:
            rate = rate_key(link_class.link_bytes_per_s)
            yield "nics", f"nic/{rate}", f"NIC port of {rate}", "node", int(per_class[number])


def _line(
    book: PriceBook, group: str, part: str, title: str, used_in: str, quantity: int, copies: int
) -> BomLine:
    price = price_of(catalog.price(book, part), part)
    return BomLine(
        group=group, part=part, title=title, used_in=used_in, quantity=copies * quantity,
        unit_usd=price.usd, unit_power_w=0.0, price_grade=price.grade, price_basis=price.basis,
    )  # fmt: skip
