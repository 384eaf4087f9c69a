"""Interruptions that component rates alone do not explain: shown, not promised."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netloom import catalog, topology
from netloom.failure.inventory import LinkEnds, network_exposures
from netloom.topology.counts import count
from netloom.units import DAY_S
from netloom.validation import Row
from netloom.validation.failures import (
    GPUS_PER_NODE,
    answer,
    inventory,
    llama3_rates,
    node_failure_hours,
    rsc1_rates,
)
from netloom.validation.published import NOT_PROMISED, cite, read

_CATEGORY = "failure-unpromised"


def rows() -> Iterator[Row]:
    """Yield small jobs, an early run, and network events from a fabric's parts."""
    published = read("failure.yaml")
    rsc1, opt = published["rsc1"], published["opt"]
    for num_accelerators, hours in rsc1["measured_hours_between"].items():
        yield Row(
            _CATEGORY,
            f"{rsc1['name']}, {num_accelerators:,} GPUs: time between interruptions",
            "h",
            hours,
            node_failure_hours(rsc1["per_1000_node_days"], num_accelerators),
            NOT_PROMISED,
            cite(rsc1["source"]),
            note=rsc1["note"],
        )
    yield from _early_run(opt)
    yield _network_events(published["llama3"])


def _early_run(case: dict[str, Any]) -> Iterator[Row]:
    """Count the restarts of a run of 2021 with rates of its own generation and of the next."""
    for kind, rates in (
        ("all", llama3_rates()), ("all", rsc1_rates()), ("automatic", rsc1_rates()),
    ):  # fmt: skip
        # how long a checkpoint takes changes nothing in the rate of interruptions
        found = answer(inventory(case["accelerators"]), rates, checkpoint_write_s=1.0)
        yield Row(
            _CATEGORY,
            f"{case['name']}, {kind} restarts a day at the rates of {rates.name}",
            "",
            case["restarts"][kind] / case["days"],
            found.interruptions_per_day,
            NOT_PROMISED,
            cite(case["source"]),
            note=case["note"],
        )


def _network_events(case: dict[str, Any]) -> Row:
    """Count what stops a job on pods like that run's, with copper to the hosts, optics above."""
    fabric = topology.build(
        "pods",
        topology.sized(
            "pods",
            hosts=case["accelerators"],
            nics_per_node=GPUS_PER_NODE,
            num_ports=576,
            link_bytes_per_s=50e9,
            given={"pod_hosts": 3072, "rack_hosts": 16, "radix": (64, 288, 576)},
        ),
    )
    links = count(fabric).links
    host_class = fabric.link_classes[0].name
    ends = []
    for link_class, num_links in links.items():
        medium = catalog.get("medium", "dac-400g" if link_class == host_class else "dsp-400g-dr4")
        rate = float(medium.annual_failure_rate_per_end)
        ends.append(LinkEnds(link_class, medium.name, 2 * num_links, rate))
    box = float(catalog.get("switch", "tomahawk-4").annual_failure_rate)
    parts = network_exposures(fabric, {tier.name: box for tier in fabric.tiers}, ends)
    fatal = sum(part.events_per_s for part in parts if part.num_paths == 1)
    return Row(
        _CATEGORY,
        f"{case['name']}: interruptions by network, from the parts of pods like its",
        "",
        case["interruptions"]["network"],
        fatal * case["days"] * DAY_S,
        NOT_PROMISED,
        cite(case["source"]),
        note="host links of passive copper, one leaf a rack; the count holds events of trunks and "
        "their switches, which stop no job here because traffic goes around them",
    )
