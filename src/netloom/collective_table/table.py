"""A collective at many sizes on one machine: time, bandwidth, what limits it, and the load bound.

Bandwidths are those of nccl-tests: *algbw* is size over time, *busbw* is algbw times a factor that
makes it comparable with the rate of a link, whatever the number of ranks.

References
----------
.. [1] nccl-tests, doc/PERFORMANCE.md.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netloom import catalog
from netloom.catalog.parts import CollectiveLibrary
from netloom.collective import ALGORITHMS, OPERATIONS, algorithms_for, refusal, supports
from netloom.collective.groups import Communicator, place, ranks_of
from netloom.collective_table.machine import Machine
from netloom.errors import ParameterError, nearest
from netloom.simulate.busiest import takes_detours
from netloom.simulate.jobs import Job, bound_s_per_byte, job, payload_fraction, run_jobs
from netloom.simulate.network import Chooser, NetworkModel, Price
from netloom.simulate.placement import Placement

#: What algorithms name in `NEEDS` when switches between nodes reduce for them.
_NETWORK_REDUCTION = "network reduction"

#: What limits a call that is over half latency.
LATENCY = "latency"

#: Draws of the hash; each is a walk over all flows, and percentiles have long settled.
_MOST_SEEDS = 100_000

#: Ends of the range that is shown of what hashing draws.
_LOW_PERCENTILE, _HIGH_PERCENTILE = 10.0, 90.0


class Spread(NamedTuple):
    """A quantity over draws of the hash: mean, 10th and 90th percentile; equal without draws."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Question:
    """A collective at many sizes.

    Attributes
    ----------
    communicator : operation, ranks of a group and their stride.
    num_ranks : of all groups together.
    sizes_bytes : as nccl-tests counts them; one zero for an operation without a size.
    algorithm : the only one allowed, with or without a protocol, ``ring`` or ``ring/simple``.
    chooser : ``fastest``, or ``nccl`` for the one that the library's own model would choose.
    library : catalogue part.
    network_reduction : whether algorithms that reduce in switches between nodes may be chosen.
    num_seeds, seed : draws of the hash, and the first of them.
    exact : whether to run the flows through the fluid solver too.
    matrix : of an all-to-all, what each rank sends to each per byte of the size, float64, (n, n).
    """

    communicator: Communicator
    num_ranks: int
    sizes_bytes: tuple[float, ...]
    algorithm: str | None = None
    chooser: Chooser = "fastest"
    library: str = "nccl-2.30"
    network_reduction: bool = False
    num_seeds: int = 32
    seed: int = 0
    exact: bool = False
    matrix: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Row:
    """One size.

    Attributes
    ----------
    algorithm : with its protocol, ``ring/simple``.
    time_s, algbw_bytes_per_s, busbw_bytes_per_s : of one call.
    limit : stage of the fullest links, ``scale-up links``, ``protocol``, or ``latency`` when that
        is over half.
    bound_s : load bound, the largest load of a link over its capacity, phase after phase.
    exact_s : the same flows in the fluid solver, without latency; None unless asked for, and where
        adaptive routing mixes in detours, which are no routes of single flows.
    """

    size_bytes: float
    algorithm: str
    time_s: Spread
    algbw_bytes_per_s: Spread
    busbw_bytes_per_s: Spread
    limit: str
    bound_s: float
    exact_s: Spread | None


@dataclass(frozen=True)
class Table:
    """A collective at many sizes on one machine."""

    machine: Machine
    question: Question
    num_nodes: int
    hashed: bool
    rows: tuple[Row, ...]


def spread(values: NDArray[np.float64]) -> Spread:
    """Return mean, 10th and 90th percentile.

    Examples
    --------
    >>> spread(np.arange(11.0))
    Spread(mean=5.0, low=1.0, high=9.0)
    """
    low, high = np.percentile(values, [_LOW_PERCENTILE, _HIGH_PERCENTILE])
    return Spread(float(values.mean()), float(low), float(high))


def bus_factor(operation: str, num_ranks: int) -> float:
    """Return bus bandwidth over algorithm bandwidth [1]_.

    Examples
    --------
    >>> bus_factor("all-reduce", 8), bus_factor("all-to-all", 8), bus_factor("broadcast", 8)
    (1.75, 0.875, 1.0)
    """
    share = (num_ranks - 1) / num_ranks
    factors = {"all-reduce": 2 * share, "barrier": 0.0}
    factors |= dict.fromkeys(("all-gather", "reduce-scatter", "all-to-all"), share)
    return factors.get(operation, 1.0)


def check_operation(operation: str) -> None:
    """Raise `ParameterError` unless an operation is known."""
    if operation not in OPERATIONS:
        raise ParameterError(
            f"unknown operation '{operation}'", hint=nearest(operation, OPERATIONS)
        )


def check_counts(ranks: int, stride: int, groups: int | None, seeds: int) -> None:
    """Raise `ParameterError` unless there are ranks in groups that lie side by side."""
    if ranks < 2:
        raise ParameterError(
            f"--ranks {ranks}: a group needs two ranks to have somebody to talk to",
            hint="write --ranks 2 or more",
        )
    for count, option in ((stride, "--stride"), (groups, "--groups"), (seeds, "--seeds")):
        if count is not None and count < 1:
            raise ParameterError(f"{option} {count} is too few", hint=f"write {option} 1 or more")
    if seeds > _MOST_SEEDS:
        raise ParameterError(
            f"--seeds {seeds:,} are too many", hint=f"write --seeds 1 to {_MOST_SEEDS:,}"
        )
    if groups is not None and groups % stride:
        nearest_groups = max(1, round(groups / stride)) * stride
        raise ParameterError(
            f"{groups} groups do not lie side by side with a stride of {stride}",
            hint=f"write --groups {nearest_groups}, or another multiple of the stride",
        )


def network_model(question: Question, machine: Machine, placement: Placement) -> NetworkModel:
    """Return the model that prices a question on a machine.

    Raises
    ------
    ParameterError
        When the algorithm is unknown, or the machine lacks what it needs.
    """
    library = catalog.get("collective-library", question.library)
    operation = question.communicator.operation
    # a library may carry out a barrier as another operation without data
    known = algorithms_for(operation if operation != "barrier" else library.barrier_as)
    if question.matrix is not None:
        known = {"pairwise": known["pairwise"]}
    if question.algorithm is not None:
        algorithms: tuple[str, ...] = (_checked_algorithm(question, known, library),)
    else:
        algorithms = tuple(
            name
            for name, module in known.items()
            if question.network_reduction or _NETWORK_REDUCTION not in getattr(module, "NEEDS", ())
        )
    model = NetworkModel(
        machine.fabric,
        machine.protocol,
        machine.scale_up,
        machine.accelerators_per_node,
        machine.nics_per_node,
        question.num_ranks,
        library,
        num_seeds=question.num_seeds,
        seed=question.seed,
        placement=placement,
        algorithms=algorithms,
        hop_latency_s=machine.hop_latency_s,
        chooser=question.chooser,
        matrix=question.matrix,
    )
    if question.algorithm is not None:
        _check_use(algorithms[0], model, question, machine)
    return model


def _check_use(name: str, model: NetworkModel, question: Question, machine: Machine) -> None:
    """Raise `ParameterError` unless machine and groups have what an algorithm needs."""
    if not model.may_use(name):
        needs = " and ".join(getattr(ALGORITHMS.get(name), "NEEDS", ()))
        raise ParameterError(
            f"algorithm '{name}' needs {needs}, which {machine.name} has not",
            hint="leave --algorithm out, or name a machine whose switches reduce",
        )
    operation, ranks = question.communicator.operation, question.communicator.num_ranks
    accelerator = model.placement.accelerator(ranks_of(question.communicator, question.num_ranks))
    num_nodes = place(accelerator, machine.accelerators_per_node).num_nodes
    if not supports(name, operation, ranks, num_nodes):
        has = {key.split("/")[0] for key in model.library.base_latency_s}
        others = [
            other
            for other in algorithms_for(operation)
            if supports(other, operation, ranks, num_nodes)
            and other in has
            and not getattr(ALGORITHMS.get(other), "NEEDS", ())
        ]
        reason, near = refusal(name, operation, ranks, num_nodes)
        raise ParameterError(
            reason,
            hint=f"{near and f'nearest: {near}; '}this group is served by {', '.join(others)}",
        )


def _checked_algorithm(
    question: Question, known: Collection[str], library: CollectiveLibrary
) -> str:
    """Return the name of the only algorithm allowed, without its protocol."""
    name = str(question.algorithm).split("/")[0]
    if name not in known:
        raise ParameterError(
            f"no algorithm '{name}' carries out '{question.communicator.operation}' here",
            hint=nearest(name, known),
        )
    has = {key.split("/")[0] for key in library.base_latency_s}
    if name not in has:
        others = [each for each in catalog.names("collective-library") if each != library.name]
        raise ParameterError(
            f"library '{library.name}' has no algorithm '{name}'",
            hint=f"{nearest(name, has.intersection(known))}; or name another --library: "
            + ", ".join(others),
        )
    return name


def chosen(model: NetworkModel, question: Question, size_bytes: float) -> Price:
    """Return the price of one call under the algorithm and protocol chosen for its size."""
    wanted = question.algorithm or ""
    if "/" not in wanted:
        return model.chosen(question.communicator, size_bytes)
    offered = {
        price.algorithm: price for price in model.candidates(question.communicator, size_bytes)
    }
    if wanted not in offered:
        raise ParameterError(
            f"library '{model.library.name}' has no '{wanted}'", hint=nearest(wanted, offered)
        )
    return offered[wanted]


def tabulate(question: Question, machine: Machine, placement: Placement) -> Table:
    """Return the table of a question on a machine.

    Raises
    ------
    ParameterError
        When the question does not fit the machine.
    InfeasibleError
        When a flow has no path.
    """
    model = network_model(question, machine, placement)
    accelerator = placement.accelerator(np.arange(question.num_ranks, dtype=np.int32))
    exact: dict[str, NDArray[np.float64]] = {}
    rows = []
    for size_bytes in question.sizes_bytes:
        price = chosen(model, question, size_bytes)
        if question.exact and price.algorithm not in exact and not has_mixed_routes(model):
            exact[price.algorithm] = exact_s_per_byte(model, question.communicator, price)
        rows.append(_row(model, question, price, size_bytes, exact.get(price.algorithm)))
    return Table(
        machine,
        question,
        len(np.unique(placement.node(accelerator))),
        model.hashing is not None,
        tuple(rows),
    )


def has_mixed_routes(model: NetworkModel) -> bool:
    """Return whether adaptive routing mixes in detours, which are no routes of single flows.

    Hashed flows stay on the shortest ones.
    """
    return model.hashing is None and takes_detours(model.fabric)


def _row(
    model: NetworkModel,
    question: Question,
    price: Price,
    size_bytes: float,
    exact: NDArray[np.float64] | None,
) -> Row:
    seconds = price.latency_s + size_bytes * np.array(price.by_seed_s_per_byte)
    factor = bus_factor(question.communicator.operation, question.communicator.num_ranks)
    rate = size_bytes / seconds
    # one bandwidth belongs to the mean time, as in nccl-tests
    mean = size_bytes / float(seconds.mean())
    algbw = spread(rate)._replace(mean=mean)
    bound = float(bound_s_per_byte(model, question.communicator, price).mean())
    return Row(
        size_bytes,
        price.algorithm,
        spread(seconds),
        algbw,
        Spread(*(factor * value for value in algbw)),
        LATENCY if 2 * price.latency_s > float(seconds.mean()) else price.limit,
        size_bytes * bound,
        None if exact is None else spread(size_bytes * exact),
    )


def exact_s_per_byte(
    model: NetworkModel, communicator: Communicator, price: Price
) -> NDArray[np.float64]:
    """Return the makespan of a call's flows in the fluid solver per byte, by draw; no latency.

    It is that of a protocol without overhead, as the load bound is: the two are equal for equal
    flows on spread paths. Hashed paths are walked switch by switch here, so that the draws are
    others than the table's.
    """
    factor = float(model.library.bandwidth_factor[price.algorithm])
    bound = float(bound_s_per_byte(model, communicator, price).mean())
    bare = price._replace(latency_s=0.0, s_per_byte=bound / factor)
    call = job("", model, communicator, bare, factor)
    (times,) = run_jobs(model.fabric, [call], payload_fraction(model), model.hashing)
    return times.alone_s


def call_of(
    name: str, question: Question, machine: Machine, placement: Placement, start_s: float = 0.0
) -> Job:
    """Return the call at a question's largest size, to run beside other jobs."""
    size_bytes = max(question.sizes_bytes)
    model = network_model(question, machine, placement)
    price = chosen(model, question, size_bytes)
    return job(name, model, question.communicator, price, size_bytes, start_s)
