"""Flows on routes, run to completion: when each ends, and the bound that no schedule can beat.

A flow starts to move its bytes one latency after its start: the sum over its links and switches.
From then on it has its max-min fair rate among the flows that run (`netloom.kernels.fluid`).

Legend for shapes: F flows, B bundles or links of the routes, K changes of capacity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netloom.errors import ParameterError
from netloom.simulate.routes import Routes


class CapacityChange(NamedTuple):
    """A bundle or link that runs at another capacity from a time on; a flap is two of them."""

    at_s: float
    bundle: int
    bytes_per_s: float


@dataclass(frozen=True)
class FlowTimes:
    """When flows ended.

    Attributes
    ----------
    end_s : float64, shape (F,); infinite for a flow that a link without capacity stops for good.
    bound_s : the largest load of a bundle over its capacity: no sharing ends all flows earlier,
        counted from the first start.
    bound_stage : name of that bundle's stage; empty when no bundle is loaded.
    num_events : batches of starts, ends and changes at which rates were shared anew.
    num_full : of these, how many were answered by sharing all rates of a component anew.
    num_looks : bundles of flows looked at for rates, the work done, whatever the machine.
    """

    end_s: NDArray[np.float64]
    bound_s: float
    bound_stage: str
    num_events: int
    num_full: int
    num_looks: int

    @property
    def makespan_s(self) -> float:
        """End of the last flow, from zero."""
        return float(self.end_s.max(initial=0.0))


def run(
    routes: Routes,
    size_bytes: NDArray[np.float64] | float,
    start_s: NDArray[np.float64] | float = 0.0,
    *,
    link_latency_s: float = 0.0,
    switch_latency_s: float = 0.0,
    tolerance: float = 0.0,
    changes: Sequence[CapacityChange] = (),
    waits: tuple[NDArray[np.int64], NDArray[np.int32]] | None = None,
) -> FlowTimes:
    """Run flows to completion.

    Parameters
    ----------
    routes : of F flows; see `netloom.simulate.routes.routes`.
    size_bytes, start_s : of each flow, or one for all.
    link_latency_s, switch_latency_s : of each link and switch on a flow's way, once per flow.
    tolerance : 0 for exact results. Else flows that would end within this part of their duration
        end together and share their rates out at once: 0.01 makes irregular cases many times
        faster. Ends are off by about as much, the makespan of equal flows far less.
    changes : capacities that change on the way. A capacity that falls to zero stops its flows.
    waits : for flows that start after others: int64, shape (F + 1,), and int32, the flows that
        wait for each flow, in sparse rows. Their `start_s` counts from the last of these ends.

    Examples
    --------
    Two flows of 1 GB into one host link of 1 GB/s, the second after a quarter of a second:

    >>> from netloom.simulate.routes import routes
    >>> from netloom.topology import build
    >>> fabric = build("fat-tree", {"hosts": 4, "radix": 4, "tiers": 2, "link_bytes_per_s": 1e9})
    >>> found = routes(fabric, np.array([1, 2]), np.array([0, 0]))
    >>> run(found, 1e9, np.array([0.0, 0.25])).end_s.tolist()
    [1.75, 2.0]
    """
    from netloom.kernels.flow_clock import Timeline
    from netloom.kernels.fluid import TIES, CapacityChanges, run_flows
    from netloom.kernels.loads import bundle_loads

    if not 0.0 <= tolerance < 1.0:
        raise ParameterError(
            f"a tolerance of {tolerance:g} is no part of a duration",
            hint="write 0 for exact results, or a small fraction such as 0.01",
        )
    paths = routes.arrays
    num_flows = len(paths.indptr) - 1
    sizes = _each(size_bytes, num_flows)
    starts = start_s + latencies_s(routes, link_latency_s, switch_latency_s)
    before, after_start, after = _waiting(num_flows, waits)
    ordered = sorted(changes)
    end_s, counts = run_flows(
        paths,
        routes.bytes_per_s,
        Timeline(sizes, starts, before, after_start, after),
        CapacityChanges(
            np.array([change.at_s for change in ordered], dtype=np.float64),
            np.array([change.bundle for change in ordered], dtype=np.int32),
            np.array([change.bytes_per_s for change in ordered], dtype=np.float64),
        ),
        max(tolerance, TIES),
    )
    loads = bundle_loads(paths, sizes, len(routes.bytes_per_s))
    busy_s = np.divide(loads, routes.bytes_per_s, out=np.zeros_like(loads), where=loads > 0)
    return FlowTimes(
        end_s=end_s,
        bound_s=float(busy_s.max(initial=0.0)),
        bound_stage=routes.stage_names[routes.stage[np.argmax(busy_s)]] if busy_s.any() else "",
        num_events=int(counts[0]),
        num_full=int(counts[1]),
        num_looks=int(counts[2]),
    )


def latencies_s(
    routes: Routes, link_latency_s: float, switch_latency_s: float
) -> NDArray[np.float64]:
    """Return the sum over each flow's links and switches, float64, shape (F,)."""
    # one value for each number of switches, which are few
    hops = np.arange(int(routes.paths.num_hops.max(initial=0)) + 1)
    by_hops = np.where(hops > 0, (hops + 1) * link_latency_s, 0.0) + hops * switch_latency_s
    return by_hops[routes.paths.num_hops]


def _each(value: NDArray[np.float64] | float, num_flows: int) -> NDArray[np.float64]:
    """Return one value per flow, writable and in one piece, float64, shape (F,)."""
    return np.array(np.broadcast_to(np.asarray(value, dtype=np.float64), num_flows))


def _waiting(
    num_flows: int, waits: tuple[NDArray[np.int64], NDArray[np.int32]] | None
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
    """Return how many flows each flow waits for, and who waits for whom."""
    if waits is None:
        return (
            np.zeros(num_flows, dtype=np.int32),
            np.zeros(num_flows + 1, dtype=np.int64),
            np.zeros(0, dtype=np.int32),
        )
    start, after = np.asarray(waits[0], dtype=np.int64), np.asarray(waits[1], dtype=np.int32)
    return np.bincount(after, minlength=num_flows).astype(np.int32), start, after
