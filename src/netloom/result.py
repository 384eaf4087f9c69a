"""What an evaluation answers, as frozen data; `result.json` has these names.

Pure data, so that whoever computes a part of the answer and whoever shows it need not know each
other. Money is a `Range`; all else is SI.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Version of the JSON layout; grows when a field changes meaning or goes away.
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Range:
    """Low, most likely and high value of an uncertain sum.

    Attributes
    ----------
    low : lowest credible value.
    mode : most likely value.
    high : highest credible value.
    """

    low: float
    mode: float
    high: float

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.mode + other.mode, self.high + other.high)

    def scaled(self, factor: float) -> Range:
        """Return the range times a non-negative factor."""
        return Range(self.low * factor, self.mode * factor, self.high * factor)


@dataclass(frozen=True)
class Plan:
    """One parallel plan; sizes multiply to the number of accelerators (expert divides data).

    Attributes
    ----------
    tensor : ranks that share each matrix product.
    context : ranks that share each sequence.
    pipeline : stages.
    interleave : model chunks per stage.
    data : replicas.
    expert : ranks that share the experts of a layer; 1 for a dense model.
    micro_batch : sequences per microbatch.
    num_micro_batches : microbatches per step and replica.
    sharding : what the data-parallel group shards: none, optimizer, gradients or parameters.
    recompute : activations computed again in the backward pass: none, selective or full; or
        offload, when they wait in the host's memory.
    expert_tensor : tensor ranks that split a routed expert; 0 for all of them.
    context_kind : how context ranks share attention: ring, all-gather or ulysses.
    shard_group : data and context ranks that what is sharded is spread over; 0 for all of them.
    """

    tensor: int
    context: int
    pipeline: int
    interleave: int
    data: int
    expert: int
    micro_batch: int
    num_micro_batches: int
    sharding: str
    recompute: str
    expert_tensor: int = 0
    context_kind: str = "ring"
    shard_group: int = 0

    def __str__(self) -> str:
        expert = f" EP{self.expert}" if self.expert > 1 else ""
        expert += " ETP1" if self.expert > 1 and 0 < self.expert_tensor < self.tensor else ""
        kind = f" {self.context_kind}" if self.context_kind != "ring" else ""
        limited = self.sharding != "none" and 0 < self.shard_group < self.data * self.context
        shards = f"/{self.shard_group}" if limited else ""
        chunks = f"x{self.interleave}" if self.interleave > 1 else ""
        return (
            f"TP{self.tensor} CP{self.context}{kind} PP{self.pipeline}{chunks} DP{self.data}"
            f"{expert} mbs{self.micro_batch} {self.sharding}{shards} {self.recompute}"
        )


@dataclass(frozen=True)
class StepParts:
    """Where the seconds of one step go; the sum is the step. Communication is the exposed part.

    Attributes
    ----------
    compute_s : operators on the accelerator, recomputation included.
    tensor_s : tensor-parallel communication that nothing hides.
    context_s : context-parallel communication that nothing hides.
    expert_s : expert-parallel communication that nothing hides.
    pipeline_s : sends between stages that nothing hides.
    data_s : gradient and parameter traffic that nothing hides.
    bubble_s : stages without work while the pipeline fills and drains.
    optimizer_s : the optimizer's update.
    straggler_s : waiting for the slowest rank.
    """

    compute_s: float
    tensor_s: float
    context_s: float
    expert_s: float
    pipeline_s: float
    data_s: float
    bubble_s: float
    optimizer_s: float
    straggler_s: float

    @property
    def total_s(self) -> float:
        """Seconds of one step."""
        return (
            self.compute_s + self.tensor_s + self.context_s + self.expert_s + self.pipeline_s
            + self.data_s + self.bubble_s + self.optimizer_s + self.straggler_s
        )  # fmt: skip


@dataclass(frozen=True)
class Memory:
    """Bytes on the fullest accelerator.

    Attributes
    ----------
    weights_bytes : parameters.
    gradients_bytes : gradients.
    optimizer_bytes : optimizer state, master weights included.
    activations_bytes : activations kept for the backward pass.
    buffers_bytes : communication buffers and workspace.
    capacity_bytes : what the accelerator offers.
    """

    weights_bytes: float
    gradients_bytes: float
    optimizer_bytes: float
    activations_bytes: float
    buffers_bytes: float
    capacity_bytes: float

    @property
    def total_bytes(self) -> float:
        """Bytes in use."""
        return (
            self.weights_bytes + self.gradients_bytes + self.optimizer_bytes
            + self.activations_bytes + self.buffers_bytes
        )  # fmt: skip


@dataclass(frozen=True)
class Communication:
    """One parallel dimension's traffic in one step, per accelerator.

    Attributes
    ----------
    dimension : parallel dimension: tensor, context, expert, pipeline or data.
    operation : collective, such as all-gather.
    group_size : ranks of one group.
    bytes : traffic of one accelerator.
    total_s : time of all its calls.
    exposed_s : the part that computation does not hide.
    bytes_per_s : rate reached.
    limited_by : link group that sets the rate, such as ``"spine uplinks"``.
    """

    dimension: str
    operation: str
    group_size: int
    bytes: float
    total_s: float
    exposed_s: float
    bytes_per_s: float
    limited_by: str


@dataclass(frozen=True)
class Counts:
    """What the fabric is made of; keys are tier and link-class names.

    Attributes
    ----------
    switches : boxes by tier, from the hosts upwards.
    links : logical links by link class.
    cables : cables by link class.
    transceivers : pluggable modules by link class, both ends.
    """

    switches: dict[str, int]
    links: dict[str, int]
    cables: dict[str, int]
    transceivers: dict[str, int]


@dataclass(frozen=True)
class BomLine:
    """One line of the bill of materials.

    Attributes
    ----------
    group : ``"accelerators"``, ``"nodes"``, ``"nics"``, ``"switches"``, ``"optics"``, ``"cables"``,
        ``"installation"``; network money is all but the first two.
    part : catalogue name, ``"switch/qm9700"``.
    title : name for people.
    used_in : tier or link class.
    quantity : units bought.
    unit_usd : price of one.
    unit_power_w : draw of one.
    price_grade : grade of the price's evidence.
    price_basis : list, contract, reseller.
    """

    group: str
    part: str
    title: str
    used_in: str
    quantity: int
    unit_usd: Range
    unit_power_w: float
    price_grade: str
    price_basis: str

    @property
    def total_usd(self) -> Range:
        """Price of all units."""
        return self.unit_usd.scaled(self.quantity)

    @property
    def power_w(self) -> float:
        """Draw of all units."""
        return self.unit_power_w * self.quantity


@dataclass(frozen=True)
class Goodput:
    """What failures leave of the run.

    Attributes
    ----------
    effective_fraction : share of wall-clock time that becomes training progress.
    interruptions_per_day : events that stop the job.
    checkpoint_interval_s : interval used.
    interruptions_per_day_by_cause : the same, by class of component.
    first_order_fraction : the effective share by the small-loss closed form, as a cross-check.
    degradations_per_day_by_cause : failures that traffic routes around, by class of component.
    slowdown_fraction : mean lengthening of a step by parts that are broken but routed around.
    """

    effective_fraction: float
    interruptions_per_day: float
    checkpoint_interval_s: float
    interruptions_per_day_by_cause: dict[str, float]
    first_order_fraction: float
    degradations_per_day_by_cause: dict[str, float]
    slowdown_fraction: float


@dataclass(frozen=True)
class Openness:
    """Shares of the cost of NICs, switches, optics and cables, at the most likely prices.

    Attributes
    ----------
    several_vendors_fraction : with two or more independent vendors.
    open_standard_fraction : defined by an open standard.
    one_vendor_fraction : bound to one vendor, open standard or not.
    """

    several_vendors_fraction: float
    open_standard_fraction: float
    one_vendor_fraction: float


@dataclass(frozen=True)
class Candidate:
    """One candidate network with its best plan.

    Attributes
    ----------
    name : as in the study.
    rank : place in the answer; 1 wins.
    fabric_kind : fabric family.
    fabric_parameters : what the family was built from.
    plan : best parallel plan found.
    step_s : one optimizer step.
    parts : where its seconds go.
    memory : where the fullest accelerator's memory goes.
    communication : traffic by parallel dimension.
    tokens_per_s : training tokens of the whole cluster.
    model_flops_per_s_per_accelerator : model FLOPs, without recomputation.
    mfu : the same over the accelerator's dense peak.
    days_without_failures : of training, were nothing to break.
    days : of training, failures included.
    goodput : what failures leave.
    counts : switches, links, cables and transceivers.
    bom : bill of materials.
    network_capex_usd : NICs, switches, optics, cables and their installation.
    total_capex_usd : the same with the nodes and their accelerators.
    openness : who else could deliver the network, and by what standard.
    network_power_w : draw of the network.
    total_power_w : draw of the cluster.
    run_cost_usd : the run's share of capital, and its energy.
    limit : one sentence on what limits this candidate.
    warnings : limits met without being broken, in sentences.
    num_plans : plans that the search looked at.
    """

    name: str
    rank: int
    fabric_kind: str
    fabric_parameters: dict[str, object]
    plan: Plan
    step_s: float
    parts: StepParts
    memory: Memory
    communication: tuple[Communication, ...]
    tokens_per_s: float
    model_flops_per_s_per_accelerator: float
    mfu: float
    days_without_failures: float
    days: float
    goodput: Goodput
    counts: Counts
    bom: tuple[BomLine, ...]
    network_capex_usd: Range
    total_capex_usd: Range
    openness: Openness
    network_power_w: float
    total_power_w: float
    run_cost_usd: Range
    limit: str
    warnings: tuple[str, ...]
    num_plans: int


@dataclass(frozen=True)
class Refusal:
    """A candidate that cannot carry the run, and why.

    Attributes
    ----------
    name : as in the study.
    reason : one sentence.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class StudyResult:
    """The answer to one study; candidates are in rank order.

    Attributes
    ----------
    study : name of the study.
    netloom_version : version that computed it.
    model : name of the model.
    num_parameters : parameters of the model.
    num_active_parameters : parameters that each token meets.
    num_accelerators : accelerators of the run.
    tokens : training tokens of the whole run.
    batch_sequences : sequences per step.
    sequence : tokens per sequence.
    precision : precision of the matrix products.
    flop_convention : what counts as a model FLOP.
    seed : seed of every random draw.
    candidates : in rank order.
    refused : candidates that cannot carry the run.
    winner : name of the first candidate; empty when all are refused.
    verdict : the answer in words.
    low_grade_inputs : inputs with weak evidence on which the answer rests, in sentences.
    """

    study: str
    netloom_version: str
    model: str
    num_parameters: int
    num_active_parameters: int
    num_accelerators: int
    tokens: float
    batch_sequences: int
    sequence: int
    precision: str
    flop_convention: str
    seed: int
    candidates: tuple[Candidate, ...]
    refused: tuple[Refusal, ...]
    winner: str
    verdict: str
    low_grade_inputs: tuple[str, ...]
