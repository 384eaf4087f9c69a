"""Measured steps of VIA-Research/vTrain: GPT on A100, Megatron-DeepSpeed.

All runs are in 16 bits with sequences of 2,048 and full recomputation, on nodes of 8 A100 that
share 4 HDR adapters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from netloom.errors import ParameterError
from netloom.validation.step_rules.assemble import PublishedRun
from netloom.validation.step_rules.cells import needed, number, text, whole
from netloom.validation.step_rules.models import gpt_shape

NAME = "vtrain_a100"
COLUMNS = (
    "model", "gpus", "global_batch", "hidden", "heads", "layers", "tp", "dp", "pp", "micro_batch",
    "step_s",
)  # fmt: skip

_SEQUENCE = 2048


def runs(raw: Mapping[str, str | None], position: int) -> Iterator[PublishedRun]:
    """Yield the run of one line.

    Raises
    ------
    ParameterError
        When sizes are missing, or tensor, data and pipeline do not multiply to the GPUs.
    """
    model = text(raw, "model") or "gpt"
    gpus = needed(raw, "gpus")
    tensor, data, pipeline = whole(raw, "tp"), whole(raw, "dp"), whole(raw, "pp")
    if data and tensor and not pipeline and gpus % (tensor * data) == 0:
        pipeline = gpus // (tensor * data)
    if data and pipeline and not tensor and gpus % (pipeline * data) == 0:
        tensor = gpus // (pipeline * data)
    if data and tensor and pipeline and tensor * data * pipeline != gpus:
        raise ParameterError(
            f"tp {tensor} x dp {data} x pp {pipeline} are not {gpus} GPUs",
            hint="the three must multiply to gpus",
        )
    yield PublishedRun(
        format=NAME,
        id=f"vtrain-{model.lower()}-{position:02d}",
        source="VIA-Research/vTrain (MIT)",
        model=model,
        system="a100-80g, 4x200G HDR per node",
        precision="fp16",
        accelerators=gpus,
        sequence=_SEQUENCE,
        batch_sequences=needed(raw, "global_batch"),
        tensor=tensor,
        context=1,
        pipeline=pipeline,
        interleave=1,
        micro_batch=whole(raw, "micro_batch"),
        sharding="none",
        recompute="full",
        software=text(raw, "software"),
        step_s=number(raw, "step_s"),
        shape=gpt_shape(
            f"gpt-{model.lower()}",
            layers=needed(raw, "layers"), hidden=needed(raw, "hidden"),
            heads=needed(raw, "heads"), sequence=_SEQUENCE,
        ),
    )  # fmt: skip
