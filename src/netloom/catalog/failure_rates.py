"""What is known of failures: rates of a running job's parts, and times to come back."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from netloom.catalog.parts import Part
from netloom.catalog.quantity import Data, Frequency, Quantity, Rate, Time


class CountedFailures(BaseModel):
    """Failures of one component, counted over an exposure.

    What is known of the rate is the gamma distribution that Jeffreys' prior (shape 1/2) gives:
    shape events + 1/2, over the exposure.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    part: Literal["accelerator", "node", "nic", "job"] = Field(
        description="What is counted: the component of each accelerator, of the rest of each node "
        "or of each NIC; or software, counted per accelerator."
    )
    events: int = Field(ge=0, description="Interruptions counted.")
    exposure_s: Time = Field(description="Parts times time under watch.")
    silent: bool = Field(
        default=False, description="Whether it corrupts results before anybody notices."
    )

    @field_validator("exposure_s")
    @classmethod
    def _not_empty(cls, exposure_s: Quantity) -> Quantity:
        if not exposure_s.low > 0:
            raise ValueError(
                "an empty exposure says nothing about a rate\n"
                "write parts times time, such as 884736 days for 16,384 parts in 54 days"
            )
        return exposure_s


class FailureRates(Part):
    """How often the parts of a running job fail, and what it takes to come back."""

    accelerator_per_s: Frequency = Field(
        description="Job-interrupting events of one accelerator, memory included."
    )
    node_other_per_s: Frequency = Field(
        description="Of the rest of one node: host, PSU, disk, fans, maintenance."
    )
    nic_per_s: Frequency = Field(description="Of one NIC.")
    software_per_s: Frequency = Field(description="Software interruptions, per accelerator.")
    components: dict[str, CountedFailures] = Field(
        default_factory=dict,
        description="The same interruptions by component, as counted; whole runs are simulated "
        "with these where there are any, else with the four rates.",
    )
    detection_s: Time = Field(description="From the event until it is noticed and diagnosed.")
    restart_s: Time = Field(
        description="From diagnosis until steps run again, checkpoint load included."
    )
    repair_s: Time = Field(
        description="From a network part's failure that traffic routes around until it is replaced."
    )
    checkpoint_bytes_per_parameter: Data = Field(description="Saved state per parameter.")
    storage_bytes_per_s: Rate = Field(
        description="Rate at which the storage takes a checkpoint; the job waits for it."
    )

    @field_validator("accelerator_per_s", "node_other_per_s", "nic_per_s", "software_per_s")
    @classmethod
    def _possible(cls, rate_per_s: Quantity) -> Quantity:
        if rate_per_s.low < 0:
            raise ValueError("a negative failure rate is not possible\nwrite 0 /year or more")
        return rate_per_s
