"""The performance summary of NVIDIA-NeMo/Megatron-Bridge: tokens per second and GPU by plan.

A line may hold two runs, ``31508 (29789)`` in ``FP8-CS (FP8-MX)``. Routing of experts is balanced
by force.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from netloom.errors import ParameterError
from netloom.validation.step_rules.assemble import PublishedRun
from netloom.validation.step_rules.cells import BLANKS, needed, number, text, whole

NAME = "megatron_bridge"
COLUMNS = (
    "model", "system", "precision", "global_batch", "seq", "tp_pp_cp_vp_ep",
    "tokens_per_s_per_gpu",
)  # fmt: skip

#: Sizes of a plan: tensor, pipeline, context, chunks a stage, expert.
_NUM_SIZES = 5
_SYSTEM = re.compile(r"^(\S+)\s*x\s*(\d+)$", re.IGNORECASE)
_PAIR = re.compile(r"^(.*?)\s*\((.*)\)$")


def runs(raw: Mapping[str, str | None], position: int) -> Iterator[PublishedRun]:
    """Yield the run of one line, or the two runs of a line with two precisions."""
    name, gpus = _system(text(raw, "system"))
    sizes = _sizes(text(raw, "tp_pp_cp_vp_ep"))
    release = text(raw, "release")
    source = f"NVIDIA-NeMo/Megatron-Bridge performance summary {release or '(no release)'}"
    for cells in _halves(raw):
        precision, tflops = text(cells, "precision"), number(cells, "tflops_per_gpu")
        words = (release, text(raw, "model"), name, str(gpus), precision)
        yield PublishedRun(
            format=NAME,
            id="bridge-" + re.sub(r"[^a-z0-9.]+", "-", " ".join(words).lower()).strip("-"),
            source=source,
            model=text(raw, "model"),
            system=name,
            precision=precision,
            accelerators=gpus,
            sequence=needed(raw, "seq"),
            batch_sequences=needed(raw, "global_batch"),
            tensor=sizes[0],
            pipeline=sizes[1],
            context=sizes[2],
            interleave=sizes[3],
            expert=sizes[4],
            micro_batch=whole(raw, "micro_batch"),
            sharding=_sharding(raw),
            software=text(raw, "software"),
            tokens_per_s=number(cells, "tokens_per_s_per_gpu"),
            flops_per_s=1e12 * tflops if tflops else None,
        )


def _system(cell: str) -> tuple[str, int]:
    match = _SYSTEM.match(cell)
    if not match or int(match[2]) == 0:
        raise ParameterError(
            f"system is '{cell}'", hint="write accelerator and count, such as GB200 x256"
        )
    return match[1], int(match[2])


def _sizes(cell: str) -> list[int | None]:
    """Return the plan of a cell ``1/4/1/4/64``: tensor, pipeline, context, chunks, expert."""
    if not cell:
        return [None] * _NUM_SIZES
    parts = [part.strip() for part in cell.split("/")]
    valid = all(part in BLANKS or (part.isdecimal() and int(part)) for part in parts)
    if len(parts) != _NUM_SIZES or not valid:
        raise ParameterError(
            f"tp_pp_cp_vp_ep is '{cell}'",
            hint="write five whole numbers, ? or - with slashes between, such as 1/4/1/4/64",
        )
    return [None if part in BLANKS else int(part) for part in parts]


def _sharding(raw: Mapping[str, str | None]) -> str:
    """Return the size of a fully sharded group; 0 stands for a distributed optimizer."""
    cell = text(raw, "fsdp")
    if cell == "0":
        return "distributed-optimizer"
    return f"fsdp{whole(raw, 'fsdp')}" if cell else ""


def _halves(raw: Mapping[str, str | None]) -> Iterator[dict[str, str]]:
    """Yield precision and rates of a line's one or two runs."""
    columns = ("precision", "tokens_per_s_per_gpu", "tflops_per_gpu")
    cells = {column: text(raw, column) for column in columns}
    pairs = {column: _PAIR.match(cell) for column, cell in cells.items()}
    if not (pairs["precision"] and pairs["tokens_per_s_per_gpu"]):
        yield cells
        return
    for half in (1, 2):
        yield {
            column: match[half] if (match := pairs[column]) else cells[column] if half == 1 else ""
            for column in columns
        }
