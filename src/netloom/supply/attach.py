"""Attach ratios: optical modules per accelerator, counted on a cabled fabric, and why so many.

A ratio is a result of the fabric: each layer of links adds its two ends, a rate counts as its share
of 800 Gb/s, twin-port modules serve several links, copper and co-packaged engines need no module.
So it is counted link class by link class, and the answer keeps the layers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from netloom import catalog, topology, units
from netloom.cost.bom import FIBRE
from netloom.materials import MANAGERS
from netloom.result import BomLine, Candidate
from netloom.topology.fabric import HOST, Fabric

#: Rate that ratios are compared in, and rate of the engines that analysts count.
MODULE_BYTES_PER_S, ENGINE_BYTES_PER_S = 800e9 / 8, 3.2e12 / 8

#: Ends of an active optical cable: its makers count them as modules.
_CABLE_ENDS = 2


@dataclass(frozen=True)
class Cabling:
    """What joins the links of one class.

    Attributes
    ----------
    modules : pluggables by catalogue medium, ends of active optical cables among them.
    num_cables : cables of any kind.
    num_copper : those that are copper.
    """

    modules: Mapping[str, int]
    num_cables: int
    num_copper: int


#: Links without cables: a backplane, or a board.
_TRACES = Cabling({}, 1, 1)


@dataclass(frozen=True)
class Layer:
    """One class of links, per accelerator.

    Attributes
    ----------
    link_class : name of the fabric's link class.
    links : logical links.
    link_bytes_per_s : one of them, one way.
    modules : pluggables by rate, such as ``"800 Gb/s"``.
    module_ends : ends of links that a module serves.
    lower_engines, upper_engines : ends of links in a co-packaged switch, at either end.
    copper : links on copper, cables and backplanes.
    """

    link_class: str
    links: float
    link_bytes_per_s: float
    modules: Mapping[str, float]
    module_ends: float
    lower_engines: float
    upper_engines: float
    copper: float

    @property
    def equivalents(self) -> float:
        """Modules of 800 Gb/s with the same rate together."""
        return sum(
            number * units.parse(rate, "rate") / MODULE_BYTES_PER_S
            for rate, number in self.modules.items()
        )


@dataclass(frozen=True)
class Attach:
    """Optical ends of a fabric per accelerator.

    Attributes
    ----------
    name : of the design.
    num_accelerators : accelerators on the fabric.
    num_tiers : tiers of switch boxes.
    num_ports : links of one accelerator.
    port_bytes_per_s : one of them, one way.
    oversubscription : rate of the lowest links over the thinnest layer above; 1 without one.
    layers : classes of links, from the accelerators upwards.
    """

    name: str
    num_accelerators: int
    num_tiers: int
    num_ports: float
    port_bytes_per_s: float
    oversubscription: float
    layers: tuple[Layer, ...]

    @property
    def modules(self) -> dict[str, float]:
        """Pluggables per accelerator by rate, the fastest first."""
        total: Counter[str] = Counter()
        for layer in self.layers:
            total.update(layer.modules)
        return dict(sorted(total.items(), key=lambda item: -units.parse(item[0], "rate")))

    @property
    def num_modules(self) -> float:
        """Pluggables per accelerator, whatever their rate."""
        return sum(self.modules.values())

    @property
    def equivalents(self) -> float:
        """Pluggables per accelerator, in modules of 800 Gb/s with the same rate together."""
        return sum(layer.equivalents for layer in self.layers)

    @property
    def engines(self) -> float:
        """Co-packaged ends per accelerator, in engines of 3.2 Tb/s, at both ends of a link."""
        return self.lower_engines + sum(
            layer.upper_engines * layer.link_bytes_per_s / ENGINE_BYTES_PER_S
            for layer in self.layers
        )

    @property
    def lower_engines(self) -> float:
        """The same at the lower ends of links alone."""
        return sum(
            layer.lower_engines * layer.link_bytes_per_s / ENGINE_BYTES_PER_S
            for layer in self.layers
        )

    @property
    def copper_fraction(self) -> float:
        """Share of the links that is copper."""
        copper = sum(layer.copper for layer in self.layers)
        return copper / sum(layer.links for layer in self.layers)

    @property
    def links_per_module(self) -> float:
        """Links that a module serves on average; 0 without modules."""
        ends = sum(layer.module_ends for layer in self.layers)
        return ends / self.num_modules if self.num_modules else 0.0

    def plus(self, other: Attach) -> Attach:
        """Return two networks of the same accelerators together; ports are those of the first."""
        return Attach(
            self.name, self.num_accelerators, max(self.num_tiers, other.num_tiers),
            self.num_ports, self.port_bytes_per_s,
            max(self.oversubscription, other.oversubscription), (*self.layers, *other.layers),
        )  # fmt: skip


def attach_of(candidate: Candidate) -> Attach:
    """Return the attach ratio of a study's candidate, from its bill and its fabric."""
    fabric = topology.build(candidate.fabric_kind, candidate.fabric_parameters)
    co_packaged = {
        line.used_in
        for line in candidate.bom
        if line.group == "switches"
        and catalog.get("switch", line.part.removeprefix("switch/")).co_packaged_optics
    }
    return count_ends(
        candidate.name, fabric, _accelerators(candidate.bom), candidate.counts.links,
        cabling_of_bill(candidate.bom), co_packaged,
    )  # fmt: skip


def cabling_of_bill(lines: Iterable[BomLine]) -> dict[str, Cabling]:
    """Return what joins the links of each class, from the lines of a bill."""
    modules: dict[str, Counter[str]] = {}
    cables: Counter[str] = Counter()
    copper: Counter[str] = Counter()
    for line in lines:
        name = line.part.removeprefix("medium/")
        if line.group == "optics":
            modules.setdefault(line.used_in, Counter())[name] += line.quantity
        elif line.group == "cables":
            cables[line.used_in] += line.quantity
            if line.part == FIBRE:
                continue
            medium = catalog.get("medium", name)
            if not medium.optical:
                copper[line.used_in] += line.quantity
            elif medium.technology == "aoc":
                ends = modules.setdefault(line.used_in, Counter())
                ends[name] += _CABLE_ENDS * line.quantity
    return {
        link_class: Cabling(modules.get(link_class, {}), number, copper[link_class])
        for link_class, number in cables.items()
    }


def count_ends(
    name: str,
    fabric: Fabric,
    num_accelerators: int,
    links: Mapping[str, int],
    cabling: Mapping[str, Cabling],
    co_packaged: Iterable[str],
) -> Attach:
    """Return the optical ends of a cabled fabric per accelerator.

    Parameters
    ----------
    name : of the design.
    fabric : for the ends of each link class.
    num_accelerators : accelerators on it.
    links : logical links by link class.
    cabling : what joins them; classes that are backplanes or boards have none.
    co_packaged : tiers whose switches have their optics inside.
    """
    inside = set(co_packaged)
    of_name = {link_class.name: link_class for link_class in fabric.link_classes}
    layers = []
    for class_name, number in links.items():
        # managers hang on the ports of hosts
        kind = fabric.link_classes[0] if class_name == MANAGERS else of_name[class_name]
        if kind.lower == HOST and fabric.tiers[kind.upper].switching == "embedded":
            continue  # inside the accelerator's package
        joined = cabling.get(class_name, _TRACES)
        light = 1 - joined.num_copper / joined.num_cables
        ends = [_end(fabric, end, inside) for end in (kind.lower, kind.upper)]
        by_rate: Counter[str] = Counter()
        for medium, count in joined.modules.items():
            by_rate[catalog.get("medium", medium).rate] += count
        per_accelerator = number / num_accelerators
        layers.append(
            Layer(
                link_class=class_name,
                links=per_accelerator,
                link_bytes_per_s=kind.link_bytes_per_s,
                modules={rate: count / num_accelerators for rate, count in by_rate.items()},
                module_ends=ends.count("module") * light * per_accelerator,
                lower_engines=light * per_accelerator * (ends[0] == "engine"),
                upper_engines=light * per_accelerator * (ends[1] == "engine"),
                copper=(1 - light) * per_accelerator,
            )
        )
    order = {link_class.name: place for place, link_class in enumerate(fabric.link_classes)}
    layers.sort(key=lambda layer: order.get(layer.link_class, len(order)))
    num_tiers = sum(tier.switching != "embedded" for tier in fabric.tiers)
    ports = links[fabric.link_classes[0].name] / num_accelerators
    port_bytes_per_s = fabric.link_classes[0].link_bytes_per_s
    return Attach(
        name, num_accelerators, num_tiers, ports, port_bytes_per_s,
        _oversubscription(fabric, links), tuple(layers),
    )  # fmt: skip


def _oversubscription(fabric: Fabric, links: Mapping[str, int]) -> float:
    """Return the rate under the lowest tier over that of the thinnest layer between tiers."""
    lowest, *others = fabric.link_classes
    if fabric.tiers[lowest.upper].switching == "embedded":
        return 1.0
    rates = [
        links[kind.name] * kind.link_bytes_per_s for kind in others if kind.lower != kind.upper
    ]
    return links[lowest.name] * lowest.link_bytes_per_s / min(rates) if rates else 1.0


def _end(fabric: Fabric, tier: int, co_packaged: set[str]) -> str:
    """Return what ends a lit link: a pluggable module, an engine in the switch, or nothing."""
    if tier == HOST:
        return "module"
    if fabric.tiers[tier].switching == "circuit":
        return "mirror"
    return "engine" if fabric.tiers[tier].name in co_packaged else "module"


def words(attach: Attach) -> str:
    """Return the breakdown that explains a ratio, in one sentence.

    Examples
    --------
    >>> host = Layer("host-leaf", 1, 50e9, {"800 Gb/s": 0.5, "400 Gb/s": 1}, 2, 0, 0, 0)
    >>> words(Attach("one switch", 64, 1, 1, 50e9, 1, (host,)))
    '1 tier, 1 port of 400 Gb/s, 1.33 links to a module: 0.5 x 800 Gb/s + 1 x 400 Gb/s = 1 x 800G'
    """
    rate = units.show(attach.port_bytes_per_s, "rate")
    said = [
        _counted(attach.num_tiers, "tier"),
        f"{_counted(attach.num_ports, 'port')} of {rate}",
    ]
    if attach.oversubscription > 1.005:
        said.append(f"{attach.oversubscription:.3g}:1 oversubscribed")
    if attach.copper_fraction:
        said.append(f"{attach.copper_fraction:.0%} of the links copper")
    if attach.num_modules:
        said.append(f"{_counted(attach.links_per_module, 'link')} to a module")
    counted = []
    if attach.num_modules:
        parts = [f"{number:.3g} x {rate}" for rate, number in attach.modules.items() if number]
        counted.append(f"{' + '.join(parts)} = {attach.equivalents:.3g} x 800G")
    if attach.engines:
        counted.append(f"{attach.engines:.3g} co-packaged engines of 3.2 Tb/s, both ends")
    return f"{', '.join(said)}: {', and '.join(counted) or 'no light'}"


def _counted(number: float, noun: str) -> str:
    told = f"{number:.3g}"
    return f"{told} {noun}" + ("" if told == "1" else "s")


def _accelerators(lines: Iterable[BomLine]) -> int:
    """Return the accelerators of a bill's nodes."""
    return sum(
        line.quantity * catalog.get("node", line.part.removeprefix("node/")).num_accelerators
        for line in lines
        if line.group == "nodes"
    )
