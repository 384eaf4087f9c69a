"""Rates of NICs and links, and which media and port modes carry them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netloom import topology, units
from netloom.catalog import parts
from netloom.schema.study import Cluster, Network

#: A switch and the way it is run.
Run = tuple[parts.Switch, parts.PortMode]

#: Relative difference below which two rates are the same.
SAME_RATE = 1e-6


def full_bytes_per_s(nic: parts.Nic) -> float:
    """Return what all ports of a NIC carry together, one way."""
    return float(nic.port_bytes_per_s) * nic.num_ports


def nic_bytes_per_s(network: Network, cluster: Cluster, nic: parts.Nic) -> float:
    """Return the rate at which a NIC is to run, all its planes together, one way."""
    if network.link_rate is not None:
        return network.link_rate * num_planes(network.fabric)
    if network.nic_rate is not None:
        return network.nic_rate
    # the cluster's rate is that of the cluster's NIC
    if cluster.nic_rate is not None and network.nic is None:
        return cluster.nic_rate
    return full_bytes_per_s(nic)


def num_planes(fabric: Mapping[str, Any] | None) -> int:
    """Return over how many planes each NIC is split; the family's own number when left out."""
    fabric = fabric or {}
    kind, planes = fabric.get("kind"), fabric.get("planes")
    if planes is None and kind in topology.kinds():
        field = topology.parameter_model(str(kind)).model_fields.get("planes")
        planes = None if field is None else field.default
    return planes if isinstance(planes, int) and planes > 0 else 1


def switch_names(switch: str | Mapping[str, str] | None) -> dict[str, str]:
    """Return the switches that a network names, by tier; under an empty tier when it names one."""
    if isinstance(switch, Mapping):
        return dict(switch)
    return {"": switch} if switch is not None else {}


def port_mode(switch: parts.Switch, link_bytes_per_s: float) -> parts.PortMode | None:
    """Return the first way to run a switch whose ports have the link rate; light has any rate."""
    if switch.circuits:
        return switch.port_modes[0]
    for mode in switch.port_modes:
        ratio = mode_bytes_per_s(mode) / link_bytes_per_s
        if abs(ratio - 1) < SAME_RATE:
            return mode
    return None


def fits(medium: parts.Medium, mode: parts.PortMode) -> bool:
    """Return whether a cable carries a whole number of links that divides those of one cage."""
    ratio = units.parse(medium.rate, "rate") / mode_bytes_per_s(mode)
    links = round(ratio)
    whole = links >= 1 and abs(ratio - links) < SAME_RATE * links
    return whole and mode.ports_per_cage % links == 0


def shown(bytes_per_s: float) -> str:
    """Return a rate for people, exact to six digits."""
    return units.show(bytes_per_s, "rate", digits=6)


def mode_bytes_per_s(mode: parts.PortMode) -> float:
    """Return the rate of one logical port, one way."""
    return units.parse(mode.rate, "rate")
