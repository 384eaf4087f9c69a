"""A fabric's arrays as a graph for the compiled kernels: attachments and switch adjacency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netloom.topology.fabric import HOST, LinkClass

if TYPE_CHECKING:
    from netloom.kernels.shortest_paths import SwitchGraph


def switch_graph(
    num_endpoints: int,
    num_switches: int,
    link_classes: tuple[LinkClass, ...],
    trunk_class: NDArray[Any],
    trunk_lower: NDArray[Any],
    trunk_upper: NDArray[Any],
    trunk_links: NDArray[Any],
) -> SwitchGraph:
    """Return the graph; trunk t is bundle t from lower to upper end and T + t back."""
    from netloom.kernels.shortest_paths import SwitchGraph

    num_trunks = len(trunk_class)
    trunk = np.arange(num_trunks)
    is_host = np.array([link_class.lower == HOST for link_class in link_classes])[trunk_class]
    host = trunk[is_host]
    host = host[np.argsort(trunk_lower[host], kind="stable")]
    inner = trunk[~is_host]
    leave = np.concatenate([trunk_lower[inner], trunk_upper[inner]])
    enter = np.concatenate([trunk_upper[inner], trunk_lower[inner]])
    bundle = np.concatenate([inner, inner + num_trunks])
    order = np.argsort(leave, kind="stable")
    return SwitchGraph(
        attach_start=np.searchsorted(trunk_lower[host], np.arange(num_endpoints + 1)).astype(
            np.int64
        ),
        attach_switch=trunk_upper[host].astype(np.int32),
        attach_up=host.astype(np.int32),
        attach_down=(host + num_trunks).astype(np.int32),
        attach_links=trunk_links[host].astype(np.int32),
        start=np.searchsorted(leave[order], np.arange(num_switches + 1)).astype(np.int64),
        neighbour=enter[order].astype(np.int32),
        bundle=bundle[order].astype(np.int32),
        links=np.concatenate([trunk_links[inner]] * 2)[order].astype(np.int32),
    )
