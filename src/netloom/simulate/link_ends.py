"""Single directed links by the nodes at their ends: what forwarding tables and exports speak of.

Nodes are switches, then endpoints. Link ``l`` goes up a trunk, ``D / 2 + l`` down again, in the
order of trunks and of the parallel links inside each, as in
`netloom.simulate.routes.single_links`.

Legend for shapes: D directed links, T trunks, P pairs of neighbours by direction, N entries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.errors import ParameterError
from netloom.simulate.routes import Routes, bundle_ends
from netloom.topology.clos import within
from netloom.topology.fabric import HOST, Fabric
from netloom.topology.routing.tree import TreeRouting


@dataclass(frozen=True)
class LinkEnds:
    """Directed links and who they join.

    Attributes
    ----------
    tail, head : int32, shape (D,), nodes.
    trunk : int32, shape (D,).
    copy : int32, shape (D,), number inside its trunk and direction, from 0.
    pair : int64, shape (P,), ``tail * nodes + head`` of neighbours, sorted.
    start : int64, shape (P + 1,), where each pair's links stand in `by_pair`.
    by_pair : int32, shape (D,), links pair by pair.
    num_nodes : switches and endpoints.
    """

    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    trunk: NDArray[np.int32]
    copy: NDArray[np.int32]
    pair: NDArray[np.int64]
    start: NDArray[np.int64]
    by_pair: NDArray[np.int32]
    num_nodes: int

    def between(self, tail: int, head: int) -> NDArray[np.int32]:
        """Return the links from one node to a neighbour, in their order; none for strangers."""
        key = tail * self.num_nodes + head
        place = int(np.searchsorted(self.pair, key))
        if place == len(self.pair) or self.pair[place] != key:
            return self.by_pair[:0]
        return self.by_pair[self.start[place] : self.start[place + 1]]

    def neighbours(self, tail: int) -> NDArray[np.int64]:
        """Return the nodes that a node has links to."""
        low, high = np.searchsorted(self.pair, [tail * self.num_nodes, (tail + 1) * self.num_nodes])
        return self.pair[low:high] % self.num_nodes


def link_ends(fabric: Fabric) -> LinkEnds:
    """Return the directed links of a fabric.

    Examples
    --------
    >>> from netloom.topology import build
    >>> ends = link_ends(build("fat-tree", {"hosts": 8, "radix": 8, "tiers": 2}))
    >>> ends.between(0, 2).tolist()  # four parallel links from the first leaf to the spine
    [8, 9, 10, 11]
    """
    links = fabric.trunk_links.astype(np.int64)
    is_host = np.array([kind.lower == HOST for kind in fabric.link_classes])[fabric.trunk_class]
    lower = np.where(is_host, fabric.num_switches + fabric.trunk_lower, fabric.trunk_lower)
    low, high = np.repeat(lower, links), np.repeat(fabric.trunk_upper, links)
    tail, head = np.concatenate([low, high]), np.concatenate([high, low])
    num_nodes = fabric.num_switches + fabric.num_endpoints
    key = tail.astype(np.int64) * num_nodes + head
    by_pair = np.argsort(key, kind="stable")
    pair, start = np.unique(key[by_pair], return_index=True)
    return LinkEnds(
        tail=tail.astype(np.int32),
        head=head.astype(np.int32),
        trunk=np.tile(np.repeat(np.arange(len(links)), links), 2).astype(np.int32),
        copy=np.tile(within(links), 2).astype(np.int32),
        pair=pair,
        start=np.r_[start, len(key)].astype(np.int64),
        by_pair=by_pair.astype(np.int32),
        num_nodes=num_nodes,
    )


def crossed(fabric: Fabric, ends: LinkEnds, single: Routes) -> NDArray[np.int32]:
    """Return the directed link of every entry of single-path routes, int32, shape (N,).

    Parameters
    ----------
    ends : of the fabric.
    single : its ``static`` or ``hash`` routes.

    Raises
    ------
    ParameterError
        When routes treat planes as parallel links, or see other links than are built.
    """
    if isinstance(fabric.routing, TreeRouting):
        return single.paths.bundle  # these are numbered by trunk already
    if any(tier.switching == "circuit" for tier in fabric.tiers):
        raise ParameterError(
            f"routes of '{fabric.kind}' see the links that its circuits make, not those built",
            hint="use the family torus",
        )
    if int(fabric.switch_plane.max(initial=-1)) > 0:
        raise ParameterError(
            f"routes of '{fabric.kind}' count its planes as parallel links",
            hint="build one plane at its own rate, with planes=1",
        )
    tail, head = bundle_ends(fabric, fabric.routing)
    members = fabric.routing.bundles.num_members
    bundle = np.repeat(np.arange(len(members)), members)[single.paths.bundle]
    copy = within(members.astype(np.int64))[single.paths.bundle]
    key = tail[bundle].astype(np.int64) * ends.num_nodes + head[bundle]
    place = np.searchsorted(ends.pair, key)
    return ends.by_pair[ends.start[place] + copy]
