"""What the next dollar buys: tables and sentences for people, JSON for programs."""

from __future__ import annotations

import dataclasses
import json
import math

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from netloom.report.tables import titled_table
from netloom.search.balance import Balance, ShadowPrice, Step
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
            each.part, Text(each.change), f"{each.saved_days:+.3f}", _signed(each.capex_usd),
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
    prices = titled_table("Shadow prices", console, ("resource", "shortens the run by", "worth"))
    for price in found.shadow_prices:
        prices.add_row(price.resource, *_worth(price))
    console.print(prices, "")
    console.print(Text(f"The bottleneck: {found.shadow_prices[0].resource} is worth the most."))
    if found.larger_domain is not None:
        shorter, worth = _worth(found.larger_domain)
        words = found.larger_domain.resource
        sentence = f"{words[0].upper()}{words[1:]} would shorten the run by {shorter}"
        console.print(Text(f"{sentence}, worth {worth}."))


def _worth(price: ShadowPrice) -> tuple[str, str]:
    minutes = price.saved_days * _MINUTES_PER_DAY
    sign = "-" if price.worth_usd < 0 else ""
    return f"{minutes:,.1f} min", sign + show(abs(price.worth_usd), "money")


def _signed(usd: float) -> str:
    return ("+" if usd > 0 else "-" if usd < 0 else "") + show(abs(usd), "money")


def _rate(step: Step) -> str:
    return "free" if math.isinf(step.days_per_musd) else f"{step.days_per_musd:.3g}"
