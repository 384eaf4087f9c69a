"""Up-down routing of folded Clos networks, with perfect spreading over equal uplinks and planes.

Legend: E endpoints, F flows, L levels, G groups of one level.

All uplinks of one group (a leaf towards its spines, a pod's spines towards the cores) are one
bundle with the capacity of all its members over all planes, and so are its downlinks. A flow climbs
to the lowest level on which both ends share a group: at most ``2 L`` bundles, whatever the fabric's
size. Between endpoints that share no group on any level there is no path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netloom.topology.fabric import Bundles, Paths


@dataclass(frozen=True)
class TreeRouting:
    """Bundles by endpoint and by group.

    Attributes
    ----------
    bundles : host uplinks (one per endpoint), host downlinks, then for each level but the top the
        groups' uplinks and downlinks.
    group : int32, shape (L, E), group of each endpoint on each level.
    up_bundle, down_bundle : int32, shape (L, E), bundle on which a flow leaves (enters) level
        ``l - 1`` upwards (downwards); row 0 is the endpoint's own.
    """

    bundles: Bundles
    group: NDArray[np.int32]
    up_bundle: NDArray[np.int32]
    down_bundle: NDArray[np.int32]

    @classmethod
    def build(
        cls,
        tier_names: Sequence[str],
        group: NDArray[np.int64],
        num_uplinks: Sequence[NDArray[np.int64]],
        host_links: int,
        link_bytes_per_s: float,
    ) -> TreeRouting:
        """Return the routing of a tree.

        Parameters
        ----------
        tier_names : L names of switches, bottom up.
        group : shape (L, E).
        num_uplinks : L - 1 arrays of shape (G,), uplinks of each group over all planes.
        host_links : links of one endpoint over all planes.
        link_bytes_per_s : one link, one way.
        """
        num_levels, num_endpoints = group.shape
        endpoints = np.arange(num_endpoints)
        hosts = np.full(num_endpoints, host_links, dtype=np.int64)
        members, stages, names = [hosts, hosts], [0, 1], ["host uplinks", "host downlinks"]
        up, down = [endpoints], [endpoints + num_endpoints]
        first = 2 * num_endpoints
        for level, links in enumerate(num_uplinks):
            up.append(first + group[level])
            down.append(first + len(links) + group[level])
            members += [links, links]
            stages += [2 * level + 2, 2 * level + 3]
            names += [f"{tier_names[level]} uplinks", f"{tier_names[level]} downlinks"]
            first += 2 * len(links)
        num_members = np.concatenate(members)
        bundles = Bundles(
            bytes_per_s=num_members.astype(np.float64) * link_bytes_per_s,
            num_members=num_members.astype(np.int32),
            stage=np.repeat(np.array(stages, dtype=np.int16), [len(part) for part in members]),
            stage_names=tuple(names),
        )
        return cls(
            bundles=bundles,
            group=group.astype(np.int32),
            up_bundle=np.stack(up).astype(np.int32).reshape(num_levels, num_endpoints),
            down_bundle=np.stack(down).astype(np.int32).reshape(num_levels, num_endpoints),
        )

    def meeting_level(
        self, source: NDArray[np.int32], target: NDArray[np.int32]
    ) -> NDArray[np.int32]:
        """Return the lowest level with a common group, int32, shape (F,); L when there is none."""
        level = np.full(len(source), len(self.group), dtype=np.int32)
        for row in range(len(self.group) - 1, -1, -1):
            level[self.group[row, source] == self.group[row, target]] = row
        return level

    def paths(self, source: NDArray[np.int32], target: NDArray[np.int32]) -> Paths:
        """Return the bundles that flows cross; a flow to itself crosses none, with 0 hops."""
        from netloom.kernels.paths import tree_paths

        level = self.meeting_level(source, target)
        level[source == target] = -1
        num_bundles = np.where(level == len(self.group), 0, 2 * (level + 1))
        indptr = np.zeros(len(source) + 1, dtype=np.int64)
        np.cumsum(num_bundles, out=indptr[1:])
        bundle = tree_paths(
            np.asarray(source, dtype=np.int32), np.asarray(target, dtype=np.int32),
            indptr, self.up_bundle, self.down_bundle,
        )  # fmt: skip
        hops = np.where(level == len(self.group), -1, 2 * level + 1)
        hops[level == -1] = 0
        return Paths(indptr, bundle, np.ones(len(bundle)), hops.astype(np.int16))

    def reduction_loads(
        self, endpoint: NDArray[np.int32], group: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
        """Return bundle loads of reductions in switches, and the switches on the longest way up.

        Each group's members send a byte up a tree whose root is on the lowest level that they
        share; every switch passes one byte on, whatever came in. Copies come down the same way.

        Parameters
        ----------
        endpoint : shape (M,), members of all groups.
        group : shape (M,), members with one number reduce together.

        Returns
        -------
        tuple
            Loads up and loads down, float64, shape (B,) each, per byte of a member; switches
            between a member and the root of the deepest tree, the root included, or -1 when some
            group meets on no level.
        """
        up = np.bincount(self.up_bundle[0, endpoint], minlength=len(self.bundles.bytes_per_s))
        down = np.bincount(self.down_bundle[0, endpoint], minlength=len(up))
        for level in range(len(self.group)):
            joined = np.unique(np.column_stack([group, self.group[level, endpoint]]), axis=0)[:, 0]
            apart = joined[1:][joined[1:] == joined[:-1]]
            if not len(apart):
                return up.astype(np.float64), down.astype(np.float64), level + 1
            if level + 1 == len(self.group):
                break
            climbs = np.isin(group, apart)
            for loads, bundle in ((up, self.up_bundle), (down, self.down_bundle)):
                ways = np.column_stack([group, bundle[level + 1, endpoint]])[climbs]
                loads += np.bincount(np.unique(ways, axis=0)[:, 1], minlength=len(loads))
        return up.astype(np.float64), down.astype(np.float64), -1
