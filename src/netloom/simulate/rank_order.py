"""Which ranks form the groups of a plan, for any order of parallel dimensions onto ranks.

A rank's coordinates count like the digits of a number whose last digit is the innermost dimension
of the order. Groups of one dimension are ranks that differ in that digit alone. Gradients cross
the context and the data ranks together; experts are spread over the innermost of these.

Legend for shapes: P plans.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netloom.errors import ParameterError
from netloom.kernels import inputs

#: The usual order, from the inside out: tensor ranks are neighbours, stages are farthest apart.
RANK_ORDER = ("tensor", "context", "data", "pipeline")

Column = NDArray[np.int64]


class _Axis(NamedTuple):
    """Ranks of a group along one direction; both shape (P,)."""

    size: Column
    stride: Column


class _Replicas(NamedTuple):
    """The data and context ranks of each plan as two axes, the inner one first.

    Where the two are neighbours, or one of them has a single rank, the inner axis holds all ranks
    and the outer one a single rank.
    """

    inner: _Axis
    outer: _Axis


def groups_of(plans: NDArray[np.int64], order: Sequence[str] = RANK_ORDER) -> NDArray[np.int64]:
    """Return size, stride, outer size and outer stride of each plan's groups.

    Parameters
    ----------
    plans : int64, shape (P, 10), columns `inputs.PLAN_COLUMNS`.
    order : dimensions from the inside out, a permutation of `RANK_ORDER`.

    Returns
    -------
    int64, shape (P, 7, 4), rows `inputs.PRICE_ROWS`, columns as in `Communicator`; outer size 1
    and outer stride 0 where one stride is enough.

    Raises
    ------
    ParameterError
        When some plan's experts do not lie evenly on its data and context ranks.

    Examples
    --------
    Two tensor, two context, two data ranks, tensor between context and data: gradients cross ranks
    0, 1, 4, 5.

    >>> plan = np.array([[2, 2, 1, 1, 2, 1, 1, 1, 0, 0]])
    >>> groups_of(plan, ("context", "tensor", "data", "pipeline"))[0, 5].tolist()
    [2, 1, 2, 4]
    """
    refused = np.flatnonzero(splits_experts(plans, order))
    if len(refused):
        raise cannot_split(plans[refused[0]], order)
    axes, replicas = _axes(plans, order), _replicas(plans, order)
    (inner, inner_stride), (outer, outer_stride) = replicas
    expert = plans[:, inputs.EXPERT]
    # experts fill the inner axis first, and then part of the outer one
    inner_expert, outer_expert = np.minimum(expert, inner), np.maximum(1, expert // inner)
    experts = _row(inner_expert, inner_stride, outer_expert, outer_stride)
    others = _row(
        np.maximum(1, inner // inner_expert), inner_stride * inner_expert,
        np.maximum(1, outer // outer_expert), outer_stride * outer_expert,
    )  # fmt: skip
    one, none = np.ones_like(expert), np.zeros_like(expert)
    tensor, context, pipeline = (
        np.stack([*axes[name], one, none], axis=1) for name in ("tensor", "context", "pipeline")
    )
    rows = (
        tensor, tensor, context, experts, pipeline,
        _row(inner, inner_stride, outer, outer_stride), others,
    )  # fmt: skip
    return np.stack(rows, axis=1)


def splits_experts(
    plans: NDArray[np.int64], order: Sequence[str] = RANK_ORDER
) -> NDArray[np.bool_]:
    """Return whether each plan's groups of experts would be no even rows of ranks, shape (P,).

    Where pipeline or tensor ranks lie between data and context, a group has to be part of the inner
    of the two, or whole rows of it.

    Examples
    --------
    >>> plan = np.array([[2, 2, 1, 1, 3, 2, 1, 1, 0, 0]])
    >>> splits_experts(plan, ("data", "tensor", "context", "pipeline")).tolist()
    [True]
    """
    inner = _replicas(plans, order).inner.size
    expert = plans[:, inputs.EXPERT]
    return (inner % expert != 0) & (expert % inner != 0)


def coordinates(
    plan: NDArray[np.int64], ranks: NDArray[np.int64], order: Sequence[str] = RANK_ORDER
) -> dict[str, NDArray[np.int64]]:
    """Return the coordinates of ranks in one plan, by dimension, each the shape of `ranks`.

    Examples
    --------
    >>> plan = np.array([2, 1, 4, 1, 1, 1, 1, 4, 0, 0])
    >>> coordinates(plan, np.array([5]))["pipeline"].tolist()
    [2]
    """
    axes = _axes(plan[None], order)
    return {name: ranks // int(axis.stride[0]) % int(axis.size[0]) for name, axis in axes.items()}


def _axes(plans: NDArray[np.int64], order: Sequence[str]) -> dict[str, _Axis]:
    stride = np.ones(len(plans), dtype=np.int64)
    axes = {}
    for name in order:
        size = plans[:, inputs.PLAN_COLUMNS.index(name)]
        axes[name] = _Axis(size, stride)
        stride = stride * size
    return axes


def _replicas(plans: NDArray[np.int64], order: Sequence[str]) -> _Replicas:
    axes = _axes(plans, order)
    inner, outer = (axes[name] for name in order if name in ("context", "data"))
    joined = (inner.stride * inner.size == outer.stride) | (inner.size == 1) | (outer.size == 1)
    return _Replicas(
        _Axis(
            np.where(joined, inner.size * outer.size, inner.size),
            np.where(joined & (inner.size == 1), outer.stride, inner.stride),
        ),
        _Axis(np.where(joined, 1, outer.size), np.where(joined, 0, outer.stride)),
    )


def _row(size: Column, stride: Column, outer_size: Column, outer_stride: Column) -> Column:
    """Return columns as in `Communicator`, int64, shape (P, 4), one axis where one is enough."""
    along_outer = (size == 1) & (outer_size > 1)
    flat = along_outer | (outer_size == 1)
    return np.stack(
        [
            np.where(along_outer, outer_size, size),
            np.where(along_outer, outer_stride, stride),
            np.where(flat, 1, outer_size),
            np.where(flat, 0, outer_stride),
        ],
        axis=1,
    )


def cannot_split(plan: NDArray[np.int64], order: Sequence[str]) -> ParameterError:
    """Return the refusal of one plan that `splits_experts`, with the nearest order that does not.

    Examples
    --------
    >>> plan = np.array([2, 2, 1, 1, 3, 2, 1, 1, 0, 0])
    >>> cannot_split(plan, ("data", "tensor", "context", "pipeline")).problem.message
    '2-way experts do not lie evenly on 3 data ranks with tensor ranks between data and context'
    """
    inner, outer = (name for name in order if name in ("context", "data"))
    between = order[order.index(inner) + 1 : order.index(outer)]
    size = int(plan[inputs.PLAN_COLUMNS.index(inner)])
    expert = int(plan[inputs.EXPERT])
    return ParameterError(
        f"{expert}-way experts do not lie evenly on {size} {inner} ranks with "
        f"{' and '.join(between)} ranks between {inner} and {outer}",
        hint=f"write order: [{', '.join(nearest_order(plan, order))}], or an expert size that "
        f"divides {size} or is a multiple of it",
    )


def nearest_order(plan: NDArray[np.int64], order: Sequence[str]) -> tuple[str, ...]:
    """Return the order with the fewest pairs swapped under which a plan's experts lie evenly.

    Examples
    --------
    >>> plan = np.array([2, 2, 1, 1, 3, 2, 1, 1, 0, 0])
    >>> nearest_order(plan, ("data", "tensor", "context", "pipeline"))
    ('data', 'context', 'tensor', 'pipeline')
    """
    evenly = [
        other for other in permutations(RANK_ORDER) if not splits_experts(plan[None], other)[0]
    ]
    return min(evenly, key=lambda other: (_num_swapped(order, other), other))


def _num_swapped(order: Sequence[str], other: Sequence[str]) -> int:
    return sum(other.index(a) > other.index(b) for a, b in combinations(order, 2))
