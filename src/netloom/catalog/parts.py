"""What is known of each kind of part: one frozen model per kind.

Every number is a `Quantity` in SI units and every field has a sentence; a part's YAML file cannot
leave out the evidence. Fields that are no measured numbers (names, layouts, port counts fixed by
the design) are plain.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from netloom.catalog.entry import Entry
from netloom.catalog.quantity import (
    Count,
    Data,
    FlopRate,
    Fraction,
    Frequency,
    Length,
    Power,
    Rate,
    Time,
    TimePerLength,
)
from netloom.catalog.tuning import Tuning

Precision = Literal["bf16", "fp16", "fp8", "fp4"]


class Part(Entry):
    """What every part has."""

    vendor: str = Field(description="Maker, or 'multi-vendor' where two or more sell it.")


class Accelerator(Part):
    """One accelerator package."""

    peak_flops_per_s: dict[Precision, FlopRate] = Field(
        description="Dense peak per package, by precision."
    )
    hbm_bytes: Data = Field(description="Memory of one package.")
    hbm_bytes_per_s: Rate = Field(description="Memory bandwidth of one package.")
    power_w: Power = Field(description="Thermal design power of one package.")
    host_bytes_per_s: Rate = Field(
        description="To the host's memory, one way, as large copies sustain."
    )
    num_multiprocessors: int = Field(
        description="Multiprocessors that share a matrix product's tiles."
    )


class ScaleUp(Part):
    """A protocol inside a node or rack: NVLink, Infinity Fabric, UALink and their kin."""

    bytes_per_s: Rate = Field(
        description="Per accelerator, one way; vendors quote both ways added."
    )
    efficiency: Fraction = Field(
        description="Share of bytes_per_s that a ring collective's bus bandwidth reaches."
    )
    hop_latency_s: Time = Field(
        description="Least time of one message to a neighbour inside the domain: links, switches "
        "and the write, whatever the library adds."
    )
    topology: Literal["switched", "full-mesh", "torus"] = Field(
        description="How a domain is wired."
    )
    in_network_reduction: bool = Field(
        default=False, description="Whether its switches can reduce and copy (NVLS and kin)."
    )
    reduction_efficiency: Fraction | None = Field(
        default=None,
        description="Share of bytes_per_s that an accelerator sends when the switches reduce; the "
        "ring's efficiency where nobody measured it.",
    )
    open_standard: bool = Field(
        description="Whether a standard that several vendors may build defines it."
    )


class Nic(Part):
    """A network adapter."""

    port_bytes_per_s: Rate = Field(description="One port at its full rate, one way.")
    num_ports: int = Field(description="Ports of the card at that rate.")
    power_w: Power = Field(description="Card without its optics.")
    protocols: tuple[str, ...] = Field(description="Scale-out protocols it speaks.")


class Node(Part):
    """A server or rack-scale system that is bought as one."""

    accelerator: str = Field(description="Catalogue name of its accelerator.")
    num_accelerators: int = Field(
        description="Accelerators in one node, which is one scale-up domain unless "
        "scale_up_domain says more.",
    )
    scale_up: str = Field(description="Catalogue name of the protocol inside.")
    scale_up_domain: int = Field(
        description="Accelerators that reach each other over the scale-up protocol."
    )
    nic: str = Field(
        description="Catalogue name of the NICs it is delivered with, which its price includes."
    )
    nics_per_node: int = Field(description="Scale-out NICs as delivered.")
    power_w: Power = Field(
        description="Maximum draw of the whole node, accelerators and NICs included, optics not."
    )
    height_u: int = Field(description="Rack units.")
    nodes_per_rack: int = Field(
        description="Nodes in one rack as the vendor's reference layout has it."
    )


class PortMode(BaseModel):
    """One way in which a switch's cages can be run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_ports: int = Field(description="Logical ports of the box in this mode.")
    rate: str = Field(description="Rate of one logical port, one way, as text with its unit.")
    ports_per_cage: int = Field(
        description="Logical ports that share one cage, and so one cable when both ends do."
    )


class Switch(Part):
    """A switch box."""

    silicon_vendor: str = Field(
        default="",
        description="Maker of its switch chips, on whom every maker of the box depends; empty "
        "where it has none.",
    )
    capacity_bytes_per_s: Rate = Field(
        description="Of the box, one way; some vendors quote both ways added."
    )
    lane_rate: str = Field(
        description="Fastest electrical lane of its cages, as text with its unit; media with other "
        "lanes are not chosen for it."
    )
    port_modes: tuple[PortMode, ...] = Field(
        min_length=1, description="Ways to run the box; never mixed inside one."
    )
    protocols: tuple[str, ...] = Field(description="Scale-out protocols it speaks.")
    power_w: Power = Field(
        description="Box without pluggable optics, typical; co-packaged engines included."
    )
    latency_s: Time = Field(description="Port to port.")
    height_u: int = Field(description="Rack units.")
    co_packaged_optics: bool = Field(
        default=False, description="Whether optics are inside: its trunks need no pluggables."
    )
    circuits: bool = Field(
        default=False,
        description="Whether it joins ports in pairs by light instead of switching packets; such "
        "ports carry any rate, and no signal ends in them.",
    )
    annual_failure_rate: Frequency = Field(description="Critical failures of one box.")


class Interface(BaseModel):
    """One way in which light leaves a module, and the cables that a module then ends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="What two modules must share to be joined, such as 400g-dr4.")
    num_cables: int = Field(description="Cables of that interface that one module ends.")


class Medium(Part):
    """A way to join two ports: copper cable, active cable, or a pair of pluggables with fibre."""

    technology: Literal[
        "dac", "acc", "aec", "aoc", "dsp-optics", "lro", "lpo", "cpo", "backplane"
    ] = Field(description="Family of the medium.")
    optical: bool = Field(
        description="Whether light leaves the port; counts as transceivers when pluggable."
    )
    pluggable_ends: int = Field(
        description="Transceivers per cable that are bought apart: 2 for pluggables, 0 for "
        "cables sold whole.",
    )
    interfaces: tuple[Interface, ...] = Field(
        default=(),
        description="How light leaves one module, its own cable first, then what it breaks out "
        "to; empty for cables sold whole.",
    )
    connectors: int = Field(
        default=1,
        description="Fibre connectors of one module; more cables than connectors need a splitter.",
    )
    splitter_reach_m: Length | None = Field(
        default=None, description="Longest cable behind a splitter, where a module can have one."
    )
    rate: str = Field(description="Rate of one cable, one way, as text with its unit.")
    lane_rate: str = Field(description="Rate of one electrical lane, as text with its unit.")
    reach_m: Length = Field(description="Longest cable.")
    power_per_end_w: Power = Field(description="One end at full rate.")
    latency_per_end_s: Time = Field(description="Retiming and conversion of one end.")
    propagation_s_per_m: TimePerLength = Field(description="Of the copper or glass.")
    annual_failure_rate_per_end: Frequency = Field(description="Hard failures of one end.")
    standards: tuple[str, ...] = Field(
        default=(), description="Open standards it follows: IEEE, OIF, LPO MSA."
    )


class Protocol(Part):
    """A scale-out protocol with its transport: InfiniBand, RoCE in its variants, UEC."""

    framing_efficiency: Fraction = Field(description="Payload share of line rate at the usual MTU.")
    transport_efficiency: Fraction = Field(
        description="Share of payload rate that long ring collectives sustain without contention."
    )
    base_latency_s: Time = Field(description="End to end through one switch, small message.")
    hop_latency_s: Time = Field(
        description="Added by each further switch as measured, cable and error correction "
        "included; studies add it up from their own switches and media.",
    )
    fec_latency_s: Time = Field(
        description="Of one link's forward error correction, both ends together."
    )
    load_balancing: Literal["hash", "adaptive", "spray"] = Field(
        description="How flows choose among equal paths."
    )
    in_network_reduction: bool = Field(description="Whether switches can reduce (SHARP and kin).")
    open_standard: bool = Field(
        description="Whether two or more vendors' switches interoperate in it."
    )
    standards: tuple[str, ...] = Field(
        default=(), description="The standards, where it is open: IEEE, IBTA, UEC."
    )
    max_endpoint_addresses: int = Field(
        default=0,
        description="Addresses of one subnet for endpoints and switches; 0 when no limit bites.",
    )


class CollectiveLibrary(Part):
    """The tuning model of one release of a collective communication library.

    Keys are ``'algorithm/protocol'``, such as ``'ring/simple'``; every algorithm that the library
    is asked for needs the same protocols in all four tables.
    """

    version: str = Field(description="Release whose constants these are.")
    base_latency_s: dict[str, Time] = Field(description="Of one call, by algorithm and protocol.")
    scale_up_latency_s: dict[str, Time] = Field(
        description="Of one step inside a node, by algorithm and protocol."
    )
    network_latency_s: dict[str, Time] = Field(
        description="Of one step between nodes, by algorithm and protocol."
    )
    bandwidth_factor: dict[str, Fraction] = Field(
        description="Share of the bus bandwidth that is left, by algorithm and protocol."
    )
    two_node_tree_factor: Fraction = Field(
        description="Share of a tree's rate that is left on two nodes, where every byte would have "
        "to cross only once each way.",
    )
    network_overhead_s: dict[str, Time] = Field(
        description="Least time of a ring's step when the ring spans nodes, by protocol."
    )
    local_latency_s: dict[str, Time] = Field(
        default_factory=dict,
        description="Of one step that a rank takes by itself, by algorithm and protocol, for "
        "algorithms that have such steps.",
    )
    plateau_latency_factor: Count = Field(
        description="Latency of a large ring/simple all-reduce across nodes over that of a small "
        "one.",
    )
    plateau_bytes_per_rank: Data = Field(
        description="Size over ranks from which the plateau factor holds."
    )
    queue_pairs: Count = Field(
        description="Queue pairs per connection, over which a message is split and which are "
        "hashed apart.",
    )
    barrier_as: str = Field(
        default="barrier",
        description="Operation on an empty buffer that a barrier is carried out as.",
    )
    tuning: Tuning | None = Field(
        default=None,
        description="How the library chooses an algorithm; none where no chooser is published.",
    )
