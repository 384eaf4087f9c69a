"""Changes of a study by one discrete step each: what could be bought more or less of.

Every variant is a whole study, resolved and checked like any other; what does not fit is a refusal
with its reason, never left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netloom import catalog, topology, units
from netloom.catalog.parts import Medium
from netloom.errors import NetloomError, ParameterError, StudyError
from netloom.layout import AUTO
from netloom.resolve import Resolved, ResolvedNetwork, resolve
from netloom.resolve.rates import full_bytes_per_s
from netloom.schema.study import Media, Study

#: Tapers that are looked at beside a network's own, uplinks over downlinks of a leaf.
_TAPERS = (0.125, 0.25, 0.5, 1.0)

#: Growth of the cluster that is tried, the least first, as fractions of its nodes.
_GROWTH = ((17, 16), (9, 8), (5, 4), (3, 2), (2, 1))

#: Technologies that a medium may change to.
_TECHNOLOGIES = ("dsp-optics", "lro", "lpo", "aoc", "aec", "acc", "dac")

_SAME = 1e-6


@dataclass(frozen=True)
class Variant:
    """One step away from the study.

    Attributes
    ----------
    part : what is changed: NIC rate, spines, scale-up domain, accelerators, optics.
    change : in words.
    resolved : the changed study with this one network; None when it is refused.
    refusal : why.
    """

    part: str
    change: str
    resolved: Resolved | None
    refusal: str = ""


def variants(resolved: Resolved, network: ResolvedNetwork) -> Iterator[Variant]:
    """Yield every step from one network of a study."""
    study = resolved.study.model_copy(update={"networks": (network.network,)})
    yield from _nic_rates(resolved, network, study)
    yield from _tapers(resolved, network, study)
    yield from _domains(resolved, study)
    yield from _media(resolved, network, study)


def growths(resolved: Resolved, network: ResolvedNetwork) -> Iterator[Variant]:
    """Yield larger clusters, the least growth first."""
    study = resolved.study.model_copy(update={"networks": (network.network,)})
    for more, of in _GROWTH:
        num_nodes, rest = divmod(resolved.num_nodes * more, of)
        if rest or num_nodes == resolved.num_nodes:
            continue
        accelerators = num_nodes * resolved.node.num_accelerators
        added = num_nodes - resolved.num_nodes
        changed = study.cluster.model_copy(update={"accelerators": accelerators})
        yield _variant(
            resolved, study, "accelerators",
            f"{added:,} more nodes, {accelerators:,} accelerators", cluster=changed,
        )  # fmt: skip


def _variant(resolved: Resolved, study: Study, part: str, change: str, **update: Any) -> Variant:
    # a model that lies beside the study is named in full, because the study moves
    model = str(resolved.model_path) if resolved.study.model.endswith(".json") else study.model
    try:
        changed = study.model_copy(update=update | {"model": model})
        return Variant(part, change, resolve(changed, Path.cwd()))
    except NetloomError as error:
        return Variant(part, change, None, why(error))


def why(error: NetloomError) -> str:
    """Return what is wrong in one line, without the ways out."""
    if isinstance(error, StudyError):
        return "; ".join(problem.message for problem in error.problems)
    if isinstance(error, ParameterError):
        return error.problem.message
    return str(error).partition("\n")[0]


def _nic_rates(resolved: Resolved, network: ResolvedNetwork, study: Study) -> Iterator[Variant]:
    """Yield the next NIC above and the next below that speak the protocol and have a price."""
    own = network.nic_bytes_per_s
    found: dict[float, tuple[float, str]] = {}
    for name in catalog.names("nic"):
        nic = catalog.get("nic", name)
        rate = full_bytes_per_s(nic)
        if network.protocol.name in nic.protocols and f"nic/{name}" in resolved.prices.prices:
            usd = float(resolved.prices.prices[f"nic/{name}"])
            best = found.get(rate)
            if best is None or usd < best[0]:
                found[rate] = (usd, name)
    above = sorted(rate for rate in found if rate > own * (1 + _SAME))[:1]
    below = sorted((rate for rate in found if rate < own * (1 - _SAME)), reverse=True)[:1]
    if not above:
        yield Variant(
            "NIC rate", "a faster NIC", None,
            f"no priced NIC faster than {units.show(own, 'rate')} speaks {network.protocol.name}",
        )  # fmt: skip
    for rate in (*above, *below):
        name = found[rate][1]
        if refusal := _lanes_too_slow(resolved, rate):
            yield Variant("NIC rate", f"{units.show(rate, 'rate')} NICs, {name}", None, refusal)
            continue
        changed = network.network.model_copy(
            update={"nic": name, "nic_rate": None, "link_rate": None, "media": Media()}
        )
        change = f"{units.show(rate, 'rate')} NICs, {name}, with media by price"
        yield _variant(resolved, study, "NIC rate", change, networks=(changed,))


def _lanes_too_slow(resolved: Resolved, nic_bytes_per_s: float) -> str:
    """Return why accelerators cannot feed NICs of a rate; empty where they can.

    An accelerator reaches NIC and host over the same lanes, so that what it sustains to the host's
    memory bounds what it sends. A tenth above is let pass: copies lose that to their headers.
    """
    accelerator = resolved.accelerator
    needed = nic_bytes_per_s * resolved.nics_per_node / resolved.node.num_accelerators
    sustained = float(accelerator.host_bytes_per_s)
    if needed <= 1.1 * sustained:
        return ""
    return (
        f"{accelerator.name} moves {units.show(sustained, 'rate')} over its lanes to host and NIC, "
        f"less than the {units.show(needed, 'rate')} that such NICs have for each accelerator"
    )


def _tapers(resolved: Resolved, network: ResolvedNetwork, study: Study) -> Iterator[Variant]:
    fields = topology.parameter_model(network.fabric_kind).model_fields
    if "taper" not in fields:
        yield Variant(
            "spines", "another taper", None, f"a {network.fabric_kind} fabric has no taper"
        )
        return
    own = float(getattr(network.fabric_parameters, "taper", 1.0))
    above = [taper for taper in _TAPERS if taper > own * (1 + _SAME)][:1]
    below = [taper for taper in reversed(_TAPERS) if taper < own * (1 - _SAME)][:1]
    for taper in (*above, *below):
        fabric = {**network.network.fabric, "taper": taper}
        changed = network.network.model_copy(update={"fabric": fabric})
        how = "more" if taper > own else "fewer"
        change = f"{how} spines, {1 / taper:g} downlinks to an uplink"
        yield _variant(resolved, study, "spines", change, networks=(changed,))
    if not above:
        yield Variant("spines", "more spines", None, "the leaves have full bandwidth already")


def _domains(resolved: Resolved, study: Study) -> Iterator[Variant]:
    """Yield the next larger scale-up domain of the same accelerator that can be bought."""
    own = resolved.node
    larger = sorted(
        (
            node.scale_up_domain, float(resolved.prices.prices[f"node/{name}"]), name,
        )
        for name in catalog.names("node")
        if (node := catalog.get("node", name)).accelerator == own.accelerator
        and node.scale_up_domain > own.scale_up_domain
        and f"node/{name}" in resolved.prices.prices
    )  # fmt: skip
    if not larger:
        yield Variant(
            "scale-up domain", "a larger domain", None,
            f"no priced node joins more than {own.scale_up_domain} {own.accelerator}; what twice "
            "as many would be worth is among the shadow prices",
        )  # fmt: skip
        return
    domain, _, name = larger[0]
    changed = study.cluster.model_copy(update={"node": name, "nics_per_node": None})
    change = f"domains of {domain}, {name}"
    yield _variant(resolved, study, "scale-up domain", change, cluster=changed)


def _media(resolved: Resolved, network: ResolvedNetwork, study: Study) -> Iterator[Variant]:
    """Yield the same network with every other technology of its trunks, and of its host links."""
    media = network.network.media
    for place in ("host", "trunk"):
        wanted = getattr(media, place)
        if wanted == AUTO:
            continue
        own: Medium = catalog.get("medium", wanted)
        others = [
            other
            for name in catalog.names("medium")
            if (other := catalog.get("medium", name)).rate == own.rate
            and other.lane_rate == own.lane_rate
            and other.technology != own.technology
            and other.technology in _TECHNOLOGIES
            and f"medium/{name}" in resolved.prices.prices
        ]
        for other in others:
            changed = network.network.model_copy(
                update={"media": media.model_copy(update={place: other.name})}
            )
            change = f"{other.technology} on {place} links, {other.name}"
            yield _variant(resolved, study, "optics", change, networks=(changed,))
    if media.host == media.trunk == AUTO:
        yield Variant(
            "optics", "other optics", None,
            "the media are chosen by price already; pin one in networks.media to compare",
        )  # fmt: skip
