"""Dual-ToR, dual-plane network (HPN): both ports of a NIC on two switches of different planes.

A segment has, per rail and plane, one top-of-rack switch (ToR) with `tor_down` host ports and
`tor_up` uplinks, which may run faster than a host link by the factor `uplink_speed`. The ToRs of
one plane meet in that plane's aggregation switches: traffic never changes planes, and a NIC
outlives the loss of either ToR. NIC e is on rail ``e mod rails``; segments are filled in order and
built whole. One pod has `pod_segments` segments; several pods meet in a core layer per plane.

Closed form, per plane: ``T = segments * rails`` ToRs. A full pod of ``t`` ToRs has
``A >= ceil(t tor_up / agg_down)`` aggregation switches, raised until A divides `tor_up`, so that
each ToR has the same whole number of links to each; ``T tor_up`` links between them. With several
pods ``A agg_up`` links leave each pod for ``ceil(pods A agg_up / core_down)`` cores. All times
`planes`.

The defaults are those of HPN 7.0: 128 + 8 spare ports of 200 Gb/s down and 60 of 400 Gb/s up on a
51.2 Tb/s ToR, 120 down and 8 up on an aggregation switch, 15 segments of 1,024 accelerators in a
pod: 240 ToRs and 120 aggregation switches.

References
----------
Qian et al., "Alibaba HPN: a data center network for large language model training", SIGCOMM 2024,
sections 4 and 5.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from pydantic import Field

from netloom.topology.clos import Level, assemble, level_of
from netloom.topology.fabric import Fabric
from netloom.topology.families.rail_optimized import even_spines
from netloom.topology.parameters import (
    Cluster,
    FamilyParameters,
    agreed,
    from_cluster,
    refuse,
    validated,
)
from netloom.topology.routing.tree import TreeRouting

KIND = "dual-tor"


class Parameters(FamilyParameters):
    """Parameters of a dual-ToR, dual-plane network."""

    segments: int = Field(ge=1, description="Segments of all pods.")
    segment_hosts: int = Field(
        default=1024, ge=1, description="Endpoints of one segment, a multiple of the rails."
    )
    rails: int = Field(default=8, ge=1, description="NICs of one node, one per rail.")
    planes: int = Field(
        default=2, ge=1, description="Planes, and ToRs of a NIC: one link of each NIC in each."
    )
    tor_down: int = Field(default=128, ge=1, description="Ports of a ToR for hosts.")
    tor_spare: int = Field(default=8, ge=0, description="Ports of a ToR for stand-by hosts.")
    tor_up: int = Field(default=60, ge=1, description="Uplinks of a ToR.")
    agg_down: int = Field(
        default=120, ge=1, description="Ports of an aggregation switch towards ToRs."
    )
    agg_up: int = Field(
        default=8, ge=0, description="Ports of an aggregation switch towards cores."
    )
    core_down: int = Field(default=128, ge=1, description="Ports of a core switch.")
    pod_segments: int | None = Field(
        default=None, ge=1, description="Segments of one pod; all of them when left out."
    )
    uplink_speed: int = Field(
        default=2, ge=1, description="Rate of a link above the ToRs over that of a host link."
    )
    hosts: int | None = Field(
        default=None, ge=1, description="Endpoints, when fewer than all segments hold."
    )


def build(parameters: Parameters) -> Fabric:
    """Return the dual-ToR network."""
    p = parameters
    hosts = _checked_hosts(p)
    per_pod, pods = _pods(p)
    aggs = _aggs(p, per_pod)
    tors = p.segments * p.rails
    segment, rail = np.divmod(np.arange(tors), p.rails)
    agg_links = np.full(pods, aggs * p.agg_up if pods > 1 else 0)
    levels = [
        Level(
            "tor", p.tor_down + p.tor_spare + p.tor_up, np.ones(tors, dtype=np.int64),
            np.full(tors, p.tor_up), segment // per_pod, segment, rail,
        ),
        level_of("agg", p.agg_down + p.agg_up, np.full(pods, aggs), agg_links),
    ]  # fmt: skip
    if pods > 1:
        levels[1] = dataclasses.replace(levels[1], parent=np.zeros(pods, dtype=np.int64))
        levels.append(
            level_of("core", p.core_down, _cores(p, pods, aggs), np.zeros(1, dtype=np.int64))
        )
    endpoint = np.arange(hosts)
    fabric = assemble(
        KIND, p.model_dump(), levels, endpoint // p.segment_hosts * p.rails + endpoint % p.rails,
        link_bytes_per_s=p.link_bytes_per_s, planes=p.planes, cage_ports=p.cage_ports,
    )  # fmt: skip
    return _with_faster_uplinks(fabric, p.uplink_speed)


def _with_faster_uplinks(fabric: Fabric, speed: int) -> Fabric:
    """Return the fabric with links above the ToRs, and their bundles, at a multiple of the rate."""
    routing = fabric.routing
    if speed == 1 or not isinstance(routing, TreeRouting):
        return fabric
    bundles = routing.bundles
    # stages 0 and 1 are the host links
    factor = np.where(bundles.stage >= 2, float(speed), 1.0)
    bundles = dataclasses.replace(bundles, bytes_per_s=bundles.bytes_per_s * factor)
    above = tuple(
        dataclasses.replace(
            link_class,
            link_bytes_per_s=link_class.link_bytes_per_s * speed,
            links_per_cable=max(1, link_class.links_per_cable // speed),
        )
        for link_class in fabric.link_classes[1:]
    )
    return dataclasses.replace(
        fabric,
        link_classes=(fabric.link_classes[0], *above),
        routing=dataclasses.replace(routing, bundles=bundles),
    )


def _checked_hosts(p: Parameters) -> int:
    below, over = divmod(p.segment_hosts, p.rails)
    if over:
        near = [count * p.rails for count in (below, below + 1) if count]
        raise refuse(
            KIND, "segment_hosts", p.segment_hosts, f"no multiple of {p.rails} rails", near
        )
    if below > p.tor_down:
        raise refuse(
            KIND, "segment_hosts", p.segment_hosts,
            f"{below} hosts on a ToR with {p.tor_down} ports for them",
            (p.tor_down * p.rails, f"tor_down: {below}"),
        )  # fmt: skip
    positions = p.segments * p.segment_hosts
    if p.hosts is not None and p.hosts > positions:
        raise refuse(
            KIND, "hosts", p.hosts,
            f"{p.segments} segments of {p.segment_hosts} hold {positions}",
            (positions, f"segments: {-(-p.hosts // p.segment_hosts)}"),
        )  # fmt: skip
    return positions if p.hosts is None else p.hosts


def _pods(p: Parameters) -> tuple[int, int]:
    """Return segments of a full pod, and pods."""
    per_pod = min(p.segments, p.pod_segments or p.segments)
    return per_pod, -(-p.segments // per_pod)


def _aggs(p: Parameters, per_pod: int) -> int:
    """Return the aggregation switches of one pod and plane."""
    aggs = even_spines(per_pod * p.rails, p.tor_up, p.agg_down)
    if aggs is None:
        most = p.agg_down // p.rails
        raise refuse(
            KIND, "segments" if p.pod_segments is None else "pod_segments", per_pod,
            f"{per_pod * p.rails} ToRs of one plane need a port each on every aggregation switch, "
            f"which has {p.agg_down}",
            (*([f"pod_segments: {most}"] if most else []), f"agg_down: {per_pod * p.rails}"),
        )  # fmt: skip
    return aggs


def _cores(p: Parameters, pods: int, aggs: int) -> int:
    """Return the cores of one plane; every pod has a link to each."""
    links = aggs * p.agg_up
    if not links:
        raise refuse(KIND, "agg_up", p.agg_up, f"{pods} pods need links between them", (1,))
    cores = -(-pods * links // p.core_down)
    if cores > links:
        raise refuse(
            KIND, "core_down", p.core_down,
            f"{links} uplinks of a pod do not reach {cores} cores", (pods,),
        )  # fmt: skip
    return cores


def closed_form(parameters: Parameters) -> dict[str, int]:
    """Return switches by tier and links by link class, as the module's text states them."""
    p = parameters
    per_pod = min(p.segments, p.pod_segments or p.segments)
    pods = -(-p.segments // per_pod)
    aggs = -(-per_pod * p.rails * p.tor_up // p.agg_down)
    while p.tor_up % aggs:
        aggs += 1
    plane = {
        "tor": p.segments * p.rails,
        "agg": pods * aggs,
        "host-tor": p.hosts or p.segments * p.segment_hosts,
        "tor-agg": p.segments * p.rails * p.tor_up,
    }
    if pods > 1:
        plane |= {
            "core": -(-pods * aggs * p.agg_up // p.core_down),
            "agg-core": pods * aggs * p.agg_up,
        }
    return {name: p.planes * count for name, count in plane.items()}


def sized(cluster: Cluster, given: dict[str, Any]) -> Parameters:
    """Return segments for a cluster; see `netloom.topology.sized`.

    Left out, a ToR has half its ports for hosts and 1/32 in spare, the rest go up at twice the
    rate; an aggregation switch has 1/16 of its ports towards cores: with 256 ports this is HPN 7.0.
    Segments are as large as a ToR allows, and a pod has as many as an aggregation switch allows.
    """
    hosts = cluster.hosts
    filled = from_cluster(Parameters, KIND, given, cluster)
    rails = filled.setdefault("rails", cluster.nics_per_node)
    if rails != cluster.nics_per_node:
        raise refuse(
            KIND,
            "rails",
            rails,
            f"a node has {cluster.nics_per_node} NICs",
            (cluster.nics_per_node,),
        )
    speed = filled.setdefault("uplink_speed", 2)
    _fill_ports(filled, cluster.num_ports, speed)
    filled["hosts"] = agreed(KIND, filled, "hosts", hosts, f"it has {hosts} NICs")
    per_segment = filled.setdefault("segment_hosts", filled["tor_down"] * rails)
    segments = filled.setdefault("segments", -(-hosts // per_segment))
    most = filled["agg_down"] // rails
    if "pod_segments" not in filled and 0 < most < segments:
        filled["pod_segments"] = most
    return validated(Parameters, KIND, filled)


def _fill_ports(filled: dict[str, Any], num_ports: int, speed: int) -> None:
    """Fill in how switches of `num_ports` host-rate ports are divided; refuse what they lack."""
    down = filled.setdefault("tor_down", max(1, num_ports // 2))
    spare = filled.setdefault("tor_spare", num_ports // 32)
    most_up = (num_ports - down - spare) // speed
    up = filled.setdefault("tor_up", max(1, most_up))
    if up > most_up:
        raise refuse(
            KIND, "tor_up", up,
            f"{down} + {spare} ports down and {up} up at {speed} times the rate need "
            f"{down + spare + up * speed} ports, the switch has {num_ports} at the host rate",
            ([most_up] if most_up > 0 else [f"tor_down: {max(1, num_ports // 2)}"]),
        )  # fmt: skip
    fast = num_ports // speed
    agg_up = filled.setdefault("agg_up", min(max(1, fast // 16), fast - 1))
    agg_down = filled.setdefault("agg_down", max(1, fast - agg_up))
    if agg_down + agg_up > fast:
        raise refuse(
            KIND, "agg_down", agg_down,
            f"the switch has {fast} ports at {speed} times the host rate, {agg_up} of them up",
            ([fast - agg_up] if fast > agg_up else [f"agg_up: {fast // 16}"]),
        )  # fmt: skip
    if filled.setdefault("core_down", fast) > fast:
        raise refuse(
            KIND, "core_down", filled["core_down"],
            f"the switch has {fast} ports at {speed} times the host rate", (fast,),
        )  # fmt: skip
