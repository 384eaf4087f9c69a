"""Every flow of one training step between endpoints, with the bytes of the whole step.

The sizes are those of the step model, the algorithms those that its prices chose, and the flows
those that the prices were counted on; stages with fewer layers send less.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netloom.collective import ALGORITHMS
from netloom.collective.groups import Communicator, PlacedGroups, place, ranks_of
from netloom.errors import ConservationError, ParameterError
from netloom.kernels import inputs
from netloom.simulate.network import NetworkModel
from netloom.simulate.placement import EndpointFlows, to_endpoints
from netloom.simulate.rank_order import RANK_ORDER, coordinates, groups_of
from netloom.simulate.step import OPERATIONS, StepModel, message_bytes_of, size_exponents

#: Price row -> dimension of the step that it belongs to.
DIMENSIONS = (
    "tensor", "tensor", "context", "expert", "pipeline", "data", "data", "context", "data", "data",
)  # fmt: skip


class Traffic(NamedTuple):
    """One kind of operation in one step, on all of its groups.

    Attributes
    ----------
    dimension : of the plan.
    operation, algorithm : ``"reduce-scatter"``, ``"ring/simple"``.
    group_size : ranks of one group.
    flows : between endpoints, bytes of the whole step; one entry for each phase.
    sent_bytes : by all ranks, inside nodes and between them.
    crossing_bytes : of these, what leaves a node.
    bucket : what one layer's gradients are of the flows, on a stage in the middle; 0 but for data.
    """

    dimension: str
    operation: str
    algorithm: str
    group_size: int
    flows: tuple[EndpointFlows, ...]
    sent_bytes: float
    crossing_bytes: float
    bucket: float


def step_flows(
    plan: NDArray[np.int64],
    model: StepModel,
    network: NetworkModel,
    order: Sequence[str] = RANK_ORDER,
) -> tuple[Traffic, ...]:
    """Return the traffic of one step under one plan; operations without bytes are left out.

    Parameters
    ----------
    plan : int64, shape (13,), columns `inputs.PLAN_COLUMNS`.

    Raises
    ------
    ConservationError
        When flows do not carry what the operations send between nodes.
    """
    operations = _by_stage(plan, model)
    groups = groups_of(plan[None], order)[0]
    exponents = size_exponents(message_bytes_of(plan[None], model))[0]
    found = []
    for row, operation in enumerate(OPERATIONS):
        communicator = Communicator(operation, *map(int, groups[row]))
        if communicator.num_ranks == 1 or not operations[:, row].any():
            continue
        priced = network.price([communicator], reference_bytes=2.0 ** int(exponents[row]))
        algorithm = priced.algorithm_names[priced.algorithm[0]]
        ranks = ranks_of(communicator, network.num_accelerators)
        stage = coordinates(plan, ranks[:, 0].astype(np.int64), order)["pipeline"]
        size_bytes = operations[stage, row]
        bucket = float(operations[len(operations) // 2, -1]) if DIMENSIONS[row] == "data" else 0.0
        for members, part in _ways(row, ranks, int(plan[inputs.INTERLEAVE])):
            placed = place(
                network.placement.accelerator(members), network.placement.accelerators_per_node
            )
            found.append(
                _traffic(
                    row, algorithm, placed, part * size_bytes, communicator.num_ranks, bucket,
                    network,
                )
            )  # fmt: skip
    return tuple(found)


def _by_stage(plan: NDArray[np.int64], model: StepModel) -> NDArray[np.float64]:
    """Return the sizes of operations by pipeline stage, float64, shape (stages, 11)."""
    from netloom.kernels.stage_traffic import stage_operations
    from netloom.kernels.stages import FIRST, LAST, MIDDLE, SHORT, split_layers

    by_kind = stage_operations(
        plan, float(model.sequence), model.shape, model.machine, model.software
    )
    num_stages, interleave = int(plan[inputs.PIPELINE]), float(plan[inputs.INTERLEAVE])
    split = split_layers(model.shape.num_layers, float(num_stages), interleave)
    # of the stages between, those with a layer less come last
    kinds = np.full(num_stages, MIDDLE)
    kinds[num_stages - 1 - int(split.num_short) :] = SHORT
    kinds[-1] = LAST
    kinds[0] = FIRST
    return by_kind[kinds]


def _ways(
    row: int, ranks: NDArray[np.int32], interleave: int
) -> Iterator[tuple[NDArray[np.int32], float]]:
    """Yield the members of groups in the order in which they send, and the part of the bytes.

    Activations go from stage to stage and gradients back. With several chunks a stage, the last
    stage passes all but the last chunk on to the first.
    """
    yield ranks, 1.0
    if row != inputs.PIPELINE_SEND:
        return
    yield ranks[:, ::-1], 1.0
    if interleave > 1:
        round_again = (interleave - 1) / interleave
        yield ranks[:, [-1, 0]], round_again
        yield ranks[:, [0, -1]], round_again


def _traffic(
    row: int,
    algorithm: str,
    groups: PlacedGroups,
    size_bytes: NDArray[np.float64],
    group_size: int,
    bucket: float,
    network: NetworkModel,
) -> Traffic:
    """Return the flows of groups whose operations have some sizes, float64, shape (G,)."""
    operation, name = OPERATIONS[row], algorithm.partition("/")[0]
    flows = []
    for phase in ALGORITHMS.get(name).phases(groups, operation):
        weight = size_bytes[phase.source // groups.size]
        scaled = phase._replace(flow_bytes=phase.flow_bytes * weight)
        flows.append(to_endpoints(scaled, groups, network.placement))
    crossing_bytes = float((crossing(name, operation, groups) * size_bytes).sum())
    carried_bytes = sum(float(each.flow_bytes.sum()) for each in flows)
    if abs(carried_bytes - crossing_bytes) > 1e-9 * max(carried_bytes, crossing_bytes):
        raise ConservationError(
            f"{name} {operation} sends {crossing_bytes} bytes between nodes, its flows carry "
            f"{carried_bytes}"
        )
    senders = groups.size - 1 if operation == "send-recv" else groups.size
    per_rank = ALGORITHMS.get(name).bytes_per_rank(operation, groups.size)
    if name == "tree":
        # each edge of the tree carries the buffer up and down; the busiest rank sends two
        senders, per_rank = groups.size - 1, 2.0
    return Traffic(
        DIMENSIONS[row], operation, algorithm, group_size, tuple(flows),
        senders * per_rank * float(size_bytes.sum()), crossing_bytes, bucket,
    )  # fmt: skip


def crossing(algorithm: str, operation: str, groups: PlacedGroups) -> NDArray[np.float64]:
    """Return what each group sends between nodes, float64, shape (G,), per byte of its operation.

    A ring leaves each of k nodes once with what a rank sends, a tree crosses k - 1 edges up and
    down, in an exchange each rank sends to every rank elsewhere, and a direct send crosses where
    neighbours sit on two nodes.

    Examples
    --------
    >>> groups = place(np.arange(8)[None], 4)
    >>> crossing("pairwise", "all-to-all", groups).tolist()
    [4.0]
    """
    num_runs = np.diff(groups.first_run)
    apart = num_runs > 1
    ends = groups.first_run[:-1]
    if algorithm == "ring":
        return apart * num_runs * ALGORITHMS.get("ring").bytes_per_rank(operation, groups.size)
    if algorithm == "tree":
        return 2.0 * (num_runs - 1)
    if algorithm == "pairwise":
        elsewhere = groups.run_length * (groups.size - groups.run_length) / groups.size
        return np.add.reduceat(elsewhere, ends)
    if algorithm == "direct":
        node = np.repeat(np.arange(len(groups.run_start)), groups.run_length)
        by_member = np.empty(groups.accelerators.shape, dtype=np.int64)
        np.put_along_axis(
            by_member, groups.member.astype(np.int64), node.reshape(by_member.shape), axis=1
        )
        return (by_member[:, 1:] != by_member[:, :-1]).sum(axis=1).astype(np.float64)
    raise ParameterError(
        f"the traffic of algorithm '{algorithm}' on links is not counted",
        hint="allow ring, tree, pairwise and direct alone",
    )
