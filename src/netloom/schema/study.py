"""The study file as data: what a user may ask, and nothing else.

Quantities are text with units in the file and SI floats here. Names of catalogue parts and of
fabric families are checked by `netloom.schema.load`, which knows line and column.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from netloom import units


def _quantity(dimension: str) -> BeforeValidator:
    def parse(raw: Any) -> Any:
        try:
            return units.parse(raw, dimension)
        except units.ParameterError as error:
            # pydantic collects ValueErrors; the loader splits message and hint again
            raise ValueError(f"{error.problem.message}\n{error.problem.hint}") from None

    return BeforeValidator(parse)


Rate = Annotated[float, _quantity("rate")]
Data = Annotated[float, _quantity("data")]
Time = Annotated[float, _quantity("time")]
Count = Annotated[float, _quantity("count")]
Power = Annotated[float, _quantity("power")]
Length = Annotated[float, _quantity("length")]
Fraction = Annotated[float, _quantity("fraction")]
EnergyPrice = Annotated[float, _quantity("energy price")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Goal(_Section):
    """What the run has to reach."""

    tokens: Count = Field(gt=0, description="Training tokens of the whole run.")
    batch_tokens: Count | None = Field(
        default=None, gt=0, description="Tokens per optimizer step; or give batch_sequences."
    )
    batch_sequences: int | None = Field(
        default=None, gt=0, description="Sequences per optimizer step; or give batch_tokens."
    )
    sequence: int = Field(gt=0, description="Tokens per sequence.")
    precision: Literal["bf16", "fp16", "fp8"] = Field(
        default="bf16", description="Precision of the matrix products."
    )


class Cluster(_Section):
    """What computes."""

    accelerators: int = Field(gt=0, description="Accelerators of the run.")
    node: str = Field(description="Catalogue node, such as dgx-h100.")
    nic: str = Field(description="Catalogue NIC, such as connectx-7.")
    nic_rate: Rate | None = Field(
        default=None, description="Rate of one NIC, one way; the NIC's own rate when left out."
    )
    nics_per_node: int | None = Field(
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
        description="`kind` of fabric family and its parameters; sizes that follow from the cluster may be left out."
    )
    switch: str = Field(description="Catalogue switch.")
    link_rate: Rate | None = Field(
        default=None, description="One logical link, one way; the NIC's rate over its planes when left out."
    )
    protocol: str = Field(description="Catalogue scale-out protocol.")
    media: Media = Field(default=Media(), description="Media of the cables.")
    nic: str | None = Field(default=None, description="Another NIC than the cluster's, for this candidate.")
    nic_rate: Rate | None = Field(default=None, description="Another NIC rate than the cluster's.")


class Search(_Section):
    """Bounds of the search over parallel plans; a list pins a dimension to its values."""

    tensor: tuple[int, ...] | None = Field(default=None, description="Tensor-parallel sizes.")
    context: tuple[int, ...] | None = Field(default=None, description="Context-parallel sizes.")
    pipeline: tuple[int, ...] | None = Field(default=None, description="Pipeline stages.")
    interleave: tuple[int, ...] | None = Field(default=None, description="Model chunks per stage.")
    expert: tuple[int, ...] | None = Field(default=None, description="Expert-parallel sizes.")
    micro_batch: tuple[int, ...] | None = Field(default=None, description="Sequences per microbatch.")
    recompute: tuple[Literal["none", "selective", "full"], ...] | None = Field(
        default=None, description="Activation recomputation."
    )
    sharding: tuple[Literal["none", "optimizer", "gradients", "parameters"], ...] | None = Field(
        default=None, description="What the data-parallel group shards (ZeRO 0 to 3)."
    )


class Layout(_Section):
    """Floor of the hall; defaults are those of a row-based AI hall."""

    rack_power: Power = Field(default=44e3, gt=0, description="Power of one rack.")
    racks_per_row: int = Field(default=20, gt=0, description="Racks side by side.")
    rack_width: Length = Field(default=0.6, gt=0, description="Width of one rack.")
    row_pitch: Length = Field(default=3.3, gt=0, description="From one row to the next.")
    rise: Length = Field(default=1.5, ge=0, description="From a port up to the tray, each end.")
    dressing: Length = Field(default=0.5, ge=0, description="Inside the rack, each end.")
    slack: Fraction = Field(default=0.1, ge=0, description="Added to the computed length.")


class Economics(_Section):
    """Money outside the parts."""

    prices: str = Field(default="market-2026", description="Catalogue price book.")
    site: str = Field(default="us-2026", description="Catalogue site costs.")
    adjust: dict[str, Fraction] = Field(
        default_factory=dict, description="Change of a class of prices, such as optics: -15%."
    )


class Reliability(_Section):
    """How the run meets failures."""

    rates: str = Field(default="llama3-h100", description="Catalogue failure rates.")
    checkpoint_interval: Time | None = Field(
        default=None, gt=0, description="Between checkpoints; the Young-Daly optimum when left out."
    )


class Study(_Section):
    """One study: one model, one goal, one cluster, candidate networks."""

    version: Literal[1] = Field(description="Version of this file format.")
    name: str = Field(min_length=1, description="Name of the study.")
    model: str = Field(description="Path of a Hugging Face config.json beside this file, or a catalogue model.")
    goal: Goal
    cluster: Cluster
    networks: tuple[Network, ...] = Field(min_length=1, description="Candidate networks.")
    search: Search = Field(default=Search(), description="Bounds of the search.")
    layout: Layout = Field(default=Layout(), description="Floor of the hall.")
    economics: Economics = Field(default=Economics(), description="Prices and site.")
    reliability: Reliability = Field(default=Reliability(), description="Failures and checkpoints.")
    seed: int = Field(default=0, ge=0, description="Seed of every random draw.")
