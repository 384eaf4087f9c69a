"""A user's own graph, from GraphML, node-link JSON or a cable CSV.

The formats and what a file must say are in `netloom.exchange`. Tiers are the roles of switches: the
one that carries endpoints first, the others in the file's order. Links between the same two tiers
at one rate are a link class; links without a rate have `link_bytes_per_s`. Flows take equal-cost
shortest paths. Switches of one tier have as many ports as the largest of them states, or `radix`,
or as are used.

Closed form: what the file says, counted.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from pydantic import Field

from netloom import units
from netloom.exchange.graph_file import GraphTable, read_graph
from netloom.topology.fabric import HOST, Fabric, LinkClass, Tier
from netloom.topology.parameters import Cluster, FamilyParameters, from_cluster, refuse, validated
from netloom.topology.trunks import fabric_of, joined

KIND = "graph"


class Parameters(FamilyParameters):
    """Parameters of a user's graph."""

    path: str = Field(min_length=1, description="File that holds the graph.")
    radix: int | None = Field(
        default=None, ge=1,
        description="Ports of switches that state none; unlimited when left out.",
    )  # fmt: skip


def build(parameters: Parameters) -> Fabric:
    """Return the graph of the file."""
    p = parameters
    table = read_graph(p.path, radix=p.radix, cage_ports=p.cage_ports)
    tier_names = _tier_names(table)
    node_tier = np.array(
        [HOST if role == "endpoint" else tier_names.index(role) for role in table.roles]
    )
    # endpoints and switches are numbered apart, switches tier by tier
    order = np.argsort(node_tier, kind="stable")
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(len(order))
    hosts = int((node_tier == HOST).sum())
    number[node_tier != HOST] -= hosts

    ends = np.stack([table.one, table.other])
    flipped = node_tier[ends[0]] > node_tier[ends[1]]
    lower, upper = np.where(flipped, ends[::-1], ends)
    inside = (node_tier[lower] == node_tier[upper]) & (number[lower] > number[upper])
    lower, upper = np.where(inside, upper, lower), np.where(inside, lower, upper)
    rate = np.where(table.bytes_per_s > 0, table.bytes_per_s, p.link_bytes_per_s)
    keys = list(zip(node_tier[lower].tolist(), node_tier[upper].tolist(), rate.tolist(),
                    strict=True))  # fmt: skip
    kinds = sorted(set(keys))
    link_class = np.array([kinds.index(key) for key in keys])
    several = Counter(kind[:2] for kind in kinds)
    classes = [
        LinkClass(
            _class_name(tier_names, low, high, speed, several[low, high] > 1), low, high, speed,
            p.cage_ports,
        )
        for low, high, speed in kinds
    ]  # fmt: skip
    return fabric_of(
        KIND, p.model_dump(), num_endpoints=hosts, tiers=_tiers(p, table, node_tier, tier_names),
        link_classes=classes,
        trunks=joined([
            (place, number[lower[mine]], number[upper[mine]], table.links[mine])
            for place in range(len(kinds)) for mine in [link_class == place]
        ]),
    )  # fmt: skip


def _tier_names(table: GraphTable) -> list[str]:
    """Return the roles of switches, the one that carries endpoints first."""
    roles = np.array(table.roles)
    ends = np.stack([roles[table.one], roles[table.other]])
    carries = ends[:, (ends == "endpoint").any(axis=0)]
    first = next(role for role in carries.ravel().tolist() if role != "endpoint")
    others = dict.fromkeys(role for role in table.roles if role not in ("endpoint", first))
    return [first, *others]


def _class_name(tiers: list[str], low: int, high: int, speed: float, with_rate: bool) -> str:
    name = f"{'host' if low == HOST else tiers[low]}-{tiers[high]}"
    return f"{name} {units.show(speed, 'rate')}" if with_rate else name


def _tiers(
    p: Parameters, table: GraphTable, node_tier: np.ndarray, tier_names: list[str]
) -> list[Tier]:
    used = np.zeros(len(table.names), dtype=np.int64)
    for end in (table.one, table.other):
        np.add.at(used, end, table.links)
    ports = np.where(table.radix > 0, table.radix, p.radix or used)
    return [
        Tier(name, int((node_tier == tier).sum()), int(ports[node_tier == tier].max()))
        for tier, name in enumerate(tier_names)
    ]


def closed_form(parameters: Parameters) -> dict[str, int]:
    """Return switches by tier and links by link class, counted in the file."""
    p = parameters
    table = read_graph(p.path, radix=p.radix, cage_ports=p.cage_ports)
    counts = Counter(role for role in table.roles if role != "endpoint")
    order = {role: place for place, role in enumerate(["endpoint", *_tier_names(table)])}
    links: Counter[tuple[str, str, float]] = Counter()
    for one, other, number, rate in zip(
        table.one, table.other, table.links, table.bytes_per_s, strict=True
    ):
        low, high = sorted((table.roles[one], table.roles[other]), key=order.__getitem__)
        links[low, high, float(rate) or p.link_bytes_per_s] += int(number)
    pairs = Counter(key[:2] for key in links)
    for (low, high, rate), number in links.items():
        name = f"{'host' if low == 'endpoint' else low}-{high}"
        several = pairs[low, high] > 1
        counts[f"{name} {units.show(rate, 'rate')}" if several else name] = number
    return dict(counts)


def sized(cluster: Cluster, given: dict[str, Any]) -> Parameters:
    """Return the graph for a cluster: the file must have an endpoint for each of its NICs."""
    hosts = cluster.hosts
    filled = from_cluster(Parameters, KIND, given, cluster)
    parameters = validated(Parameters, KIND, filled)
    table = read_graph(parameters.path, radix=parameters.radix, cage_ports=parameters.cage_ports)
    endpoints = table.roles.count("endpoint")
    if endpoints != hosts:
        raise refuse(
            KIND, "path", parameters.path,
            f"it has {endpoints} endpoints, the cluster has {hosts} NICs",
            (f"a graph with {hosts} endpoints", f"a cluster of {endpoints} NICs"),
        )  # fmt: skip
    return parameters
