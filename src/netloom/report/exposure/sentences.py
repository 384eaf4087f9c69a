"""The answer first: who gains and who loses by another design, or in a scenario, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netloom.report.exposure.cells import named
from netloom.report.exposure.designs import Designs
from netloom.report.exposure.outlook import NETWORK, SECTOR, Sector, modules_share, most_at_risk
from netloom.report.exposure.words import NETWORK_WORDS, Speaker, head, percent, usd
from netloom.supply.chain import OTHERS
from netloom.supply.content import Change, ChangeRow
from netloom.supply.outlook import WHOLE, Line, Risk

#: A row is named as one that gains, or loses, where it does so on this share of the draws.
SURE = 0.9

#: Names in one list.
_NUM_NAMED = 3


def of_designs(found: Designs, speaker: Speaker) -> Iterator[str]:
    """Yield what each design changes against the first, or whom the only one pays."""
    designs = found.exposure.designs
    if not found.exposure.changes:
        (only,) = designs
        rows = sorted(only.companies, key=lambda row: -row.sales.percentile_50)
        largest = [row for row in rows if row.name != OTHERS][:_NUM_NAMED]
        paid = (f"{speaker.company(row.name)} {usd(row.sales)}" for row in largest)
        yield f"Largest sales of {only.name}, of the {found.scope_words}: {', '.join(paid)}."
        return
    for change in found.exposure.changes:
        yield _change_words(change, found, speaker)
    of_what = "of the whole bill"
    if found.scope == "network":
        of_what = f"of the network ({NETWORK_WORDS}; --scope everything adds servers)"
    yield (
        f"Dollars are medians of value added, {of_what}; who is named gains, or loses, on "
        f"{SURE:.0%} of the draws or more."
    )


def _change_words(change: Change, found: Designs, speaker: Speaker) -> str:
    before = found.exposure.designs[0]
    said = [
        f"{change.name} instead of {change.against}: {usd(change.bill, signed=True)} of "
        f"{head(usd(before.bill))}."
    ]
    for kind, rows in (("company", change.companies), ("component", change.components)):
        sides = [
            _named_rows(verb, kind, side, speaker)
            for verb, side in (
                ("lose", [row for row in rows if row.loss_probability >= SURE]),
                ("gain", [row for row in rows if row.gain_probability >= SURE]),
            )
        ]
        told = "; ".join(filter(None, sides))
        plural = "Companies" if kind == "company" else "Components"
        said.append(f"{plural} that {told}." if told else f"{plural}: none for sure.")
    return " ".join(said)


def _named_rows(verb: str, kind: str, rows: Sequence[ChangeRow], speaker: Speaker) -> str:
    """Return the largest rows of one side with their medians, others by their number."""
    listed = [row for row in rows if row.name != OTHERS]
    listed.sort(key=lambda row: -abs(row.added.percentile_50))
    if not listed:
        return ""
    told = [
        f"{named(kind, row.name, speaker)} {head(usd(row.added, signed=True))}"
        for row in listed[:_NUM_NAMED]
    ]
    more = len(listed) - len(told)
    return f"{verb}: {', '.join(told)}" + (f" and {more} more" if more else "")


def of_sector(found: Sector, speaker: Speaker) -> Iterator[str]:
    """Yield what each scenario takes, from whom, and which designs have most to lose."""
    outlook = found.outlook
    years = f"{outlook.years[0]} to {outlook.years[-1]}"
    network, whole = (outlook.dollars[outlook.base, WHOLE, line] for line in (NETWORK, SECTOR))
    servers = f", with servers {usd(whole)}" if found.scope == "everything" else ""
    yield (
        f"{speaker.of(found.scenarios[outlook.base].names)}: the network of {years} is "
        f"{usd(network)}{servers}."
    )
    for scenario in outlook.scenarios:
        yield f"{_loss_words(found, scenario, speaker)} {choice_words(found, scenario)}"


def _loss_words(found: Sector, scenario: str, speaker: Speaker) -> str:
    risks = found.outlook.risks
    whole = risks[scenario, WHOLE, NETWORK]
    told = speaker.of(found.scenarios[scenario].names)
    if not (whole.loss.mean or whole.loss.mode):
        return f"{told}: the network loses nothing."
    lines = [each for each in most_at_risk(found, "company") if each.name != OTHERS]
    lines.sort(key=lambda line: -risks[scenario, WHOLE, line].loss_fraction.percentile_50)

    def listed(some: Sequence[Line]) -> str:
        return ", ".join(
            f"{speaker.company(line.name)} "
            f"{_percent(risks[scenario, WHOLE, line]).removeprefix('-')}"
            for line in some
        )

    servers = ""
    if found.scope == "everything":
        all_of_it = risks[scenario, WHOLE, SECTOR]
        servers = f"; with servers {_percent(all_of_it)}, {head(usd(all_of_it.loss))}"
    losing = [line for line in lines if risks[scenario, WHOLE, line].loss_fraction.mean > 0]
    gaining = [line for line in lines if risks[scenario, WHOLE, line].loss_fraction.mean < 0]
    sides = (
        ("fall most", losing[:_NUM_NAMED]),
        ("least", losing[_NUM_NAMED:][-_NUM_NAMED:]),
        ("rise", gaining[::-1][:_NUM_NAMED]),
    )
    named_sides = "; ".join(f"{words}: {listed(some)}" for words, some in sides if some)
    return (
        f"{told}: {percent(whole.loss_fraction)} of the network lost, "
        f"{head(usd(whole.loss))}{servers}. Sales "
        f"that {named_sides}."
    )


def _percent(risk: Risk) -> str:
    return head(percent(risk.loss_fraction))


def choice_words(found: Sector, scenario: str) -> str:
    """Return which design has the largest and the smallest share of its network to lose."""
    outlook = found.outlook
    risks = {name: outlook.design_risks[scenario, name, NETWORK] for name in outlook.designs}
    ordered = sorted(risks, key=lambda name: -risks[name].loss_fraction.percentile_50)
    if len(ordered) < 2:
        return ""
    most, least = (
        f"{name} ({_percent(risks[name])} of {head(usd(risks[name].base))} an accelerator, "
        f"{modules_share(found, name):.0%} of it optical modules)"
        for name in (ordered[0], ordered[-1])
    )
    return f"Design most exposed: {most}; least: {least}."
