"""What direct networks, Dragonfly+ and dual-ToR refuse, and what they fill in from a cluster."""

from __future__ import annotations

import pytest

from netloom.errors import ParameterError
from netloom.topology import build, sized
from netloom.topology.counts import bisection_fraction, count

CLUSTER = {"hosts": 16_384, "nics_per_node": 8, "num_ports": 64, "link_bytes_per_s": 50e9}


@pytest.mark.parametrize(
    ("kind", "parameters", "words"),
    [
        ("slim-fly", {"q": 28}, ["q' = 28", "no prime power", "q: 27, or q: 29"]),
        ("slim-fly", {"q": 2}, ["4w", "q: 3"]),
        (
            "slim-fly",
            {"q": 16, "p": 13, "radix": 36},
            ["24 to switches", "radix: 37", "p: 12", "q: 13"],
        ),
        ("slim-fly", {"q": 5, "p": 4, "hosts": 201}, ["hosts: 200", "p: 5"]),
        ("polarfly", {"q": 28}, ["no prime power", "q: 27, or q: 29"]),
        ("polarfly", {"q": 31, "p": 16, "radix": 32}, ["radix: 48", "q: 13"]),
        ("polarfly", {"q": 7, "p": 1, "hosts": 58}, ["hosts: 57", "p: 2"]),
        ("hyperx", {"dims": "8,8", "p": 8, "radix": 16}, ["radix: 22", "p: 2"]),
        ("hyperx", {"dims": "8,0"}, ["dims", "comma list"]),
        ("hyperx", {"dims": "8,x"}, ["dims", "comma list"]),
        ("hyperx", {"dims": "8,8", "K": "1,2,3"}, ["2 dimensions", "K: 1,2"]),
        ("torus", {"dims": "4,4", "hosts": 20}, ["hosts: 16", "p: 2"]),
        ("torus", {"dims": "4,4", "board": "2,2"}, ["routers: endpoint"]),
        ("torus", {"dims": "4,6", "board": "2,4", "routers": "endpoint"}, ["board: 2,2"]),
        ("torus", {"dims": "4,6", "p": 2, "routers": "endpoint"}, ["p: 1"]),
        ("torus", {"dims": "4,4", "radix": 4}, ["radix: 5"]),
        ("mesh", {}, ["needs parameter 'dims'"]),
        ("flattened-butterfly", {"k": 16, "n": 4, "radix": 48}, ["radix: 61", "k: 12"]),
        ("flattened-butterfly", {"k": 4, "n": 2, "hosts": 17}, ["hosts: 16", "n: 3"]),
        ("dragonfly-plus", {"p": 4, "a": 4, "h": 4, "g": 18}, ["g: 17", "h: 5"]),
        (
            "dragonfly-plus",
            {"p": 4, "a": 4, "h": 5, "g": 9, "radix": 8},
            ["radix: 9", "p: 4, a: 4"],
        ),
        ("dragonfly-plus", {"p": 4, "a": 4, "h": 4, "g": 2, "hosts": 33}, ["hosts: 32", "g: 3"]),
        ("dual-tor", {"segments": 16}, ["128 ToRs", "pod_segments: 15", "agg_down: 128"]),
        ("dual-tor", {"segments": 1, "segment_hosts": 1028}, ["1024", "segment_hosts: 1032"]),
        ("dual-tor", {"segments": 1, "segment_hosts": 2048}, ["segment_hosts: 1024", "256"]),
        ("dual-tor", {"segments": 2, "hosts": 2049}, ["hosts: 2048", "segments: 3"]),
        ("dual-tor", {"segments": 2, "pod_segments": 1, "agg_up": 0}, ["agg_up: 1"]),
    ],
)
def test_a_bad_parameter_is_refused_with_valid_choices(kind, parameters, words):
    with pytest.raises(ParameterError) as refusal:
        build(kind, parameters)
    for word in words:
        assert word in str(refusal.value), str(refusal.value)


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        ("slim-fly", {"hosts": 512}, ["contradicts the cluster", "hosts: 16384"]),
        ("slim-fly", {"q": 28}, ["q: 27"]),
        ("polarfly", {"radix": 128}, ["radix: 64"]),
        ("torus", {"dims": "4,4,4", "p": 255}, ["hosts"]),
        ("dual-tor", {"rails": 4}, ["rails: 8"]),
        ("dual-tor", {"tor_down": 40, "tor_up": 16}, ["tor_up: 11"]),
        ("dual-tor", {"agg_down": 31, "agg_up": 2}, ["agg_down: 30"]),
        ("dragonfly-plus", {"g": 1}, ["no Dragonfly+", "p: 32"]),
        ("flattened-butterfly", {"n": 2}, ["hosts: 1024"]),
        ("hyperx", {"K": "20,20"}, ["no HyperX", "hosts: "]),
    ],
)
def test_what_is_given_must_fit_the_cluster(kind, given, words):
    with pytest.raises(ParameterError) as refusal:
        build(kind, sized(kind, **CLUSTER, given=given))
    for word in words:
        assert word in str(refusal.value), str(refusal.value)


def test_a_switch_of_256_ports_gives_hpn_7():
    p = sized(
        "dual-tor", hosts=15_360, nics_per_node=8, num_ports=256, link_bytes_per_s=25e9,
    )  # fmt: skip
    assert (p.segments, p.segment_hosts, p.planes) == (15, 1024, 2)
    assert (p.tor_down, p.tor_spare, p.tor_up) == (128, 8, 60)
    assert (p.agg_down, p.agg_up) == (120, 8)
    assert sum(count(build("dual-tor", p)).switches.values()) == 360


def test_a_cluster_larger_than_a_pod_gets_several():
    p = sized("dual-tor", **CLUSTER | {"num_ports": 256, "hosts": 40_000})
    assert (p.segments, p.pod_segments) == (40, 15)
    assert [tier.name for tier in build("dual-tor", p).tiers] == ["tor", "agg", "core"]


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("slim-fly", {"q": 23, "p": 16}),
        ("polarfly", {"q": 32, "p": 16}),
        ("dragonfly-plus", {"p": 32, "a": 32, "h": 32, "g": 16}),
        ("flattened-butterfly", {"k": 12, "n": 4}),
    ],
)
def test_sizes_of_16384_endpoints_on_64_ports(kind, shape):
    p = sized(kind, **CLUSTER)
    assert {name: getattr(p, name) for name in shape} == shape


@pytest.mark.parametrize("kind", ["hyperx", "torus", "mesh"])
def test_lattices_use_the_switch_and_hold_the_hosts(kind):
    p = sized(kind, **CLUSTER)
    fabric = build(kind, p)
    assert fabric.num_endpoints == 16_384
    assert fabric.tiers[0].num_ports == 64
    if kind == "hyperx":
        assert bisection_fraction(fabric) >= 0.5


def test_hyperx_widens_its_links_where_switches_have_ports_to_spare():
    # 512 hosts, 128 ports: a full mesh of 8 switches of 64 hosts, 8 links between any two
    p = sized("hyperx", **CLUSTER | {"hosts": 512, "num_ports": 128})
    assert (p.dims, p.K, p.p) == ((8,), (8,), 64)
    assert bisection_fraction(build("hyperx", p)) == 0.5
    # the 36-port network of the Slim Fly study follows from its endpoints alone
    p = sized("hyperx", **CLUSTER | {"hosts": 2_028, "num_ports": 36})
    assert (p.dims, p.K, p.p) == ((13, 13), (1,), 12)


def test_given_lattice_parameters_stay():
    p = sized("torus", **CLUSTER, given={"dims": [16, 16, 16]})
    assert (p.dims, p.p, p.K) == ((16, 16, 16), 4, (1,))
    p = sized("mesh", **CLUSTER, given={"p": 4})
    assert (p.dims, p.p, p.K) == ((16, 16, 16), 4, (1,))
    p = sized("hyperx", **CLUSTER, given={"dims": "32,32"})
    assert (p.dims, p.p) == ((32, 32), 16)
    p = sized("slim-fly", **CLUSTER, given={"q": 27})
    assert p.p == 12


def test_dims_may_be_a_list_a_comma_list_or_a_number():
    shapes = [build("torus", {"dims": dims}).parameters["dims"] for dims in ([6], "6", 6)]
    assert shapes == [(6,)] * 3
