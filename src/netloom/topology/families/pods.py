"""Oversubscribed pods: hosts under rack switches, pods of racks, a thin layer between pods.

Closed form, r = rack_hosts, o = oversubscription of the pod layer (downlinks over uplinks):
``racks = ceil(hosts of the pod / r)``, each with a rack switch of ``u = round(r * rack_taper)``
uplinks. A pod has S spines, the fewest that divide u and whose ports hold their share of
``D = racks * u`` downlinks and ``U = ceil(D / o)`` uplinks; ``ceil(sum of U / k3)`` cores, at most
the uplinks of a full pod, and none for a single pod. Radix k1 of leaves, k2 of spines, k3 of cores;
a chassis counts as one switch.

References
----------
Gangidi et al., "RDMA over Ethernet for distributed AI training at Meta scale", SIGCOMM 2024, and
"The Llama 3 herd of models", 2024, section 3.3.1: 24,576 GPUs are 8 pods of 3,072, two servers of
eight GPUs in a rack, full bisection inside a pod, 1:7 between pods.
"""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field

from netloom.topology.clos import assemble, level_of, within
from netloom.topology.fabric import Fabric
from netloom.topology.parameters import Cluster, FamilyParameters, from_cluster, refuse, validated

KIND = "pods"


def _per_tier(raw: Any) -> Any:
    """Return one radix for all three tiers from a bare number, or from a comma list."""
    if isinstance(raw, str) and "," in raw:
        return tuple(part.strip() for part in raw.split(","))
    return raw if isinstance(raw, list | tuple) else (raw, raw, raw)


Ports = Annotated[int, Field(ge=2)]


class Parameters(FamilyParameters):
    """Parameters of oversubscribed pods."""

    pods: int = Field(ge=1, description="Pods.")
    pod_hosts: int = Field(ge=1, description="Endpoints of one pod.")
    rack_hosts: int = Field(default=16, ge=1, description="Endpoints under one rack switch.")
    rack_taper: float = Field(
        default=1.0, gt=0, description="Uplinks of a rack switch over its downlinks."
    )
    oversubscription: float = Field(
        default=7.0, ge=1, description="Downlinks of the pod layer over its uplinks."
    )
    radix: Annotated[tuple[Ports, Ports, Ports], BeforeValidator(_per_tier)] = Field(
        description="Ports of rack, pod and core switches at the link rate; or one for all."
    )
    hosts: int | None = Field(
        default=None, ge=1, description="Endpoints, when fewer than all pods hold."
    )


def build(parameters: Parameters) -> Fabric:
    """Return the pods."""
    p = parameters
    hosts = p.pods * p.pod_hosts if p.hosts is None else p.hosts
    if hosts > p.pods * p.pod_hosts:
        raise refuse(
            KIND, "hosts", hosts, f"{p.pods} pods of {p.pod_hosts} hold {p.pods * p.pod_hosts}",
            (p.pods * p.pod_hosts,),
        )  # fmt: skip
    if hosts <= (p.pods - 1) * p.pod_hosts:
        raise refuse(
            KIND, "pods", p.pods, f"{hosts} hosts leave a pod empty", (-(-hosts // p.pod_hosts),)
        )
    uplinks = _rack_uplinks(p)
    in_pod = np.minimum(p.pod_hosts, hosts - p.pod_hosts * np.arange(p.pods))
    racks = -(-in_pod // p.rack_hosts)
    spines, pod_links = _pod_layer(p, racks, uplinks)
    cores = -(-int(pod_links.sum()) // p.radix[2])
    # only the last pod may be smaller; full pods reach every core, so any two pods share one
    if cores > pod_links.max():
        raise refuse(
            KIND, "pods", p.pods,
            f"{pod_links.max()} uplinks of a pod do not reach {cores} cores of {p.radix[2]} ports",
            (p.radix[2], f"radix: [{p.radix[0]}, {p.radix[1]}, {p.pods}]"),
        )  # fmt: skip
    pod_of_rack = np.repeat(np.arange(p.pods), racks)
    levels = [
        level_of(
            "leaf", p.radix[0], 1, np.full(len(pod_of_rack), uplinks), pod_of_rack, pod_of_rack
        ),
        level_of("spine", p.radix[1], spines, pod_links, np.zeros_like(racks), np.arange(p.pods)),
        level_of("core", p.radix[2], cores, np.zeros(1, dtype=np.int64)),
    ]
    if p.pods == 1:
        levels = [
            levels[0],
            dataclasses.replace(levels[1], num_uplinks=0 * racks, parent=0 * racks[:0]),
        ]
    first_rack = np.cumsum(racks) - racks
    endpoint_leaf = np.repeat(first_rack, in_pod) + within(in_pod) // p.rack_hosts
    return assemble(
        KIND, p.model_dump(), levels, endpoint_leaf,
        link_bytes_per_s=p.link_bytes_per_s, planes=1, cage_ports=p.cage_ports,
    )  # fmt: skip


def _rack_uplinks(p: Parameters) -> int:
    uplinks = max(1, round(p.rack_hosts * p.rack_taper))
    if p.rack_hosts + uplinks > p.radix[0]:
        raise refuse(
            KIND, "rack_hosts", p.rack_hosts,
            f"a rack switch needs {p.rack_hosts} ports down and {uplinks} up and has {p.radix[0]}",
            (max(1, int(p.radix[0] / (1 + p.rack_taper))),),
        )  # fmt: skip
    return uplinks


def _pod_layer(p: Parameters, racks: np.ndarray, uplinks: int) -> tuple[np.ndarray, np.ndarray]:
    """Return spines and core links of each pod; pods of the same size are alike."""
    spines, links = np.empty_like(racks), np.empty_like(racks)
    for size in np.unique(racks):
        down = int(size) * uplinks
        up = int(np.ceil(down / p.oversubscription - 1e-9))
        fit = (
            count for count in range(1, uplinks + 1)
            if uplinks % count == 0 and -(-down // count) + -(-up // count) <= p.radix[1]
        )  # fmt: skip
        count = next(fit, None)
        if count is None:
            raise refuse(
                KIND, "pod_hosts", p.pod_hosts,
                f"its {size} rack switches with {uplinks} uplinks each need pod switches of "
                f"{size + -(-up // uplinks)} ports, they have {p.radix[1]}",
                (most_pod_hosts(p.rack_hosts, p.radix[1], p.oversubscription),
                 f"radix: [{p.radix[0]}, {size + -(-up // uplinks)}, {p.radix[2]}]"),
            )  # fmt: skip
        spines[racks == size], links[racks == size] = count, up
    return spines, links


def most_pod_hosts(rack_hosts: int, radix: int, oversubscription: float) -> int:
    """Return the most hosts of one pod: one link from each rack switch to each spine.

    Examples
    --------
    >>> most_pod_hosts(32, 64, 7.0)
    1792
    """
    return rack_hosts * max(1, int(radix * oversubscription / (1 + oversubscription) + 1e-9))


def closed_form(parameters: Parameters) -> dict[str, int]:
    """Return switches by tier and links by link class, as the module's text states them."""
    p = parameters
    hosts = p.hosts or p.pods * p.pod_hosts
    uplinks = max(1, round(p.rack_hosts * p.rack_taper))
    counts = {"host-leaf": hosts, "leaf": 0, "spine": 0, "leaf-spine": 0, "spine-core": 0}
    for pod in range(p.pods):
        racks = -(-min(p.pod_hosts, hosts - pod * p.pod_hosts) // p.rack_hosts)
        down, up = racks * uplinks, -int(-racks * uplinks / p.oversubscription // 1)
        spines = 1
        while uplinks % spines or -(-down // spines) + -(-up // spines) > p.radix[1]:
            spines += 1
        counts["leaf"] += racks
        counts["spine"] += spines
        counts["leaf-spine"] += down
        counts["spine-core"] += up
    if p.pods == 1:
        del counts["spine-core"]
        return counts
    return counts | {"core": -(-counts["spine-core"] // p.radix[2])}


def sized(cluster: Cluster, given: dict[str, Any]) -> Parameters:
    """Return pods for a cluster; see `netloom.topology.sized`.

    Left out, a rack switch gives half its ports to hosts, a pod is the largest that its switches
    allow (smaller when fewer pods of equal size do), and there are as many pods as hold the hosts.
    """
    hosts = cluster.hosts
    given = {"radix": cluster.num_ports} | given
    filled = from_cluster(Parameters, KIND, given, cluster)
    taper, over, radix = (
        filled.get("rack_taper", 1.0),
        filled.get("oversubscription", 7.0),
        filled["radix"],
    )
    rack_hosts = filled.setdefault("rack_hosts", max(1, int(radix[0] / (1 + taper) + 1e-9)))
    if "pod_hosts" not in filled:
        most = most_pod_hosts(rack_hosts, radix[1], over)
        per_pod = -(-hosts // filled.get("pods", -(-hosts // most)))
        filled["pod_hosts"] = -(-per_pod // rack_hosts) * rack_hosts
    filled.setdefault("pods", -(-hosts // filled["pod_hosts"]))
    filled.setdefault("hosts", hosts)
    if filled["hosts"] != hosts:
        raise refuse(KIND, "hosts", filled["hosts"], f"the cluster has {hosts} NICs", (hosts,))
    if filled["pods"] * filled["pod_hosts"] < hosts:
        raise refuse(
            KIND, "pods", filled["pods"],
            f"{filled['pods']} pods of {filled['pod_hosts']} do not hold {hosts}",
            (-(-hosts // filled["pod_hosts"]),),
        )  # fmt: skip
    return validated(Parameters, KIND, filled)
