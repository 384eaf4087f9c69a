"""Who supplies a design, or a build-out of many: the page on a terminal, and as JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from netloom import catalog
from netloom.cost.draws import Sampling
from netloom.money.inputs import Input
from netloom.report.exposure import designs, outlook, part, sentences
from netloom.report.exposure.backtests import print_backtests
from netloom.report.exposure.designs import Designs
from netloom.report.exposure.evidence import Evidence
from netloom.report.exposure.outlook import Sector
from netloom.report.exposure.words import NOTICE, Speaker
from netloom.report.sources import source_lines
from netloom.result import Refusal
from netloom.supply.backtest import Backtest
from netloom.supply.chain import OTHERS

#: Grades of numbers that somebody published.
SOUND = ("A", "B", "C")

#: Version of the JSON layout; grows when a field changes meaning or goes away.
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Page:
    """One answer of `netloom exposure`.

    Attributes
    ----------
    study : name.
    speaker : language of names.
    sampling : draws, seed, common share.
    designs : of the study; None with a build-out.
    sector : a build-out in scenarios; None without.
    components, companies : that alone are told; all where both are empty.
    backtests : forecasts beside what was published later; None where nobody asked.
    refused : candidates that cannot carry the run.
    """

    study: str
    speaker: Speaker
    sampling: Sampling
    designs: Designs | None
    sector: Sector | None
    components: tuple[str, ...]
    companies: tuple[str, ...]
    backtests: tuple[Backtest, ...] | None
    refused: tuple[Refusal, ...]

    @property
    def chosen(self) -> tuple[tuple[str, str], ...]:
        """Kind and name of what alone is told."""
        return (
            *(("component", name) for name in self.components),
            *(("company", name) for name in self.companies),
        )

    @property
    def inputs(self) -> tuple[Input, ...]:
        """Every number behind the figures, the weakest evidence first."""
        if self.sector is not None:
            return self.sector.outlook.inputs
        return self.designs.exposure.inputs if self.designs is not None else ()

    @property
    def evidence(self) -> dict[tuple[str, str], Evidence]:
        """Evidence of each row."""
        found = self.sector or self.designs
        return dict(found.evidence) if found is not None else {}

    def keeps(self, kind: str, name: str) -> bool:
        """Return whether a row is told: one that was chosen, or any of a kind without a choice."""
        wanted = self.components if kind == "component" else self.companies
        return not wanted or name in wanted


def print_page(page: Page, console: Console, *, sources: bool = False) -> None:
    """Print the answer; with `sources` every number that it rests on."""
    sampling = page.sampling
    console.print(Text(page.study, style="bold"), end="")
    console.print(f"; {sampling.num_draws:,} draws, seed {sampling.seed}")
    console.print(Text(NOTICE, style="bold yellow"))
    _print_trust(page.inputs, console, sources)
    if page.sector is not None:
        console.print(outlook.heading(page.sector, page.speaker))
    console.print()
    for line in answer(page):
        console.print(Text(f"- {line}"))
    if not page.chosen:
        console.print()
    if page.backtests is not None:
        print_backtests(page.backtests, console)
    for kind, name in page.chosen:
        part.print_changes(kind, name, page.designs, console)
        if (kind, name) not in page.evidence:
            verb = "contains" if kind == "component" else "buys from"
            console.print(Text(f"None of these designs {verb} {name}.\n"))
        elif page.sector is not None:
            outlook.print_line(page.sector, kind, name, console, page.speaker)
        part.print_part(kind, name, page.designs, page.inputs, console, page.speaker)
    if not page.chosen and page.designs is not None:
        designs.print_designs(page.designs, console, page.speaker)
    if not page.chosen and page.sector is not None:
        outlook.print_sector(page.sector, console, page.speaker)
    console.print(
        "Medians of the draws; in brackets the 10th and the 90th percentile. Sales count again "
        "what is bought inside, as revenue does. Grade: of the weakest number on the way that "
        "brings the most dollars; below it the weakest of all ways, where that is another. As of: "
        "the earliest date on that way.",
        style="dim",
    )
    if sources:
        console.print("[bold]Every number of these figures, the weakest evidence first[/]")
        for line in source_lines(page.inputs):
            console.print(Text(f"- {line}"), soft_wrap=True)
    for refusal in page.refused:
        console.print(f"refused {refusal.name}: {refusal.reason}", markup=False)


def _print_trust(inputs: Sequence[Input], console: Console, sources: bool) -> None:
    """Print how many of the numbers are weak, and which grade is the weakest."""
    if not inputs:
        return
    worst = inputs[0].grade
    weak = sum(each.grade == worst for each in inputs)
    sound = sum(each.grade in SOUND for each in inputs)
    console.print(
        f"How far to trust it: of {len(inputs)} numbers {sound} have grade "
        f"{', '.join(SOUND[:-1])} or {SOUND[-1]}, {weak} the weakest here, {worst}"
        + ("." if sources else "; --sources lists them all, --backtest tests forecasts."),
        highlight=False,
    )


def answer(page: Page) -> Iterator[str]:
    """Yield the answer in sentences, where no component or company is chosen."""
    if page.chosen:
        return
    if page.designs is not None:
        yield from sentences.of_designs(page.designs, page.speaker)
    if page.sector is not None:
        yield from sentences.of_sector(page.sector, page.speaker)


def to_json(page: Page) -> str:
    """Return the answer as JSON; `docs/cli.md` lists its keys. Equal draws give equal bytes."""
    rows = [each for each in page.evidence if page.keeps(*each)]
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "notice": NOTICE,
        "study": page.study,
        **dataclasses.asdict(page.sampling),
        "scope": None,
        "designs": None,
        "changes": None,
        "outlook": None,
        "backtests": None,
        "components": [_component(name, page) for kind, name in rows if kind == "component"],
        "companies": [
            _company(name, page) for kind, name in rows if kind == "company" and name != OTHERS
        ],
        "inputs": [dataclasses.asdict(each) for each in page.inputs],
        "refused": [{"name": each.name, "reason": each.reason} for each in page.refused],
    }
    if page.designs is not None:
        document |= designs.plain(page.designs, page.keeps)
    if page.sector is not None:
        document["scope"] = page.sector.scope
        document["outlook"] = outlook.plain(page.sector, page.keeps)
    if page.backtests is not None:
        document["backtests"] = [
            {
                **dataclasses.asdict(each.prediction),
                "outcome": each.outcome.model_dump(),
                "held": each.held,
            }
            for each in page.backtests
        ]
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _component(name: str, page: Page) -> dict[str, Any]:
    component = catalog.get("component", name)
    return {
        "name": name,
        "names": component.names.model_dump(),
        "group": component.group,
        **dataclasses.asdict(page.evidence["component", name]),
    }


def _company(name: str, page: Page) -> dict[str, Any]:
    company = catalog.get("company", name)
    return {
        "name": name,
        "names": company.names.model_dump(),
        "region": company.region,
        "listing": company.listing,
        "in_house": company.in_house,
        "stated": company.as_of,
        "source": list(company.source),
        **dataclasses.asdict(page.evidence["company", name]),
    }
