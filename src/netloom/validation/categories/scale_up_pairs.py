"""Racks as one scale-up domain against nodes of eight: which is faster, and by how much.

Promised: the ratio within 15 %, and so the winner wherever the ratio is further from one than that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netloom.validation import Row
from netloom.validation.published import cite, read
from netloom.validation.step_rows import predict
from netloom.validation.step_rules.assemble import PublishedRun, step_row

_SIZES = ("tensor", "pipeline", "context", "interleave", "expert")


def rows() -> Iterator[Row]:
    """Yield the pairs of ``data/scale-up-pairs.yaml``."""
    published = read("scale-up-pairs.yaml")
    for pair in published["pairs"]:
        first_s, second_s = (_step_s(pair, run) for run in pair["runs"])
        yield Row(
            "scale-up-pairs",
            pair["name"],
            "",
            pair["ratio"],
            second_s / first_s,
            0.15,
            cite(published["source"]),
        )


def _step_s(pair: dict[str, Any], run: dict[str, Any]) -> float:
    sizes = dict(zip(_SIZES, run["sizes"], strict=True))
    row = step_row(
        PublishedRun(
            format="megatron_bridge",
            id=f"{pair['name']}, {run['system']}",
            source=f"Megatron-Bridge {pair['release']}",
            model=pair["model"],
            system=run["system"],
            precision=pair["precision"],
            accelerators=run["accelerators"],
            sequence=4096,
            batch_sequences=pair["batch"],
            micro_batch=pair["micro_batch"],
            sharding="distributed-optimizer",
            recompute="none",
            step_s=1.0,
            **sizes,
        )
    )
    return float(predict(row).best.priced.step[0])
