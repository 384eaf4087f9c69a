"""``netloom fabric``: counts against published tables, prices by hand, files and refusals."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ElementTree
from collections import Counter

import pytest

from netloom import catalog, topology
from netloom.cli.app import main
from netloom.survey import Request, survey

KEYS = {
    "endpoints", "switches", "links", "cables", "transceivers", "ports_used", "ports_free",
    "diameter", "mean_hops", "bisection_fraction", "cost_usd", "power_w", "cables_by_length",
    "cables_by_medium", "warnings",
}  # fmt: skip
BOOK = catalog.get("price-book", "market-2026")
FULL = ["fabric", "fat-tree", "--set", "hosts=2048", "--set", "radix=64", "--set", "tiers=2"]


def answer(capsys, *tokens):
    assert main([*tokens, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_json_has_every_key_and_the_textbook_counts(capsys):
    found = answer(capsys, *FULL)
    assert found.keys() >= KEYS
    assert found["endpoints"] == 2048
    assert found["switches"] == {"leaf": 64, "spine": 32, "total": 96}
    assert found["links"] == {"host-leaf": 2048, "leaf-spine": 2048, "total": 4096}
    assert found["ports_used"]["total"] == 6144
    assert found["ports_free"]["total"] == 0
    assert found["diameter"] == 2
    assert found["mean_hops"] == 2
    assert found["bisection_fraction"] == 1


@pytest.mark.parametrize(
    ("units", "hosts", "managers", "trunks"), [(1, 248, 252, 256), (2, 504, 508, 512)]
)
def test_fabric_managers_are_counted_as_the_published_superpod_table_does(
    capsys, units, hosts, managers, trunks
):
    # compute and UFM cables, spine-leaf cables of the DGX H100 reference architecture
    found = answer(capsys, "fabric", "rail-optimized", "--set", f"units={units}", "--set",
                   "unit_nodes=32", "--set", "radix=64", "--set", "reserved_nodes=1")  # fmt: skip
    assert found["endpoints"] == hosts
    cables = found["cables"]
    assert cables["host-leaf"] + cables["manager-leaf"] == managers
    assert cables["leaf-spine"] == trunks
    assert found["ports_used"]["leaf"] == managers + trunks
    assert found["ports_used"]["leaf"] + found["ports_free"]["leaf"] == 64 * 8 * units


def test_cost_and_power_are_those_of_the_parts(capsys):
    found = answer(capsys, *FULL, "--switch", "tomahawk-4", "--medium-host", "dsp-400g-dr4-50g",
                   "--medium-trunk", "dsp-400g-dr4-50g")  # fmt: skip
    assert found["transceivers"] == {"host-leaf": 4096, "leaf-spine": 4096, "total": 8192}
    module, fibre = BOOK.prices["medium/dsp-400g-dr4-50g"], BOOK.prices["fibre/mpo"]
    for end in ("low", "mode", "high"):
        by_hand = (
            96 * getattr(BOOK.prices["switch/tomahawk-4"], end)
            + 8192 * getattr(module, end)
            + 4096 * getattr(fibre, end)
        )
        assert found["cost_usd"][end] == pytest.approx(by_hand)
    watts = 96 * float(catalog.get("switch", "tomahawk-4").power_w)
    watts += 8192 * float(catalog.get("medium", "dsp-400g-dr4-50g").power_per_end_w)
    assert found["power_w"] == pytest.approx(watts)


def test_a_generic_switch_is_priced_per_port_and_said(capsys):
    found = answer(capsys, "fabric", "leaf-spine", "--set", "hosts=64", "--set", "radix=48")
    lines = [line for line in found["bom"] if line["group"] == "switches"]
    assert {line["part"] for line in lines} == {"switch/generic-48x400Gbps"}
    per_port = float(BOOK.prices["switch/tomahawk-4"]) / 64
    assert lines[0]["unit_usd"] == pytest.approx(48 * per_port)
    assert any("48 ports of 400 Gb/s" in text and "tomahawk-4" in text
               for text in found["warnings"])  # fmt: skip


def test_a_nic_sets_the_rate_and_is_bought(capsys):
    found = answer(capsys, "fabric", "leaf-spine", "--set", "hosts=64", "--set", "radix=64",
                   "--nic", "connectx-8")  # fmt: skip
    assert found["parameters"]["link_bytes_per_s"] == 100e9
    nics = [line for line in found["bom"] if line["group"] == "nics"]
    assert [(line["part"], line["quantity"]) for line in nics] == [("nic/connectx-8", 64)]


def test_what_is_left_out_follows_from_hosts_and_switch(capsys):
    found = answer(capsys, "fabric", "fat-tree", "--set", "hosts=16384", "--switch", "qm9700")
    assert found["parameters"]["radix"] == 64
    assert found["parameters"]["tiers"] == 3
    assert found["parameters"]["cage_ports"] == 2


def test_too_many_addresses_for_an_infiniband_subnet_are_a_warning(capsys):
    found = answer(capsys, "fabric", "fat-tree", "--set", "hosts=65536", "--set", "radix=64",
                   "--set", "tiers=3", "--switch", "qm9700")  # fmt: skip
    assert any("70,656 addresses" in text for text in found["warnings"])


def test_contract_prices_are_below_the_market():
    request = Request("fat-tree", {"hosts": 2048, "radix": 64, "tiers": 2})
    contract = Request(request.kind, request.parameters, book="contract-2026")
    market_usd, contract_usd = survey(request).cost_usd, survey(contract).cost_usd
    assert contract_usd.mode < market_usd.mode
    book = catalog.get("price-book", "contract-2026")
    assert book.prices.keys() == BOOK.prices.keys()
    for part, price in book.prices.items():
        assert price.mode <= BOOK.prices[part].mode, part


def test_a_quote_replaces_the_books_price_and_no_class_change_moves_it():
    parameters = {"hosts": 64, "radix": 64}
    switch = {"": "qm9700"}
    plain = survey(Request("leaf-spine", parameters, switch))
    quoted = survey(Request("leaf-spine", parameters, switch, quotes={"switch/qm9700": 31e3},
                            adjust={"switches": -0.5}))  # fmt: skip
    count = sum(plain.switches.values())
    gap = count * (float(BOOK.prices["switch/qm9700"]) - 31e3)
    assert plain.cost_usd.mode - quoted.cost_usd.mode == pytest.approx(gap)


def test_out_writes_schedule_import_and_drawings(tmp_path, capsys):
    assert main([*FULL, "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    with (tmp_path / "cables.csv").open() as file:
        cables = list(csv.DictReader(file))
    with (tmp_path / "netbox.csv").open() as file:
        imported = list(csv.DictReader(file))
    counted = json.loads((tmp_path / "fabric.json").read_text())["cables"]
    assert Counter(row["tier"] for row in cables) == Counter(
        {name: number for name, number in counted.items() if name != "total"}
    )
    assert [row["label"] for row in imported] == [row["label"] for row in cables]
    ends = Counter((row[f"side_{side}_device"], row[f"side_{side}_name"])
                   for row in imported for side in "ab")  # fmt: skip
    # NetBox rejects a termination that is already cabled
    assert max(ends.values()) == 1
    assert {row["length_unit"] for row in imported} == {"m"}
    assert {row["status"] for row in imported} == {"planned"}
    for stem in ("floor-plan", "elevation", "trunk-matrix"):
        picture = ElementTree.parse(tmp_path / f"{stem}.svg").getroot()
        assert picture.tag.endswith("svg")
        assert picture.get("aria-label")


def test_the_floor_plan_shows_every_rack(tmp_path, capsys):
    assert main([*FULL, "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    found = survey(Request("fat-tree", {"hosts": 2048, "radix": 64, "tiers": 2}))
    titles = [
        element.text
        for element in ElementTree.parse(tmp_path / "floor-plan.svg").iter()
        if element.tag.endswith("title")
    ]
    assert len(titles) == found.layout.floor.num_racks
    assert titles[0].startswith("R0001: ")


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (["slim-fly", "--set", "q=28"], "q: 27, or q: 29"),
        (["dragonfly", "--set", "p=8", "--set", "a=16", "--set", "h=8", "--set", "g=200"],
         "g: 129"),
        (["fat-tree", "--set", "hosts=64", "--set", "radix=16"], "tiers"),
        (["fat-tree", "--set", "hosts=64", "--set", "ports=16"], "no parameter 'ports'"),
        (["fat-tree", "--set", "hosts"], "--set key=value"),
        (["fat-tree", "--set", "hosts=1", "--set", "hosts=2"], "set twice"),
        (["no-such-family"], "Known: "),
        ([*FULL[1:], "--switch", "sn5600", "--set", "link_rate=300Gb/s"], "its port modes are"),
        ([*FULL[1:], "--set", "link_rate=400"], "write it like 400 Gb/s"),
        ([*FULL[1:], "--switch", "core=qm9700"], "no tier 'core'"),
        ([*FULL[1:], "--switch", "leaf=ocs-mems-136"], "circuit"),
        ([*FULL[1:], "--node", "gb200-nvl72"], "rack_power: 132 kW"),
        ([*FULL[1:], "--layout", "rack_colour=red"], "rack_colour"),
        ([*FULL[1:], "--prices", "market-1926"], "market-2026"),
    ],
)  # fmt: skip
def test_wrong_input_is_exit_2_with_a_way_out(capsys, tokens, said):
    assert main(["fabric", *tokens]) == 2
    assert said in capsys.readouterr().err.replace("\n", " ")


def test_a_rack_scale_node_fits_once_the_rack_feeds_it(capsys):
    found = answer(capsys, "fabric", "leaf-spine", "--set", "hosts=144", "--set", "radix=64",
                   "--node", "gb200-nvl72", "--layout", "rack_power=140kW")  # fmt: skip
    assert found["endpoints"] == 144


def test_list_names_parameters_units_and_defaults(capsys):
    assert main(["fabric", "list"]) == 0
    text = capsys.readouterr().out
    for kind in topology.kinds():
        assert kind in text
        for name in topology.parameter_model(kind).model_fields:
            assert name in text
    for heading in ("parameter", "unit", "default", "meaning"):
        assert heading in text


def test_a_million_endpoints_are_a_square_hall():
    found = survey(Request("fat-tree", {"hosts": 1_048_576, "radix": 256, "tiers": 3}))
    floor = found.layout.floor
    wide, deep = float(floor.rack_x_m.max()), float(floor.rack_y_m.max())
    assert 0.8 < wide / deep < 1.25
    assert found.switches == {"leaf": 8192, "spine": 8192, "core": 4096}
    assert sum(found.links.values()) == 3 * 1_048_576
    assert max(found.cables_by_length) <= 2000
