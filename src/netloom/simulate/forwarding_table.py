"""Forwarding tables of switches, read and checked row by row.

A table is a CSV with the columns ``switch``, ``destination``, ``next`` and, where links are
parallel, ``link``. Its spirit is that of InfiniBand's linear forwarding tables: a switch looks at
the destination alone.

- ``switch``: name or number. The name of an endpoint with several links states its way out.
- ``destination``: an endpoint's number, a range such as ``0-15``, or ``*`` for all that the switch
  has no other row for.
- ``next``: name or number of a neighbouring switch, or ``destination`` to hand over to the
  endpoint itself, whose name does as well. ``*`` then means the endpoints that hang on the switch.
- ``link``: which of the parallel links to that neighbour, from 1. Left out, all of them.

Where rows name several parallel links, a flow takes one of them by its source: endpoints are
counted leaf by leaf, and the count modulo the number of links picks the row.

`netloom.simulate.route_file` follows a table, `netloom.simulate.forwarding` writes one.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from netloom.errors import Problem, StudyError, nearest
from netloom.simulate.link_ends import LinkEnds
from netloom.topology.fabric import Fabric
from netloom.topology.names import endpoint_names, switch_names

COLUMNS = ("switch", "destination", "next", "link")

#: ``next`` of the last hop.
DELIVER = "destination"

#: Things of one kind that a problem names one by one.
MOST_LISTED = 20

_RANGE = re.compile(r"(\d+)(?:\s*-\s*(\d+))?$")


@dataclass
class Interval:
    """What a node does with some destinations: the links of one or several rows."""

    first: int
    last: int
    head: int
    links: list[int]
    line: int
    by_link: bool


@dataclass
class ForwardingTable:
    """Checked rows, and what is wrong with them.

    Attributes
    ----------
    names : of all nodes.
    intervals : by node, in order of destinations.
    fallback : by node, the row for ``*``.
    """

    file: str
    names: Sequence[str]
    problems: list[Problem] = field(default_factory=list)
    intervals: dict[int, list[Interval]] = field(default_factory=dict)
    fallback: dict[int, Interval] = field(default_factory=dict)

    def wrong(self, line: int, message: str, hint: str = "") -> None:
        """Note a problem; line 0 is the whole file."""
        self.problems.append(Problem(message, hint, file=self.file, line=line, column=min(line, 1)))

    def finish(self) -> None:
        """Raise the problems in order of lines; of very many the first, with how many follow."""
        found = sorted(self.problems, key=lambda problem: problem.line)
        if len(found) > MOST_LISTED:
            more = len(found) - MOST_LISTED
            last = Problem(f"{more:,} more problems follow", "is it this fabric's table?",
                           file=self.file, line=found[MOST_LISTED].line, column=1)  # fmt: skip
            found = [*found[:MOST_LISTED], last]
        if found:
            raise StudyError(found)


def read_table(
    text: str, file: str, fabric: Fabric, ends: LinkEnds, nics_per_node: int
) -> ForwardingTable:
    """Return the table of a text; raise `StudyError` with all problems of its rows."""
    switches = switch_names(fabric)
    names = (*switches, *endpoint_names(fabric.num_endpoints, nics_per_node))
    table = ForwardingTable(file, names)
    number = {name: place for place, name in enumerate(names)}
    reader = csv.reader(io.StringIO(text))
    columns = [name.strip() for name in next(reader, [])]
    missing = [name for name in COLUMNS[:3] if name not in columns]
    unknown = [name for name in columns if name not in COLUMNS]
    if missing:
        table.wrong(1, f"lacks the columns {', '.join(missing)}", f"write {','.join(COLUMNS)}")
    for name in unknown:
        table.wrong(1, f"there is no column '{name}'", nearest(name, COLUMNS))
    table.finish()
    row_reader = _Rows(table, fabric, ends, number)
    for fields in reader:
        if not fields:
            continue
        if len(fields) != len(columns):
            table.wrong(reader.line_num, f"has {len(fields)} fields, {len(columns)} are meant")
            continue
        row = dict(zip(columns, (part.strip() for part in fields), strict=True))
        row_reader.add(reader.line_num, row)
    _check_overlaps(table)
    table.finish()
    return table


@dataclass
class _Rows:
    """Reads one row after another into a table."""

    table: ForwardingTable
    fabric: Fabric
    ends: LinkEnds
    number: dict[str, int]
    known: dict[tuple[int, int], list[int]] = field(default_factory=dict)

    def between(self, node: int, head: int) -> list[int]:
        """Return the links between two nodes; a table asks for the same ones many times."""
        links = self.known.get((node, head))
        if links is None:
            links = self.known[node, head] = self.ends.between(node, head).tolist()
        return links

    def add(self, line: int, row: dict[str, str]) -> None:
        """Add a row, or note what is wrong with it."""
        node = self._node(line, "switch", row["switch"])
        wanted = self._destinations(line, row["destination"])
        if node is None or wanted is None:
            return
        head = self._next(line, node, row["next"], wanted)
        if head is None:
            return
        links = self._links(line, node, head, wanted, row)
        if not links:
            return
        # the way to each destination itself is an interval of its own
        for first, last, to, some in self._parts(node, head, wanted, links):
            new = Interval(first, last, to, some, line, bool(row.get("link")))
            if row["destination"] == "*" and head >= 0:
                self._merge(line, self.table.fallback.get(node), new, node)
                self.table.fallback.setdefault(node, new)
            else:
                self.table.intervals.setdefault(node, []).append(new)

    def _merge(self, line: int, old: Interval | None, new: Interval, node: int) -> None:
        """Add the links of a further row for the same switch and destinations."""
        if old is None:
            return
        if message := _conflict(old, new, self.table.names):
            self.table.wrong(line, f"{self.table.names[node]} has a second row for '*'{message}")
        old.links += new.links

    def _node(self, line: int, column: str, text: str) -> int | None:
        if text in self.number:
            return self.number[text]
        if text.isdecimal() and int(text) < self.fabric.num_switches:
            return int(text)
        switches = self.table.names[: self.fabric.num_switches]
        close, question, _ = nearest(text, switches).partition("? ")
        self.table.wrong(
            line, f"{column} '{text}' is no switch",
            close + "?" if question
            else f"they are {switches[0]} to {switches[-1]}, or 0 to {len(switches) - 1}",
        )  # fmt: skip
        return None

    def _destinations(self, line: int, text: str) -> tuple[int, int] | None:
        last_endpoint = self.fabric.num_endpoints - 1
        if text == "*":
            return 0, last_endpoint
        match = _RANGE.match(text)
        if match is not None:
            first = int(match[1])
            last = int(match[2] or first)
            if first <= last <= last_endpoint:
                return first, last
        self.table.wrong(
            line, f"destination '{text}' is no endpoint and no range of them",
            f"write a number from 0 to {last_endpoint}, a range such as 0-{last_endpoint}, or *",
        )  # fmt: skip
        return None

    def _next(self, line: int, node: int, text: str, wanted: tuple[int, int]) -> int | None:
        """Return the next node; -1 for the destination itself."""
        if text == DELIVER:
            return self._delivered(line, node, wanted)
        head = self._node(line, "next", text)
        if head is None:
            return None
        names, num_switches = self.table.names, self.fabric.num_switches
        if head >= num_switches:
            if wanted == (head - num_switches, head - num_switches):
                return self._delivered(line, node, wanted)
            self.table.wrong(
                line, f"{text} is endpoint {head - num_switches}, which passes nothing on",
                f"write next {DELIVER}, or a switch",
            )  # fmt: skip
            return None
        if not self.between(node, head):
            near = [names[each] for each in self.ends.neighbours(node) if each < num_switches]
            self.table.wrong(
                line, f"next '{text}' is no neighbour of {names[node]}",
                f"its neighbours are {listed(near)}",
            )  # fmt: skip
            return None
        return head

    def _delivered(self, line: int, node: int, wanted: tuple[int, int]) -> int | None:
        """Return -1 when the destinations hang on a switch; a row for all takes those that do."""
        attached = self._attached(node, wanted)
        missing = sorted(set(range(wanted[0], wanted[1] + 1)) - set(attached))
        if not missing or (wanted == (0, self.fabric.num_endpoints - 1) and attached):
            return -1
        near = runs(self._attached(node, (0, self.fabric.num_endpoints - 1)))
        self.table.wrong(
            line, f"{self.table.names[node]} has no link to endpoint "
            f"{listed(runs(missing))}",
            f"it has links to {listed(near)}" if near else "write next with a switch",
        )  # fmt: skip
        return None

    def _links(
        self, line: int, node: int, head: int, wanted: tuple[int, int], row: dict[str, str]
    ) -> list[int]:
        """Return the numbers, from 0, of the parallel links to take; -1 for all."""
        text = row.get("link", "")
        if not text:
            return [-1]
        first_host = self.fabric.num_switches
        heads = [first_host + end for end in self._attached(node, wanted)] if head < 0 else [head]
        count = min(len(self.between(node, each)) for each in heads)
        if text.isdecimal() and 1 <= int(text) <= count:
            return [int(text) - 1]
        self.table.wrong(
            line, f"link '{text}' is none of those from {self.table.names[node]} there",
            f"they are numbered 1 to {count}" if count > 1 else "there is one: leave link out",
        )  # fmt: skip
        return []

    def _parts(
        self, node: int, head: int, wanted: tuple[int, int], links: list[int]
    ) -> list[tuple[int, int, int, list[int]]]:
        """Return intervals, next nodes and directed links of a row."""
        first_host = self.fabric.num_switches
        if head >= 0:
            return [(*wanted, head, self._chosen(node, head, links))]
        return [
            (each, each, first_host + each, self._chosen(node, first_host + each, links))
            for each in self._attached(node, wanted)
        ]

    def _attached(self, node: int, wanted: tuple[int, int]) -> list[int]:
        """Return the endpoints of a range that hang on a node."""
        near = self.ends.neighbours(node) - self.fabric.num_switches
        return near[(near >= wanted[0]) & (near <= wanted[1])].tolist()

    def _chosen(self, node: int, head: int, links: list[int]) -> list[int]:
        there = self.between(node, head)
        return list(there) if links == [-1] else [there[number] for number in links]


def _check_overlaps(table: ForwardingTable) -> None:
    """Sort the intervals of every node, join rows that differ by link, note those that clash."""
    for node, found in table.intervals.items():
        found.sort(key=lambda each: (each.first, each.last, each.line))
        kept: list[Interval] = []
        for each in found:
            old = kept[-1] if kept and kept[-1].last >= each.first else None
            if old is None:
                kept.append(each)
                continue
            if message := _conflict(old, each, table.names):
                line = max(old.line, each.line)
                both = range(max(old.first, each.first), min(old.last, each.last) + 1)
                table.wrong(
                    line, f"{table.names[node]} has a second row for destination "
                    f"{runs(both)[0]}{message}",
                    "keep one row, or name parallel links to the same neighbour in column link",
                )  # fmt: skip
                if each.last > old.last:
                    kept[-1] = each  # what reaches farther may clash with the next
                continue
            old.links += each.links
        table.intervals[node] = kept


def _conflict(old: Interval, new: Interval, names: Sequence[str]) -> str:
    """Return why two rows for the same destination clash; empty when parallel links part them."""
    earlier = min(old, new, key=lambda each: each.line)
    first = f", the first is on line {earlier.line}"
    if old.head != new.head:
        return f"{first} and leads to {names[earlier.head]}"
    parted = old.by_link and new.by_link and (old.first, old.last) == (new.first, new.last)
    return "" if parted and not set(old.links) & set(new.links) else first


def runs(numbers: Iterable[int]) -> list[str]:
    """Return numbers in order as texts, neighbours as ranges.

    Examples
    --------
    >>> runs([0, 1, 2, 5])
    ['0-2', '5']
    """
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return [f"{low}-{high}" if high > low else f"{low}" for low, high in found]


def listed(names: Sequence[str]) -> str:
    """Return names in a row, the first twenty.

    Examples
    --------
    >>> listed(["leaf0001", "leaf0002"])
    'leaf0001, leaf0002'
    """
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return ", ".join(names[:MOST_LISTED]) + more
