"""Whole runs on a terminal and as JSON: days to finish, what is lost to what, what would help."""

from __future__ import annotations

import dataclasses
import json
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from rich.text import Text

from netloom.failure.early_life import GROWN_UP
from netloom.money.inputs import Input, worst_first
from netloom.report.sources import source_lines
from netloom.search.runs import CandidateRuns, StudyRuns
from netloom.units import show

SCHEMA_VERSION = 1

#: Percentiles that tables show.
PERCENTILES = (10, 50, 90)

#: Causes and changes that a table shows; JSON has them all.
_NUM_SHOWN = 8
_NUM_LEVERS = 4
_DAY_S, _HOUR_S = 86400.0, 3600.0

#: Intervals that differ by less are said once.
_NEAR = 0.02


def percentiles(values: NDArray[np.float64]) -> tuple[float, ...]:
    """Return the 10th, 50th and 90th percentile.

    Examples
    --------
    >>> percentiles(np.arange(11.0))
    (1.0, 5.0, 9.0)
    """
    return tuple(map(float, np.percentile(values, PERCENTILES)))


def formula_days(found: CandidateRuns) -> float:
    """Return days to finish by the closed form."""
    return found.runs.work_s / found.formula.effective_fraction / _DAY_S


def shown_days(days: float) -> str:
    """Return days with one decimal, those of short runs with three.

    Examples
    --------
    >>> shown_days(61.74), shown_days(5.7569)
    ('61.7', '5.757')
    """
    return f"{days:.1f}" if days >= 10 else f"{days:.3f}"


def lost_gpu_hours(found: CandidateRuns) -> dict[str, float]:
    """Return the mean GPU-hours that a run loses by cause, the largest first."""
    per_s = found.num_accelerators / _HOUR_S
    return {cause: lost_s * per_s for cause, lost_s in found.runs.lost_by_cause_s().items()}


def lost_usd(found: CandidateRuns) -> NDArray[np.float64]:
    """Return what each run's lost time costs, at the cluster's cost of a second."""
    return (found.runs.wall_s - found.runs.work_s) * found.usd_per_s


def print_runs(found: StudyRuns, console: Console, *, sources: bool = False) -> None:
    """Print the comparison of candidates, then what each loses and what would help.

    With `sources` every number that the figures rest on follows, the weakest evidence first.
    """
    rates = "most likely rates" if found.fixed_rates else "rates drawn for each run"
    console.print(f"[bold]{found.study}[/bold]", end="")
    console.print(
        f"  {found.num_runs:,} runs a candidate, {rates}, seed {found.seed}", markup=False
    )
    if found.candidates:
        console.print(_comparison(found))
        for sentence in ties(found):
            console.print(Text(sentence, style="bold"))
        console.print()
    for each in found.candidates:
        console.print(Text(each.name, style="bold"))
        console.print(_policy(each), markup=False)
        if each.note:
            console.print(each.note, style="yellow", markup=False)
        console.print(_losses(each))
        console.print(_helps(each), markup=False)
        console.print()
    if sources and found.candidates:
        console.print("[bold]Every number of these figures, the weakest evidence first[/]")
        for line in source_lines(inputs_of(found)):
            console.print(Text(f"- {line}"), soft_wrap=True)
    for refused in found.refused:
        console.print(f"{refused.name}: {refused.reason}", style="yellow", markup=False)


def inputs_of(found: StudyRuns) -> tuple[Input, ...]:
    """Return what all candidates rest on, the weakest evidence first."""
    return worst_first(one for each in found.candidates for one in each.inputs.values())


def ties(found: StudyRuns) -> list[str]:
    """Return a sentence for candidates one after the other that the runs cannot tell apart."""
    pairs = {(pair.first, pair.second): pair for pair in found.pairs}
    groups: list[list[str]] = []
    for each in found.candidates:
        if groups and pairs[groups[-1][0], each.name].is_tied:
            groups[-1].append(each.name)
        else:
            groups.append([each.name])
    return [
        f"Tied: {', '.join(names)}. Which of them finishes sooner is within the sampling noise of "
        f"{found.num_runs:,} runs; their order says nothing."
        for names in groups
        if len(names) > 1
    ]


def _comparison(found: StudyRuns) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("network", overflow="fold", min_width=16)
    # in lines of their own, so that the last column is not cut off where a pipe is narrow
    for heading in (
        "days\n10 %", "\n50 %", "\n90 %", "\nformula", "later\nby", "sooner\nthan next",
        "effective\n50 %", "\nformula", "restarts\na day", "nodes\nout", "lost\n50 %",
    ):  # fmt: skip
        table.add_column(heading, justify="right", overflow="fold")
    names = [each.name for each in found.candidates]
    following = dict(pairwise(names))
    pairs = {(pair.first, pair.second): pair for pair in found.pairs}
    for each in found.candidates:
        runs = each.runs
        low, middle, high = percentiles(runs.days)
        after = following.get(each.name)
        table.add_row(
            Text(each.name), shown_days(low), shown_days(middle), shown_days(high),
            shown_days(formula_days(each)),
            _later(pairs[names[0], each.name].mean_days) if each.name != names[0] else "",
            f"{pairs[each.name, after].probability:.2f}" if after else "",
            f"{100 * percentiles(runs.effective)[1]:.1f} %",
            f"{100 * each.formula.effective_fraction:.1f} %",
            f"{percentiles(runs.restarts_per_day)[1]:.2g}",
            f"{percentiles(runs.most_nodes_out)[1]:.0f}",
            show(percentiles(lost_usd(each))[1], "money"),
        )  # fmt: skip
    return table


def _later(days: float) -> str:
    return ("-" if days < 0 else "") + show(abs(days) * _DAY_S, "time")


def _policy(each: CandidateRuns) -> str:
    policy = each.policy
    beyond = [
        words
        for words, is_so in (
            ("waiting for spares", policy.num_spares is not None),
            ("early life", policy.early_life != GROWN_UP),
        )
        if is_so
    ]
    left_out = f"\nthe formula leaves out {' and '.join(beyond)}" if beyond else ""
    spares = "always a spare node" if policy.num_spares is None else f"{policy.num_spares} spares"
    return (
        f"step {each.step_s:.3f} s; a checkpoint every {show(each.runs.interval_s, 'time')} that "
        f"stalls {show(policy.stall_s, 'time')}; {spares}\n{interval_words(each)}{left_out}"
    )


def interval_words(each: CandidateRuns) -> str:
    """Return the best checkpoint interval, by formula and, where it was asked for, by runs."""
    best = each.best
    if best is None:
        return "best checkpoint interval: none, as nothing interrupts or checkpoints cost nothing"
    words = f"best checkpoint interval: {show(best.daly_s, 'time')} by Young-Daly"
    if abs(best.young_s / best.daly_s - 1) > _NEAR:
        words += f" ({show(best.young_s, 'time')} by Young's square root alone)"
    if best.played_s is not None and best.played_days is not None:
        words += (
            f", {show(best.played_s, 'time')} by playing runs ({shown_days(best.played_days)} days)"
        )
    return words


def _losses(each: CandidateRuns) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("lost to", overflow="fold", min_width=24)
    for heading in ("GPU-hours", "share", "events/day", "a step then takes"):
        table.add_column(heading, justify="right", overflow="fold")
    known = {failure.cause: failure for failure in each.classes}
    hours = lost_gpu_hours(each)
    total = sum(hours.values())
    for cause, lost in list(hours.items())[:_NUM_SHOWN]:
        if not lost:
            continue
        failure = known.get(cause)
        longer = ""
        if failure is not None and failure.effect == "slows":
            longer = f"+{100 * failure.slowdown_fraction:.2f} %"
        table.add_row(
            Text(cause), f"{lost:,.0f}", f"{100 * lost / total:.1f} %",
            f"{86400 * failure.events_per_s:.3f}" if failure else "", longer,
        )  # fmt: skip
    rest = sum(list(hours.values())[_NUM_SHOWN:])
    if rest:
        table.add_row("everything else", f"{rest:,.0f}", f"{100 * rest / total:.1f} %", "", "")
    return table


def _helps(each: CandidateRuns) -> str:
    if not each.levers:
        return "Nothing that was tried would shorten it by more than sampling noise."
    best = [
        f"{lever.change} ({show(86400 * lever.saved_days, 'time')})"
        for lever in each.levers[:_NUM_LEVERS]
    ]
    return "What would help most: " + "; ".join(best)


def to_json(found: StudyRuns) -> str:
    """Return the runs as JSON, in seconds; equal runs give equal bytes."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "study": found.study,
        "num_runs": found.num_runs,
        "seed": found.seed,
        "fixed_rates": found.fixed_rates,
        "candidates": [_plain(each) for each in found.candidates],
        "inputs": [dataclasses.asdict(each) for each in inputs_of(found)],
        "pairs": [dataclasses.asdict(pair) for pair in found.pairs],
        "refused": [{"name": refused.name, "reason": refused.reason} for refused in found.refused],
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(each: CandidateRuns) -> dict[str, Any]:
    runs = each.runs
    spread = {
        "days": runs.days,
        "effective_fraction": runs.effective,
        "restarts_per_day": runs.restarts_per_day,
        "most_nodes_out": runs.most_nodes_out,
        "lost_usd": lost_usd(each),
    }
    return {
        "name": each.name,
        "note": each.note,
        "step_s": each.step_s,
        "work_s": runs.work_s,
        "checkpoint_interval_s": runs.interval_s,
        "checkpoint_stall_s": each.policy.stall_s,
        "best_interval": dataclasses.asdict(each.best) if each.best else None,
        **{
            name: {
                f"p{p}": value for p, value in zip(PERCENTILES, percentiles(values), strict=True)
            }
            | {"mean": float(values.mean())}
            for name, values in spread.items()
        },
        "closed_form": {
            "effective_fraction": each.formula.effective_fraction,
            "first_order_fraction": each.formula.first_order_fraction,
            "interruptions_per_day": each.formula.interruptions_per_day,
            "days": formula_days(each),
        },
        "lost_gpu_hours": lost_gpu_hours(each),
        "failures": [
            {
                "cause": failure.cause,
                "effect": failure.effect,
                "num_parts": failure.num_parts,
                "per_day": 86400 * failure.events_per_s,
                "num_nodes": failure.num_nodes,
                "slowdown_fraction": failure.slowdown_fraction,
            }
            for failure in each.classes
        ],
        "levers": [
            {"change": lever.change, "days": lever.days, "saved_days": lever.saved_days}
            for lever in each.levers
        ],
    }
