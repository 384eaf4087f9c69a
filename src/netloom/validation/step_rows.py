"""Published training steps, as rows that netloom can predict.

What a source leaves blank netloom chooses, as its search would, and says what it chose.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from netloom import catalog, topology
from netloom.catalog.parts import Node, Precision
from netloom.errors import InfeasibleError, ParameterError
from netloom.evaluate import LIBRARY
from netloom.kernels import inputs
from netloom.resolve.rates import port_mode
from netloom.schema.study import Search
from netloom.search.best import Best, best_plan
from netloom.search.given_plan import broken_rules, pinned_sizes
from netloom.search.plans import PlanSpace, plan_matrix
from netloom.simulate.expert_traffic import token_share
from netloom.simulate.network import PLAIN_ALGORITHMS, NetworkModel
from netloom.simulate.step import StepModel
from netloom.validation.step_rules.systems import System
from netloom.workload.inputs import machine_inputs, shape_inputs, software_inputs
from netloom.workload.shape import TransformerShape


@dataclass(frozen=True)
class StepRow:
    """One published step, in the catalogue's terms.

    Attributes
    ----------
    id, source, format : of the row, of its measurement, of the table that it is in.
    model : as the table writes it.
    software : part of the catalogue.
    stand_in : what that part stands in for; empty when it is the software itself.
    precision : of the matrix products, as the table writes it.
    peak : precision of the catalogue whose peak they are rated by.
    bounds : sizes that were published; None where netloom chooses.
    measured_step_s : seconds; 0 when the table has no measurement.
    note : what netloom does not take into account, and what stands in for what.
    """

    id: str
    source: str
    format: str
    model: str
    shape: TransformerShape
    system: System
    software: str
    stand_in: str
    precision: str
    peak: Precision
    accelerators: int
    sequence: int
    batch_sequences: int
    bounds: Search
    measured_step_s: float
    note: str


@dataclass(frozen=True)
class RefusedRow:
    """A row that netloom cannot predict, and why."""

    id: str
    source: str
    format: str
    model: str
    reason: str


@dataclass(frozen=True)
class Prediction:
    """A row's fastest plan within its published sizes.

    Attributes
    ----------
    chosen : what netloom chose, by dimension; sizes of 1 only where there was another choice.
    note : when no plan fits by our memory model, although the run did.
    """

    best: Best
    chosen: dict[str, int | str]
    note: str = ""

    @property
    def step_s(self) -> float:
        """Seconds of one step."""
        return float(self.best.priced.step[0])


def predict(row: StepRow) -> Prediction:
    """Return the fastest plan within a row's published sizes.

    Memory decides among plans where netloom chooses. A measured run did fit: when our memory model
    says that no plan does, the leanest is taken.

    Raises
    ------
    ParameterError
        When the software is not calibrated for the accelerator or the precision.
    InfeasibleError
        When no plan has the published sizes, or none fits and the row has no measurement.
    """
    model, network = model_and_network(row)
    domain = domain_of(catalog.get("node", row.system.node), row.accelerators)
    space = PlanSpace(
        row.shape, row.accelerators, domain, row.batch_sequences, row.sequence, row.bounds
    )
    plans = plan_matrix(space)
    if not len(plans) and (broken := broken_rules(space, pinned_sizes(row.bounds))):
        raise InfeasibleError("no plan has these sizes: " + "; ".join(broken))
    roomy = replace(model, machine=model.machine._replace(hbm_bytes=float("inf")))
    if len(plans) == 1:
        return Prediction(
            best_plan(space, plans, roomy, network), _chosen(plans[0], plans, row.bounds)
        )
    note = ""
    try:
        best = best_plan(space, plans, model, network)
    except InfeasibleError:
        if not len(plans) or not row.measured_step_s:
            raise
        best = best_plan(space, _leanest(plans, model), roomy, network)
        note = "no plan fits by netloom's memory model; the leanest is taken"
    return Prediction(best, _chosen(best.priced.plan, plans, row.bounds), note)


def model_and_network(row: StepRow) -> tuple[StepModel, NetworkModel]:
    """Return a row's step on its machines, and its fabric.

    Raises
    ------
    ParameterError
        When the software is not calibrated for the accelerator or the precision.
    """
    node = catalog.get("node", row.system.node)
    software = catalog.get("software", row.software)
    machine = machine_inputs(catalog.get("accelerator", node.accelerator), software, row.peak)
    if row.system.memory_gib:
        machine = machine._replace(hbm_bytes=row.system.memory_gib * 2.0**30)
    model = StepModel(
        shape=shape_inputs(row.shape),
        machine=machine,
        software=software_inputs(software),
        sequence=row.sequence,
        num_accelerators=row.accelerators,
    )
    domain = domain_of(node, row.accelerators)
    return model, _network(row.system, domain, row.accelerators, row.shape, row.software)


def domain_of(node: Node, num_accelerators: int) -> int:
    """Return the accelerators of one scale-up domain that a job uses.

    A job that does not fill whole racks takes equal parts of them, the largest that it splits into,
    so that groups of powers of two stay inside: 64 of the 72 of an NVL72.

    Examples
    --------
    >>> tray = catalog.get("node", "gb200-nvl72-tray")
    >>> [domain_of(tray, count) for count in (8, 256, 2304)]
    [8, 64, 72]
    """
    size = node.num_accelerators
    parts = [part for part in range(size, node.scale_up_domain + 1, size)]
    return max((part for part in parts if num_accelerators % part == 0), default=size)


def _leanest(plans: NDArray[np.int64], model: StepModel) -> NDArray[np.int64]:
    """Return the plan that needs the least memory, shape (1, 10)."""
    from netloom.kernels.step import BUFFERS, WEIGHTS

    # memory does not depend on what messages cost
    free = np.zeros((len(plans), len(inputs.PRICE_ROWS), 2))
    used = model.evaluate(plans, free)[:, WEIGHTS : BUFFERS + 1].sum(axis=1)
    return plans[np.argmin(used)][None]


#: Dimensions that follow from the others and from the batch.
_FOLLOWS = ("data", "num_micro_batches")


def _chosen(
    plan: NDArray[np.int64], plans: NDArray[np.int64], bounds: Search
) -> dict[str, int | str]:
    """Return what the row leaves open, as one plan has it.

    That is where plans differ, and where the other sizes leave nothing else but more than one.
    """
    pinned = pinned_sizes(bounds)
    names = {inputs.SHARDING: inputs.SHARDINGS, inputs.RECOMPUTE: inputs.RECOMPUTES}
    chosen: dict[str, int | str] = {}
    for column, dimension in enumerate(inputs.PLAN_COLUMNS):
        value = int(plan[column])
        forced = dimension not in pinned and column not in names and value > 1
        if dimension not in _FOLLOWS and (forced or len(np.unique(plans[:, column])) > 1):
            chosen[dimension] = names[column][value] if column in names else value
    return chosen


@cache
def _network(
    system: System,
    domain: int,
    num_accelerators: int,
    shape: TransformerShape,
    software: str,
) -> NetworkModel:
    """Return a row's fabric, ready to price messages."""
    kind, *settings = system.fabric.split()
    node, switch = catalog.get("node", system.node), catalog.get("switch", system.switch)
    nic_bytes_per_s = float(catalog.get("nic", node.nic).port_bytes_per_s)
    mode = port_mode(switch, nic_bytes_per_s)
    if mode is None:
        raise ParameterError(f"{system.switch} has no ports at the rate of {node.nic}")
    domain_nics = domain // node.num_accelerators * node.nics_per_node
    parameters = topology.sized(
        kind,
        hosts=-(-num_accelerators // domain) * domain_nics,
        nics_per_node=node.nics_per_node,
        num_ports=mode.num_ports,
        link_bytes_per_s=nic_bytes_per_s,
        ports_per_cage=mode.ports_per_cage,
        given={key: int(value) for key, value in (text.split("=") for text in settings)},
    )
    return NetworkModel(
        topology.build(kind, parameters),
        catalog.get("protocol", system.protocol),
        catalog.get("scale-up", node.scale_up),
        domain,
        domain_nics,
        num_accelerators,
        catalog.get("collective-library", LIBRARY),
        algorithms=PLAIN_ALGORITHMS,
        wire_protocols=catalog.get("software", software).wire_protocols,
        all_to_all_share=token_share(shape, catalog.get("software", software)),
    )
