"""What every fabric family must keep, run on each family that the registry finds."""

from __future__ import annotations

import json

import numpy as np
import pytest

from netloom.errors import ParameterError
from netloom.topology import REGISTRY, build, kinds, sized
from netloom.topology.counts import count, hops, ports_used
from netloom.topology.fabric import HOST
from netloom.topology.routing.tree import TreeRouting

#: Endpoints, most of which fill no fabric evenly.
HOSTS = (1, 2, 7, 64, 96, 130, 257, 500, 1000, 1024)
PORTS = (16, 24, 40, 64)
#: Parameters that some families take; where they do, each set is tried with them too.
GIVEN = (
    {},
    {"planes": 2},
    {"taper": 0.5},
    {"taper": "3:1", "planes": 4},
    {"tiers": 3},
    {"domain": 32},
)
DISJOINT = {"rail-only"}
#: What a study must state, because it does not follow from a cluster.
STATED = {"zcube": {"planes": 3}}


def drawn(folder, hosts, num_ports):
    """Return a user's own drawing of a Jellyfish, as a node-link file."""
    fabric = build(
        "jellyfish",
        sized(
            "jellyfish", hosts=hosts, nics_per_node=8, num_ports=num_ports, link_bytes_per_s=50e9
        ),
    )  # fmt: skip
    nodes = [{"id": f"e{number}", "role": "host"} for number in range(hosts)]
    nodes += [{"id": f"s{number}", "role": "switch"} for number in range(fabric.num_switches)]
    links = [
        {"source": f"{'s' if kind else 'e'}{lower}", "target": f"s{upper}"}
        for kind, lower, upper in zip(
            fabric.trunk_class, fabric.trunk_lower, fabric.trunk_upper, strict=True
        )
    ]
    path = folder / f"{hosts}-{num_ports}.json"
    path.write_text(json.dumps({"nodes": nodes, "links": links}), encoding="utf-8")
    return {"path": str(path)}


def parameter_sets(kind, folder):
    """Yield the family's parameters for many clusters; clusters that it refuses are left out."""
    names = REGISTRY.get(kind).Parameters.model_fields
    for given in GIVEN:
        if not given.keys() <= names.keys():
            continue
        for hosts in HOSTS:
            for num_ports in PORTS:
                file = drawn(folder, hosts, num_ports) if kind == "graph" else {}
                try:
                    parameters = sized(
                        kind, hosts=hosts, nics_per_node=8, num_ports=num_ports,
                        link_bytes_per_s=50e9, ports_per_cage=2, given=given | file,
                    )  # fmt: skip
                    fabric = build(kind, parameters)
                except ParameterError:
                    continue
                yield parameters, fabric


@pytest.fixture(scope="module", params=kinds())
def built(request, tmp_path_factory):
    return request.param, list(parameter_sets(request.param, tmp_path_factory.mktemp("drawn")))


def test_at_least_twenty_parameter_sets(built):
    assert len(built[1]) >= 20


@pytest.mark.parametrize("kind", sorted(set(kinds()) - {"graph"}))
def test_any_number_of_hosts_is_held_where_nothing_is_asked_for(kind):
    for hosts in (*range(1, 200, 7), *range(200, 2048, 131), 2048):
        parameters = sized(
            kind, hosts=hosts, nics_per_node=8, num_ports=64, link_bytes_per_s=50e9,
            given=STATED.get(kind),
        )  # fmt: skip
        assert build(kind, parameters).num_endpoints == hosts


def test_no_switch_uses_more_ports_than_it_has(built):
    for parameters, fabric in built[1]:
        radix = np.array([tier.num_ports for tier in fabric.tiers])
        assert (ports_used(fabric) <= radix[fabric.switch_tier]).all(), parameters


def test_arrays_agree_with_tiers_and_types(built):
    for parameters, fabric in built[1]:
        per_tier = np.bincount(fabric.switch_tier, minlength=len(fabric.tiers))
        assert per_tier.tolist() == [tier.num_switches for tier in fabric.tiers], parameters
        assert (np.diff(fabric.switch_tier) >= 0).all(), parameters
        assert fabric.switch_tier.dtype == fabric.trunk_class.dtype == np.int8
        for array in (
            fabric.trunk_lower,
            fabric.trunk_upper,
            fabric.trunk_links,
            fabric.switch_block,
        ):
            assert array.dtype == np.int32
        assert len(fabric.switch_block) == len(fabric.switch_rail) == fabric.num_switches
        assert len(fabric.switch_plane) == fabric.num_switches
        assert fabric.link_classes[0].lower == HOST


def test_every_trunk_has_two_ends_in_the_right_tiers(built):
    for parameters, fabric in built[1]:
        assert (fabric.trunk_links > 0).all(), parameters
        for number, link_class in enumerate(fabric.link_classes):
            mine = fabric.trunk_class == number
            assert (fabric.switch_tier[fabric.trunk_upper[mine]] == link_class.upper).all(), (
                parameters
            )
            if link_class.lower == HOST:
                assert np.isin(fabric.trunk_lower[mine], np.arange(fabric.num_endpoints)).all()
            else:
                lower = fabric.switch_tier[fabric.trunk_lower[mine]]
                assert (lower == link_class.lower).all(), parameters
                assert (fabric.trunk_lower[mine] != fabric.trunk_upper[mine]).all(), parameters


def test_no_two_trunks_join_the_same_ends_in_one_class(built):
    for parameters, fabric in built[1]:
        ends = np.stack([fabric.trunk_class, fabric.trunk_lower, fabric.trunk_upper])
        assert len(np.unique(ends, axis=1).T) == ends.shape[1], parameters


def test_every_endpoint_has_a_link_in_each_plane(built):
    for parameters, fabric in built[1]:
        planes = fabric.parameters.get("planes", 1)
        host = fabric.trunk_class == 0
        links = np.bincount(fabric.trunk_lower[host], weights=fabric.trunk_links[host])
        assert (links == planes).all(), parameters
        if planes > 1 and (fabric.switch_plane >= 0).any():
            plane = fabric.switch_plane[fabric.trunk_upper[host]]
            seen = np.bincount(fabric.trunk_lower[host] * planes + plane)
            assert (seen == 1).all(), parameters
        assert len(links) == fabric.num_endpoints == len(fabric.endpoint_block)


def test_endpoint_and_its_switches_share_a_block(built):
    for parameters, fabric in built[1]:
        host = fabric.trunk_class == 0
        blocks = fabric.switch_block[fabric.trunk_upper[host]]
        assert (blocks == fabric.endpoint_block[fabric.trunk_lower[host]]).all(), parameters


def test_links_stay_inside_their_plane(built):
    for parameters, fabric in built[1]:
        inner = fabric.trunk_class > 0
        lower, upper = fabric.trunk_lower[inner], fabric.trunk_upper[inner]
        assert (fabric.switch_plane[lower] == fabric.switch_plane[upper]).all(), parameters


def test_counts_equal_the_closed_form(built):
    kind, sets = built
    closed_form = REGISTRY.get(kind).closed_form
    for parameters, fabric in sets:
        counts = count(fabric)
        assert counts.switches | counts.links == closed_form(parameters), parameters


def test_fabric_is_connected_or_known_to_be_disjoint(built):
    kind, sets = built
    connected = [hops(fabric).connected for _, fabric in sets]
    if kind in DISJOINT:
        assert not all(connected)
    else:
        assert all(connected)


def test_paths_carry_the_whole_flow_over_both_host_links(built):
    rng = np.random.default_rng(7)
    for parameters, fabric in built[1]:
        source = rng.integers(0, fabric.num_endpoints, 50).astype(np.int32)
        target = rng.integers(0, fabric.num_endpoints, 50).astype(np.int32)
        bundles, paths = fabric.routing.bundles, fabric.routing.paths(source, target)
        assert paths.indptr[0] == 0
        assert paths.indptr[-1] == len(paths.bundle) == len(paths.share)
        for flow in range(50):
            row = slice(paths.indptr[flow], paths.indptr[flow + 1])
            if source[flow] == target[flow]:
                assert row.start == row.stop
                assert paths.num_hops[flow] == 0
                continue
            if paths.num_hops[flow] < 0:
                assert row.start == row.stop, parameters
                assert not hops(fabric).connected, parameters
                continue
            assert len(np.unique(paths.bundle[row])) == row.stop - row.start, parameters
            total = np.bincount(bundles.stage[paths.bundle[row]], weights=paths.share[row])
            host = bundles.stage[paths.bundle[[row.start, row.stop - 1]]]
            assert total[host] == pytest.approx(1.0), parameters
            assert (paths.share[row] > 0).all()


def test_tree_bundles_hold_exactly_the_built_links(built):
    for parameters, fabric in built[1]:
        routing = fabric.routing
        if not isinstance(routing, TreeRouting):
            continue
        lowest = np.full(fabric.num_switches, -1)
        host = fabric.trunk_class == 0
        lowest[fabric.trunk_upper[host]] = fabric.trunk_lower[host]
        for level in range(1, len(routing.group)):
            # a switch of tier level-1 belongs to the group of any endpoint below it
            mine = fabric.trunk_class == level
            rate = fabric.link_classes[level].link_bytes_per_s
            group = routing.group[level - 1][lowest[fabric.trunk_lower[mine]]]
            served = lowest[fabric.trunk_lower[mine]] >= 0
            built_links = np.bincount(group[served], weights=fabric.trunk_links[mine][served])
            for bundle in (routing.up_bundle[level], routing.down_bundle[level]):
                capacity = routing.bundles.bytes_per_s[bundle]
                expected = built_links[routing.group[level - 1]] * rate
                np.testing.assert_allclose(capacity, expected, err_msg=str(parameters))
            # climb: the upper end now lies above the same endpoint
            np.maximum.at(lowest, fabric.trunk_upper[mine], lowest[fabric.trunk_lower[mine]])


def test_up_and_down_are_alike(built):
    for parameters, fabric in built[1]:
        routing = fabric.routing
        if isinstance(routing, TreeRouting):
            up, down = (
                routing.bundles.bytes_per_s[routing.up_bundle],
                routing.bundles.bytes_per_s[routing.down_bundle],
            )
            np.testing.assert_array_equal(up, down, err_msg=str(parameters))
