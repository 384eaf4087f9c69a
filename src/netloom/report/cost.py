"""A study's money: tables and sentences for people, JSON for programs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from netloom import catalog
from netloom.cost.draws import Interval
from netloom.money import CandidateMoney, MoneyAnswer
from netloom.money.inputs import Input
from netloom.units import show

#: Version of the JSON layout; grows when a field changes meaning or goes away.
SCHEMA_VERSION = 1

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
        "Most likely value; in brackets the 10th, 50th and 90th percentile of the draws.", style="dim"
    )
    console.print(_summary(answer, console), "")
    console.print(_parts(answer, console, "Capex", [c.capex_usd for c in answer.candidates]), "")
    console.print(_parts(answer, console, "One run", [c.run_usd for c in answer.candidates]), "")
    console.print(_power(answer, console), "")
    for sentence in _verdicts(answer):
        console.print(Text(sentence, style="bold"))
    console.print("", _openness(answer, console))
    console.print(Text(f"Scale-up inside the nodes: {answer.scale_up}."), "")
    console.print(_swings(answer.candidates[0], console), "")
    if answer.candidates[0].rents:
        console.print(_rents(answer.candidates[0], console), "")
    if sources:
        console.print(_sources(answer.inputs, console))
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


def _table(title: str, console: Console, columns: Iterable[str]) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", header_style="bold",
        box=box.SIMPLE_HEAD if console.is_terminal else box.MARKDOWN, pad_edge=False,
        padding=(0, 1),
    )  # fmt: skip
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    return table


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
    values = (found.mode, found.percentile_10, found.percentile_50, found.percentile_90)
    mode, low, middle, high = (_digits(value * scale) for value in values)
    return f"{mode} " if low == middle == high == mode else f"{mode} ({low}, {middle}, {high})"


def _probability(share: float) -> str:
    """Return a probability; near 0 and 1 what the draws can still tell."""
    if 0 < share < 0.005:
        return "below 0.01"
    if 0.995 <= share < 1:
        return "above 0.99"
    return f"{share:.2f}"


def _summary(answer: MoneyAnswer, console: Console) -> Table:
    columns = (
        "network",
        "one run",
        "network capex",
        "days",
        "goodput %",
        "network failures a month",
    )
    table = _table("Candidates, the cheapest run first", console, columns)
    for each in answer.candidates:
        table.add_row(
            Text(each.name), _usd(each.run_usd["total"]), _usd(each.network_capex_usd),
            _plain(each.days), _plain(each.goodput, 100), _plain(each.network_failures_per_month),
        )  # fmt: skip
    return table


def _parts(
    answer: MoneyAnswer, console: Console, title: str, parts: list[Mapping[str, Interval]]
) -> Table:
    table = _table(title, console, ("part", *(escape(each.name) for each in answer.candidates)))
    for name in parts[0]:
        table.add_row(name, *(_usd(each[name]) if name in each else "" for each in parts))
    if title == "One run":
        rows = {
            "per trillion tokens": [c.usd_per_trillion_tokens for c in answer.candidates],
            "per PFLOP-day": [c.usd_per_pflop_day for c in answer.candidates],
            "per accelerator-hour": [c.usd_per_accelerator_hour for c in answer.candidates],
        }
        for name, found in rows.items():
            table.add_row(name, *(_usd(each) for each in found))
        planned = [show(c.planned_run_usd.mode, "money") for c in answer.candidates]
        table.add_row("as netloom plan counts it", *planned)
    return table


def _power(answer: MoneyAnswer, console: Console) -> Table:
    table = _table(
        "Power", console, ("IT power", *(escape(each.name) for each in answer.candidates))
    )
    for name, field in (
        ("at its maximum", "rated_w"), ("while training", "loaded_w"),
        ("while the job stands still", "idle_w"), ("of that switches and cables", "network_w"),
    ):  # fmt: skip
        table.add_row(name, *(_scaled(getattr(c, field), _WATTS) for c in answer.candidates))
    return table


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
    table = _table("Openness, shares of NICs, switches, optics and cables", console, columns)
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
        table.add_row(
            Text(each.name), *(f"{share:.0%}" for share in shares), ", ".join(bound) or "none"
        )
    return table


def _swings(candidate: CandidateMoney, console: Console) -> Table:
    title = f"What moves the run on {candidate.name}: one input at its 10th and 90th percentile"
    table = _table(escape(title), console, ("input", "10 %", "90 %", "swing"))
    for each in candidate.swings[:_FEW_SWINGS]:
        table.add_row(
            each.words, show(each.low_usd, "money"), show(each.high_usd, "money"),
            show(each.width_usd, "money"),
        )  # fmt: skip
    return table


def _rents(candidate: CandidateMoney, console: Console) -> Table:
    title = f"Rent or buy {candidate.name}"
    columns = (
        "offer", "$ per accelerator-hour", "rent for the run", "buying is cheaper",
        "as cheap when in use",
    )  # fmt: skip
    table = _table(escape(title), console, columns)
    for each in candidate.rents:
        never = each.break_even_fraction > 1
        table.add_row(
            each.offer, _plain(each.usd_per_hour), _usd(each.rent_usd),
            f"with probability {_probability(each.buy_probability)}",
            "never" if never else f"{each.break_even_fraction:.0%} of its life",
        )  # fmt: skip
    return table


def _sources(inputs: Iterable[Input], console: Console) -> Table:
    title = "Every number of these figures, the weakest evidence first"
    columns = ("number", "grade", "low, most likely, high", "date", "basis", "source")
    table = _table(title, console, columns)
    known = catalog.sources()
    for each in inputs:
        value = each.value
        shown = f"{value.mode:.4g}"
        if value.low != value.high:
            shown = f"{value.low:.4g}, {value.mode:.4g}, {value.high:.4g}"
        table.add_row(
            Text(each.path), each.grade, shown, each.date, each.basis,
            "; ".join(known[key] for key in each.sources) or "the study",
        )  # fmt: skip
    return table
