"""Which algorithm and protocol NCCL would choose: its own estimate of time, least first.

NCCL does not see the fabric. It counts the links of an accelerator and the rate of its NICs, finds
how many channels of which rate fit, takes a share of that for each algorithm and protocol, and adds
its latency formula. Its estimates are no prices of ours; only the order counts.

All constants are the library part's (`netloom.catalog.tuning.Tuning`). Not followed: the latency
that a network plugin reports for its NIC (zero here), fewer channels for short messages, and the
search for channels itself, of which `channels` keeps the bound that switched nodes reach.

References
----------
.. [1] NVIDIA/nccl, src/graph/tuning.cc, release 2.30.7, `ncclTopoTuneModel`, `ncclTopoGetAlgoTime`.
.. [2] NVIDIA/nccl, src/graph/search.cc, `ncclTopoCompute`, `ncclTopoDupChannels`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from netloom.catalog.parts import CollectiveLibrary
from netloom.catalog.quantity import Quantity
from netloom.catalog.tuning import Tuning
from netloom.collective import ALGORITHMS
from netloom.errors import ParameterError, nearest
from netloom.simulate.call import call_latency_s, has_plateau, protocol_cap_bytes_per_s

#: Operation -> the algorithms that NCCL rates for it [1]_; what is missing has only one way.
RATED = {
    "all-reduce": ("ring", "tree", "nvls", "nvls-tree", "collnet-direct", "collnet-chain"),
    "all-gather": ("ring", "pat", "nvls", "collnet-direct"),
    "reduce-scatter": ("ring", "pat", "nvls", "collnet-direct"),
    "broadcast": ("ring",),
    "reduce": ("ring",),
}

#: Algorithms whose channels start at a head, one per accelerator and NIC.
_HEADED = ("nvls", "nvls-tree", "collnet-direct")

#: Algorithms whose channels are no closed rings.
_OPEN = ("tree", "pat", "collnet-chain")

#: Smallest size of the correction table, 64 B; each entry doubles it.
_FIRST_CORRECTED_LOG2 = 6


@dataclass(frozen=True)
class Group:
    """What the library sees of one communicator.

    Attributes
    ----------
    num_ranks, num_nodes : of the communicator.
    num_nics : that its ranks own on one node.
    nic_bytes_per_s : rate of one of them, one way.
    scale_up : name of the part inside nodes.
    in_network : whether switches between nodes reduce for the library (CollNet).
    """

    num_ranks: int
    num_nodes: int
    num_nics: int
    nic_bytes_per_s: float
    scale_up: str
    in_network: bool = False

    @property
    def ranks_per_node(self) -> float:
        """Ranks over nodes."""
        return self.num_ranks / self.num_nodes


class Channels(NamedTuple):
    """Channels of one algorithm: how many, and the rate of one inside a node and across."""

    num: int
    inside_bytes_per_s: float
    across_bytes_per_s: float


def choose(
    library: CollectiveLibrary,
    group: Group,
    operation: str,
    keys: Iterable[str],
    size_bytes: float,
) -> str | None:
    """Return the key that NCCL would take of those that are to be had; None where it rates none.

    Examples
    --------
    On one node of eight H100, by size:

    >>> from netloom import catalog
    >>> library = catalog.get("collective-library", "nccl-2.30")
    >>> group = Group(8, 1, 8, 50e9, "nvlink-4")
    >>> [choose(library, group, "all-reduce", library.base_latency_s, 2.0**p) for p in (10, 20, 24)]
    ['ring/ll', 'ring/ll', 'nvls/simple']
    """
    rated = {
        key: estimate_s(library, group, operation, key, size_bytes)
        for key in keys
        if key.partition("/")[0] in RATED.get(operation, ())
    }
    best = min(rated, key=lambda key: rated[key], default=None)
    return best if best is not None and rated[best] < inf else None


def estimate_s(
    library: CollectiveLibrary, group: Group, operation: str, key: str, size_bytes: float
) -> float:
    """Return NCCL's estimate of one call, infinite where it would not use the key [1]_.

    Examples
    --------
    8 GiB by ring/simple on eight H100: 360 GB/s times 8/14 is 205.7 GB/s.

    >>> from netloom import catalog
    >>> library = catalog.get("collective-library", "nccl-2.30")
    >>> group = Group(8, 1, 8, 50e9, "nvlink-4")
    >>> round(8e9 / estimate_s(library, group, "all-reduce", "ring/simple", 8e9) / 1e9, 1)
    205.4
    """
    tuning, generation = _tables(library, group.scale_up)
    if not _enabled(tuning, generation, group, operation, key):
        return inf
    algorithm, wire = key.split("/")
    rate = algorithm_bytes_per_s(library, group, operation, key)
    if operation == "all-reduce":
        rate *= _correction(tuning, generation, algorithm, wire, size_bytes)
    if rate == 0.0:
        return inf
    steps = ALGORITHMS.get(algorithm).steps(operation, group.num_ranks, group.num_nodes)
    latency_s = call_latency_s(library, key, steps, group.num_ranks, group.num_nodes)
    if has_plateau(library, operation, key, group.num_ranks, group.num_nodes, size_bytes):
        latency_s *= float(library.plateau_latency_factor)
    return latency_s + size_bytes / rate


def algorithm_bytes_per_s(
    library: CollectiveLibrary, group: Group, operation: str, key: str
) -> float:
    """Return the algorithm bandwidth by which NCCL rates a key, before its size correction [1]_.

    The channels' rate is turned into bytes of the operation: of n ranks by n over the steps of a
    ring for rings and reduction in scale-up switches, by one half for the rest of all-reduce.
    """
    tuning, _ = _tables(library, group.scale_up)
    algorithm = key.split("/")[0]
    found = channels(tuning, group, algorithm)
    bus = _bus_bytes_per_s(library, group, operation, key, found)
    if algorithm != "ring" and operation in ("all-gather", "reduce-scatter"):
        return bus
    if algorithm in ("ring", "nvls", "nvls-tree"):
        return bus * group.num_ranks / _ring_steps(operation, group.num_ranks)
    return bus / 2


def channels(tuning: Tuning, group: Group, algorithm: str) -> Channels:
    """Return how many channels fit, and at which of the library's rates [2]_.

    Of all rates the one whose channels carry most together, the fastest of equals. Channels inside
    a node are alike, so that an accelerator sends in all of them; a channel that leaves the node
    does so from one of g accelerators, which leaves g/(g-1) of the links' rate to all. In the end
    an open channel, which needs not come back, may run faster inside than across, up to twice.

    Examples
    --------
    Six rings of 60 GB/s inside eight H100, split in two:

    >>> from netloom import catalog
    >>> tuning = catalog.get("collective-library", "nccl-2.30").tuning
    >>> channels(tuning, Group(8, 1, 8, 50e9, "nvlink-4"), "ring")
    Channels(num=12, inside_bytes_per_s=30000000000.0, across_bytes_per_s=30000000000.0)
    """
    generation = tuning.generation[group.scale_up]
    single = group.num_nodes == 1
    table = tuning.inside_channel_bytes_per_s if single else tuning.across_channel_bytes_per_s
    rates = [float(rate) for rate in table[generation]]
    nic = inf if single else group.nic_bytes_per_s
    carried = [rate for rate in rates if rate <= nic] or rates[-1:]
    members = max(1, round(group.ranks_per_node))
    links = float(tuning.scale_up_bytes_per_s[group.scale_up]) if members > 1 else inf
    if algorithm in _HEADED:
        heads = members if single else min(members, group.num_nics)
        inside = next((rate for rate in carried if heads * rate <= links), carried[-1])
        return Channels(heads, inside, carried[0])
    links_of_open = links * members / (members - 1) if members > 1 else inf
    most = int(float(tuning.max_channels))

    def fitting(rate: float) -> int:
        by_nics = most if single else group.num_nics * int(nic / rate)
        by_links = (links if single else links_of_open) / rate
        return int(min(most, by_nics, by_links))

    rate = max(carried, key=lambda rate: (fitting(rate) * rate, rate))
    num = max(1, fitting(rate))
    if num <= float(tuning.few_channels):
        split_from = tuning.double_from_bytes_per_s
    else:
        split_from = tuning.double_many_from_bytes_per_s[generation]
    if rate >= float(split_from) and 2 * num <= most:
        num, rate = 2 * num, rate / 2
    inside = rate
    if algorithm in _OPEN:
        raised = [
            faster for faster in rates if faster <= 2 * rate and num * faster <= links_of_open
        ]
        inside = max([rate, *raised])
    return Channels(num, inside, rate)


def _tables(library: CollectiveLibrary, scale_up: str) -> tuple[Tuning, str]:
    """Return the library's tables and the line of a scale-up part."""
    tuning = library.tuning
    if tuning is None:
        raise ParameterError(
            f"library '{library.name}' has no published chooser",
            hint='leave the chooser at "fastest"',
        )
    if scale_up not in tuning.generation:
        raise ParameterError(
            f"library '{library.name}' does not say how it rates '{scale_up}'",
            hint=f'{nearest(scale_up, tuning.generation)}; or leave the chooser at "fastest"',
        )
    return tuning, tuning.generation[scale_up]


def _enabled(tuning: Tuning, generation: str, group: Group, operation: str, key: str) -> bool:
    """Return whether NCCL considers a key at all [1]_."""
    algorithm, wire = key.split("/")
    across = group.num_nodes > 1
    if algorithm not in RATED.get(operation, ()):
        return False
    if algorithm not in ("ring", "tree") and wire != "simple":
        return False
    return {
        "pat": group.ranks_per_node == 1,
        "nvls": generation in tuning.nvls_efficiency
        and group.ranks_per_node > 1
        and (group.in_network or not across),
        "nvls-tree": generation in tuning.nvls_efficiency and group.ranks_per_node > 1 and across,
        "collnet-direct": group.in_network and across,
        "collnet-chain": group.in_network and across,
    }.get(algorithm, True)


def _bus_bytes_per_s(
    library: CollectiveLibrary, group: Group, operation: str, key: str, found: Channels
) -> float:
    """Return the rate of all channels together, after the algorithm's and protocol's shares."""
    tuning, generation = _tables(library, group.scale_up)
    algorithm, wire = key.split("/")
    inside, across = found.inside_bytes_per_s, found.across_bytes_per_s
    nodes_column = min(group.num_nodes, 3) - 1

    def cap(of: str) -> float:
        return float(tuning.channel_cap_bytes_per_s[of][generation][nodes_column])

    if algorithm in ("nvls", "nvls-tree"):
        return found.num * _reduced_by_switches(tuning, generation, group, operation, key, found)
    if algorithm == "collnet-direct":
        return _collnet_direct(tuning, generation, group, operation, found)
    bus = found.num * (inside if group.num_nodes <= 2 or algorithm == "collnet-chain" else across)
    limit = protocol_cap_bytes_per_s(library, group.scale_up, key, group.num_nodes)
    if algorithm == "ring":
        bus *= _factor(tuning.protocol_factor, key)
        return min(bus, limit, found.num * cap(key) if wire == "ll128" else inf)
    if algorithm == "tree":
        bus = min(bus * float(tuning.tree_factor), found.num * cap("tree/simple"))
        if wire == "ll128" and group.num_nodes == 1:
            bus *= float(tuning.tree_ll128_inside_factor)
        else:
            bus *= _factor(tuning.protocol_factor, key)
        bus = min(bus, limit, found.num * cap(key) if wire == "ll128" else inf)
        return bus * _factor(tuning.tree_pattern_factor, generation)
    return bus * (float(tuning.pat_factor) if algorithm == "pat" else 1.0)


def _reduced_by_switches(
    tuning: Tuning, generation: str, group: Group, operation: str, key: str, found: Channels
) -> float:
    """Return the rate of one channel whose reduction scale-up switches make."""
    inside = found.inside_bytes_per_s * float(tuning.nvls_efficiency[generation])
    inside *= (found.num - 1) / found.num
    # an all-reduce keeps both directions of its links busy
    inside *= 2.0 if operation == "all-reduce" else 1 - 1 / group.ranks_per_node
    if key == "nvls/simple":
        return min(inside, found.across_bytes_per_s)
    pair = 2.0 if group.num_nodes == 2 else 1.0
    cap = tuning.channel_cap_bytes_per_s[key][generation][min(group.num_nodes, 3) - 1]
    return min(inside, pair * found.across_bytes_per_s, float(cap))


def _collnet_direct(
    tuning: Tuning, generation: str, group: Group, operation: str, found: Channels
) -> float:
    """Return the rate of all channels whose reduction network switches make."""
    members = group.ranks_per_node
    if operation != "all-reduce":
        gathered = float(tuning.collnet_gather_factor) * found.across_bytes_per_s
        return members * min(found.inside_bytes_per_s, gathered)
    shared = members / found.num
    shared -= (shared - 1) / 2
    bus = found.num * found.inside_bytes_per_s / shared
    return bus * _factor(tuning.collnet_direct_factor, generation)


def _correction(
    tuning: Tuning, generation: str, algorithm: str, wire: str, size_bytes: float
) -> float:
    """Return the share of its rate that an all-reduce of some size keeps."""
    entry = int(size_bytes).bit_length() - 1 - _FIRST_CORRECTED_LOG2
    table = tuning.tree_correction[wire]
    entries = 0
    if algorithm == "tree":
        entries = int(float(tuning.tree_corrected_sizes))
    elif algorithm == "nvls-tree" and generation in tuning.nvls_tree_corrected:
        entries = len(table)
    return float(table[entry]) if 0 <= entry < entries else 1.0


def _factor(table: dict[str, Quantity], key: str) -> float:
    return float(table[key]) if key in table else 1.0


def _ring_steps(operation: str, num_ranks: int) -> int:
    """Return the steps of a ring, by which NCCL turns channel rates into bytes of the operation."""
    return {"all-reduce": 2 * (num_ranks - 1), "broadcast": num_ranks, "reduce": num_ranks}.get(
        operation, num_ranks - 1
    )
