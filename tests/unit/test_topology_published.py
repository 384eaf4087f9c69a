"""Counts of built fabrics against the tables of reference architectures and papers."""

from __future__ import annotations

import pytest

from netloom.topology import build
from netloom.topology.counts import address_warnings, bisection_fraction, count, hops


def counted(kind, **parameters):
    return count(build(kind, parameters))


# NVIDIA DGX H100 SuperPOD reference architecture, table of component counts; 64 ports of 400 Gb/s,
# one node position given up for the fabric managers.
@pytest.mark.parametrize(
    ("units", "nodes", "gpus", "leaf", "spine", "compute_and_manager", "leaf_spine"),
    [
        (1, 31, 248, 8, 4, 252, 256),
        (2, 63, 504, 16, 8, 508, 512),
        (4, 127, 1016, 32, 16, 1020, 1024),
    ],
)
def test_superpod_h100(units, nodes, gpus, leaf, spine, compute_and_manager, leaf_spine):
    fabric = build(
        "rail-optimized", {"units": units, "unit_nodes": 32, "radix": 64, "reserved_nodes": 1}
    )
    counts = count(fabric)
    assert fabric.num_endpoints == gpus == 8 * nodes
    assert counts.switches == {"leaf": leaf, "spine": spine}
    assert counts.links["host-leaf"] + fabric.parameters["manager_links"] == compute_and_manager
    assert counts.cables["leaf-spine"] == leaf_spine


# NVIDIA DGX B200 SuperPOD reference architecture, Quantum-2; three tiers from 16 units.
@pytest.mark.parametrize(
    ("units", "tiers", "gpus", "leaf", "spine", "core"),
    [(2, 2, 512, 16, 8, None), (4, 2, 1024, 32, 16, None), (16, 3, 4096, 128, 128, 64)],
)
def test_superpod_b200(units, tiers, gpus, leaf, spine, core):
    counts = counted("rail-optimized", units=units, unit_nodes=32, radix=64, tiers=tiers)
    assert counts.switches == {"leaf": leaf, "spine": spine} | ({"core": core} if core else {})
    assert set(counts.cables.values()) == {gpus}
    assert counts.endpoints == gpus


# NVIDIA DGX B300 SuperPOD, Spectrum-X, two planes of 400 Gb/s; cables are 800 Gb/s cages.
@pytest.mark.parametrize(("units", "gpus", "leaf", "spine"), [(1, 512, 16, 8), (4, 2048, 64, 32)])
def test_superpod_b300_ethernet(units, gpus, leaf, spine):
    counts = counted(
        "rail-optimized", units=units, unit_nodes=64, radix=128, planes=2, cage_ports=2
    )
    assert counts.switches == {"leaf": leaf, "spine": spine}
    assert counts.cables == {"host-leaf": gpus, "leaf-spine": gpus}
    assert counts.links == {"host-leaf": 2 * gpus, "leaf-spine": 2 * gpus}


# NVIDIA DGX B300 SuperPOD, Quantum-X800 XDR, 144 ports of 800 Gb/s.
@pytest.mark.parametrize(("units", "gpus", "leaf", "spine"), [(1, 576, 8, 4), (2, 1152, 16, 8)])
def test_superpod_b300_xdr(units, gpus, leaf, spine):
    counts = counted("rail-optimized", units=units, unit_nodes=72, radix=144)
    assert counts.switches == {"leaf": leaf, "spine": spine}
    assert counts.cables == {"host-leaf": gpus, "leaf-spine": gpus}


def test_spines_are_raised_until_pairs_have_whole_links():
    # 3 units: 24 leaves x 32 / 64 = 12 spines would leave pairs with 2 and 3 links
    counts = counted("rail-optimized", units=3, unit_nodes=32, radix=64)
    assert counts.switches["spine"] == 16


# Textbook limits by radix: hosts and switches of full two- and three-tier fat trees.
@pytest.mark.parametrize(
    ("radix", "tiers", "hosts", "switches", "links"),
    [
        (36, 2, 648, 54, 648),
        (64, 2, 2048, 96, 2048),
        (144, 2, 10368, 216, 10368),
        (36, 3, 11664, 1620, 23328),
        (64, 3, 65536, 5120, 131072),
    ],
)
def test_full_fat_trees(radix, tiers, hosts, switches, links):
    counts = counted("fat-tree", hosts=hosts, radix=radix, tiers=tiers)
    assert sum(counts.switches.values()) == switches
    assert sum(counts.links.values()) - counts.links["host-leaf"] == links
    assert set(counts.ports_free.values()) == {0}


def test_largest_xdr_fat_tree_counts_switches():
    counts = counted("fat-tree", hosts=746_496, radix=144, tiers=3)
    assert sum(counts.switches.values()) == 25_920
    assert counts.links["leaf-spine"] + counts.links["spine-core"] == 1_492_992


def test_xdr_two_tier_fits_one_infiniband_subnet_and_three_tier_does_not():
    two = build("fat-tree", {"hosts": 10368, "radix": 144, "tiers": 2})
    assert count(two).addresses == 10_584
    assert address_warnings(two, 49_151) == ()
    three = build("fat-tree", {"hosts": 65_536, "radix": 64, "tiers": 3})
    assert "2 subnets" in address_warnings(three, 49_151)[0]


# HammingMesh (SC 2022), table II: 16 planes of 64-port switches.
@pytest.mark.parametrize(
    ("hosts", "tiers", "taper", "leaf", "upper"),
    [(1024, 2, 1.0, 32, 16), (1050, 2, 0.5, 25, 9), (16384, 3, 1.0, 512, 512 + 256)],
)
def test_hammingmesh_fat_trees(hosts, tiers, taper, leaf, upper):
    counts = counted("fat-tree", hosts=hosts, radix=64, tiers=tiers, taper=taper, planes=16)
    assert counts.switches["leaf"] == 16 * leaf
    assert sum(counts.switches.values()) == 16 * (leaf + upper)


# The same table: Dragonfly; two logical routers share a 64-port switch in the small one.
def test_hammingmesh_dragonflies():
    small = counted("dragonfly", p=8, a=16, h=8, g=8, routers_per_switch=2, radix=64)
    assert small.switches == {"router": 64}
    assert small.endpoints == 1024
    assert small.links["local"] == 8 * 112
    large = counted("dragonfly", p=17, a=32, h=16, g=30, radix=64)
    assert large.switches == {"router": 960}
    assert large.endpoints == 16_320


def test_deepseek_v3_table_3():
    dragonfly = counted("dragonfly", p=16, a=32, h=16, g=511)
    assert dragonfly.endpoints == 261_632
    assert dragonfly.switches == {"router": 16_352}
    assert dragonfly.links["local"] + dragonfly.links["global"] == 384_272


@pytest.mark.parametrize(("a", "h", "routers", "links"), [(4, 2, 36, 90), (8, 4, 264, 1452)])
def test_full_dragonflies_have_diameter_three(a, h, routers, links):
    fabric = build("dragonfly", {"p": h, "a": a, "h": h, "g": a * h + 1})
    counts = count(fabric)
    assert counts.switches == {"router": routers}
    assert counts.links["local"] + counts.links["global"] == links
    assert hops(fabric).diameter == 3


# Slim Fly deployment paper (NSDI 2024): radix 36 with 3:1 blocking leaves.
def test_blocking_two_tier_tree_of_radix_36():
    counts = counted("fat-tree", hosts=972, radix=36, tiers=2, taper="3:1")
    assert counts.switches == {"leaf": 36, "spine": 9}


# Rail-only (arXiv 2307.12169): 32,768 GPUs, radix 64, domains of 256.
def test_rail_only_against_full_bisection_baseline():
    rail_only = counted("rail-only", hosts=32_768, domain=256, radix=64)
    baseline = counted("fat-tree", hosts=32_768, radix=64, tiers=3)
    assert sum(rail_only.switches.values()) == 1_536
    assert 2 * sum(rail_only.links.values()) == 131_072
    assert sum(baseline.switches.values()) == 2_560
    assert 2 * sum(baseline.links.values()) == 196_608


# Meta's 24,576-GPU RoCE cluster: 8 pods of 3,072, racks of 16, 16 up and down, 1:7 between pods.
def test_meta_llama3_cluster():
    fabric = build(
        "pods",
        {
            "pods": 8,
            "pod_hosts": 3072,
            "rack_hosts": 16,
            "oversubscription": 7,
            "radix": (64, 288, 576),
        },
    )
    counts = count(fabric)
    assert fabric.num_endpoints == 24_576
    assert counts.switches["leaf"] == 1_536
    assert counts.links["leaf-spine"] == 24_576
    # every pod's uplinks are one seventh of its downlinks, to the whole link
    assert counts.links["spine-core"] == 8 * 439
    assert bisection_fraction(fabric) == pytest.approx(1 / 7, rel=1e-3)


# Cloud guide: 64 nodes of 4 GPUs on 64 x 800G switches, 400G to the hosts.
def test_leaf_spine_of_256_gpus():
    assert counted("leaf-spine", hosts=256, radix=128).switches == {"leaf": 4, "spine": 2}


# OpenAI and Microsoft: 512 x 100G switches reach 131,072 GPUs in two tiers, over 8 planes, with 2/3
# of the optics and 3/5 of the switches that three tiers of the same ports need.
def test_eight_planes_in_two_tiers_against_three():
    two = counted("fat-tree", hosts=131_072, radix=512, tiers=2, planes=8)
    three = counted("fat-tree", hosts=131_072, radix=512, tiers=3, planes=8)
    assert 5 * sum(two.switches.values()) == 3 * sum(three.switches.values())
    assert 3 * sum(two.links.values()) == 2 * sum(three.links.values())
