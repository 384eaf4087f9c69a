"""What of a cluster can fail, how often, and what a failure does to a job on this fabric.

A network part is one of several that share a load. When it is the only one, as the link of a NIC on
a fabric with one plane, its loss interrupts the job. When it is one of p, its loss takes 1/p of the
capacity until it is repaired, and the job goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.errors import ParameterError, nearest
from netloom.topology.fabric import HOST, Fabric


@dataclass(frozen=True)
class Exposure:
    """Network parts of one class that the job depends on.

    Attributes
    ----------
    cause : what to call it in a report, ``"switch leaf"``, ``"link host-leaf (dac-400g)"``.
    num_parts : parts of this class: switches, or ends of cables.
    failures_per_s : hard failures of one part.
    num_paths : parts that share the load of one, itself included; 1 when its loss stops the job.
    avoidable : whether a restart on spare nodes takes the job off the broken part. True of what a
        node hangs on, false of what lies behind it.
    """

    cause: str
    num_parts: int
    failures_per_s: float
    num_paths: int = 1
    avoidable: bool = False

    def __post_init__(self) -> None:
        if self.num_parts < 0 or self.num_paths < 1 or not self.failures_per_s >= 0:
            raise ParameterError(
                f"{self.cause}: {self.num_parts} parts with {self.num_paths} paths and "
                f"{self.failures_per_s} failures per second are not possible"
            )

    @property
    def events_per_s(self) -> float:
        """Failures of all parts together."""
        return self.num_parts * self.failures_per_s


@dataclass(frozen=True)
class Inventory:
    """Everything whose failure the job feels.

    Attributes
    ----------
    num_accelerators, num_nodes, num_nics : of the job.
    network : cables and switches, by class.
    """

    num_accelerators: int
    num_nodes: int
    num_nics: int
    network: tuple[Exposure, ...]


@dataclass(frozen=True)
class LinkEnds:
    """Cable ends of one link class in one medium.

    Attributes
    ----------
    link_class : name of the fabric's link class.
    medium : catalogue name.
    num_ends : two per cable.
    failures_per_s : hard failures of one end.
    """

    link_class: str
    medium: str
    num_ends: int
    failures_per_s: float


def network_exposures(
    fabric: Fabric, switch_failures_per_s: Mapping[str, float], link_ends: Iterable[LinkEnds]
) -> tuple[Exposure, ...]:
    """Return what of a fabric can fail, with the parallel paths counted in its trunks.

    Parameters
    ----------
    fabric : the built fabric.
    switch_failures_per_s : critical failures of one box, by name of the tier; every tier.
    link_ends : ends of all cables.

    Notes
    -----
    A cable's paths are the cables of its class at the element below, the fewest over all elements;
    of a class inside one tier, those at either end, and at least two where its switches have other
    links inside the tier to go around by. A switch's paths are the switches of its tier
    that the element below reaches, the fewest over all elements and link classes. So planes are
    counted as any other parallel path: a NIC with one link in each of two planes has two.
    """
    paths_of_links, paths_of_switches = _paths(fabric)
    exposures = []
    for tier in fabric.tiers:
        if tier.name not in switch_failures_per_s:
            raise ParameterError(
                f"no failure rate for tier '{tier.name}'",
                hint=nearest(tier.name, switch_failures_per_s),
            )
        num_paths, avoidable = paths_of_switches[tier.name]
        exposures.append(
            Exposure(
                f"switch {tier.name}",
                tier.num_switches,
                switch_failures_per_s[tier.name],
                num_paths,
                avoidable,
            )
        )
    for ends in link_ends:
        if ends.link_class not in paths_of_links:
            raise ParameterError(
                f"unknown link class '{ends.link_class}'",
                hint=nearest(ends.link_class, paths_of_links),
            )
        num_paths, avoidable = paths_of_links[ends.link_class]
        exposures.append(
            Exposure(
                f"link {ends.link_class} ({ends.medium})",
                ends.num_ends,
                ends.failures_per_s,
                num_paths,
                avoidable,
            )
        )
    return tuple(exposures)


def _paths(fabric: Fabric) -> tuple[dict[str, tuple[int, bool]], dict[str, tuple[int, bool]]]:
    """Return (parallel paths, avoidable) of each link class and of each tier, by name."""
    links: dict[str, tuple[int, bool]] = {}
    switches: dict[str, tuple[int, bool]] = {}
    for index, link_class in enumerate(fabric.link_classes):
        chosen = fabric.trunk_class == index
        below, num_links = fabric.trunk_lower[chosen], fabric.trunk_links[chosen]
        inside = link_class.lower == link_class.upper
        if inside:
            below, num_links = _both_ends(fabric, chosen)
        hosts = link_class.lower == HOST
        # links of one trunk share cables, links of different trunks never do: a leg of a breakout
        # is a cable to whoever hangs on it
        num_cables = _fewest(below, -(-num_links // link_class.links_per_cable))
        detour = inside and _fewest(*_links_inside(fabric, link_class.lower)) > 1
        links[link_class.name] = (max(2 if detour else 1, num_cables), hosts)
        if inside:
            continue
        upper = fabric.tiers[link_class.upper].name
        reached = max(1, _fewest(below, np.ones_like(num_links)))
        known, known_hosts = switches.get(upper, (reached, hosts))
        switches[upper] = (min(known, reached), known_hosts or hosts)
    for tier in fabric.tiers:
        # a tier that nothing hangs below has no detour that this count could see
        switches.setdefault(tier.name, (1, False))
    return links, switches


def _links_inside(fabric: Fabric, tier: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return switch and links of both ends of every trunk inside a tier, of all its classes."""
    inside = [c.lower == tier and c.upper == tier for c in fabric.link_classes]
    return _both_ends(fabric, np.array(inside)[fabric.trunk_class])


def _both_ends(
    fabric: Fabric, chosen: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return switch and links of both ends of the chosen trunks."""
    switches = np.concatenate((fabric.trunk_lower[chosen], fabric.trunk_upper[chosen]))
    return switches, np.tile(fabric.trunk_links[chosen], 2)


def _fewest(element: NDArray[np.int32], weight: NDArray[np.int32]) -> int:
    """Return the smallest sum of weights over the elements that occur; 0 when there are none."""
    if not len(element):
        return 0
    _, position = np.unique(element, return_inverse=True)
    return int(np.bincount(position, weights=weight).min())
