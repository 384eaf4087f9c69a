"""Who sells what: every market adds up, every maker is known, and what is said has a source."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from fnmatch import fnmatchcase

import pytest

from netloom import catalog
from netloom.catalog.quantity import Quantity

COMPANIES = {name: catalog.get("company", name) for name in catalog.names("company")}
COMPONENTS = {name: catalog.get("component", name) for name in catalog.names("component")}

# what people of three languages call the twelve listed companies that the sector is followed by
TWELVE = {
    "innolight": ("Innolight", "中际旭创", "中際旭創", "300308.SZ"),
    "eoptolink": ("Eoptolink", "新易盛", "新易盛", "300502.SZ"),
    "tfc": ("TFC", "天孚通信", "天孚通信", "300394.SZ"),
    "foxconn-industrial": ("Foxconn Industrial Internet", "工业富联", "工業富聯", "601138.SH"),
    "envicool": ("Envicool", "英维克", "英維克", "002837.SZ"),
    "wus": ("WUS Printed Circuit", "沪电股份", "滬電股份", "002463.SZ"),
    "yofc": ("YOFC", "长飞光纤", "長飛光ファイバー", "601869.SH / 6869.HK"),
    "ts-communications": ("T&S Communications", "太辰光", "太辰光", "300570.SZ"),
    "yuanjie": ("Yuanjie Semiconductor", "源杰科技", "源杰科技", "688498.SH"),
    "centec": ("Centec", "盛科通信", "盛科通信", "688702.SH"),
    "cambricon": ("Cambricon", "寒武纪", "寒武紀", "688256.SH"),
    "taclink": ("Taclink", "德科立", "德科立", "688205.SH"),
}

# wages at the site and margins of resellers: not told apart by company
SOLD_BY_OTHERS_ONLY = {"installation", "resale"}
# processors, scale-up switches and built trays are one vendor's, whom the catalogue names
BOUND_ONLY = {"rack-scale-rubin", "rack-processor", "scale-up-switch"}
# made by one vendor for every part of the catalogue
ONE_VENDOR = {"switch-chassis"}

CODE = re.compile(r"(\d{6}\.(SZ|SH|KS)|\d{4}\.(HK|TW|TWO|T)|\d{3}A\.T|[A-Z]{1,5} \([A-Za-zö ,]+\))")


def market(component: str) -> dict[str, Quantity]:
    """Return the shares of a component's sellers by company."""
    return {
        name: company.sells[component]
        for name, company in COMPANIES.items()
        if component in company.sells
    }


MARKETS = sorted({component for company in COMPANIES.values() for component in company.sells})


# ------------------------------------------------------------------ who they are


@pytest.mark.parametrize("name", TWELVE)
def test_the_twelve_are_there_under_their_names_and_codes(name):
    english, chinese, japanese, code = TWELVE[name]
    company = COMPANIES[name]
    assert company.names.en.startswith(english)
    assert company.names.zh == chinese
    assert company.names.ja.startswith(japanese)
    assert company.listing == code
    assert company.region == "CN"
    assert company.sells
    assert company.figures


def test_a_maker_of_boards_is_not_the_maker_of_power_equipment():
    assert "601727.SH" in COMPANIES["wus"].note
    assert all("601727" not in company.listing for company in COMPANIES.values())


@pytest.mark.parametrize("name", COMPANIES)
def test_names_are_in_their_own_scripts(name):
    def scripts(text: str) -> set[str]:
        return {unicodedata.name(letter).split()[0] for letter in text if letter.isalpha()}

    names = COMPANIES[name].names
    assert scripts(names.en) <= {"LATIN"}
    # Chinese names know no Japanese syllables
    assert not scripts(names.zh) & {"HIRAGANA", "KATAKANA"}
    # Japanese firms are written as they write themselves
    if COMPANIES[name].region == "JP":
        assert scripts(names.ja) & {"HIRAGANA", "KATAKANA", "CJK"}


@pytest.mark.parametrize("name", COMPANIES)
def test_listings_are_codes_with_their_exchange_or_say_why_not(name):
    listing = COMPANIES[name].listing
    if "not listed" not in listing:
        assert all(CODE.search(code) for code in listing.split(" / "))


def test_no_code_is_used_twice_and_places_fit_regions():
    seen = defaultdict(list)
    place = {".SZ": "CN", ".SH": "CN", ".KS": "KR", ".T": "JP", ".TW": "TW", ".TWO": "TW"}
    for name, company in COMPANIES.items():
        if company.listing.startswith(("not listed", "part of")):
            continue
        for code in company.listing.split(" / "):
            seen[code].append(name)
            ending = "." + code.rsplit(".", 1)[-1]
            assert place.get(ending, company.region) == company.region, name
    assert all(len(names) == 1 for names in seen.values()), seen


def test_customers_make_parts_for_themselves():
    in_house = {name for name, company in COMPANIES.items() if company.in_house}
    assert in_house == {"google", "amazon", "meta", "microsoft", "huawei", "alibaba"}


@pytest.mark.parametrize("name", COMPANIES)
def test_everything_said_has_a_known_source(name):
    company = COMPANIES[name]
    assert set(company.source) <= catalog.sources().keys()
    for path, quantity in catalog.walk_quantities(company):
        assert set(quantity.source) <= catalog.sources().keys(), path
        if quantity.grade == "proposal":
            assert quantity.note, path


# ------------------------------------------------------------------ what they sell


@pytest.mark.parametrize("component", MARKETS)
def test_the_shares_of_a_market_leave_room_for_others(component):
    shares = market(component).values()
    for end in ("low", "mode"):
        assert sum(getattr(share, end) for share in shares) <= 1 + 1e-9
    # nobody knows a market so well that nothing is left to those who are not listed here
    assert sum(share.mode for share in shares) < 1


@pytest.mark.parametrize("name", COMPANIES)
def test_no_company_sells_an_unknown_component(name):
    assert set(COMPANIES[name].sells) <= COMPONENTS.keys()


@pytest.mark.parametrize("name", COMPANIES)
def test_every_company_sells_something(name):
    assert COMPANIES[name].sells


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_market_has_sellers_and_every_other_component_a_bound_maker(component):
    sellers = market(component)
    if component in SOLD_BY_OTHERS_ONLY:
        assert not sellers
    elif component in BOUND_ONLY | ONE_VENDOR:
        assert COMPONENTS[component].maker != "market"
        assert not sellers
    elif COMPONENTS[component].maker == "market":
        assert 2 <= len(sellers) <= 10
    else:
        assert len(sellers) >= 2


@pytest.mark.parametrize("component", MARKETS)
def test_a_market_is_measured_in_one_way(component):
    assert len({share.basis for share in market(component).values()}) == 1


@pytest.mark.parametrize("component", MARKETS)
def test_shares_are_ranges_and_never_points(component):
    for name, share in market(component).items():
        assert share.low < share.high, name
        assert share.low <= share.mode <= share.high, name


# ------------------------------------------------------------------ whom the catalogue names


def vendors() -> set[str]:
    """Return every single vendor of hardware that the catalogue names."""
    named = set()
    for kind in ("accelerator", "scale-up", "node", "nic", "switch", "medium"):
        for name in catalog.names(kind):
            part = catalog.get(kind, name)
            named |= {part.vendor, getattr(part, "silicon_vendor", "")}
    return named - {"multi-vendor", ""}


def test_every_vendor_of_the_catalogue_is_one_company():
    by_vendor = defaultdict(list)
    for name, company in COMPANIES.items():
        for vendor in company.vendor_names:
            by_vendor[vendor].append(name)
    assert vendors() <= by_vendor.keys()
    assert all(len(names) == 1 for names in by_vendor.values()), by_vendor


def several_vendors() -> list[str]:
    """Return the parts that the catalogue gives to several vendors, by their path in a bill."""
    return [
        f"{kind}/{name}"
        for kind in ("node", "nic", "switch", "medium")
        for name in catalog.names(kind)
        if catalog.get(kind, name).vendor == "multi-vendor"
    ]


@pytest.mark.parametrize("part", several_vendors())
def test_what_several_vendors_make_has_a_market(part):
    components = [
        name
        for name, component in COMPONENTS.items()
        if any(fnmatchcase(part, pattern) for pattern in component.parts)
    ]
    assert len(components) == 1
    assert len(market(components[0])) >= 2


# ------------------------------------------------------------------ what was published


def total_mode(component: str, *names: str) -> float:
    return sum(market(component)[name].mode for name in names)


def test_three_makers_hold_the_published_share_of_modulated_lasers():
    three = ("lumentum", "broadcom", "mitsubishi-electric")
    assert total_mode("modulated-laser", *three) == pytest.approx(0.72)


def test_racks_are_split_as_a_broker_saw_them():
    assert total_mode("rack-scale", "foxconn-industrial", "hon-hai") == pytest.approx(0.50)
    for name, published in (("quanta", 0.22), ("wistron", 0.20), ("wiwynn", 0.02)):
        assert total_mode("rack-scale", name) == pytest.approx(published)


def test_fibre_is_split_as_ranked():
    for name, published in (
        ("corning", 0.19), ("yofc", 0.13), ("ztt", 0.113), ("hengtong", 0.112),
        ("fiberhome", 0.098),
    ):  # fmt: skip
        assert total_mode("optical-fibre", name) == pytest.approx(published)
    three_japanese = total_mode("optical-fibre", "furukawa", "sumitomo-electric", "fujikura")
    assert three_japanese == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("component", "name", "published"),
    [
        ("hbm", "sk-hynix", 0.62), ("hbm", "samsung", 0.17), ("hbm", "micron", 0.21),
        ("cable-aec", "credo", 0.88), ("signal-processor", "marvell", 0.80),
        ("module-siph", "innolight", 0.40), ("module-siph", "eoptolink", 0.30),
        ("rack-cooling", "cooler-master", 0.60), ("rack-power", "delta", 0.50),
        ("rack-cooling", "asia-vital", 0.50),
        ("rack-power", "delta", 0.70), ("switch-board", "wus", 0.125),
        ("switch-board", "wus", 0.253), ("server-board", "wus", 0.103),
        ("package-substrate", "unimicron", 0.176), ("package-substrate", "ibiden", 0.105),
        ("package-substrate", "semco", 0.12), ("host-memory", "samsung", 0.36),
        ("host-memory", "sk-hynix", 0.321), ("host-memory", "micron", 0.224),
        ("host-processor", "intel", 0.538), ("host-processor", "amd", 0.462),
    ],
)  # fmt: skip
def test_ranges_hold_what_was_published(component, name, published):
    share = market(component)[name]
    assert share.low - 1e-9 <= published <= share.high + 1e-9


def test_a_third_of_the_boxes_of_several_vendors_is_the_leaders():
    # both had half of all boxes in AI clusters; halved again, and without NVIDIA's, that is a third
    both, nvidia = 0.50, 0.25
    expected = (both - nvidia) / (1 - nvidia)
    assert market("switch-packet")["celestica"].mode == pytest.approx(expected, abs=0.01)
    assert "nvidia" not in market("switch-packet")


def test_figures_of_a_period_hang_together():
    def figure(name: str, what: str, period: str) -> float:
        found = [
            entry.value.mode
            for entry in COMPANIES[name].figures
            if (entry.what, entry.period) == (what, period)
        ]
        assert len(found) == 1
        return found[0]

    # parts of a half year, and the profit below the revenue
    halves = ("revenue from data centres", "revenue from telecommunications")
    parts_cny = sum(figure("yuanjie", what, "H1 2025") for what in halves)
    assert parts_cny == pytest.approx(figure("yuanjie", "revenue", "H1 2025"), rel=0.01)
    for name in ("foxconn-industrial", "wus", "cambricon"):
        profit, revenue = (figure(name, what, "FY2025") for what in ("profit", "revenue"))
        assert 0 < profit < revenue
    # 9.05 million modules at an average price below 1,761 CNY, what foreign customers pay
    price_cny = figure("innolight", "revenue", "H1 2025") / figure(
        "innolight", "modules sold", "H1 2025"
    )
    assert 1_500 < price_cny < 1_761
