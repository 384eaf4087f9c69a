"""``netloom export``: a fabric and its traffic for other simulators."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from netloom.cli.settings import FirstSeed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netloom.exchange.flows import Flows
    from netloom.topology.fabric import Fabric


def export(
    format: str,
    /,
    *,
    fabric: str | None = None,
    study: Path | None = None,
    network: str | None = None,
    set: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    out: Path,
    flows: Path | None = None,
    pattern: str | None = None,
    bytes: str = "64 MB",
    seed: FirstSeed = 42,
    node: str | None = None,
    link_latency: str = "500 ns",
    switch_latency: str = "0 ns",
) -> None:
    """Write a fabric and its traffic in another simulator's format.

    Parameters
    ----------
    format
        htsim, hpcc, simai, simgrid, node-link, dot or forwarding.
    fabric
        Fabric family; `netloom fabric list` names them.
    study
        Study file, instead of a family: the fabric of one of its candidate networks.
    network
        The candidate of the study; may be left out where there is only one.
    set
        A parameter of the family, such as hosts=1024 or link_rate=400Gb/s; may be repeated.
    out
        Folder for the files.
    flows
        Table of flows: CSV with the columns source, target, bytes and start_s.
    pattern
        Traffic instead of a table: permutation, all-to-all, ring or incast.
    bytes
        Size of each flow of a pattern.
    seed
        Seed of the permutation.
    node
        Catalogue node that the endpoints stand in, for their names; dgx-h100 when left out.
    link_latency
        Latency of every link.
    switch_latency
        Latency of every switch.
    """
    from netloom.cli.folder import make_folder
    from netloom.exchange.writers import Scenario, module_of, write_format

    module_of(format)  # an unknown format is refused before anything is built
    built, nics_per_node = _built(fabric, set, node, study, network)
    scenario = Scenario(
        fabric=built,
        flows=_flows(built.num_endpoints, nics_per_node, flows, pattern, bytes, seed),
        nics_per_node=nics_per_node,
        link_latency_s=_latency_s(link_latency),
        switch_latency_s=_latency_s(switch_latency),
    )
    written = write_format(format, scenario)
    make_folder(out)
    for name, text in written.files.items():
        (out / name).write_text(text, encoding="utf-8", newline="\n")
        print(f"wrote {out / name}", file=sys.stderr)
    for loss in written.lost:
        print(f"not in these files: {loss}", file=sys.stderr)


def _built(
    fabric: str | None,
    set: Sequence[str],
    node: str | None,
    study: Path | None,
    network: str | None,
) -> tuple[Fabric, int]:
    """Return the fabric of a family or of a study's candidate, and the NICs of a node."""
    from netloom.cli.settings import pairs
    from netloom.errors import ParameterError, nearest
    from netloom.survey import Request, build_fabric

    if (study is None) == (fabric is None):
        raise ParameterError(
            "neither a fabric nor a study is named"
            if study is None
            else "a study and a fabric are named",
            hint="write --fabric FAMILY with --set for its parameters, or --study STUDY.yaml",
        )
    if study is None:
        assert fabric is not None  # one of the two is there
        if network is not None:
            raise ParameterError(
                f"there is no study for network '{network}'", hint="write --study STUDY.yaml"
            )
        parameters = pairs(set, "--set")
        return build_fabric(Request(kind=fabric, parameters=parameters, node=node or "dgx-h100"))
    if set or node:
        raise ParameterError(
            "a study says what its networks are",
            hint="leave --set and --node out, or name a --fabric",
        )
    from netloom import topology
    from netloom.cli.study import read

    resolved = read(study)
    by_name = {each.name: each for each in resolved.networks}
    if network is None and len(by_name) == 1:
        (network,) = by_name
    if network is None:
        raise ParameterError(
            f"the study has {len(by_name)} networks",
            hint="name one with --network: " + ", ".join(f"'{name}'" for name in by_name),
        )
    if network not in by_name:
        raise ParameterError(
            f"the study has no network '{network}'", hint=nearest(network, by_name)
        )
    chosen = by_name[network]
    built = topology.build(chosen.fabric_kind, chosen.fabric_parameters)
    return built, resolved.nics_per_node


def _latency_s(text: str) -> float:
    from netloom import units
    from netloom.errors import ParameterError

    seconds = units.parse(text, "time")
    if seconds < 0:
        raise ParameterError(f"'{text}' is no latency", hint="write 0 ns or more")
    return seconds


def _flows(
    num_endpoints: int,
    nics_per_node: int,
    path: Path | None,
    kind: str | None,
    size: str,
    seed: int,
) -> Flows:
    """Return the flows of a table or a pattern; none when neither is given."""
    from netloom.errors import ParameterError
    from netloom.exchange.flows import Flows, flow_bytes, read_flows
    from netloom.exchange.patterns import pattern
    from netloom.topology.names import endpoint_names

    if path is not None and kind is not None:
        raise ParameterError(
            "both --flows and --pattern say what the traffic is", hint="keep one of them"
        )
    if path is not None:
        return read_flows(path, num_endpoints, endpoint_names(num_endpoints, nics_per_node))
    if kind is None:
        return Flows.of([], [], 0)
    return pattern(kind, num_endpoints, flow_bytes(size), seed)
