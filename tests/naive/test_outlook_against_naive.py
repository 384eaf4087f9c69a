"""The sector's dollars against a walk down the chain, draw by draw, in plain Python."""

import math
from collections import defaultdict

import numpy as np
import pytest

from netloom.catalog.outlook import BuildOut, Scenario
from netloom.supply.chain import OTHERS, Market
from netloom.supply.dollars import Stream, Supply, merged
from netloom.supply.rows import Line, lines_of
from netloom.supply.scenario import inputs_of as scenario_inputs
from netloom.supply.sector import WHOLE, Basis, inputs_of, totals_of

NUM_DRAWS = 6

#: Component -> group, and what its maker buys.
COMPONENTS = {
    "module": ("optical modules", ("chip", "laser")),
    "chip": ("signal processors", ("wafer",)),
    "laser": ("lasers", ()),
    "wafer": ("boards", ()),
    "engine": ("optical engines", ("laser", "wafer")),
    "switch": ("switches", ("engine", "chip")),
    "node": ("servers", ("chip",)),
    "resale": ("resale", ()),
}
REGIONS = {"acme": "US", "bolt": "CN", "corp": "CN"}
SELLS = {
    "module": ("bolt", "corp"),
    "laser": ("bolt",),
    "wafer": ("acme", "corp"),
    "engine": ("acme", "bolt"),
    "chip": ("corp",),
    "node": ("acme",),
}
#: Part -> its component, its vendor, whether it is of the network, dollars per accelerator.
PARTS = {
    "module": ("", True, 100.0),
    "switch": ("acme", True, 300.0),
    "node": ("", False, 900.0),
}
#: What resellers add to the module's price.
MARGIN = 0.3
DESIGNS = {"rails": {"module": 2, "switch": 1, "node": 1}, "bare": {"module": 1, "node": 1}}


def number(low, mode, high):
    return {
        "low": low, "mode": mode, "high": high, "basis": "of a test", "date": "2026",
        "source": ["general-knowledge-2026"], "grade": "proposal",
    }  # fmt: skip


def scenario(name, **drivers):
    names = {"en": name, "zh": name, "ja": name}
    return Scenario.model_validate(
        {"name": name, "title": name, "names": names, "as_of": "2026", "drivers": drivers}
    )


def driver(what, low, mode, high, **keys):
    ratio = {"price_ratio": number(*keys.pop("ratio"))} if "ratio" in keys else {}
    return {"what": what, "change": number(low, mode, high), **keys, **ratio}


BASE = scenario(
    "base",
    modules=driver("price per year", -0.3, -0.1, 0.1, target="optical modules"),
    all=driver("price per year", -0.1, -0.02, 0.1),
)
STORIES = {
    "everything": scenario(
        "everything",
        training=driver("training accelerators", -0.6, -0.4, -0.1),
        serving=driver("inference accelerators", -0.2, 0.0, 0.3, target="bare", years=[2027]),
        modules=driver("price per year", -0.5, -0.3, -0.1, target="optical modules", years=[2028]),
        lasers=driver("price per year", 0.0, 0.1, 0.3, target="lasers"),
        wafers=driver("content", -0.4, -0.2, 0.4, target="wafer"),
        engines=driver("substitution", 0.2, 0.4, 0.6, target="optical modules", to="engine",
                       ratio=(0.5, 0.7, 1.2)),
        lighter=driver("substitution", 0.1, 0.3, 0.7, target="optical modules", to="laser",
                       ratio=(0.1, 0.2, 0.3)),
        inside=driver("substitution", 0.1, 0.2, 0.3, target="engine", to="wafer",
                      ratio=(0.5, 0.9, 1.0), years=[2026, 2028]),
        moved=driver("mix", 0.1, 0.3, 0.5, target="rails", to="bare"),
        leader=driver("company share", -0.3, -0.1, -0.05, target="bolt"),
        acme=driver("company share", 0.0, 0.1, 0.2, target="acme", within="wafer"),
        region=driver("region price", -0.5, -0.2, 0.0, target="CN"),
    ),
    "nothing": scenario("nothing"),
    "inside": scenario(
        "inside",
        chips=driver("substitution", 0.3, 0.5, 0.9, target="signal processors", to="engine",
                     ratio=(0.2, 0.4, 0.5)),
        wafers=driver("price per year", -0.3, -0.2, -0.1, target="boards"),
    ),
}  # fmt: skip
BUILD_OUT = BuildOut.model_validate(
    {
        "name": "test", "title": "test", "as_of": "2026-11", "base_year": 2026,
        "source": ["general-knowledge-2026"],
        "years": {
            year: {
                "accelerators": number(1e5, 2e5 * (year - 2024), 1e6),
                "training_fraction": number(0.2, 0.5, 0.6),
                "mix": {"rails": 0.75, "bare": 0.25},
            }
            for year in (2026, 2027, 2028)
        },
    }
)  # fmt: skip


def market_of(part, component):
    """The switch's vendor makes its chip too; nobody else is named."""
    vendor = PARTS[part][0] if part in PARTS else ""
    return Market(component, vendor if component in ("switch", "chip") else "")


@pytest.fixture(scope="module")
def drawn():
    """Shares and values on the draws."""
    random = np.random.default_rng(5)
    shares = {
        (buyer, each): random.uniform(0.05, 0.4, NUM_DRAWS)
        for buyer, (_, bought) in COMPONENTS.items()
        for each in bought
    }
    sold = {
        component: {name: random.uniform(0.1, 0.45, NUM_DRAWS) for name in names}
        for component, names in SELLS.items()
    }
    usd = {part: random.uniform(0.5, 2.0, NUM_DRAWS) * PARTS[part][2] for part in PARTS}
    inputs = [*inputs_of(BUILD_OUT)]
    for story in (BASE, *STORIES.values()):
        inputs += scenario_inputs(story)
    values = {
        each.path: random.uniform(each.value.low, each.value.high, NUM_DRAWS) for each in inputs
    }
    return shares, sold, usd, values


def kept(shares, component):
    bought = [shares[component, each] for each in COMPONENTS[component][1]]
    return np.ones(NUM_DRAWS) - sum(bought)


def ways(shares, part, component, passed, above=()):
    """Every way down from a component, with the share that ends there."""
    markets = (*above, market_of(part, component))
    yield markets, passed * kept(shares, component)
    for each in COMPONENTS[component][1]:
        yield from ways(shares, part, each, passed * shares[component, each], markets)


def basis(drawn):
    shares, sold, usd, values = drawn
    one = np.ones(NUM_DRAWS)
    contents = {}
    for design, parts in DESIGNS.items():
        streams = [
            Stream(PARTS[part][1], markets, count * usd[part] * share)
            for part, count in parts.items()
            for markets, share in ways(shares, part, part, one)
        ]
        margin = MARGIN * parts["module"] * usd["module"]
        on = (market_of("module", "module"),)
        contents[design] = merged([*streams, Stream(True, (Market("resale"),), margin, on)])
    trees = {name: list(ways(shares, "", name, one)) for name in ("engine", "laser", "wafer")}
    markets = dict.fromkeys(
        market
        for way in [*(each.markets for content in contents.values() for each in content),
                    *(markets for tree in trees.values() for markets, _ in tree)]
        for market in way
    )  # fmt: skip
    supply = Supply(
        groups={name: group for name, (group, _) in COMPONENTS.items()},
        shares={
            market: {market.bound_to: one} if market.bound_to else sold.get(market.component, {})
            for market in markets
        },
        regions=REGIONS,
        trees=trees,
    )
    return Basis(
        BUILD_OUT, BASE, contents, supply, lines_of(contents.values(), supply), values, NUM_DRAWS
    )


class Naive:
    """One draw of one year of one scenario."""

    def __init__(self, drawn, story, year, draw):
        self.shares, self.sold, self.usd, self.values = drawn
        self.draw, self.year, self.story = draw, year, story

    def holding(self, year):
        """Drivers that hold in a year, and their numbers."""
        own = [
            (f"scenario/{self.story.name}.{name}", each)
            for name, each in self.story.drivers.items()
            if not each.years or year in each.years
        ]
        named = {(each.what, each.target, each.to) for _, each in own}
        base = [
            (f"scenario/base.{name}", each)
            for name, each in BASE.drivers.items()
            if (each.what, each.target, each.to) not in named
        ]
        return [
            (each, float(self.values[path][self.draw]), path)
            for path, each in (own if self.story is BASE else base + own)
        ]

    def factors(self):
        """Factor by target: content now, prices of every year since 2026."""
        found = defaultdict(lambda: 1.0)
        for each, left, _ in self.holding(self.year):
            if each.what == "content":
                found[each.target] *= left
        for year in range(2027, self.year + 1):
            for each, left, _ in self.holding(year):
                if each.what == "price per year":
                    found[each.target] *= left
        return found

    def hits(self, component):
        return {
            target
            for target in self.factors()
            if target in ("", component, COMPONENTS[component][0])
        }

    def flows(self, part, component, usd, above, met, taken):
        """Dollars by the markets that they pass, under everything that the scenario changes."""
        factors = self.factors()
        for target in self.hits(component) - met:
            usd *= factors[target]
        met = met | self.hits(component)
        markets = (*above, market_of(part, component))
        bought = COMPONENTS[component][1]
        found = [(markets, usd * float(kept(self.shares, component)[self.draw]))]
        for each in bought:
            paid = usd * float(self.shares[component, each][self.draw])
            found += self.flows(part, each, paid, markets, met, taken)
        movers = [
            (each, left - 1, float(self.values[f"{path}.price_ratio"][self.draw]))
            for each, left, path in self.holding(self.year)
            if each.what == "substitution" and each.target in (component, COMPONENTS[component][0])
        ]
        if taken or not movers:
            return found
        whole = sum(share for _, share, _ in movers)
        paid = sum(usd for _, usd in found)
        left = [(markets, usd * (1 - min(whole, 1))) for markets, usd in found]
        for each, share, ratio in movers:
            to = paid * share / max(whole, 1) * ratio
            # the ratio has the price of what takes over in it
            for target in self.hits(each.to) - met:
                to /= factors[target]
            left += [
                (markets, usd) for markets, usd in self.flows("", each.to, to, above, met, True)
            ]
        return left

    def sold_shares(self, market):
        if market.bound_to:
            return {market.bound_to: 1.0}
        shares = {
            name: float(share[self.draw])
            for name, share in self.sold.get(market.component, {}).items()
        }
        for each, left, _ in self.holding(self.year):
            within = ("", market.component, COMPONENTS[market.component][0])
            if each.what == "company share" and each.target in shares and each.within in within:
                old = shares[each.target]
                new = min(max(old + left - 1, 0.0), 1.0)
                shares = {
                    name: new if name == each.target else share * (1 - new) / (1 - old)
                    for name, share in shares.items()
                }
        return shares

    def keeps(self, company):
        found = 1.0
        for each, left, _ in self.holding(self.year):
            if each.what == "region price" and REGIONS.get(company) == each.target:
                found *= left
        return found

    def content(self, design):
        """Rows of one accelerator."""
        rows = defaultdict(float)
        for part, count in DESIGNS[design].items():
            usd = count * float(self.usd[part][self.draw])
            for markets, paid in self.flows(part, part, usd, (), set(), False):
                self.count(rows, markets, paid, PARTS[part][1])
            if part == "module":
                self.count(rows, (Market("resale"),), self.margin(MARGIN * usd), True)
        return rows

    def margin(self, usd):
        """A reseller's margin under what happens to the module that it is on."""
        for target in self.hits("module") | self.hits("resale"):
            usd *= self.factors()[target]
        movers = [
            (left - 1, float(self.values[f"{path}.price_ratio"][self.draw]))
            for each, left, path in self.holding(self.year)
            if each.what == "substitution" and each.target in ("module", COMPONENTS["module"][0])
        ]
        whole = sum(share for share, _ in movers)
        taken_over = sum(share / max(whole, 1) * ratio for share, ratio in movers)
        return usd * (1 - min(whole, 1) + taken_over)

    def count(self, rows, markets, paid, network):
        end = markets[-1]
        makers = self.sold_shares(end)
        makers[OTHERS] = 1 - sum(makers.values())
        by_maker = {name: share * paid * self.keeps(name) for name, share in makers.items()}
        paid = sum(by_maker.values())
        rows["sector", "all", "added"] += paid
        rows["sector", "network", "added"] += paid if network else 0.0
        rows["component", end.component, "added"] += paid
        for name, usd in by_maker.items():
            rows["company", name, "added"] += usd
        buyer = ""
        for place, market in enumerate(markets):
            rows["component", market.component, "sales"] += paid
            if not market.bound_to or market.bound_to != buyer:
                sellers = self.sold_shares(market)
                sellers[OTHERS] = 1 - sum(sellers.values())
                for name, share in sellers.items():
                    last = place == len(markets) - 1
                    rows["company", name, "sales"] += by_maker[name] if last else share * paid
            buyer = market.bound_to

    def accelerators(self):
        planned = BUILD_OUT.years[self.year]
        path = f"build-out/test.years.{self.year}"
        units = float(self.values[f"{path}.accelerators"][self.draw])
        training = float(self.values[f"{path}.training_fraction"][self.draw])
        found, volumes = {}, {}
        for design in DESIGNS:
            volume = 0.0
            for kind, share in (("training", training), ("inference", 1 - training)):
                factor = 1.0
                for each, left, _ in self.holding(self.year):
                    if each.what == f"{kind} accelerators" and each.target in ("", design):
                        factor *= left
                volume += share * factor
            volumes[design] = volume
            found[design] = units * planned.mix[design] * volume
        for each, left, _ in self.holding(self.year):
            if each.what == "mix":
                moved = found[each.target] * (left - 1)
                found[each.target] -= moved
                found[each.to] += moved
        return found, volumes


@pytest.mark.parametrize("name", ["base", *STORIES])
def test_every_row_of_every_year_and_draw(drawn, name):
    told = basis(drawn)
    story = BASE if name == "base" else STORIES[name]
    found = totals_of(told, story)
    whole = np.zeros(found.years[WHOLE].shape)
    planned = {design: np.zeros(whole.shape) for design in DESIGNS}
    for year in BUILD_OUT.years:
        for draw in range(NUM_DRAWS):
            naive = Naive(drawn, story, year, draw)
            numbers, volumes = naive.accelerators()
            rows = defaultdict(float)
            for design, number_of in numbers.items():
                assert found.accelerators[year, design][draw] == pytest.approx(number_of, rel=1e-12)
                usd = 0.0
                for key, dollars in naive.content(design).items():
                    rows[key] += number_of * dollars
                    row = told.lines.place(Line(*key))
                    planned[design][row, draw] += volumes[design] * dollars / 3
                    usd += number_of * dollars * (key == ("sector", "all", "added"))
                assert found.designs[year, design][0, draw] == pytest.approx(usd, rel=1e-10)
            for line in told.lines.all:
                row = told.lines.place(line)
                expected = rows[line.kind, line.name, line.measure]
                assert found.years[year][row, draw] == pytest.approx(
                    expected, rel=1e-9, abs=1e-4
                ), line
                whole[row, draw] += expected
    np.testing.assert_allclose(found.years[WHOLE], whole, rtol=1e-9, atol=1e-4)
    for design, rows in planned.items():
        np.testing.assert_allclose(found.planned[design], rows, rtol=1e-9, atol=1e-9)


def test_a_scenario_without_drivers_is_the_base_to_the_bit(drawn):
    told = basis(drawn)
    base, same = totals_of(told, BASE), totals_of(told, STORIES["nothing"])
    for year, rows in base.years.items():
        np.testing.assert_array_equal(rows, same.years[year])


def test_percentiles_are_those_of_numpy():
    from netloom.supply.risk import intervals, risks

    random = np.random.default_rng(0)
    for num in (1, 2, 3, 10, 11, 997):
        base = random.gamma(2.0, size=(5, num)) * np.array([[0.0], [1.0], [1e9], [1e-9], [3.0]])
        left = base * random.uniform(-0.2, 1.0, size=(5, num))
        modes = base.mean(axis=1)
        for row, each in enumerate(intervals(modes, base)):
            expected = np.quantile(base[row], (0.1, 0.5, 0.9))
            ends = each.percentile_10, each.percentile_50, each.percentile_90
            np.testing.assert_allclose(ends, expected, rtol=1e-12)
            assert each.mean == pytest.approx(base[row].mean(), rel=1e-12)
        found = list(risks(intervals(modes, base), base, left, modes, modes / 2))
        for row, risk in enumerate(found):
            loss = base[row] - left[row]
            assert risk.loss.percentile_10 == pytest.approx(np.quantile(loss, 0.1), rel=1e-9)
            if row:
                share = loss / base[row]
                assert risk.loss_fraction.percentile_90 == pytest.approx(np.quantile(share, 0.9))
                assert risk.loss_fraction.mode == pytest.approx(0.5)
                for fall, often in risk.falls.items():
                    assert often == pytest.approx(np.mean(share > fall))
            else:
                assert risk.loss_fraction.mean == 0
                assert not any(risk.falls.values())
        assert not math.isnan(found[0].loss.mean)
