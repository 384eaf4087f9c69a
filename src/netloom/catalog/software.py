"""Training software: what it overlaps and keeps, and how fast it runs on each accelerator."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from netloom.catalog.parts import Part
from netloom.catalog.quantity import Count, Data, Fraction, Time


class Calibration(BaseModel):
    """How much of one accelerator the software's kernels reach.

    Only the two matrix-product efficiencies are fitted to published steps; the others are
    published kernel benchmarks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    matmul_efficiency: Fraction = Field(
        description="Share of the dense 16-bit peak that large matrix products sustain."
    )
    fp8_matmul_efficiency: Fraction | None = Field(
        default=None,
        description="Share of the dense 8-bit peak, casts included; none when not supported.",
    )
    fp4_matmul_efficiency: Fraction | None = Field(
        default=None,
        description="Share of the dense 4-bit peak, casts included; none when not supported.",
    )
    attention_forward_efficiency: Fraction = Field(
        description="Share of the dense 16-bit peak of attention's forward."
    )
    attention_backward_efficiency: Fraction = Field(
        description="Share of the dense 16-bit peak of attention's backward."
    )
    memory_efficiency: Fraction = Field(
        description="Share of memory bandwidth that streaming kernels sustain."
    )
    tile_rows: Count = Field(description="Rows of the tile that one multiprocessor works on.")
    tile_columns: Count = Field(description="Columns of that tile.")
    ramp_depth: Count = Field(
        description="Depth of a matrix product that costs as much as a tile's start and end."
    )


class Software(Part):
    """One release of training software."""

    fused_attention: bool = Field(
        description="Whether attention is one kernel that keeps no scores (FlashAttention and kin)."
    )
    dropout: bool = Field(description="Whether models are trained with dropout.")
    sequence_parallel: bool = Field(
        description="Whether norms and residuals are spread over the tensor group."
    )
    overlaps: tuple[Literal["tensor", "data", "pipeline", "expert"], ...] = Field(
        description="Messages that run beside computation."
    )
    schedule: Literal["interleaved", "dualpipe"] = Field(
        default="interleaved",
        description="Pipeline schedule: (interleaved) 1F1B, or DualPipe.",
    )
    communication_multiprocessors: Count = Field(
        description="Multiprocessors that messages beside computation keep from it."
    )
    wire_protocols: tuple[Literal["ll", "ll128", "simple"], ...] = Field(
        default=("ll", "ll128", "simple"),
        description="Protocols that its communication library has on.",
    )
    gathers_per_layer: Count = Field(
        description="Gathers of a layer's parameters when these are sharded."
    )
    gather_rate_fraction: Fraction = Field(
        description="Share of the network's rate that gathers of sharded parameters reach."
    )
    deduplicates_tokens: bool = Field(
        default=False,
        description="Whether a token crosses the network once for all its experts on a node.",
    )
    dispatch_bytes: Data = Field(
        description="Of one element on its way to an expert; it comes back in 16 bits."
    )
    routing_imbalance: Count = Field(
        description="Visits of the busiest accelerator's experts over the mean."
    )
    expert_rate_fraction: Fraction = Field(
        description="Rate of the experts' grouped products, with their casts, permutation and "
        "launches, over that of one large product."
    )
    permutation_bytes: Data = Field(
        description="Memory traffic of one element of one visit of an expert besides its products, "
        "forward and backward: permutation and back, casts, probabilities."
    )
    expert_launch_s: Time = Field(
        description="Of each local expert of a layer besides its kernels, a microbatch forward and "
        "backward: launches, casts and padding expert by expert."
    )
    step_overhead_s: Time = Field(
        description="Between steps, when nothing else runs: data loading, gradient norm, the "
        "host's work."
    )
    gradient_bytes: Data = Field(description="Gradient of one parameter, as kept and reduced.")
    state_bytes: Data = Field(
        description="Optimizer states of one parameter, master weight included."
    )
    reserved_bytes: Data = Field(
        description="Memory taken by context, communication library and fragmentation."
    )
    launch_s: Time = Field(description="Gap before each kernel.")
    num_light_kernels: Count = Field(
        description="Memory-bound kernels of a layer and direction, attention not counted."
    )
    straggler_sigma: Fraction = Field(
        description="Spread of per-rank slowdowns, one standard deviation."
    )
    accelerators: dict[str, Calibration] = Field(
        description="Calibration by catalogue accelerator; others are refused."
    )
