"""Static routes from a file: flows on the ways that forwarding tables lead them.

`netloom.simulate.forwarding_table` says what a table is, `netloom.simulate.forwarding` writes the
table of the built-in static routes.

Legend for shapes: E endpoints, F flows, N entries of all paths.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netloom.errors import InfeasibleError, ParameterError
from netloom.simulate.forwarding_table import (
    MOST_LISTED,
    ForwardingTable,
    listed,
    read_table,
    runs,
)
from netloom.simulate.link_ends import LinkEnds, link_ends
from netloom.simulate.routes import Routes, single_links
from netloom.topology.fabric import Bundles, Fabric, Paths

#: Starts of cycles that are followed to name the cycles.
_MOST_STARTS = 1000


@dataclass(frozen=True)
class TableRouting:
    """A routing that forwarding tables state: one path of single directed links for each flow.

    Links are numbered as by `netloom.simulate.routes.single_links`; each is a bundle of its own.

    Attributes
    ----------
    fabric : whose switches forward.
    table : the checked rows.
    bundles : all directed links; those out of order have no member and no capacity.
    """

    fabric: Fabric
    table: ForwardingTable
    bundles: Bundles

    def without(self, trunk_links: NDArray[np.int64]) -> TableRouting:
        """Return the same tables when trunks have fewer links, int64, shape (T,).

        Tables do not change by themselves. Of parallel links the last ones are out of order.
        """
        there = self.ends.copy < trunk_links[self.ends.trunk]
        bundles = self.bundles
        return replace(
            self,
            bundles=Bundles(
                np.where(there, bundles.bytes_per_s, 0.0),
                there.astype(np.int32),
                bundles.stage,
                bundles.stage_names,
            ),
        )

    @cached_property
    def ends(self) -> LinkEnds:
        """The nodes that links join."""
        return link_ends(self.fabric)

    @cached_property
    def _lookup(self) -> _Lookup:
        return _Lookup(self.table, self.fabric, self.ends)

    def paths(self, source: NDArray[np.int32], target: NDArray[np.int32]) -> Paths:
        """Return the links that flows cross, both arrays of shape (F,).

        A flow to itself crosses nothing.

        Raises
        ------
        StudyError
            With all destinations without a row, and all loops, each with its line.
        InfeasibleError
            When a flow is led over a link that is out of order.
        """
        source, target = (np.asarray(end, dtype=np.int32) for end in (source, target))
        steps = _followed(self.table, self.fabric, self._lookup, source, target)
        flow = np.concatenate([step[0] for step in steps] or [np.zeros(0, dtype=np.int64)])
        link = np.concatenate([step[1] for step in steps] or [np.zeros(0, dtype=np.int32)])
        self._check_there(link)
        by_flow = np.argsort(flow, kind="stable")  # steps are in order, so each flow's links are
        count = np.bincount(flow, minlength=len(source))
        indptr = np.r_[0, np.cumsum(count)].astype(np.int64)
        hops = np.where(count > 0, count - 1, 0).astype(np.int16)
        return Paths(indptr, link[by_flow].astype(np.int32), np.ones(len(link)), hops)

    def _check_there(self, links: NDArray[np.int32]) -> None:
        broken = np.unique(links[self.bundles.num_members[links] == 0])
        if len(broken):
            names, ends = self.table.names, self.ends
            # parallel links have one name
            lost = dict.fromkeys(
                f"{names[ends.tail[link]]} to {names[ends.head[link]]}" for link in broken.tolist()
            )
            raise InfeasibleError(
                f"{self.table.file} leads flows over links that are out of order: "
                f"{listed(list(lost))}"
            )


def routed_by_file(path: str | Path, fabric: Fabric, *, nics_per_node: int = 1) -> Fabric:
    """Return the fabric with the routes of a file's forwarding tables, a `TableRouting`.

    Parameters
    ----------
    path : CSV file.
    fabric : whose switches forward.
    nics_per_node : for the names of endpoints.

    Raises
    ------
    ParameterError
        When the file cannot be read.
    StudyError
        With every problem of the rows.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ParameterError(
            f"cannot read '{path}': {error.strerror}",
            hint="name a table of routes such as `netloom export forwarding` writes",
        ) from None
    except UnicodeDecodeError:
        raise ParameterError(f"'{path}' is no text", hint="save it as UTF-8") from None
    table = read_table(text, str(path), fabric, link_ends(fabric), nics_per_node)
    rate, stage, names = single_links(fabric)
    bundles = Bundles(rate, np.ones(len(rate), dtype=np.int32), stage, names)
    return replace(fabric, routing=TableRouting(fabric, table, bundles))


def routes_from_file(
    path: str | Path,
    fabric: Fabric,
    source: NDArray[np.int32],
    target: NDArray[np.int32],
    *,
    nics_per_node: int = 1,
) -> Routes:
    """Return the routes of flows as a file's forwarding tables lead them.

    Parameters
    ----------
    path : CSV file.
    fabric : whose switches forward.
    source, target : int32, shape (F,), endpoints. A flow to itself crosses nothing.
    nics_per_node : for the names of endpoints.

    Returns
    -------
    Routes
        Of single directed links, numbered as by `netloom.simulate.routes.single_links`.

    Raises
    ------
    ParameterError
        When the file cannot be read.
    StudyError
        With every problem: of the rows, or else of the ways that flows take, each with its line.
    """
    routing = routed_by_file(path, fabric, nics_per_node=nics_per_node).routing
    bundles = routing.bundles
    paths = routing.paths(source, target)
    return Routes(paths, bundles.bytes_per_s, bundles.stage, bundles.stage_names)


def source_places(fabric: Fabric) -> NDArray[np.int64]:
    """Return the number of every endpoint, counted leaf by leaf, int64, shape (E,)."""
    host = np.flatnonzero(fabric.trunk_class == 0)
    leaf = np.full(fabric.num_endpoints, fabric.num_switches, dtype=np.int64)
    np.minimum.at(leaf, fabric.trunk_lower[host], fabric.trunk_upper[host])
    place = np.empty(fabric.num_endpoints, dtype=np.int64)
    place[np.argsort(leaf, kind="stable")] = np.arange(fabric.num_endpoints)
    return place


def _followed(
    table: ForwardingTable, fabric: Fabric, lookup: _Lookup,
    source: NDArray[np.int32], target: NDArray[np.int32],
) -> list[tuple[NDArray[np.int64], NDArray[np.int32]]]:  # fmt: skip
    """Return flows and the links that they take, step by step.

    Raises
    ------
    StudyError
        With all flows that lack a row or go round.
    """
    ends = lookup.ends
    place = source_places(fabric)
    flow = np.flatnonzero(source != target)
    node = (fabric.num_switches + source[flow]).astype(np.int64)
    steps, mark, step, lost = [], node.copy(), 0, []
    looping = []
    while len(flow):
        link = lookup.links(node, target[flow], place[source[flow]])
        stuck = link < 0
        lost.append((node[stuck], target[flow[stuck]]))
        flow, link, mark = flow[~stuck], link[~stuck], mark[~stuck]
        steps.append((flow, link))
        node = ends.head[link].astype(np.int64)
        # Brent: whoever comes back to where it stood at the last power of two goes round
        round_trip = node == mark
        looping.append((node[round_trip], flow[round_trip]))
        step += 1
        if step & (step - 1) == 0:
            mark = node.copy()
        going = ~round_trip & (node != fabric.num_switches + target[flow])
        flow, node, mark = flow[going], node[going], mark[going]
    _note_lost(table, fabric, lost)
    _note_loops(table, lookup, looping, source, target, place)
    table.finish()
    return steps


class _Lookup:
    """Rows by node and destination, searched by bisection."""

    def __init__(self, table: ForwardingTable, fabric: Fabric, ends: LinkEnds) -> None:
        self.table, self.ends, self.num_endpoints = table, ends, fabric.num_endpoints
        rows = [(node, each) for node in sorted(table.intervals) for each in table.intervals[node]]
        self.key = np.array(
            [node * fabric.num_endpoints + each.first for node, each in rows], dtype=np.int64
        )
        self.last = np.array(
            [node * fabric.num_endpoints + each.last for node, each in rows], dtype=np.int64
        )
        # after the intervals the fallbacks, after these the only way out of each endpoint
        every = [each for _, each in rows]
        self.fallback = np.full(ends.num_nodes, -1, dtype=np.int64)
        for node, each in table.fallback.items():
            self.fallback[node] = len(every)
            every.append(each)
        choices = [each.links for each in every]
        self.lines = [each.line for each in every]
        for host in range(fabric.num_switches, ends.num_nodes):
            near = ends.neighbours(host)
            if self.fallback[host] < 0 and len(near) == 1:
                self.fallback[host] = len(choices)
                choices.append(ends.between(host, int(near[0])).tolist())
                self.lines.append(0)
        self.start = np.cumsum([0] + [len(links) for links in choices])
        self.choice = np.array([link for links in choices for link in links], dtype=np.int32)

    def rows(self, node: NDArray[np.int64], target: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the row that each node has for a target; -1 when there is none."""
        key = node * self.num_endpoints + target
        row = np.searchsorted(self.key, key, side="right") - 1
        within_row = row >= 0
        within_row[within_row] = key[within_row] <= self.last[row[within_row]]
        return np.where(within_row, row, self.fallback[node])

    def links(
        self, node: NDArray[np.int64], target: NDArray[np.int32], place: NDArray[np.int64]
    ) -> NDArray[np.int32]:
        """Return the directed link of each flow; -1 when the node has no row."""
        row = self.rows(node, target)
        found = np.full(len(row), -1, dtype=np.int32)
        known = row >= 0
        first = self.start[row[known]]
        count = self.start[row[known] + 1] - first
        found[known] = self.choice[first + place[known] % count]
        return found


def _note_lost(
    table: ForwardingTable, fabric: Fabric, lost: list[tuple[NDArray[np.int64], NDArray[np.int32]]]
) -> None:
    """Note, node by node, the destinations for which there is no row."""
    node = np.concatenate([part[0] for part in lost] or [np.zeros(0, dtype=np.int64)])
    target = np.concatenate([part[1] for part in lost] or [np.zeros(0, dtype=np.int32)])
    for each in np.unique(node).tolist():
        missing = np.unique(target[node == each])
        shown = runs(missing.tolist())
        own = [place.line for place in table.intervals.get(each, [])]
        way_out = each >= fabric.num_switches
        table.wrong(
            max(own, default=0),
            f"{table.names[each]} has no row for endpoint{'s' if len(missing) > 1 else ''} "
            f"{listed(shown)}",
            "an endpoint with several links needs a row that says which it takes" if way_out
            else f"add {table.names[each]},{shown[0]},NEXT, or a row for *",
        )  # fmt: skip


def _note_loops(
    table: ForwardingTable, lookup: _Lookup,
    looping: list[tuple[NDArray[np.int64], NDArray[np.int64]]],
    source: NDArray[np.int32], target: NDArray[np.int32], place: NDArray[np.int64],
) -> None:  # fmt: skip
    """Note every cycle once, with the lines of its rows."""
    node = np.concatenate([part[0] for part in looping] or [np.zeros(0, dtype=np.int64)])
    flow = np.concatenate([part[1] for part in looping] or [np.zeros(0, dtype=np.int64)])
    # flows that leave the same node by the same link mostly go round together
    link = lookup.links(node, target[flow], place[source[flow]])
    _, one_each = np.unique(link, return_index=True)
    seen: set[tuple[int, ...]] = set()
    for start, number in zip(
        node[one_each[:_MOST_STARTS]].tolist(), flow[one_each[:_MOST_STARTS]].tolist(), strict=True
    ):
        end, where = target[number : number + 1], place[source[number : number + 1]]
        cycle: list[int] = []
        lines, here = [], start
        while not cycle or here != start:
            cycle.append(here)
            at = np.array([here])
            lines.append(lookup.lines[int(lookup.rows(at, end)[0])])
            here = int(lookup.ends.head[lookup.links(at, end, where)[0]])
        turned = cycle.index(min(cycle))
        ring = (*cycle[turned:], *cycle[:turned])
        if ring not in seen and len(seen) < MOST_LISTED:
            way = " -> ".join(table.names[each] for each in (*ring, ring[0]))
            table.wrong(
                min(lines),
                f"flows to endpoint {end[0]} go round: {way}",
                f"lines {', '.join(map(str, sorted(set(lines))))}",
            )
        seen.add(ring)
