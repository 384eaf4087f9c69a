"""From what a table says of a run to a row in the catalogue's terms."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from netloom import catalog
from netloom.errors import ParameterError, nearest
from netloom.kernels.inputs import RECOMPUTES
from netloom.schema.study import Search
from netloom.validation.step_rows import StepRow
from netloom.validation.step_rules.models import named_shape
from netloom.validation.step_rules.precisions import precision_of
from netloom.validation.step_rules.releases import Release, release_of
from netloom.validation.step_rules.systems import System, system_of
from netloom.workload.flops import Convention, forward_flops_per_token, training_flops_per_token
from netloom.workload.shape import TransformerShape


@dataclass(frozen=True)
class PublishedRun:
    """Cells of a table; None or empty where the source does not say.

    Attributes
    ----------
    batch_sequences : sequences of one step, or of one data-parallel rank where the source's batch
        is local.
    schedule : of the pipeline, where it is not (interleaved) 1F1B.
    sharding : as the table writes it, ``fsdp8`` or ``distributed-optimizer``.
    shape : where the table gives sizes in columns and not a model's name.
    """

    format: str
    id: str
    source: str
    model: str
    system: str
    precision: str
    accelerators: int
    sequence: int
    batch_sequences: int
    tensor: int | None = None
    context: int | None = None
    pipeline: int | None = None
    interleave: int | None = None
    expert: int | None = None
    micro_batch: int | None = None
    schedule: str = ""
    sharding: str = ""
    recompute: str = ""
    software: str = ""
    step_s: float | None = None
    tokens_per_s: float | None = None
    flops_per_s: float | None = None
    mfu_fraction: float | None = None
    shape: TransformerShape | None = None
    note: str = ""


def step_row(run: PublishedRun) -> StepRow:
    """Return a run in the catalogue's terms.

    Raises
    ------
    ParameterError
        When model, system, precision, sharding or recomputation are not known.
    """
    shape, left_out = (run.shape, "") if run.shape else named_shape(run.model, run.sequence)
    system = system_of(run.system)
    words = {
        name: getattr(run, name)
        for name in ("id", "format", "source", "model", "system", "precision", "sharding", "note")
    }
    release = _with_software(release_of(words), run.software)
    precision = run.precision or "bf16"
    row = StepRow(
        id=run.id,
        source=run.source,
        format=run.format,
        model=run.model,
        shape=shape,
        system=system,
        software=release.software,
        stand_in=release.stand_in,
        precision=precision,
        peak=precision_of(precision),
        accelerators=run.accelerators,
        sequence=run.sequence,
        batch_sequences=_global_batch(run, release),
        bounds=_bounds(run, release),
        measured_step_s=0.0,
        note="; ".join(filter(None, _notes(run, release, system, left_out))),
    )
    return _measured(row, run, release)


def _with_software(release: Release, software: str) -> Release:
    """Return a release with the part of the catalogue that the table itself names, if any."""
    if not software:
        return release
    if software not in catalog.names("software"):
        raise ParameterError(
            f"software '{software}' is not in the catalogue",
            hint=nearest(software, catalog.names("software")),
        )
    return Release(**vars(release) | {"software": software, "stand_in": ""})


def _data_ranks(run: PublishedRun) -> int:
    """Return the data-parallel ranks, at most: blank sizes count as one."""
    inner = (run.tensor or 1) * (run.context or 1) * (run.pipeline or 1)
    return max(1, run.accelerators // inner)


def _global_batch(run: PublishedRun, release: Release) -> int:
    """Return sequences per step, also where the source prints those of one data-parallel rank."""
    if not release.local_batch:
        return run.batch_sequences
    if None in (run.tensor, run.context, run.pipeline):
        raise ParameterError(
            "the batch is that of one data-parallel rank, and tp, cp or pp is blank",
            hint="write all three, so that the data-parallel ranks are known",
        )
    return run.batch_sequences * _data_ranks(run)


def _bounds(run: PublishedRun, release: Release) -> Search:
    sizes = ("tensor", "context", "pipeline", "interleave", "expert", "micro_batch")
    bounds: dict[str, Any] = {
        name: (getattr(run, name),) for name in sizes if getattr(run, name) is not None
    }
    sharding = run.sharding or release.sharding
    if sharding:
        bounds["sharding"] = (sharding_of(sharding, run.pipeline),)
    recompute = run.recompute or release.recompute
    if recompute:
        if recompute not in RECOMPUTES:
            raise ParameterError(
                f"recompute is '{recompute}'", hint="write none, selective, full or offload, or ?"
            )
        bounds["recompute"] = (recompute,)
    return Search(**bounds)


#: Sharding in words -> what the data-parallel group shards.
_SHARDINGS = {
    "none": "none", "zero0": "none", "zero1": "optimizer", "optimizer": "optimizer",
    "distributed-optimizer": "optimizer", "zero2": "gradients", "gradients": "gradients",
    "zero3": "parameters", "parameters": "parameters",
}  # fmt: skip


def sharding_of(text: str, pipeline: int | None) -> str:
    """Return what the data-parallel group shards.

    Fully sharded data parallelism that keeps parameters between forward and backward gathers them
    once a step, as a sharded optimizer does; with a pipeline they are always kept, or they would be
    gathered for every microbatch.

    Examples
    --------
    >>> sharding_of("fsdp32", 1), sharding_of("fsdp8", 8), sharding_of("zero1", 16)
    ('parameters', 'optimizer', 'optimizer')
    """
    word = text.lower()
    if word.startswith(("fsdp", "hsdp")):
        kept = "no reshard" in word or (pipeline or 1) > 1
        return "optimizer" if kept else "parameters"
    found = _SHARDINGS.get(word.replace("-", "") if word.startswith("zero") else word)
    if found is None:
        raise ParameterError(
            f"sharding '{text}' is not known",
            hint=f"write one of {', '.join(_SHARDINGS)} or fsdp with its size, such as fsdp64",
        )
    return found


def _notes(run: PublishedRun, release: Release, system: System, left_out: str) -> tuple[str, ...]:
    stand_in = f"{release.software} {release.stand_in}" if release.stand_in else ""
    notes = [run.note, left_out, system.note, stand_in]
    if not run.precision:
        notes.append("precision is blank, bf16 taken")
    schedule = catalog.get("software", release.software).schedule
    if run.schedule and run.schedule != schedule:
        notes.append(f"{run.schedule} computed as {schedule} 1F1B")
    group = re.match(r"fsdp ?\(?(\d+)", run.sharding)
    if group and int(group[1]) < _data_ranks(run):
        notes.append("parameters shared by all data-parallel ranks and not by parts of them")
    if release.local_batch:
        notes.append("batch of one data-parallel rank in the table")
    return tuple(notes)


def _measured(row: StepRow, run: PublishedRun, release: Release) -> StepRow:
    """Return a row with its seconds: measured, or computed back from the first rate that is given.

    The order is seconds, tokens per second, FLOP/s, MFU: conventions of the last two differ.
    """
    if run.step_s:
        return replace(row, measured_step_s=run.step_s)
    tokens = row.batch_sequences * row.sequence
    if run.tokens_per_s:
        return replace(row, measured_step_s=tokens / row.accelerators / run.tokens_per_s)
    rate, given = run.flops_per_s, "FLOP/s"
    if not rate and run.mfu_fraction:
        node = catalog.get("node", row.system.node)
        peak = catalog.get("accelerator", node.accelerator).peak_flops_per_s[row.peak]
        rate, given = run.mfu_fraction * float(peak), f"MFU of the {row.peak} peak"
    if not rate:
        return row
    recomputed = release.recompute_in_flops and row.bounds.recompute == ("full",)
    flops = model_flops_per_token(row.shape, row.sequence, release.attention_flops, recomputed)
    note = f"seconds from {given}, {release.attention_flops} attention" + (
        ", recomputed layers counted twice forward" if recomputed else ""
    )
    return replace(
        row,
        measured_step_s=flops * tokens / row.accelerators / rate,
        note="; ".join(filter(None, (row.note, note))),
    )


def model_flops_per_token(
    shape: TransformerShape, sequence: int, attention: Convention, recomputed: bool
) -> float:
    """Return FLOPs per token as a source counts them.

    With layers that are recomputed and counted, ``96 B s l h^2 (1 + s/6h + V/16lh)`` for a batch of
    B sequences (arXiv:2104.04473, section 5.1): layers twice forward, the head once.
    """
    flops = training_flops_per_token(shape, sequence, attention)
    if recomputed:
        forward = forward_flops_per_token(shape, sequence, attention)
        flops += forward - 2.0 * shape.vocab * shape.hidden
    return flops
