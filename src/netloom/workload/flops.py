"""Model FLOPs: what the mathematics asks for, whatever the machine does.

Two conventions are in use and differ by several percent at long sequences; every MFU that netloom
prints names the one it follows.
"""

from __future__ import annotations

from typing import Literal

from netloom.errors import ConservationError
from netloom.workload.parameters import count_parameters
from netloom.workload.shape import TransformerShape

Convention = Literal["causal", "full"]

#: What netloom's own answers use, said in words beside every MFU.
CONVENTION: Convention = "causal"
CONVENTION_TEXT = (
    "model FLOPs: three times forward, matrix products and causal half of attention, "
    "recomputation not counted"
)


def matrix_parameters(shape: TransformerShape) -> int:
    """Return parameters of the matrices that one token is multiplied with.

    Norms, biases and the embedding's look-up do no products; the output projection does, tied or
    not.
    """
    hidden, experts = shape.hidden, shape.experts
    if latent := shape.latent:
        query_in = latent.q_rank or hidden
        attention = (hidden * latent.q_rank if latent.q_rank else 0) + query_in * shape.query_dim
        attention += hidden * (latent.kv_rank + latent.qk_rope_dim)
        attention += latent.kv_rank * shape.num_heads * (latent.qk_nope_dim + latent.v_dim)
    else:
        attention = hidden * (shape.query_dim + 2 * shape.num_kv_heads * shape.head_dim)
    attention += shape.value_dim * hidden
    matrices = 3 if shape.gated else 2
    num_dense = experts.num_dense_layers if experts else shape.num_layers
    total = shape.num_layers * attention + num_dense * matrices * hidden * shape.ffn
    if experts:
        inner = experts.num_active * experts.ffn + experts.shared_ffn
        per_layer = matrices * hidden * inner + hidden * experts.num_routed
        total += (shape.num_layers - num_dense) * per_layer
    return total + shape.vocab * hidden


def forward_flops_per_token(
    shape: TransformerShape, sequence: int, convention: Convention = CONVENTION
) -> float:
    """Return FLOPs of one token's forward pass.

    Two per matrix parameter, and ``2 s (query_dim + value_dim)`` per layer for attention over s
    tokens, half of it when the causal mask's zeros are not counted.
    """
    attention = 2.0 * sequence * (shape.query_dim + shape.value_dim) * shape.num_layers
    if convention == "causal":
        attention *= 0.5
    return 2.0 * matrix_parameters(shape) + attention


def training_flops_per_token(
    shape: TransformerShape, sequence: int, convention: Convention = CONVENTION
) -> float:
    """Return FLOPs of one token's forward and backward pass, recomputation not counted.

    Backward is twice forward. The result is checked against the 6 N law (arXiv:2001.08361,
    section 2.1), which leaves out attention: their difference is attention's and nothing else's.

    Examples
    --------
    >>> gpt = TransformerShape("gpt", 12288, 96, 96, 96, 128, 49152, False, 51200, True)
    >>> round(training_flops_per_token(gpt, 2048, "full") / (6 * 174.6e9), 3)
    1.028
    """
    flops = 3.0 * forward_flops_per_token(shape, sequence, convention)
    counts = count_parameters(shape)
    lower = 6.0 * (counts.active - counts.embedding)
    attention = 6.0 * sequence * (shape.query_dim + shape.value_dim) * shape.num_layers
    # the head is counted once whether tied or not; norms and biases are in N but not in products
    upper = 6.0 * (counts.active + shape.vocab * shape.hidden) + attention
    if not 0.98 * lower <= flops <= upper:
        raise ConservationError(
            f"{shape.name}: {flops:.4g} FLOPs per token lie outside the 6 N law's "
            f"{lower:.4g} to {upper:.4g}"
        )
    return flops
