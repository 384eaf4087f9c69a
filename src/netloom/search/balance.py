"""What one more dollar buys, where: steps and finite differences through the whole model.

A *step* is a purchase that can be made (the next NIC, more spines, more nodes): the whole study is
evaluated again, with its own best plan, layout, bill and goodput. A *shadow price* is what a
percent of a resource is worth that nobody sells by the percent: the resource is changed by one
percent in the model and the best plan is searched again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from netloom import evaluate
from netloom.catalog.parts import Part
from netloom.catalog.quantity import Quantity
from netloom.errors import InfeasibleError, NetloomError, ParameterError
from netloom.resolve import Resolved, ResolvedNetwork
from netloom.result import Candidate
from netloom.search.best import best_plan
from netloom.search.plans import plan_matrix, plan_space
from netloom.search.variants import Variant, growths, variants, why
from netloom.simulate.network import SCALE_UP

_DAY_S = 86400.0
_PERCENT = 1.01

_AnyPart = TypeVar("_AnyPart", bound=Part)


@dataclass(frozen=True)
class Step:
    """One purchase beside the study's own.

    Attributes
    ----------
    part, change : what is changed.
    saved_days : of the run; negative when it becomes longer.
    capex_usd : what it adds to the capex; negative when it is cheaper.
    run_usd : what it adds to the cost of the run.
    days_per_musd : days saved per million dollars; of a cheaper one, days lost per million saved;
        infinite when it is both cheaper and faster.
    verdict : ``"better"`` (cheaper and no slower), ``"buys days"``, ``"sells days"``,
        ``"wasted"`` (dearer and no faster).
    """

    part: str
    change: str
    saved_days: float
    capex_usd: float
    run_usd: float
    days_per_musd: float
    verdict: str


@dataclass(frozen=True)
class ShadowPrice:
    """What a little more of a resource is worth.

    Attributes
    ----------
    resource : in words, with how much more.
    saved_days : of the run.
    worth_usd : the same at what a day of the run costs.
    """

    resource: str
    saved_days: float
    worth_usd: float


@dataclass(frozen=True)
class Proportion:
    """Compute against network: shares of time and of money.

    Attributes
    ----------
    waiting_fraction : of the step, for the scale-out network.
    network_fraction : of the capex, for the network.
    rate_factor : by which the network's rate, and its cost, would change to be in balance.
    words : in a sentence.
    """

    waiting_fraction: float
    network_fraction: float
    rate_factor: float
    words: str


@dataclass(frozen=True)
class Refused:
    """A step that cannot be made, and why."""

    part: str
    change: str
    reason: str


@dataclass(frozen=True)
class Balance:
    """The balance of one candidate network.

    Attributes
    ----------
    study, network : names.
    days, capex_usd, run_usd : of the study as it is.
    limit : what limits the step, in words.
    steps : the best value first.
    refused : steps that cannot be made.
    proportion : compute against network.
    shadow_prices : of one percent of each resource, the dearest first: the bottleneck.
    larger_domain : what domains twice as large would be worth; None where that cannot be.
    """

    study: str
    network: str
    days: float
    capex_usd: float
    run_usd: float
    limit: str
    steps: tuple[Step, ...]
    refused: tuple[Refused, ...]
    proportion: Proportion
    shadow_prices: tuple[ShadowPrice, ...]
    larger_domain: ShadowPrice | None


def balance(
    resolved: Resolved,
    network: ResolvedNetwork,
    *,
    seed: int = 0,
    progress: Callable[[int, int, str], None] = lambda done, total, text: None,
) -> Balance:
    """Return what a study's next dollar buys on one of its networks.

    Parameters
    ----------
    resolved, network : the study, and one of its candidates.
    seed : of every random draw.
    progress : called with steps done, steps in all, and what is being worked on.
    """
    alone = replace(resolved, networks=(network,))
    base = evaluated(alone, seed)
    found: list[Step] = []
    refused: list[Refused] = []
    all_variants = list(variants(resolved, network))
    resources = list(_resources(alone))
    total = len(all_variants) + len(resources) + 1
    for done, variant in enumerate(all_variants):
        progress(done, total, variant.change)
        _take(variant, base, seed, found, refused)
    progress(len(all_variants), total, "more accelerators")
    for variant in growths(resolved, network):
        if _take(variant, base, seed, found, refused) and found[-1].saved_days > 0:
            break  # the least growth that helps; others have plans that split worse
    found.append(_one_spare(alone, base))
    day_usd = base.run_cost_usd.mode / base.days
    prices = []
    for done, (resource, changed) in enumerate(resources, start=len(all_variants) + 1):
        progress(done, total, resource)
        saved = base.days - evaluated(changed, seed).days
        prices.append(ShadowPrice(resource, saved, saved * day_usd))
    return Balance(
        study=resolved.study.name,
        network=network.name,
        days=base.days,
        capex_usd=base.total_capex_usd.mode,
        run_usd=base.run_cost_usd.mode,
        limit=base.limit,
        steps=tuple(sorted(found, key=_order)),
        refused=tuple(refused),
        proportion=proportion(
            _waiting_s(base),
            base.step_s,
            base.network_capex_usd.mode,
            base.total_capex_usd.mode,
        ),
        shadow_prices=tuple(sorted(prices, key=lambda each: (-each.saved_days, each.resource))),
        larger_domain=_larger_domain(alone, base, seed),
    )


def evaluated(resolved: Resolved, seed: int) -> Candidate:
    """Return the answer of a study's first network with its best plan."""
    run = evaluate.start(resolved)
    space = plan_space(run)
    prepared = evaluate.prepare(run, resolved.networks[0], seed)
    best = best_plan(space, plan_matrix(space), run.model, prepared.network)
    return evaluate.candidate(run, prepared, best.priced, best.num_plans)


def step_of(part: str, change: str, saved_days: float, capex_usd: float, run_usd: float) -> Step:
    """Return a step with its value and its verdict.

    Examples
    --------
    Half a day for two million dollars:

    >>> step_of("spines", "more", 0.5, 2e6, 0.0).days_per_musd
    0.25
    >>> step_of("spines", "fewer", -0.5, -2e6, 0.0).verdict
    'sells days'
    """
    if capex_usd <= 0 and saved_days >= 0:
        return Step(part, change, saved_days, capex_usd, run_usd, math.inf, "better")
    if capex_usd >= 0 and saved_days <= 0:
        return Step(part, change, saved_days, capex_usd, run_usd, 0.0, "wasted")
    rate = saved_days / (capex_usd / 1e6)
    verdict = "buys days" if capex_usd > 0 else "sells days"
    return Step(part, change, saved_days, capex_usd, run_usd, rate, verdict)


def proportion(waiting_s: float, step_s: float, network_usd: float, total_usd: float) -> Proportion:
    """Return how far time and money are from the proportion that is best.

    Parameters
    ----------
    waiting_s, step_s : waiting for the scale-out network in one step, and the step.
    network_usd, total_usd : capex of the network, and of everything.

    Notes
    -----
    Let the time be t = c + w with w the waiting for the scale-out network, and let rates grow with
    the money in them. Of a fixed sum the best division has the same gain on both sides, c / (M - N)
    = w / N, N the network's part of the sum M. Where that does not hold, a network x times as fast
    and as dear waits w / x and costs N x, and is in balance at x = sqrt(w (M - N) / (c N)).

    Examples
    --------
    A step that waits a fifth of its time for a network of a twentieth of the money is in balance
    with a network that is about twice as fast:

    >>> round(proportion(0.2, 1.0, 5e6, 100e6).rate_factor, 3)
    2.179
    """
    if not 0 <= waiting_s < step_s or not 0 < network_usd < total_usd:
        raise ParameterError(
            f"a wait of {waiting_s} s in a step of {step_s} s and a network of {network_usd} of "
            f"{total_usd} US$ have no balance"
        )
    compute_usd, rest_s = total_usd - network_usd, step_s - waiting_s
    factor = math.sqrt(waiting_s * compute_usd / (rest_s * network_usd))
    waits, costs = waiting_s / step_s, network_usd / total_usd
    scarce = "the network" if factor > 1 else "compute"
    words = (
        f"The step waits {waits:.1%} of its time for the scale-out network, which is {costs:.1%} "
        f"of the capex: {scarce} is the scarcer of the two. "
    )
    if waiting_s:
        words += f"They would be in balance with {factor:.2f} times the network's rate and cost."
    else:
        words += "A cheaper network is worth a look as long as that holds."
    return Proportion(waits, costs, factor, words)


def _waiting_s(base: Candidate) -> float:
    """Return the exposed seconds of messages whose rate the scale-out network sets."""
    return math.fsum(each.exposed_s for each in base.communication if each.limited_by != SCALE_UP)


def waiting_for_spares(broken: float, num_spares: int) -> float:
    """Return the share of time in which more nodes are broken than spares are there.

    Notes
    -----
    Nodes in repair are Poisson with mean `broken` (infinite-server queue, any repair time).

    Examples
    --------
    >>> round(waiting_for_spares(1.0, 0), 4), round(waiting_for_spares(1.0, 1), 4)
    (0.6321, 0.2642)
    """
    term, kept = math.exp(-broken), 0.0
    for count in range(num_spares + 1):
        kept += term
        term *= broken / (count + 1)
    return max(0.0, 1.0 - kept)


def _one_spare(resolved: Resolved, base: Candidate) -> Step:
    """Return one more spare node than the study's, or than the least that make waiting rare."""
    causes = base.goodput.interruptions_per_day_by_cause
    hardware = sum(causes.get(name, 0.0) for name in ("accelerator", "node", "nic"))
    said, repair_s = resolved.study.reliability.spares, float(resolved.rates.repair_s)
    if resolved.study.reliability.repair_time is not None:
        repair_s = resolved.study.reliability.repair_time
    broken = hardware * repair_s / _DAY_S
    held = said
    if held is None:
        held = round(float(resolved.site.node_spares_fraction) * resolved.num_nodes)
    waits = [waiting_for_spares(broken, count) for count in (held, held + 1)]
    saved = base.days * (waits[0] - waits[1])
    nodes = next(line for line in base.bom if line.group == "nodes")
    usd = nodes.unit_usd.mode + resolved.nics_per_node * next(
        line.unit_usd.mode for line in base.bom if line.group == "nics"
    )
    whose = "of the study" if said is not None else "in stock"
    change = f"one spare node more than the {held} {whose}, {broken:.1f} being in repair"
    run_usd = usd * base.days * _DAY_S / float(resolved.site.depreciation_s)
    return step_of("spares", change, saved, usd, run_usd)


def _take(
    variant: Variant, base: Candidate, seed: int, found: list[Step], refused: list[Refused]
) -> bool:
    """Evaluate a variant into one of the two lists; return whether it could be evaluated."""
    reason = variant.refusal
    if variant.resolved is not None:
        try:
            answer = evaluated(variant.resolved, seed)
        except (InfeasibleError, ParameterError) as error:
            reason = why(error)
        else:
            found.append(
                step_of(
                    variant.part,
                    variant.change,
                    base.days - answer.days,
                    answer.total_capex_usd.mode - base.total_capex_usd.mode,
                    answer.run_cost_usd.mode - base.run_cost_usd.mode,
                )
            )
            return True
    refused.append(Refused(variant.part, variant.change, reason))
    return False


def _resources(resolved: Resolved) -> Iterator[tuple[str, Resolved]]:
    """Yield a study with one percent more of each resource."""
    accelerator, network = resolved.accelerator, resolved.networks[0]
    peaks = {name: _times(peak, _PERCENT) for name, peak in accelerator.peak_flops_per_s.items()}
    yield (
        "1 % more FLOP/s of an accelerator",
        replace(resolved, accelerator=accelerator.model_copy(update={"peak_flops_per_s": peaks})),
    )
    yield (
        "1 % more memory bandwidth",
        replace(resolved, accelerator=_scaled(accelerator, "hbm_bytes_per_s", _PERCENT)),
    )
    yield (
        "1 % more scale-up rate",
        replace(resolved, scale_up=_scaled(resolved.scale_up, "bytes_per_s", _PERCENT)),
    )
    protocol = network.protocol
    faster = replace(network, protocol=_scaled(protocol, "transport_efficiency", _PERCENT))
    yield "1 % more network rate, hosts to cores", replace(resolved, networks=(faster,))
    nearer = _scaled(_scaled(protocol, "base_latency_s", 0.99), "hop_latency_s", 0.99)
    yield (
        "1 % less network latency",
        replace(resolved, networks=(replace(network, protocol=nearer),)),
    )
    rates = resolved.rates
    for field in ("accelerator_per_s", "node_other_per_s", "nic_per_s", "software_per_s"):
        rates = _scaled(rates, field, 0.99)
    yield "1 % fewer failures outside the network", replace(resolved, rates=rates)


def _larger_domain(resolved: Resolved, base: Candidate, seed: int) -> ShadowPrice | None:
    """Return what domains twice as large would be worth; None where the network cannot have them.

    Only the domain changes: its rate, the nodes and their price stay.
    """
    node = resolved.node
    larger = node.model_copy(update={"scale_up_domain": 2 * node.scale_up_domain})
    try:
        saved = base.days - evaluated(replace(resolved, node=larger), seed).days
    except NetloomError:
        return None
    words = f"scale-up domains of {larger.scale_up_domain} at the same rate"
    return ShadowPrice(words, saved, saved * base.run_cost_usd.mode / base.days)


def _scaled(part: _AnyPart, field: str, factor: float) -> _AnyPart:
    return part.model_copy(update={field: _times(getattr(part, field), factor)})


def _times(quantity: Quantity, factor: float) -> Quantity:
    return quantity.model_copy(
        update={name: getattr(quantity, name) * factor for name in ("low", "mode", "high")}
    )


def _order(step: Step) -> tuple[int, float, str]:
    """Return the place of a step: better ones, then the most days per dollar, waste at the end."""
    rank = ("better", "buys days", "sells days", "wasted").index(step.verdict)
    # of what is sold, the fewest days lost per dollar come first
    rate = step.days_per_musd if step.verdict == "sells days" else -step.days_per_musd
    return rank, rate, step.change
