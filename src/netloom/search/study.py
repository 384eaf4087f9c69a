"""A whole study: every candidate with its best plan, ranked, and the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from netloom import __version__, catalog, evaluate
from netloom.catalog.parts import Part
from netloom.catalog.prices import SiteCosts
from netloom.errors import InfeasibleError, ParameterError
from netloom.evaluate import Run
from netloom.resolve import Resolved
from netloom.result import Candidate, Refusal, StudyResult
from netloom.search.best import best_plan
from netloom.search.plans import plan_matrix, plan_space
from netloom.units import show
from netloom.workload.flops import CONVENTION_TEXT
from netloom.workload.parameters import count_parameters

#: Grades that a result names when it rests on them.
_LOW_GRADES = ("proposal", "recalled-low")

#: Numbers of a site that a plan's money rests on; `netloom cost` has them all.
_PLANNED_SITE = (
    "electricity_usd_per_j", "pue", "maintenance_per_year", "depreciation_s",
    "installation_fraction",
)  # fmt: skip

#: Candidates that are closer than this cannot be told apart by what is known of prices and steps.
_LEVEL = 0.01

#: What `rank_by` compares, and how it is said.
_MEASURES: dict[str, tuple[Callable[[Candidate], float], str]] = {
    "run-cost": (lambda found: found.run_cost_usd.mode, "the run costs {}"),
    "days": (lambda found: found.days, "the run takes {}"),
    "network-capex": (lambda found: found.network_capex_usd.mode, "the network costs {}"),
    "total-capex": (lambda found: found.total_capex_usd.mode, "everything costs {}"),
}


def plan_study(
    resolved: Resolved,
    *,
    progress: Callable[[int, int, str], None] = lambda done, total, text: None,
    seed: int = 0,
) -> StudyResult:
    """Return every candidate network with its best plan, ranked.

    Parameters
    ----------
    resolved : the study with its parts.
    progress : called with candidates done, candidates in all, and what is being worked on.
    seed : of every random draw.

    Raises
    ------
    ParameterError
        When the machines cannot run the model at all, whatever the network.
    """
    run = evaluate.start(resolved)
    goal = resolved.study.goal
    space = plan_space(run)
    plans = plan_matrix(space)
    found: list[Candidate] = []
    refused: list[Refusal] = []
    for done, network in enumerate(resolved.networks):
        progress(done, len(resolved.networks), network.name)
        try:
            prepared = evaluate.prepare(run, network, seed)
            best = best_plan(space, plans, run.model, prepared.network)
            answer = evaluate.candidate(run, prepared, best.priced, best.num_plans)
        except (InfeasibleError, ParameterError) as error:
            refused.append(Refusal(network.name, str(error)))
            continue
        found.append(answer)
    progress(len(resolved.networks), len(resolved.networks), "ranking")
    measure, _ = _MEASURES[resolved.study.rank_by]
    ranked = sorted(found, key=lambda answer: (measure(answer), answer.name))
    candidates = tuple(replace(answer, rank=place) for place, answer in enumerate(ranked, start=1))
    counts = count_parameters(run.shape)
    return StudyResult(
        study=resolved.study.name,
        netloom_version=__version__,
        model=resolved.model_name,
        num_parameters=counts.total,
        num_active_parameters=counts.active,
        num_accelerators=resolved.study.cluster.accelerators,
        tokens=goal.tokens,
        batch_sequences=goal.num_batch_sequences,
        sequence=goal.sequence,
        precision=goal.precision,
        flop_convention=CONVENTION_TEXT,
        seed=seed,
        candidates=candidates,
        refused=tuple(refused),
        winner=candidates[0].name if candidates else "",
        verdict=verdict(candidates, resolved.study.rank_by),
        low_grade_inputs=tuple(_low_grade_inputs(run, candidates)),
    )


def verdict(candidates: Sequence[Candidate], rank_by: str) -> str:
    """Return who wins and by how much, and who would win by another measure."""
    if not candidates:
        return "No candidate network can carry this run."
    measure, said = _MEASURES[rank_by]
    first = candidates[0]
    value = measure(first)
    shown = said.format(show(value, "money") if rank_by != "days" else f"{value:.1f} days")
    if len(candidates) == 1:
        return f"{first.name} is the only candidate that can carry this run: {shown}."
    second = candidates[1]
    ahead = 1 - value / measure(second)
    if ahead < _LEVEL:
        level = [
            f"'{found.name}'" for found in candidates[1:] if 1 - value / measure(found) < _LEVEL
        ]
        sentence = (
            f"{first.name} wins by a hair: {shown}, {show(ahead, 'fraction', 2)} less than with "
            f"{second.name}; within {show(_LEVEL, 'fraction')} of it: {', '.join(level)}"
        )
    else:
        sentence = (
            f"{first.name} wins: {shown}, {show(ahead, 'fraction', 2)} less than with {second.name}"
        )
    fastest = min(candidates, key=lambda found: found.days)
    cheapest = min(candidates, key=lambda found: found.network_capex_usd.mode)
    sentence += f"; it takes {first.days:.1f} days"
    if fastest is first:
        sentence += ", the least of all"
    else:
        sentence += f", {fastest.name} {fastest.days:.1f}"
    network = show(first.network_capex_usd.mode, "money")
    if cheapest is first:
        return f"{sentence}, and its network is the cheapest at {network}."
    least = show(cheapest.network_capex_usd.mode, "money")
    return f"{sentence}, and its network costs {network}, that of {cheapest.name} {least}."


def _low_grade_inputs(run: Run, candidates: Sequence[Candidate]) -> Iterator[str]:
    """Yield the catalogue numbers of low grade that the candidates rest on, each once."""
    resolved = run.resolved
    names = {found.name for found in candidates}
    used: dict[str, Part] = {
        f"accelerator/{resolved.accelerator.name}": resolved.accelerator,
        f"node/{resolved.node.name}": resolved.node,
        f"scale-up/{resolved.scale_up.name}": resolved.scale_up,
        f"failure-rates/{resolved.rates.name}": resolved.rates,
        f"site-costs/{resolved.site.name}": resolved.site,
    }
    for network in resolved.networks:
        if network.name in names:
            switches = (network.switch, *(part for part, _ in network.tier_switches.values()))
            used |= {f"switch/{switch.name}": switch for switch in switches}
            used[f"protocol/{network.protocol.name}"] = network.protocol
            used[f"nic/{network.nic.name}"] = network.nic
    lines = [line for found in candidates for line in found.bom]
    for line in lines:
        kind, _, name = line.part.partition("/")
        if kind == "medium":
            used[line.part] = catalog.get(kind, name)
    for part, entry in used.items():
        for path, quantity in catalog.walk_quantities(entry):
            if isinstance(entry, SiteCosts) and path not in _PLANNED_SITE:
                continue
            if quantity.grade in _LOW_GRADES:
                yield f"{part}.{path} ({quantity.grade})"
    priced = {line.part: line.price_grade for line in lines}
    for part, grade in priced.items():
        if grade in _LOW_GRADES:
            yield f"price of {part} ({grade})"
