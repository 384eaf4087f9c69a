"""Graphs that other programs have drawn, from a file to a checked table.

A format that is read is a module of `netloom.exchange.readers` with `SUFFIXES` and
``read(text, sketch)``, which adds what the file says to a `Sketch`. `read_graph` picks the format
by the file's ending and checks the whole graph: all problems of a file are raised together, each
with its line.

Every node has a role: ``endpoint`` (or host, nic, node, server, gpu), or the tier of a switch, such
as leaf. A switch may state its ``radix``; a link its number of parallel ``links`` and its ``rate``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netloom import units
from netloom.errors import ParameterError, Problem, StudyError, nearest
from netloom.registry import Registry

FORMATS = Registry(
    "netloom.exchange.readers", "netloom.exchange", "graph format", ("SUFFIXES", "read")
)

#: Roles that mean an endpoint; every other role is the tier of a switch.
ENDPOINT_ROLES = ("endpoint", "host", "nic", "node", "server", "gpu")


@dataclass(frozen=True)
class GraphTable:
    """A checked graph; V nodes, L links.

    Attributes
    ----------
    names, roles : V texts, in the file's order; the role of endpoints is ``"endpoint"``.
    radix : int64, shape (V,), stated ports, 0 where none are.
    one, other : int64, shape (L,), nodes at the ends.
    links : int64, shape (L,), parallel logical links.
    bytes_per_s : float64, shape (L,), one logical link, one way; 0 where no rate is stated.
    """

    names: tuple[str, ...]
    roles: tuple[str, ...]
    radix: NDArray[np.int64]
    one: NDArray[np.int64]
    other: NDArray[np.int64]
    links: NDArray[np.int64]
    bytes_per_s: NDArray[np.float64]


@dataclass
class Sketch:
    """What a file says, row by row, and what is wrong with it.

    Attributes
    ----------
    file : shown in problems.
    cage_ports : logical links that share a cage, for formats that name cages.
    """

    file: str
    cage_ports: int = 1
    problems: list[Problem] = field(default_factory=list)
    nodes: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    links: list[tuple[str, str, int, float, int]] = field(default_factory=list)

    def wrong(self, line: int, message: str, hint: str = "") -> None:
        """Note a problem in a line, counted from 1; 0 is the whole file."""
        self.problems.append(Problem(message, hint, file=self.file, line=line, column=min(line, 1)))

    def node(self, line: int, name: str, role: object, radix: object = None) -> None:
        """Add a node."""
        if name in self.nodes:
            self.wrong(line, f"node '{name}' is there twice, first on line {self.nodes[name][2]}")
            return
        text = "" if role is None else str(role).strip()
        if not text:
            self.wrong(
                line,
                f"node '{name}' lacks a role",
                "give it role: endpoint, or a tier such as leaf",
            )
        if text.lower() in ENDPOINT_ROLES:
            text = "endpoint"
        ports = self._whole(line, f"radix of '{name}'", radix, 0)
        self.nodes[name] = (text, ports, line)

    def link(
        self, line: int, one: object, other: object, links: object = None, rate: object = None
    ) -> None:
        """Add a link; `links` and `rate` may be missing."""
        ends = [None if end in (None, "") else str(end) for end in (one, other)]
        if None in ends:
            self.wrong(line, "a link lacks an end", "a link has two ends, source and target")
            return
        count = self._whole(line, f"links between '{one}' and '{other}'", links, 1)
        bytes_per_s = 0.0
        if rate not in (None, ""):
            try:
                bytes_per_s = units.parse(str(rate), "rate")
            except ParameterError as error:
                self.wrong(line, error.problem.message, error.problem.hint)
        self.links.append((str(one), str(other), count, bytes_per_s, line))

    def _whole(self, line: int, what: str, raw: object, default: int) -> int:
        if raw in (None, ""):
            return default
        try:
            number = float(str(raw))
        except ValueError:
            number = 0.0
        if number < 1 or number != int(number):
            self.wrong(line, f"{what} is '{raw}'", "write a whole number from 1")
            return default
        return int(number)


def formats() -> dict[str, str]:
    """Return the formats by file ending.

    Examples
    --------
    >>> formats()[".graphml"]
    'graphml'
    """
    return {suffix: kind for kind in FORMATS.names() for suffix in FORMATS.get(kind).SUFFIXES}


def read_graph(path: str | Path, *, radix: int | None = None, cage_ports: int = 1) -> GraphTable:
    """Return the graph of a file.

    Parameters
    ----------
    path : file whose ending names the format.
    radix : ports of switches that state none.
    cage_ports : logical links that share a cage, where the file names cages.

    Raises
    ------
    ParameterError
        When there is no such file or format.
    StudyError
        With every problem of the file.
    """
    path = Path(path)
    known = formats()
    if path.suffix.lower() not in known:
        raise ParameterError(
            f"'{path.name}' ends in no graph format", hint=f"use {', '.join(sorted(known))}"
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ParameterError(f"cannot read graph '{path}': {error.strerror}") from None
    except UnicodeDecodeError:
        raise ParameterError(f"cannot read graph '{path}': it is no text in UTF-8") from None
    sketch = Sketch(str(path), cage_ports)
    FORMATS.get(known[path.suffix.lower()]).read(text, sketch)
    return _checked(sketch, radix)


def _checked(sketch: Sketch, radix: int | None) -> GraphTable:
    """Return the table of a sketch; raise `StudyError` with all that is wrong."""
    names = list(sketch.nodes)
    place = {name: number for number, name in enumerate(names)}
    roles = [sketch.nodes[name][0] for name in names]
    for one, other, _, _, line in sketch.links:
        unknown = [end for end in dict.fromkeys((one, other)) if end not in place]
        for end in unknown:
            sketch.wrong(line, f"a link names unknown node '{end}'", _near(end, names))
        if one == other:
            sketch.wrong(line, f"a link joins '{one}' to itself")
        elif not unknown and roles[place[one]] == roles[place[other]] == "endpoint":
            sketch.wrong(line, f"a link joins endpoints '{one}' and '{other}' without a switch")
    kept = [link for link in sketch.links if link[0] in place and link[1] in place]
    table = GraphTable(
        names=tuple(names),
        roles=tuple(roles),
        radix=np.array([sketch.nodes[name][1] for name in names], dtype=np.int64),
        one=np.array([place[link[0]] for link in kept], dtype=np.int64),
        other=np.array([place[link[1]] for link in kept], dtype=np.int64),
        links=np.array([link[2] for link in kept], dtype=np.int64),
        bytes_per_s=np.array([link[3] for link in kept], dtype=np.float64),
    )
    sketch.problems += _port_problems(sketch, table, radix)
    sketch.problems += _host_problems(sketch, table)
    if sketch.problems:
        raise StudyError(sorted(sketch.problems, key=lambda problem: problem.line))
    return table


def _near(name: str, names: list[str]) -> str:
    """Return the nearest names; a list of all would be as long as the file."""
    close, question, _ = nearest(name, names).partition("? ")
    return close + "?" if question else "declare it as a node with a role"


def _port_problems(sketch: Sketch, table: GraphTable, radix: int | None) -> Iterator[Problem]:
    """Yield switches over their radix and nodes without a link."""
    used = np.zeros(len(table.names), dtype=np.int64)
    for end in (table.one, table.other):
        np.add.at(used, end, table.links)
    for number, name in enumerate(table.names):
        role, stated, line = sketch.nodes[name]
        ports = stated or radix or 0
        message = hint = ""
        if role == "endpoint" and not used[number]:
            message, hint = f"endpoint '{name}' has no link", "link it to a switch, or leave it out"
        elif role and role != "endpoint" and ports and used[number] > ports:
            message = f"switch '{name}' has more links than ports: {used[number]} on {ports}"
            hint = f"state radix {used[number]}, or take links away"
        if message:
            yield Problem(message, hint, file=sketch.file, line=line, column=min(line, 1))


def _host_problems(sketch: Sketch, table: GraphTable) -> Iterator[Problem]:
    """Yield what keeps the host links from being one class: their tier and their rate."""
    is_endpoint = np.array([role == "endpoint" for role in table.roles], dtype=bool)
    if sketch.problems and not sketch.nodes:
        return  # what could not be read says enough
    if not is_endpoint.any() or is_endpoint.all():
        missing = "switches" if is_endpoint.any() else "endpoints"
        yield Problem(f"the graph has no {missing}", "every node has a role", file=sketch.file)
        return
    host = is_endpoint[table.one] != is_endpoint[table.other]
    switch = np.where(is_endpoint[table.one], table.other, table.one)[host]
    tiers = sorted({table.roles[number] for number in switch.tolist()} - {""})
    if len(tiers) > 1:
        yield Problem(
            f"endpoints hang on switches of several tiers: {', '.join(tiers)}",
            "give all switches that carry endpoints one role", file=sketch.file,
        )  # fmt: skip
    rates = sorted(set(table.bytes_per_s[host].tolist()))
    if len(rates) > 1:
        shown = ", ".join(units.show(rate, "rate") if rate else "none" for rate in rates)
        yield Problem(
            f"links of endpoints have several rates: {shown}",
            "write a faster link as parallel links", file=sketch.file,
        )  # fmt: skip
