"""Which ranks form the groups of a plan, for any order of parallel dimensions onto ranks.

A rank's coordinates count like the digits of a number whose last digit is the innermost dimension
of the order. Groups of one dimension are ranks that differ in that digit alone. Gradients cross
the context and the data ranks together; experts are spread over the innermost of these, and over
the tensor ranks too where each expert is whole on one rank. Shards of limited size lie on the
innermost ranks that gradients cross.

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
    """The ranks of several dimensions of each plan as two axes, the inner one first.

    Where dimensions are neighbours, or have a single rank, the inner axis holds all ranks and the
    outer one a single rank.
    """

    inner: _Axis
    outer: _Axis

    def innermost(self, count: Column) -> tuple[_Replicas, _Replicas]:
        """Return the innermost `count` ranks, and the ranks that stand where one of these does.

        They fill the inner axis first, and then part of the outer one.
        """
        (inner, inner_stride), (outer, outer_stride) = self
        inner_count, outer_count = np.minimum(count, inner), np.maximum(1, count // inner)
        return (
            _Replicas(_Axis(inner_count, inner_stride), _Axis(outer_count, outer_stride)),
            _Replicas(
                _Axis(np.maximum(1, inner // inner_count), inner_stride * inner_count),
                _Axis(np.maximum(1, outer // outer_count), outer_stride * outer_count),
            ),
        )

    def splits(self, count: Column) -> NDArray[np.bool_]:
        """Return whether `count` ranks are neither part of the inner axis nor whole rows of it."""
        return (self.inner.size % count != 0) & (count % self.inner.size != 0)

    @property
    def size(self) -> Column:
        """Ranks of both axes."""
        return self.inner.size * self.outer.size


def groups_of(plans: NDArray[np.int64], order: Sequence[str] = RANK_ORDER) -> NDArray[np.int64]:
    """Return size, stride, outer size and outer stride of each plan's groups.

    Parameters
    ----------
    plans : int64, shape (P, 13), columns `inputs.PLAN_COLUMNS`; the last three may be left out.
    order : dimensions from the inside out, a permutation of `RANK_ORDER`.

    Returns
    -------
    int64, shape (P, 10, 4), rows `inputs.PRICE_ROWS`, columns as in `Communicator`; outer size 1
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
    expert = plans[:, inputs.EXPERT]
    experts, others = _expert_ranks(plans, order).innermost(expert)
    shard_group = column_of(plans, inputs.SHARD_GROUP)
    limited = shard_group > 0
    shard, copies = replicas.innermost(np.where(limited, shard_group, replicas.size))
    # of the ranks that hold an expert alike, as many as a shard group has
    folded = np.where(_has_whole_experts(plans), plans[:, inputs.TENSOR], 1)
    routed_group = np.maximum(1, shard_group * folded // expert)
    routed, routed_copies = others.innermost(np.where(limited, routed_group, others.size))
    one, none = np.ones_like(expert), np.zeros_like(expert)
    tensor, context, pipeline = (
        np.stack([*axes[name], one, none], axis=1) for name in ("tensor", "context", "pipeline")
    )
    rows = (
        tensor, tensor, context, _row(experts), pipeline, _row(shard), _row(routed), context,
        _row(copies), _row(routed_copies),
    )  # fmt: skip
    return np.stack(rows, axis=1)


def splits_experts(
    plans: NDArray[np.int64], order: Sequence[str] = RANK_ORDER
) -> NDArray[np.bool_]:
    """Return whether each plan's groups of experts would be no even rows of ranks, shape (P,).

    Where pipeline or tensor ranks lie between data and context, a group has to be part of the inner
    of the two, or whole rows of it. The same goes for shards of limited size.

    Examples
    --------
    >>> plan = np.array([[2, 2, 1, 1, 3, 2, 1, 1, 0, 0]])
    >>> splits_experts(plan, ("data", "tensor", "context", "pipeline")).tolist()
    [True]
    """
    shard_group = np.maximum(1, column_of(plans, inputs.SHARD_GROUP))
    return _expert_ranks(plans, order).splits(plans[:, inputs.EXPERT]) | (
        _replicas(plans, order).splits(shard_group)
    )


def column_of(plans: NDArray[np.int64], column: int) -> Column:
    """Return one of the last columns of plans, shape (P,), 0 where they end before it.

    Examples
    --------
    >>> column_of(np.array([[8, 1, 1, 1, 1, 1, 1, 1, 0, 0]]), inputs.SHARD_GROUP).tolist()
    [0]
    """
    if column < plans.shape[1]:
        return plans[:, column]
    return np.zeros(len(plans), dtype=np.int64)


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


def _has_whole_experts(plans: NDArray[np.int64]) -> NDArray[np.bool_]:
    return column_of(plans, inputs.EXPERT_TENSOR) == 1


def _expert_ranks(plans: NDArray[np.int64], order: Sequence[str]) -> _Replicas:
    """Return the ranks that experts are spread over; tensor ranks too where experts are whole."""
    replicas, whole = _replicas(plans, order), _has_whole_experts(plans)
    if not whole.any():
        return replicas
    axes = _axes(plans, order)
    first, second, third = (axes[name] for name in order if name != "pipeline")
    # pipeline ranks part the three at one place at most, so that two axes are enough
    inner = _joined(first, second)
    farther = _joined(inner.outer, third)
    nearer = _joined(inner.inner, third)
    together = inner.outer.size == 1
    found = _Replicas(
        _chosen(together, nearer.inner, inner.inner), _chosen(together, nearer.outer, farther.inner)
    )
    return _Replicas(*(_chosen(whole, *pair) for pair in zip(found, replicas, strict=True)))


def _chosen(condition: NDArray[np.bool_], one: _Axis, other: _Axis) -> _Axis:
    return _Axis(*(np.where(condition, *pair) for pair in zip(one, other, strict=True)))


def _replicas(plans: NDArray[np.int64], order: Sequence[str]) -> _Replicas:
    axes = _axes(plans, order)
    return _joined(*(axes[name] for name in order if name in ("context", "data")))


def _joined(inner: _Axis, outer: _Axis) -> _Replicas:
    """Return two axes as one where they are neighbours or one of them has a single rank."""
    joined = (inner.stride * inner.size == outer.stride) | (inner.size == 1) | (outer.size == 1)
    return _Replicas(
        _Axis(
            np.where(joined, inner.size * outer.size, inner.size),
            np.where(joined & (inner.size == 1), outer.stride, inner.stride),
        ),
        _Axis(np.where(joined, 1, outer.size), np.where(joined, 0, outer.stride)),
    )


def _row(ranks: _Replicas) -> Column:
    """Return columns as in `Communicator`, int64, shape (P, 4), one axis where one is enough."""
    (size, stride), (outer_size, outer_stride) = ranks
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
