"""Cost is additive, and the bill conserves what the cables say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netloom import catalog
from netloom.cost.bom import CableLot, NodeLot, SwitchLot, bill_of_materials
from netloom.cost.money import network_capex, total_capex
from netloom.cost.power import it_power_w
from netloom.cost.prices import CLASSES, Prices

BOOK = catalog.get("price-book", "market-2026")
SITE = catalog.get("site-costs", "us-2026")
MEDIA = {name: catalog.get("medium", name) for name in ("dac-400g", "dsp-400g-dr4", "aoc-800g")}
NIC = catalog.get("nic", "connectx-7")

cable_lots = st.lists(
    st.builds(
        lambda link_class, name, length, num: CableLot(
            link_class, name, length, num, MEDIA[name].pluggable_ends * num
        ),
        st.sampled_from(["host-leaf", "leaf-spine"]),
        st.sampled_from(sorted(MEDIA)),
        st.sampled_from([1.0, 2.0, 30.0]),
        st.integers(0, 5_000),
    ),
    max_size=8,
)
switch_lots = st.lists(
    st.builds(
        lambda tier, name, num: SwitchLot(tier, catalog.get("switch", name), num),
        st.sampled_from(["leaf", "spine"]),
        st.sampled_from(["qm9700", "tomahawk-5"]),
        st.integers(0, 500),
    ),
    max_size=4,
)
changes = st.dictionaries(st.sampled_from(CLASSES), st.floats(-1, 2))


def bill(num_nodes, switches, cables, adjust):
    nodes = NodeLot(catalog.get("node", "hgx-h100"), NIC, num_nodes, NIC, 8)
    return bill_of_materials(nodes, switches, cables, MEDIA, Prices(BOOK, adjust), SITE)


@given(
    st.integers(0, 500),
    st.integers(0, 500),
    switch_lots,
    switch_lots,
    cable_lots,
    cable_lots,
    changes,
)
def test_two_halves_cost_and_draw_what_the_whole_does(n1, n2, s1, s2, c1, c2, adjust):
    first, second = bill(n1, s1, c1, adjust), bill(n2, s2, c2, adjust)
    whole = bill(n1 + n2, s1 + s2, c1 + c2, adjust)
    for capex in (network_capex, total_capex):
        both, one = capex(first) + capex(second), capex(whole)
        for end in ("low", "mode", "high"):
            assert getattr(one, end) == pytest.approx(getattr(both, end), rel=1e-12, abs=0.005)
    assert it_power_w(whole) == pytest.approx(it_power_w(first) + it_power_w(second), abs=1e-3)


@given(cable_lots)
def test_transceivers_are_the_pluggable_ends_of_all_cables(cables):
    lines = bill(1, (), cables, {})
    expected = sum(MEDIA[lot.medium].pluggable_ends * lot.num_cables for lot in cables)
    assert sum(line.quantity for line in lines if line.group == "optics") == expected
    bought = sum(line.quantity for line in lines if line.group == "cables")
    assert bought == sum(lot.num_cables for lot in cables)


@given(switch_lots, cable_lots, changes, st.sampled_from(CLASSES), st.floats(0, 1))
def test_a_dearer_class_never_makes_the_cluster_cheaper(switches, cables, adjust, group, more):
    before = total_capex(bill(10, switches, cables, adjust))
    raised = adjust | {group: adjust.get(group, 0.0) + more}
    after = total_capex(bill(10, switches, cables, raised))
    for end in ("low", "mode", "high"):
        assert getattr(after, end) >= getattr(before, end) * (1 - 1e-12)
