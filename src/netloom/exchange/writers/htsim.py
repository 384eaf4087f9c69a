"""htsim: ``fabric.topo``, a folded Clos network by its radices, and ``flows.cm``, a flow list.

htsim builds the network from a few numbers: hosts in order under leaves, leaves in order in pods,
each leaf with `Bundle` links to every spine of its pod; spine j of every pod with `Bundle` links to
the same cores, which no other spine of the pod has. A fabric is written when its links are just
these, up to the numbering of hosts: where hosts hang on leaves in another order, as in a
rail-optimized fabric, ``endpoints.csv`` says who is who, and flows are renumbered.

References
----------
github.com/Broadcom/csg-htsim and github.com/ultraethernet/uet-htsim, sim/datacenter:
``fat_tree_topology.cpp`` (checks of the file), ``connection_matrix.cpp``; times in picoseconds.

Legend for shapes: E endpoints, S switches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from netloom.errors import ParameterError
from netloom.exchange.writers import COMMON_LOSS, Scenario, Written, check_forwards
from netloom.topology.fabric import Fabric

#: Whole numbers are read as 32 bits with sign.
_MOST_BYTES = 2**31 - 1


@dataclass(frozen=True)
class _Clos:
    """A network as htsim builds it.

    Attributes
    ----------
    num_pods : pods; 1 of two tiers.
    down, up : ports of a switch by tier; the last tier has none up.
    bundle : links between two neighbours, by the upper tier.
    gbps : links below each tier.
    order : int64, shape (E,), endpoint of each htsim host.
    """

    num_pods: int
    down: tuple[int, ...]
    up: tuple[int, ...]
    bundle: tuple[int, ...]
    gbps: tuple[int, ...]
    order: NDArray[np.int64]


def write(scenario: Scenario) -> Written:
    """Return topology and flows, and who is who where hosts are renumbered."""
    check_forwards(scenario, "htsim")
    clos = _clos_of(scenario.fabric)
    files = {"fabric.topo": _topology_text(scenario, clos)}
    lost = [COMMON_LOSS, "names, rails and routing rules"]
    host_of = np.empty_like(clos.order)
    host_of[clos.order] = np.arange(len(clos.order))
    if (clos.order != np.arange(len(clos.order))).any():
        names = scenario.endpoint_names
        rows = [f"{host},{end},{names[end]}" for host, end in enumerate(clos.order.tolist())]
        files["endpoints.csv"] = "\n".join(["host,endpoint,name", *rows]) + "\n"
        lost.append("the order of endpoints: hosts are numbered leaf by leaf, see endpoints.csv")
    if len(scenario.flows):
        files["flows.cm"], inexact = _flow_text(scenario, host_of)
        if inexact:
            lost.append(
                f"starts of {inexact:,} flows to the last digit: htsim reads picoseconds as "
                "32-bit floats"
            )
    return Written(files, tuple(lost))


def _topology_text(scenario: Scenario, clos: _Clos) -> str:
    num_hosts = len(clos.order)
    link_ns = _whole_ns(scenario.link_latency_s, "link", least=1)
    switch_ns = _whole_ns(scenario.switch_latency_s, "switch", least=0)
    lines = [
        f"# {scenario.fabric.kind}, {num_hosts} endpoints",
        f"Nodes {num_hosts}", f"Tiers {len(clos.down)}", f"Podsize {num_hosts // clos.num_pods}",
    ]  # fmt: skip
    for tier, down in enumerate(clos.down):
        lines += ["", f"Tier {tier}", f"Downlink_speed_Gbps {clos.gbps[tier]}"]
        lines.append(f"Radix_Down {down}")
        if tier < len(clos.up):
            lines.append(f"Radix_Up {clos.up[tier]}")
        lines += [f"Downlink_Latency_ns {link_ns}", f"Switch_Latency_ns {switch_ns}"]
        if clos.bundle[tier] > 1:
            lines.append(f"Bundle {clos.bundle[tier]}")
        if tier < len(clos.up) and down > clos.up[tier]:
            lines.append(f"Oversubscribed {down // clos.up[tier]}")
    return "\n".join(lines) + "\n"


def _whole_ns(seconds: float, what: str, least: int) -> int:
    ns = round(seconds * 1e9)
    if ns < least or abs(ns - seconds * 1e9) > 1e-6:
        raise ParameterError(
            f"htsim takes whole nanoseconds, a {what} latency of {seconds * 1e9:g} ns is none",
            hint=f"write --{what}-latency {max(ns, least)}ns",
        )
    return ns


def _flow_text(scenario: Scenario, host_of: NDArray[np.int64]) -> tuple[str, int]:
    """Return the connection matrix, and how many starts it rounds."""
    flows = scenario.flows
    if flows.size_bytes.max() > _MOST_BYTES:
        raise ParameterError(
            f"htsim reads flows of {_MOST_BYTES:,} bytes at most, one has "
            f"{flows.size_bytes.max():,}",
            hint="split it into several flows",
        )
    start_ps = np.round(flows.start_s * 1e12).astype(np.int64)
    read_back = start_ps.astype(np.float32).astype(np.float64)
    inexact = int((np.abs(read_back * 1e-12 - flows.start_s) > 1e-15 * flows.start_s).sum())
    lines = [f"Nodes {len(host_of)}", f"Connections {len(flows)}"]
    lines += (
        f"{source}->{target} id {number} start {start} size {size}"
        for number, (source, target, start, size) in enumerate(
            zip(host_of[flows.source].tolist(), host_of[flows.target].tolist(),
                start_ps.tolist(), flows.size_bytes.tolist(), strict=True),
            start=1,
        )
    )  # fmt: skip
    return "\n".join(lines) + "\n", inexact


def _refuse(fabric: Fabric, why: str, hint: str) -> NoReturn:
    raise ParameterError(f"htsim cannot express fabric '{fabric.kind}': {why}", hint=hint)


def _clos_of(fabric: Fabric) -> _Clos:
    """Return a fabric's numbers; raise `ParameterError` when it is not what they build."""
    num_tiers = len(fabric.tiers)
    ends = [(kind.lower, kind.upper) for kind in fabric.link_classes]
    if num_tiers not in (2, 3) or ends != [(tier - 1, tier) for tier in range(num_tiers)]:
        _refuse(
            fabric, "it is no folded Clos network of two or three tiers",
            "htsim takes fat-tree, leaf-spine and rail-optimized; hpcc and simgrid take any graph",
        )  # fmt: skip
    leaf = _leaf_of(fabric)
    pod = _pods(fabric)
    down, up, bundle = _radices(fabric, leaf, pod)
    if num_tiers == 3:
        _check_cores(fabric, pod)
    for tier, above in enumerate(up):
        if down[tier] % above:
            _refuse(
                fabric,
                f"a {fabric.tiers[tier].name} has {down[tier]} links down and {above} up, and "
                "htsim knows whole oversubscription alone",
                f"let {above} divide {down[tier]}",
            )
    rates = [kind.link_bytes_per_s * 8e-9 for kind in fabric.link_classes]
    if len(set(rates)) > 1 or rates[0] != round(rates[0]):
        _refuse(
            fabric, f"its links run at {', '.join(f'{rate:g}' for rate in rates)} Gb/s",
            "htsim takes one rate for all tiers, in whole Gb/s",
        )  # fmt: skip
    order = np.lexsort((np.arange(fabric.num_endpoints), leaf, pod[leaf]))
    gbps = tuple(round(rate) for rate in rates)
    num_pods = int(pod.max()) + 1 if num_tiers == 3 else 1
    return _Clos(num_pods, down, up, bundle, gbps, order)


def _leaf_of(fabric: Fabric) -> NDArray[np.int64]:
    """Return the leaf of every endpoint, int64, shape (E,)."""
    host = fabric.trunk_class == 0
    ports = np.bincount(
        fabric.trunk_lower[host], fabric.trunk_links[host], minlength=fabric.num_endpoints
    )
    if ports.max() > 1 or ports.min() < 1:
        _refuse(
            fabric, f"endpoints have {ports.min():g} to {ports.max():g} links",
            "htsim hosts have one: export one plane at its own rate, with planes=1",
        )  # fmt: skip
    leaf = np.empty(fabric.num_endpoints, dtype=np.int64)
    leaf[fabric.trunk_lower[host]] = fabric.trunk_upper[host]
    return leaf


def _pods(fabric: Fabric) -> NDArray[np.int64]:
    """Return the pod of every leaf and spine, int64, shape (S,): what leaf-spine links join."""
    inner = fabric.trunk_class == 1
    lower, upper = fabric.trunk_lower[inner], fabric.trunk_upper[inner]
    # every switch takes the first leaf that it can reach, until nothing changes
    first = np.arange(fabric.num_switches)
    before = np.zeros_like(first)
    while (before != first).any():
        before = first.copy()
        np.minimum.at(first, upper, first[lower])
        np.minimum.at(first, lower, first[upper])
    below_core = fabric.switch_tier < 2
    found = np.full(fabric.num_switches, -1, dtype=np.int64)
    found[below_core] = np.unique(first[below_core], return_inverse=True)[1]
    return found


def _radices(
    fabric: Fabric, leaf: NDArray[np.int64], pod: NDArray[np.int64]
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Return ports down, ports up and bundles by tier, each the same on all switches of a tier."""
    num_tiers = len(fabric.tiers)
    if num_tiers == 2 and pod.max() > 0:
        _refuse(fabric, f"it is {pod.max() + 1} networks side by side", "export one of them")
    links = fabric.trunk_links
    down, up, bundle = [], [], [1]
    for tier in range(num_tiers):
        number = np.flatnonzero(fabric.switch_tier == tier)
        below, above = fabric.trunk_class == tier, fabric.trunk_class == tier + 1
        ports = np.bincount(fabric.trunk_upper[below], links[below], fabric.num_switches)[number]
        down.append(_same(fabric, ports, f"{fabric.tiers[tier].name} ports down"))
        if tier + 1 < num_tiers:
            ports = np.bincount(fabric.trunk_lower[above], links[above], fabric.num_switches)
            up.append(_same(fabric, ports[number], f"{fabric.tiers[tier].name} ports up"))
            bundle.append(
                _same(fabric, links[above], f"{fabric.link_classes[tier + 1].name} links")
            )
    count = np.bincount(pod[fabric.switch_tier == 0])
    _same(fabric, count, "leaves of a pod")
    spines = _same(fabric, np.bincount(pod[fabric.switch_tier == 1]), "spines of a pod")
    if up[0] != spines * bundle[1]:
        _refuse(
            fabric, f"a leaf reaches {up[0] // bundle[1]} of {spines} spines of its pod",
            "htsim joins every leaf to all spines of its pod",
        )  # fmt: skip
    return tuple(down), tuple(up), tuple(bundle)


def _same(fabric: Fabric, values: NDArray[np.generic], what: str) -> int:
    low, high = int(values.min()), int(values.max())
    if low != high:
        _refuse(
            fabric, f"{what} are {low} to {high}",
            "htsim takes as many everywhere: fill all leaves and pods, as fat-tree with hosts = "
            "radix^3 / 4 does",
        )  # fmt: skip
    return low


def _check_cores(fabric: Fabric, pod: NDArray[np.int64]) -> None:
    """Check that spines of a pod share no core, and that all pods have the same sets of cores."""
    upper = fabric.trunk_class == 2
    cores: dict[int, list[int]] = {}
    for spine, core in zip(
        fabric.trunk_lower[upper].tolist(), fabric.trunk_upper[upper].tolist(), strict=True
    ):
        cores.setdefault(spine, []).append(core)
    by_pod: dict[int, list[tuple[int, ...]]] = {}
    for spine, reached in sorted(cores.items()):
        by_pod.setdefault(int(pod[spine]), []).append(tuple(sorted(reached)))
    sets = {tuple(sorted(found)) for found in by_pod.values()}
    planes = next(iter(sets))
    reached_once = len({core for part in planes for core in part}) == sum(map(len, planes))
    if len(sets) > 1 or not reached_once:
        _refuse(
            fabric, "spines of different pods do not share their cores evenly",
            "htsim takes spine j of every pod to the same cores, and no other spine of the pod to "
            "them",
        )  # fmt: skip
