"""Every number behind a plan's money, power and failures, with the figures that rest on it.

`netloom plan` takes fewer numbers than `netloom cost`: no staff, hosting, spares, capital or draw
in use. What its days without failures rest on, accelerators and protocols, is no part of this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from netloom.money.inputs import Input, of_part, worst_first
from netloom.money.ledger import failing_of, power_terms, price_terms
from netloom.resolve import Resolved, prices_of
from netloom.result import Candidate

#: Figures of a plan.
CAPEX, POWER, FAILURES, RUN = "capex", "power", "goodput and days", "run cost"

#: Numbers of a site in a plan, and the figures that they are in: all are in the cost of its run.
SITE = {
    "electricity_usd_per_j": (RUN,),
    "pue": (RUN,),
    "maintenance_per_year": (RUN,),
    "depreciation_s": (RUN,),
    "installation_fraction": (CAPEX, RUN),
}


@dataclass(frozen=True)
class Traced:
    """One number behind a plan.

    Attributes
    ----------
    number : with its catalogue entry and its evidence.
    figures : of the plan that rest on it.
    networks : candidates for which it is used.
    """

    number: Input
    figures: tuple[str, ...]
    networks: tuple[str, ...]


def numbers_of_plan(resolved: Resolved, candidates: Sequence[Candidate]) -> tuple[Traced, ...]:
    """Return what the candidates' money, power and failures rest on, the weakest evidence first."""
    numbers: dict[str, Input] = {}
    figures: dict[str, dict[str, None]] = {}
    networks: dict[str, dict[str, None]] = {}
    prices = prices_of(resolved)

    def noting(name: str, *figures_of_number: str) -> Callable[[Input], str]:
        def note(one: Input) -> str:
            numbers[one.path] = one
            figures.setdefault(one.path, {}).update(dict.fromkeys(figures_of_number))
            networks.setdefault(one.path, {})[name] = None
            return one.path

        return note

    for each in candidates:
        # the terms are not needed, what they name is
        for _ in price_terms(resolved, each.bom, prices, noting(each.name, CAPEX, RUN)):
            continue
        for _ in power_terms(resolved, each.bom, noting(each.name, POWER, RUN)):
            continue
        failing_of(resolved, each, noting(each.name, FAILURES, RUN))
        for field, used_in in SITE.items():
            noting(each.name, *used_in)(of_part("site-costs", resolved.site, field))
    return tuple(
        Traced(one, tuple(figures[one.path]), tuple(networks[one.path]))
        for one in worst_first(numbers.values())
    )
