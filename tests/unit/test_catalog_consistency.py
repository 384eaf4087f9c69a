"""The parts agree with each other, with physics and with published systems."""

from __future__ import annotations

import json

import pytest

from netloom import catalog, units

PARTS = catalog.load_all()
MEDIA = PARTS["medium"]
SWITCHES = PARTS["switch"]
BOOK = PARTS["price-book"]["market-2026"]

# plausible picojoules per bit of one end, by technology
ENERGY_BAND = {
    "dac": (0, 1), "acc": (1, 4), "aec": (8, 13), "aoc": (14, 20), "dsp-optics": (14, 20),
    "lro": (12, 15), "lpo": (9, 12), "cpo": (4, 8),
}  # fmt: skip


def rate_bytes_per_s(text: str) -> float:
    return units.parse(text, "rate")


@pytest.mark.parametrize("name", MEDIA)
def test_energy_per_bit_is_what_the_technology_needs(name):
    medium = MEDIA[name]
    picojoules = medium.power_per_end_w.mode / (8 * rate_bytes_per_s(medium.rate)) * 1e12
    low, high = ENERGY_BAND[medium.technology]
    assert low <= round(picojoules) <= high


@pytest.mark.parametrize("name", MEDIA)
def test_reach_falls_with_the_lane_rate(name):
    medium = MEDIA[name]
    assert medium.optical == (medium.technology in {"aoc", "dsp-optics", "lro", "lpo", "cpo"})
    if not medium.optical:
        assert medium.reach_m.high <= 7
    if medium.lane_rate == "200 Gb/s":
        assert medium.technology != "aoc"
        assert "multimode" not in medium.title
        if medium.technology == "dac":
            assert medium.reach_m.high <= 1.5


@pytest.mark.parametrize("name", MEDIA)
def test_a_cable_is_whole_lanes_and_its_ends_are_counted(name):
    medium = MEDIA[name]
    lanes = rate_bytes_per_s(medium.rate) / rate_bytes_per_s(medium.lane_rate)
    assert lanes in {1, 2, 4, 8}
    pluggable = medium.technology in {"dsp-optics", "lro", "lpo"}
    assert medium.pluggable_ends == (2 if pluggable else 0)


def test_light_and_copper_take_five_nanoseconds_a_metre():
    for medium in MEDIA.values():
        assert 4e-9 <= medium.propagation_s_per_m.mode <= 5e-9


@pytest.mark.parametrize("name", SWITCHES)
def test_no_port_mode_exceeds_the_capacity(name):
    switch = SWITCHES[name]
    totals = [mode.num_ports * rate_bytes_per_s(mode.rate) for mode in switch.port_modes]
    assert max(totals) == pytest.approx(switch.capacity_bytes_per_s.mode, rel=0.002)
    for mode in switch.port_modes:
        assert mode.num_ports % mode.ports_per_cage == 0


@pytest.mark.parametrize("name", SWITCHES)
def test_every_port_and_every_cage_has_a_medium_that_crosses_a_hall(name):
    rates = {medium.rate for medium in MEDIA.values() if medium.reach_m.mode >= 50}
    reachable = {rate_bytes_per_s(rate) for rate in rates}
    for mode in SWITCHES[name].port_modes:
        port = rate_bytes_per_s(mode.rate)
        assert port in reachable
        assert port * mode.ports_per_cage in reachable


def test_published_two_tier_sizes_follow_from_the_port_modes():
    # radix squared over two: vendors print 2,048 for Quantum-2, 10,368 for Quantum-X800, and
    # more than 100,000 accelerators at 200G or below for 51.2T and 102.4T Ethernet
    def endpoints(name: str, rate: str) -> int:
        ports = {mode.rate: mode.num_ports for mode in SWITCHES[name].port_modes}[rate]
        return ports * ports // 2

    assert endpoints("qm9700", "400 Gb/s") == 2_048
    assert endpoints("q3400", "800 Gb/s") == 10_368
    assert endpoints("tomahawk-5", "100 Gb/s") == 131_072
    assert endpoints("tomahawk-6", "200 Gb/s") == 131_072


def test_scale_up_rates_are_half_of_what_vendors_print():
    printed = {
        "nvlink-3": 600,
        "nvlink-4": 900,
        "nvlink-5": 1800,
        "nvlink-6": 3600,
        "ici-v5p": 1200,
    }
    for name, both_ways_gigabytes in printed.items():
        assert PARTS["scale-up"][name].bytes_per_s.mode == both_ways_gigabytes * 1e9 / 2
    # 370 of 450 GB/s measured on eight H100
    assert PARTS["scale-up"]["nvlink-4"].efficiency.mode == pytest.approx(370 / 450, abs=0.01)


@pytest.mark.parametrize("name", PARTS["node"])
def test_a_node_is_made_of_parts_of_the_catalogue(name):
    node = PARTS["node"][name]
    accelerator = PARTS["accelerator"][node.accelerator]
    nic = PARTS["nic"][node.nic]
    assert node.scale_up in PARTS["scale-up"]
    assert node.scale_up_domain % node.num_accelerators == 0
    parts_w = (
        node.num_accelerators * accelerator.power_w.mode + node.nics_per_node * nic.power_w.mode
    )
    assert parts_w <= node.power_w.mode <= 2.5 * parts_w


def test_protocols_of_nics_and_switches_exist_and_meet():
    known = set(PARTS["protocol"])
    spoken = {kind: set() for kind in ("nic", "switch")}
    for kind, protocols in spoken.items():
        for part in PARTS[kind].values():
            assert set(part.protocols) <= known
            protocols.update(part.protocols)
    assert spoken["nic"] == spoken["switch"] == known


def test_every_part_that_can_be_bought_has_a_price_or_a_reason():
    wanted = {f"{kind}/{n}" for kind in ("node", "nic", "switch", "medium") for n in PARTS[kind]}
    assert wanted | {"fibre/mpo"} == BOOK.prices.keys() | BOOK.unpriced.keys()
    assert not BOOK.prices.keys() & BOOK.unpriced.keys()
    assert not [part for part in BOOK.unpriced if part.startswith("medium/")]


def test_optics_cost_between_thirty_cents_and_three_dollars_per_gigabit():
    for name, medium in MEDIA.items():
        if medium.optical and medium.technology != "cpo":
            ends = 1 if medium.pluggable_ends else 2
            gigabits = 8 * rate_bytes_per_s(medium.rate) / 1e9
            price = BOOK.prices[f"medium/{name}"]
            assert 0.3 <= price.mode / ends / gigabits <= 3, name
            assert price.low / ends / gigabits >= 0.2, name


def test_nics_are_the_small_part_of_a_node_price():
    for name, node in PARTS["node"].items():
        nics_usd = node.nics_per_node * BOOK.prices[f"nic/{node.nic}"].mode
        assert nics_usd < 0.1 * BOOK.prices[f"node/{name}"].low, name


def test_failure_rates_give_back_the_counts_they_came_from():
    rates = PARTS["failure-rates"]["llama3-h100"]
    run_s, accelerators, nodes = 54 * 86_400.0, 16_384, 2_048
    events = run_s * (
        accelerators
        * (rates.accelerator_per_s.mode + rates.nic_per_s.mode + rates.software_per_s.mode)
        + nodes * rates.node_other_per_s.mode
    )
    # 419 unexpected interruptions, of which 35 in switches and cables
    assert events == pytest.approx(419 - 35, rel=0.01)


def test_a_better_grade_of_precision_is_never_slower():
    order = ("bf16", "fp8", "fp4")
    for name, accelerator in PARTS["accelerator"].items():
        peaks = [
            accelerator.peak_flops_per_s[key].mode
            for key in order
            if key in accelerator.peak_flops_per_s
        ]
        assert peaks == sorted(peaks), name
        assert "bf16" in accelerator.peak_flops_per_s, name


def test_llama_405b_has_its_published_parameter_count():
    shape = json.loads(catalog.model_path("llama-3.1-405b").read_text())
    hidden, ffn = shape["hidden_size"], shape["intermediate_size"]
    key_value = hidden * shape["num_key_value_heads"] // shape["num_attention_heads"]
    layer = 2 * hidden * hidden + 2 * hidden * key_value + 3 * hidden * ffn + 2 * hidden
    embeddings = (1 if shape["tie_word_embeddings"] else 2) * shape["vocab_size"] * hidden
    total = shape["num_hidden_layers"] * layer + embeddings + hidden
    assert total == 405_853_388_800


def test_deepseek_v3_has_its_published_parameter_count():
    # 671B without the multi-token prediction module
    s = json.loads(catalog.model_path("deepseek-v3").read_text())
    hidden, heads = s["hidden_size"], s["num_attention_heads"]
    query = s["qk_nope_head_dim"] + s["qk_rope_head_dim"]
    attention = (
        hidden * s["q_lora_rank"]
        + s["q_lora_rank"] * heads * query
        + hidden * (s["kv_lora_rank"] + s["qk_rope_head_dim"])
        + s["kv_lora_rank"] * heads * (s["qk_nope_head_dim"] + s["v_head_dim"])
        + heads * s["v_head_dim"] * hidden
    )
    experts = (s["n_routed_experts"] + s["n_shared_experts"]) * 3 * hidden
    sparse = s["num_hidden_layers"] - s["first_k_dense_replace"]
    total = (
        s["num_hidden_layers"] * attention
        + sparse * (experts * s["moe_intermediate_size"] + hidden * s["n_routed_experts"])
        + s["first_k_dense_replace"] * 3 * hidden * s["intermediate_size"]
        + 2 * s["vocab_size"] * hidden
    )
    assert total == pytest.approx(671e9, rel=0.001)
