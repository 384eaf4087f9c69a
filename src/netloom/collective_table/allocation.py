"""Which accelerators a job gets, and which of its ranks sits where.

A *node* is one scale-up domain; nodes are numbered as on the fabric, from 0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from netloom.collective_table.machine import Machine
from netloom.collective_table.placement_file import read_placement
from netloom.errors import ParameterError, nearest
from netloom.simulate.placement import Placement

#: Orders of ranks on nodes that are words; ``random:SEED`` and a file's name are the others.
PACKED, STRIDED, RANDOM = "packed", "strided", "random"

Forwarding = Literal["pipelined", "staged", "none"]

_SPAN = re.compile(r"^(\d+)(?:-(\d+))?$")

#: More nodes than any fabric here; a range beyond is a slip that would fill the memory.
_MOST_NODES = 1_000_000


@dataclass(frozen=True)
class Allocation:
    """What is asked for.

    Attributes
    ----------
    num_ranks : of all groups together.
    per_node : ranks on one node, on its first accelerators; as many as fit when left out.
    nodes : numbers of the nodes, in the order in which ranks fill them; the fabric's first when
        left out.
    order : ``packed`` fills node after node; ``strided`` deals ranks out like cards; with
        ``random:SEED`` nodes are packed in random order, drawn from the whole fabric unless
        `nodes` are named; a name that ends in ``.csv`` is a file, see
        `netloom.collective_table.placement_file`.
    forwarding : how bytes reach another rail: ``pipelined`` through the scale-up links beside the
        network, ``staged`` before it, or not at all, ``none``: then the network has to join rails.
    """

    num_ranks: int
    per_node: int | None = None
    nodes: tuple[int, ...] | None = None
    order: str = PACKED
    forwarding: Forwarding = "pipelined"


def node_numbers(text: str) -> tuple[int, ...]:
    """Return node numbers from ranges.

    Examples
    --------
    >>> node_numbers("0-3,8,6-7")
    (0, 1, 2, 3, 8, 6, 7)
    """
    found: list[int] = []
    for span in text.split(","):
        match = _SPAN.match(span.strip())
        first = int(match[1]) if match else 0
        last = int(match[2] or match[1]) if match else -1
        if last < first or last >= _MOST_NODES:
            raise ParameterError(
                f"'{span.strip()}' is no range of nodes", hint="write nodes like 0-31,64-95"
            )
        found += range(first, last + 1)
    return tuple(found)


def allocate(wanted: Allocation, machine: Machine) -> Placement:
    """Return the placement of a job's ranks on a machine.

    Raises
    ------
    ParameterError
        When the ranks do not fit; the hint names the nearest that do.
    """
    per_node = machine.accelerators_per_node
    if wanted.order.lower().endswith(".csv"):
        if wanted.nodes is not None or wanted.per_node is not None:
            raise ParameterError(
                "the placement file names the nodes already",
                hint="leave --nodes and --per-node out, or the file",
            )
        accelerator_of_rank, nic_of_accelerator = read_placement(
            Path(wanted.order), wanted.num_ranks, machine.num_nodes, per_node, machine.nics_per_node
        )
    else:
        accelerator_of_rank = accelerators(wanted, per_node, machine.num_nodes)
        nic_of_accelerator = None
    return Placement(
        per_node,
        machine.nics_per_node,
        accelerator_of_rank,
        nic_of_accelerator,
        forwarding=wanted.forwarding != "none",
        staged=wanted.forwarding == "staged",
    )


def accelerators(wanted: Allocation, capacity: int, num_nodes: int) -> NDArray[np.int32]:
    """Return the accelerator of each rank, int32, shape (ranks,).

    Parameters
    ----------
    capacity : accelerators of one node.
    num_nodes : nodes of the fabric.

    Examples
    --------
    >>> accelerators(Allocation(4, nodes=(3, 1)), 8, 4).tolist()
    [24, 25, 8, 9]
    >>> accelerators(Allocation(4, per_node=2, order="strided"), 8, 4).tolist()
    [0, 8, 1, 9]
    """
    _check_nodes(wanted.nodes, num_nodes)
    per_node = _per_node(wanted, capacity)
    needed = -(-wanted.num_ranks // per_node)
    available = num_nodes if wanted.nodes is None else len(wanted.nodes)
    if wanted.num_ranks < 1 or needed > available:
        most = available * per_node
        more = f", or up to {capacity} ranks to a node" if per_node < capacity else ""
        raise ParameterError(
            f"{wanted.num_ranks:,} ranks, {per_node} to a node, do not fit on {available:,} nodes",
            hint=f"ask for 1 to {most:,} ranks{more}",
        )
    if wanted.nodes is not None and needed < available:
        raise ParameterError(
            f"{wanted.num_ranks:,} ranks, {per_node} to a node, leave {available - needed:,} of "
            f"{available:,} nodes empty",
            hint=f"name {needed:,} nodes, or ask for {available * per_node:,} ranks",
        )
    nodes = _nodes(wanted, needed, num_nodes)
    rank = np.arange(wanted.num_ranks)
    if wanted.order == STRIDED:
        local, place = np.divmod(rank, needed)
    else:
        place, local = np.divmod(rank, per_node)
    return (nodes[place] * capacity + local).astype(np.int32)


def _check_nodes(nodes: tuple[int, ...] | None, num_nodes: int) -> None:
    if nodes is None:
        return
    beyond = [node for node in nodes if node >= num_nodes]
    if beyond:
        raise ParameterError(
            f"there is no node {beyond[0]}", hint=f"nodes are numbered 0 to {num_nodes - 1}"
        )
    if len(set(nodes)) < len(nodes):
        twice = next(node for node in nodes if nodes.count(node) > 1)
        raise ParameterError(f"node {twice} is named twice", hint="name each node once")


def _per_node(wanted: Allocation, capacity: int) -> int:
    """Return ranks on one node: as asked, spread over the nodes named, or as many as fit."""
    per_node = wanted.per_node
    if per_node is None and wanted.nodes is not None:
        return min(max(1, -(-wanted.num_ranks // len(wanted.nodes))), capacity)
    if per_node is None:
        return min(max(1, wanted.num_ranks), capacity)
    if not 1 <= per_node <= capacity:
        raise ParameterError(
            f"{per_node} ranks do not fit on a node of {capacity} accelerators",
            hint=f"write --per-node 1 to {capacity}; a node is one scale-up domain",
        )
    return per_node


def _nodes(wanted: Allocation, needed: int, num_nodes: int) -> NDArray[np.int64]:
    """Return the nodes in the order in which ranks fill them, int64, shape (needed,)."""
    named = np.arange(num_nodes) if wanted.nodes is None else np.array(wanted.nodes)
    word, _, seed = wanted.order.partition(":")
    if word == RANDOM and seed.isdecimal():
        return np.random.default_rng(int(seed)).permutation(named)[:needed]
    if word == RANDOM:
        raise ParameterError(
            f"placement '{wanted.order}' has no seed", hint="write random:SEED, such as random:1"
        )
    if wanted.order not in (PACKED, STRIDED):
        known = nearest(wanted.order, (PACKED, STRIDED, f"{RANDOM}:SEED"))
        raise ParameterError(
            f"unknown placement '{wanted.order}'", hint=f"{known}, or a file that ends in .csv"
        )
    return named[:needed]
