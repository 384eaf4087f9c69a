"""SimAI's ns-3 simulator: its topology file; traffic comes from its own workloads.

The header is ``nodes accelerators-per-server scale-up-switches switches links accelerator``, then
come switches and links as in HPCC. The fabric holds no scale-up network, so there are no scale-up
switches, and the accelerator is ``NONE``.

References
----------
github.com/aliyun/SimAI, astra-sim-alibabacloud, inputs/topo and network_frontend/ns3/common.h.
"""

from __future__ import annotations

from netloom.exchange.writers import (
    COMMON_LOSS,
    Scenario,
    Written,
    _ns3,
    check_forwards,
    plain_flows,
    router_loss,
)


def write(scenario: Scenario) -> Written:
    """Return the topology, and flows as a plain table."""
    check_forwards(scenario, "simai")
    switches, links = _ns3.switch_ids(scenario), _ns3.link_lines(scenario)
    num_nodes = scenario.fabric.num_endpoints + len(switches)
    header = f"{num_nodes} {scenario.nics_per_node} 0 {len(switches)} {len(links)} NONE"
    lines = [header, " ".join(map(str, switches)), *links]
    lost = [
        COMMON_LOSS,
        *_ns3.losses(scenario),
        *router_loss(scenario),
        "scale-up switches and the accelerator: add them to the first two lines",
    ]
    if len(scenario.flows):
        lost.append("flows: SimAI makes its own from a workload; flows.csv has them")
    return Written({"topology.txt": "\n".join(lines) + "\n"} | plain_flows(scenario), tuple(lost))
