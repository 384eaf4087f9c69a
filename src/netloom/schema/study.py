"""The study file as data: what a user may ask, and nothing else.

Quantities are text with units in the file and SI floats here. `netloom.schema.load` adds line and
column to whatever a model here refuses; names of catalogue parts and of fabric families are
checked by `netloom.resolve`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from netloom.schema.values import (
    Count,
    Fraction,
    Length,
    Money,
    Power,
    Rate,
    Switches,
    Time,
    Whole,
    refuse,
)

#: Classes of prices that a study can move together; the groups of the bill of materials.
PriceClass = Literal["nodes", "nics", "switches", "optics", "cables", "installation"]

#: Kernels count on from a seed in 64 bits, and every JSON reader holds whole numbers up to here.
LARGEST_SEED = 2**53


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Goal(_Section):
    """What the run has to reach."""

    tokens: Count = Field(gt=0, description="Training tokens of the whole run.")
    batch_tokens: Count | None = Field(
        default=None, gt=0, description="Tokens per optimizer step; or give batch_sequences."
    )
    batch_sequences: Whole | None = Field(
        default=None, gt=0, description="Sequences per optimizer step; or give batch_tokens."
    )
    sequence: Whole = Field(gt=0, description="Tokens per sequence.")
    precision: Literal["bf16", "fp16", "fp8", "mxfp8", "fp4", "nvfp4"] = Field(
        default="bf16",
        description="Precision of the matrix products; fp8 and fp4 cast each tensor as a whole, "
        "mxfp8 and nvfp4 blocks of elements, and keep a copy of the weights in these.",
    )

    @property
    def num_batch_sequences(self) -> int:
        """Sequences per optimizer step, however the batch was given."""
        if self.batch_sequences is not None:
            return self.batch_sequences
        assert self.batch_tokens is not None  # one of the two is there, see _one_batch
        return round(self.batch_tokens / self.sequence)

    @model_validator(mode="after")
    def _one_batch(self) -> Goal:
        if self.batch_tokens is None and self.batch_sequences is None:
            refuse(
                "the batch has no size",
                "add batch_tokens, such as 16777216, or batch_sequences, such as 2048",
            )
        if self.batch_tokens is not None and self.batch_sequences is not None:
            refuse(
                "batch_tokens and batch_sequences both set the size of the batch",
                "keep one of the two",
                key="batch_sequences",
            )
        if self.batch_tokens is not None and self.batch_tokens % self.sequence:
            refuse(
                f"a batch of {self.batch_tokens:.17g} tokens is no whole number of sequences "
                f"of {self.sequence}",
                _whole_batches(self.batch_tokens, self.sequence),
                key="batch_tokens",
            )
        if self.tokens < self.num_batch_sequences * self.sequence:
            refuse("the goal is less than one batch", "give tokens of the whole run", key="tokens")
        return self


def _whole_batches(tokens: float, sequence: int) -> str:
    """Return a hint with the batches nearest to some tokens that are whole sequences."""
    below = int(tokens // sequence)
    choices = [f"{count * sequence} ({count:,} sequences)" for count in (below, below + 1) if count]
    # "16M" is often said of 16 x 2**20 tokens
    binary = tokens / 1e6 * 2**20
    if tokens % 1e6 == 0 and binary % sequence == 0:
        count = int(binary) // sequence
        choices.insert(0, f"{int(binary)} ({count:,} sequences, {int(tokens / 1e6)}Mi)")
    return f"write {' or '.join(choices)}"


class Cluster(_Section):
    """What computes."""

    accelerators: Whole = Field(gt=0, le=2**22, description="Accelerators of the run.")
    node: str = Field(description="Catalogue node, such as dgx-h100.")
    nic: str = Field(description="Catalogue NIC, such as connectx-7.")
    software: str = Field(
        default="nemo-25.04",
        description="Catalogue training software, which rates the kernels, or the path of a part's "
        "file, such as ./software.yaml.",
    )
    nic_rate: Rate | None = Field(
        default=None,
        gt=0,
        description="Rate of one NIC, one way; the NIC's own rate when left out.",
    )
    nics_per_node: Whole | None = Field(
        default=None, gt=0, description="NICs per node; the node's own count when left out."
    )


class Media(_Section):
    """Which media join the tiers: a catalogue medium, or 'auto' for the cheapest that reaches."""

    host: str = Field(default="auto", description="Between NIC and first switch.")
    trunk: str = Field(default="auto", description="Between switches.")


class Network(_Section):
    """One candidate network."""

    name: str = Field(min_length=1, description="Name in the answer; unique in the study.")
    fabric: dict[str, Any] = Field(
        description="`kind` of fabric family and its parameters; sizes that follow from the "
        "cluster may be left out."
    )
    switch: Switches = Field(
        description="Catalogue switch; or one for each tier, the tier with the hosts first."
    )
    link_rate: Rate | None = Field(
        default=None,
        gt=0,
        description="One logical link, one way; the NIC's rate over its planes when left out.",
    )
    protocol: str = Field(description="Catalogue scale-out protocol.")
    media: Media = Field(default=Media(), description="Media of the cables.")
    nic: str | None = Field(
        default=None, description="Another NIC than the cluster's, for this candidate."
    )
    nic_rate: Rate | None = Field(
        default=None, gt=0, description="Another NIC rate than the cluster's."
    )


Sizes = tuple[Annotated[Whole, Field(gt=0)], ...]

#: Parallel dimensions that a rank has a coordinate in, in the usual order from the inside out.
Dimension = Literal["tensor", "context", "data", "pipeline"]
_DIMENSIONS: tuple[Dimension, ...] = ("tensor", "context", "data", "pipeline")


class Search(_Section):
    """Bounds of the search over parallel plans; a list pins a dimension to its values."""

    tensor: Sizes | None = Field(
        default=None,
        min_length=1,
        description="Tensor-parallel sizes; all that fit when left out, and so below.",
    )
    context: Sizes | None = Field(default=None, min_length=1, description="Context-parallel sizes.")
    pipeline: Sizes | None = Field(default=None, min_length=1, description="Pipeline stages.")
    interleave: Sizes | None = Field(
        default=None, min_length=1, description="Model chunks per stage."
    )
    expert: Sizes | None = Field(default=None, min_length=1, description="Expert-parallel sizes.")
    micro_batch: Sizes | None = Field(
        default=None, min_length=1, description="Sequences per microbatch."
    )
    recompute: tuple[Literal["none", "selective", "full", "offload"], ...] | None = Field(
        default=None,
        min_length=1,
        description="Activations computed again in backward, or moved to the host's memory.",
    )
    sharding: tuple[Literal["none", "optimizer", "gradients", "parameters"], ...] | None = Field(
        default=None, min_length=1, description="What the data-parallel group shards (ZeRO 0 to 3)."
    )
    expert_tensor: Sizes | None = Field(
        default=None,
        min_length=1,
        description="Tensor ranks that split a routed expert: 1, or the tensor size, which is "
        "taken when left out; a pinned expert size that data and context cannot carry makes it 1.",
    )
    context_kind: tuple[Literal["ring", "all-gather", "ulysses"], ...] | None = Field(
        default=None,
        min_length=1,
        description="How context ranks share attention: keys and values go round (when left out), "
        "are gathered before, or each rank takes all tokens of some heads.",
    )
    shard_group: Sizes | None = Field(
        default=None,
        min_length=1,
        description="Data and context ranks that what is sharded is spread over (HSDP); all of "
        "them when left out.",
    )
    order: tuple[Dimension, ...] = Field(
        default=_DIMENSIONS,
        description="Order of the dimensions onto ranks, the innermost first; experts lie "
        "innermost inside data and context.",
    )

    @property
    def pinned(self) -> dict[str, tuple[int | str, ...]]:
        """The dimensions that the user bounds, with their values."""
        return {name: sizes for name, sizes in self if name != "order" and sizes is not None}

    @model_validator(mode="after")
    def _each_dimension_once(self) -> Search:
        missing = [name for name in _DIMENSIONS if name not in self.order]
        twice = [name for name in _DIMENSIONS if self.order.count(name) > 1]
        if missing or twice:
            wrong = [f"{name} is missing" for name in missing]
            wrong += [f"{name} is written more than once" for name in twice]
            # what is there keeps its order, what is missing goes where it usually is
            kept = list(dict.fromkeys(self.order))
            for name in missing:
                kept.insert(min(len(kept), _DIMENSIONS.index(name)), name)
            refuse(", ".join(wrong), f"write order: [{', '.join(kept)}]", key="order")
        return self


Lengths = tuple[Annotated[Length, Field(gt=0)], ...]


class Layout(_Section):
    """Floor of the hall; defaults are those of a row-based AI hall."""

    rack_power: Power = Field(default=44e3, gt=0, description="Power of one rack.")
    rack_units: Whole = Field(default=48, gt=0, description="Height of one rack, rack units.")
    nodes_per_rack: Whole | None = Field(
        default=None,
        gt=0,
        description="Nodes of one rack at most; as in the node's reference layout when left out.",
    )
    racks_per_row: Whole | None = Field(
        default=None,
        gt=0,
        description="Racks side by side; when left out, as many as make the hall square, 20 at "
        "least.",
    )
    rack_width: Length = Field(default=0.6, gt=0, description="Width of one rack.")
    row_pitch: Length = Field(default=3.3, gt=0, description="From one row to the next.")
    rise: Length = Field(default=1.5, ge=0, description="From a port up to the tray, each end.")
    dressing: Length = Field(default=0.5, ge=0, description="Inside the rack, each end.")
    slack: Fraction = Field(default=0.1, ge=0, description="Added to the computed length.")
    copper_lengths: Lengths = Field(
        default=(0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0),
        min_length=1,
        description="Lengths in which copper cables are stocked.",
    )
    fibre_lengths: Lengths = Field(
        default=(
            3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0, 150.0, 200.0, 300.0, 500.0, 1000.0,
            2000.0,
        ),
        min_length=1,
        description="Lengths in which fibres and active optical cables are stocked.",
    )  # fmt: skip
    longest_cable: Length = Field(
        default=2000.0, gt=0, description="Longest cable that may be pulled."
    )

    @model_validator(mode="after")
    def _ascending(self) -> Layout:
        for key in ("copper_lengths", "fibre_lengths"):
            lengths = getattr(self, key)
            if list(lengths) != sorted(set(lengths)):
                refuse(
                    "lengths are not ascending", "write each length once, the shortest first", key
                )
        return self


class Economics(_Section):
    """Money outside the parts."""

    prices: str = Field(default="market-2026", description="Catalogue price book.")
    site: str = Field(default="us-2026", description="Catalogue site costs.")
    adjust: dict[PriceClass, Annotated[Fraction, Field(gt=-1)]] = Field(
        default_factory=dict, description="Change of a class of prices, such as optics: -15%."
    )
    quotes: dict[str, Annotated[Money, Field(ge=0)]] = Field(
        default_factory=dict,
        description="Price of one part instead of the book's, such as switch/qm9700: 31 k$.",
    )
    rent: Money | None = Field(
        default=None,
        gt=0,
        description="One accelerator rented for one hour; what the price book has seen when left "
        "out.",
    )
    common: Annotated[Fraction, Field(ge=0, le=1)] | None = Field(
        default=None,
        description="Share of a price's uncertainty that all prices of its kind have in common; "
        "the price book's when left out.",
    )


class Reliability(_Section):
    """How the run meets failures."""

    rates: str = Field(default="llama3-h100", description="Catalogue failure rates.")
    checkpoint_interval: Time | None = Field(
        default=None, gt=0, description="Between checkpoints; the Young-Daly optimum when left out."
    )
    checkpoint: Literal["synchronous", "asynchronous", "in-memory"] = Field(
        default="synchronous",
        description="What a checkpoint stops the job for: the write to storage, or only the copy "
        "to the host's memory, from which it is written beside the work; in-memory ones are also "
        "read back from there unless several nodes fail at once. This and all keys below shape "
        "`netloom goodput`; `netloom plan` keeps to its closed form.",
    )
    storage_rate: Rate | None = Field(
        default=None,
        gt=0,
        description="At which storage takes checkpoints, all nodes together; that of the failure "
        "rates' part when left out.",
    )
    storage_every: Whole = Field(
        default=10, ge=1, description="Of in-memory checkpoints, every how many one is stored."
    )
    detection: Time | None = Field(
        default=None,
        ge=0,
        description="From a failure to its diagnosis; the part's own when left out, and so below.",
    )
    restart: Time | None = Field(
        default=None, ge=0, description="From diagnosis until steps run again."
    )
    repair_time: Time | None = Field(
        default=None, gt=0, description="Mean time until a broken part or node is back."
    )
    repair_crews: Whole | None = Field(
        default=None, gt=0, description="Repairs at a time; all at once when left out."
    )
    spares: Whole | None = Field(
        default=None, ge=0, description="Nodes that wait to step in; always one when left out."
    )
    without_spare: Literal["wait", "shrink"] = Field(
        default="wait",
        description="Whether the job waits for a node, or goes on with fewer data-parallel "
        "replicas until its next restart finds one.",
    )
    early_life: Time | None = Field(
        default=None, gt=0, description="For how long hardware is young; not at all when left out."
    )
    early_life_factor: Count = Field(
        default=3.0, ge=1, description="How many times as often young hardware fails."
    )
    early_life_shape: Fraction | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Shape of a Weibull hazard that falls to the usual rate over early life, in "
        "place of the factor.",
    )
    corruption_notice: Time | None = Field(
        default=None,
        gt=0,
        description="Mean time until silent corruption is noticed, which costs all work since; at "
        "once when left out.",
    )
    straggler_rate: Fraction = Field(
        default=0.0, ge=0, le=1, description="Nodes that turn slow, per node and year."
    )
    straggler_slowdown: Fraction = Field(
        default=0.1, ge=0, le=1, description="Lengthening of a step by a slow node."
    )
    straggler_notice: Time = Field(
        default=6 * 3600.0,
        gt=0,
        description="Mean time until a slow node is noticed; a restart then replaces it.",
    )
    flaps: Count = Field(
        default=0.0, ge=0, description="Flaps of one link in a year, which the job waits through."
    )
    flap_time: Time = Field(default=2.0, ge=0, description="Standstill of the job by one flap.")
    feed_nodes: Whole = Field(
        default=32, gt=0, description="Nodes that one power feed carries and takes down."
    )
    feed_failure_rate: Fraction = Field(
        default=0.0, ge=0, le=1, description="Failures of one power feed in a year."
    )


class Study(_Section):
    """One study: one model, one goal, one cluster, candidate networks."""

    version: Literal[1] = Field(description="Version of this file format.")
    name: str = Field(min_length=1, description="Name of the study.")
    model: str = Field(
        description="Path of a Hugging Face config.json beside this file, or a catalogue model."
    )
    goal: Goal
    cluster: Cluster
    networks: tuple[Network, ...] = Field(min_length=1, description="Candidate networks.")
    search: Search = Field(default=Search(), description="Bounds of the search.")
    layout: Layout = Field(default=Layout(), description="Floor of the hall.")
    economics: Economics = Field(default=Economics(), description="Prices and site.")
    reliability: Reliability = Field(default=Reliability(), description="Failures and checkpoints.")
    rank_by: Literal["run-cost", "days", "network-capex", "total-capex"] = Field(
        default="run-cost",
        description="What ranks the candidates: dollars or days of the run, or what is bought.",
    )
    seed: Whole = Field(default=0, ge=0, le=LARGEST_SEED, description="Seed of every random draw.")
