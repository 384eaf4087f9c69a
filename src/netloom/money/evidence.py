"""The numbers behind simulated runs: failure rates, times, and what a second of the cluster costs.

Each is an `Input`, named by where it stands in the catalogue or in the study, so that a figure of
`netloom goodput` can be traced as one of `netloom cost` can.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netloom import catalog
from netloom.failure.evidence import counted
from netloom.money.inputs import Input, from_quantity, of_part, of_study
from netloom.money.ledger import power_terms, price_terms
from netloom.money.trace import SITE
from netloom.resolve import Resolved, prices_of
from netloom.result import BomLine, Range
from netloom.schema.study import Reliability
from netloom.units import YEAR_S

#: Number of the failure rates -> key of a study's section reliability that takes its place.
_ASKED = {
    "detection_s": "detection", "restart_s": "restart", "repair_s": "repair_time",
    "storage_bytes_per_s": "storage_rate", "checkpoint_bytes_per_parameter": "",
}  # fmt: skip

#: Key of a study's section reliability that has no number in the catalogue -> its dimension.
_SHAPES = {
    "checkpoint_interval": "time", "spares": "count", "repair_crews": "count",
    "corruption_notice": "time", "early_life": "time", "early_life_factor": "count",
    "early_life_shape": "fraction", "storage_every": "count", "straggler_rate": "fraction",
    "straggler_slowdown": "fraction", "straggler_notice": "time", "flaps": "count",
    "flap_time": "time", "feed_nodes": "count", "feed_failure_rate": "fraction",
}  # fmt: skip

#: What a count of failures was taken over -> in words.
_COUNTED = {"job": "accelerator of a job"}

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
    prices = prices_of(resolved)

    def uses(one: Input) -> str:
        found[one.path] = one
        return one.path

    # the terms are not needed, what they name is
    for _ in (*price_terms(resolved, bom, prices, uses), *power_terms(resolved, bom, uses)):
        continue
    # a second of the cluster costs what a plan's run does in one
    for field in SITE:
        uses(of_part("site-costs", resolved.site, field))
    return found


def _failing(resolved: Resolved) -> Iterator[Input]:
    """Yield the failure rates of accelerators, nodes, NICs and software."""
    rates = resolved.rates
    for name, known in rates.components.items():
        exposure, one = known.exposure_s, _COUNTED.get(known.part, known.part)
        mode = counted(known.events, float(exposure)).per_s
        yield Input(
            path=f"failure-rates/{rates.name}.components.{name}",
            words=f"failure rate by {name}",
            value=Range(mode, mode, mode),
            dimension="frequency",
            factor="",
            grade=exposure.grade,
            date=exposure.date,
            basis=f"per second, {known.events} in {float(exposure) / YEAR_S:,.0f} years of one "
            f"{one}, drawn from the gamma distribution of that count",
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
    for key in _shaping(reliability):
        value = getattr(reliability, key)
        if value is not None:
            yield of_study(f"reliability.{key}", float(value), _SHAPES[key])
    if reliability.checkpoint != "synchronous":
        yield of_part("accelerator", resolved.accelerator, "host_bytes_per_s")


def _shaping(reliability: Reliability) -> Iterator[str]:
    """Yield keys that shape the runs, those that the study leaves at their usual values too."""
    yield from ("checkpoint_interval", "spares", "repair_crews", "corruption_notice", "early_life")
    if reliability.early_life is not None:
        weibull = reliability.early_life_shape is not None
        yield "early_life_shape" if weibull else "early_life_factor"
    if reliability.checkpoint == "in-memory":
        yield "storage_every"
    if reliability.straggler_rate:
        yield from ("straggler_rate", "straggler_slowdown", "straggler_notice")
    if reliability.flaps:
        yield from ("flaps", "flap_time")
    if reliability.feed_failure_rate:
        yield from ("feed_failure_rate", "feed_nodes")


def _network(bom: Sequence[BomLine]) -> Iterator[Input]:
    """Yield the failure rates of switches and of cable ends that the candidate buys."""
    fields = {"switch": "annual_failure_rate", "medium": "annual_failure_rate_per_end"}
    for part in dict.fromkeys(line.part for line in bom):
        kind, _, name = part.partition("/")
        if kind in fields:
            quantity = getattr(catalog.get(kind, name), fields[kind])
            words = f"failure rate of {name}" + (", one end" if kind == "medium" else "")
            yield from_quantity(f"{part}.{fields[kind]}", words, quantity)
