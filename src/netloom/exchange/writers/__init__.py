"""Fabrics and traffic for other simulators: one module per format.

A format is a module with ``write(scenario) -> Written``: the text of each file by name, and in
sentences what the format cannot hold. `write_format` finds it by its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from netloom.errors import ParameterError
from netloom.exchange.flows import Flows, flows_csv
from netloom.registry import Registry
from netloom.topology.fabric import HOST, Fabric
from netloom.topology.names import endpoint_names, switch_names

REGISTRY = Registry(
    "netloom.exchange.writers", "netloom.exchange.writers", "export format", ("write",)
)

#: What no format but our own holds.
COMMON_LOSS = "prices, power, media and cable lengths"


@dataclass(frozen=True)
class Scenario:
    """What is exported.

    Attributes
    ----------
    fabric : built.
    flows : between its endpoints; may be none.
    nics_per_node : for the names of endpoints.
    link_latency_s, switch_latency_s : of every link and every switch.
    """

    fabric: Fabric
    flows: Flows
    nics_per_node: int = 1
    link_latency_s: float = 500e-9
    switch_latency_s: float = 0.0

    @cached_property
    def endpoint_names(self) -> tuple[str, ...]:
        """Names of the endpoints."""
        return endpoint_names(self.fabric.num_endpoints, self.nics_per_node)

    @cached_property
    def switch_names(self) -> tuple[str, ...]:
        """Names of the switches."""
        return switch_names(self.fabric)

    @cached_property
    def is_host_trunk(self) -> NDArray[np.bool_]:
        """Whether each trunk ends in an endpoint, shape (T,)."""
        lower = np.array([kind.lower == HOST for kind in self.fabric.link_classes])
        return lower[self.fabric.trunk_class]

    def trunks(self) -> Iterator[tuple[str, str, int, float]]:
        """Yield lower and upper end by name, links and bytes/s of one link, trunk by trunk."""
        fabric = self.fabric
        for host, lower, upper, links, kind in zip(
            self.is_host_trunk.tolist(), fabric.trunk_lower.tolist(), fabric.trunk_upper.tolist(),
            fabric.trunk_links.tolist(), fabric.trunk_class.tolist(), strict=True,
        ):  # fmt: skip
            low = self.endpoint_names[lower] if host else self.switch_names[lower]
            rate = fabric.link_classes[kind].link_bytes_per_s
            yield low, self.switch_names[upper], links, rate


@dataclass(frozen=True)
class Written:
    """Files of an export.

    Attributes
    ----------
    files : text by file name.
    lost : what they do not hold, in sentences.
    """

    files: dict[str, str]
    lost: tuple[str, ...]


def write_format(kind: str, scenario: Scenario) -> Written:
    """Return the files of a format.

    Raises
    ------
    ParameterError
        When the format is unknown or cannot express the fabric; the message says why.

    Examples
    --------
    >>> from netloom.exchange.patterns import pattern
    >>> from netloom.topology import build
    >>> fabric = build("fat-tree", {"hosts": 8, "radix": 4, "tiers": 2})
    >>> found = write_format("htsim", Scenario(fabric, pattern("ring", 8, 1000)))
    >>> found.files["flows.cm"].splitlines()[:3]
    ['Nodes 8', 'Connections 8', '0->1 id 1 start 0 size 1000']
    """
    return module_of(kind).write(scenario)


def module_of(kind: str) -> ModuleType:
    """Return the module of a format; raise `ParameterError` that lists the known ones."""
    return REGISTRY.get(kind)


def plain_flows(scenario: Scenario, names: bool = False) -> dict[str, str]:
    """Return ``flows.csv`` for formats without traffic of their own, nothing without flows."""
    if not len(scenario.flows):
        return {}
    return {"flows.csv": flows_csv(scenario.flows, scenario.endpoint_names if names else ())}


def check_forwards(scenario: Scenario, kind: str) -> None:
    """Raise `ParameterError` when part of a fabric is joined by light and forwards no packets."""
    circuits = [tier.name for tier in scenario.fabric.tiers if tier.switching == "circuit"]
    if circuits:
        raise ParameterError(
            f"{kind} cannot express fabric '{scenario.fabric.kind}': its {circuits[0]} switches "
            "join ports by light and forward no packets",
            hint="export the torus that the circuits make: --fabric torus",
        )


def router_loss(scenario: Scenario) -> tuple[str, ...]:
    """Return that routers inside endpoints become switches, where there are any."""
    inside = [tier.name for tier in scenario.fabric.tiers if tier.switching == "embedded"]
    return tuple(f"that {name} switches are routers inside endpoints" for name in inside)
