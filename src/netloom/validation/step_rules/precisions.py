"""Names of precisions in published tables."""

from __future__ import annotations

from netloom.catalog.parts import Precision
from netloom.errors import ParameterError

#: Spelling in lower case -> precision of the catalogue's peaks; scaling recipes share a peak.
_PRECISIONS: dict[str, Precision] = {
    "bf16": "bf16", "bfloat16": "bf16", "fp16": "fp16", "float16": "fp16",
    "fp8": "fp8", "float8": "fp8", "fp8-cs": "fp8", "fp8-ds": "fp8", "fp8-sc": "fp8",
    "fp8-mx": "fp8", "mxfp8": "fp8", "fp4": "fp4", "nvfp4": "fp4", "mxfp4": "fp4",
}  # fmt: skip


def precision_of(text: str) -> Precision:
    """Return the catalogue's precision of the matrix products; what brackets add is left out.

    Examples
    --------
    >>> precision_of("FP8-MX"), precision_of("NVFP4")
    ('fp8', 'fp4')
    """
    found = _PRECISIONS.get(text.split("(")[0].strip().lower().replace("_", "-"))
    if found is None:
        raise ParameterError(
            f"precision '{text}' is not known",
            hint=f"write one of {', '.join(_PRECISIONS)}",
        )
    return found
