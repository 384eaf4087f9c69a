"""Fabrics at the prices of published cost studies, against sums worked out by hand."""

from __future__ import annotations

import pytest

from netloom import catalog
from netloom.cost.book import fabric_lines, prices_fabrics, rate_key
from netloom.errors import ParameterError
from netloom.topology import build
from netloom.topology.counts import count
from netloom.validation import run

STUDIES = ("hammingmesh-2022", "deepseek-2025", "mixnet-2025", "topoopt-2023")


def priced(kind, parameters, book, copies=1):
    return fabric_lines(build(kind, parameters), catalog.get("price-book", book), copies)


def usd(lines):
    return sum(line.total_usd.mode for line in lines)


def test_every_published_sum_is_met():
    rows = run(["price-books"]).rows
    assert len(rows) == 10
    assert [row.name for row in rows if not row.passed] == []
    assert {row.role for row in rows if "DeepSeek" in row.name} == {"calibration"}
    assert {row.role for row in rows if "HammingMesh" in row.name} == {"test"}


# HammingMesh, SC 2022: switches 14,280 $, 5 m copper 272 $, 20 m active optics 603 $.
def test_a_fat_tree_has_copper_to_hosts_and_light_above():
    lines = priced("fat-tree", {"hosts": 1024, "radix": 64, "tiers": 2}, "hammingmesh-2022", 16)
    assert usd(lines) == 16 * (48 * 14_280 + 1024 * 272 + 1024 * 603)


def test_a_dragonfly_has_copper_inside_its_groups():
    shape = {"p": 8, "a": 16, "h": 8, "g": 8, "routers_per_switch": 2}
    lines = priced("dragonfly", shape, "hammingmesh-2022")
    # 60 of 64 ports are used: the smallest switch that is large enough
    assert usd(lines) == 64 * 14_280 + 1024 * 272 + 8 * 112 * 272 + 512 * 603


def test_a_hammingmesh_has_free_boards_and_copper_in_one_direction():
    shape = {"board": (2, 2), "grid": (64, 64), "radix": 64, "planes": 4}
    lines = priced("hammingmesh", shape, "hammingmesh-2022")
    # 2 x 128 trees of 4 + 2 switches with 128 optical links inside; 16,384 ports per direction
    plane = 2 * 128 * 6 * 14_280 + 16_384 * (272 + 603) + 2 * 128 * 128 * 603
    assert usd(lines) == 4 * plane
    assert {line.used_in for line in lines}.isdisjoint({"board", "host-accelerator"})


def test_a_deepseek_link_has_one_price_with_its_ends():
    lines = priced("fat-tree", {"hosts": 65_536, "radix": 64, "tiers": 3}, "deepseek-2025")
    assert usd(lines) == 5_120 * 30_000 + 131_072 * 2_160 + 65_536 * 830


def test_mixnet_prices_ports_transceivers_and_nics_by_rate():
    lines = priced("fat-tree", {"hosts": 2048, "radix": 64, "tiers": 2}, "mixnet-2025")
    assert usd(lines) == 96 * 64 * 1_090 + 2 * 4_096 * 659 + 2_048 * 1_499
    hundred = {"hosts": 2048, "radix": 64, "tiers": 2, "link_bytes_per_s": 12.5e9}
    lines = priced("fat-tree", hundred, "mixnet-2025")
    assert usd(lines) == 96 * 64 * 187 + 2 * 4_096 * 99 + 2_048 * 659


def test_a_circuit_switch_has_ports_but_no_transceivers():
    lines = priced("ocs-torus", {"cubes": 64, "ocs_ports": 136}, "mixnet-2025")
    by_use = {(line.used_in, line.part): line.quantity for line in lines}
    assert by_use["ocs", "port/ocs"] == 48 * 136
    # one end of a cube's 96 links is an accelerator, the other a mirror
    assert by_use["accelerator-ocs", "transceiver/400g"] == 64 * 96
    assert by_use["cube", "transceiver/400g"] == 2 * 64 * 144


def test_two_links_in_one_cage_are_one_cable():
    shape = {"hosts": 512, "radix": 64, "tiers": 2, "cage_ports": 2}
    lines = priced("fat-tree", shape, "hammingmesh-2022")
    cables = sum(line.quantity for line in lines if line.group == "cables")
    assert cables == sum(count(build("fat-tree", shape)).cables.values()) == 512


@pytest.mark.parametrize("name", STUDIES)
def test_books_of_studies_price_fabrics(name):
    assert prices_fabrics(catalog.get("price-book", name))


def test_a_market_book_is_refused_with_what_to_do():
    with pytest.raises(ParameterError, match="prices parts") as refusal:
        priced("fat-tree", {"hosts": 64, "radix": 64, "tiers": 2}, "market-2026")
    assert "lay the fabric out" in str(refusal.value)


def test_a_switch_or_rate_without_a_price_is_refused():
    with pytest.raises(ParameterError, match="radix: 64"):
        priced("fat-tree", {"hosts": 64, "radix": 128, "tiers": 2}, "hammingmesh-2022")
    odd = {"hosts": 64, "radix": 64, "tiers": 2, "link_bytes_per_s": 200e9}
    with pytest.raises(ParameterError, match="port/1600g"):
        priced("fat-tree", odd, "mixnet-2025")


@pytest.mark.parametrize(("bytes_per_s", "key"), [(1.25e9, "10g"), (50e9, "400g"), (100e9, "800g")])
def test_rates_are_written_as_gigabits(bytes_per_s, key):
    assert rate_key(bytes_per_s) == key


def test_a_torus_of_boards_pays_for_what_leaves_the_boards():
    shape = {"dims": (32, 32), "routers": "endpoint", "board": (2, 2), "planes": 4}
    lines = priced("torus", shape, "hammingmesh-2022")
    # 2 links per accelerator, half of them traces; no switches
    assert usd(lines) == 4 * 1024 * 603
