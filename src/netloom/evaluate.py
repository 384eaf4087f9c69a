"""One candidate network, from its parts to its answer.

Everything that does not depend on the parallel plan (the built fabric, its layout, its bill of
materials, the prices of its messages) is made once in `prepare`; the search then asks for plans,
and `candidate` turns the best one into the candidate's answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from netloom import catalog, layout, materials, topology
from netloom.catalog.quantity import Quantity
from netloom.cost.bom import CableLot, NodeLot, bill_of_materials
from netloom.cost.money import network_capex, run_cost, total_capex
from netloom.cost.openness import openness
from netloom.cost.power import it_power_w, network_power_w
from netloom.failure.goodput import Policy, goodput
from netloom.failure.inventory import Exposure, Inventory, LinkEnds, network_exposures
from netloom.layout import Layout
from netloom.resolve import Resolved, ResolvedNetwork, prices_of
from netloom.result import BomLine, Candidate, Counts, Goodput, StepParts
from netloom.simulate.expert_traffic import token_share
from netloom.simulate.explain import limit_sentence
from netloom.simulate.latency import WireLot, hop_latency_s
from netloom.simulate.network import PLAIN_ALGORITHMS, NetworkModel
from netloom.simulate.route_file import routed_by_file
from netloom.simulate.step import (
    PricedPlan,
    StepModel,
    communication_of,
    memory_of,
    parts_of,
    plan_of,
)
from netloom.topology.counts import address_warnings, tier_rates
from netloom.topology.fabric import HOST, Fabric
from netloom.units import DAY_S
from netloom.workload.flops import training_flops_per_token
from netloom.workload.inputs import machine_inputs, shape_inputs, software_inputs
from netloom.workload.parameters import count_parameters
from netloom.workload.precision import peak_flops_per_s
from netloom.workload.shape import TransformerShape, from_config

#: Release of the communication library whose tuning model prices messages.
LIBRARY = "nccl-2.30"


@dataclass(frozen=True)
class Run:
    """What all candidates of a study share: the model, the goal, and a step on its machines."""

    resolved: Resolved
    shape: TransformerShape
    model: StepModel

    @property
    def num_steps(self) -> int:
        """Optimizer steps until the goal's tokens are seen."""
        goal = self.resolved.study.goal
        return math.ceil(goal.tokens / (goal.num_batch_sequences * goal.sequence))


@dataclass(frozen=True)
class PreparedNetwork:
    """One candidate network, built, laid out and counted, before any plan is chosen."""

    resolved: ResolvedNetwork
    fabric: Fabric
    layout: Layout
    counts: Counts
    bom: tuple[BomLine, ...]
    network: NetworkModel
    warnings: tuple[str, ...]


def start(resolved: Resolved) -> Run:
    """Return a study's model and machines, ready to evaluate plans."""
    goal = resolved.study.goal
    shape = from_config(resolved.model_config, resolved.model_name)
    model = StepModel(
        shape=shape_inputs(shape),
        machine=machine_inputs(resolved.accelerator, resolved.software, goal.precision),
        software=software_inputs(resolved.software),
        sequence=goal.sequence,
        num_accelerators=resolved.study.cluster.accelerators,
    )
    return Run(resolved, shape, model)


def prepare(
    run: Run, network: ResolvedNetwork, seed: int, routes: Path | None = None
) -> PreparedNetwork:
    """Return a candidate network built, laid out, counted and ready to price messages.

    `routes` is a file of forwarding tables that messages follow in place of the load balancing.
    """
    resolved = run.resolved
    fabric = topology.build(network.fabric_kind, network.fabric_parameters)
    placed = _layout(resolved, network, fabric)
    lots = materials.cable_lots(fabric, placed)
    carries = fabric
    if routes is not None:
        carries = routed_by_file(routes, fabric, nics_per_node=resolved.nics_per_node)
    model = _network_model(run, network, carries, _hop_latency_s(network, fabric, placed), seed)
    return PreparedNetwork(
        resolved=network,
        fabric=fabric,
        layout=placed,
        counts=materials.count(fabric, lots),
        bom=_bill(resolved, network, fabric, lots),
        network=model,
        warnings=fabric.warnings
        + address_warnings(fabric, network.protocol.max_endpoint_addresses),
    )


def network_on(run: Run, prepared: PreparedNetwork, fabric: Fabric, seed: int) -> NetworkModel:
    """Return a candidate's prices of messages on another fabric, such as one with parts lost."""
    return _network_model(run, prepared.resolved, fabric, prepared.network.hop_latency_s, seed)


def _network_model(
    run: Run, network: ResolvedNetwork, fabric: Fabric, hop_latency_s: float | None, seed: int
) -> NetworkModel:
    resolved = run.resolved
    return NetworkModel(
        fabric,
        network.protocol,
        resolved.scale_up,
        resolved.node.scale_up_domain,
        resolved.nics_per_node * resolved.node.scale_up_domain // resolved.node.num_accelerators,
        resolved.study.cluster.accelerators,
        catalog.get("collective-library", LIBRARY),
        seed=seed,
        algorithms=PLAIN_ALGORITHMS,
        wire_protocols=resolved.software.wire_protocols,
        hop_latency_s=hop_latency_s,
        all_to_all_share=token_share(run.shape, resolved.software),
    )


def candidate(run: Run, prepared: PreparedNetwork, best: PricedPlan, num_plans: int) -> Candidate:
    """Return the answer of one candidate network under one plan; its rank is not known yet."""
    resolved, goal = run.resolved, run.resolved.study.goal
    parts_s = parts_of(best.step)
    communication = communication_of(best, sequence_parallel=run.model.software.sequence_parallel)
    step_s = float(best.step[0])
    batch_tokens = goal.num_batch_sequences * goal.sequence
    flops_per_s = training_flops_per_token(run.shape, goal.sequence) * batch_tokens / step_s
    flops_per_s /= resolved.study.cluster.accelerators
    steps_s = run.num_steps * step_s
    kept = _goodput(run, prepared, parts_s)
    run_s = steps_s / kept.effective_fraction
    capex = total_capex(prepared.bom)
    power_w = it_power_w(prepared.bom)
    return Candidate(
        name=prepared.resolved.name,
        rank=0,
        fabric_kind=prepared.fabric.kind,
        fabric_parameters=dict(prepared.fabric.parameters),
        plan=plan_of(best.plan),
        step_s=step_s,
        parts=parts_s,
        memory=memory_of(best.step, run.model.machine),
        communication=communication,
        tokens_per_s=batch_tokens / step_s,
        model_flops_per_s_per_accelerator=flops_per_s,
        mfu=flops_per_s / peak_flops_per_s(resolved.accelerator, goal.precision),
        days_without_failures=steps_s / DAY_S,
        days=run_s / DAY_S,
        goodput=kept,
        counts=prepared.counts,
        bom=prepared.bom,
        network_capex_usd=network_capex(prepared.bom),
        total_capex_usd=capex,
        openness=openness(
            prepared.bom, prepared.resolved.protocol, prepared.resolved.link_bytes_per_s
        ).shares,
        network_power_w=network_power_w(prepared.bom),
        total_power_w=power_w,
        run_cost_usd=run_cost(capex, power_w, run_s, resolved.site).total_usd,
        limit=limit_sentence(parts_s, communication),
        warnings=prepared.warnings,
        num_plans=num_plans,
    )


def built(resolved: Resolved, name: str) -> tuple[Fabric, Layout, dict[str, materials.TierSwitch]]:
    """Return one candidate network: built, laid out, and the switch of each tier of boxes."""
    network = next(network for network in resolved.networks if network.name == name)
    fabric = topology.build(network.fabric_kind, network.fabric_parameters)
    return fabric, _layout(resolved, network, fabric), _tiers(network, fabric)


def cable_rows(resolved: Resolved, name: str) -> Iterator[tuple[object, ...]]:
    """Yield the cable schedule of one candidate network, columns `layout.CABLE_COLUMNS`."""
    fabric, placed, _ = built(resolved, name)
    return layout.cable_rows(fabric, placed)


def _layout(resolved: Resolved, network: ResolvedNetwork, fabric: Fabric) -> Layout:
    return materials.lay_out(
        fabric,
        resolved.study.layout,
        _tiers(network, fabric),
        prices_of(resolved),
        node=resolved.node,
        nics_per_node=resolved.nics_per_node,
        host_medium=network.network.media.host,
        trunk_medium=network.network.media.trunk,
    )


def _tiers(network: ResolvedNetwork, fabric: Fabric) -> dict[str, materials.TierSwitch]:
    slowest = dict(zip(fabric.tiers, tier_rates(fabric), strict=True))
    return {
        tier.name: materials.TierSwitch(*network.run_of(tier.name, slowest[tier]))
        for tier in materials.boxes(fabric)
    }


def _hop_latency_s(network: ResolvedNetwork, fabric: Fabric, placed: Layout) -> float | None:
    """Return what a further switch adds with this candidate's switches, media and lengths."""
    switches = {name: chosen.switch for name, chosen in _tiers(network, fabric).items()}
    wires = [
        WireLot(lot.link_class, catalog.get("medium", lot.medium), lot.stocked_m, lot.num_links)
        for lot in placed.lots()
    ]
    return hop_latency_s(fabric.tiers, fabric.link_classes, switches, wires, network.protocol)


def _bill(
    resolved: Resolved,
    network: ResolvedNetwork,
    fabric: Fabric,
    lots: tuple[CableLot, ...],
) -> tuple[BomLine, ...]:
    return bill_of_materials(
        NodeLot(
            resolved.node,
            catalog.get("nic", resolved.node.nic),
            resolved.num_nodes,
            network.nic,
            resolved.nics_per_node,
        ),
        materials.switch_lots(fabric, _tiers(network, fabric)),
        lots,
        materials.media_of(lots),
        prices_of(resolved),
        resolved.site,
    )


def network_exposures_of(
    run: Run, prepared: PreparedNetwork
) -> tuple[tuple[Exposure, ...], dict[str, Quantity]]:
    """Return cables and switches of a candidate by class, and the rate of one part by cause.

    Routers inside endpoints fail with their endpoints: they have no rate of their own. A module
    that serves two cables is one part that fails, and so is an engine inside a switch.
    """
    fabric = prepared.fabric
    tiers = _tiers(prepared.resolved, fabric)
    engines_at = {
        kind.name
        for kind in fabric.link_classes
        for end in (kind.lower, kind.upper)
        if end != HOST
        and (chosen := tiers.get(fabric.tiers[end].name))
        and chosen.switch.co_packaged_optics
    }
    ends = [
        LinkEnds(lot.link_class, medium, number, float(_rate_per_end(medium)))
        for lot in prepared.layout.lots()
        for medium, number in _failing_ends(lot, lot.link_class in engines_at).items()
        if number
    ]
    links = {f"link {each.link_class} ({each.medium})": _rate_per_end(each.medium) for each in ends}
    switches = {
        f"switch {name}": chosen.switch.annual_failure_rate for name, chosen in tiers.items()
    }
    failures = {tier.name: float(switches.get(f"switch {tier.name}", 0.0)) for tier in fabric.tiers}
    return network_exposures(fabric, failures, ends), switches | links


def _failing_ends(lot: layout.CableLot, engines: bool) -> dict[str, int]:
    """Return what can fail at the ends of a lot of cables, by medium.

    Parameters
    ----------
    engines : whether a switch at one end has its optics inside.
    """
    if not lot.modules:
        return {lot.medium: 2 * lot.num_cables}
    found = dict(lot.modules)
    if engines:
        spoken = catalog.get("medium", lot.medium).interfaces[0].name
        for name in catalog.names("medium"):
            part = catalog.get("medium", name)
            if part.technology == "cpo" and spoken in {face.name for face in part.interfaces}:
                return found | {name: lot.num_cables}
    return found


def _rate_per_end(medium: str) -> Quantity:
    """Return how often one end of a medium fails: a module, or half of a whole cable."""
    rate: Quantity = catalog.get("medium", medium).annual_failure_rate_per_end
    return rate


def checkpoint_bytes(run: Run) -> float:
    """Return the saved state of the whole job."""
    per_parameter = float(run.resolved.rates.checkpoint_bytes_per_parameter)
    return count_parameters(run.shape).total * per_parameter


def waiting_fraction(step: StepParts) -> float:
    """Return the share of a step that waits for the scale-out network."""
    return (step.context_s + step.expert_s + step.pipeline_s + step.data_s) / step.total_s


def inventory_of(run: Run, network: Iterable[Exposure]) -> Inventory:
    """Return everything whose failure the job feels."""
    resolved = run.resolved
    return Inventory(
        resolved.study.cluster.accelerators,
        resolved.num_nodes,
        resolved.num_nodes * resolved.nics_per_node,
        tuple(network),
    )


def _goodput(run: Run, prepared: PreparedNetwork, step: StepParts) -> Goodput:
    """Return goodput; a broken path lengthens what the step already waits for on the network."""
    resolved = run.resolved
    return goodput(
        inventory_of(run, network_exposures_of(run, prepared)[0]),
        resolved.rates,
        Policy(
            resolved.study.reliability.checkpoint_interval,
            checkpoint_bytes(run) / float(resolved.rates.storage_bytes_per_s),
            waiting_fraction(step),
        ),
    )
