"""A study with the parts that its names stand for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netloom import catalog
from netloom.catalog import parts
from netloom.catalog.failure_rates import FailureRates
from netloom.catalog.prices import PriceBook, SiteCosts
from netloom.catalog.software import Software
from netloom.cost.prices import Prices
from netloom.errors import StudyError
from netloom.resolve import rates
from netloom.resolve.checks import sized_parameters, study_problems
from netloom.resolve.model_file import model_name, model_path
from netloom.resolve.software_file import software_part
from netloom.schema.study import Cluster, Network, Study
from netloom.topology.parameters import FamilyParameters


@dataclass(frozen=True)
class ResolvedNetwork:
    """One candidate network with its parts.

    Attributes
    ----------
    network : as in the study.
    fabric_kind : fabric family.
    fabric_parameters : the family's parameters, those included that follow from the cluster.
    switch, protocol, nic : catalogue parts; the switch of the tier with the hosts.
    port_mode : way to run the switch whose ports have the link rate.
    tier_switches : switch and port mode by tier where the study names one for each; else empty.
    nic_bytes_per_s : one NIC, all its planes together, one way.
    link_bytes_per_s : one logical link, one way.
    num_planes : planes over which each NIC is split.
    host_medium, trunk_medium : media that the study pins; None to choose by length.
    """

    network: Network
    fabric_kind: str
    fabric_parameters: FamilyParameters
    switch: parts.Switch
    protocol: parts.Protocol
    nic: parts.Nic
    port_mode: parts.PortMode
    tier_switches: dict[str, tuple[parts.Switch, parts.PortMode]]
    nic_bytes_per_s: float
    link_bytes_per_s: float
    num_planes: int
    host_medium: parts.Medium | None
    trunk_medium: parts.Medium | None

    @property
    def name(self) -> str:
        """Name in the answer."""
        return self.network.name

    def run_of(self, tier: str, link_bytes_per_s: float) -> rates.Run:
        """Return the switch of a tier and the way it is run with links of a rate."""
        switch, _ = self.tier_switches.get(tier, (self.switch, self.port_mode))
        mode = rates.port_mode(switch, link_bytes_per_s)
        assert mode is not None  # the checks have refused a switch without one
        return switch, mode


@dataclass(frozen=True)
class Resolved:
    """One study with everything that it names.

    Attributes
    ----------
    study : as read.
    model_name : catalogue name, or the name of the folder or file that holds the configuration.
    model_path : the Hugging Face ``config.json``.
    model_config : its content.
    node, accelerator, scale_up : catalogue parts of the cluster.
    num_nodes : nodes of the run.
    nics_per_node : scale-out NICs of one node.
    software : what runs the training, with its calibration.
    networks : candidates in the order of the study.
    prices, site, rates : price book, site costs and failure rates.
    """

    study: Study
    model_name: str
    model_path: Path
    model_config: dict[str, Any]
    node: parts.Node
    accelerator: parts.Accelerator
    scale_up: parts.ScaleUp
    num_nodes: int
    nics_per_node: int
    software: Software
    networks: tuple[ResolvedNetwork, ...]
    prices: PriceBook
    site: SiteCosts
    rates: FailureRates


def resolve(study: Study, directory: Path) -> Resolved:
    """Return a study with its parts looked up.

    Parameters
    ----------
    study : what to resolve.
    directory : where its relative paths begin.

    Raises
    ------
    StudyError
        With every name and size that does not fit.
    """
    problems = tuple(study_problems(study, directory))
    if problems:
        raise StudyError(problems)
    cluster, economics = study.cluster, study.economics
    node = catalog.get("node", cluster.node)
    path = model_path(study.model, directory)
    return Resolved(
        study=study,
        model_name=model_name(study.model, path),
        model_path=path,
        model_config=json.loads(path.read_text(encoding="utf-8")),
        node=node,
        accelerator=catalog.get("accelerator", node.accelerator),
        scale_up=catalog.get("scale-up", node.scale_up),
        num_nodes=cluster.accelerators // node.num_accelerators,
        nics_per_node=cluster.nics_per_node or node.nics_per_node,
        software=software_part(cluster.software, directory),
        networks=tuple(_resolved_network(network, cluster, node) for network in study.networks),
        prices=catalog.get("price-book", economics.prices),
        site=catalog.get("site-costs", economics.site),
        rates=catalog.get("failure-rates", study.reliability.rates),
    )


def prices_of(resolved: Resolved) -> Prices:
    """Return the prices of a study: its book's with its changes and quotes."""
    economics = resolved.study.economics
    adjust: dict[str, float] = {str(key): change for key, change in economics.adjust.items()}
    return Prices(resolved.prices, adjust, economics.quotes)


def _resolved_network(network: Network, cluster: Cluster, node: parts.Node) -> ResolvedNetwork:
    named = rates.switch_names(network.switch)
    nic = catalog.get("nic", network.nic or cluster.nic)
    nic_bytes_per_s = rates.nic_bytes_per_s(network, cluster, nic)
    num_planes = rates.num_planes(network.fabric)
    run = {
        tier: (switch, rates.port_mode(switch, nic_bytes_per_s / num_planes))
        for tier, switch in ((tier, catalog.get("switch", name)) for tier, name in named.items())
    }
    # the checks have refused a switch without a mode
    ways = {tier: (switch, mode) for tier, (switch, mode) in run.items() if mode is not None}
    switch, mode = next(iter(ways.values()))
    return ResolvedNetwork(
        network=network,
        fabric_kind=network.fabric["kind"],
        fabric_parameters=sized_parameters(network.fabric, cluster, node, mode),
        switch=switch,
        protocol=catalog.get("protocol", network.protocol),
        nic=nic,
        port_mode=mode,
        tier_switches=ways if isinstance(network.switch, dict) else {},
        nic_bytes_per_s=nic_bytes_per_s,
        link_bytes_per_s=rates.mode_bytes_per_s(mode),
        num_planes=num_planes,
        host_medium=_pinned_medium(network.media.host),
        trunk_medium=_pinned_medium(network.media.trunk),
    )


def _pinned_medium(name: str) -> parts.Medium | None:
    return None if name == "auto" else catalog.get("medium", name)
