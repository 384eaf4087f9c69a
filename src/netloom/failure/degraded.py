"""What the loss of one part does to a step: the step priced again on the fabric that is left.

Parts of a class that carry the same traffic, between switches that do, are alike: one of them is
taken out and stands for all. Parts that carry none are not missed. On a tree that a job fills all
parts of a class are alike; on a part-filled tree they are not, and on a lattice several of those
that look alike are taken out. A step that finds no path any more does not run: the loss interrupts
the job.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from netloom.errors import InfeasibleError
from netloom.simulate.degrade import Loss, degrade
from netloom.topology.fabric import HOST, Fabric
from netloom.topology.routing.shortest import ShortestRouting
from netloom.topology.routing.tree import TreeRouting

#: Parts of one class that are priced, and those of fabrics of few trunks, which are priced fast; of
#: more kinds of parts, as many are taken out of equal parts of the class.
_MOST_PRICED, _MOST_PRICED_OF_SMALL, _SMALL = 8, 64, 1000

#: Loads that agree to so many decimals of the fullest are the same.
_DECIMALS = 9

#: How many links around a part are looked at.
_ROUNDS = 2

_SEED = 0


@dataclass(frozen=True)
class LossEffect:
    """What the loss of one part of a class does to a job, whichever part it is.

    Attributes
    ----------
    stops_fraction : share of the parts whose loss leaves some message without a path.
    slowdown_fraction : lengthening of a step by the loss of one of the others, their mean.
    """

    stops_fraction: float
    slowdown_fraction: float


@dataclass(frozen=True)
class _Kind:
    """Parts that are alike: losses of some, how many there are, whether they carry traffic."""

    losses: tuple[Loss, ...]
    num_parts: int
    busy: bool


def switch_cause(tier: str) -> str:
    """Return what a report calls the switches of a tier."""
    return f"switch {tier}"


def link_cause(link_class: str) -> str:
    """Return what a report calls the links of a class."""
    return f"link {link_class}"


def loss_effects(
    fabric: Fabric,
    step_s: Callable[[Fabric], float],
    loads: Callable[[Fabric], NDArray[np.float64]],
) -> dict[str, LossEffect]:
    """Return what the loss of one part does to a step, by class of part.

    Parameters
    ----------
    fabric : intact.
    step_s : prices the step on a fabric; raises `InfeasibleError` where a message has no path.
    loads : bytes of each kind of the step's traffic on the bundles of a fabric that is routed by
        shortest paths, float64, shape (K, 2 T): trunks upwards, then downwards.

    Notes
    -----
    The step grows by ``t(left) / t(intact) - 1``, both under the same routing: what is left of a
    fabric may have to be routed by shortest paths where the intact one has a rule of its own, and
    then the intact one is priced by shortest paths too. A fabric of optical circuits has no parts
    that could be taken out alone, and gives nothing.

    Examples
    --------
    A step that is one over the number of links, with the same load on all of them:

    >>> from netloom.topology import build
    >>> fabric = build("fat-tree", {"hosts": 8, "radix": 4, "tiers": 2})
    >>> found = loss_effects(
    ...     fabric,
    ...     lambda built: 1 / float(built.trunk_links.sum()),
    ...     lambda built: np.ones((1, 2 * len(built.trunk_links))),
    ... )
    >>> round(found["link host-leaf"].slowdown_fraction, 6)    # 15 of 16 links
    0.066667
    """
    if any(tier.switching == "circuit" for tier in fabric.tiers):
        return {}
    by_shortest_paths = _by_shortest_paths(fabric)
    try:
        carried = loads(by_shortest_paths)
    except InfeasibleError:
        return {}
    known: dict[type, float] = {}

    def slowdown(loss: Loss) -> float:
        left = degrade(fabric, loss)
        routing = type(left.routing)
        try:
            after_s = step_s(left)
        except InfeasibleError:
            return math.inf
        if routing not in known:
            alike = isinstance(fabric.routing, routing)
            known[routing] = step_s(fabric if alike else by_shortest_paths)
        return max(0.0, after_s / known[routing] - 1)

    found = {}
    for cause, kinds in _kinds(fabric, carried):
        priced = [
            (kind.num_parts / len(kind.losses), slowdown(loss) if kind.busy else 0.0)
            for kind in kinds
            for loss in kind.losses
        ]
        numbers, slower = np.array(priced).T
        stops = np.isinf(slower)
        going = numbers[~stops]
        mean = float(going @ slower[~stops] / going.sum()) if going.sum() else 0.0
        found[cause] = LossEffect(float(numbers[stops].sum() / numbers.sum()), mean)
    return found


def _kinds(fabric: Fabric, carried: NDArray[np.float64]) -> Iterator[tuple[str, list[_Kind]]]:
    """Yield causes with their parts, sorted into kinds."""
    most = _MOST_PRICED if len(fabric.trunk_links) > _SMALL else _MOST_PRICED_OF_SMALL
    # on a lattice it also matters where a part lies on the ways of the flows
    per_class = 1 if isinstance(fabric.routing, TreeRouting) else most
    trunks, switches = _looks(fabric, carried)
    chance = np.random.default_rng(_SEED)

    def sorted_out(
        parts: NDArray[np.int64], looks: _Looks, loss_of: Callable[[int], Loss], num_parts: Any
    ) -> list[_Kind]:
        groups = _alike(looks.colour[parts], looks.carried_bytes[parts], most)
        num_taken = max(1, per_class // len(groups))
        found = []
        for group in groups:
            members = parts[group]
            busy = bool(looks.carried_bytes[members[0]] > 0)
            taken = members[:1] if num_taken == 1 else chance.permutation(members)[:num_taken]
            losses = tuple(loss_of(part) for part in taken[: None if busy else 1].tolist())
            found.append(_Kind(losses, int(num_parts[members].sum()), busy))
        return found

    for number, tier in enumerate(fabric.tiers):
        mine = np.flatnonzero(fabric.switch_tier == number)
        if tier.switching == "packet" and len(mine):
            boxes = np.ones(fabric.num_switches, dtype=np.int64)
            yield (
                switch_cause(tier.name),
                sorted_out(mine, switches, lambda switch: Loss(switches=[switch]), boxes),
            )
    for number, link_class in enumerate(fabric.link_classes):
        mine = np.flatnonzero(fabric.trunk_class == number)
        if link_class.cabled and len(mine):
            links, per_cable = fabric.trunk_links.astype(np.int64), link_class.links_per_cable
            in_cable = np.minimum(links, per_cable)

            def cable(trunk: int, in_cable: NDArray[np.int64] = in_cable) -> Loss:
                return Loss({trunk: int(in_cable[trunk])})

            cables = -(-links // per_cable)
            yield link_cause(link_class.name), sorted_out(mine, trunks, cable, cables)


class _Looks(NamedTuple):
    """What tells parts apart.

    Attributes
    ----------
    colour : int64, the same for parts that look alike.
    carried_bytes : float64, traffic of all kinds, both ways.
    """

    colour: NDArray[np.int64]
    carried_bytes: NDArray[np.float64]


def _looks(fabric: Fabric, carried: NDArray[np.float64]) -> tuple[_Looks, _Looks]:
    """Return what trunks look like, and switches.

    Trunks look alike that carry the same, are as wide, and hang on switches whose trunks look
    alike, and so on for some rounds: what a loss sends round goes by those [1]_.

    References
    ----------
    .. [1] B. Weisfeiler, A. Leman, "The reduction of a graph to canonical form and the algebra
       which appears therein", NTI Series 2 (1968): refinement of colours.
    """
    num_trunks = len(fabric.trunk_links)
    own = np.column_stack([carried[:, :num_trunks].T, carried[:, num_trunks:].T])
    trunk_bytes = own.sum(axis=1)
    fullest = np.maximum(own.max(axis=0), np.finfo(float).tiny)
    trunk = _colours(np.column_stack([own / fullest, fabric.trunk_links, fabric.trunk_class]))
    is_host = np.array([kind.lower == HOST for kind in fabric.link_classes])[fabric.trunk_class]
    lower = np.where(is_host, 0, fabric.trunk_lower)
    end = np.concatenate([lower[~is_host], fabric.trunk_upper])

    def at_switches(values: NDArray[np.float64]) -> NDArray[np.float64]:
        ways = np.concatenate([values[~is_host], values])
        return np.asarray(np.bincount(end, ways, fabric.num_switches))

    # a number drawn for each colour: sums of them tell sets of colours apart
    names = np.random.default_rng(_SEED).random(num_trunks)
    switch = np.zeros(fabric.num_switches, dtype=np.int64)
    for _ in range(_ROUNDS):
        switch = _colours(np.column_stack([switch, at_switches(names[trunk])]))
        below = np.where(is_host, -1, switch[lower])
        trunk = _colours(np.column_stack([trunk, below, switch[fabric.trunk_upper]]))
    return _Looks(trunk, trunk_bytes), _Looks(switch, at_switches(trunk_bytes))


def _colours(rows: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return a number for each row, the same for rows that agree; numbers in order of appearance.

    Examples
    --------
    >>> _colours(np.array([[1.0, 0.0], [2.0, 0.0], [1.0, 0.0]])).tolist()
    [0, 1, 0]
    """
    seen: dict[bytes, int] = {}
    rounded = np.ascontiguousarray(np.round(rows, _DECIMALS))
    numbers = (seen.setdefault(row.tobytes(), len(seen)) for row in rounded)
    return np.fromiter(numbers, np.int64, len(rows))


def _alike(
    colours: NDArray[np.int64], carried: NDArray[np.float64], most: int
) -> list[NDArray[np.int64]]:
    """Return which parts are alike, group by group; of too many groups, equal parts by load.

    The first of each group stands for it; parts that carry nothing are one group. Where all are
    cut into equal parts by how much they carry, the one in the middle of its part comes first.

    Examples
    --------
    >>> [group.tolist() for group in _alike(np.array([0, 1, 0, 2]), np.array([3, 4, 3, 0.0]), 8)]
    [[3], [0, 2], [1]]
    """
    idle, busy = np.flatnonzero(carried == 0), np.flatnonzero(carried)
    found = [idle] if len(idle) else []
    known = list(dict.fromkeys(colours[busy].tolist()))
    if len(known) <= most:
        return found + [busy[colours[busy] == colour] for colour in known]
    parts = np.array_split(busy[np.argsort(carried[busy], kind="stable")], most)
    return found + [np.roll(part, -(len(part) // 2)) for part in parts]


def _by_shortest_paths(fabric: Fabric) -> Fabric:
    routing = ShortestRouting.build(
        fabric.num_endpoints, fabric.num_switches, fabric.link_classes,
        fabric.trunk_class, fabric.trunk_lower, fabric.trunk_upper, fabric.trunk_links,
    )  # fmt: skip
    return dataclasses.replace(fabric, routing=routing)


def nodes_below(fabric: Fabric, nics_per_node: int) -> dict[str, int]:
    """Return the nodes that hang on one switch of each tier, at most: its blast radius.

    Examples
    --------
    Eight nodes of two NICs on leaves of eight hosts: four nodes each, and none on a spine.

    >>> from netloom.topology import build
    >>> fabric = build("fat-tree", {"hosts": 16, "radix": 16, "tiers": 2})
    >>> nodes_below(fabric, 2)
    {'switch leaf': 4, 'switch spine': 0}
    """
    host_class = np.array([kind.lower == HOST for kind in fabric.link_classes])
    is_host = host_class[fabric.trunk_class]
    switch = fabric.trunk_upper[is_host].astype(np.int64)
    node = fabric.trunk_lower[is_host].astype(np.int64) // nics_per_node
    pairs = np.unique(np.stack([switch, node], axis=1), axis=0)
    below = np.bincount(pairs[:, 0], minlength=fabric.num_switches)
    return {
        switch_cause(tier.name): int(below[fabric.switch_tier == number].max(initial=0))
        for number, tier in enumerate(fabric.tiers)
    }
