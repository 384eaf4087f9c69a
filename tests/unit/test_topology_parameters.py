"""What families refuse, and what they fill in from a cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from netloom.errors import ParameterError
from netloom.topology import build, kinds, parameter_model, sized

CLUSTER = {"hosts": 16_384, "nics_per_node": 8, "num_ports": 64, "link_bytes_per_s": 50e9}


@pytest.mark.parametrize("kind", kinds())
def test_every_parameter_has_a_sentence(kind):
    for name, field in parameter_model(kind).model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


@pytest.mark.parametrize(
    ("kind", "parameters", "words"),
    [
        ("fat-tree", {"hosts": 5000, "radix": 64, "tiers": 2}, ["hosts", "2048", "tiers: 3"]),
        ("fat-tree", {"hosts": 8, "radix": 64, "tiers": 4}, ["tiers", "2 or 3"]),
        ("fat-tree", {"hosts": 8, "radix": 64, "tires": 2}, ["tires", "did you mean tiers"]),
        ("fat-tree", {"hosts": 8, "radix": 64}, ["needs parameter 'tiers'"]),
        ("fat-tree", {"hosts": 8, "radix": 64, "tiers": 2, "taper": "x"}, ["taper", "3:1"]),
        ("leaf-spine", {"hosts": 512, "radix": 64, "spines": 5}, ["spines: 8", "spines: 32"]),
        ("rail-optimized", {"units": 9, "unit_nodes": 32, "radix": 64}, ["units: 8", "tiers: 3"]),
        ("rail-optimized", {"units": 1, "unit_nodes": 33, "radix": 64}, ["unit_nodes: 32"]),
        ("rail-optimized", {"units": 1, "unit_nodes": 4, "radix": 64, "hosts": 33}, ["hosts: 32"]),
        ("rail-only", {"hosts": 10**6, "domain": 8, "radix": 16}, ["hosts: 8192"]),
        ("pods", {"pods": 8, "pod_hosts": 3072, "radix": 64}, ["radix: [64, 220, 64]"]),
        ("dragonfly", {"p": 8, "a": 16, "h": 8, "g": 130}, ["g: 129", "h: 9"]),
        ("dragonfly", {"p": 8, "a": 16, "h": 8, "g": 9, "radix": 24}, ["radix: 31", "p: 6, a: 12"]),
        (
            "dragonfly", {"p": 8, "a": 9, "h": 8, "g": 9, "routers_per_switch": 2},
            ["routers_per_switch: 1", "routers_per_switch: 3"],
        ),
        ("torus-of-torus", {}, ["unknown fabric family", "Known: "]),
    ],
)  # fmt: skip
def test_a_bad_parameter_is_refused_with_valid_choices(kind, parameters, words):
    with pytest.raises(ParameterError) as refusal:
        build(kind, parameters)
    for word in words:
        assert word in str(refusal.value)


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        ("fat-tree", {"hosts": 512}, ["contradicts the cluster", "hosts: 16384"]),
        ("fat-tree", {"radix": 128}, ["the switch has 64 ports", "radix: 64"]),
        ("fat-tree", {"link_bytes_per_s": 25e9}, ["link_bytes_per_s", "contradicts"]),
        ("rail-optimized", {"units": 2}, ["do not hold", "units: 64"]),
        ("rail-optimized", {"rails": 4}, ["rails: 8"]),
        ("dragonfly", {"p": 4, "a": 8, "h": 4}, ["no Dragonfly", "p: 16"]),
        ("pods", {"pods": 2, "pod_hosts": 1024}, ["pods: 16"]),
    ],
)
def test_what_is_given_must_fit_the_cluster(kind, given, words):
    with pytest.raises(ParameterError) as refusal:
        sized(kind, **CLUSTER, given=given)
    for word in words:
        assert word in str(refusal.value)


def test_rails_of_16384_endpoints_are_64_units_in_three_tiers():
    parameters = sized("rail-optimized", **CLUSTER)
    assert (parameters.units, parameters.unit_nodes, parameters.tiers) == (64, 32, 3)
    fabric = build("rail-optimized", parameters)
    assert [tier.num_switches for tier in fabric.tiers] == [512, 512, 256]


@pytest.mark.parametrize(
    ("hosts", "shape"),
    [(1_024, (8, 16, 8, 8, 2)), (16_384, (8, 16, 8, 128, 2)), (131_072, (16, 32, 16, 256, 1))],
)
def test_dragonfly_is_balanced_with_the_fewest_switches(hosts, shape):
    p = sized("dragonfly", **CLUSTER | {"hosts": hosts})
    assert (p.p, p.a, p.h, p.g, p.routers_per_switch) == shape


def test_given_parameters_stay_and_the_rest_follows():
    p = sized(
        "pods", **CLUSTER, given={"pod_hosts": 3072, "rack_hosts": 16, "radix": [64, 288, 576]}
    )
    assert (p.pods, p.pod_hosts, p.hosts, p.oversubscription) == (6, 3072, 16_384, 7)
    p = sized("fat-tree", **CLUSTER | {"num_ports": 256, "hosts": 16_384}, given={"planes": 2})
    assert (p.tiers, p.planes, p.radix) == (2, 2, 256)


def test_a_taper_may_be_written_as_a_ratio():
    model = parameter_model("fat-tree")
    three_to_one = model(hosts=9, radix=4, tiers=2, taper="3:1").taper
    assert three_to_one == pytest.approx(1 / 3)


def test_every_family_and_parameter_is_documented():
    text = (Path(__file__).parents[2] / "docs" / "fabrics.md").read_text(encoding="utf-8")
    sections = {part.partition("\n")[0].strip(" `"): part for part in text.split("\n### ")[1:]}
    for kind in kinds():
        for name in parameter_model(kind).model_fields.keys() - {"link_bytes_per_s", "cage_ports"}:
            assert f"`{name}`" in sections[kind], (kind, name)
