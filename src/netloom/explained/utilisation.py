"""Utilisation of the accelerators under the FLOP conventions in use, each said in words."""

from __future__ import annotations

from dataclasses import dataclass

from netloom.workload.flops import forward_flops_per_token, training_flops_per_token
from netloom.workload.shape import TransformerShape


@dataclass(frozen=True)
class Utilisation:
    """Share of the dense peak under one convention.

    Attributes
    ----------
    name : ``"mfu"`` or ``"hfu"`` with the count of attention.
    convention : what counts as a FLOP, in words.
    flops_per_s : of one accelerator.
    fraction : of its peak in the precision of the matrix products.
    """

    name: str
    convention: str
    flops_per_s: float
    fraction: float


def utilisations(
    shape: TransformerShape,
    sequence: int,
    tokens_per_s_per_accelerator: float,
    peak_flops_per_s: float,
    recompute: str,
    fused_attention: bool,
) -> tuple[Utilisation, ...]:
    """Return MFU with causal and with full attention, and HFU.

    Model FLOPs are three times forward. HFU counts what is done again as well: all layers under
    full recomputation, the scores under selective recomputation without fused attention, nothing
    that counts where norms and activation functions alone are done again.

    Examples
    --------
    A GPT of 175 billion parameters at 140 tokens a second on an A100:

    >>> gpt = TransformerShape("gpt", 12288, 96, 96, 96, 128, 49152, False, 51200, True)
    >>> [f"{u.name} {u.fraction:.3f}" for u in utilisations(gpt, 2048, 140.0, 312e12, "full", True)]
    ['mfu-causal 0.477', 'mfu-full 0.483', 'hfu-causal 0.635']
    """
    causal = training_flops_per_token(shape, sequence, "causal")
    full = training_flops_per_token(shape, sequence, "full")
    again = _again(shape, sequence, recompute, fused_attention)
    counted = (
        ("mfu-causal", "three times forward, causal half of attention, recomputation not counted",
         causal),
        ("mfu-full", "three times forward, all of attention, recomputation not counted", full),
        ("hfu-causal", "three times forward, causal half of attention, and what is done again",
         causal + again),
    )  # fmt: skip
    rates = ((name, words, flops * tokens_per_s_per_accelerator) for name, words, flops in counted)
    return tuple(Utilisation(*each, each[2] / peak_flops_per_s) for each in rates)


def _again(shape: TransformerShape, sequence: int, recompute: str, fused: bool) -> float:
    """Return FLOPs that recomputation adds for one token."""
    if recompute == "full":
        return forward_flops_per_token(shape, sequence) - 2.0 * shape.vocab * shape.hidden
    if recompute == "selective" and not fused:
        # half of the scores' FLOPs, as for the forward that they repeat
        return float(sequence * (shape.query_dim + shape.value_dim) * shape.num_layers)
    return 0.0
