"""Named tuples that the step kernels take, so that no kernel has twenty arguments.

Sizes are floats although they count things: kernels divide them.
"""

from __future__ import annotations

import math
from typing import NamedTuple


class ShapeInputs(NamedTuple):
    """A transformer as the kernels see it; names as in `workload.shape`.

    Attributes
    ----------
    kv_dim : keys and values of one token, all key-value heads together, after any decompression.
    latent_q_rank, latent_kv_rank : of MLA's compressions; 0 without MLA (or without query
        compression).
    latent_rope_dim : of MLA's shared key with position, which comes beside the compression.
    num_ffn_inputs : matrices into the feed-forward, 2 when gated.
    *_parameters : of one layer, one expert, the embedding and the head; `attention` and `shared`
        include norms and router.
    """

    hidden: float
    num_layers: float
    num_heads: float
    query_dim: float
    value_dim: float
    kv_dim: float
    latent_q_rank: float
    latent_kv_rank: float
    latent_rope_dim: float
    ffn: float
    num_ffn_inputs: float
    vocab: float
    num_dense_layers: float
    num_experts: float
    num_active: float
    expert_ffn: float
    shared_ffn: float
    embedding_parameters: float
    head_parameters: float
    attention_parameters: float
    dense_ffn_parameters: float
    expert_parameters: float
    shared_parameters: float


class MachineInputs(NamedTuple):
    """One accelerator under one software release.

    Attributes
    ----------
    matmul_flops_per_s : dense peak in the precision of the matrix products times the share of it
        that large products sustain.
    attention_forward_flops_per_s, attention_backward_flops_per_s : the same for attention kernels.
    hbm_bytes_per_s : memory bandwidth that streaming kernels sustain.
    hbm_bytes, reserved_bytes : memory, and what context, communication library and fragmentation
        take of it.
    num_multiprocessors, tile_rows, tile_columns, ramp_depth : see `matmul.matmul_s`.
    launch_s, num_light_kernels : gap per kernel; memory-bound kernels per layer and direction.
    operand_bytes : bytes of one operand element of a matrix product.
    straggler_sigma : spread of per-rank slowdowns.
    host_bytes_per_s : to the host's memory, one way.
    narrow_copy_bytes : of one parameter, kept beside its 16-bit one for the matrix products.
    """

    matmul_flops_per_s: float
    attention_forward_flops_per_s: float
    attention_backward_flops_per_s: float
    hbm_bytes_per_s: float
    hbm_bytes: float
    reserved_bytes: float
    num_multiprocessors: float
    tile_rows: float
    tile_columns: float
    ramp_depth: float
    launch_s: float
    num_light_kernels: float
    operand_bytes: float
    straggler_sigma: float
    host_bytes_per_s: float = math.inf
    narrow_copy_bytes: float = 0.0


class SoftwareInputs(NamedTuple):
    """What the training software does: kernels, precision of states, what runs beside what.

    Attributes
    ----------
    overlaps_expert : whether dispatch and combine of one microbatch run beside another's work.
    dualpipe : whether microbatches enter the pipeline at both ends, as in DualPipe.
    communication_multiprocessors : that messages beside computation keep from it.
    gathers_per_layer : gathers, and scatters, of a layer's parameters when these are sharded.
    gather_rate_fraction : share of the network's rate that these reach.
    dispatch_bytes, combine_bytes : of one element on its way to an expert and back.
    routing_imbalance : visits of the busiest accelerator's experts over the mean.
    expert_rate_fraction : rate of the experts' grouped products over that of one large product.
    permutation_bytes : moved for one element of one visit of an expert besides its products,
        forward and backward together.
    expert_launch_s : of each local expert of a layer besides its kernels, forward and backward
        together.
    step_overhead_s : between steps, when nothing else runs.
    """

    fused_attention: bool
    dropout: bool
    sequence_parallel: bool
    overlaps_tensor: bool
    overlaps_data: bool
    overlaps_pipeline: bool
    gradient_bytes: float
    state_bytes: float
    overlaps_expert: bool = False
    dualpipe: bool = False
    communication_multiprocessors: float = 0.0
    gathers_per_layer: float = 1.0
    gather_rate_fraction: float = 1.0
    dispatch_bytes: float = 2.0
    combine_bytes: float = 2.0
    routing_imbalance: float = 1.0
    expert_rate_fraction: float = 1.0
    permutation_bytes: float = 16.0
    expert_launch_s: float = 0.0
    step_overhead_s: float = 0.0


#: Columns of a plan matrix, int64, shape (P, 13). The last three may be left out; 0 in them is the
#: usual: experts split by all tensor ranks, ring attention, states spread over all replicas.
PLAN_COLUMNS = (
    "tensor", "context", "pipeline", "interleave", "data", "expert",
    "micro_batch", "num_micro_batches", "sharding", "recompute",
    "expert_tensor", "context_kind", "shard_group",
)  # fmt: skip
TENSOR, CONTEXT, PIPELINE, INTERLEAVE, DATA, EXPERT = 0, 1, 2, 3, 4, 5
MICRO_BATCH, NUM_MICRO_BATCHES, SHARDING, RECOMPUTE = 6, 7, 8, 9
EXPERT_TENSOR, CONTEXT_KIND, SHARD_GROUP = 10, 11, 12

#: Values of the sharding column (ZeRO stages 0 to 3) and of the recompute column.
SHARDINGS = ("none", "optimizer", "gradients", "parameters")
RECOMPUTES = ("none", "selective", "full", "offload")

#: Values of the context column: keys and values go round, are gathered before attention, or each
#: rank gets all tokens of some heads.
CONTEXT_KINDS = ("ring", "all-gather", "ulysses")
RING, GATHERED, ULYSSES = 0, 1, 2

#: Rows of a plan's communication prices, float64, shape (10, 2): latency_s and s_per_byte. The last
#: three are only read for plans with something in their last three columns.
PRICE_ROWS = (
    "tensor all-gather", "tensor all-reduce", "context all-gather", "expert all-to-all",
    "pipeline send-recv", "data reduce-scatter", "expert-data reduce-scatter",
    "context all-to-all", "replica all-reduce", "expert-replica all-reduce",
)  # fmt: skip
TENSOR_GATHER, TENSOR_REDUCE, CONTEXT_GATHER, EXPERT_EXCHANGE = 0, 1, 2, 3
PIPELINE_SEND, DATA_SCATTER, EXPERT_DATA_SCATTER = 4, 5, 6
CONTEXT_EXCHANGE, REPLICA_REDUCE, EXPERT_REPLICA_REDUCE = 7, 8, 9
