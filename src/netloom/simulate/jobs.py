"""Several jobs on one fabric: each one's collective alone, and all of them at the same time.

Every flow of every job runs through the fluid solver, so that rates are shared anew whenever a flow
ends. A phase begins when the one before it is over on all ranks of its job. A job's flows never
move faster than its scale-up links feed them: each flow of a phase has a private link on which it
would take as long as the phase takes inside the nodes. The latency of a call comes first.

Legend for shapes: F flows, B bundles or links of the routes, J jobs, D draws of the hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netloom.collective.groups import Communicator
from netloom.errors import InfeasibleError
from netloom.simulate.busiest import Hashing, takes_detours, with_detours
from netloom.simulate.flows import run
from netloom.simulate.network import NetworkModel, Price
from netloom.simulate.pattern import in_network_loads
from netloom.simulate.placement import EndpointFlows, to_endpoints
from netloom.simulate.routes import Routes, routes
from netloom.topology.fabric import Fabric, Paths

#: Prices that differ by less than this part are the same, worked out in two ways.
_ROUNDING = 1e-9

#: Stage of the private links that hold flows to the rate of their nodes' scale-up links.
_INSIDE = "scale-up links"


class PhaseTraffic(NamedTuple):
    """What one phase of a job moves.

    Attributes
    ----------
    source, target : int32, shape (F,), endpoints.
    flow_bytes : float64, shape (F,).
    stream_bytes : float64, shape (B,), on bundles, of traffic that keeps in step: reductions in
        switches, and all flows where adaptive routing mixes in detours; None without.
    inside_s : how long the busiest rank's scale-up link takes.
    """

    source: NDArray[np.int32]
    target: NDArray[np.int32]
    flow_bytes: NDArray[np.float64]
    stream_bytes: NDArray[np.float64] | None
    inside_s: float


@dataclass(frozen=True)
class Job:
    """One call of a collective by one job, ready to run; `job` makes one.

    Attributes
    ----------
    name : in the answer.
    phases : one after another.
    latency_s : that passes before the first flow moves.
    start_s : when the job calls.
    """

    name: str
    phases: tuple[PhaseTraffic, ...]
    latency_s: float
    start_s: float = 0.0


@dataclass(frozen=True)
class JobTimes:
    """How long a job's call takes.

    Attributes
    ----------
    alone_s, together_s : float64, shape (D,), by draw of the hash; one value without draws.
    """

    name: str
    alone_s: NDArray[np.float64]
    together_s: NDArray[np.float64]

    @property
    def slowdown(self) -> NDArray[np.float64]:
        """Time together over time alone, by draw."""
        return self.together_s / self.alone_s


def job(
    name: str,
    model: NetworkModel,
    communicator: Communicator,
    price: Price,
    size_bytes: float,
    start_s: float = 0.0,
) -> Job:
    """Return the traffic of one call under the algorithm and protocol of a price.

    Bytes are those on the wire: what a protocol adds, such as flags, are bytes too. A protocol that
    is slower than any link paces all phases alike.
    """
    algorithm = price.algorithm.split("/")[0]
    wire_bytes = size_bytes / float(model.library.bandwidth_factor[price.algorithm])
    on_links = model.phase_seconds(algorithm, model.pattern(algorithm, communicator))
    bound_s = wire_bytes * bound_s_per_byte(model, communicator, price).mean()
    pace = price.s_per_byte * size_bytes / bound_s if bound_s else 1.0
    groups, phases = model.phases(algorithm, communicator)
    found = []
    for phase, (inside_s, across_s) in zip(phases, on_links, strict=True):
        on_wire = to_endpoints(phase, groups, model.placement)
        streams, _ = in_network_loads(phase.in_network, groups, model.fabric, model.placement)
        moves = on_wire.flow_bytes > 0
        if model.hashing is None and takes_detours(model.fabric) and moves.any():
            streams = _mixed(model.fabric, on_wire) + (0.0 if streams is None else streams)
            moves[:] = False
        if pace > 1 + _ROUNDING:
            inside_s = max(inside_s, pace * float(np.maximum(inside_s, across_s).mean()))
        found.append(
            PhaseTraffic(
                on_wire.source[moves],
                on_wire.target[moves],
                on_wire.flow_bytes[moves] * wire_bytes,
                None if streams is None else streams * wire_bytes,
                inside_s * wire_bytes,
            )
        )
    return Job(name, tuple(found), price.latency_s, start_s)


def _mixed(fabric: Fabric, flows: EndpointFlows) -> NDArray[np.float64]:
    """Return the loads of flows of which some take detours, float64, shape (B,)."""
    from netloom.kernels.loads import bundle_loads

    found = routes(fabric, flows.source, flows.target, "spray")
    minimal = bundle_loads(found.arrays, flows.flow_bytes, len(found.bytes_per_s))
    return with_detours(fabric, flows, minimal)


def bound_s_per_byte(
    model: NetworkModel, communicator: Communicator, price: Price
) -> NDArray[np.float64]:
    """Return the load bound of an algorithm per byte: the fullest links, phase by phase, (D,)."""
    algorithm = price.algorithm.split("/")[0]
    on_links = model.phase_seconds(algorithm, model.pattern(algorithm, communicator))
    return sum((np.maximum(*seconds) for seconds in on_links), start=np.zeros(1))


def payload_fraction(model: NetworkModel) -> float:
    """Return the share of line rate that is payload of long transfers: framing times transport."""
    protocol = model.protocol
    return float(protocol.framing_efficiency) * float(protocol.transport_efficiency)


def run_jobs(
    fabric: Fabric, jobs: Sequence[Job], network_fraction: float, hashing: Hashing | None
) -> tuple[JobTimes, ...]:
    """Return how long each job's call takes alone and beside all others.

    Parameters
    ----------
    network_fraction : share of line rate that is payload, in (0, 1].
    hashing : None where packets are spread over all equal links.

    Raises
    ------
    InfeasibleError
        When a flow has no path, or flows are hashed beside reductions in switches.

    Examples
    --------
    Two jobs send 2 and 8 bytes into one link of 1 B/s: half of it each for 4 s, then all of it.

    >>> from netloom.topology import build
    >>> fabric = build("leaf-spine", {"hosts": 4, "radix": 8, "link_bytes_per_s": 1.0})
    >>> def sends(name, source, num_bytes):
    ...     ends = np.array([source], dtype=np.int32), np.array([0], dtype=np.int32)
    ...     return Job(name, (PhaseTraffic(*ends, np.array([num_bytes]), None, 0.0),), 0.0)
    >>> found = run_jobs(fabric, [sends("a", 1, 2.0), sends("b", 2, 8.0)], 1.0, None)
    >>> [each.together_s.tolist() for each in found], [each.slowdown.tolist() for each in found]
    ([[4.0], [10.0]], [[2.0], [1.25]])
    """
    if hashing is not None and any(p.stream_bytes is not None for j in jobs for p in j.phases):
        raise InfeasibleError("reductions in switches run on adaptive routing, not on hashed paths")
    draws = [None] if hashing is None else [hashing.seed + n for n in range(hashing.num_seeds)]
    alone, together = np.zeros((len(jobs), len(draws))), np.zeros((len(jobs), len(draws)))
    for column, seed in enumerate(draws):
        network = _network(fabric, jobs, network_fraction, hashing, seed)
        together[:, column] = _times(jobs, network, range(len(jobs)))
        if len(jobs) == 1:
            alone[:, column] = together[:, column]
            continue
        for row in range(len(jobs)):
            alone[row, column] = _times(jobs, network, [row])[0]
    return tuple(JobTimes(each.name, alone[row], together[row]) for row, each in enumerate(jobs))


class _Network(NamedTuple):
    """All flows of all jobs on links, queue pair by queue pair; shape letter Q for pairs.

    Attributes
    ----------
    routes : of Q times F flows, those of the first pair before those of the second.
    first : int64, shape (phases of all jobs + 1,), running sum of their flows.
    num_pairs : Q.
    """

    routes: Routes
    first: NDArray[np.int64]
    num_pairs: int


def _network(
    fabric: Fabric,
    jobs: Sequence[Job],
    network_fraction: float,
    hashing: Hashing | None,
    seed: int | None,
) -> _Network:
    phases = [phase for each in jobs for phase in each.phases]
    source = np.concatenate([phase.source for phase in phases])
    target = np.concatenate([phase.target for phase in phases])
    first = np.concatenate([[0], np.cumsum([len(phase.source) for phase in phases])])
    num_pairs = 1 if hashing is None else hashing.num_queue_pairs
    if seed is None:
        found = [routes(fabric, source, target, "spray")]
    else:
        # a queue pair is hashed apart, as one more seed
        seeds = range(seed * num_pairs, (seed + 1) * num_pairs)
        found = [routes(fabric, source, target, "hash", each) for each in seeds]
    joined = Routes(
        _joined([each.paths for each in found]),
        found[0].bytes_per_s * network_fraction,
        found[0].stage,
        found[0].stage_names,
    )
    return _Network(joined, first.astype(np.int64), num_pairs)


def _joined(paths: Sequence[Paths]) -> Paths:
    """Return the rows of several sets of paths, one set after another."""
    ends = np.concatenate([np.diff(each.indptr) for each in paths])
    return Paths(
        np.concatenate([[0], np.cumsum(ends)]).astype(np.int64),
        np.concatenate([each.bundle for each in paths]),
        np.concatenate([each.share for each in paths]),
        np.concatenate([each.num_hops for each in paths]),
    )


def _taken(paths: Paths, rows: NDArray[np.int64]) -> Paths:
    """Return some rows of paths."""
    length = np.diff(paths.indptr)[rows]
    indptr = np.concatenate([[0], np.cumsum(length)]).astype(np.int64)
    entry = np.arange(indptr[-1]) + np.repeat(paths.indptr[rows] - indptr[:-1], length)
    return Paths(indptr, paths.bundle[entry], paths.share[entry], paths.num_hops[rows])


class _Part(NamedTuple):
    """One phase as flows of the solver, its gate the last of them."""

    paths: Paths
    size_bytes: NDArray[np.float64]
    private_bytes_per_s: NDArray[np.float64]


def _part(phase: PhaseTraffic, number: int, network: _Network, first_private: int) -> _Part:
    """Return a phase's flows: on the network, inside the nodes, and the gate that ends it.

    The flow inside the nodes has a private link of 1 B/s and as many bytes as the phase has
    seconds there; the gate has neither link nor bytes, and waits for all others.
    """
    num_flows, num_pairs = int(network.first[-1]), network.num_pairs
    row = np.arange(network.first[number], network.first[number + 1])
    rows = (num_flows * np.arange(num_pairs)[:, None] + row).ravel()
    paths = [_taken(network.routes.paths, rows)]
    sizes = [np.tile(phase.flow_bytes / num_pairs, num_pairs)]
    if phase.stream_bytes is not None:
        # all streams keep in step: one flow whose share of each bundle is its load
        loaded = np.flatnonzero(phase.stream_bytes).astype(np.int32)
        most = phase.stream_bytes.max()
        paths.append(_row(loaded, phase.stream_bytes[loaded] / most))
        sizes.append(np.array([most]))
    found, moved = _joined(paths), np.concatenate(sizes)
    caps = np.zeros(0)
    if phase.inside_s > 0:
        caps = moved / phase.inside_s
        private = first_private + np.arange(len(caps), dtype=np.int32)
        found = Paths(
            found.indptr + np.arange(len(caps) + 1),
            np.insert(found.bundle, found.indptr[1:], private),
            np.insert(found.share, found.indptr[1:], 1.0),
            found.num_hops,
        )
    inside = np.array([first_private + len(caps)], dtype=np.int32)
    nothing = _row(inside[:0], np.zeros(0))
    return _Part(
        _joined([found, _row(inside, np.ones(1)), nothing]),
        np.append(moved, [phase.inside_s, 0.0]),
        np.append(caps, 1.0),
    )


def _row(bundle: NDArray[np.int32], share: NDArray[np.float64]) -> Paths:
    return Paths(
        np.array([0, len(bundle)], dtype=np.int64), bundle, share, np.zeros(1, dtype=np.int16)
    )


def _times(jobs: Sequence[Job], network: _Network, running: Sequence[int]) -> list[float]:
    """Return how long the calls of some jobs take, latency included, when only they run."""
    num_phases = np.cumsum([0] + [len(each.phases) for each in jobs])
    parts, starts, leaders, followers, last_gates = [], [], [], [], []
    flow, private = 0, len(network.routes.bytes_per_s)
    for each in running:
        gate = -1
        for place_in_job, phase in enumerate(jobs[each].phases):
            part = _part(phase, int(num_phases[each]) + place_in_job, network, private)
            members = np.arange(flow, flow + len(part.size_bytes) - 1)
            start_s = np.zeros(len(part.size_bytes))
            if gate < 0:
                start_s[:-1] = jobs[each].start_s + jobs[each].latency_s
            else:
                leaders.append(np.full(len(members), gate))
                followers.append(members)
            gate = flow + len(members)
            leaders.append(members)
            followers.append(np.full(len(members), gate))
            parts.append(part)
            starts.append(start_s)
            flow, private = gate + 1, private + len(part.private_bytes_per_s)
        last_gates.append(gate)
    leader, follower = np.concatenate(leaders), np.concatenate(followers)
    order = np.argsort(leader, kind="stable")
    begins = np.searchsorted(leader[order], np.arange(flow + 1))
    limits = np.concatenate([part.private_bytes_per_s for part in parts])
    names = network.routes.stage_names
    on_links = Routes(
        _joined([part.paths for part in parts]),
        np.concatenate([network.routes.bytes_per_s, limits]),
        np.append(network.routes.stage, np.full(len(limits), len(names))).astype(np.int16),
        (*names, _INSIDE),
    )
    times = run(
        on_links,
        np.concatenate([part.size_bytes for part in parts]),
        np.concatenate(starts),
        waits=(begins, follower[order].astype(np.int32)),
    )
    return [
        float(times.end_s[gate]) - jobs[each].start_s
        for each, gate in zip(running, last_gates, strict=True)
    ]
