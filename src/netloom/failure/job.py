"""The failures and the policy of one job, from the catalogue, its fabric and the study's keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from netloom.catalog.failure_rates import FailureRates
from netloom.errors import ParameterError
from netloom.failure.classes import LAST_PATH, FailureClass, RunPolicy
from netloom.failure.closed_form import interval_s, mean_time_to_interruption_s
from netloom.failure.degraded import LossEffect
from netloom.failure.early_life import GROWN_UP, piecewise, weibull
from netloom.failure.evidence import Rate, certain, counted, ranged
from netloom.failure.inventory import Exposure, Inventory
from netloom.schema.study import Reliability
from netloom.units import YEAR_S


@dataclass(frozen=True)
class NetworkFailures:
    """What of a fabric can fail, and what a step then takes.

    Attributes
    ----------
    exposures : cables and switches by class.
    rates : of one part, by the exposure's cause.
    effects : what one loss does, by the exposure's cause; what is left out follows from its number
        of paths.
    nodes : nodes that hang on one part, by the exposure's cause.
    num_links : links that can flap.
    """

    exposures: tuple[Exposure, ...]
    rates: Mapping[str, Rate]
    effects: Mapping[str, LossEffect]
    nodes: Mapping[str, int]
    num_links: int


@dataclass(frozen=True)
class Saving:
    """What checkpoints are made of.

    Attributes
    ----------
    state_bytes : of the whole job.
    host_bytes_per_s : from all accelerators to the memory of their hosts together.
    exposed_network_fraction : share of a step that waits for the network.
    num_replicas : data-parallel replicas.
    """

    state_bytes: float
    host_bytes_per_s: float
    exposed_network_fraction: float
    num_replicas: int


def policy_of(
    reliability: Reliability, rates: FailureRates, saving: Saving, num_nodes: int, num_links: int
) -> RunPolicy:
    """Return how a job meets failures."""
    storage_s = saving.state_bytes / (reliability.storage_rate or float(rates.storage_bytes_per_s))
    copy_s = saving.state_bytes / saving.host_bytes_per_s
    synchronous = reliability.checkpoint == "synchronous"
    early_life = GROWN_UP
    if reliability.early_life is not None and reliability.early_life_shape is not None:
        early_life = weibull(reliability.early_life_shape, reliability.early_life)
    elif reliability.early_life is not None:
        early_life = piecewise(reliability.early_life_factor, reliability.early_life)
    return RunPolicy(
        interval_s=reliability.checkpoint_interval,
        stall_s=storage_s if synchronous else copy_s,
        num_nodes=num_nodes,
        storage_every=reliability.storage_every if reliability.checkpoint == "in-memory" else 1,
        storage_lag_s=0.0 if synchronous else storage_s,
        nodes_per_replica=num_nodes / saving.num_replicas,
        num_spares=reliability.spares,
        shrinks=reliability.without_spare == "shrink",
        num_crews=reliability.repair_crews,
        flaps_fraction=num_links * reliability.flaps / YEAR_S * reliability.flap_time,
        early_life=early_life,
    )


def failure_classes(
    reliability: Reliability,
    rates: FailureRates,
    inventory: Inventory,
    network: NetworkFailures,
    saving: Saving,
    policy: RunPolicy,
) -> tuple[FailureClass, ...]:
    """Return all classes of failure of a job.

    What slows the job and hangs on a node is left by a restart where that costs less than to bear
    the slowness until the repair or the next interruption, as in `netloom.failure.goodput`.
    """
    found = [*_components(reliability, rates, inventory), *_shared(reliability, inventory)]
    slowing: list[FailureClass] = []
    for part in network.exposures:
        for made in _of_network(part, network, saving.exposed_network_fraction):
            (found if made.effect == "interrupts" else slowing).append(made)
    mean_s = mean_time_to_interruption_s(found)
    tau = interval_s(found, policy)
    timed = [
        replace(
            each,
            detection_s=_either(reliability.detection, float(rates.detection_s)),
            restart_s=_either(reliability.restart, float(rates.restart_s)),
            repair_s=_either(reliability.repair_time, float(rates.repair_s)),
        )
        for each in (*found, *slowing)
    ]
    return tuple(_moved_if_cheaper(each, mean_s, tau) for each in timed)


def _either(asked: float | None, usual: float) -> float:
    return usual if asked is None else asked


def _components(
    reliability: Reliability, rates: FailureRates, inventory: Inventory
) -> list[FailureClass]:
    """Return accelerators, nodes, NICs and software, counted by component where that was done."""
    numbers = {
        "accelerator": inventory.num_accelerators,
        "node": inventory.num_nodes,
        "nic": inventory.num_nics,
        "job": inventory.num_accelerators,
    }
    if not rates.components:
        whole = {
            "accelerator": rates.accelerator_per_s,
            "node": rates.node_other_per_s,
            "nic": rates.nic_per_s,
            "software": rates.software_per_s,
        }
        return [
            FailureClass(
                name, numbers.get(name, inventory.num_accelerators), ranged(rate),
                num_nodes=int(name != "software"), ages=name != "software",
            )
            for name, rate in whole.items()
        ]  # fmt: skip
    found = []
    for name, known in rates.components.items():
        late = known.silent and reliability.corruption_notice is not None
        found.append(
            FailureClass(
                cause=name,
                num_parts=numbers[known.part],
                rate=counted(known.events, float(known.exposure_s)),
                effect="corrupts" if late else "interrupts",
                num_nodes=int(known.part != "job"),
                notice_s=reliability.corruption_notice or 0.0 if late else 0.0,
                ages=known.part != "job",
            )
        )
    return found


def _shared(reliability: Reliability, inventory: Inventory) -> list[FailureClass]:
    """Return power feeds, which take many nodes, and nodes that turn slow."""
    found = []
    if reliability.feed_failure_rate:
        num_nodes = min(reliability.feed_nodes, inventory.num_nodes)
        found.append(
            FailureClass(
                "power feed",
                -(-inventory.num_nodes // num_nodes),
                certain(reliability.feed_failure_rate / YEAR_S),
                num_nodes=num_nodes,
                loses_memory=num_nodes > 1,
            )
        )
    if reliability.straggler_rate:
        found.append(
            FailureClass(
                "slow node",
                inventory.num_nodes,
                certain(reliability.straggler_rate / YEAR_S),
                "slows",
                num_nodes=1,
                slowdown_fraction=reliability.straggler_slowdown,
                notice_s=reliability.straggler_notice,
                moved=True,
                avoidable=True,
            )
        )
    return found


def _of_network(
    part: Exposure, network: NetworkFailures, exposed_fraction: float
) -> Iterator[FailureClass]:
    """Yield parts whose loss stops the job and parts whose loss slows it, where there are any."""
    effect = network.effects.get(part.cause) or _by_paths(part, exposed_fraction)
    num_stopping = round(part.num_parts * effect.stops_fraction)
    num_nodes = network.nodes.get(part.cause, 0)
    rate = network.rates.get(part.cause, certain(part.failures_per_s))
    whole = FailureClass(
        cause=part.cause,
        num_parts=part.num_parts - num_stopping,
        rate=_plausible(part.cause, rate),
        effect="slows",
        num_nodes=num_nodes,
        slowdown_fraction=effect.slowdown_fraction,
        avoidable=part.avoidable,
    )
    if num_stopping:
        mixed = num_stopping < part.num_parts
        yield replace(
            whole,
            cause=part.cause + (LAST_PATH if mixed else ""),
            num_parts=num_stopping,
            effect="interrupts",
            slowdown_fraction=0.0,
            # copies in memory are kept on another node, which may hang on the same part
            loses_memory=num_nodes > 1,
        )
    if num_stopping < part.num_parts or not part.num_parts:
        yield whole


def _by_paths(part: Exposure, exposed_fraction: float) -> LossEffect:
    """Return what a loss does by the number of paths that it leaves."""
    if part.num_paths == 1:
        return LossEffect(1.0, 0.0)
    return LossEffect(0.0, exposed_fraction / (part.num_paths - 1))


def _plausible(cause: str, rate: Rate) -> Rate:
    if rate.per_s * YEAR_S > 1:
        raise ParameterError(
            f"{cause}: {rate.per_s * YEAR_S:.3g} failures of one part in a year are more than one",
            hint="give a rate of hard failures below 100 %/year; flaps have a key of their own",
        )
    return rate


def _moved_if_cheaper(each: FailureClass, mean_s: float, tau: float) -> FailureClass:
    if not each.avoidable or each.effect != "slows" or each.notice_s:
        return each
    bearing_s = each.repair_s / (1 + each.repair_s / mean_s)
    leaving_s = tau / 2 * each.slowdown_fraction + each.restart_s
    return replace(each, moved=leaving_s < bearing_s * each.slowdown_fraction)
