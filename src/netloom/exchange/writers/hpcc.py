"""HPCC's ns-3 simulator: ``topology.txt`` and ``flow.txt``.

Flow file: the number of flows, then ``source target priority-group port bytes start`` per flow,
starts in seconds. Flows are sorted by start, as the program needs them; each has a port of its own
per target, in priority group 3, which the program's examples use.

References
----------
github.com/alibaba-edu/High-Precision-Congestion-Control, simulation/mix and scratch/third.cc.
"""

from __future__ import annotations

import numpy as np

from netloom.errors import ParameterError
from netloom.exchange.writers import (
    COMMON_LOSS,
    Scenario,
    Written,
    _ns3,
    check_forwards,
    router_loss,
)

_PRIORITY_GROUP = 3
_FIRST_PORT = 100

#: The program keeps sizes in 32 bits.
_MOST_BYTES = 2**32 - 1

#: Ports that a target has for flows.
_MOST_PORTS = 65_535 - _FIRST_PORT


def write(scenario: Scenario) -> Written:
    """Return topology and flows."""
    check_forwards(scenario, "hpcc")
    switches, links = _ns3.switch_ids(scenario), _ns3.link_lines(scenario)
    num_nodes = scenario.fabric.num_endpoints + len(switches)
    header = [f"{num_nodes} {len(switches)} {len(links)}", " ".join(map(str, switches))]
    files = {"topology.txt": "\n".join([*header, *links]) + "\n"}
    if len(scenario.flows):
        files["flow.txt"] = _flow_text(scenario)
    lost = (COMMON_LOSS, *_ns3.losses(scenario), *router_loss(scenario))
    return Written(files, lost)


def _flow_text(scenario: Scenario) -> str:
    flows = scenario.flows
    if flows.size_bytes.max() > _MOST_BYTES:
        raise ParameterError(
            f"hpcc holds flows of {_MOST_BYTES:,} bytes at most, one has "
            f"{flows.size_bytes.max():,}",
            hint="split it into several flows",
        )
    if np.bincount(flows.target).max() > _MOST_PORTS:
        raise ParameterError(
            f"hpcc has {_MOST_PORTS:,} ports for flows to one target",
            hint="join flows of the same two ends",
        )
    order = np.argsort(flows.start_s, kind="stable")
    ports: dict[int, int] = {}
    lines = [str(len(flows))]
    for flow in order.tolist():
        target = int(flows.target[flow])
        port = ports[target] = ports.get(target, _FIRST_PORT - 1) + 1
        lines.append(
            f"{flows.source[flow]} {target} {_PRIORITY_GROUP} {port} {flows.size_bytes[flow]} "
            f"{float(flows.start_s[flow])!r}"
        )
    return "\n".join(lines) + "\n"
