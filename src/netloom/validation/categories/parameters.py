"""Parameter counts of published models."""

from __future__ import annotations

from collections.abc import Iterator

from netloom import catalog
from netloom.validation import Row
from netloom.workload.parameters import count_parameters
from netloom.workload.shape import read_config

#: Model, parameters, tolerance, source. Exact where the weights are public.
_PUBLISHED = (
    ("llama-3.1-8b", 8_030_261_248, 0.0, "published weights, meta-llama/Llama-3.1-8B"),
    ("llama-3.1-70b", 70_553_706_496, 0.0, "published weights, meta-llama/Llama-3.1-70B"),
    ("llama-3.1-405b", 405_853_388_800, 0.0, "published weights, meta-llama/Llama-3.1-405B"),
    ("mixtral-8x7b", 46_702_792_704, 0.0, "published weights, mistralai/Mixtral-8x7B-v0.1"),
    ("deepseek-v3", 671_000_000_000, 0.001, "arXiv:2412.19437, abstract: 671B"),
    ("qwen3-235b-a22b", 235_000_000_000, 0.005, "arXiv:2505.09388, table 2: 235B"),
    ("gpt3-175b", 175_000_000_000, 0.005, "arXiv:2005.14165, table 2.1: 175.0B"),
)

_ACTIVE = (
    ("mixtral-8x7b", 12_900_000_000, 0.005, "arXiv:2401.04088, abstract: 13B, text: 12.9B"),
    ("deepseek-v3", 37_000_000_000, 0.02, "arXiv:2412.19437, abstract: 37B"),
    ("qwen3-235b-a22b", 22_000_000_000, 0.02, "arXiv:2505.09388, table 2: 22B"),
)


def rows() -> Iterator[Row]:
    """Yield total and active parameters."""
    for what, cases in (("total", _PUBLISHED), ("active", _ACTIVE)):
        for model, published, tolerance, source in cases:
            counts = count_parameters(read_config(catalog.model_path(model)))
            computed = counts.total if what == "total" else counts.active
            yield Row("parameters", f"{model}, {what}", "", published, computed, tolerance, source)
