"""The numbers by which a collective library rates its algorithms when it chooses one.

They are a library's beliefs about the hardware, not measurements of ours: a price never uses them,
only the choice does (`netloom.simulate.chooser`). A *generation* is a line of the library's tables.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from netloom.catalog.quantity import Count, Fraction, Rate


class Tuning(BaseModel):
    """Tables of one release; rates are of one accelerator or one channel, one way."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    generation: dict[str, str] = Field(
        description="Line of the tables that a scale-up part is looked up under, by its name."
    )
    scale_up_bytes_per_s: dict[str, Rate] = Field(
        description="What the library counts for all links of one accelerator, by scale-up part."
    )
    inside_channel_bytes_per_s: dict[str, tuple[Rate, ...]] = Field(
        description="Rates of one channel that the search of a single node tries, fastest first, "
        "by generation."
    )
    across_channel_bytes_per_s: dict[str, tuple[Rate, ...]] = Field(
        description="The same where a channel crosses the network."
    )
    max_channels: Count = Field(description="Most channels of one search.")
    double_from_bytes_per_s: Rate = Field(
        description="Channels at this rate or more are split in two."
    )
    few_channels: Count = Field(
        description="With more channels than these, double_many_from_bytes_per_s decides instead."
    )
    double_many_from_bytes_per_s: dict[str, Rate] = Field(
        description="Rate from which many channels are split in two, by generation."
    )
    channel_cap_bytes_per_s: dict[str, dict[str, tuple[Rate, Rate, Rate]]] = Field(
        description="Most of one channel on one, two and more nodes, by algorithm and protocol, "
        "then by generation."
    )
    inside_ll_cap_bytes_per_s: dict[str, Rate] = Field(
        description="Most that the LL protocol reaches in a single node, by generation."
    )
    across_ll_cap_bytes_per_s: tuple[Rate, Rate] = Field(
        description="Most that the LL protocol reaches on two and on more nodes; set by the host."
    )
    protocol_factor: dict[str, Fraction] = Field(
        description="Share of the channels' rate that is left, by algorithm and protocol."
    )
    tree_factor: Fraction = Field(description="Share that a tree reaches, any protocol.")
    tree_ll128_inside_factor: Fraction = Field(
        description="Share that tree/ll128 reaches in a single node, in place of protocol_factor."
    )
    tree_pattern_factor: dict[str, Fraction] = Field(
        description="Share left where all traffic of a tree enters a node at one accelerator, by "
        "generation."
    )
    collnet_direct_factor: dict[str, Fraction] = Field(
        description="Share that an all-reduce by collnet-direct reaches, by generation."
    )
    collnet_gather_factor: Fraction = Field(
        description="Share of the network's rate that an all-gather or reduce-scatter by "
        "collnet-direct reaches."
    )
    pat_factor: Fraction = Field(description="Share that parallel aggregated trees reach.")
    nvls_efficiency: dict[str, Fraction] = Field(
        description="Share of a channel that reduction in the scale-up switches reaches, by "
        "generation; algorithms that need it are not offered to a generation without one."
    )
    tree_corrected_sizes: Count = Field(
        description="Entries of tree_correction that a tree uses; larger sizes keep everything."
    )
    nvls_tree_corrected: tuple[str, ...] = Field(
        description="Generations whose nvls-tree is corrected like a tree, by all entries."
    )
    tree_correction: dict[str, tuple[Fraction, ...]] = Field(
        description="Share of its bandwidth that a tree all-reduce keeps, by protocol; entry i is "
        "for sizes from 64 B times two to the i."
    )
