"""The compiled step against a slow one, written rank by rank and operator by operator.

`NaiveStep` follows what the kernels' docstrings say, not how they do it: it walks through every
stage of the pipeline and every operator of a layer, in plain Python.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from netloom import catalog
from netloom.kernels import inputs
from netloom.kernels.step import STEP_COLUMNS, evaluate_plans
from netloom.schema.study import Search
from netloom.search.plans import PlanSpace, plan_matrix
from netloom.workload.inputs import machine_inputs, shape_inputs, software_inputs
from netloom.workload.parameters import count_parameters
from netloom.workload.shape import Experts, LatentAttention, TransformerShape

SEQUENCE, NUM_ACCELERATORS, BATCH = 4096, 128, 256
OFFLOAD = inputs.RECOMPUTES.index("offload")
MODELS = [
    TransformerShape(
        "gpt", 2048, 22, 16, 16, 128, 8192, False, 51200, True, 4096,
        norm_bias=True, qkv_bias=True, proj_bias=True, ffn_bias=True,
    ),
    TransformerShape("llama", 4096, 32, 32, 8, 128, 14336, True, 128256, False),
    TransformerShape(
        "mixtral", 2048, 24, 16, 8, 128, 7168, True, 32000, False,
        experts=Experts(8, 2, 7168, 0, 0, False),
    ),
    TransformerShape(
        "deepseek", 2048, 23, 16, 16, 192, 8192, True, 64000, False,
        latent=LatentAttention(768, 256, 128, 64, 128), experts=Experts(32, 4, 1024, 1024, 2, True),
    ),
    TransformerShape(
        "lite", 2048, 23, 16, 16, 192, 8192, True, 64000, False,
        latent=LatentAttention(0, 256, 128, 64, 128), experts=Experts(32, 4, 1024, 2048, 1, False),
    ),
]  # fmt: skip
RELEASES = {"nemo-25.04": "h100-sxm", "megatron-2022": "a100-sxm-80g"}


class NaiveStep:
    """One plan of one model on one machine."""

    def __init__(self, shape, machine, software, plan, prices):
        sizes, rest = map(int, plan[:6]), map(int, plan[6:10])
        self.tensor, self.context, self.pipeline, self.interleave, self.data, self.expert = sizes
        self.micro_batch, self.num_micro, self.sharding, self.recompute = rest
        split, kind, shards = map(int, plan[10:]) if len(plan) > 10 else (0, 0, 0)
        self.expert_split = split or self.tensor  # ranks that share one expert
        self.context_kind = inputs.CONTEXT_KINDS[kind]
        self.shard_ranks = shards or self.data * self.context
        self.shape, self.machine, self.software, self.prices = shape, machine, software, prices
        self.counts = count_parameters(shape)
        self.tokens = self.micro_batch * SEQUENCE / self.context

    # ---- operators -------------------------------------------------------------------------

    def product(self, groups, rows, columns, depth):
        m = self.machine
        if 0 in (groups, rows, columns, depth):
            return 0.0
        tiles = groups * -(-rows // m.tile_rows) * -(-columns // m.tile_columns)
        waves = -(-tiles // m.num_multiprocessors)
        tile = 2 * m.tile_rows * m.tile_columns * (depth + m.ramp_depth)
        busy = waves * m.num_multiprocessors * tile / m.matmul_flops_per_s
        moved = m.operand_bytes * (rows * depth + depth * columns) + 2 * rows * columns
        return max(busy, groups * moved / m.hbm_bytes_per_s) + m.launch_s

    def linear(self, rows, columns, depth, groups=1):
        """Forward, gradient of the input, gradient of the weight."""
        return np.array(
            [
                self.product(groups, rows, columns, depth),
                self.product(groups, rows, depth, columns),
                self.product(groups, depth, columns, rows),
            ]
        )

    def query_key_value(self):
        shape, t = self.shape, self.tensor
        if latent := shape.latent:
            down = latent.q_rank + latent.kv_rank + latent.qk_rope_dim
            decompressed = shape.num_heads * (latent.qk_nope_dim + latent.v_dim)
            return (
                self.linear(self.tokens, down, shape.hidden)
                + self.linear(self.tokens, shape.query_dim / t, latent.q_rank or shape.hidden)
                + self.linear(self.tokens, decompressed / t, latent.kv_rank)
            )
        columns = shape.query_dim + 2 * shape.num_kv_heads * shape.head_dim
        return self.linear(self.tokens, columns / t, shape.hidden)

    def attention(self):
        m, shape = self.machine, self.shape
        scores = self.tokens * SEQUENCE / self.tensor  # of all heads, per head element
        flops = 2 * scores * shape.query_dim + 2 * scores * shape.value_dim
        if self.software.fused_attention:
            return (
                flops / 2 / m.attention_forward_flops_per_s + m.launch_s,
                2.5 * flops / 2 / m.attention_backward_flops_per_s + 2 * m.launch_s,
            )
        dropout = 5 if self.software.dropout else 0
        moved = scores * shape.num_heads / m.hbm_bytes_per_s
        forward = flops / m.attention_forward_flops_per_s
        return (
            forward + (8 + dropout) * moved + 5 * m.launch_s,
            2 * forward + (12 + dropout) * moved + 7 * m.launch_s,
        )

    def gated(self):
        return 2 if self.shape.gated else 1

    def feed_forward(self, sparse):
        """Into, out, and what runs beside them."""
        shape, t, hidden = self.shape, self.tensor, self.shape.hidden
        if not sparse:
            return (
                self.linear(self.tokens, self.gated() * shape.ffn / t, hidden),
                self.linear(self.tokens, hidden, shape.ffn / t),
                np.zeros(3),
            )
        experts = shape.experts
        local = experts.num_routed / self.expert
        rate = self.software.expert_rate_fraction
        # ranks that share an expert see each other's tokens; the others only their own
        tokens = self.tokens * self.expert_split / t
        rows = self.software.routing_imbalance * tokens * experts.num_active / local
        width = experts.ffn / self.expert_split
        return (
            self.linear(rows, self.gated() * width, hidden, local) / rate,
            self.linear(rows, hidden, width, local) / rate,
            sum(self.shared_experts())
            + self.linear(self.spread_tokens(), experts.num_routed, hidden),
        )

    def shared_experts(self):
        shape, t = self.shape, self.tensor
        width = shape.experts.shared_ffn / t
        return (
            self.linear(self.tokens, self.gated() * width, shape.hidden),
            self.linear(self.tokens, shape.hidden, width),
        )

    def spread_tokens(self):
        return self.tokens / self.tensor if self.software.sequence_parallel else self.tokens

    def light(self, sparse):
        """Seconds of memory-bound operators: forward, backward, what selective does again."""
        shape = self.shape
        stream = self.spread_tokens() * shape.hidden
        if sparse:
            experts = shape.experts
            inner = self.tokens * (experts.num_active * experts.ffn + experts.shared_ffn)
            permuted = self.tokens * experts.num_active * shape.hidden / self.tensor
            permuted *= self.software.permutation_bytes / 2
        else:
            inner, permuted = self.tokens * shape.ffn, 0.0
        inner /= self.tensor
        norms, residuals = 2 * (2 + 2) * stream, 2 * (2 + 2 + 2) * stream
        if self.software.dropout:
            residuals += 6 * stream
        activation = (self.gated() + 1) * 2 * inner
        backward = (2 * self.gated() + 1) * 2 * inner
        rate, gaps = (
            self.machine.hbm_bytes_per_s,
            (self.machine.num_light_kernels * self.machine.launch_s),
        )
        return (
            (norms + residuals + activation + permuted) / rate + gaps,
            (1.5 * norms + residuals + backward + permuted) / rate + gaps,
            (norms + activation) / rate,
        )

    # ---- messages --------------------------------------------------------------------------

    def call(self, row, num_bytes):
        latency, s_per_byte = self.prices[inputs.PRICE_ROWS.index(row)]
        return latency + s_per_byte * num_bytes

    @staticmethod
    def chunked(message, compute, chunks):
        """Two machines that work off chunks one after the other: what the message adds."""
        longer, shorter = max(message, compute), min(message, compute)
        return longer + shorter / chunks - compute

    def tensor_messages(self, qkv, out, into, ffn_out, sparse):
        """Exposed forward and backward, all of forward, all of backward, bytes of both."""
        if self.tensor == 1:
            return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        size = 2 * self.tokens * self.shape.hidden
        visited = size * (self.shape.experts.num_active if sparse else 1)
        if sparse and self.expert_split < self.tensor:
            # only the shared experts are split; or results are put together by a sum
            visited = size
            if self.software.sequence_parallel and not self.shape.experts.shared_ffn:
                visited = 0
            into, ffn_out = self.shared_experts()
        share = (self.tensor - 1) / self.tensor
        if not self.software.sequence_parallel:
            both = [self.call("tensor all-reduce", n) for n in (size, visited)]
            hidden = [max(0, s - by[2]) for s, by in zip(both, (qkv, into), strict=True)]
            sent = 2 * share * (size + visited)
            return sum(both), sum(hidden), sum(both), sum(both), sent, sent
        first, second = (n and self.call("tensor all-gather", n) for n in (size, visited))
        pairs = [(first, qkv), (first, out), (second, into), (second, ffn_out)]
        forward = sum(message for message, _ in pairs)
        backward = first + second
        if self.software.overlaps_tensor:
            forward = sum(self.chunked(s, by[0], self.tensor) for s, by in pairs)
            backward = sum(self.chunked(s, by[1], self.tensor) for s, by in pairs[1::2])
        for message, by in pairs[0::2]:
            backward += max(0, message - by[1]) + max(0, message - by[2])
        unit = share * (size + visited)
        return forward, backward, 2 * (first + second), 3 * (first + second), 2 * unit, 3 * unit

    def context_messages(self, forward_s, backward_s):
        if self.context == 1:
            return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        shape = self.shape
        if latent := shape.latent:
            width = shape.num_heads * (latent.qk_nope_dim + latent.v_dim)
        else:
            width = 2 * shape.num_kv_heads * shape.head_dim
        away = (self.context - 1) / self.context
        if self.context_kind == "ulysses":
            elements = np.array([shape.query_dim + width, shape.value_dim]) * self.tokens
            sizes = 2 * elements / self.tensor
            seconds = sum(self.call("context all-to-all", size) for size in sizes)
            return *[seconds] * 4, *[sum(sizes) * away] * 2
        size = 2 * self.micro_batch * SEQUENCE * width / self.tensor
        message, c = self.call("context all-gather", size), self.context
        sent = size * away
        if self.context_kind == "all-gather":
            return message, 2 * message, message, 2 * message, sent, 2 * sent
        exposed = self.chunked(message, forward_s, c), self.chunked(2 * message, backward_s, c)
        return *exposed, message, 2 * message, sent, 2 * sent

    def expert_messages(self, sparse, compute_s):
        if self.expert == 1 or not sparse:
            return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        software, experts = self.software, self.shape.experts
        elements = software.routing_imbalance * self.tokens * experts.num_active
        elements *= self.shape.hidden / self.tensor
        there = self.call("expert all-to-all", software.dispatch_bytes * elements)
        back = self.call("expert all-to-all", 2 * elements)
        ahead, behind = there + back, 2 * back
        shown = 1.0
        if software.overlaps_expert:
            window = (1 - self.taken()) * compute_s
            shown = max(ahead + behind - window, 0) / (ahead + behind)
        away = elements * (self.expert - 1) / self.expert
        sent = (software.dispatch_bytes + 2) * away, 4 * away
        return shown * ahead, shown * behind, ahead, behind, *sent

    def with_contention(self, messages):
        """Hidden parts hold multiprocessors: the work beside them ends that much later."""
        shown = [messages[k] + self.taken() * (messages[2 + k] - messages[k]) for k in (0, 1)]
        return *shown, *messages[2:]

    def taken(self):
        """Share of multiprocessors that messages beside work keep from it."""
        return self.software.communication_multiprocessors / self.machine.num_multiprocessors

    # ---- a layer, a stage, a step ----------------------------------------------------------

    def layer(self, sparse):
        qkv, (into, ffn_out, beside) = self.query_key_value(), self.feed_forward(sparse)
        out = self.linear(self.tokens, self.shape.hidden, self.shape.value_dim / self.tensor)
        attention, light = self.attention(), self.light(sparse)
        products = qkv + into + ffn_out + beside + out
        forward = products[0] + attention[0] + light[0]
        backward = products[1] + products[2] + attention[1] + light[1]
        if sparse:
            local = self.shape.experts.num_routed / self.expert
            forward += self.software.expert_launch_s * local / 3
            backward += self.software.expert_launch_s * local * 2 / 3
        again = self.recompute == 2
        by_tensor = self.tensor_messages(qkv, out, into, ffn_out, sparse)
        by_expert = self.expert_messages(sparse, forward + backward)
        by_tensor, by_expert = self.with_contention(by_tensor), self.with_contention(by_expert)
        if self.recompute == OFFLOAD:
            kept = self.tokens * self.kept_per_token(sparse, 0)
            moved = kept / self.machine.host_bytes_per_s
            forward, backward = max(forward, moved), max(backward, moved)
        if again:
            backward += forward
        elif self.recompute == 1:
            backward += light[2] if self.software.fused_attention else attention[0]
        found = {
            "compute": (forward, backward),
            "weight": (products[2], 0.0),
        }
        for name, (ahead, back, all_ahead, all_back, sent_ahead, sent_back) in {
            "tensor": by_tensor,
            "context": self.context_messages(*attention),
            "expert": by_expert,
        }.items():
            found[name] = (ahead, back + again * ahead)
            found[name + "_total"] = all_ahead * (1 + again) + all_back
            found[name + "_sent"] = sent_ahead * (1 + again) + sent_back
        return found

    def stages(self):
        """Yield dense layers, layers with experts, whether first, whether last, of every stage."""
        layers, p = self.shape.num_layers, self.pipeline
        for embedding, loss in ((0, 0), (1, 1), (0, 1)):
            if (layers + embedding + loss) % (p * self.interleave) == 0 and (p > 1 or not loss):
                break
        else:
            embedding = loss = 1
        counts = [(layers + embedding + loss) // p] * p
        # what is left over goes to the stages in between first
        for rank in [*range(1, p - 1), 0, p - 1][: (layers + embedding + loss) % p]:
            counts[rank] += 1
        counts[0] -= embedding
        counts[-1] -= loss
        start = 0
        for rank, count in enumerate(counts):
            dense = max(0, min(count, self.counts.num_dense_layers - start))
            start += count
            yield dense, count - dense, rank == 0, rank == p - 1

    def stage_seconds(self, dense, sparse, first, last, layers):
        """Sums over a stage: (forward, backward) by part, and totals."""
        kinds = [(dense, layers[False])] + ([(sparse, layers[True])] if sparse else [])
        names = kinds[0][1]
        total = {
            name: sum(count * np.array(layer[name]) for count, layer in kinds) for name in names
        }
        m, t = self.machine, self.tensor
        if first:
            each = 6 * self.tokens * self.shape.hidden / m.hbm_bytes_per_s
            total["compute"] = total["compute"] + each
        if last:
            head = self.linear(self.tokens, self.shape.vocab / t, self.shape.hidden)
            loss = 8 * self.tokens * self.shape.vocab / t / m.hbm_bytes_per_s
            total["compute"] = total["compute"] + [head[0] + loss, head[1] + head[2] + loss]
        return total

    def parameters(self, dense, sparse, first, last):
        """Parameters of one rank: common to the data group, and of its routed experts."""
        c = self.counts
        common = (dense + sparse) * c.attention + dense * c.dense_ffn
        common += sparse * (c.shared_expert + c.router)
        common += c.embedding * first + c.head * last
        routed = sparse * c.num_routed * c.expert / self.expert
        return common / self.tensor, routed / self.expert_split

    def sharing(self):
        """Ranks that share states: of common parameters and of routed ones; copies of each."""
        folded = self.tensor // self.expert_split
        group = self.data * self.context
        alike = max(1, group * folded / self.expert)
        routed = max(1, self.shard_ranks * folded / self.expert)
        return self.shard_ranks, routed, group / self.shard_ranks, alike / routed

    def states(self, common, routed):
        ranks, routed_ranks, *_ = self.sharing()
        return common + routed, common / ranks + routed / routed_ranks

    def data_messages(self, common, routed, num_layers, windows):
        """Exposed seconds, all seconds, and bytes."""
        ranks_of_common, ranks_of_routed, *copies = self.sharing()
        total, exposed, sent, calls = 0.0, 0.0, 0.0, max(1, num_layers)

        def collective(bytes_per_parameter):
            seconds = num_bytes = 0.0
            for held, ranks, row in (
                (common, ranks_of_common, "data reduce-scatter"),
                (routed, ranks_of_routed, "expert-data reduce-scatter"),
            ):
                if ranks > 1 and held:
                    seconds += calls * self.call(row, held * bytes_per_parameter / calls)
                    num_bytes += held * bytes_per_parameter * (ranks - 1) / ranks
            return np.array([seconds, num_bytes])

        scatter, gather = collective(self.software.gradient_bytes), collective(2.0)
        if self.sharding == 3:
            software = self.software
            calls, kept = calls * software.gathers_per_layer, calls
            rate = software.gather_rate_fraction
            scatter = [collective(software.gradient_bytes / rate)[0], scatter[1]]
            gather = [collective(2.0 / rate)[0], gather[1]]
            scatter, gather, calls = np.array(scatter), np.array(gather), kept
        #: Sharding: what crosses in forward and in backward, and how often a step.
        forward, backward, forward_times, backward_times = {
            0: (0 * gather, 2 * scatter, 1, 1),
            1: (gather, scatter, 1, 1),
            2: (gather, scatter, 1, self.num_micro),
            3: (gather, scatter + gather, self.num_micro, self.num_micro),
        }[self.sharding]
        for (seconds, num_bytes), times, window in (
            (forward, forward_times, windows[0]), (backward, backward_times, windows[1]),
        ):  # fmt: skip
            rest = seconds
            if self.software.overlaps_data:
                rest = max(seconds - window, seconds / calls)
            total, exposed = total + times * seconds, exposed + times * rest
            sent += times * num_bytes
        # copies of the shards agree after the last backward
        across = 0.0
        for held, count, row in (
            (common / ranks_of_common, copies[0], "replica all-reduce"),
            (routed / ranks_of_routed, copies[1], "expert-replica all-reduce"),
        ):
            if count > 1 and held:
                size = held * self.software.gradient_bytes
                across += calls * self.call(row, size / calls)
                sent += 2 * size * (count - 1) / count
        seconds, more = backward[0], backward[0] + across
        if self.software.overlaps_data:
            seconds, more = (max(s - windows[1], s / calls) for s in (seconds, more))
        return exposed + more - seconds, total + across, sent

    def step(self):
        layers = {sparse: self.layer(sparse) for sparse in {False, self.shape.experts is not None}}
        stages = list(self.stages())
        sums = [self.stage_seconds(*stage, layers) for stage in stages]
        parts = ("compute", "tensor", "context", "expert")
        busy = [np.sum([total[part] for part in parts], axis=0) for total in sums]
        through_all = sum(work.sum() for work in busy)
        answers = []
        for stage, total, work in zip(stages, sums, busy, strict=True):
            found = {f"{part}_s": self.num_micro * sum(total[part]) for part in parts}
            for part in parts[1:]:
                found[f"{part}_total_s"] = self.num_micro * total[part + "_total"]
                found[f"{part}_sent_bytes"] = self.num_micro * total[part + "_sent"]
            found["bubble_s"] = (through_all - work.sum()) / self.interleave
            if self.software.dualpipe:
                whole = total["expert_total"]
                apart = min(self.num_micro, self.pipeline + 1)
                found["expert_s"] += apart * (whole - total["expert"].sum())
                back = 4 / (self.software.dispatch_bytes + 6)
                backward = work[1] - total["expert"][1] + back * whole
                idle = work.sum() + backward - 3 * total["weight"][0]
                found["bubble_s"] = max(0, self.pipeline / 2 - 1) * idle
            free = 1.0
            found |= {"pipeline_s": 0.0, "pipeline_total_s": 0.0, "pipeline_sent_bytes": 0.0}
            if self.pipeline > 1:
                size = 2 * self.tokens * self.shape.hidden / self.tensor
                send = self.call("pipeline send-recv", size)
                chunk = work.sum() / 2 / self.interleave
                hidden = min(send, chunk) if self.software.overlaps_pipeline else 0.0
                times = 2 * self.num_micro * self.interleave
                fills = 2 * (self.pipeline - 1)
                found["pipeline_s"] = fills * send + times * (send - hidden)
                found["pipeline_total_s"] = (fills + times) * send
                found["pipeline_sent_bytes"] = times * size
                free -= hidden / chunk
            if self.interleave > 1 and self.sharding < 2:
                free *= self.pipeline * (self.interleave - 1) / self.interleave
            common, routed = self.parameters(*stage)
            data = self.data_messages(common, routed, sum(stage[:2]), free * work)
            found["data_s"], found["data_total_s"], found["data_sent_bytes"] = data
            found["data_s"] += self.taken() * (data[1] - data[0])
            whole, sharded = self.states(common, routed)
            updated = sharded if self.sharding else whole
            software, rate = self.software, self.machine.hbm_bytes_per_s
            per_parameter = 2 * software.state_bytes + 4 * software.gradient_bytes + 2
            found["optimizer_s"] = updated * per_parameter / rate + software.step_overhead_s
            if narrow := self.machine.narrow_copy_bytes:
                found["optimizer_s"] += whole * (2 + narrow) / rate
            work_s = sum(
                seconds for name, seconds in found.items()
                if name.endswith("_s") and not name.endswith("_total_s")
            )  # fmt: skip
            spread = math.sqrt(2 * math.log(NUM_ACCELERATORS))
            found["straggler_s"] = work_s * self.machine.straggler_sigma * spread
            found["step_s"] = work_s + found["straggler_s"]
            answers.append(found)
        return max(answers, key=lambda found: found["step_s"])

    # ---- memory ----------------------------------------------------------------------------

    def kept_per_token(self, sparse, recompute):
        """Bytes that a layer keeps for backward, operator by operator."""
        shape, software = self.shape, self.software
        hidden, spread = shape.hidden, 1 / self.tensor if software.sequence_parallel else 1.0
        if recompute == OFFLOAD:
            return 0.0
        if recompute == 2:
            return 2 * hidden * spread
        experts = shape.experts if sparse else None
        inner = experts.num_active * experts.ffn + experts.shared_ffn if experts else shape.ffn
        visits = experts.num_active if experts else 1
        if latent := shape.latent:
            key_value = shape.num_heads * (latent.qk_nope_dim + latent.v_dim)
        else:
            key_value = 2 * shape.num_kv_heads * shape.head_dim
        selective_drops_light = recompute == 1 and software.fused_attention
        kept = 2 * 2 * hidden * spread  # inputs of both norms
        kept += 2 * hidden * spread * software.dropout  # two masks
        kept += 2 * (shape.query_dim + key_value) / self.tensor  # into attention
        kept += 2 * shape.value_dim / self.tensor  # out of attention
        kept += 2 * inner * self.gated() / self.tensor  # into the activation function
        if not selective_drops_light:
            kept += 2 * hidden * (1 + visits) * spread  # out of both norms
            kept += 2 * inner / self.tensor  # out of the activation function
        if not software.fused_attention and recompute == 0:
            # scores after softmax and after dropout, and its mask
            kept += (4 + software.dropout) * shape.num_heads * SEQUENCE / self.tensor
        return kept

    def memory(self):
        fullest = []
        for rank, stage in enumerate(self.stages()):
            dense, sparse, _, last = stage
            whole, sharded = self.states(*self.parameters(*stage))
            copies = 2 + self.machine.narrow_copy_bytes
            weights = 2 * sharded if self.sharding >= 3 else copies * whole
            gradients = self.software.gradient_bytes * (sharded if self.sharding >= 2 else whole)
            optimizer = self.software.state_bytes * (sharded if self.sharding >= 1 else whole)
            ahead = self.pipeline - rank - 1
            chunks = ahead + 1
            if self.interleave > 1:
                chunks = 2 * ahead + (self.interleave - 1) * self.pipeline + 1
            chunks = min(chunks, self.num_micro * self.interleave)
            per_token = self.kept_per_token(sparse > 0, self.recompute)
            layers_alive = chunks * (dense + sparse) / self.interleave
            activations = layers_alive * self.tokens * per_token
            buffers = self.machine.reserved_bytes
            buffers += last * 6 * self.tokens * self.shape.vocab / self.tensor
            if self.recompute == OFFLOAD:
                buffers += 2 * self.tokens * self.kept_per_token(sparse > 0, 0)
            if self.recompute == 2:
                buffers += self.tokens * self.kept_per_token(sparse > 0, 0)
            if self.sharding >= 3:
                buffers += 2 * copies * whole / max(1, dense + sparse)
            fullest.append((weights, gradients, optimizer, activations, buffers))
        return max(fullest, key=sum)


#: Releases that differ in everything that a release can differ in.
CHANGES = {
    "as it is": {},
    "without sequence parallelism": {"sequence_parallel": False},
    "sharded tensor by tensor": {
        "gathers_per_layer": 4.0, "gather_rate_fraction": 0.125, "step_overhead_s": 0.1,
        "communication_multiprocessors": 16.0,
    },
    "experts beside work": {
        "overlaps_expert": True, "dispatch_bytes": 1.0, "routing_imbalance": 1.2,
        "expert_rate_fraction": 0.5, "expert_launch_s": 2e-3, "permutation_bytes": 50.0,
        "communication_multiprocessors": 20.0, "dualpipe": True,
    },
}  # fmt: skip

#: Copies of weights in narrow precisions, by the names above.
NARROW_COPY_BYTES = dict(zip(CHANGES, (0.0, 2.0, 1.0, 0.5), strict=True))


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("shape", MODELS, ids=lambda shape: shape.name)
def test_random_plans_equal_the_naive_step(shape, release, change):
    part = catalog.get("software", release)
    machine = machine_inputs(catalog.get("accelerator", RELEASES[release]), part, "bf16")
    machine = machine._replace(narrow_copy_bytes=NARROW_COPY_BYTES[change])
    software = software_inputs(part)._replace(**CHANGES[change])
    rng = np.random.default_rng(len(shape.name))
    # pinned stages may be uneven, the rest is only taken where it is asked for
    asked = (
        {},
        {"pipeline": (4, 8)},
        {"expert_tensor": (1, 2, 4, 8), "context_kind": inputs.CONTEXT_KINDS,
         "shard_group": (2, 4, 8, 16, 32), "pipeline": (1, 2, 4)},
    )  # fmt: skip
    every = {"sharding": inputs.SHARDINGS, "recompute": inputs.RECOMPUTES}
    spaces = [
        plan_matrix(PlanSpace(shape, NUM_ACCELERATORS, 8, BATCH, SEQUENCE, Search(**every, **more)))
        for more in asked
    ]
    plans = np.concatenate([some[rng.integers(0, len(some), 75)] for some in spaces])
    for column in (inputs.CONTEXT_KIND, inputs.SHARD_GROUP):
        assert len(np.unique(plans[:, column])) > 2
    assert shape.experts is None or 1 in plans[:, inputs.EXPERT_TENSOR]
    rows = len(plans), len(inputs.PRICE_ROWS)
    prices = np.stack([10 ** rng.uniform(-6, -4, rows), 10 ** rng.uniform(-12, -9, rows)], axis=2)
    steps = evaluate_plans(
        plans, prices, float(SEQUENCE), float(NUM_ACCELERATORS), shape_inputs(shape), machine,
        software,
    )  # fmt: skip
    for plan, price, step in zip(plans, prices, steps, strict=True):
        naive = NaiveStep(shape, machine, software, plan, price)
        found = dict(zip(STEP_COLUMNS, step, strict=True))
        expected = naive.step()
        for name, value in expected.items():
            tolerance = 1e-9 * (abs(value) if name.endswith("bytes") else expected["step_s"])
            assert found[name] == pytest.approx(value, rel=1e-9, abs=tolerance), name
        names = ("weights", "gradients", "optimizer", "activations", "buffers")
        for name, value in zip(names, naive.memory(), strict=True):
            assert found[f"{name}_bytes"] == pytest.approx(value, rel=1e-9), name
