"""Classes of failure: how often, and what each does to the job; and how the job meets them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from netloom.errors import ParameterError
from netloom.failure.early_life import GROWN_UP, EarlyLife
from netloom.failure.evidence import Rate

#: What follows the cause of parts whose loss stops a job that the loss of their like slows.
LAST_PATH = ", the last path"

#: Failures stop the job, make it slower until repaired, or corrupt it unseen.
Effect = Literal["interrupts", "slows", "corrupts"]


@dataclass(frozen=True)
class FailureClass:
    """Parts of one class.

    Attributes
    ----------
    cause : what to call it in a report.
    num_parts : parts of the class.
    rate : failures of one part.
    effect : what a failure does.
    detection_s, restart_s : standstill until it is diagnosed, and until steps run again.
    repair_s : mean time until the part is back.
    num_nodes : nodes that hang on the part and are out of the job until then.
    slowdown_fraction : lengthening of a step while one is broken; of those that slow.
    notice_s : mean time until somebody notices that it slows or corrupts; 0 at once.
    moved : whether the job restarts on purpose to get off the part.
    avoidable : whether a restart takes the job off the part.
    loses_memory : whether copies of the state in memory are lost with the part.
    ages : whether young parts fail more often.
    """

    cause: str
    num_parts: int
    rate: Rate
    effect: Effect = "interrupts"
    detection_s: float = 0.0
    restart_s: float = 0.0
    repair_s: float = 86400.0
    num_nodes: int = 0
    slowdown_fraction: float = 0.0
    notice_s: float = 0.0
    moved: bool = False
    avoidable: bool = False
    loses_memory: bool = False
    ages: bool = True

    def __post_init__(self) -> None:
        times = (self.detection_s, self.restart_s, self.notice_s)
        if self.num_parts < 0 or self.num_nodes < 0 or not min(times) >= 0:
            raise ParameterError(f"{self.cause}: counts and times cannot be negative")
        if not self.repair_s > 0:
            raise ParameterError(
                f"{self.cause}: a repair in {self.repair_s} s is not possible",
                hint="write a repair_time such as 1 day",
            )
        if not self.slowdown_fraction >= 0:
            raise ParameterError(
                f"{self.cause}: a slowdown of {self.slowdown_fraction} is not possible"
            )
        if self.effect == "corrupts" and not self.notice_s > 0:
            raise ParameterError(
                f"{self.cause}: what is noticed at once corrupts nothing",
                hint="let it interrupt the job, or give the time until it shows",
            )

    @property
    def kind(self) -> str:
        """What the part is, whether or not it is a last path: parts of a kind fail alike."""
        return self.cause.removesuffix(LAST_PATH)

    @property
    def events_per_s(self) -> float:
        """Failures of all parts at the most likely rate."""
        return self.num_parts * self.rate.per_s


@dataclass(frozen=True)
class RunPolicy:
    """How the run meets failures.

    Attributes
    ----------
    interval_s : work between checkpoints; the best one when None.
    stall_s : standstill at each checkpoint.
    storage_every : every how many checkpoints one goes to storage; the others stay in memory.
    storage_lag_s : from the end of the stall until the copy in storage can be used.
    num_nodes : of the job.
    nodes_per_replica : nodes of one data-parallel replica.
    num_spares : nodes that wait; None for always one.
    shrinks : whether the job goes on with fewer replicas where a node is missing.
    num_crews : repairs at a time; None for all at once.
    flaps_fraction : standstill by flaps of links over time of work.
    early_life : of hardware.
    """

    interval_s: float | None
    stall_s: float
    num_nodes: int
    storage_every: int = 1
    storage_lag_s: float = 0.0
    nodes_per_replica: float = 1.0
    num_spares: int | None = None
    shrinks: bool = False
    num_crews: int | None = None
    flaps_fraction: float = 0.0
    early_life: EarlyLife = GROWN_UP

    def __post_init__(self) -> None:
        if self.interval_s is not None and not self.interval_s > 0:
            raise ParameterError(
                f"a checkpoint interval of {self.interval_s} s is not positive",
                hint="write it like 30 min",
            )
        if not self.stall_s >= 0 or not self.storage_lag_s >= 0 or not self.flaps_fraction >= 0:
            raise ParameterError("stalls, lags and flaps cannot be negative")
        if self.storage_every < 1 or self.num_nodes < 1 or not self.nodes_per_replica > 0:
            raise ParameterError("checkpoints, nodes and replicas are counted from 1")
        if (self.num_spares or 0) < 0:
            raise ParameterError(
                f"{self.num_spares} spares are not possible", hint="give 0 or more"
            )
        if self.num_crews is not None and self.num_crews < 1:
            raise ParameterError("without a crew nothing is ever repaired", hint="give 1 or more")
