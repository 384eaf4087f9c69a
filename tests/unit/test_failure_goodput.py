"""Goodput of published runs, and what a failure does on fabrics with and without detours."""

import math
import random

import numpy as np
import pytest

from netloom import catalog, topology
from netloom.catalog.failure_rates import FailureRates
from netloom.errors import ParameterError
from netloom.failure.goodput import Degradation, Policy, goodput, mean_slowdown
from netloom.failure.inventory import Exposure, Inventory, LinkEnds, network_exposures
from netloom.topology.fabric import HOST, Bundles, Fabric, LinkClass, Tier

DAY_S, HOUR_S, YEAR_S = 86400.0, 3600.0, 365.25 * 86400.0
ONE_PERCENT_PER_YEAR = 0.01 / YEAR_S


def rates(**texts):
    """Return failure rates of zero, and times of zero, but for the given texts."""
    fields = {
        "accelerator_per_s": "0 /day",
        "node_other_per_s": "0 /day",
        "nic_per_s": "0 /day",
        "software_per_s": "0 /day",
        "detection_s": "0 s",
        "restart_s": "0 s",
        "repair_s": "1 day",
        "checkpoint_bytes_per_parameter": "14 B",
        "storage_bytes_per_s": "1 TB/s",
    } | texts
    evidence = {
        "basis": "made up for a test",
        "date": "2026",
        "source": "test",
        "grade": "proposal",
    }
    return FailureRates.model_validate(
        {"name": "test", "title": "test", "vendor": "none"}
        | {key: {"value": text} | evidence for key, text in fields.items()}
    )


def inventory(num_accelerators, *network):
    return Inventory(num_accelerators, num_accelerators // 8, num_accelerators, network)


# Llama 3 (arXiv 2407.21783, table 5): 419 unexpected interruptions in 54 days on 16,384 H100, of
# which 35 by network switches and cables, 7 by NICs.
LLAMA3_NETWORK = Exposure("measured network", 16_384, 35 / (54 * DAY_S * 16_384))


def test_llama3_interruptions_come_out_of_the_catalogue_and_the_measured_network():
    llama3 = catalog.get("failure-rates", "llama3-h100")
    answer = goodput(
        inventory(16_384, LLAMA3_NETWORK), llama3, Policy(None, 14 * 405_853_388_800 / 2e12, 0.0)
    )
    # the catalogue rounds its rates to three digits
    assert 54 * answer.interruptions_per_day == pytest.approx(419, rel=0.005)
    assert 24 / answer.interruptions_per_day == pytest.approx(3.09, abs=0.02)
    assert 54 * answer.interruptions_per_day_by_cause["nic"] == pytest.approx(7, rel=0.005)


def test_llama3_keeps_more_than_nine_tenths_of_its_time():
    """Published: effective training time above 90 %; at the mode of every rate."""
    llama3 = catalog.get("failure-rates", "llama3-h100")
    answer = goodput(
        inventory(16_384, LLAMA3_NETWORK), llama3, Policy(None, 14 * 405_853_388_800 / 2e12, 0.0)
    )
    assert 0.90 < answer.effective_fraction < 1.0


@pytest.mark.parametrize(
    ("num_accelerators", "published_h", "tolerance_h"),
    [(16_384, 1.80, 0.005), (131_072, 0.225, 5e-4)],
)
def test_rsc1_mean_time_to_failure(num_accelerators, published_h, tolerance_h):
    """Kokolis et al., HPCA 2025: 6.50 failures per 1,000 node-days; printed to three digits."""
    rsc1 = rates(node_other_per_s="6.50 per 1000 unit-days")
    answer = goodput(
        inventory(num_accelerators), rsc1, Policy(None, 14 * 405_853_388_800 / 2e12, 0.0)
    )
    assert 24 / answer.interruptions_per_day == pytest.approx(published_h, abs=tolerance_h)


def test_a_single_path_interrupts_and_two_degrade():
    known = rates(accelerator_per_s="10 per 100 unit-years", restart_s="10 min")
    for num_paths, interrupts in ((1, True), (2, False)):
        link = Exposure("link", 2048, ONE_PERCENT_PER_YEAR, num_paths)
        answer = goodput(inventory(1024, link), known, Policy(1800.0, 10.0, 0.1))
        assert ("link" in answer.interruptions_per_day_by_cause) is interrupts
        assert ("link" in answer.degradations_per_day_by_cause) is not interrupts
        assert (answer.slowdown_fraction > 0) is not interrupts
        assert sum(answer.interruptions_per_day_by_cause.values()) == pytest.approx(
            answer.interruptions_per_day
        )


def test_an_avoidable_part_costs_a_planned_restart_when_that_is_cheaper():
    link = Exposure("host link", 100, 1 / (100 * 10 * DAY_S), num_paths=2, avoidable=True)
    policy = Policy(3600.0, 10.0, 0.2)
    quick = goodput(inventory(8, link), rates(restart_s="10 min"), policy)
    slow = goodput(inventory(8, link), rates(restart_s="10 h"), policy)
    # slowed by 20 % for half an interval, once in ten days, and a restart each time
    slowed = 0.2 * -math.expm1(-1800 / (10 * DAY_S))
    moved = 1 / ((1 + slowed) * (1 + 600 / (10 * DAY_S)))
    assert quick.effective_fraction == pytest.approx(moved * 3600 / 3610, rel=1e-12)
    # a restart of 10 h costs more than 20 % of the repair's day
    waited = 1 / (1 + 0.2 * -math.expm1(-1 / 10))
    assert slow.effective_fraction == pytest.approx(waited * 3600 / 3610, rel=1e-12)


def test_a_restart_that_happens_anyway_ends_the_slowdown_of_an_avoidable_part():
    # repair within a day, another interruption within 8 h: rates of 1 and 3 a day, so 6 h
    known = rates(node_other_per_s="3 /day", restart_s="2 h")
    link = Exposure("host link", 1, 1 / (10 * DAY_S), num_paths=2, avoidable=True)
    answer = goodput(Inventory(8, 1, 8, (link,)), known, Policy(3600.0, 10.0, 0.2))
    assert answer.slowdown_fraction == pytest.approx(0.2 * -math.expm1(-6 / 240), rel=1e-12)
    trunk = Exposure("trunk", 1, 1 / (10 * DAY_S), num_paths=2)
    answer = goodput(Inventory(8, 1, 8, (trunk,)), known, Policy(3600.0, 10.0, 0.2))
    assert answer.slowdown_fraction == pytest.approx(0.2 * -math.expm1(-24 / 240), rel=1e-12)


def test_mean_slowdown_agrees_with_a_simulation_of_overlapping_repairs():
    states = [
        Degradation(1 / (5 * HOUR_S), 0.03, 10 * HOUR_S, False),
        Degradation(1 / (40 * HOUR_S), 0.20, 24 * HOUR_S, False),
    ]
    clock, horizon_s, step_s = random.Random(3), 3e8, HOUR_S
    worst = np.zeros(int(horizon_s / step_s))
    for state in states:
        start_s = 0.0
        while (start_s := start_s + clock.expovariate(state.events_per_s)) < horizon_s:
            during = slice(int(start_s / step_s), int((start_s + state.duration_s) / step_s))
            worst[during] = np.maximum(worst[during], state.slowdown_fraction)
    assert mean_slowdown(states) == pytest.approx(worst.mean(), rel=0.02)
    assert mean_slowdown([]) == 0.0


class NoRouting:
    """Counting parallel paths needs no route."""

    bundles = Bundles(np.zeros(0), np.zeros(0, np.int32), np.zeros(0, np.int16), ())

    def paths(self, source, target):
        raise NotImplementedError


def fabric(tiers, classes, trunks, num_endpoints):
    """Return a fabric from (class, lower, upper, links) tuples."""
    columns = np.array(trunks).T
    num_switches = sum(tier.num_switches for tier in tiers)
    return Fabric(
        kind="by hand",
        parameters={},
        num_endpoints=num_endpoints,
        tiers=tiers,
        link_classes=classes,
        switch_tier=np.repeat(np.arange(len(tiers)), [t.num_switches for t in tiers]).astype(
            np.int8
        ),
        switch_block=np.full(num_switches, -1, np.int32),
        switch_rail=np.full(num_switches, -1, np.int16),
        switch_plane=np.full(num_switches, -1, np.int16),
        trunk_class=columns[0].astype(np.int8),
        trunk_lower=columns[1].astype(np.int32),
        trunk_upper=columns[2].astype(np.int32),
        trunk_links=columns[3].astype(np.int32),
        endpoint_block=np.zeros(num_endpoints, np.int32),
        routing=NoRouting(),
    )


def leaf_spine(num_planes):
    """Return two hosts and, per plane, two leaves and two spines joined by 4 links, 2 a cable."""
    leaves, spines = 2 * num_planes, 2 * num_planes
    trunks = [(0, host, 2 * p + host, 1) for p in range(num_planes) for host in range(2)]
    trunks += [
        (1, 2 * p + leaf, leaves + 2 * p + spine, 4)
        for p in range(num_planes)
        for leaf in range(2)
        for spine in range(2)
    ]
    tiers = (Tier("leaf", leaves, 64), Tier("spine", spines, 64))
    classes = (LinkClass("host-leaf", HOST, 0, 5e10), LinkClass("leaf-spine", 0, 1, 5e10, 2))
    return fabric(tiers, classes, trunks, 2)


ENDS = (LinkEnds("host-leaf", "dac", 4, 1e-9), LinkEnds("leaf-spine", "optics", 16, 1e-9))
SWITCHES = {"leaf": 1e-9, "spine": 1e-9}


@pytest.mark.parametrize("num_planes", [1, 2, 4])
def test_paths_of_a_leaf_spine_fabric_are_its_planes_cables_and_spines(num_planes):
    parts = network_exposures(leaf_spine(num_planes), SWITCHES, ENDS)
    paths = {part.cause: (part.num_paths, part.avoidable) for part in parts}
    assert paths == {
        "switch leaf": (num_planes, True),
        "switch spine": (2, False),
        "link host-leaf (dac)": (num_planes, True),
        "link leaf-spine (optics)": (4, False),
    }
    assert [part.num_parts for part in parts] == [2 * num_planes, 2 * num_planes, 4, 16]


def test_a_router_with_hosts_is_a_single_path_and_its_links_are_not():
    ring = [(0, host, host, 1) for host in range(3)] + [(1, a, (a + 1) % 3, 1) for a in range(3)]
    built = fabric(
        (Tier("router", 3, 8),),
        (LinkClass("host", HOST, 0, 5e10), LinkClass("local", 0, 0, 5e10)),
        ring,
        3,
    )
    ends = (LinkEnds("host", "dac", 6, 1e-9), LinkEnds("local", "dac", 6, 1e-9))
    parts = network_exposures(built, {"router": 1e-9}, ends)
    assert [part.num_paths for part in parts] == [1, 1, 2]


@pytest.mark.parametrize(
    ("kind", "parameters", "links", "switches"),
    [
        # four scalable units of a DGX H100 SuperPOD: 32 uplinks to 16 spines
        ("rail-optimized", {"units": 4, "unit_nodes": 32, "radix": 64}, [1, 32], [1, 16]),
        # the same in two planes
        (
            "rail-optimized",
            {"units": 4, "unit_nodes": 64, "radix": 128, "planes": 2},
            [2, 64],
            [2, 16],
        ),
        # four routers per group with two global links each; with one, there is a way around it
        ("dragonfly", {"p": 2, "a": 4, "h": 2, "g": 9}, [1, 3, 2], [1]),
        ("dragonfly", {"p": 1, "a": 4, "h": 1, "g": 5}, [1, 3, 2], [1]),
    ],
)
def test_paths_of_built_fabrics(kind, parameters, links, switches):
    built = topology.build(kind, parameters)
    ends = [LinkEnds(link_class.name, "any", 2, 1e-9) for link_class in built.link_classes]
    parts = network_exposures(built, {tier.name: 1e-9 for tier in built.tiers}, ends)
    assert [part.num_paths for part in parts] == switches + links


def test_unknown_tiers_and_link_classes_are_refused_with_the_known_ones():
    with pytest.raises(ParameterError, match="spine"):
        network_exposures(leaf_spine(1), {"leaf": 1e-9}, ENDS)
    with pytest.raises(ParameterError, match="did you mean leaf-spine"):
        network_exposures(leaf_spine(1), SWITCHES, (LinkEnds("leaf-spline", "dac", 4, 1e-9),))


def test_impossible_exposures_and_policies_are_refused():
    for bad in ({"num_parts": -1}, {"num_paths": 0}, {"failures_per_s": -1.0}):
        with pytest.raises(ParameterError, match="not possible"):
            Exposure(**{"cause": "link", "num_parts": 1, "failures_per_s": 1.0} | bad)
    with pytest.raises(ParameterError, match="exposed network fraction"):
        Policy(None, 10.0, 1.5)


@pytest.mark.parametrize("cage_ports", [1, 2, 4])
def test_a_nic_with_two_planes_has_two_paths_however_its_cages_break_out(cage_ports):
    fabric = topology.build(
        "leaf-spine",
        {"hosts": 64, "radix": 32, "planes": 2, "cage_ports": cage_ports},
    )
    ends = [LinkEnds(kind.name, "any", 2, 1e-9) for kind in fabric.link_classes]
    exposures = network_exposures(fabric, {tier.name: 1e-9 for tier in fabric.tiers}, ends)
    by_cause = {part.cause: part.num_paths for part in exposures}
    assert by_cause["link host-leaf (any)"] == 2
    assert by_cause["switch leaf"] == 2
