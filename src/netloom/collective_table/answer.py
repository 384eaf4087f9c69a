"""A whole question answered on one machine: the table, the intact fabric beside, jobs beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from netloom.collective.groups import Communicator
from netloom.collective_table.allocation import Allocation, Forwarding, allocate
from netloom.collective_table.jobs_file import JobEntry
from netloom.collective_table.losses import loss_of, lost_parts
from netloom.collective_table.machine import Machine
from netloom.collective_table.table import (
    Question,
    Spread,
    Table,
    call_of,
    network_model,
    spread,
    tabulate,
)
from netloom.errors import ParameterError
from netloom.simulate.jobs import JobTimes, payload_fraction, run_jobs
from netloom.simulate.placement import Placement

#: Name of the command line's own job among those beside it.
THIS_JOB = "this job"


@dataclass(frozen=True)
class Answer:
    """What is printed for one machine.

    Attributes
    ----------
    table : on the machine as asked for, lost parts out of it.
    intact : on the whole fabric; None when nothing is lost.
    lost : names of the parts as in the cable schedule.
    jobs : times of all jobs at the largest size; empty without a file of jobs.
    """

    table: Table
    intact: Table | None
    lost: tuple[str, ...]
    jobs: tuple[JobTimes, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the answer in plain values, SI units."""
        table, machine = self.table, self.table.machine
        return {
            "name": machine.name,
            "fabric": machine.fabric.kind,
            "endpoints": machine.fabric.num_endpoints,
            "protocol": machine.protocol.name,
            "scale_up": machine.scale_up.name,
            "nodes_used": table.num_nodes,
            "accelerators_per_node": machine.accelerators_per_node,
            "nics_per_node": machine.nics_per_node,
            "hashed": table.hashed,
            "routes": machine.routes or None,
            "lost": list(self.lost),
            "rows": self._rows(),
            "jobs": [_job_json(times) for times in self.jobs],
        }

    def _rows(self) -> list[dict[str, Any]]:
        beside = [None] * len(self.table.rows) if self.intact is None else self.intact.rows
        return [
            {
                "size_bytes": row.size_bytes,
                "algorithm": row.algorithm,
                **_spread_json("time_s", row.time_s),
                **_spread_json("algbw_bytes_per_s", row.algbw_bytes_per_s),
                **_spread_json("busbw_bytes_per_s", row.busbw_bytes_per_s),
                "limit": row.limit,
                "bound_s": row.bound_s,
                **({} if row.exact_s is None else _spread_json("exact_s", row.exact_s)),
                **(
                    {}
                    if intact is None
                    else _spread_json("intact_busbw_bytes_per_s", intact.busbw_bytes_per_s)
                ),
            }
            for row, intact in zip(self.table.rows, beside, strict=True)
        ]


def as_json(question: Question, wanted: Allocation, answers: Sequence[Answer]) -> dict[str, Any]:
    """Return what was asked and the answers of all machines in plain values."""
    communicator = question.communicator
    return {
        "operation": communicator.operation,
        "ranks": communicator.size,
        "stride": communicator.stride,
        "groups": question.num_ranks // communicator.size,
        "placement": wanted.order,
        "forwarding": wanted.forwarding,
        "library": question.library,
        "network_reduction": question.network_reduction,
        "chooser": question.chooser,
        "seed": question.seed,
        "seeds": question.num_seeds,
        "networks": [answer.as_json() for answer in answers],
    }


def _spread_json(name: str, values: Spread) -> dict[str, float]:
    return {name: values.mean, f"{name}_p10": values.low, f"{name}_p90": values.high}


def _job_json(times: JobTimes) -> dict[str, Any]:
    return {
        "name": times.name,
        **_spread_json("alone_s", spread(times.alone_s)),
        **_spread_json("together_s", spread(times.together_s)),
        **_spread_json("slowdown", spread(times.slowdown)),
    }


def answer(
    question: Question,
    machine: Machine,
    wanted: Allocation,
    lost: Sequence[str] = (),
    beside: Sequence[JobEntry] = (),
    routes: Path | None = None,
) -> Answer:
    """Return the answer on one machine.

    Parameters
    ----------
    lost : parts out of order, see `netloom.collective_table.losses`.
    beside : other jobs at the same time.
    routes : file of forwarding tables that flows follow.

    Raises
    ------
    ParameterError
        When ranks, parts or jobs do not fit the machine.
    InfeasibleError
        When a flow has no path, or static routes lead over a lost part.
    StudyError
        When the routes do not fit the fabric, with every line that is wrong.
    """
    placement = allocate(wanted, machine)
    parts = lost_parts(lost, machine.fabric, machine.nics_per_box)
    if routes is not None:
        machine = machine.routed_by(routes)
    left = machine.without(loss_of(parts)) if parts else machine
    return Answer(
        tabulate(question, left, placement),
        tabulate(question, machine, placement) if parts else None,
        tuple(part.name for part in parts),
        _side_by_side(question, left, placement, beside, wanted.forwarding) if beside else (),
    )


def _side_by_side(
    question: Question,
    machine: Machine,
    placement: Placement,
    beside: Sequence[JobEntry],
    forwarding: Forwarding,
) -> tuple[JobTimes, ...]:
    calls = [call_of(THIS_JOB, question, machine, placement)]
    taken = {int(each): THIS_JOB for each in _accelerators(placement, question.num_ranks)}
    for entry in beside:
        ranks = entry.ranks or len(entry.nodes) * (entry.per_node or machine.accelerators_per_node)
        other = replace(
            question,
            communicator=Communicator(entry.operation, ranks, 1),
            num_ranks=ranks,
            sizes_bytes=(entry.size,),
            algorithm=entry.algorithm,
            matrix=None,
        )
        where = allocate(
            Allocation(ranks, entry.per_node, entry.nodes, entry.placement, forwarding), machine
        )
        for accelerator in _accelerators(where, ranks):
            rival = taken.setdefault(int(accelerator), entry.name)
            if rival != entry.name:
                node, local = divmod(int(accelerator), machine.accelerators_per_node)
                raise ParameterError(
                    f"accelerator {local} of node {node} belongs to {rival} and to {entry.name}",
                    hint="give each job nodes of its own, or fewer ranks to a node",
                )
        calls.append(call_of(entry.name, other, machine, where, entry.start))
    model = network_model(question, machine, placement)
    return run_jobs(machine.fabric, calls, payload_fraction(model), model.hashing)


def _accelerators(placement: Placement, num_ranks: int) -> np.ndarray:
    return placement.accelerator(np.arange(num_ranks, dtype=np.int32))
