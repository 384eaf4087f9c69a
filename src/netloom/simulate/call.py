"""What a collective library adds to a call: its steps' latency, and what its protocol carries.

The formulas are those of NCCL's tuning model; every constant is the library part's.

References
----------
.. [1] NVIDIA/nccl, src/graph/tuning.cc, release 2.30.7, `ncclTopoTuneModel`.
"""

from __future__ import annotations

from netloom.catalog.parts import CollectiveLibrary
from netloom.collective import Steps


def call_latency_s(
    library: CollectiveLibrary,
    key: str,
    steps: Steps,
    num_ranks: int,
    num_nodes: int,
    *,
    hop_s: float = 0.0,
    fabric_s: float = 0.0,
) -> float:
    """Return the latency of one small call, `base + steps * step` [1]_.

    Parameters
    ----------
    key : algorithm and protocol, such as ``"ring/simple"``.
    hop_s : least time of a step inside a node, by the hardware.
    fabric_s : least time of a step between nodes, by the fabric.

    Examples
    --------
    A ring all-reduce of 8 ranks on one node, 8.4 + 14 * 3.4 us:

    >>> from netloom import catalog
    >>> library = catalog.get("collective-library", "nccl-2.30")
    >>> latency_s = call_latency_s(library, "ring/simple", Steps(14, 0, True), 8, 1)
    >>> round(latency_s * 1e6, 1)
    56.0
    """
    wire = key.partition("/")[2]
    inside_s = max(float(library.scale_up_latency_s[key]), hop_s)
    if num_nodes > 1 and steps.paced_by_network:
        inside_s = max(inside_s, float(library.network_overhead_s[wire]))
    # with one rank per node nothing hides the network, and NCCL takes the tree's step for a ring
    lone_ring = key.startswith("ring/") and num_ranks == num_nodes
    step_key = f"tree/{wire}" if lone_ring else key
    across_s = max(float(library.network_latency_s[step_key]), fabric_s)
    latency_s = float(library.base_latency_s[key])
    latency_s += steps.num_scale_up * inside_s + steps.num_network * across_s
    if steps.num_local:
        latency_s += steps.num_local * float(library.local_latency_s[key])
    return latency_s


def has_plateau(
    library: CollectiveLibrary,
    operation: str,
    key: str,
    num_ranks: int,
    num_nodes: int,
    size_bytes: float,
) -> bool:
    """Return whether a call is so large that the library's latency is `plateau_latency_factor` up.

    That is a ring/simple all-reduce across nodes from `plateau_bytes_per_rank` on [1]_.
    """
    return (
        (operation, key) == ("all-reduce", "ring/simple")
        and num_nodes > 1
        and size_bytes >= float(library.plateau_bytes_per_rank) * num_ranks
    )


def protocol_cap_bytes_per_s(
    library: CollectiveLibrary, scale_up: str, key: str, num_nodes: int
) -> float:
    """Return the most bus bandwidth that a protocol reaches, whatever the links; infinite if none.

    LL writes eight bytes of data beside eight of flags and, between nodes, through the host; NCCL
    caps it by the accelerator's generation on one node, and by the host on more [1]_.

    Examples
    --------
    >>> from netloom import catalog
    >>> library = catalog.get("collective-library", "nccl-2.30")
    >>> protocol_cap_bytes_per_s(library, "nvlink-4", "ring/ll", 1) / 1e9
    141.0
    """
    tuning = library.tuning
    if tuning is None or key not in ("ring/ll", "tree/ll"):
        return float("inf")
    if num_nodes > 1:
        return float(tuning.across_ll_cap_bytes_per_s[0 if num_nodes == 2 else 1])
    generation = tuning.generation.get(scale_up)
    if generation is None:
        return float("inf")
    return float(tuning.inside_ll_cap_bytes_per_s[generation])
