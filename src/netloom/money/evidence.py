"""The numbers behind simulated runs: failure rates, times, and what a second of the cluster costs.

Each is an `Input`, named by where it stands in the catalogue or in the study, so that a figure of
`netloom goodput` can be traced as one of `netloom cost` can.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netloom import catalog
from netloom.cost.prices import Prices
from netloom.failure.evidence import counted
from netloom.money.inputs import Input, from_quantity, of_part, of_study
from netloom.money.ledger import power_terms, price_terms
from netloom.resolve import Resolved
from netloom.result import BomLine, Range

_YEAR_S = 365.25 * 86400.0

#: Numbers of a site that the cost of a second has in it.
_SITE = (
    "electricity_usd_per_j", "pue", "maintenance_per_year", "depreciation_s",
    "installation_fraction",
)  # fmt: skip

#: Number of the failure rates -> key of a study's section reliability that takes its place.
_ASKED = {
    "detection_s": "detection", "restart_s": "restart", "repair_s": "repair_time",
    "storage_bytes_per_s": "storage_rate", "checkpoint_bytes_per_parameter": "",
}  # fmt: skip

#: Rates by kind of part, used where the failure rates count no components.
_RATES = ("accelerator_per_s", "node_other_per_s", "nic_per_s", "software_per_s")


def inputs_of_runs(resolved: Resolved, bom: Sequence[BomLine]) -> dict[str, Input]:
    """Return what the simulated runs of one candidate rest on, by path.

    Parameters
    ----------
    resolved : the study.
    bom : bill of materials of the candidate.
    """
    found = {each.path: each for each in (*_failing(resolved), *_asked(resolved), *_network(bom))}
    economics = resolved.study.economics
    adjust: dict[str, float] = {str(key): change for key, change in economics.adjust.items()}
    prices = Prices(resolved.prices, adjust, economics.quotes)

    def uses(one: Input) -> str:
        found[one.path] = one
        return one.path

    # the terms are not needed, what they name is
    for _ in (*price_terms(resolved, bom, prices, uses), *power_terms(resolved, bom, uses)):
        continue
    for field in _SITE:
        uses(of_part("site-costs", resolved.site, field))
    return found


def _failing(resolved: Resolved) -> Iterator[Input]:
    """Yield the failure rates of accelerators, nodes, NICs and software."""
    rates = resolved.rates
    for name, known in rates.components.items():
        exposure = known.exposure_s
        mode = counted(known.events, float(exposure)).per_s
        yield Input(
            path=f"failure-rates/{rates.name}.components.{name}",
            words=f"failure rate by {name}",
            value=Range(mode, mode, mode),
            dimension="frequency",
            factor="",
            grade=exposure.grade,
            date=exposure.date,
            basis=f"per second, {known.events} in {float(exposure) / _YEAR_S:,.0f} years of one "
            f"{known.part}, drawn from the gamma distribution of that count",
            sources=exposure.source,
        )
    if not rates.components:
        for field in _RATES:
            yield of_part("failure-rates", rates, field)


def _asked(resolved: Resolved) -> Iterator[Input]:
    """Yield times and storage, the study's own where it says them."""
    reliability = resolved.study.reliability
    for field, key in _ASKED.items():
        asked = getattr(reliability, key) if key else None
        if asked is None:
            yield of_part("failure-rates", resolved.rates, field)
        else:
            dimension = getattr(resolved.rates, field).dimension
            yield of_study(f"reliability.{key}", float(asked), dimension)
    for key in ("straggler_rate", "flaps", "feed_failure_rate"):
        if said := float(getattr(reliability, key)):
            yield of_study(f"reliability.{key}", said, "count")


def _network(bom: Sequence[BomLine]) -> Iterator[Input]:
    """Yield the failure rates of switches and of cable ends that the candidate buys."""
    fields = {"switch": "annual_failure_rate", "medium": "annual_failure_rate_per_end"}
    for part in dict.fromkeys(line.part for line in bom):
        kind, _, name = part.partition("/")
        if kind in fields:
            quantity = getattr(catalog.get(kind, name), fields[kind])
            words = f"failure rate of {name}" + (", one end" if kind == "medium" else "")
            yield from_quantity(f"{part}.{fields[kind]}", words, quantity)
