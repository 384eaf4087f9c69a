"""The file of jobs that run at the same time, from YAML to data or to all that is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from netloom.collective import OPERATIONS
from netloom.collective_table.allocation import PACKED, node_numbers
from netloom.collective_table.sizes import sizes
from netloom.errors import ParameterError, Problem, StudyError, nearest
from netloom.schema import explain
from netloom.schema.document import read_document
from netloom.schema.values import Time, Whole, described, refuse


def _operation(name: str) -> str:
    if name not in OPERATIONS:
        refuse(f"unknown operation '{name}'", nearest(name, OPERATIONS))
    return name


def _size(raw: Any) -> float:
    try:
        found = sizes(str(raw))
    except ParameterError as error:
        refuse(error.problem.message, error.problem.hint)
    if len(found) != 1:
        refuse(f"{described(raw)} is {len(found)} sizes", "a job has one, such as 1G")
    return found[0]


def _nodes(raw: Any) -> tuple[int, ...]:
    try:
        return node_numbers(str(raw))
    except ParameterError as error:
        refuse(error.problem.message, error.problem.hint)


class JobEntry(BaseModel):
    """One job of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, description="Name in the answer.")
    operation: Annotated[str, AfterValidator(_operation)] = Field(
        description="Collective operation that the job calls."
    )
    size: Annotated[float, BeforeValidator(_size)] = Field(
        description="Of one call as nccl-tests counts it, such as 1G for 1 GiB."
    )
    nodes: Annotated[tuple[int, ...], BeforeValidator(_nodes)] = Field(
        description="Nodes that it has, such as 0-15,32-47."
    )
    ranks: Whole | None = Field(
        default=None, gt=0, description="Ranks; all accelerators of its nodes when left out."
    )
    per_node: Whole | None = Field(default=None, gt=0, description="Ranks on one node.")
    placement: str = Field(default=PACKED, description="packed, strided or random:SEED.")
    algorithm: str | None = Field(
        default=None, description="Algorithm; the one chosen for its size when left out."
    )
    start: Time = Field(default=0.0, ge=0, description="When it calls, such as 200 us.")


class JobsFile(BaseModel):
    """The file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    jobs: tuple[JobEntry, ...] = Field(min_length=1, description="Jobs that run at the same time.")


def read_jobs(path: Path) -> tuple[JobEntry, ...]:
    """Return the jobs of a file.

    Raises
    ------
    StudyError
        With all problems of the file, by line.
    """
    document = read_document(path)
    problems = list(document.problems)
    found = None
    if not isinstance(document.data, dict):
        if not problems:
            problems.append(Problem("the file has no entry jobs", "begin with 'jobs:' and a list"))
    else:
        try:
            found = JobsFile.model_validate(document.data)
        except ValidationError as error:
            problems += [problem for _, problem in explain.explained(error, JobsFile)]
    if found is not None and len({entry.name for entry in found.jobs}) < len(found.jobs):
        problems.append(Problem("two jobs have one name", "give each its own", where="jobs"))
    if found is None or problems:
        raise StudyError(document.placed(problem, path) for problem in problems)
    return found.jobs
