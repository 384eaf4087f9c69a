"""An explained step: tables and sentences for people, JSON for programs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from netloom.explained import ExplainedStep
from netloom.explained.path import Stretch
from netloom.report.tables import titled_table
from netloom.result import StepParts
from netloom.units import show

#: Version of the JSON layout; grows when a field changes meaning or goes away.
SCHEMA_VERSION = 1

_MEMORY = ("weights", "gradients", "optimizer", "activations", "buffers")

#: Lines that are shown without `--explain`.
_FEW_LEVERS, _FEW_STRETCHES = 5, 8


@dataclass(frozen=True)
class Answer:
    """An explained step with the names around it."""

    study: str
    network: str
    step: ExplainedStep


def to_json(answer: Answer) -> str:
    """Return the answer as JSON text; `docs/cli.md` lists its keys."""
    step = answer.step
    played, timeline = step.played, step.played.timeline
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "study": answer.study,
        "network": answer.network,
        "plan": dataclasses.asdict(step.plan),
        "schedule": played.kind,
        "own_schedule": step.own_schedule,
        "step_s": step.step_s,
        "expected": _expected(step),
        "closed_form": {"step_s": step.closed_form_s, "parts": dataclasses.asdict(step.parts)},
        "played": {
            "step_s": step.played_step.step_s,
            "device": step.played_step.busiest,
            "parts": dataclasses.asdict(step.played_step.parts),
            "phase_means": step.phases._asdict(),
            "pipeline_s": timeline.makespan_s,
            "bubble_s": timeline.bubble_s.tolist(),
        },
        "communication": [
            dataclasses.asdict(each) | {"hidden_s": max(0.0, each.total_s - each.exposed_s)}
            for each in step.communication
        ],
        "tiers": [
            dataclasses.asdict(tier) | {"hidden_s": tier.hidden_s, "bytes_per_s": tier.bytes_per_s}
            for tier in step.tiers
        ],
        "memory": {
            "capacity_bytes": step.capacity_bytes,
            "fits": step.fits,
            "fullest_device": step.fullest,
            "devices": [_memory(row) for row in step.memory_bytes.tolist()],
        },
        "critical_path": [each._asdict() | {"words": each.words} for each in step.path],
        "levers": [dataclasses.asdict(lever) for lever in step.levers],
        "utilisation": [dataclasses.asdict(each) for each in step.utilisations],
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _expected(step: ExplainedStep) -> dict[str, Any]:
    found = step.expected
    return {
        "low_s": found.low_s,
        "high_s": found.high_s,
        "of": found.of.kind.words,
        "num_rows": found.of.num_rows,
    }


def _memory(row: list[float]) -> dict[str, float]:
    return {f"{name}_bytes": size for name, size in zip(_MEMORY, row, strict=True)} | {
        "total_bytes": sum(row)
    }


def print_step(answer: Answer, console: Console, explain: bool) -> None:
    """Print an explained step; with `explain` all devices, and the whole critical path."""
    step = answer.step
    console.print(f"[bold]{escape(answer.study)}[/] on [bold]{escape(answer.network)}[/]")
    for sentence in _head(step):
        console.print(escape(sentence))
    console.print("", _parts(step, console), "")
    if step.communication:
        console.print(_dimensions(step, console), "")
        console.print(_tiers(step, console), "")
    console.print(_memory_sentence(step), "" if explain else "\n", sep="\n", end="")
    if explain:
        console.print(_devices(step, console), "")
    console.print("[bold]The critical path[/]")
    for line in _path(step, explain):
        console.print(f"- {escape(line)}")
    console.print("\n[bold]What would shorten it[/]")
    for lever in step.levers[: None if explain else _FEW_LEVERS]:
        saved = f"{show(lever.saved_s, 'time')} ({show(lever.saved_fraction, 'fraction', 2)})"
        console.print(f"- {escape(lever.change)}: {saved} less")


def _head(step: ExplainedStep) -> Iterator[str]:
    played, expected = step.played, step.expected
    num_micro = step.plan.num_micro_batches
    yield (
        f"{step.plan}, {num_micro} microbatch{'es' if num_micro > 1 else ''}, schedule "
        f"{played.kind} of {played.num_chunks} chunk{'s' if played.num_chunks > 1 else ''} a stage"
    )
    yield (
        f"step {show(step.step_s, 'time')}; 8 of 10 similar runs are expected between "
        f"{show(expected.low_s, 'time')} and {show(expected.high_s, 'time')}, judged by "
        f"{expected.of.num_rows} published steps to which nothing was fitted "
        f"({expected.of.kind.words})"
    )
    for each in step.utilisations:
        name = each.name.split("-")[0].upper()
        yield (
            f"{name} {show(each.fraction, 'fraction')}, {show(each.flops_per_s, 'flop rate')} per "
            f"accelerator: {each.convention}"
        )
    if not step.fits:
        yield "It does not fit in memory under this schedule."


def _parts(step: ExplainedStep, console: Console) -> Table:
    played = step.played_step
    own = f"closed form, stage {step.by_stage.pacing}"
    columns = ("part", own, "share", f"played, device {played.busiest}")
    title = "Where the step goes; messages are the part that is waited for"
    if not step.own_schedule:
        title += "; the closed form is the software's own schedule"
    table = titled_table(title, console, columns)
    for name in StepParts.__dataclass_fields__:
        # below a billionth of the step is what rounding leaves
        first_s, second_s = (
            0.0 if abs(seconds) < 1e-9 * step.step_s else seconds
            for seconds in (getattr(step.parts, name), getattr(played.parts, name))
        )
        if first_s > 0.0 or abs(second_s) > 0.0:
            table.add_row(
                name.removesuffix("_s"), show(first_s, "time"),
                show(first_s / step.closed_form_s, "fraction", 2), show(second_s, "time"),
            )  # fmt: skip
    table.add_row("step", show(step.closed_form_s, "time"), "100 %", show(played.step_s, "time"))
    return table


def _dimensions(step: ExplainedStep, console: Console) -> Table:
    columns = (
        "dimension", "operation", "rate set by", "ranks", "sent", "rate", "all", "waited for",
        "hidden",
    )  # fmt: skip
    table = titled_table("Messages of one accelerator, by dimension", console, columns, 3)
    for each in step.communication:
        table.add_row(
            each.dimension, each.operation, each.limited_by, f"{each.group_size:,}",
            show(each.bytes, "data"), show(each.bytes_per_s, "rate"),
            show(each.total_s, "time"), show(each.exposed_s, "time"),
            show(max(0.0, each.total_s - each.exposed_s), "time"),
        )  # fmt: skip
    return table


def _tiers(step: ExplainedStep, console: Console) -> Table:
    columns = ("rate set by", "dimensions", "sent", "rate", "all", "waited for", "hidden")
    table = titled_table("The same by network tier", console, columns, 2)
    for tier in step.tiers:
        table.add_row(
            tier.tier, ", ".join(tier.dimensions), show(tier.bytes, "data"),
            show(tier.bytes_per_s, "rate"), show(tier.total_s, "time"),
            show(tier.exposed_s, "time"), show(tier.hidden_s, "time"),
        )  # fmt: skip
    return table


def _memory_sentence(step: ExplainedStep) -> str:
    row = step.memory_bytes[step.fullest]
    parts = ", ".join(
        f"{name} {show(float(size), 'memory')}" for name, size in zip(_MEMORY, row, strict=True)
    )
    return (
        f"Memory: {show(float(row.sum()), 'memory')} of {show(step.capacity_bytes, 'memory')} on "
        f"the fullest device, {step.fullest}: {parts}."
    )


def _devices(step: ExplainedStep, console: Console) -> Table:
    timeline = step.played.timeline
    columns = ("device", "layers", *_MEMORY, "memory", "busy", "bubble")
    table = titled_table("Every device of the pipeline", console, columns)
    stages = step.played.stages
    for device, held in enumerate(timeline.order.virtual_stage):
        layers = stages.num_dense[held].sum() + stages.num_sparse[held].sum()
        row = step.memory_bytes[device]
        table.add_row(
            str(device), f"{layers:.0f}", *(show(float(size), "memory") for size in row),
            show(float(row.sum()), "memory"), show(float(timeline.busy_s[device]), "time"),
            show(float(timeline.bubble_s[device]), "time"),
        )  # fmt: skip
    return table


def _path(step: ExplainedStep, explain: bool) -> Iterator[str]:
    """Yield the critical path in words, its longest stretches where not all are asked for."""
    shown = step.path
    if not explain and len(shown) > _FEW_STRETCHES:
        longest = sorted(shown, key=lambda each: -each.compute_s - each.sends_s)
        shown = tuple(each for each in shown if each in longest[:_FEW_STRETCHES])
    for each in shown:
        yield f"{each.words}: {_seconds(each)}"
    if len(shown) < len(step.path):
        rest_s = step.played.timeline.makespan_s - sum(
            each.compute_s + each.sends_s for each in shown
        )
        yield f"{len(step.path) - len(shown)} shorter stretches: {show(rest_s, 'time')}"
    after = step.played_step.parts
    yield (
        f"then gradients and weights {show(after.data_s, 'time')}, optimizer "
        f"{show(after.optimizer_s, 'time')}, the slowest rank {show(after.straggler_s, 'time')}"
    )


def _seconds(stretch: Stretch) -> str:
    sends = f", of sends {show(stretch.sends_s, 'time')}" if stretch.sends_s else ""
    return f"{show(stretch.compute_s + stretch.sends_s, 'time')}{sends}"
