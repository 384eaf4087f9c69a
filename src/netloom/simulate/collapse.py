"""Symmetric traffic, run as a few classes of flows instead of one by one.

Colour refinement (`netloom.kernels.refine`) finds the flows that have equal rates at all times
because nothing tells them apart: a ring over a million accelerators has as many classes as there
are kinds of neighbours. The classes run as flows of their own; results are those of the whole.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.simulate.flows import FlowTimes, latencies_s, run
from netloom.simulate.routes import Routes
from netloom.topology.fabric import Paths


@dataclass(frozen=True)
class Collapsed:
    """Flow classes on bundle classes.

    Attributes
    ----------
    routes : of one flow per class; shares are those of the whole class.
    size_bytes, start_s : of each flow class, float64.
    flow_class : int32, shape (F,), class of each flow.
    """

    routes: Routes
    size_bytes: NDArray[np.float64]
    start_s: NDArray[np.float64]
    flow_class: NDArray[np.int32]

    @property
    def num_classes(self) -> int:
        """Flow classes."""
        return len(self.size_bytes)


def collapse(
    routes: Routes,
    size_bytes: NDArray[np.float64] | float,
    start_s: NDArray[np.float64] | float = 0.0,
    *,
    link_latency_s: float = 0.0,
    switch_latency_s: float = 0.0,
) -> Collapsed:
    """Return the classes of flows that are alike in route, size, start and latency.

    Parameters are those of `netloom.simulate.flows.run`; latencies become part of the starts.
    """
    from netloom.kernels.components import renumbered
    from netloom.kernels.refine import colours, quotient, refine

    num_flows = len(routes.paths.num_hops)
    sizes = np.broadcast_to(np.asarray(size_bytes, dtype=np.float64), num_flows)
    starts = start_s + latencies_s(routes, link_latency_s, switch_latency_s)
    paths, crossed = renumbered(routes.arrays, len(routes.bytes_per_s))
    # stages are part of a bundle's colour, so that a class has a name
    parts = refine(
        paths,
        colours(sizes, starts, routes.paths.num_hops),
        colours(routes.bytes_per_s, routes.bytes_per_s, routes.stage, crossed),
    )
    indptr, bundle, share, flow_member, bundle_member = quotient(paths, *parts)
    bundle_member = crossed[bundle_member]
    return Collapsed(
        Routes(
            Paths(indptr, bundle, share, routes.paths.num_hops[flow_member]),
            routes.bytes_per_s[bundle_member],
            routes.stage[bundle_member],
            routes.stage_names,
        ),
        sizes[flow_member],
        starts[flow_member],
        parts[0],
    )


def run_collapsed(
    routes: Routes,
    size_bytes: NDArray[np.float64] | float,
    start_s: NDArray[np.float64] | float = 0.0,
    *,
    link_latency_s: float = 0.0,
    switch_latency_s: float = 0.0,
    tolerance: float = 0.0,
) -> FlowTimes:
    """Return what `netloom.simulate.flows.run` returns, by way of the classes.

    Examples
    --------
    A ring over 16 hosts: neighbours on one leaf, in one pod, or further apart.

    >>> from netloom.simulate.routes import routes
    >>> from netloom.topology import build
    >>> fabric = build("fat-tree", {"hosts": 16, "radix": 4, "tiers": 3})
    >>> hosts = np.arange(16)
    >>> found = routes(fabric, hosts, (hosts + 1) % 16)
    >>> collapse(found, 1e6).num_classes
    3
    """
    small = collapse(
        routes, size_bytes, start_s,
        link_latency_s=link_latency_s, switch_latency_s=switch_latency_s,
    )  # fmt: skip
    times = run(small.routes, small.size_bytes, small.start_s, tolerance=tolerance)
    return dataclasses.replace(times, end_s=times.end_s[small.flow_class])
