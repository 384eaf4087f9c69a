"""Number formats of matrix products: by which peak they are rated, and what they keep.

``fp8`` and ``fp4`` cast each tensor just before its product, with one scale for all of it, and keep
nothing. ``mxfp8`` and ``nvfp4`` scale blocks of elements along the dimension that a product sums
over. Forward and backward sum over different dimensions of a weight, so that two casts of it are
kept from one optimizer step to the next, beside the 16-bit weight that is gathered and the master
weight among the optimizer's states [1]_ [2]_.

References
----------
.. [1] Open Compute Project, "OCP Microscaling Formats (MX) Specification", version 1.0, section 5:
   32 elements of MXFP8 share a scale of 8 bits.
.. [2] NVIDIA, "Pretraining Large Language Models with NVFP4", arXiv:2509.25149, section 2: 16
   elements of NVFP4 share a scale of 8 bits.
"""

from __future__ import annotations

from typing import NamedTuple

from netloom.catalog.parts import Accelerator, Precision
from netloom.catalog.software import Software
from netloom.errors import ParameterError, nearest


class Format(NamedTuple):
    """One number format of matrix products.

    Attributes
    ----------
    peak : precision of the catalogue whose peak and efficiency rate it.
    operand_bytes : of one element of an operand, its share of a block's scale included.
    kept_bytes : of one weight, beside the 16-bit one.
    """

    peak: Precision
    operand_bytes: float
    kept_bytes: float


_MXFP8_BYTES, _NVFP4_BYTES = 1.0 + 1.0 / 32.0, 0.5 + 1.0 / 16.0

FORMATS: dict[str, Format] = {
    "bf16": Format("bf16", 2.0, 0.0),
    "fp16": Format("fp16", 2.0, 0.0),
    "fp8": Format("fp8", 1.0, 0.0),
    "mxfp8": Format("fp8", _MXFP8_BYTES, 2.0 * _MXFP8_BYTES),
    "fp4": Format("fp4", 0.5, 0.0),
    "nvfp4": Format("fp4", _NVFP4_BYTES, 2.0 * _NVFP4_BYTES),
}


def peak_flops_per_s(accelerator: Accelerator, precision: str) -> float:
    """Return the dense peak of an accelerator's matrix products in one format.

    Raises
    ------
    ParameterError
        When the accelerator has none.

    Examples
    --------
    >>> from netloom import catalog
    >>> peak_flops_per_s(catalog.get("accelerator", "gb200"), "mxfp8")
    5000000000000000.0
    """
    usable = [name for name in FORMATS if _multiplies(accelerator, name)]
    if precision not in usable:
        raise ParameterError(
            f"{accelerator.name} has no peak rate in {precision}",
            hint=f"write one of {', '.join(usable)}",
            where="goal.precision",
        )
    return float(accelerator.peak_flops_per_s[FORMATS[precision].peak])


def _multiplies(accelerator: Accelerator, precision: str) -> bool:
    peaks = accelerator.peak_flops_per_s
    # scales of blocks came to accelerators together with products of 4 bits
    has_blocks = precision != "mxfp8" or "fp4" in peaks
    return FORMATS[precision].peak in peaks and has_blocks


def matmul_efficiency(software: Software, accelerator: Accelerator, precision: str) -> float:
    """Return the share of the peak that a release's large matrix products sustain in one format.

    Raises
    ------
    ParameterError
        When the release is not calibrated on the accelerator, or not in this format.

    Examples
    --------
    >>> from netloom import catalog
    >>> release = catalog.get("software", "megatron-bridge-26.02")
    >>> matmul_efficiency(release, catalog.get("accelerator", "gb200"), "nvfp4")
    0.35
    """
    if accelerator.name not in software.accelerators:
        raise ParameterError(
            f"software '{software.name}' is not calibrated for {accelerator.name}",
            hint=nearest(accelerator.name, software.accelerators),
            where="cluster.software",
        )
    rated = software.accelerators[accelerator.name]
    by_peak = {
        "fp8": rated.fp8_matmul_efficiency,
        "fp4": rated.fp4_matmul_efficiency,
    }
    found = by_peak.get(FORMATS[precision].peak, rated.matmul_efficiency)
    if found is None:
        known = [
            name for name, each in FORMATS.items()
            if by_peak.get(each.peak, rated.matmul_efficiency) is not None
            and _multiplies(accelerator, name)
        ]  # fmt: skip
        raise ParameterError(
            f"{software.name} is not calibrated in {precision} on {accelerator.name}",
            hint=f"write one of {', '.join(known)}, or name another software of the cluster",
            where="goal.precision",
        )
    return float(found)
