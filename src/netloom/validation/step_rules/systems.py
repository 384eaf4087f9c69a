"""Systems of published tables as nodes, NICs, switches and fabrics of the catalogue."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from netloom import catalog
from netloom.catalog.parts import Node
from netloom.errors import ParameterError
from netloom.validation.step_rules.patterns import first_match, table

_ACCELERATOR = re.compile(
    r"(?<![a-z0-9])(gb300|gb200|b300|b200|h800|h200|h100|h20|a100|mi\d{3}x|vr200)(?![a-z0-9])"
)
_PER_NODE = re.compile(r"(\d+) ?x ?(\d+) ?g\b")
_PER_ACCELERATOR = re.compile(r"\b(\d+) ?g\b[^,]*\bper (?:gpu|accelerator)")
_CLOS = re.compile(r"3-tier clos 1:(\d+)")
_MEMORY = re.compile(r"\b(\d+) ?gb\b(?!/s)")
_POWER = re.compile(r"\b(\d+) ?w\b")


@dataclass(frozen=True)
class System:
    """Where a step ran.

    Attributes
    ----------
    node, switch, protocol : parts of the catalogue.
    fabric : a family and its settings, ``"kind key=value"``.
    memory_gib : of one accelerator where the table gives another than the catalogue, else 0.
    note : what the table says and netloom does not take into account.
    """

    node: str
    switch: str
    protocol: str
    fabric: str
    memory_gib: int = 0
    note: str = ""


def system_of(words: str) -> System:
    """Return the parts that a table's system stands for.

    The accelerator's name gives the nodes; NICs per node or rate per GPU choose among them; RoCE is
    RoCE only where it is named; rails are those of the accelerator's reference design.

    Raises
    ------
    ParameterError
        When the accelerator is unknown or no node of the catalogue has the NICs that are named.

    Examples
    --------
    >>> system_of("a100-80g, 4x200G HDR per node").node
    'dgx-a100-4nic'
    >>> system_of("h100-sxm, RoCE 400G per GPU, 3-tier Clos 1:7 at aggregation").fabric
    'pods pod_hosts=3072 oversubscription=7'
    """
    lower = words.lower()
    found = _ACCELERATOR.search(lower)
    nodes = _nodes_of(found[1]) if found else ()
    if not found or not nodes:
        raise ParameterError(
            f"system '{words}' names no accelerator of the catalogue"
            if words
            else "system is blank",
            hint="begin with its name, such as h100-sxm, gb200-nvl72 or a100-80g",
        )
    node = _with_nics(words, lower, nodes)
    rate_gbps = round(8e-9 * float(catalog.get("nic", node.nic).port_bytes_per_s))
    rule = first_match(table("step-systems.yaml")["networks"], {"text": lower, "nic": node.nic})
    if not rule:
        raise ParameterError(
            f"no rule for a network of {node.nic} at {rate_gbps}G",
            hint="name the network, such as 8x400G IB per node",
        )
    memory = _MEMORY.search(lower)
    power = _POWER.search(lower)
    note = f"{power[1]} W a GPU, rated as at full power" if power else ""
    return System(
        node=node.name, switch=rule["switch"], protocol=rule["protocol"],
        fabric=_fabric(lower, node), memory_gib=int(memory[1]) if memory else 0, note=note,
    )  # fmt: skip


@cache
def _nodes_of(accelerator: str) -> tuple[Node, ...]:
    """Return nodes with an accelerator, the smallest first and then by the alphabet."""
    nodes = [catalog.get("node", name) for name in catalog.names("node")]
    mine = [node for node in nodes if node.accelerator.split("-")[0] == accelerator]
    return tuple(sorted(mine, key=lambda node: (node.num_accelerators, node.name)))


def _with_nics(words: str, lower: str, nodes: tuple[Node, ...]) -> Node:
    """Return the first node with the NICs that the table names; of RoCE, no maker's own system."""
    if "roce" in lower:
        nodes = tuple(node for node in nodes if not node.name.startswith("dgx-")) or nodes
    per_node, per_accelerator = _PER_NODE.search(lower), _PER_ACCELERATOR.search(lower)
    for node in nodes:
        rate_gbps = round(8e-9 * float(catalog.get("nic", node.nic).port_bytes_per_s))
        if per_node:
            wanted = (int(per_node[1]), int(per_node[2]))
        elif per_accelerator:
            wanted = (node.num_accelerators, int(per_accelerator[1]))
        else:
            return node
        if wanted == (node.nics_per_node, rate_gbps):
            return node
    known = ", ".join(f"{node.name} with {node.nics_per_node} {node.nic} a node" for node in nodes)
    raise ParameterError(
        f"no node of the catalogue has the accelerators and NICs of '{words}'",
        hint=f"known: {known}",
    )


def _fabric(lower: str, node: Node) -> str:
    if clos := _CLOS.search(lower):
        # the one published size of such a pod, arXiv:2407.21783, section 3.3.1
        return f"pods pod_hosts=3072 oversubscription={clos[1]}"
    return str(
        first_match(
            table("step-systems.yaml")["fabrics"],
            {"text": lower, "accelerator": node.accelerator},
        )["fabric"]
    )
