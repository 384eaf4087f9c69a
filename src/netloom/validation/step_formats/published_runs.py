"""Runs of papers, result logs and repositories, one line each, with their source."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from netloom.errors import ParameterError
from netloom.validation.step_rules.assemble import PublishedRun
from netloom.validation.step_rules.cells import needed, number, text, whole

NAME = "published_runs"
COLUMNS = ("model", "system", "gpus", "seq", "global_batch", "tp", "pp", "step_s")

_TOKENS = re.compile(r"(\d+(?:\.\d+)?) tokens/s/GPU", re.IGNORECASE)


def runs(raw: Mapping[str, str | None], position: int) -> Iterator[PublishedRun]:
    """Yield the run of one line; tokens per second and GPU may be in the note."""
    note = text(raw, "note")
    tokens = _TOKENS.search(note)
    tflops, mfu_pct = number(raw, "tflops_per_gpu"), number(raw, "mfu_pct")
    schedule, interleave = _pipeline(raw)
    yield PublishedRun(
        format=NAME,
        id=text(raw, "id") or f"row-{position}",
        source=text(raw, "source") or "source not given",
        model=text(raw, "model"),
        system=text(raw, "system"),
        precision=text(raw, "precision"),
        accelerators=needed(raw, "gpus"),
        sequence=needed(raw, "seq"),
        batch_sequences=needed(raw, "global_batch"),
        tensor=whole(raw, "tp"),
        context=whole(raw, "cp"),
        pipeline=whole(raw, "pp"),
        interleave=interleave,
        expert=whole(raw, "ep"),
        micro_batch=whole(raw, "micro_batch"),
        schedule=schedule,
        sharding=text(raw, "sharding"),
        recompute=text(raw, "recompute"),
        software=text(raw, "software"),
        step_s=number(raw, "step_s"),
        tokens_per_s=float(tokens[1]) if tokens else None,
        flops_per_s=1e12 * tflops if tflops else None,
        mfu_fraction=mfu_pct / 100.0 if mfu_pct else None,
        note=note,
    )


def _pipeline(raw: Mapping[str, str | None]) -> tuple[str, int | None]:
    """Return schedule and chunks a stage; DualPipe's two are part of the schedule."""
    cell = text(raw, "vp")
    if not cell.isalpha():
        return "", whole(raw, "vp")
    if cell.lower() != "dualpipe":
        raise ParameterError(f"vp is '{cell}'", hint="write chunks a stage, dualpipe or ?")
    return "dualpipe", 1
