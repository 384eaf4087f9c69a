"""What the two ends of a bundle are called, in the names of `netloom.topology.names`.

A bundle between groups of switches, such as all uplinks of a pod, has ranges at its ends:
``spine0001-0018``.

Legend for shapes: B bundles, T trunks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netloom.simulate.route_file import TableRouting
from netloom.simulate.routes import bundle_ends
from netloom.topology.fabric import HOST, Fabric
from netloom.topology.names import endpoint_name, switch_names
from netloom.topology.routing.dragonfly import DragonflyRouting
from netloom.topology.routing.tree import TreeRouting

#: Ranges of switches that a name spells out.
_MOST_RANGES = 2


class BundleNames(NamedTuple):
    """Names of the sending and of the receiving end of each bundle; B texts each."""

    tail: list[str]
    head: list[str]


def bundle_names(fabric: Fabric, nics_per_node: int) -> BundleNames:
    """Return the names of both ends of every bundle of a fabric's routing.

    Examples
    --------
    >>> from netloom.topology import build
    >>> fabric = build("fat-tree", {"hosts": 8, "radix": 4, "tiers": 2})
    >>> names = bundle_names(fabric, 2)
    >>> names.tail[2], names.head[2], names.tail[16], names.head[16]
    ('node0002:nic1', 'leaf0002', 'leaf0001', 'spine0001-0002')
    """
    routing = fabric.routing
    if isinstance(routing, TableRouting):
        return _link_names(fabric, routing, nics_per_node)
    if isinstance(routing, TreeRouting):
        return _tree_names(fabric, routing, nics_per_node)
    if isinstance(routing, DragonflyRouting):
        return _node_names(fabric, *bundle_ends(fabric, routing), nics_per_node)
    return _trunk_names(fabric, nics_per_node)


def switches_name(names: Sequence[str], switches: NDArray[np.int64]) -> str:
    """Return the name of several switches of one tier, as ranges.

    Parameters
    ----------
    names : of all switches, see `netloom.topology.names.switch_names`.
    switches : int64, ascending.

    Examples
    --------
    >>> switches_name(["leaf0001", "leaf0002", "leaf0003", "leaf0004"], np.array([0, 1, 3]))
    'leaf0001-0002, leaf0004'
    """
    starts = np.flatnonzero(np.r_[True, np.diff(switches) != 1])
    lasts = np.r_[starts[1:], len(switches)] - 1
    ranges = []
    for start, last in zip(starts[:_MOST_RANGES], lasts, strict=False):
        name = names[switches[start]]
        if start != last:
            # the same tier, so the same letters in front
            end = names[switches[last]]
            name += f"-{end[len(end.rstrip('0123456789')) :]}"
        ranges.append(name)
    more = len(switches) - int(lasts[min(len(lasts), _MOST_RANGES) - 1]) - 1
    return ", ".join(ranges) + (f" and {more} more" if more else "")


def _link_names(fabric: Fabric, routing: TableRouting, nics_per_node: int) -> BundleNames:
    """Return names of single links; of parallel ones the second is ``spine0001#2``."""
    ends = routing.ends
    names = _node_names(fabric, ends.tail, ends.head, nics_per_node)
    copies = np.flatnonzero(ends.copy)
    for link in copies.tolist():
        for side in names:
            side[link] += f"#{ends.copy[link] + 1}"
    return names


def _node_names(
    fabric: Fabric, tail: NDArray[np.int32], head: NDArray[np.int32], nics_per_node: int
) -> BundleNames:
    switches = switch_names(fabric)
    tails, heads = (
        [_node_name(switches, node, nics_per_node) for node in end.tolist()] for end in (tail, head)
    )
    return BundleNames(tails, heads)


def _node_name(switches: Sequence[str], node: int, nics_per_node: int) -> str:
    if node < len(switches):
        return switches[node]
    return endpoint_name(node - len(switches), nics_per_node)


def _trunk_names(fabric: Fabric, nics_per_node: int) -> BundleNames:
    """Return names where bundles are the trunks of one plane, both ways.

    Where traffic sees circuits instead of the cables, bundles have numbers.
    """
    bundles = fabric.routing.bundles
    num_trunks = len(bundles.num_members) // 2
    links = fabric.trunk_links[:num_trunks]
    planes = len(fabric.trunk_links) // max(1, len(links))
    if not np.array_equal(bundles.num_members[:num_trunks], planes * links):
        names = [f"link{number + 1:05d}" for number in range(len(bundles.num_members))]
        return BundleNames(names, names)
    switches = switch_names(fabric)
    lower, upper = [], []
    for trunk in range(num_trunks):
        end = int(fabric.trunk_lower[trunk])
        if fabric.link_classes[fabric.trunk_class[trunk]].lower == HOST:
            lower.append(endpoint_name(end, nics_per_node))
        else:
            lower.append(switches[end])
        upper.append(switches[fabric.trunk_upper[trunk]])
    return BundleNames(lower + upper, upper + lower)


def _tree_names(fabric: Fabric, routing: TreeRouting, nics_per_node: int) -> BundleNames:
    tail = [""] * len(routing.bundles.num_members)
    head = [""] * len(tail)
    names = switch_names(fabric)
    # an endpoint below each switch tells which group's bundle its trunks belong to
    below = np.full(fabric.num_switches, -1, dtype=np.int64)
    for level in range(len(routing.group)):
        mine = np.flatnonzero(fabric.trunk_class == level)
        lower, upper = fabric.trunk_lower[mine].astype(np.int64), fabric.trunk_upper[mine]
        endpoint = lower if level == 0 else below[lower]
        below[upper] = endpoint
        for bundle, ends, others in (
            (routing.up_bundle[level, endpoint], tail, head),
            (routing.down_bundle[level, endpoint], head, tail),
        ):
            for number, low, high in _ends_by_bundle(bundle, lower, upper):
                ends[number] = (
                    endpoint_name(int(low[0]), nics_per_node)
                    if level == 0
                    else switches_name(names, low)
                )
                others[number] = switches_name(names, high)
    return BundleNames(tail, head)


def _ends_by_bundle(
    bundle: NDArray[np.int32], lower: NDArray[np.int64], upper: NDArray[np.int32]
) -> list[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
    """Return each bundle with the distinct nodes at its lower and its upper end."""
    order = np.argsort(bundle, kind="stable")
    numbers, first = np.unique(bundle[order], return_index=True)
    parts = np.split(order, first[1:])
    return [
        (int(number), np.unique(lower[part]), np.unique(upper[part]).astype(np.int64))
        for number, part in zip(numbers, parts, strict=True)
    ]
