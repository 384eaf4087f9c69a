"""``report.html``: one file, no request to anywhere, pictures first.

The numbers come from `StudyResult` alone; the page formats them and computes nothing but sums.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from netloom import units
from netloom.money.trace import Traced
from netloom.report.figures import cost_time, days, fabric, memory, network_cost, palette, step, svg
from netloom.report.page import render
from netloom.report.sources import source_rows
from netloom.result import BomLine, Candidate, Range, StudyResult

_BOM_LINES = 8


@dataclass(frozen=True)
class _Tile:
    """One number at the head of the page."""

    label: str
    value: str
    note: str


def page(
    result: StudyResult,
    drawings: Mapping[str, str] | None = None,
    traced: Sequence[Traced] = (),
) -> str:
    """Return the text of ``report.html``; equal results give equal bytes.

    Parameters
    ----------
    result : the answer.
    drawings : pictures of the winner's hall by the keys of `netloom.report.fabric.DRAWINGS`.
    traced : numbers behind money, power and failures, the weakest evidence first.
    """
    filters: dict[str, Callable[..., str]] = {
        "show": units.show,
        "money": money,
        "whole": lambda value: f"{value:,.0f}",
        "fixed": lambda value, digits: f"{value:,.{digits}f}",
        "setting": setting,
    }
    return render("report.html.j2", filters, _context(result, drawings or {}, traced))


def money(value: Range, digits: int = 3) -> str:
    """Return a sum with its range, ``"81.8 M$ (60.3 to 113)"``, or without when there is none.

    Examples
    --------
    >>> money(Range(60.3e6, 81.8e6, 113e6)), money(Range(5.0, 5.0, 5.0))
    ('81.8 M$ (60.3 M$ to 113 M$)', '5 $')
    """
    mode = units.show(value.mode, "money", digits)
    if value.low == value.high:
        return mode
    low, high = units.show(value.low, "money", digits), units.show(value.high, "money", digits)
    return f"{mode} ({low} to {high})"


def setting(name: str, value: object) -> str:
    """Return a fabric parameter for people, ``"400 Gb/s"`` for a rate.

    Examples
    --------
    >>> setting("link_bytes_per_s", 50e9), setting("radix", (64, 64, 512)), setting("hosts", 16384)
    ('400 Gb/s', '64, 64, 512', '16,384')
    """
    if isinstance(value, list | tuple):
        return ", ".join(setting(name, item) for item in value)
    if name.endswith("_bytes_per_s") and isinstance(value, int | float):
        return units.show(value, "rate")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,.6g}" if isinstance(value, float) else f"{value:,}"
    return "not set" if value is None else str(value)


def _context(
    result: StudyResult, drawings: Mapping[str, str], traced: Sequence[Traced]
) -> dict[str, Any]:
    from netloom.report.fabric import DRAWINGS

    candidates = result.candidates
    drawn = bool(candidates)
    sources = source_rows(traced, len(candidates))
    return {
        "result": result,
        "style": Markup(palette.css() + svg.rules()),
        "tiles": _tiles(result) if drawn else (),
        "step": Markup(step.draw(result)) if drawn else "",
        "beyond": Markup(step.draw_beyond_compute(result)) if drawn else "",
        "days": Markup(days.draw(result)) if drawn else "",
        "cost_time": Markup(cost_time.draw(result)) if drawn else "",
        "network_cost": Markup(network_cost.draw(result)) if drawn else "",
        "memory": Markup(memory.draw(result)) if drawn else "",
        "fabrics": [Markup(fabric.draw(candidate)) for candidate in candidates],
        "hall": [(DRAWINGS[name], Markup(picture)) for name, picture in drawings.items()],
        "part_names": step.PARTS,
        "seconds": step.seconds,
        "top_lines": top_lines,
        "link_classes": _link_classes,
        "causes": _causes,
        "sources": sources,
        "source_grades": Counter(row.grade for row in sources),
        "num_plans": sum(candidate.num_plans for candidate in candidates),
    }


def _tiles(result: StudyResult) -> tuple[_Tile, ...]:
    """Return what the winner needs, each against the runner-up."""
    best = result.candidates[0]
    second = result.candidates[1] if len(result.candidates) > 1 else None

    def against(value: float, other: float, text: str) -> str:
        if second is None:
            return ""
        if value == other:
            return "as rank 2"
        return f"{text} {'less' if value < other else 'more'} than rank 2"

    num_days = abs(best.days - second.days) if second else 0.0
    usd = abs(best.network_capex_usd.mode - second.network_capex_usd.mode) if second else 0.0
    power_w = abs(best.network_power_w - second.network_power_w) if second else 0.0
    return (
        _Tile(
            "to train, failures included",
            f"{best.days:.1f} days",
            against(best.days, second.days if second else 0.0, f"{num_days:.1f} days"),
        ),
        _Tile(
            "one step",
            f"{best.step_s:.2f} s",
            f"{best.model_flops_per_s_per_accelerator / 1e12:.0f} TFLOP/s per accelerator, "
            f"MFU {100 * best.mfu:.1f} %",
        ),
        _Tile(
            "network capex",
            units.show(best.network_capex_usd.mode, "money"),
            against(
                best.network_capex_usd.mode,
                second.network_capex_usd.mode if second else 0.0,
                units.show(usd, "money"),
            ),
        ),
        _Tile(
            "network power",
            units.show(best.network_power_w, "power"),
            against(
                best.network_power_w,
                second.network_power_w if second else 0.0,
                units.show(power_w, "power"),
            ),
        ),
    )


def top_lines(candidate: Candidate) -> tuple[tuple[BomLine, ...], Range]:
    """Return the dearest lines of the bill of materials, and the sum of the others."""
    ordered = sorted(candidate.bom, key=lambda line: -line.total_usd.mode)
    rest = sum((line.total_usd for line in ordered[_BOM_LINES:]), start=Range(0.0, 0.0, 0.0))
    return tuple(ordered[:_BOM_LINES]), rest


def _link_classes(candidate: Candidate) -> list[tuple[str, int, int, int]]:
    """Return name, links, cables and transceivers of each link class."""
    counts = candidate.counts
    return [
        (name, links, counts.cables.get(name, 0), counts.transceivers.get(name, 0))
        for name, links in counts.links.items()
    ]


def _causes(candidate: Candidate) -> list[tuple[str, float]]:
    """Return the causes of interruptions, most frequent first."""
    causes = candidate.goodput.interruptions_per_day_by_cause
    return sorted(causes.items(), key=lambda item: (-item[1], item[0]))
