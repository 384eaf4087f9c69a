"""What a built fabric is made of: switches, links, cables and ports by tier; hops and bisection.

Links, cables and ports are counted apart, because vendors' tables mix them. A *cable* here is a
full cable: links of a class over links per cable, rounded up, which is what reference tables print;
`netloom.layout` counts the cables that a contractor pulls.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.topology.fabric import HOST, Fabric
from netloom.topology.graph import switch_graph
from netloom.topology.routing.dragonfly import DragonflyRouting
from netloom.topology.routing.shortest import ShortestRouting
from netloom.topology.routing.tree import TreeRouting

#: Pairs of edge switches up to which distances are counted exactly, by breadth-first search.
EXACT_SEARCHES = 4096


@dataclass(frozen=True)
class Counts:
    """Counts of a fabric.

    Attributes
    ----------
    endpoints : E.
    switches, ports_used, ports_free : by tier name; routers inside endpoints are no switches.
    links : by link-class name, traces on boards and links inside packages included.
    cables : by link-class name, of the classes that are cabled.
    addresses : of endpoints and switches, as a flat network or an InfiniBand subnet needs them.
    """

    endpoints: int
    switches: dict[str, int]
    links: dict[str, int]
    cables: dict[str, int]
    ports_used: dict[str, int]
    ports_free: dict[str, int]
    addresses: int


@dataclass(frozen=True)
class Hops:
    """Distances in links between switches that carry endpoints.

    Attributes
    ----------
    diameter : the longest shortest path; between connected switches only.
    mean : over ordered pairs of different switches that are connected; 0 when there is one.
    connected : whether every pair within one plane is connected.
    exact : whether all pairs were counted, rather than paths from evenly spaced switches.
    """

    diameter: int
    mean: float
    connected: bool
    exact: bool


def ports_used(fabric: Fabric) -> NDArray[np.int64]:
    """Return ports in use on each switch, int64, shape (S,)."""
    used = np.bincount(
        fabric.trunk_upper, weights=fabric.trunk_links, minlength=fabric.num_switches
    )
    lower_is_switch = np.array([link_class.lower != HOST for link_class in fabric.link_classes])
    inner = lower_is_switch[fabric.trunk_class]
    used += np.bincount(
        fabric.trunk_lower[inner], weights=fabric.trunk_links[inner], minlength=fabric.num_switches
    )
    return used.astype(np.int64)


def tier_rates(fabric: Fabric) -> tuple[float, ...]:
    """Return the slowest link of each tier, one way, bytes/s: the unit in which ports are counted.

    Faster links of the same switches take several such ports.
    """
    slowest = [float("inf")] * len(fabric.tiers)
    for kind in fabric.link_classes:
        for tier in {kind.lower, kind.upper} - {HOST}:
            slowest[tier] = min(slowest[tier], kind.link_bytes_per_s)
    return tuple(slowest)


def tier_cages(fabric: Fabric) -> tuple[int, ...]:
    """Return how many of each tier's slowest links share one cage."""
    rates, cages = tier_rates(fabric), [1] * len(fabric.tiers)
    for kind in fabric.link_classes:
        for tier in {kind.lower, kind.upper} - {HOST}:
            if kind.link_bytes_per_s == rates[tier]:
                cages[tier] = max(cages[tier], kind.links_per_cable)
    return tuple(cages)


def port_units(fabric: Fabric) -> tuple[tuple[int, int], ...]:
    """Return how many ports of its tier's slowest rate a link of each class takes at either end."""
    rates = tier_rates(fabric)

    def units(kind_bytes_per_s: float, tier: int) -> int:
        return 1 if tier == HOST else int(np.ceil(kind_bytes_per_s / rates[tier] - 1e-9))

    return tuple(
        (units(kind.link_bytes_per_s, kind.lower), units(kind.link_bytes_per_s, kind.upper))
        for kind in fabric.link_classes
    )


def ports_needed(fabric: Fabric) -> tuple[int, ...]:
    """Return the ports that one switch of each tier needs, at the tier's slowest rate.

    All ports that the family gives it; where its links differ in rate, those that links take.
    """
    units = np.array(port_units(fabric))
    needed = []
    used = np.zeros(fabric.num_switches, dtype=np.int64)
    inner = np.array([kind.lower != HOST for kind in fabric.link_classes])[fabric.trunk_class]
    for end, device, mine in (
        (0, fabric.trunk_lower, inner), (1, fabric.trunk_upper, np.ones_like(inner)),
    ):  # fmt: skip
        ports = fabric.trunk_links[mine] * units[fabric.trunk_class[mine], end]
        used += np.bincount(device[mine], weights=ports, minlength=len(used)).astype(np.int64)
    for number, tier in enumerate(fabric.tiers):
        mixed = {
            own
            for kind, both in zip(fabric.link_classes, units.tolist(), strict=True)
            for end, own in zip((kind.lower, kind.upper), both, strict=True)
            if end == number
        }
        most = int(used[fabric.switch_tier == number].max(initial=0))
        needed.append(most if len(mixed) > 1 else tier.num_ports)
    return tuple(needed)


def manager_links(fabric: Fabric) -> int:
    """Return the links of fabric managers: leaf ports in use that carry no traffic of the run.

    Only where node positions are given up for them, `reserved_nodes` of the family's parameters.

    Examples
    --------
    >>> from netloom.topology import build
    >>> unit = {"units": 1, "unit_nodes": 32, "radix": 64}
    >>> manager_links(build("rail-optimized", unit | {"reserved_nodes": 1}))
    4
    """
    links = fabric.parameters.get("manager_links", 0)
    reserved = fabric.parameters.get("reserved_nodes", 0)
    return links if reserved and isinstance(links, int) else 0


def count(fabric: Fabric) -> Counts:
    """Return the counts of a fabric.

    Examples
    --------
    >>> from netloom.topology import build
    >>> counts = count(build("fat-tree", {"hosts": 2048, "radix": 64, "tiers": 2}))
    >>> counts.switches, counts.links
    ({'leaf': 64, 'spine': 32}, {'host-leaf': 2048, 'leaf-spine': 2048})
    """
    tiers, classes = fabric.tiers, fabric.link_classes
    per_class = np.bincount(fabric.trunk_class, weights=fabric.trunk_links, minlength=len(classes))
    used = np.bincount(fabric.switch_tier, weights=ports_used(fabric), minlength=len(tiers)).astype(
        int
    )
    boxes = [(tier, int(ports)) for tier, ports in zip(tiers, used, strict=True)]
    boxes = [(tier, ports) for tier, ports in boxes if tier.switching != "embedded"]
    return Counts(
        endpoints=fabric.num_endpoints,
        switches={tier.name: tier.num_switches for tier, _ in boxes},
        links={kind.name: int(links) for kind, links in zip(classes, per_class, strict=True)},
        cables={
            kind.name: -(-int(links) // kind.links_per_cable)
            for kind, links in zip(classes, per_class, strict=True)
            if kind.cabled
        },
        ports_used={tier.name: ports for tier, ports in boxes},
        ports_free={tier.name: tier.num_switches * tier.num_ports - ports for tier, ports in boxes},
        addresses=num_addresses(fabric),
    )


def num_addresses(fabric: Fabric) -> int:
    """Return addresses of endpoints and packet switches; other tiers have none."""
    return fabric.num_endpoints + sum(
        tier.num_switches for tier in fabric.tiers if tier.switching == "packet"
    )


def address_warnings(fabric: Fabric, max_endpoint_addresses: int) -> tuple[str, ...]:
    """Return a sentence when a subnet of the protocol has too few addresses; 0 means no limit.

    Examples
    --------
    >>> from netloom.topology import build
    >>> address_warnings(build("fat-tree", {"hosts": 65536, "radix": 64, "tiers": 3}), 49151)
    ('70,656 addresses are needed, one subnet has 49,151: the fabric must be split into 2 subnets',)
    """
    needed = num_addresses(fabric)
    if not max_endpoint_addresses or needed <= max_endpoint_addresses:
        return ()
    return (
        f"{needed:,} addresses are needed, one subnet has {max_endpoint_addresses:,}: "
        f"the fabric must be split into {-(-needed // max_endpoint_addresses)} subnets",
    )


def hops(fabric: Fabric) -> Hops:
    """Return diameter and mean distance between edge switches, by breadth-first search.

    Up to `EXACT_SEARCHES` edge switches all pairs are counted, beyond that the paths from that many
    evenly spaced ones. Planes are equal, so the first plane is searched. A circuit through an
    optical switch is one link between its ends.
    """
    from netloom.kernels.shortest_paths import distance_histogram

    circuits = any(tier.switching == "circuit" for tier in fabric.tiers)
    if circuits and isinstance(fabric.routing, ShortestRouting):
        graph = fabric.routing.graph
    else:
        graph = fabric_graph(fabric)
    edge = np.unique(fabric.trunk_upper[fabric.trunk_class == 0])
    edge = edge[fabric.switch_plane[edge] <= 0].astype(np.int32)
    targets = np.zeros(fabric.num_switches, dtype=bool)
    targets[edge] = True
    exact = len(edge) <= EXACT_SEARCHES
    sources = (
        edge if exact else edge[np.linspace(0, len(edge) - 1, EXACT_SEARCHES // 16).astype(int)]
    )
    histogram = distance_histogram(graph, sources, targets)
    apart, pairs = histogram[1:-1], histogram[1:-1].sum()
    diameter = int(np.flatnonzero(apart)[-1]) + 1 if pairs else 0
    mean = float(apart @ np.arange(1, len(apart) + 1) / pairs) if pairs else 0.0
    return Hops(diameter, mean, bool(histogram[-1] == 0), exact)


def fabric_graph(fabric: Fabric):  # type: ignore[no-untyped-def]  # a named tuple of the kernels
    """Return the fabric's `SwitchGraph`."""
    return switch_graph(
        fabric.num_endpoints, fabric.num_switches, fabric.link_classes,
        fabric.trunk_class, fabric.trunk_lower, fabric.trunk_upper, fabric.trunk_links,
    )  # fmt: skip


def bisection_fraction(fabric: Fabric) -> float | None:
    """Return one-way bandwidth between halves over injection of one half, at most 1.

    Trees: the least, over levels, of the uplinks of all groups over the host links below; a forest
    without a common top (rail-only) has the value of its trees, each on its own. Dragonfly: global
    links between groups cut in two equal halves, ``floor(g^2 / 4)`` pairs of them; a single group
    cuts ``floor(a^2 / 4)`` router pairs. Other families state their own cut in
    `Fabric.bisection_bytes_per_s`. None for fabrics without a stated formula.
    """
    routing = fabric.routing
    host_links = fabric.trunk_links[fabric.trunk_class == 0].sum()
    rate = np.array([link_class.link_bytes_per_s for link_class in fabric.link_classes])
    if fabric.bisection_bytes_per_s is not None:
        return float(min(1.0, fabric.bisection_bytes_per_s / (host_links * rate[0] / 2)))
    if isinstance(routing, TreeRouting):
        per_class = rate * np.bincount(
            fabric.trunk_class, weights=fabric.trunk_links, minlength=len(rate)
        )
        return float(min(1.0, *(per_class[1:] / per_class[0]), 1.0))
    if isinstance(routing, DragonflyRouting):
        groups, routers = routing.num_groups, routing.routers_per_group
        cut_class, all_pairs, cut_pairs = 2, groups * (groups - 1) / 2, groups**2 // 4
        if groups == 1:
            cut_class, all_pairs, cut_pairs = 1, routers * (routers - 1) / 2, routers**2 // 4
        if all_pairs == 0:
            return 1.0
        links = fabric.trunk_links[fabric.trunk_class == cut_class].sum() * cut_pairs / all_pairs
        return float(min(1.0, links / (host_links / 2)))
    return None
