"""What parts are made of and who sells it: the graph, and every refusal by name."""

import pytest
import yaml
from pydantic import ValidationError

from netloom import catalog
from netloom.catalog.quantity import Quantity
from netloom.catalog.suppliers import Company, Component
from netloom.errors import StudyError
from netloom.supply.chain import Market, Way, chain_of, vendor_of
from netloom.supply.refusals import catalogue_problems


def fraction(mode, low=None, high=None):
    low, high = mode if low is None else low, mode if high is None else high
    return Quantity(
        low=low, mode=mode, high=high, dimension="fraction", basis="of the price", date="2026",
        source=("test",), grade="proposal",
    )  # fmt: skip


def component(name, bought=None, parts=(), maker="market", group="optical modules"):
    # without validation: what the file model refuses by itself is refused here as well
    return Component.model_construct(
        name=name, title=name, note="", names=None, group=group, parts=tuple(parts),
        components={each: fraction(share) for each, share in (bought or {}).items()}, maker=maker,
    )  # fmt: skip


def company(name, sells=None, vendor_names=(), source=("test",)):
    return Company.model_construct(
        name=name, title=name, note="", names=None, vendor_names=tuple(vendor_names), region="CN",
        listing="not listed", in_house=False, figures=(), as_of="2026", source=source,
        sells={each: fraction(share) for each, share in (sells or {}).items()},
    )  # fmt: skip


def by_name(*entries):
    return {each.name: each for each in entries}


MODULE = component("module", {"chip": 0.3, "laser": 0.2}, ["medium/*"])
CHIP = component("chip", {"wafer": 0.25}, group="signal processors")
LASER = component("laser", {"wafer": 0.1}, group="lasers")
WAFER = component("wafer", group="accelerators")
PARTS = by_name(MODULE, CHIP, LASER, WAFER)


def problems(parts, components, companies=None, vendor=None):
    with pytest.raises(StudyError) as caught:
        chain_of(parts, components, companies or {}, vendor)
    return [str(problem) for problem in caught.value.problems]


def test_ways_lead_down_to_every_component_on_every_path():
    chain = chain_of(["medium/a"], PARTS, {})
    ends = {(way.market.component, len(way.steps)) for way in chain.ways}
    assert ends == {("module", 0), ("chip", 1), ("laser", 1), ("wafer", 2)}
    to_wafer = [way.steps for way in chain.ways if way.market.component == "wafer"]
    assert sorted(to_wafer) == [
        (("module", "chip"), ("chip", "wafer")),
        (("module", "laser"), ("laser", "wafer")),
    ]
    assert Way("medium/a", Market("module"), ()) in chain.ways


def test_groups_come_in_the_order_in_which_they_are_shown():
    chain = chain_of(["medium/a"], PARTS, {})
    assert list(chain.components) == ["wafer", "module", "chip", "laser"]
    assert [market.component for market in chain.markets] == list(chain.components)


def test_buyers_come_before_what_they_buy():
    order = chain_of(["medium/a"], PARTS, {}).inside("medium/a")
    assert order[0] == "module"
    assert order[-1] == "wafer"


def test_a_vendor_alone_sells_what_names_its_maker():
    components = by_name(
        component("box", {"chip": 0.5}, ["switch/*"], maker="vendor"),
        component("chip", maker="silicon vendor"),
    )
    companies = by_name(
        company("seller", {"box": 0.4}, ["Seller"]), company("fab", {"chip": 0.2}, ["Fab"])
    )
    makers = {
        ("switch/a", "vendor"): "Seller", ("switch/a", "silicon vendor"): "Fab",
        ("switch/b", "vendor"): "", ("switch/b", "silicon vendor"): "Fab",
    }  # fmt: skip
    chain = chain_of(
        ["switch/a", "switch/b"], components, companies, lambda part, maker: makers[part, maker]
    )
    assert chain.market_of["switch/a", "box"] == Market("box", "seller")
    assert chain.market_of["switch/b", "box"] == Market("box")
    assert chain.sellers == {
        Market("box"): ("seller",), Market("box", "seller"): ("seller",),
        Market("chip", "fab"): ("fab",),
    }  # fmt: skip


def test_a_part_of_no_component_is_refused_with_the_patterns():
    (said,) = problems(["medium/a", "fibre/mpo"], PARTS)
    assert "fibre/mpo is part of no component" in said
    assert "medium/*" in said


def test_a_part_of_two_components_is_refused_with_both_patterns():
    components = PARTS | by_name(component("cable", parts=["medium/aoc-*"]))
    (said,) = problems(["medium/aoc-800g"], components)
    assert "medium/aoc-800g is part of 2 components" in said
    assert "cable by 'medium/aoc-*' and module by 'medium/*'" in said


def test_an_unknown_component_is_refused_with_the_nearest():
    components = PARTS | by_name(component("board", {"chp": 0.1}))
    (said,) = problems(["medium/a"], components)
    assert "board is made of an unknown component 'chp'" in said
    assert "did you mean chip?" in said


def test_a_cycle_is_refused_with_its_loop_spelled_out():
    components = by_name(
        component("module", {"a": 0.1}, ["medium/*"]),
        component("a", {"b": 0.1}), component("b", {"c": 0.1}), component("c", {"a": 0.1}),
    )  # fmt: skip
    (said,) = problems(["medium/a"], components)
    assert "a -> b -> c -> a" in said
    (said,) = problems(["x/y"], by_name(component("self", {"self": 0.1}, ["x/y"])))
    assert "self -> self" in said


def test_companies_are_refused_by_name_without_source_and_with_unknown_wares():
    companies = by_name(company("nobody", {"chip": 0.1}, source=()), company("b", {"lasser": 0.1}))
    sourceless, unknown = sorted(problems(["medium/a"], PARTS, companies), reverse=True)
    assert "company nobody has no source" in sourceless
    assert "b sells an unknown component 'lasser'" in unknown
    assert "did you mean laser" in unknown


def written(**changes):
    """Return Innolight's file with some of its keys changed, None for taken out."""
    path = catalog.load.DATA / "company" / "innolight.yaml"
    raw = yaml.safe_load(path.read_text(encoding="utf-8")) | {"name": "innolight"} | changes
    return {key: value for key, value in raw.items() if value is not None}


@pytest.mark.parametrize("source", [None, []])
def test_a_companys_file_without_a_source_is_refused_with_its_name(source):
    with pytest.raises(ValidationError, match="company innolight has no source"):
        Company.model_validate(written(source=source))


def test_a_share_in_a_companys_file_without_a_source_is_refused_with_both_names():
    sells = written()["sells"]
    del sells["module-siph"]["source"]
    with pytest.raises(ValidationError, match="share of innolight in module-siph has no source"):
        Company.model_validate(written(sells=sells))


def test_a_source_that_stands_for_nothing_is_refused_by_name():
    companies = by_name(company("maker", {"chip": 0.1}, source=("tset",)))
    found = list(catalogue_problems(PARTS, companies, {"test"}))
    assert [each.where for each in found] == ["company/maker.source"]
    assert found[0].message == "unknown source 'tset'"
    assert "did you mean test?" in found[0].hint
    assert not list(catalogue_problems(PARTS, companies, {"test", "tset"}))


def test_shares_above_one_are_refused_by_name():
    companies = by_name(company("giant", {"chip": 1.2}), company("small", {"laser": -0.1}))
    single, negative, market = problems(["medium/a"], PARTS, companies)
    assert "the share of giant in chip is 120.0% to 120.0%" in single
    assert "the share of small in laser is -10.0% to -10.0%" in negative
    assert "that sell chip are 120.0% together: giant 120.0%" in market


def test_a_market_whose_shares_exceed_one_names_companies_and_shares():
    companies = by_name(
        company("first", {"chip": 0.7}), company("second", {"chip": 0.4, "laser": 0.4})
    )
    (said,) = problems(["medium/a"], PARTS, companies)
    assert "sell chip are 110.0% together: first 70.0%, second 40.0%" in said


def test_a_market_that_is_full_is_fine():
    companies = by_name(company("first", {"chip": 0.7}), company("second", {"chip": 0.3}))
    assert chain_of(["medium/a"], PARTS, companies).sellers[Market("chip")] == ("first", "second")


def test_components_that_exceed_their_buyer_are_refused_by_name():
    components = PARTS | by_name(component("board", {"chip": 0.7, "laser": 0.6}))
    (said,) = problems(["medium/a"], components)
    expected = "shares of the components of board are 130.0% together: chip 70.0%, laser 60.0%"
    assert f"the most likely {expected}" in said


def test_a_vendor_that_is_no_company_is_refused_with_the_part():
    components = by_name(component("box", parts=["switch/*"], maker="vendor"))
    companies = by_name(company("seller", vendor_names=["Seller"]))
    (said,) = problems(["switch/a"], components, companies, lambda *_: "Saler")
    assert "the vendor of switch/a, Saler, is no company of the catalogue" in said
    assert "did you mean Seller?" in said


def test_two_companies_of_one_vendor_name_are_refused():
    companies = by_name(company("a", vendor_names=["X"]), company("b", vendor_names=["X"]))
    (said,) = problems(["medium/a"], PARTS, companies)
    assert "two companies are the vendor X: a and b" in said


def test_every_problem_is_told_at_once():
    components = PARTS | by_name(component("board", {"chp": 0.1}), component("a", {"a": 0.5}))
    companies = by_name(company("nobody", source=()))
    assert len(problems(["medium/a"], components, companies)) == 3


@pytest.mark.parametrize(
    ("part", "maker", "vendor"),
    [
        ("switch/qm9700", "vendor", "NVIDIA"),
        ("switch/tomahawk-5", "vendor", ""),
        ("switch/tomahawk-5", "silicon vendor", "Broadcom"),
        ("node/mi300x", "accelerator vendor", "AMD"),
        ("medium/dsp-800g-dr8", "vendor", ""),
        ("site/installation", "vendor", ""),
        ("fibre/mpo", "silicon vendor", ""),
    ],
)
def test_the_catalogue_names_vendors_of_parts_chips_and_accelerators(part, maker, vendor):
    if part.startswith("node/mi300x"):
        part = next(f"node/{name}" for name in catalog.names("node") if name.startswith("mi300x"))
    assert vendor_of(part, maker) == vendor


def test_every_priced_part_of_the_catalogue_has_a_chain():
    kinds = ("node", "switch", "nic", "medium", "fibre")
    parts = [
        part
        for part in catalog.get("price-book", "market-2026").prices
        if part.partition("/")[0] in kinds
    ]
    chain = chain_of([*parts, "site/installation"])
    assert chain.component_of["medium/lpo-800g-dr8"] == "module-lpo"
    assert chain.component_of["site/installation"] == "installation"
    lpo = {way.market.component for way in chain.ways if way.part == "medium/lpo-800g-dr8"}
    dsp = {way.market.component for way in chain.ways if way.part == "medium/dsp-800g-dr8"}
    assert "signal-processor" in dsp - lpo
