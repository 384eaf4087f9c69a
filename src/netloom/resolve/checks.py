"""What does not fit in a study: names, sizes, rates and fabric parameters.

The same look serves twice: `checks` gives it to the loader, which runs it on raw entries and knows
line and column; `resolve` runs it on a finished `Study`. In the draft of a malformed study any
value may be None, and what depends on it goes unsaid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from netloom import catalog, topology
from netloom.catalog import parts
from netloom.errors import ParameterError, Problem, nearest
from netloom.resolve import rates
from netloom.resolve.model_file import model_problems
from netloom.resolve.software_file import known_software, software_problems
from netloom.schema import explain
from netloom.schema.draft import draft
from netloom.schema.study import Cluster, Goal, Network, Search, Study
from netloom.simulate.rank_order import cannot_split, splits_experts
from netloom.topology.counts import ports_needed, tier_rates
from netloom.topology.fabric import Fabric
from netloom.workload.precision import matmul_efficiency, peak_flops_per_s


def checks(directory: Path) -> Callable[[Mapping[str, Any]], Iterable[Problem]]:
    """Return a check for `netloom.schema.load.load`; `directory` is where the study file lies."""
    return lambda raw: study_problems(draft(Study, raw), directory)


def study_problems(study: Study, directory: Path) -> Iterator[Problem]:
    """Return what does not fit in a study or in the draft of one."""
    yield from model_problems(study.model, directory)
    yield from _cluster_problems(study.cluster, directory)
    yield from _precision_problems(study.goal, study.cluster, directory)
    yield from _order_problems(study.search, study.cluster)
    yield from _unknown("price-book", study.economics.prices, "economics.prices")
    yield from _quote_problems(study.economics.prices, study.economics.quotes)
    yield from _unknown("site-costs", study.economics.site, "economics.site")
    yield from _unknown("failure-rates", study.reliability.rates, "reliability.rates")
    first: dict[str, int] = {}
    for index, network in enumerate(study.networks):
        where = f"networks[{index}]"
        if network.name and first.setdefault(network.name, index) != index:
            yield Problem(
                f"networks[{first[network.name]}] has the name '{network.name}' too",
                hint="give each network a name of its own",
                where=f"{where}.name",
            )
        yield from _network_problems(network, study.cluster, where)


def _unknown(kind: str, name: str | None, where: str) -> Iterator[Problem]:
    if name is not None and name not in catalog.names(kind):
        noun = kind.replace("-", " ")
        yield Problem(f"unknown {noun} '{name}'", nearest(name, catalog.names(kind)), where)


def _quote_problems(book_name: str | None, quotes: Mapping[str, float] | None) -> Iterator[Problem]:
    book = _part("price-book", book_name)
    if book is None:
        return
    known = book.prices.keys() | book.unpriced.keys()
    for part in quotes or {}:
        if part not in known:
            yield Problem(f"unknown part '{part}'", nearest(part, known), "economics.quotes")


def _part(kind: str, name: str | None) -> Any:
    """Return a catalogue part, None when its name is unknown or missing."""
    return catalog.get(kind, name) if name is not None and name in catalog.names(kind) else None


def _cluster_problems(cluster: Cluster, directory: Path) -> Iterator[Problem]:
    yield from _unknown("node", cluster.node, "cluster.node")
    yield from _unknown("nic", cluster.nic, "cluster.nic")
    yield from software_problems(cluster.software, directory)
    nic, node = _part("nic", cluster.nic), _part("node", cluster.node)
    if nic is not None and cluster.nic_rate is not None:
        yield from _rate_problems(cluster.nic_rate, nic, "cluster.nic_rate")
    if node is None:
        return
    size = node.num_accelerators
    if cluster.accelerators is not None and cluster.accelerators % size:
        below = cluster.accelerators // size * size
        yield Problem(
            f"{cluster.accelerators} accelerators do not fill nodes of {size}",
            hint=f"write {below} or {below + size}" if below else f"write {size}",
            where="cluster.accelerators",
        )
    if cluster.nics_per_node is not None and size % cluster.nics_per_node:
        divisors = ", ".join(str(count) for count in range(1, size + 1) if size % count == 0)
        yield Problem(
            f"{size} accelerators of a node cannot share {cluster.nics_per_node} NICs evenly",
            hint=f"write one of {divisors}",
            where="cluster.nics_per_node",
        )


def _order_problems(search: Search, cluster: Cluster) -> Iterator[Problem]:
    """Return why no plan within pinned sizes has its experts on even rows of ranks."""
    sizes = (search.tensor, search.context, search.pipeline, search.expert)
    if search.order is None or cluster.accelerators is None:
        return
    plans = [
        (tensor, context, pipeline, 1, data, expert, 1, 1, 0, 0)
        for tensor, context, pipeline, expert in product(*(pinned or () for pinned in sizes))
        for data, rest in (divmod(cluster.accelerators, tensor * context * pipeline),)
        if not rest and data * context % expert == 0
    ]
    if not plans or not splits_experts(np.array(plans), search.order).all():
        return
    refusal = cannot_split(np.array(plans[0]), search.order).problem
    yield Problem(refusal.message, refusal.hint, "search.order")


def _precision_problems(goal: Goal, cluster: Cluster, directory: Path) -> Iterator[Problem]:
    """Return why the accelerators, or the software on them, cannot compute what is asked."""
    node, software = _part("node", cluster.node), known_software(cluster.software, directory)
    if node is None:
        return
    accelerator = catalog.get("accelerator", node.accelerator)
    if goal.precision is not None:
        try:
            peak_flops_per_s(accelerator, goal.precision)
        except ParameterError as error:
            yield error.problem
            return
    if software is None:
        return
    calibration = software.accelerators.get(node.accelerator)
    if calibration is None:
        rated = ", ".join(_software_for(node.accelerator)) or "none"
        yield Problem(
            f"{software.name} is not calibrated on {node.accelerator}",
            hint=f"calibrated on it: {rated}; {software.name} is on "
            f"{', '.join(software.accelerators)}",
            where="cluster.software",
        )
    elif goal.precision is not None:
        try:
            matmul_efficiency(software, accelerator, goal.precision)
        except ParameterError as error:
            yield error.problem


def _software_for(accelerator: str) -> Iterator[str]:
    for name in catalog.names("software"):
        if accelerator in catalog.get("software", name).accelerators:
            yield name


def _rate_problems(asked_bytes_per_s: float, nic: parts.Nic, where: str) -> Iterator[Problem]:
    limit_bytes_per_s = rates.full_bytes_per_s(nic)
    if asked_bytes_per_s > limit_bytes_per_s * (1 + rates.SAME_RATE):
        limit = rates.shown(limit_bytes_per_s)
        yield Problem(
            f"{rates.shown(asked_bytes_per_s)} is more than the {limit} of {nic.name}",
            hint=f"write {limit} or less, or name a faster NIC",
            where=where,
        )


def _network_problems(network: Network, cluster: Cluster, where: str) -> Iterator[Problem]:
    names = rates.switch_names(network.switch)
    if not names and network.switch is not None:
        yield Problem("no switch is named", "write switch: qm9700", f"{where}.switch")
    places = {tier: f"{where}.switch" + (f".{tier}" if tier else "") for tier in names}
    for tier, name in names.items():
        yield from _unknown("switch", name, places[tier])
    yield from _unknown("protocol", network.protocol, f"{where}.protocol")
    yield from _unknown("nic", network.nic, f"{where}.nic")
    switches = {tier: part for tier in names if (part := _part("switch", names[tier])) is not None}
    nic = _part("nic", network.nic or cluster.nic)
    ends: dict[str, parts.Switch | parts.Nic] = {
        # light speaks no protocol
        f"switch {part.name}": part
        for part in switches.values()
        if not part.circuits
    }
    if nic is not None:
        ends[f"nic {nic.name}"] = nic
    yield from _protocol_problems(network.protocol, ends, where)
    modes: dict[str, parts.PortMode | None] = {}
    if nic is not None:
        asked_bytes_per_s = rates.nic_bytes_per_s(network, cluster, nic)
        # the cluster's own rate has been looked at already
        if network.link_rate is not None or network.nic_rate is not None:
            key = "link_rate" if network.link_rate is not None else "nic_rate"
            yield from _rate_problems(asked_bytes_per_s, nic, f"{where}.{key}")
        link_bytes_per_s = asked_bytes_per_s / rates.num_planes(network.fabric)
        for tier, switch in switches.items():
            modes[tier] = rates.port_mode(switch, link_bytes_per_s)
            if modes[tier] is None:
                yield _no_mode(switch, link_bytes_per_s, network, where)
    mode = next((modes.get(tier) for tier in names), None)
    for end in ("host", "trunk"):
        yield from _medium_problems(getattr(network.media, end), mode, f"{where}.media.{end}")
    if network.fabric is not None:
        runs = {tier: (switches[tier], found) for tier, found in modes.items() if found is not None}
        yield from _fabric_problems(network.fabric, cluster, mode, runs, where)


def _protocol_problems(
    protocol: str | None, ends: Mapping[str, parts.Switch | parts.Nic], where: str
) -> Iterator[Problem]:
    if protocol not in catalog.names("protocol"):
        return
    for name, part in ends.items():
        if protocol not in part.protocols:
            yield Problem(
                f"{name} does not speak {protocol}",
                hint=f"it speaks {', '.join(part.protocols)}",
                where=f"{where}.protocol",
            )


def _no_mode(
    switch: parts.Switch, link_bytes_per_s: float, network: Network, where: str
) -> Problem:
    modes = ", ".join(f"{mode.num_ports} x {mode.rate}" for mode in switch.port_modes)
    return Problem(
        f"{switch.name} has no port mode of {rates.shown(link_bytes_per_s)}",
        hint=f"its port modes are {modes}; set link_rate, or planes of the fabric",
        where=f"{where}.link_rate" if network.link_rate is not None else f"{where}.switch",
    )


def _medium_problems(
    name: str | None, mode: parts.PortMode | None, where: str
) -> Iterator[Problem]:
    if name is None or name == "auto":
        return
    yield from _unknown("medium", name, where)
    medium = _part("medium", name)
    if medium is None or mode is None or rates.fits(medium, mode):
        return
    media = catalog.names("medium")
    fitting = [other for other in media if rates.fits(catalog.get("medium", other), mode)]
    cage = f", {mode.ports_per_cage} to a cage" if mode.ports_per_cage > 1 else ""
    yield Problem(
        f"a cable of {name} carries {medium.rate}, the links run at {mode.rate}{cage}",
        hint=f"write auto or one of {', '.join(fitting)}" if fitting else "write auto",
        where=where,
    )


def _fabric_problems(
    fabric: Mapping[str, Any],
    cluster: Cluster,
    mode: parts.PortMode | None,
    runs: Mapping[str, rates.Run],
    network: str,
) -> Iterator[Problem]:
    where = f"{network}.fabric"
    if "kind" not in fabric:
        hint = f"add kind: one of {', '.join(topology.REGISTRY.names())}"
        yield Problem("'kind' is missing", hint, where)
        return
    kind = str(fabric["kind"])
    try:
        model = topology.parameter_model(kind)
    except ParameterError as error:
        yield Problem(error.problem.message, error.problem.hint, f"{where}.kind")
        return
    problems = tuple(_parameter_problems(model, fabric, where))
    yield from problems
    if not problems:
        yield from _size_problems(fabric, cluster, mode, runs, network)


def _parameter_problems(
    model: type[topology.FamilyParameters], fabric: Mapping[str, Any], where: str
) -> Iterator[Problem]:
    """Return unknown parameters and malformed values, each parameter once."""
    try:
        model.model_validate(given_parameters(fabric))
    except ValidationError as error:
        seen = set()
        for detail, problem in explain.explained(error, model):
            # what a study leaves out follows from the cluster and the switch
            if detail["type"] == "missing" or problem.where in seen:
                continue
            seen.add(problem.where)
            place = f"{where}.{problem.where}" if problem.where else where
            yield Problem(problem.message, problem.hint, place, of_key=problem.of_key)


def _size_problems(
    fabric: Mapping[str, Any],
    cluster: Cluster,
    mode: parts.PortMode | None,
    runs: Mapping[str, rates.Run],
    network: str,
) -> Iterator[Problem]:
    """Return why a family with these parameters and switches cannot hold the cluster."""
    node = _part("node", cluster.node)
    if node is None or mode is None or cluster.accelerators is None:
        return
    if cluster.accelerators % node.num_accelerators:
        return
    where = f"{network}.fabric"
    try:
        built = topology.build(str(fabric["kind"]), sized_parameters(fabric, cluster, node, mode))
    except ParameterError as error:
        place = f"{where}.{error.problem.where}" if error.problem.where else where
        yield Problem(error.problem.message, error.problem.hint, place)
        return
    yield from _tier_problems(built, runs, f"{network}.switch")


def _tier_problems(fabric: Fabric, runs: Mapping[str, rates.Run], where: str) -> Iterator[Problem]:
    """Return tiers without a switch, switches without a tier, and switches that do not serve."""
    slowest = dict(zip(fabric.tiers, tier_rates(fabric), strict=True))
    needed = dict(zip(fabric.tiers, ports_needed(fabric), strict=True))
    tiers = [tier for tier in fabric.tiers if tier.switching != "embedded"]
    known = [tier.name for tier in tiers]
    each = "{" + ", ".join(f"{name}: ..." for name in known) + "}"
    named = [name for name in runs if name]
    for name in named:
        if name not in known:
            hint = nearest(name, known) if known else "its switching is inside the endpoints"
            yield Problem(f"the fabric has no tier '{name}'", hint, f"{where}.{name}")
    if missing := [name for name in known if named and name not in named]:
        yield Problem(f"no switch is named for tier {', '.join(missing)}", f"write {each}", where)
    elif named and known and named[0] != known[0]:
        yield Problem(
            f"{named[0]} is named first, the hosts are on {known[0]}",
            hint=f"write {known[0]} first",
            where=where,
        )
    for tier in tiers:
        run = runs.get(tier.name, runs.get(""))
        if run is None:
            continue
        switch, mode = run[0], rates.port_mode(run[0], slowest[tier])
        place = f"{where}.{tier.name}" if tier.name in runs else where
        if (tier.switching == "circuit") != switch.circuits:
            yield Problem(
                f"{switch.name} is no {tier.switching} switch, which tier {tier.name} needs",
                hint=f"name a switch for each tier: {each}",
                where=place,
            )
        elif mode is None:
            yield Problem(
                f"{switch.name} has no port mode of {rates.shown(slowest[tier])}, "
                f"which tier {tier.name} needs",
                hint=f"name a switch for each tier: {each}",
                where=place,
            )
        elif needed[tier] > mode.num_ports:
            yield Problem(
                f"a {tier.name} switch needs {needed[tier]} ports, {switch.name} has "
                f"{mode.num_ports} of {mode.rate}",
                hint=f"set a smaller radix, or name a switch for each tier: {each}",
                where=place,
            )


def given_parameters(fabric: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that a study gives to a fabric family."""
    return {key: value for key, value in fabric.items() if key != "kind"}


def sized_parameters(
    fabric: Mapping[str, Any], cluster: Cluster, node: parts.Node, mode: parts.PortMode
) -> topology.FamilyParameters:
    """Return all parameters of a fabric family, those included that follow from the cluster."""
    nics_per_node = cluster.nics_per_node or node.nics_per_node
    return topology.sized(
        str(fabric["kind"]),
        hosts=cluster.accelerators // node.num_accelerators * nics_per_node,
        nics_per_node=nics_per_node,
        num_ports=mode.num_ports,
        link_bytes_per_s=rates.mode_bytes_per_s(mode),
        ports_per_cage=mode.ports_per_cage,
        given=given_parameters(fabric),
    )
