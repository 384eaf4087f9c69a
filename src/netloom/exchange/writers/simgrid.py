"""SimGrid: ``platform.xml`` with explicit hosts, routers, links and routes, and a flow table.

Every logical link is a split-duplex link, named by its lower and upper end and its number. Routes
are netloom's static ones, of all pairs of hosts or, where flows are given, of their pairs in both
directions, as SimGrid's cross-traffic needs them. A program that starts the flows reads
``flows.csv``; a deployment file is not needed. SimGrid's default model LV08 takes 0.97 of a link's
rate and 13.01 times its latency; ``--cfg=network/model:CM02`` takes both as they are, and
``--cfg=network/optim:Full`` solves rates exactly.

References
----------
SimGrid 4 documentation, Platform files, XML reference: zone, host, router, link, route, link_ctn.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from netloom.errors import ParameterError
from netloom.exchange.writers import (
    COMMON_LOSS,
    Scenario,
    Written,
    check_forwards,
    plain_flows,
    router_loss,
)

#: Most routes of a platform: each is an element of about 300 bytes.
MOST_ROUTES = 250_000

#: Speed of a host, which no flow uses.
_HOST_SPEED = "1Gf"


def write(scenario: Scenario) -> Written:
    """Return platform and flows; ends of flows are host names."""
    check_forwards(scenario, "simgrid")
    source, target = _pairs(scenario)
    lines = [
        "<?xml version='1.0'?>",
        '<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">',
        '<platform version="4.1">',
        f'  <zone id="{scenario.fabric.kind}" routing="Full">',
    ]
    lines += (f'    <host id="{name}" speed="{_HOST_SPEED}"/>' for name in scenario.endpoint_names)
    lines += (f'    <router id="{name}"/>' for name in scenario.switch_names)
    names: list[str] = []
    for low, high, count, rate in scenario.trunks():
        for number in range(1, count + 1):
            names.append(f"{low}--{high}--{number}")
            lines.append(
                f'    <link id="{names[-1]}" bandwidth="{rate!r}Bps" '
                f'latency="{scenario.link_latency_s:.12g}s" sharing_policy="SPLITDUPLEX"/>'
            )
    lines += _route_lines(scenario, source, target, names)
    lines += ["  </zone>", "</platform>"]
    lost = [COMMON_LOSS, "tiers, rails and planes", *router_loss(scenario)]
    lost.append("routing other than the static routes")
    if scenario.switch_latency_s:
        lost.append("the latency of switches")
    if len(scenario.flows):
        lost.append("routes between endpoints that exchange no flow")
    files = {"platform.xml": "\n".join(lines) + "\n"} | plain_flows(scenario, names=True)
    return Written(files, tuple(lost))


def _pairs(scenario: Scenario) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return sources and targets that need a route, each pair once."""
    num_endpoints, flows = scenario.fabric.num_endpoints, scenario.flows
    ways = ((flows.source, flows.target), (flows.target, flows.source))
    pair = np.unique([one.astype(np.int64) * num_endpoints + other for one, other in ways])
    num_routes = len(pair) if len(flows) else num_endpoints * (num_endpoints - 1)
    if num_routes > MOST_ROUTES:
        raise ParameterError(
            f"simgrid needs {num_routes:,} routes here, the most are {MOST_ROUTES:,}",
            hint="give fewer flows: routes are written for their pairs alone"
            if len(flows)
            else f"give flows, whose pairs alone are written, or {int(MOST_ROUTES**0.5)} endpoints",
        )
    if not len(flows):
        pair = np.arange(num_endpoints**2, dtype=np.int64)
    source, target = (end.astype(np.int32) for end in np.divmod(pair, num_endpoints))
    apart = source != target
    if not len(flows):
        # rails without spines do not meet
        apart &= scenario.fabric.routing.paths(source, target).num_hops >= 0
    return source[apart], target[apart]


def _route_lines(
    scenario: Scenario, source: NDArray[np.int32], target: NDArray[np.int32], names: list[str]
) -> Iterator[str]:
    from netloom.simulate.link_ends import crossed, link_ends
    from netloom.simulate.routes import routes

    fabric = scenario.fabric
    single = routes(fabric, source, target, "static")
    link = crossed(fabric, link_ends(fabric), single)
    start, hosts = single.paths.indptr.tolist(), scenario.endpoint_names
    for flow, (one, other) in enumerate(zip(source.tolist(), target.tolist(), strict=True)):
        yield f'    <route src="{hosts[one]}" dst="{hosts[other]}" symmetrical="NO">'
        for each in link[start[flow] : start[flow + 1]].tolist():
            way = "UP" if each < len(names) else "DOWN"
            yield f'      <link_ctn id="{names[each % len(names)]}" direction="{way}"/>'
        yield "    </route>"
