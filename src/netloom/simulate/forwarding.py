"""Forwarding tables of the built-in static routes, for users to edit.

A table says where a switch sends what is for a destination, whatever the source, and which of the
parallel links by a rule of the source (`netloom.simulate.forwarding_table`). Static routes of
trees are of this kind unless a core has links to several spines of a pod; those of a Dragonfly are
where two groups have one link. Others are refused, with the switch that shows it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from netloom.errors import ParameterError
from netloom.simulate.forwarding_table import COLUMNS, DELIVER, runs
from netloom.simulate.link_ends import LinkEnds, crossed, link_ends
from netloom.simulate.route_file import source_places
from netloom.simulate.routes import routes
from netloom.topology.fabric import Fabric
from netloom.topology.names import endpoint_names, switch_names

#: All pairs of endpoints are routed, and a table has as many rows as switches times endpoints.
MOST_ENDPOINTS = 4096

#: Flows that are routed at a time.
_CHUNK = 1 << 19


def forwarding_csv(fabric: Fabric, nics_per_node: int = 1) -> str:
    """Return the forwarding table of a fabric's static routes as the text of a CSV file.

    Raises
    ------
    ParameterError
        When the fabric is too large, or no table of destinations holds its routes.

    Examples
    --------
    >>> from netloom.topology import build
    >>> print(forwarding_csv(build("fat-tree", {"hosts": 8, "radix": 8, "tiers": 2})))
    switch,destination,next,link
    leaf0001,0-3,destination,
    leaf0001,4,spine0001,1
    leaf0001,5,spine0001,2
    leaf0001,6,spine0001,3
    leaf0001,7,spine0001,4
    leaf0002,0,spine0001,1
    leaf0002,1,spine0001,2
    leaf0002,2,spine0001,3
    leaf0002,3,spine0001,4
    leaf0002,4-7,destination,
    spine0001,0-3,leaf0001,1
    spine0001,0-3,leaf0001,2
    spine0001,0-3,leaf0001,3
    spine0001,0-3,leaf0001,4
    spine0001,4-7,leaf0002,1
    spine0001,4-7,leaf0002,2
    spine0001,4-7,leaf0002,3
    spine0001,4-7,leaf0002,4
    <BLANKLINE>
    """
    if fabric.num_endpoints > MOST_ENDPOINTS:
        raise ParameterError(
            f"forwarding tables are written for {MOST_ENDPOINTS:,} endpoints at most, "
            f"'{fabric.kind}' has {fabric.num_endpoints:,}",
            hint="write the table of a smaller fabric of the family as a pattern",
        )
    ends = link_ends(fabric)
    names = (*switch_names(fabric), *endpoint_names(fabric.num_endpoints, nics_per_node))
    key, link = _hops(fabric, ends)
    key, start = np.unique(key, return_index=True)
    start = np.r_[start, len(link)]
    lines = [",".join(COLUMNS)]
    node_of, target_of = key // fabric.num_endpoints, key % fabric.num_endpoints
    per_node = np.flatnonzero(np.r_[True, node_of[1:] != node_of[:-1], True])
    for first, last in zip(per_node[:-1].tolist(), per_node[1:].tolist(), strict=True):
        node = int(node_of[first])
        lines += _rows(
            fabric, ends, names, node,
            [(int(target_of[at]), tuple(link[start[at] : start[at + 1]].tolist()))
             for at in range(first, last)],
        )  # fmt: skip
    return "\n".join(lines) + "\n"


def _hops(fabric: Fabric, ends: LinkEnds) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return ``node * endpoints + target`` and link of all hops, each once, sorted.

    Raises
    ------
    ParameterError
        When flows with different sources leave a switch in ways that no table tells apart.
    """
    num_endpoints = fabric.num_endpoints
    place = source_places(fabric)
    degree = np.bincount(ends.tail, minlength=ends.num_nodes)
    everyone = np.arange(num_endpoints, dtype=np.int32)
    step = max(1, _CHUNK // num_endpoints)
    num_links, found = len(ends.tail), []
    for low in range(0, num_endpoints, step):
        targets = everyone[low : low + step]
        source, target = np.tile(everyone, len(targets)), np.repeat(targets, num_endpoints)
        # rails without spines do not meet: there is no row for what cannot be reached
        joined = fabric.routing.paths(source, target).num_hops >= 0
        source, target = source[joined], target[joined]
        single = routes(fabric, source, target, "static")
        link = crossed(fabric, ends, single)
        flow = np.repeat(np.arange(len(source)), np.diff(single.paths.indptr))
        # an endpoint with one link has no choice
        chosen = degree[ends.tail[link]] > 1
        link, flow = link[chosen], flow[chosen]
        key = ends.tail[link].astype(np.int64) * num_endpoints + target[flow]
        hop = np.unique(key * num_links + link)
        _check_choice(fabric, ends, hop, key, link, place[source[flow]])
        found.append(hop)
    hop = np.sort(np.concatenate(found))
    return hop // num_links, (hop % num_links).astype(np.int32)


def _check_choice(
    fabric: Fabric, ends: LinkEnds, hop: NDArray[np.int64],
    key: NDArray[np.int64], link: NDArray[np.int32], place: NDArray[np.int64],
) -> None:  # fmt: skip
    """Check that every switch has one neighbour towards a target, whatever the source.

    And that among parallel links to it flows take those that the rule of the source picks.
    """
    num_links = len(ends.tail)
    owner, start, count = np.unique(hop // num_links, return_index=True, return_counts=True)
    first = hop[start] % num_links
    neighbour = ends.head[hop % num_links]
    parted = neighbour != np.repeat(ends.head[first], count)
    at = np.searchsorted(owner, key)
    picked = hop[start[at] + place % count[at]] % num_links
    wrong = np.concatenate([(hop // num_links)[parted], key[picked != link]])
    if len(wrong):
        node, target = divmod(int(wrong[0]), fabric.num_endpoints)
        name = (*switch_names(fabric), "an endpoint")[min(node, fabric.num_switches)]
        raise ParameterError(
            f"no forwarding table holds the static routes of '{fabric.kind}': at {name} the way to "
            f"endpoint {target} depends on the source",
            hint="take a fabric in which a switch has one neighbour towards each destination",
        )


def _rows(
    fabric: Fabric, ends: LinkEnds, names: tuple[str, ...], node: int,
    ways: list[tuple[int, tuple[int, ...]]],
) -> Iterator[str]:  # fmt: skip
    """Yield the rows of a node; runs of targets that go the same way are one range."""

    def way(target: int, links: tuple[int, ...]) -> tuple[tuple[str, str], ...]:
        head = int(ends.head[links[0]])
        parallel = len(ends.between(node, head)) > 1
        after = DELIVER if head == fabric.num_switches + target else names[head]
        return tuple((after, str(ends.copy[link] + 1) if parallel else "") for link in links)

    grouped: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for target, links in ways:
        grouped.setdefault(way(target, links), []).append(target)
    parts = [(int(part.split("-")[0]), part, found)
             for found, targets in grouped.items() for part in runs(targets)]  # fmt: skip
    for _, part, found in sorted(parts):
        for after, link in found:
            yield f"{names[node]},{part},{after},{link}"
