"""``netloom exposure``: who supplies a design or a build-out, and what scenarios do to them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from netloom.cli.settings import Seed, check_draws, check_plot
from netloom.errors import ParameterError

if TYPE_CHECKING:
    from netloom.cost.draws import Sampling
    from netloom.report.exposure.designs import Designs
    from netloom.report.exposure.outlook import Sector
    from netloom.resolve import Resolved
    from netloom.result import Refusal, StudyResult
    from netloom.supply.bill import Bill

#: Names that are proposed for an unknown one.
_MOST_ALIKE = 5

#: Scenarios that are told where none is named: those that risk warnings name.
RISKS = ("demand-below-expectation", "scaling-laws-fail", "fiercer-competition")

Language = Literal["en", "zh", "ja"]

Scope = Literal["network", "everything"]


def exposure(
    study: Path,
    /,
    *,
    network: tuple[str, ...] = (),
    build_out: str | None = None,
    scenario: tuple[str, ...] = (),
    component: tuple[str, ...] = (),
    company: tuple[str, ...] = (),
    scope: Scope | None = None,
    language: Language = "en",
    draws: int = 10_000,
    seed: Seed = None,
    sources: Annotated[bool, Parameter(negative="")] = False,
    backtest: Annotated[bool, Parameter(negative="")] = False,
    until: str | None = None,
    plot: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Say who supplies the candidates of a study, or a build-out in scenarios, in dollars.

    Parameters
    ----------
    study
        The study file; docs/study.md lists its keys.
    network
        Only this candidate network; may be repeated, and others are compared with the first.
    build_out
        Accelerators by year and design: a name of the catalogue, or a YAML file.
    scenario
        What may happen to the build-out: a name of the catalogue, or a YAML file; may be repeated.
    component
        Only this component, with who sells it; may be repeated.
    company
        Only this company, with what it sells; may be repeated.
    scope
        The network alone, or everything, servers too. Left out, everything for a component, a
        company or JSON, and otherwise the network.
    language
        Of the names of components, companies and scenarios.
    draws
        Draws of every uncertain number, 100 or more.
    seed
        Seed of every random draw; the study's own when left out.
    sources
        List every number behind the figures with its catalogue entry, the weakest evidence first.
    backtest
        Forecast published series from what was known before, and say whether the interval held.
    until
        Latest month that a backtest sees, such as 2025-03; several before each outcome when left
        out.
    plot
        SVG file for the picture, such as exposure.svg.
    json
        Print JSON instead of tables.
    """
    from netloom.cli.study import check_networks, read, seed_of
    from netloom.report.exposure.page import Page, print_page, to_json
    from netloom.report.exposure.words import Speaker
    from netloom.supply.backtest import backtests
    from netloom.supply.bill import sampling_of

    check_draws(draws)
    resolved = read(study)
    check_plot(plot)
    _check(network, scenario, build_out, backtest, until)
    check_networks(resolved, network)
    components = _named("component", component)
    companies = _named("company", company)
    tests = backtests(until) if backtest else None
    told = scope or ("everything" if component or company or json else "network")
    used = seed_of(resolved, seed)
    sampling = sampling_of(resolved, draws, used)
    designs: Designs | None = None
    sector: Sector | None = None
    refused: tuple[Refusal, ...] = ()
    if build_out is None:
        result = _planned(resolved, used)
        refused = tuple(each for each in result.refused if not network or each.name in network)
        designs = _designs(resolved, result, network, sampling, told)
    else:
        sector = _sector(resolved, build_out, scenario or RISKS, sampling, told)
    page = Page(
        resolved.study.name, Speaker(language), sampling, designs, sector, components, companies,
        tests, refused,
    )  # fmt: skip
    if plot is not None:
        from netloom.cli.console import write_picture
        from netloom.report.figures import exposure as figure

        write_picture(plot, figure.draw(page))
    if json:
        sys.stdout.write(to_json(page))
        return
    from netloom.cli.console import output

    print_page(page, output(), sources=sources)


def _check(
    network: Sequence[str],
    scenario: Sequence[str],
    build_out: str | None,
    backtest: bool,
    until: str | None,
) -> None:
    """Refuse options that answer nothing without another, or beside it."""
    from netloom import catalog

    if scenario and build_out is None:
        raise ParameterError(
            "a scenario changes a build-out, and none is named",
            hint=f"write --build-out {catalog.names('build-out')[0]}, or a file",
        )
    if network and build_out is not None:
        raise ParameterError(
            "--network chooses designs, and the mix of a build-out does so already",
            hint="leave one of them out",
        )
    if until is not None and not backtest:
        raise ParameterError("--until is a backtest's", hint="write --backtest too")


def _named(kind: str, asked: Sequence[str]) -> tuple[str, ...]:
    """Return catalogue names of components or companies that are asked for in any language."""
    from netloom import catalog
    from netloom.supply.chain import OTHERS

    known = catalog.names(kind)
    by_word = {
        word.casefold(): name
        for name in known
        for word in (*catalog.get(kind, name).names.model_dump().values(), name)
    }
    if kind == "company":
        by_word[OTHERS] = OTHERS
    found = []
    for word in asked:
        name = by_word.get(word.casefold())
        if name is None:
            raise ParameterError(f"unknown {kind} '{word}'", hint=_alike(word, by_word, known))
        found.append(name)
    return tuple(dict.fromkeys(found))


def _alike(word: str, by_word: Mapping[str, str], known: Sequence[str]) -> str:
    """Return a hint with the names that contain a word or look like it, in any language."""
    import difflib

    folded = word.casefold()
    inside = [each for each in by_word if folded in each]
    close = inside or difflib.get_close_matches(folded, by_word, n=_MOST_ALIKE, cutoff=0.6)
    names = list(dict.fromkeys(by_word[each] for each in close))[:_MOST_ALIKE]
    listing = f"Known: {', '.join(known)}"
    return f"did you mean {' or '.join(names)}? {listing}" if names else listing


def _planned(resolved: Resolved, seed: int) -> StudyResult:
    from netloom import search
    from netloom.cli.study import progress_bar

    with progress_bar() as progress:
        return search.plan_study(resolved, progress=progress, seed=seed)


def _designs(
    resolved: Resolved,
    result: StudyResult,
    network: Sequence[str],
    sampling: Sampling,
    scope: Scope,
) -> Designs:
    from netloom.report.exposure.designs import Designs
    from netloom.report.exposure.evidence import evidence_of
    from netloom.supply.architectures import closest
    from netloom.supply.attach import attach_of
    from netloom.supply.bill import bills_of, network_of, total_of
    from netloom.supply.content import exposure as exposure_of

    whole = bills_of(resolved, result, network or None)
    bills = whole
    if scope == "network":
        bills = {name: network_of(bill) for name, bill in whole.items()}
    found = exposure_of(bills, sampling)
    candidates = {each.name: each for each in result.candidates}
    attaches = {name: attach_of(candidates[name]) for name in bills}
    return Designs(
        bills=whole,
        whole={name: total_of(bill, sampling) for name, bill in whole.items()},
        exposure=found,
        attaches={name: (each, closest(candidates[name], each)) for name, each in attaches.items()},
        evidence=evidence_of(found.chain, bills, found.inputs),
        scope=scope,
    )


def _sector(
    resolved: Resolved,
    build_out: str,
    scenario: Sequence[str],
    sampling: Sampling,
    scope: Scope,
) -> Sector:
    """Return a build-out in scenarios; the study is planned only where the mix needs it."""
    from netloom import catalog
    from netloom.cli.study import read
    from netloom.report.exposure.evidence import evidence_of
    from netloom.report.exposure.outlook import Sector
    from netloom.supply.bill import bills_of, network_of
    from netloom.supply.outlook import run, tornado
    from netloom.supply.read import design_bills, mixed_designs, read_build_out, read_scenario
    from netloom.supply.sector import chain_for

    planned, folder = read_build_out(build_out)
    designs = mixed_designs(planned)
    base = catalog.get("scenario", "base")
    # the base is told in any case
    told = [read_scenario(name, designs) for name in dict.fromkeys(scenario) if name != base.name]

    def bills_of_study(path: Path, names: Sequence[str]) -> Mapping[str, Bill]:
        other = read(path)
        return bills_of(other, _planned(other, sampling.seed), names)

    here: Mapping[str, Bill] = {}
    if set(designs) - set(planned.designs):
        here = bills_of(resolved, _planned(resolved, sampling.seed))
    bills = design_bills(planned, folder, bills_of_study, here)
    if scope == "network":
        bills = {name: network_of(bill) for name, bill in bills.items()}
    outlook = run(bills, planned, told, sampling)
    chain = chain_for(bills, planned, [base, *told])
    return Sector(
        build_out=planned,
        scenarios={each.name: each for each in (base, *told)},
        outlook=outlook,
        tornado=tornado(bills, planned, told),
        evidence=evidence_of(chain, bills, outlook.inputs),
        scope=scope,
    )
