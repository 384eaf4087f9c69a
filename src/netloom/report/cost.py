"""A study's money: tables and sentences for people, JSON for programs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from netloom.cost.draws import Interval
from netloom.money import CandidateMoney, MoneyAnswer
from netloom.report.sources import source_lines
from netloom.report.tables import titled_table
from netloom.units import show

#: Version of the JSON layout; grows when a field changes meaning or goes away.
SCHEMA_VERSION = 1

#: Columns beside which a line has no room for brackets.
_FEW_COLUMNS = 6

#: Inputs that the table of swings shows.
_FEW_SWINGS = 10


def to_json(answer: MoneyAnswer) -> str:
    """Return the answer as JSON text; `docs/cli.md` lists its keys."""
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "study": answer.study,
        "num_accelerators": answer.num_accelerators,
        "tokens": answer.tokens,
        **dataclasses.asdict(answer.sampling),
        "candidates": [_candidate(each) for each in answer.candidates],
        "pairs": [dataclasses.asdict(each) for each in answer.pairs],
        "inputs": [dataclasses.asdict(each) for each in answer.inputs],
        "scale_up": answer.scale_up,
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _candidate(candidate: CandidateMoney) -> dict[str, Any]:
    found = dataclasses.asdict(candidate)
    for rent in found["rents"]:
        if rent["break_even_fraction"] == float("inf"):
            rent["break_even_fraction"] = None
    return found


def print_money(answer: MoneyAnswer, console: Console, *, sources: bool = False) -> None:
    """Print a study's money; with `sources` every number that it rests on."""
    sampling = answer.sampling
    console.print(
        f"[bold]{escape(answer.study)}[/], {answer.num_accelerators:,} accelerators, "
        f"{show(answer.tokens, 'count')} tokens; {sampling.num_draws:,} draws, seed {sampling.seed}"
    )
    console.print(
        "Most likely value; in brackets the 10th and the 90th percentile of the draws. Most inputs "
        "can rise farther than they can fall, so that sums of most likely values lie low in their "
        "brackets or below: the median tells what to expect.",
        style="dim",
    )
    console.print(_summary(answer, console), "")
    console.print(_parts(answer, console, "Capex", [c.capex_usd for c in answer.candidates]), "")
    console.print(_run(answer, console), "")
    console.print(_power(answer, console), "")
    for sentence in _verdicts(answer):
        console.print(Text(sentence, style="bold"))
    console.print("", _openness(answer, console))
    console.print(Text(f"Scale-up inside the nodes: {answer.scale_up}."), "")
    console.print(_swings(answer.candidates[0], console), "")
    if answer.candidates[0].rents:
        console.print(_rents(answer.candidates[0], console))
        console.print(
            "Hours of the run alone: what is left of a contract's term must find other work.", "",
            style="dim",
        )  # fmt: skip
    if sources:
        console.print("[bold]Every number of these figures, the weakest evidence first[/]")
        for line in source_lines(answer.inputs):
            console.print(Text(f"- {line}"), soft_wrap=True)
    else:
        worst = answer.inputs[0]
        weak = sum(each.grade == worst.grade for each in answer.inputs)
        console.print(
            Text(
                f"{weak} of {len(answer.inputs)} numbers have the weakest grade here, "
                f"{worst.grade}; --sources lists them all.",
                style="dim",
            )
        )


_USD = ((1e9, "B$"), (1e6, "M$"), (1e3, "k$"), (1.0, "$"))
_WATTS = ((1e9, "GW"), (1e6, "MW"), (1e3, "kW"), (1.0, "W"))


def _scaled(found: Interval, units: tuple[tuple[float, str], ...]) -> str:
    """Return a value with its percentiles in one unit."""
    largest = max(abs(found.percentile_90), abs(found.mode))
    scale, unit = next((pair for pair in units if largest >= pair[0]), units[-1])
    mode, rest = _plain(found, 1 / scale).split(" ", 1)
    return f"{mode} {unit} {rest}"


def _usd(found: Interval) -> str:
    return _scaled(found, _USD)


def _digits(value: float) -> str:
    decimals = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{decimals}f}"


def _plain(found: Interval, scale: float = 1.0) -> str:
    values = (found.mode, found.percentile_10, found.percentile_90)
    mode, low, high = (_digits(value * scale) for value in values)
    return f"{mode} " if low == high == mode else f"{mode} ({low}-{high})"


def _probability(share: float) -> str:
    """Return a probability; near 0 and 1 what the draws can still tell."""
    if 0 < share < 0.005:
        return "below 0.01"
    if 0.995 <= share < 1:
        return "above 0.99"
    return f"{share:.2f}"


def _summary(answer: MoneyAnswer, console: Console) -> Table:
    shown = answer.candidates
    rows = titled_table("Side by side, the cheapest run first", console, ("", *_names(answer)))
    for name, texts in (
        ("one run", [_usd(each.run_usd["total"]) for each in shown]),
        ("one run, median", [_median(each.run_usd["total"]) for each in shown]),
        ("capex", [_usd(each.capex_usd["total"]) for each in shown]),
        ("network capex", [_usd(each.network_capex_usd) for each in shown]),
        ("network power", [_scaled(each.network_w, _WATTS) for each in shown]),
        ("network failures a month", [_plain(each.network_failures_per_month) for each in shown]),
        ("interruptions a month", [_plain(each.interruptions_per_month) for each in shown]),
        ("goodput, %", [_plain(each.goodput, 100) for each in shown]),
        ("days", [_plain(each.days) for each in shown]),
    ):
        rows.add_row(name, *_narrow(texts))
    return rows


def _narrow(texts: list[str]) -> list[str]:
    """Return values with their brackets on a line below, without signs, where columns are many."""
    if len(texts) <= _FEW_COLUMNS:
        return texts
    return [text.replace(" (", "\n").replace(")", "") for text in texts]


def _names(answer: MoneyAnswer) -> list[str]:
    return [escape(each.name) for each in answer.candidates]


def _median(found: Interval) -> str:
    return show(found.percentile_50, "money")


def _parts(
    answer: MoneyAnswer, console: Console, title: str, parts: list[Mapping[str, Interval]]
) -> Table:
    rows = titled_table(title, console, ("part", *_names(answer)))
    for name in dict.fromkeys(name for each in parts for name in each):
        texts = [_usd(each[name]) if name in each else "" for each in parts]
        rows.add_row(name, *_narrow(texts))
    return rows


def _run(answer: MoneyAnswer, console: Console) -> Table:
    shown = answer.candidates
    rows = _parts(answer, console, "One run", [each.run_usd for each in shown])
    for name, found in (
        ("per trillion tokens", [each.usd_per_trillion_tokens for each in shown]),
        ("per PFLOP-day", [each.usd_per_pflop_day for each in shown]),
        ("per accelerator-hour", [each.usd_per_accelerator_hour for each in shown]),
    ):
        rows.add_row(name, *_narrow([_usd(each) for each in found]))
    planned = [show(each.planned_run_usd.mode, "money") for each in shown]
    rows.add_row("as netloom plan counts it", *planned)
    return rows


def _power(answer: MoneyAnswer, console: Console) -> Table:
    rows = titled_table("Power", console, ("IT power", *_names(answer)))
    for name, field in (
        ("at its maximum", "rated_w"), ("while training", "loaded_w"),
        ("while the job stands still", "idle_w"), ("of that switches and cables", "network_w"),
    ):  # fmt: skip
        texts = [_scaled(getattr(c, field), _WATTS) for c in answer.candidates]
        rows.add_row(name, *_narrow(texts))
    return rows


def _verdicts(answer: MoneyAnswer) -> Iterator[str]:
    """Yield one sentence per rival of the cheapest candidate."""
    if len(answer.candidates) == 1:
        yield f"{answer.candidates[0].name} stands alone: there is nothing to compare it with."
    first = answer.candidates[0].name
    for pair in answer.pairs:
        if pair.first == first:
            yield (
                f"{first} is cheaper than {pair.second} with probability "
                f"{_probability(pair.probability)}: it saves {_usd(pair.saved_usd)} of a run."
            )


def _openness(answer: MoneyAnswer, console: Console) -> Table:
    columns = ("network", "two or more vendors", "open standard", "one vendor", "bound to one")
    rows = titled_table("Openness, shares of NICs, switches, optics and cables", console, columns)
    for each in answer.candidates:
        found = each.openness
        shares = (
            found.several_vendors_fraction, found.open_standard_fraction, found.one_vendor_fraction,
        )  # fmt: skip
        bound = [
            f"{part.part} ({', '.join(part.vendors)})"
            for part in found.parts
            if not part.several_vendors
        ]
        rows.add_row(
            Text(each.name), *(f"{share:.0%}" for share in shares), ", ".join(bound) or "none"
        )
    return rows


def _swings(candidate: CandidateMoney, console: Console) -> Table:
    title = f"What moves the run on {candidate.name}: one input at its 10th and 90th percentile"
    rows = titled_table(escape(title), console, ("input", "10 %", "90 %", "swing"))
    for each in candidate.swings[:_FEW_SWINGS]:
        rows.add_row(
            each.words, show(each.low_usd, "money"), show(each.high_usd, "money"),
            show(each.width_usd, "money"),
        )  # fmt: skip
    return rows


def _rents(candidate: CandidateMoney, console: Console) -> Table:
    title = f"Rent or buy {candidate.name}"
    columns = (
        "offer", "$ per accelerator-hour", "rent for the run", "P(buying is cheaper)",
        "as cheap when in use",
    )  # fmt: skip
    rows = titled_table(escape(title), console, columns)
    for each in candidate.rents:
        never = each.break_even_fraction > 1
        rows.add_row(
            each.offer, _plain(each.usd_per_hour), _usd(each.rent_usd),
            _probability(each.buy_probability),
            "never" if never else f"{each.break_even_fraction:.0%} of its life",
        )  # fmt: skip
    return rows
