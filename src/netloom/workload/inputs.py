"""Shapes and catalogue parts as the named tuples that the step kernels take."""

from __future__ import annotations

from netloom.catalog import parts
from netloom.catalog.software import Software
from netloom.kernels.inputs import MachineInputs, ShapeInputs, SoftwareInputs
from netloom.workload.parameters import count_parameters
from netloom.workload.precision import FORMATS, matmul_efficiency, peak_flops_per_s
from netloom.workload.shape import TransformerShape


def shape_inputs(shape: TransformerShape) -> ShapeInputs:
    """Return a shape for the kernels."""
    counts = count_parameters(shape)
    latent, experts = shape.latent, shape.experts
    if latent:
        kv_dim = shape.num_heads * (latent.qk_nope_dim + latent.v_dim)
    else:
        kv_dim = 2 * shape.num_kv_heads * shape.head_dim
    return ShapeInputs(
        hidden=float(shape.hidden),
        num_layers=float(shape.num_layers),
        num_heads=float(shape.num_heads),
        query_dim=float(shape.query_dim),
        value_dim=float(shape.value_dim),
        kv_dim=float(kv_dim),
        latent_q_rank=float(latent.q_rank if latent else 0),
        latent_kv_rank=float(latent.kv_rank if latent else 0),
        latent_rope_dim=float(latent.qk_rope_dim if latent else 0),
        ffn=float(shape.ffn),
        num_ffn_inputs=2.0 if shape.gated else 1.0,
        vocab=float(shape.vocab),
        num_dense_layers=float(counts.num_dense_layers),
        num_experts=float(counts.num_routed),
        num_active=float(counts.num_active),
        expert_ffn=float(experts.ffn if experts else 0),
        shared_ffn=float(experts.shared_ffn if experts else 0),
        embedding_parameters=float(counts.embedding),
        head_parameters=float(counts.head),
        attention_parameters=float(counts.attention),
        dense_ffn_parameters=float(counts.dense_ffn),
        expert_parameters=float(counts.expert),
        shared_parameters=float(counts.shared_expert + counts.router),
    )


def machine_inputs(
    accelerator: parts.Accelerator, software: Software, precision: str
) -> MachineInputs:
    """Return an accelerator under a software release, for matrix products of one precision.

    `precision` is a key of `netloom.workload.precision.FORMATS`.

    Raises
    ------
    ParameterError
        When the release is not calibrated for the accelerator or lacks the precision.
    """
    peak = peak_flops_per_s(accelerator, precision)
    efficiency = matmul_efficiency(software, accelerator, precision)
    rated = software.accelerators[accelerator.name]
    peak_16_bit = float(accelerator.peak_flops_per_s["bf16"])
    return MachineInputs(
        matmul_flops_per_s=peak * efficiency,
        attention_forward_flops_per_s=peak_16_bit * float(rated.attention_forward_efficiency),
        attention_backward_flops_per_s=peak_16_bit * float(rated.attention_backward_efficiency),
        hbm_bytes_per_s=float(accelerator.hbm_bytes_per_s) * float(rated.memory_efficiency),
        hbm_bytes=float(accelerator.hbm_bytes),
        reserved_bytes=float(software.reserved_bytes),
        num_multiprocessors=float(accelerator.num_multiprocessors),
        tile_rows=float(rated.tile_rows),
        tile_columns=float(rated.tile_columns),
        ramp_depth=float(rated.ramp_depth),
        launch_s=float(software.launch_s),
        num_light_kernels=float(software.num_light_kernels),
        operand_bytes=FORMATS[precision].operand_bytes,
        straggler_sigma=float(software.straggler_sigma),
        host_bytes_per_s=float(accelerator.host_bytes_per_s),
        narrow_copy_bytes=FORMATS[precision].kept_bytes,
    )


def software_inputs(software: Software) -> SoftwareInputs:
    """Return what a software release does, for the kernels."""
    return SoftwareInputs(
        fused_attention=software.fused_attention,
        dropout=software.dropout,
        sequence_parallel=software.sequence_parallel,
        overlaps_tensor="tensor" in software.overlaps,
        overlaps_data="data" in software.overlaps,
        overlaps_pipeline="pipeline" in software.overlaps,
        overlaps_expert="expert" in software.overlaps,
        dualpipe=software.schedule == "dualpipe",
        communication_multiprocessors=float(software.communication_multiprocessors),
        gradient_bytes=float(software.gradient_bytes),
        state_bytes=float(software.state_bytes),
        gathers_per_layer=float(software.gathers_per_layer),
        gather_rate_fraction=float(software.gather_rate_fraction),
        dispatch_bytes=float(software.dispatch_bytes),
        combine_bytes=2.0,
        routing_imbalance=float(software.routing_imbalance),
        expert_rate_fraction=float(software.expert_rate_fraction),
        permutation_bytes=float(software.permutation_bytes),
        expert_launch_s=float(software.expert_launch_s),
        step_overhead_s=float(software.step_overhead_s),
    )
