"""Properties of families over random sizes."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from netloom.topology import REGISTRY, build
from netloom.topology.clos import Level, deal, most_hosts
from netloom.topology.counts import bisection_fraction, count, hops, ports_used


@given(
    children=st.lists(
        st.tuples(st.integers(1, 6), st.integers(0, 40), st.integers(0, 2)), min_size=1, max_size=12
    ),
    uppers=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9)),
)  # fmt: skip
def test_dealing_uses_every_uplink_once_and_evenly(children, uppers):
    switches, uplinks, parent = (np.array(part) for part in zip(*children, strict=True))
    none = np.full(len(children), -1)
    level = Level("low", 64, switches, uplinks, parent, none, none)
    above = Level("high", 64, np.array(uppers), np.zeros(3, int), none[:0], none, none)
    lower, upper, links = deal(level, above)
    child_of = np.repeat(np.arange(len(children)), switches)
    per_child = np.bincount(child_of[lower], weights=links, minlength=len(children))
    assert per_child.tolist() == uplinks.tolist()
    per_lower = np.bincount(lower, weights=links, minlength=len(child_of))
    for child in range(len(children)):
        mine = per_lower[child_of == child]
        assert mine.max() - mine.min() <= 1
    first = np.cumsum(uppers) - uppers
    per_upper = np.bincount(upper, weights=links, minlength=sum(uppers))
    for group, (start, size) in enumerate(zip(first, uppers, strict=True)):
        total = uplinks[parent == group].sum()
        mine = per_upper[start : start + size]
        assert mine.sum() == total
        assert mine.max() <= -(-total // size)
    assert len(np.unique(np.stack([lower, upper]), axis=1).T) == len(lower)


@settings(max_examples=40, deadline=None)
@given(
    radix=st.integers(4, 24), tiers=st.sampled_from([2, 3]), planes=st.integers(1, 3),
    taper=st.sampled_from([1.0, 0.5, 0.25, 1 / 3, 2.0]), fill=st.floats(0.01, 1.0),
)  # fmt: skip
def test_any_fat_tree_keeps_its_ports_and_its_closed_form(radix, tiers, planes, taper, fill):
    most = most_hosts(radix, tiers, taper)
    if most == 0:
        return
    parameters = {
        "hosts": max(1, int(fill * most)),
        "radix": radix,
        "tiers": tiers,
        "planes": planes,
        "taper": taper if taper <= 1 else f"1:{taper:g}",
    }
    fabric = build("fat-tree", parameters)
    counts = count(fabric)
    assert ports_used(fabric).max() <= radix
    family = REGISTRY.get("fat-tree")
    assert counts.switches | counts.links == family.closed_form(family.Parameters(**parameters))
    found = hops(fabric)
    assert found.connected
    assert found.diameter <= 2 * (tiers - 1)


@settings(max_examples=40, deadline=None)
@given(p=st.integers(1, 4), a=st.integers(1, 6), h=st.integers(1, 4), data=st.data())
def test_any_dragonfly_is_connected_within_three_links(p, a, h, data):
    g = data.draw(st.integers(1, a * h + 1))
    fabric = build("dragonfly", {"p": p, "a": a, "h": h, "g": g})
    assert ports_used(fabric).max() <= p + a - 1 + h
    found = hops(fabric)
    assert found.connected
    assert found.diameter <= 3


@settings(max_examples=25, deadline=None)
@given(
    units=st.integers(1, 32),
    unit_nodes=st.integers(1, 8),
    rails=st.integers(1, 4),
    missing=st.integers(0, 5),
)
def test_any_three_tier_rail_tree_is_connected(units, unit_nodes, rails, missing):
    hosts = max(1, units * unit_nodes * rails - missing)
    fabric = build(
        "rail-optimized",
        {
            "units": units,
            "unit_nodes": unit_nodes,
            "rails": rails,
            "radix": 16,
            "tiers": 3,
            "hosts": hosts,
        },
    )
    assert ports_used(fabric).max() <= 16
    assert hops(fabric).connected


@settings(max_examples=20, deadline=None)
@given(over=st.floats(1, 16), hosts=st.integers(257, 512))
def test_more_oversubscription_never_adds_bisection(over, hosts):
    def fraction(oversubscription):
        return bisection_fraction(
            build(
                "pods",
                {"pods": 2, "pod_hosts": 256, "hosts": hosts, "radix": (32, 64, 512),
                 "oversubscription": oversubscription},
            )
        )  # fmt: skip

    assert fraction(over * 1.5) <= fraction(over)
