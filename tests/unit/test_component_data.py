"""What parts are made of: the files hang together and give back the published dollars."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import networkx as nx
import pytest

from netloom import catalog
from netloom.catalog import load

COMPONENTS = {name: catalog.get("component", name) for name in catalog.names("component")}
MARKET = catalog.get("price-book", "market-2026")
CONTRACT = catalog.get("price-book", "contract-2026")
KINDS_BOUGHT = ("node", "nic", "switch", "medium")
BOUGHT = (
    *(f"{kind}/{name}" for kind in KINDS_BOUGHT for name in catalog.names(kind)),
    "fibre/mpo",
    "site/installation",
    "resale/margin",
)

# call notes of February 2026: an 800G module on silicon photonics, and one on modulated lasers
SILICON_PHOTONICS_USD, MODULATED_USD = 355.0, 390.0
# bills of materials of both, and the 460 US$ of another note of 2025
SILICON_PHOTONICS_BILL_USD, MODULATED_BILL_USD, OTHER_NOTE_USD = 243.0, 310.0, 460.0


def component_of(part: str) -> str:
    """Return the one component that a part of a bill is."""
    matches = [
        name
        for name, component in COMPONENTS.items()
        if any(fnmatchcase(part, pattern) for pattern in component.parts)
    ]
    assert len(matches) == 1, f"{part} is {matches}"
    return matches[0]


def mode(buyer: str, bought: str) -> float:
    """Return the most likely share of what is bought directly, 0 if it is not."""
    share = COMPONENTS[buyer].components.get(bought)
    return share.mode if share else 0.0


def bought_share(name: str, end: str) -> float:
    return sum(getattr(share, end) for share in COMPONENTS[name].components.values())


def usd(part: str, bought: str, book=MARKET) -> float:
    """Return the most likely dollars of a direct purchase in one part at a book's price."""
    return mode(component_of(part), bought) * book.prices[part].mode


def node_usd(name: str) -> float:
    """Return what a bill books for a node: its price less the NICs that it comes with."""
    node = catalog.get("node", name)
    nics_usd = node.nics_per_node * MARKET.prices[f"nic/{node.nic}"].mode
    return MARKET.prices[f"node/{name}"].mode - nics_usd


def added_values(name: str, price: float = 1.0) -> dict[str, float]:
    """Return each maker's own part of a price by walking all ways down."""
    found = {name: price * (1 - bought_share(name, "mode"))}
    for bought, share in COMPONENTS[name].components.items():
        for maker, value in added_values(bought, price * share.mode).items():
            found[maker] = found.get(maker, 0.0) + value
    return found


# ------------------------------------------------------------------ the files hang together


@pytest.mark.parametrize("part", BOUGHT)
def test_every_part_that_a_bill_can_contain_is_one_component(part):
    assert component_of(part)


@pytest.mark.parametrize("name", COMPONENTS)
def test_every_pattern_finds_a_part(name):
    for pattern in COMPONENTS[name].parts:
        assert [part for part in BOUGHT if fnmatchcase(part, pattern)], pattern


def test_purchases_are_of_known_components_and_never_run_in_a_circle():
    graph = nx.DiGraph()
    for name, component in COMPONENTS.items():
        graph.add_edges_from((name, bought) for bought in component.components)
    assert set(graph) <= COMPONENTS.keys()
    assert nx.is_directed_acyclic_graph(graph)
    reached = set()
    for name, component in COMPONENTS.items():
        if component.parts:
            reached |= {name} | nx.descendants(graph, name) if name in graph else {name}
    assert reached == COMPONENTS.keys()


@pytest.mark.parametrize("name", COMPONENTS)
def test_shares_leave_something_to_the_maker(name):
    assert bought_share(name, "mode") < 1
    for bought, share in COMPONENTS[name].components.items():
        assert 0 < share.low < share.mode < share.high < 1, bought
        if share.grade == "proposal":
            assert share.note, bought


@pytest.mark.parametrize("part", BOUGHT)
def test_added_values_are_the_price(part):
    assert sum(added_values(component_of(part)).values()) == pytest.approx(1, rel=1e-12)


def test_names_are_given_in_three_scripts_and_tell_components_apart():
    for language in ("en", "zh", "ja"):
        names = [getattr(component.names, language) for component in COMPONENTS.values()]
        assert len(set(names)) == len(names), language
    for name, component in COMPONENTS.items():
        assert component.names.en.isascii(), name
        assert re.search(r"[一-鿿]", component.names.zh), name
        assert not re.search(r"[぀-ヿ]", component.names.zh), name
        assert re.search(r"[぀-ヿ]", component.names.ja), name


def test_every_source_is_known_and_written_once():
    known = catalog.sources()
    for name, component in COMPONENTS.items():
        for bought, share in component.components.items():
            assert set(share.source) <= known.keys(), f"{name} {bought}"
    text = (load.DATA / "sources.yaml").read_text(encoding="utf-8")
    keys = re.findall(r"^([^#\s][^:]*):", text, flags=re.MULTILINE)
    assert len(keys) == len(set(keys))


# ------------------------------------------------------------------ the design decides


@pytest.mark.parametrize("name", catalog.names("medium"))
def test_a_medium_contains_what_its_technology_needs_and_nothing_else(name):
    technology = catalog.get("medium", name).technology
    makers = added_values(component_of(f"medium/{name}")).keys()
    lasers = {maker for maker in makers if COMPONENTS[maker].group == "lasers"}
    processors = {maker for maker in makers if COMPONENTS[maker].group == "signal processors"}
    needed = {
        "dac": set(), "acc": {"cable-redriver"}, "aec": {"cable-retimer"}, "cpo": set(),
        "aoc": {"signal-processor"}, "dsp-optics": {"signal-processor"}, "lro": {"half-retimer"},
        "lpo": set(),
    }  # fmt: skip
    assert processors == needed[technology]
    assert len(lasers) == (technology in {"aoc", "dsp-optics", "lro", "lpo"})
    assert ("copper-wire" in makers) == (technology in {"dac", "acc", "aec"})


@pytest.mark.parametrize("name", catalog.names("medium"))
def test_modules_of_200g_lanes_are_components_of_their_own(name):
    medium = catalog.get("medium", name)
    if medium.technology == "dsp-optics":
        component = component_of(f"medium/{name}")
        assert component.endswith("-200g") == (medium.lane_rate == "200 Gb/s")


@pytest.mark.parametrize("name", catalog.names("switch"))
def test_engines_are_in_switches_with_co_packaged_optics(name):
    switch = catalog.get("switch", name)
    makers = added_values(component_of(f"switch/{name}")).keys()
    engines = {"optical-engine", "external-laser-source", "fibre-unit", "continuous-wave-laser"}
    assert engines & makers == (engines if switch.co_packaged_optics else set())
    assert ("switch-chip" in makers) == (not switch.circuits)
    assert "signal-processor" not in makers


# parts at the same reach and rate whose makers are paid for the same thing: dollars of the first
# over dollars of the second, and the range that both market and contract prices must meet
SAME_THING = [
    ("lpo-800g-dr8", "photonic-chip", "dsp-800g-dr8", "photonic-chip", 0.7, 1.2),
    ("lpo-800g-dr8", "continuous-wave-laser", "dsp-800g-dr8", "continuous-wave-laser", 0.7, 1.2),
    ("lpo-800g-dr8", "optical-passives", "dsp-800g-dr8", "optical-passives", 0.7, 1.2),
    ("lpo-800g-dr8", "module-board", "dsp-800g-dr8", "module-board", 0.7, 1.2),
    ("lpo-800g-dr8", "linear-driver-amplifier", "dsp-800g-dr8", "driver-amplifier", 0.8, 1.3),
    ("lpo-400g-dr4", "photonic-chip", "dsp-400g-dr4", "photonic-chip", 0.7, 1.2),
    ("lpo-400g-dr4", "continuous-wave-laser", "dsp-400g-dr4", "continuous-wave-laser", 0.7, 1.2),
    ("lro-800g-dr8", "photonic-chip", "dsp-800g-dr8", "photonic-chip", 0.75, 1.15),
    ("lro-800g-dr8", "continuous-wave-laser", "dsp-800g-dr8", "continuous-wave-laser", 0.75, 1.15),
    ("lro-800g-dr8", "half-retimer", "dsp-800g-dr8", "signal-processor", 0.4, 0.75),
    ("lro-400g-dr4", "half-retimer", "dsp-400g-dr4", "signal-processor", 0.4, 0.75),
    ("dsp-800g-sr8", "signal-processor", "dsp-800g-dr8", "signal-processor", 0.8, 1.2),
    ("dsp-800g-2xfr4", "signal-processor", "dsp-800g-dr8", "signal-processor", 0.8, 1.3),
    ("dsp-1600g-2xfr4", "signal-processor", "dsp-1600g-dr8", "signal-processor", 0.8, 1.3),
    ("dsp-1600g-dr8", "signal-processor", "dsp-800g-dr8", "signal-processor", 2, 4),
    ("aoc-800g", "surface-laser", "dsp-800g-sr8", "surface-laser", 1.2, 2.5),
    ("aoc-800g", "signal-processor", "dsp-800g-sr8", "signal-processor", 1.2, 2.5),
]


@pytest.mark.parametrize("book", [MARKET, CONTRACT], ids=["market", "contract"])
@pytest.mark.parametrize(("part", "bought", "other", "same", "low", "high"), SAME_THING)
def test_the_same_thing_costs_the_same_in_every_design(book, part, bought, other, same, low, high):
    ratio = usd(f"medium/{part}", bought, book) / usd(f"medium/{other}", same, book)
    assert low <= ratio <= high


def test_half_retimed_drivers_lie_between_those_of_retimed_and_linear_modules():
    drivers = ("driver-amplifier", "linear-driver-amplifier")
    retimed, half, linear = (
        sum(usd(f"medium/{name}", driver) for driver in drivers)
        for name in ("dsp-800g-dr8", "lro-800g-dr8", "lpo-800g-dr8")
    )
    assert retimed < half < linear


@pytest.mark.parametrize(
    ("optical", "electrical", "num_engines"),
    [("q3450", "q3400", 72), ("tomahawk-5-bailly", "tomahawk-5", 32)],
)
def test_co_packaged_switches_are_the_packet_switch_and_its_engines(
    optical, electrical, num_engines
):
    optics_usd = sum(
        usd(f"switch/{optical}", bought)
        for bought in ("optical-engine", "external-laser-source", "fibre-unit")
    )
    # the planner's range for 1.6 Tb/s of engine, laser share and fibre
    assert 500 <= optics_usd / num_engines <= 1_200
    for bought in ("switch-chip", "switch-board", "switch-assembly"):
        ratio = usd(f"switch/{optical}", bought) / usd(f"switch/{electrical}", bought)
        assert 0.8 <= ratio <= 1.2, bought


# ------------------------------------------------------------------ dollars that were published


@pytest.mark.parametrize(
    ("bought", "low_usd", "high_usd"),
    [
        ("signal-processor", 105, 135),
        ("driver-amplifier", 60, 80),
        ("photonic-chip", 30, 40),
        ("continuous-wave-laser", 2 * 17, 4 * 17),
    ],
)
def test_the_bill_of_2024_is_split_as_published(bought, low_usd, high_usd):
    # 320 US$: processor 120, driver and amplifier 60 to 80, chip below 40, two to four lasers at 17
    share_of_bill = mode("module-siph", bought) / bought_share("module-siph", "mode")
    assert low_usd <= 320 * share_of_bill <= high_usd


@pytest.mark.parametrize(
    ("bought", "published_usd"),
    [
        ("signal-processor", (50, 100, 120)),
        ("driver-amplifier", (25, 50, 60, 78)),
        ("photonic-chip", (39,)),
        ("continuous-wave-laser", (4 * 4, 2 * 17, 4 * 17 - 1)),
    ],
)
def test_ranges_hold_the_published_dollars_at_the_contract_price(bought, published_usd):
    share = COMPONENTS["module-siph"].components[bought]
    for dollars in published_usd:
        assert share.low * SILICON_PHOTONICS_USD <= dollars <= share.high * SILICON_PHOTONICS_USD


@pytest.mark.parametrize(
    ("name", "bill_usd", "prices_usd"),
    [
        ("module-siph", SILICON_PHOTONICS_BILL_USD, (SILICON_PHOTONICS_USD, OTHER_NOTE_USD)),
        ("module-eml", MODULATED_BILL_USD, (MODULATED_USD, OTHER_NOTE_USD)),
    ],
)
def test_published_bills_are_inside_the_ranges(name, bill_usd, prices_usd):
    own_work = 0.06
    for price_usd in prices_usd:
        bought = bill_usd / price_usd - own_work
        assert bought_share(name, "low") <= bought <= bought_share(name, "high")
    # the reported 40 to 50 % of gross margin are inside too
    assert bought_share(name, "low") <= 0.5 - own_work


@pytest.mark.parametrize("lanes_usd", [5, 10])
def test_eight_modulated_lasers_of_100g_are_inside_their_range(lanes_usd):
    share = COMPONENTS["module-eml"].components["modulated-laser"]
    price_usd = CONTRACT.prices["medium/dsp-800g-2xfr4"].mode
    assert share.low * price_usd <= 8 * lanes_usd <= share.high * price_usd


@pytest.mark.parametrize("name", catalog.names("node"))
def test_accelerators_take_their_market_price_out_of_a_node(name):
    node = catalog.get("node", name)
    price = MARKET.accelerators.get(node.accelerator)
    bought = next(
        share
        for key, share in COMPONENTS[component_of(f"node/{name}")].components.items()
        if key.startswith("accelerator")
    )
    if price is None:
        assert node.accelerator in {"gb200", "gb300", "b300-sxm", "mi325x", "h800-sxm"}
        return
    share = node.num_accelerators * price.mode / node_usd(name)
    assert bought.low <= share <= bought.high


def test_racks_contain_the_published_dollars():
    def holds(component: str, bought: str, dollars: float, rack: str) -> bool:
        share = COMPONENTS[component].components[bought]
        return share.low <= dollars / node_usd(rack) <= share.high

    assert holds("rack-scale", "rack-cooling", 49_860, "gb300-nvl72")
    assert holds("rack-scale", "host-memory", 2_001_600 / 5.35, "gb300-nvl72")
    assert holds("rack-scale", "accelerator", 72 * 35_000, "gb300-nvl72")
    assert holds("rack-scale-rubin", "rack-cooling", 55_710, "vr200-nvl72")
    assert holds("rack-scale-rubin", "host-memory", 2_001_600, "vr200-nvl72")
    assert holds("rack-scale-rubin", "accelerator", 72 * 55_000, "vr200-nvl72")
    assert holds("rack-scale-rubin", "rack-processor", 36 * 5_000, "vr200-nvl72")


@pytest.mark.parametrize(
    ("component", "price_usd", "memory_usd", "wafer_usd"),
    [
        ("accelerator", 40_000, 2_900, 900 + 1_100 + 1_000),  # B200, loss in packaging included
        ("accelerator", 28_000, 1_350, 300 + 750),  # H100
        ("accelerator-value", 15_000, 2_900, 600 + 1_200),  # MI300X
    ],
)
def test_estimates_of_single_accelerators_are_inside_the_ranges(
    component, price_usd, memory_usd, wafer_usd
):
    for bought, dollars in (("hbm", memory_usd), ("accelerator-wafer", wafer_usd)):
        share = COMPONENTS[component].components[bought]
        assert share.low <= dollars / price_usd <= share.high


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        # gross margin and own work of 5 to 10 % for optics, more where plugs are made in house
        ("module-siph", 0.40, 0.60), ("module-vcsel", 0.40, 0.60), ("module-lpo", 0.40, 0.60),
        ("module-lro", 0.40, 0.60), ("module-eml", 0.30, 0.60), ("module-siph-200g", 0.45, 0.60),
        ("cable-fibre", 0.36, 0.55), ("optical-engine", 0.45, 0.65), ("fibre-unit", 0.45, 0.65),
        # a server's maker, the platform's vendor, an accelerator's
        ("server", 0.07, 0.16), ("server-value", 0.07, 0.20), ("server-mesh", 0.07, 0.20),
        ("rack-scale", 0.03, 0.12), ("rack-scale-rubin", 0.03, 0.12),
        ("accelerator", 0.75, 0.88), ("accelerator-value", 0.60, 0.75),
        ("scale-up-switch", 0.70, 0.85), ("switch-chassis", 0.60, 0.70),
    ],
)  # fmt: skip
def test_what_is_left_to_a_maker_is_its_margin_and_its_work(name, low, high):
    assert low <= 1 - bought_share(name, "mode") <= high
