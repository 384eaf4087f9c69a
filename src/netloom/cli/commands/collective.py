"""``netloom collective``: one collective at many sizes, in the columns of nccl-tests."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from netloom.cli.settings import FirstSeed, check_plot

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from netloom.collective_table.answer import Answer
    from netloom.collective_table.machine import Machine


#: Sizes of a table when none are named.
_SIZES = "1M..16G"

#: What stands on a fabric, and what it speaks, unless named.
_NODE, _PROTOCOL = "dgx-h100", "infiniband-ndr"


def collective(
    operation: str,
    /,
    *,
    ranks: int,
    study: Path | None = None,
    network: str | None = None,
    fabric: str | None = None,
    set: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    node: str | None = None,
    nic: str | None = None,
    switch: str | None = None,
    protocol: str | None = None,
    per_node: int | None = None,
    stride: int = 1,
    groups: int | None = None,
    sizes: str | None = None,
    algorithm: str | None = None,
    network_reduction: Annotated[bool, Parameter(negative="")] = False,
    chooser: Literal["fastest", "nccl"] = "fastest",
    library: str = "nccl-2.30",
    placement: str = "packed",
    nodes: str | None = None,
    forwarding: Literal["pipelined", "staged", "none"] = "pipelined",
    routes: Path | None = None,
    lose: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    matrix: Path | None = None,
    beside: Path | None = None,
    exact: Annotated[bool, Parameter(negative="")] = False,
    seed: FirstSeed = 0,
    seeds: int = 32,
    json: Annotated[bool, Parameter(negative="")] = False,
    plot: Path | None = None,
) -> None:
    """Price one collective at many sizes on a study's networks or on any fabric.

    Parameters
    ----------
    operation
        all-reduce, all-gather, reduce-scatter, broadcast, reduce, all-to-all, send-recv, barrier.
    ranks
        Ranks of one group.
    study
        Study file whose candidate networks are compared.
    network
        Only this candidate of the study.
    fabric
        Fabric family, instead of a study; `netloom fabric list` names them.
    set
        A parameter of the family, such as hosts=2048; may be repeated.
    node
        Catalogue node on the fabric, dgx-h100 when left out.
    nic
        Catalogue NIC, for the link rate.
    switch
        Catalogue switch, for parameters that follow from its ports.
    protocol
        Catalogue protocol of the fabric, infiniband-ndr when left out.
    per_node
        Ranks on one node, a scale-up domain; as many as fit when left out.
    stride
        Ranks of a group are this far apart; the groups between them run at the same time.
    groups
        Groups that run at the same time, a multiple of the stride; the stride when left out.
    sizes
        As nccl-tests has them: 1M..16G doubles, 1M..16G*4 quadruples, 1M,4M is a list; 1M is 1 MiB.
        1M..16G when left out.
    algorithm
        The only algorithm allowed, such as ring, or ring/simple with its protocol.
    network_reduction
        Allow algorithms that reduce in switches between nodes (SHARP), which are off by default.
    chooser
        Take the algorithm that is fastest here, or the one that NCCL would choose.
    library
        Catalogue library whose constants are used.
    placement
        packed, strided, random:SEED, or a CSV file with rank,node,accelerator[,nic].
    nodes
        Nodes of the job, in the order in which ranks fill them: 0-31,64-95.
    forwarding
        How bytes reach another rail: pipelined through the scale-up links beside the network,
        staged before it, or none, where the network joins rails.
    routes
        CSV file of forwarding tables, as `netloom export forwarding` writes them: static routes
        instead of the protocol's load balancing.
    lose
        A part out of order, by its name in the cable schedule (spine0004, node0003:nic2,
        leaf0001-spine0004), or counted from 0 (spine:3, nic:17, plane:1); may be repeated.
    matrix
        CSV file with the bytes that each rank sends to each, for all-to-all. Its size is the
        largest row; other sizes scale it.
    beside
        YAML file of jobs that run at the same time.
    exact
        Run the flows through the fluid solver too, and print its makespan.
    seed
        First seed of hashed load balancing.
    seeds
        Seeds over which it is drawn.
    json
        Print JSON instead of tables.
    plot
        SVG file for a picture of bus bandwidth against size.
    """
    from netloom.collective.groups import Communicator
    from netloom.collective_table.allocation import Allocation, node_numbers
    from netloom.collective_table.answer import answer
    from netloom.collective_table.jobs_file import read_jobs
    from netloom.collective_table.table import Question, check_counts, check_operation

    check_plot(plot)
    check_operation(operation)
    check_counts(ranks, stride, groups, seeds)
    num_ranks = ranks * (groups or stride)
    sizes_bytes, traffic = _sizes(operation, ranks, sizes, matrix)
    question = Question(
        communicator=Communicator(operation, ranks, stride),
        num_ranks=num_ranks,
        sizes_bytes=sizes_bytes,
        algorithm=algorithm,
        chooser=chooser,
        library=library,
        network_reduction=network_reduction,
        num_seeds=seeds,
        seed=seed,
        exact=exact,
        matrix=traffic,
    )
    wanted = Allocation(
        num_ranks,
        per_node,
        None if nodes is None else node_numbers(nodes),
        placement,
        forwarding,
    )
    others = () if beside is None else read_jobs(beside)
    found = [
        answer(question, machine, wanted, lose, others, routes)
        for machine in _machines(study, network, fabric, set, node, nic, switch, protocol)
    ]
    if plot is not None:
        _plot(found, plot)
    if json:
        import json as encoder

        from netloom.collective_table.answer import as_json

        document = as_json(question, wanted, found)
        sys.stdout.write(encoder.dumps(document, indent=1, ensure_ascii=False) + "\n")
        return
    from netloom.cli.console import output
    from netloom.report.collective import print_answers

    print_answers(found, wanted, output())


def _sizes(
    operation: str, ranks: int, sizes: str | None, matrix: Path | None
) -> tuple[tuple[float, ...], NDArray[np.float64] | None]:
    """Return the sizes in bytes, and what a matrix sends per byte of the size."""
    from netloom.collective_table.matrix_file import read_matrix
    from netloom.collective_table.sizes import sizes as read_sizes
    from netloom.errors import ParameterError

    if operation == "barrier":
        if sizes is not None or matrix is not None:
            raise ParameterError("a barrier moves no bytes", hint="leave --sizes and --matrix out")
        return (0.0,), None
    if matrix is None:
        return read_sizes(_SIZES if sizes is None else sizes), None
    if operation != "all-to-all":
        raise ParameterError(
            f"'{operation}' sends the same to all", hint="a matrix belongs to all-to-all"
        )
    traffic = read_matrix(matrix, ranks)
    largest = float(traffic.sum(axis=1).max())
    return (largest,) if sizes is None else read_sizes(sizes), traffic / largest


def _machines(
    study: Path | None,
    network: str | None,
    fabric: str | None,
    set: Sequence[str],
    node: str | None,
    nic: str | None,
    switch: str | None,
    protocol: str | None,
) -> Sequence[Machine]:
    """Return the machines asked for: a study's candidates, or one fabric."""
    from netloom.cli.settings import pairs
    from netloom.cli.study import read
    from netloom.collective_table.machine import machine_of_fabric, machines_of_study
    from netloom.errors import ParameterError
    from netloom.survey import Request

    if (study is None) == (fabric is None):
        raise ParameterError(
            "neither a study nor a fabric is named"
            if study is None
            else "a study and a fabric are named",
            hint="write --study STUDY.yaml, or --fabric FAMILY with --set for its parameters",
        )
    if study is not None:
        parts = {"--node": node, "--nic": nic, "--switch": switch, "--protocol": protocol}
        given = ["--set"] * bool(set) + [option for option, part in parts.items() if part]
        if given:
            raise ParameterError(
                "a study says what its networks are",
                hint=f"leave {' and '.join(given)} out, or name a --fabric",
            )
        return machines_of_study(read(study), network)
    if network is not None:
        raise ParameterError(
            f"there is no study for network '{network}'", hint="write --study STUDY.yaml"
        )
    assert fabric is not None  # one of the two is there
    switches = {} if switch is None else {"": switch}
    request = Request(fabric, pairs(set, "--set"), switches=switches, nic=nic, node=node or _NODE)
    return (machine_of_fabric(request, protocol or _PROTOCOL),)


def _plot(found: Sequence[Answer], path: Path) -> None:
    from netloom.cli.console import write_picture
    from netloom.report.figures import bus_bandwidth

    operation = found[0].table.question.communicator.operation
    write_picture(path, bus_bandwidth.draw(bus_bandwidth.series(found), operation))
