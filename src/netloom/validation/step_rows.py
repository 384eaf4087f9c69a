"""Published training steps, as rows that netloom can predict.

A blank size was not published: netloom chooses it, as its search would, and says what it chose.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from netloom import catalog, topology
from netloom.errors import ParameterError
from netloom.evaluate import LIBRARY
from netloom.resolve.rates import port_mode
from netloom.schema.study import Search
from netloom.search.best import Best, best_plan
from netloom.search.plans import PlanSpace, plan_matrix
from netloom.simulate.network import PLAIN_ALGORITHMS, NetworkModel
from netloom.simulate.step import StepModel
from netloom.workload.flops import training_flops_per_token
from netloom.workload.inputs import machine_inputs, shape_inputs, software_inputs
from netloom.workload.shape import TransformerShape, from_config, read_config

Role = Literal["test", "calibration"]

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class StepRow:
    """One measured step; fields are the columns of ``data/steps.csv``."""

    id: str
    role: Role
    source: str
    model: str
    node: str
    switch: str
    protocol: str
    fabric: str
    software: str
    precision: str
    accelerators: int
    sequence: int
    batch_sequences: int
    bounds: Search
    measured_step_s: float
    measured_flops_per_s: float
    flop_convention: str
    note: str

    def published_step_s(self, shape: TransformerShape) -> float:
        """Return the measured seconds, computed back from FLOP/s where only those were given."""
        if self.measured_step_s:
            return self.measured_step_s
        flops = training_flops_per_token(shape, self.sequence, self.flop_convention)  # type: ignore[arg-type]
        flops *= self.batch_sequences * self.sequence
        return flops / self.accelerators / self.measured_flops_per_s


#: Columns that pin a dimension of the plan.
_SIZES = ("tensor", "context", "pipeline", "interleave", "expert", "micro_batch")


def read_rows(path: Path) -> Iterator[StepRow]:
    """Yield the rows of a CSV file with the columns of `StepRow` and of the plan."""
    with path.open(newline="", encoding="utf-8") as file:
        for raw in csv.DictReader(file):
            yield _row(raw)


def _row(raw: dict[str, str]) -> StepRow:
    bounds: dict[str, Any] = {name: (int(raw[name]),) for name in _SIZES if raw[name]}
    bounds |= {name: (raw[name],) for name in ("sharding", "recompute") if raw[name]}
    return StepRow(
        **{name: raw[name] for name in _TEXTS},
        role="calibration" if raw["role"] == "calibration" else "test",
        accelerators=int(raw["accelerators"]),
        sequence=int(raw["sequence"]),
        batch_sequences=int(raw["batch_sequences"]),
        bounds=Search(**bounds),
        measured_step_s=float(raw["measured_step_s"] or 0),
        measured_flops_per_s=1e12 * float(raw["measured_tflops"] or 0),
    )


_TEXTS = (
    "id", "source", "model", "node", "switch", "protocol", "fabric", "software",
    "precision", "flop_convention", "note",
)  # fmt: skip


@cache
def shape_of(model: str) -> TransformerShape:
    """Return the shape of a model of ``data/models.yaml`` or of the catalogue."""
    known = yaml.safe_load((DATA / "models.yaml").read_text(encoding="utf-8"))
    if model in known:
        return from_config(known[model], model)
    return read_config(catalog.model_path(model))


def predict(row: StepRow) -> Best:
    """Return the fastest plan within a row's published sizes.

    Memory decides among plans where netloom chooses; a plan that was published ran, whatever our
    memory model says of it.
    """
    node = catalog.get("node", row.node)
    software = catalog.get("software", row.software)
    accelerator = catalog.get("accelerator", node.accelerator)
    shape = shape_of(row.model)
    model = StepModel(
        shape=shape_inputs(shape),
        machine=machine_inputs(accelerator, software, row.precision),  # type: ignore[arg-type]
        software=software_inputs(software),
        sequence=row.sequence,
        num_accelerators=row.accelerators,
    )
    space = PlanSpace(
        shape, row.accelerators, node.scale_up_domain, row.batch_sequences, row.sequence, row.bounds
    )
    network = _network(row.fabric, row.node, row.switch, row.protocol, row.accelerators)
    plans = plan_matrix(space)
    if len(plans) == 1:
        roomy = model.machine._replace(hbm_bytes=float("inf"))
        model = replace(model, machine=roomy)
    return best_plan(space, plans, model, network)


@cache
def _network(
    fabric: str, node_name: str, switch_name: str, protocol: str, num_accelerators: int
) -> NetworkModel:
    """Return the fabric that a row names, ``"kind key=value ..."``, ready to price messages."""
    kind, *settings = fabric.split()
    node, switch = catalog.get("node", node_name), catalog.get("switch", switch_name)
    nic_bytes_per_s = float(catalog.get("nic", node.nic).port_bytes_per_s)
    mode = port_mode(switch, nic_bytes_per_s)
    if mode is None:
        raise ParameterError(f"{switch_name} has no ports at the rate of {node.nic}")
    parameters = topology.sized(
        kind,
        hosts=num_accelerators // node.num_accelerators * node.nics_per_node,
        nics_per_node=node.nics_per_node,
        num_ports=mode.num_ports,
        link_bytes_per_s=nic_bytes_per_s,
        ports_per_cage=mode.ports_per_cage,
        given={key: int(value) for key, value in (text.split("=") for text in settings)},
    )
    return NetworkModel(
        topology.build(kind, parameters),
        catalog.get("protocol", protocol),
        catalog.get("scale-up", node.scale_up),
        node.scale_up_domain,
        node.nics_per_node,
        num_accelerators,
        catalog.get("collective-library", LIBRARY),
        algorithms=PLAIN_ALGORITHMS,
    )
