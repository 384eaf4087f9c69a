"""Goodput of published runs, from the catalogue's failure rates and what the sources state."""

from __future__ import annotations

import numpy as np

from netloom import catalog
from netloom.catalog.failure_rates import FailureRates
from netloom.failure.classes import RunPolicy
from netloom.failure.goodput import Policy, goodput
from netloom.failure.inventory import Exposure, Inventory
from netloom.failure.job import NetworkFailures, Saving, failure_classes
from netloom.failure.montecarlo import simulate
from netloom.result import Goodput
from netloom.schema.study import Reliability
from netloom.units import DAY_S
from netloom.validation.published import with_values

GPUS_PER_NODE = 8


def llama3_rates() -> FailureRates:
    """Return the rates of the Llama 3 run, those of its network left out."""
    part: FailureRates = catalog.get("failure-rates", "llama3-h100")
    return part


def rsc1_rates() -> FailureRates:
    """Return the rates of a research cluster of A100, everything in a node counted together."""
    part: FailureRates = catalog.get("failure-rates", "rsc1-a100")
    return part


def inventory(num_accelerators: int, *network: Exposure) -> Inventory:
    """Return a job on nodes of 8 accelerators with a NIC each."""
    return Inventory(num_accelerators, num_accelerators // GPUS_PER_NODE, num_accelerators, network)


def write_s(num_parameters: int, rates: FailureRates) -> float:
    """Return how long a checkpoint takes."""
    saved_bytes = num_parameters * float(rates.checkpoint_bytes_per_parameter)
    return saved_bytes / float(rates.storage_bytes_per_s)


def answer(
    job: Inventory,
    rates: FailureRates,
    checkpoint_write_s: float,
    checkpoint_interval_s: float | None = None,
) -> Goodput:
    """Return goodput; no published run tells how much of its step waits for the network."""
    return goodput(job, rates, Policy(checkpoint_interval_s, checkpoint_write_s, 0.0))


def node_failure_hours(per_1000_node_days: float, num_accelerators: int) -> float:
    """Return the mean hours between interruptions when only nodes fail, at a published rate."""
    rates = with_values(
        llama3_rates(),
        node_other_per_s=per_1000_node_days / 1000 / DAY_S,
        accelerator_per_s=0.0,
        nic_per_s=0.0,
        software_per_s=0.0,
    )
    # how long a checkpoint takes changes nothing in the rate of interruptions
    found = answer(inventory(num_accelerators), rates, checkpoint_write_s=1.0)
    return 24 / found.interruptions_per_day


def simulated_effective(job: Inventory, rates: FailureRates, checkpoint_write_s: float) -> float:
    """Return the median effective time of simulated runs of 54 days at their best interval."""
    network = NetworkFailures(job.network, {}, {}, {}, 0)
    # no published run tells how many replicas it had; a spare is always there, so none is needed
    saving = Saving(1.0, 1.0, 0.0, 1)
    policy = RunPolicy(None, checkpoint_write_s, job.num_nodes)
    classes = failure_classes(Reliability(), rates, job, network, saving, policy)
    return float(np.median(simulate(classes, policy, 54 * DAY_S, 1000).effective))
