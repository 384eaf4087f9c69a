"""Published attach ratios, and the fabrics that they are about, built and counted.

``data/attach.yaml`` lists the architectures. One has

``name``, ``title``, ``accelerators``
    what it is, and the catalogue accelerators that it is about;
``published``
    what analysts print: ``low`` and ``high``, what is counted (``of``), ``source`` and ``note``;
``configurations``
    fabrics that the public facts allow, the usual one first: each with ``name``, ``source``, what
    was ``assumed``, and its ``networks``, which serve the same accelerators.

A network is a fabric family with ``parameters``, the ``rate`` of its links, the catalogue
``switch`` (or one by tier) with a port ``mode`` where the source has other cages, and the media;
link classes named in ``copper`` are wired inside a rack. Nodes stand in the racks of ``node``: it
decides where other copper reaches and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from netloom import catalog, materials, topology, units
from netloom.catalog.parts import PortMode, Switch
from netloom.cost.bom import CableLot
from netloom.cost.prices import Prices
from netloom.errors import ParameterError, nearest
from netloom.layout import AUTO
from netloom.materials import TierSwitch
from netloom.result import Candidate
from netloom.schema.study import Layout as HallRules
from netloom.supply.attach import Attach, Cabling, count_ends, words
from netloom.switch_choice import port_mode
from netloom.topology.fabric import Fabric

_FILE = Path(__file__).parent / "data" / "attach.yaml"

#: Book whose media can be bought, and a rack that feeds anything: only lengths matter here.
_BOOK, _RACK = "market-2026", "1 MW"


@dataclass(frozen=True)
class Published:
    """A ratio as analysts print it.

    Attributes
    ----------
    low, high : per accelerator; equal where one number is printed.
    of : what is counted: ``"800G"`` (equivalents), ``"modules"``, a rate such as ``"400 Gb/s"``,
        ``"engines"`` of 3.2 Tb/s at the lower ends of links.
    sources : source keys.
    note : what the source leaves open.
    """

    low: float
    high: float
    of: str
    sources: tuple[str, ...]
    note: str

    @property
    def middle(self) -> float:
        """Half-way between the ends of the range."""
        return (self.low + self.high) / 2

    def counted(self, attach: Attach) -> float:
        """Return the same count of a computed ratio."""
        whole = {
            "800G": attach.equivalents,
            "modules": attach.num_modules,
            "engines": attach.lower_engines,
        }
        return whole[self.of] if self.of in whole else attach.modules.get(self.of, 0.0)

    @property
    def text(self) -> str:
        """The printed range with what is counted."""
        number = f"{self.low:g}" if self.low == self.high else f"{self.low:g} to {self.high:g}"
        return f"{number} {self.what}"

    @property
    def what(self) -> str:
        """What is counted, in words."""
        whole = {
            "800G": "modules of 800G, other rates in proportion",
            "modules": "modules of any rate",
            "engines": "engines of 3.2 Tb/s at the lower ends of links",
        }
        return whole.get(self.of, f"modules of {self.of}")


@dataclass(frozen=True)
class Configuration:
    """One fabric that an architecture may be built as, counted.

    Attributes
    ----------
    name : in words.
    attach : per accelerator.
    sources : where the fabric is described.
    assumed : what the sources leave open.
    """

    name: str
    attach: Attach
    sources: tuple[str, ...]
    assumed: str


@dataclass(frozen=True)
class Architecture:
    """One kind of accelerator with its networks.

    Attributes
    ----------
    name, title : for a lookup, and for people.
    accelerators : catalogue names.
    published : what analysts print.
    configurations : what the facts allow, the usual one first.
    """

    name: str
    title: str
    accelerators: tuple[str, ...]
    published: Published
    configurations: tuple[Configuration, ...]

    @property
    def computed(self) -> tuple[float, ...]:
        """The published count of every configuration."""
        return tuple(self.published.counted(each.attach) for each in self.configurations)


def names() -> tuple[str, ...]:
    """Return the names of all architectures.

    Examples
    --------
    >>> "tpu-7x" in names()
    True
    """
    return tuple(_entries())


@cache
def architecture(name: str) -> Architecture:
    """Return one architecture, its fabrics built and counted.

    Raises
    ------
    ParameterError
        When the name is unknown.
    """
    entries = _entries()
    if name not in entries:
        raise ParameterError(f"unknown architecture '{name}'", hint=nearest(name, entries))
    entry = entries[name]
    return Architecture(
        name=name,
        title=entry["title"],
        accelerators=tuple(entry["accelerators"]),
        published=_published(entry),
        configurations=tuple(_configuration(each) for each in entry["configurations"]),
    )


def closest(candidate: Candidate, attach: Attach) -> Architecture:
    """Return the architecture whose published ratio stands beside a candidate's.

    That of its accelerators where one is published, else the one nearest in modules of 800G.
    """
    nodes = [
        catalog.get("node", line.part.removeprefix("node/"))
        for line in candidate.bom
        if line.group == "nodes"
    ]
    for name, entry in _entries().items():
        if any(node.accelerator in entry["accelerators"] for node in nodes):
            return architecture(name)
    same = [name for name, entry in _entries().items() if entry["published"]["of"] == "800G"]
    found = (architecture(name) for name in same)
    return min(found, key=lambda each: abs(each.published.middle - each.published.counted(attach)))


def beside_published(attach: Attach, found: Architecture) -> str:
    """Return a computed ratio beside a published one, and what their fabrics differ by, in words.

    The fabric compared with is the first one inside the published range, or else the usual one.
    """
    usual = found.configurations[0]
    pairs = zip(found.configurations, found.computed, strict=True)
    reference = next((each for each, value in pairs if _inside(value, found.published)), usual)
    return (
        f"{found.published.counted(attach):.3g} beside published {found.published.text} "
        f"({found.title}); {reference.name} and this differ by "
        f"{_changes(reference.attach, attach)}"
    )


def count_network(network: Mapping[str, Any], name: str) -> Attach:
    """Return the attach ratio of one network of the data file.

    Examples
    --------
    >>> pod = {
    ...     "family": "fat-tree", "parameters": {"hosts": 2048, "radix": 64, "tiers": 2},
    ...     "rate": "400 Gb/s", "accelerators": 2048, "node": "dgx-h100", "switch": "qm9700",
    ...     "medium": "dsp-400g-dr4",
    ... }
    >>> count_network(pod, "H100").modules
    {'800 Gb/s': 1.5, '400 Gb/s': 1.0}
    """
    rate = units.parse(network["rate"], "rate")
    switches = {
        tier: _run(spec, network.get("mode"), rate)
        for tier, spec in _by_tier(network["switch"]).items()
    }
    parameters = {"link_bytes_per_s": rate, **network["parameters"]}
    cages = {run.mode.ports_per_cage for run in switches.values() if not run.switch.circuits}
    parameters.setdefault("cage_ports", max(cages, default=1))
    fabric = _wired(topology.build(network["family"], parameters), network.get("copper", ()))
    tiers = {
        tier.name: switches.get(tier.name, switches.get("")) for tier in materials.boxes(fabric)
    }
    chosen = {tier: run for tier, run in tiers.items() if run is not None}
    materials.check_ports(fabric, chosen)
    lots = _lots(fabric, network, chosen)
    return count_ends(
        name, fabric, network["accelerators"], materials.count(fabric, lots).links,
        _cabling(lots), {tier for tier, run in chosen.items() if run.switch.co_packaged_optics},
    )  # fmt: skip


def difference(found: Architecture) -> str:
    """Return why computed and published differ, or agree, in words made from the numbers."""
    published, computed = found.published, found.computed
    said = [f"published {published.text}"]
    for each, value in zip(found.configurations, computed, strict=True):
        said.append(f"{each.name} {value:.3g} ({words(each.attach)})")
    return f"{'; '.join(said)}. {_verdict(found)}"


def _verdict(found: Architecture) -> str:
    published, computed = found.published, found.computed
    pairs = list(zip(found.configurations, computed, strict=True))
    inside = [each for each, value in pairs if _inside(value, published)]
    if inside:
        outside = "".join(
            f"; {each.name} is outside at {value:.3g}: {_changes(inside[0].attach, each.attach)}"
            for each, value in pairs
            if not _inside(value, published)
        )
        return f"Inside the published range: {', '.join(each.name for each in inside)}{outside}"
    middle = published.middle
    ordered = sorted(zip(computed, found.configurations, strict=True), key=lambda x: x[0])
    below = [pair for pair in ordered if pair[0] < middle]
    above = [pair for pair in ordered if pair[0] > middle]
    if below and above:
        low, under = max(below, key=lambda pair: pair[0])
        high, over = above[0]
        share = (middle - low) / (high - low)
        changes = _changes(under.attach, over.attach)
        return (
            f"Between {under.name} and {over.name}, which differ by {changes}: "
            f"{share:.0%} of the accelerators on the second and the rest on the first give it"
        )
    value, one = ordered[-1] if below else ordered[0]
    factor = middle / value if value else float("inf")
    end = "most" if below else "least"
    return f"Published is {factor:.3g} times the {end} that these fabrics give, {one.name}"


def _inside(value: float, published: Published) -> bool:
    slack = 1e-6 * published.high
    return published.low - slack <= value <= published.high + slack


def _changes(a: Attach, b: Attach) -> str:
    """Return in what two fabrics differ: tiers, ports, rate, copper, packing, engines."""
    pairs = {
        "tiers": (a.num_tiers, b.num_tiers, "g"),
        "ports": (a.num_ports, b.num_ports, ".3g"),
        "Gb/s of a port": (a.port_bytes_per_s * 8e-9, b.port_bytes_per_s * 8e-9, "g"),
        "layers of links": (len(a.layers), len(b.layers), "g"),
        "oversubscription": (a.oversubscription, b.oversubscription, ".3g"),
        "copper share": (a.copper_fraction, b.copper_fraction, ".0%"),
        "links to a module": (a.links_per_module, b.links_per_module, ".3g"),
        "co-packaged engines": (a.engines, b.engines, ".3g"),
    }
    changed = [
        f"{what} {one:{form}} and {other:{form}}"
        for what, (one, other, form) in pairs.items()
        if f"{one:{form}}" != f"{other:{form}}"
    ]
    return ", ".join(changed) or "the media alone"


@cache
def _entries() -> Mapping[str, Mapping[str, Any]]:
    raw: Sequence[Mapping[str, Any]] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return {entry["name"]: entry for entry in raw}


def _published(entry: Mapping[str, Any]) -> Published:
    raw = entry["published"]
    return Published(
        float(raw["low"]), float(raw["high"]), raw["of"], tuple(raw["source"]), raw.get("note", "")
    )


def _configuration(raw: Mapping[str, Any]) -> Configuration:
    first, *others = (count_network(network, raw["name"]) for network in raw["networks"])
    attach = first
    for other in others:
        attach = attach.plus(other)
    return Configuration(raw["name"], attach, tuple(raw["source"]), raw.get("assumed", ""))


def _by_tier(switch: str | Mapping[str, str]) -> Mapping[str, str]:
    return {"": switch} if isinstance(switch, str) else switch


def _run(name: str, mode: Mapping[str, Any] | None, link_bytes_per_s: float) -> TierSwitch:
    """Return a catalogue switch in its port mode, or a copy of it with the cages of the source."""
    switch: Switch = catalog.get("switch", name)
    if mode is None or switch.circuits:
        return TierSwitch(switch, port_mode(switch, link_bytes_per_s))
    given = PortMode.model_validate(mode)
    capacity = given.num_ports * units.parse(given.rate, "rate")
    known = switch.capacity_bytes_per_s
    other = known.model_copy(update={"low": capacity, "mode": capacity, "high": capacity})
    return TierSwitch(
        switch.model_copy(update={"capacity_bytes_per_s": other, "port_modes": (given,)}), given
    )


def _wired(fabric: Fabric, copper: Sequence[str]) -> Fabric:
    """Return a fabric some of whose link classes are copper inside a rack, bought with it."""
    classes = (
        replace(kind, cabled=kind.cabled and kind.name not in copper)
        for kind in fabric.link_classes
    )
    return replace(fabric, link_classes=tuple(classes))


def _lots(
    fabric: Fabric, network: Mapping[str, Any], tiers: Mapping[str, TierSwitch]
) -> tuple[CableLot, ...]:
    """Return the cables of a network, laid out in a hall."""
    node = catalog.get("node", network["node"])
    medium = network.get("medium", AUTO)
    placed = materials.lay_out(
        fabric,
        HallRules.model_validate({"rack_power": _RACK}),
        tiers,
        Prices(catalog.get("price-book", _BOOK), {}),
        node=node,
        nics_per_node=network.get("nics_per_node", node.nics_per_node),
        host_medium=network.get("host_medium", medium),
        trunk_medium=network.get("trunk_medium", medium),
    )
    return materials.cable_lots(fabric, placed)


def _cabling(lots: Sequence[CableLot]) -> dict[str, Cabling]:
    """Return what joins the links of each class, from lots of cables."""
    found: dict[str, tuple[dict[str, int], list[int]]] = {}
    for lot in lots:
        modules, counts = found.setdefault(lot.link_class, ({}, [0, 0]))
        for name, number in (lot.modules or {}).items():
            modules[name] = modules.get(name, 0) + number
        medium = catalog.get("medium", lot.medium)
        if medium.technology == "aoc":
            modules[medium.name] = modules.get(medium.name, 0) + 2 * lot.num_cables
        counts[0] += lot.num_cables
        counts[1] += 0 if medium.optical else lot.num_cables
    return {
        link_class: Cabling(modules, counts[0], counts[1])
        for link_class, (modules, counts) in found.items()
    }
