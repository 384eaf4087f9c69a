"""What one more dollar buys, where: steps and finite differences through the whole model.

A *step* is a purchase that can be made (the next NIC, more spines, more nodes): the whole study is
evaluated again, with its own best plan, layout, bill and goodput. What cannot be bought by the
piece has a shadow price (`netloom.search.shadow`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from netloom import evaluate
from netloom.errors import InfeasibleError, ParameterError
from netloom.resolve import Resolved, ResolvedNetwork
from netloom.result import Candidate
from netloom.search.best import best_plan
from netloom.search.plans import plan_matrix, plan_space
from netloom.search.shadow import (
    LargerDomain,
    ShadowPrice,
    larger_domain,
    resources_of,
    shadow_price,
)
from netloom.search.variants import Variant, growths, variants, why
from netloom.simulate.network import SCALE_UP
from netloom.units import DAY_S


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
    shadow_prices : of each resource, the dearest percent first: the bottleneck.
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
    larger_domain: LargerDomain | None


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
    resources = resources_of(alone)
    total = len(all_variants) + len(resources) + 1
    for done, variant in enumerate(all_variants):
        progress(done, total, variant.change)
        _take(variant, base, seed, found, refused)
    progress(len(all_variants), total, "more accelerators")
    for variant in growths(resolved, network):
        if _take(variant, base, seed, found, refused) and found[-1].saved_days > 0:
            break  # the least growth that helps; others have plans that split worse
    spare = _one_spare(alone, base)
    if isinstance(spare, Step):
        found.append(spare)
    else:
        refused.append(spare)

    def days_of(changed: Resolved) -> float:
        return evaluated(changed, seed).days

    day_usd = base.run_cost_usd.mode / base.days
    prices = []
    for done, resource in enumerate(resources, start=len(all_variants) + 1):
        progress(done, total, resource)
        prices.append(shadow_price(resource, resources[resource], base.days, day_usd, days_of))
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
        larger_domain=larger_domain(alone, base.days, day_usd, days_of),
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
    """Return the share of time in which a job waits for a node.

    Parameters
    ----------
    broken : nodes that break in the time of one repair while the job works.

    Notes
    -----
    Nodes break while the job works, and it works until one more is broken than there are spares.
    That is Erlang's loss system of ``n = num_spares + 1`` lines with offered load a, which is lost
    for the share B(n), whatever the distribution of repair times [1]_ ::

        B(0) = 1,    B(n) = a B(n - 1) / (n + a B(n - 1))

    References
    ----------
    .. [1] A. K. Erlang, "Solution of some problems in the theory of probabilities of significance
       in automatic telephone exchanges", Elektroteknikeren 13 (1917).

    Examples
    --------
    >>> waiting_for_spares(1.0, 0), waiting_for_spares(1.0, 1)
    (0.5, 0.2)
    """
    lost = 1.0
    for count in range(1, num_spares + 2):
        lost = broken * lost / (count + broken * lost)
    return lost


def _one_spare(resolved: Resolved, base: Candidate) -> Step | Refused:
    """Return one more spare node than the study's; refused where one is always at hand."""
    reliability = resolved.study.reliability
    causes = base.goodput.interruptions_per_day_by_cause
    # what takes a node out until the repair; leaves, which take many at once, are left out
    hardware = math.fsum(
        per_day
        for cause, per_day in causes.items()
        if cause in ("accelerator", "node", "nic") or cause.startswith("link host-")
    )
    repair_s = reliability.repair_time or float(resolved.rates.repair_s)
    broken = hardware * repair_s / DAY_S
    held = reliability.spares
    if held is None:
        stock = round(float(resolved.site.node_spares_fraction) * resolved.num_nodes)
        waits = f"{waiting_for_spares(broken, stock):.2%}"
        return Refused(
            "spares",
            "one spare node more",
            "without reliability.spares a spare node is always at hand, as in netloom goodput; "
            f"with the {stock} that netloom cost keeps in stock the job would wait {waits} of its "
            f"time, {broken:.1f} being in repair",
        )
    before, after = (1 - waiting_for_spares(broken, count) for count in (held, held + 1))
    saved = base.days * (1 / before - 1 / after)
    nodes = next(line for line in base.bom if line.group == "nodes")
    usd = nodes.unit_usd.mode + resolved.nics_per_node * next(
        line.unit_usd.mode for line in base.bom if line.group == "nics"
    )
    change = f"one spare node more than the {held} of the study, {broken:.1f} being in repair"
    run_usd = usd * base.days * DAY_S / float(resolved.site.depreciation_s)
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


def _order(step: Step) -> tuple[int, float, str]:
    """Return the place of a step: better ones, then the most days per dollar, waste at the end."""
    rank = ("better", "buys days", "sells days", "wasted").index(step.verdict)
    # of what is sold, the fewest days lost per dollar come first
    rate = step.days_per_musd if step.verdict == "sells days" else -step.days_per_musd
    return rank, rate, step.change
