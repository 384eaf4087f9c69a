"""What the next dollar buys: tables and sentences for people, JSON for programs."""

from __future__ import annotations

import dataclasses
import json
import math

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from netloom.report.tables import titled_table
from netloom.search.balance import Balance, Step
from netloom.units import show

#: Version of the JSON layout; grows when a field changes meaning or goes away.
SCHEMA_VERSION = 1

_MINUTES_PER_DAY = 1440.0


def to_json(found: Balance) -> str:
    """Return the answer as JSON text; infinite values of a dollar become null."""
    document = {"schema_version": SCHEMA_VERSION} | dataclasses.asdict(found)
    for step in document["steps"]:
        if math.isinf(step["days_per_musd"]):
            step["days_per_musd"] = None
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def print_balance(found: Balance, console: Console) -> None:
    """Print steps by value, what cannot be bought, the proportion and the shadow prices."""
    console.print(
        f"[bold]{escape(found.study)}[/] on [bold]{escape(found.network)}[/]: "
        f"{found.days:.2f} days, capex {show(found.capex_usd, 'money')}, one run "
        f"{show(found.run_usd, 'money')}"
    )
    console.print(Text(found.limit))
    columns = ("step", "change", "days saved", "capex", "one run", "days per M$", "verdict")
    steps = titled_table("What the next dollar buys", console, columns)
    for each in found.steps:
        steps.add_row(
            each.part, Text(each.change), _days(each.saved_days), _signed(each.capex_usd),
            _signed(each.run_usd), _rate(each), each.verdict,
        )  # fmt: skip
    console.print(steps, "")
    for refusal in found.refused:
        console.print(
            Text.assemble(
                ("not to be had ", "red"), (f"{refusal.part}, {refusal.change}", "bold"),
                f": {refusal.reason}",
            )
        )  # fmt: skip
    console.print("", Text(found.proportion.words, style="bold"), "")
    headings = ("resource", "1 % better saves", "worth", "twice as good saves", "worth")
    prices = titled_table("Shadow prices", console, headings)
    for price in found.shadow_prices:
        prices.add_row(
            price.resource,
            _time(price.saved_days), _usd(price.worth_usd),
            _time(price.doubled_saved_days), _usd(price.doubled_worth_usd),
        )  # fmt: skip
    console.print(prices, "")
    console.print(Text(bottleneck(found)))
    if found.larger_domain is not None:
        larger = found.larger_domain
        sentence = f"Scale-up domains of {larger.num_accelerators} at the same rate would "
        sentence += "lengthen" if larger.saved_days < 0 else "shorten"
        sentence += f" the run by {_time(abs(larger.saved_days))}"
        console.print(Text(f"{sentence}, worth {_usd(larger.worth_usd)}."))


def bottleneck(found: Balance) -> str:
    """Return which resource is worth the most, and which are worth nothing by the percent."""
    first = found.shadow_prices[0]
    words = (
        f"The bottleneck is {first.resource}: one percent better is worth {_usd(first.worth_usd)}, "
        "more than of anything else."
    )
    held = [
        each.resource
        for each in found.shadow_prices
        if _rounds_to_zero(each.saved_days) and not _rounds_to_zero(each.doubled_saved_days)
    ]
    if held:
        words += (
            f" One percent of {' or '.join(held)} changes nothing, because something else holds "
            "the step; twice as good pays, because another plan becomes the best."
        )
    return words


def _rounds_to_zero(days: float) -> bool:
    return abs(days) * _MINUTES_PER_DAY < 0.05


def _time(days: float) -> str:
    if abs(days) >= 1:
        return f"{days:,.1f} days"
    minutes = 0.0 if _rounds_to_zero(days) else days * _MINUTES_PER_DAY
    return f"{minutes:,.1f} min"


def _usd(usd: float) -> str:
    return ("-" if usd < 0 else "") + show(abs(usd), "money")


def _signed(usd: float) -> str:
    return ("+" if usd > 0 else "-" if usd < 0 else "") + show(abs(usd), "money")


def _days(days: float) -> str:
    return f"{days:+.3f}" if abs(days) >= 0.0005 else "0.000"


def _rate(step: Step) -> str:
    return "free" if math.isinf(step.days_per_musd) else f"{step.days_per_musd:.3g}"
