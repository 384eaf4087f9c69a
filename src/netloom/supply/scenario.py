"""What a scenario changes in one year, as numbers on the draws.

A scenario is the base with drivers of its own. In a year, the drivers of the base hold, except
those for which the scenario has one with the same `what`, `target` and `to` in that year; then come
the scenario's, in the order in which they are written. So a scenario that names no price of
switches leaves the base's, and one that names it *replaces* the base's instead of adding to it.

- ``price per year`` multiplies from year to year: a target costs the product of 1 + change over the
  years after the prices' own.
- ``content`` multiplies the quantity of a target in every design.
- ``substitution`` moves a share of a target's dollars to another component, `price_ratio` dollars
  for each that leaves, with all that either buys. Shares of one target add up, to all of it at
  most.
- ``mix`` moves a share of a design's accelerators into another design.
- ``accelerators``, ``training accelerators`` and ``inference accelerators`` multiply those of a
  year, of all designs or of the target; the first moves both kinds by one number.
- ``company share`` moves points of a company's share in each market where it sells, or in those of
  a component or group that it is `within`; the others of the market give or take them by their
  shares, and no share leaves 0 to 1.
- ``region price`` multiplies what the companies of a region keep, which is their added value, and
  leaves alone what they pay for what they buy.

A driver's number is drawn as ``scenario/<name>.<driver>``: the same in all years, and whatever
shares a driver (all that a scenario takes from the base) shares the draws. Drivers with the same
`what`, `target` and `to` share a factor: where prices fall fast in the base, they fall fast in the
scenario that replaces the driver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from netloom.catalog.outlook import Driver, Scenario
from netloom.catalog.quantity import Quantity
from netloom.money.account import Value, Values
from netloom.money.inputs import Input, from_quantity


@dataclass(frozen=True)
class Substitution:
    """A share of a target's dollars that goes to another component.

    Attributes
    ----------
    target, to : component or group that is replaced, and the component that takes over.
    share : of the target's dollars, 0 to 1.
    price_ratio : dollars for each that leaves.
    """

    target: str
    to: str
    share: Value
    price_ratio: Value


@dataclass(frozen=True)
class Effect:
    """What is different from the bills in one year of one scenario.

    Attributes
    ----------
    training, inference : factors on accelerators by design; "" is all.
    mixes : shares of a design's accelerators that go to another: from, to, share.
    factors : on the dollars of a component or group; "" is all.
    substitutions : shares of a target that another component takes over.
    points : company, component or group within whose markets, "" for all, and points of its share,
        in order.
    regions : factors on what companies keep, by region.
    """

    training: tuple[tuple[str, Value], ...] = ()
    inference: tuple[tuple[str, Value], ...] = ()
    mixes: tuple[tuple[str, str, Value], ...] = ()
    factors: Mapping[str, Value] = field(default_factory=dict)
    substitutions: tuple[Substitution, ...] = ()
    points: tuple[tuple[str, str, Value], ...] = ()
    regions: Mapping[str, Value] = field(default_factory=dict)

    def volume(self, design: str, training_fraction: Value) -> Value:
        """Return the accelerators of a design over the base's, before the mix moves.

        Examples
        --------
        >>> Effect(training=(("", 0.5),)).volume("rails", 0.4)
        0.8
        """
        training, inference = (
            _product(factor for target, factor in factors if target in ("", design))
            for factors in (self.training, self.inference)
        )
        return training_fraction * training + (1 - training_fraction) * inference


def path_of(scenario: Scenario, driver: str) -> str:
    """Return the name under which a driver's number is drawn.

    Examples
    --------
    >>> from netloom import catalog
    >>> path_of(catalog.get("scenario", "base"), "optics-price")
    'scenario/base.optics-price'
    """
    return f"scenario/{scenario.name}.{driver}"


def inputs_of(scenario: Scenario) -> Iterator[Input]:
    """Yield a scenario's numbers as inputs: 1 + change of each driver, and price ratios.

    Examples
    --------
    >>> from netloom import catalog
    >>> next(inputs_of(catalog.get("scenario", "base"))).value
    Range(low=0.75, mode=0.88, high=1.05)
    """
    for name, driver in scenario.drivers.items():
        path = path_of(scenario, name)
        whose = f" of {driver.target}" if driver.target else ""
        about = ", ".join(each for each in _key(driver) if each)
        yield _input(path, f"1 + change, {driver.what}{whose}", driver.change, 1.0, about)
        if driver.price_ratio is not None:
            words = f"price of {driver.to} over {driver.target}"
            yield _input(f"{path}.price_ratio", words, driver.price_ratio, 0.0, words)


def holding(base: Scenario, scenario: Scenario, year: int) -> list[tuple[str, Driver]]:
    """Return the drivers that hold in a year of a scenario, with the paths of their numbers.

    Examples
    --------
    >>> from netloom import catalog
    >>> base, fierce = (catalog.get("scenario", s) for s in ("base", "fiercer-competition"))
    >>> [path for path, driver in holding(base, fierce, 2027) if "optics" in path]
    ['scenario/fiercer-competition.optics-price']
    """
    own = [
        (path_of(scenario, name), driver)
        for name, driver in scenario.drivers.items()
        if not driver.years or year in driver.years
    ]
    if scenario is base:
        return own
    replaced = {_key(driver) for _, driver in own}
    kept = [
        (path_of(base, name), driver)
        for name, driver in base.drivers.items()
        if (not driver.years or year in driver.years) and _key(driver) not in replaced
    ]
    return kept + own


def effect_of(
    base: Scenario, scenario: Scenario, year: int, base_year: int, values: Values
) -> Effect:
    """Return what a scenario changes in a year.

    Parameters
    ----------
    base, scenario : the same scenario for the base itself.
    year, base_year : the year, and the year of the prices in the bills.
    values : by path, 1 + change of each driver (`inputs_of`): numbers, or float64 (D,).

    Examples
    --------
    Prices that fall by 12 % a year have fallen by 22.56 % after two.

    >>> from netloom import catalog
    >>> base = catalog.get("scenario", "base")
    >>> modes = {each.path: each.value.mode for each in inputs_of(base)}
    >>> round(effect_of(base, base, 2028, 2026, modes).factors["optical modules"], 4)
    0.7744
    """
    now = holding(base, scenario, year)

    def of(what: str) -> list[tuple[Driver, Value]]:
        return [(driver, values[path]) for path, driver in now if driver.what == what]

    factors: dict[str, Value] = {}
    for one in range(base_year + 1, year + 1):
        for path, driver in holding(base, scenario, one):
            if driver.what == "price per year":
                factors[driver.target] = factors.get(driver.target, 1.0) * values[path]
    for driver, left in of("content"):
        factors[driver.target] = factors.get(driver.target, 1.0) * left
    regions: dict[str, Value] = {}
    for driver, left in of("region price"):
        regions[driver.target] = regions.get(driver.target, 1.0) * left
    ratios = {id(driver): f"{path}.price_ratio" for path, driver in now}
    both = of("accelerators")
    return Effect(
        training=tuple(
            (driver.target, left) for driver, left in both + of("training accelerators")
        ),
        inference=tuple(
            (driver.target, left) for driver, left in both + of("inference accelerators")
        ),
        mixes=tuple((driver.target, driver.to, left - 1) for driver, left in of("mix")),
        factors=factors,
        substitutions=tuple(
            Substitution(driver.target, driver.to, left - 1, values[ratios[id(driver)]])
            for driver, left in of("substitution")
        ),
        points=tuple(
            (driver.target, driver.within, left - 1) for driver, left in of("company share")
        ),
        regions=regions,
    )


def replacing(scenarios: Sequence[Scenario]) -> tuple[str, ...]:
    """Return the components that take over in any of the scenarios, in order of appearance."""
    drivers = (driver for each in scenarios for driver in each.drivers.values())
    return tuple(dict.fromkeys(each.to for each in drivers if each.what == "substitution"))


def _key(driver: Driver) -> tuple[str, str, str]:
    return driver.what, driver.target, driver.to


def _product(factors: Iterator[Value]) -> Value:
    product: Value = 1.0
    for factor in factors:
        product = product * factor
    return product


def _input(path: str, words: str, quantity: Quantity, shift: float, factor: str) -> Input:
    """Return a number of a scenario as an input; changes are counted from zero, not from one."""
    ends = {end: shift + getattr(quantity, end) for end in ("low", "mode", "high")}
    return from_quantity(path, words, quantity.model_copy(update=ends), factor)
