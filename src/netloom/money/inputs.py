"""The uncertain inputs of a candidate's money, each by its path in the catalogue.

An input's name is where its number stands, ``price-book/market-2026.prices.switch/qm9700`` or
``site-costs/us-2026.pue``, so that every figure can be traced, and so that two candidates that use
the same number share its draws.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from netloom import catalog
from netloom.catalog.parts import Medium, Part
from netloom.catalog.quantity import GRADES, Quantity
from netloom.cost.bom import FIBRE
from netloom.cost.distribution import check
from netloom.cost.draws import Sampling
from netloom.cost.prices import Prices
from netloom.result import Range

#: Factors that inputs share.
OPTICS, SILICON, CABLES, SERVERS, POWER, AGE = (
    "optics supply", "switch silicon", "cables", "server supply", "process node",
    "age of the hardware",
)  # fmt: skip

#: Field of a site or of failure rates -> what it is called in a table.
_WORDS = {
    "electricity_usd_per_j": "price of electricity",
    "pue": "power usage effectiveness",
    "maintenance_per_year": "maintenance, share of capex per year",
    "depreciation_s": "life over which capex is written off",
    "installation_fraction": "installation, share of the network",
    "node_spares_fraction": "spare nodes in stock",
    "network_spares_fraction": "spare network parts in stock",
    "loaded_power_fraction": "draw of a node while it trains",
    "idle_power_fraction": "draw of a node while the job stands still",
    "staff_usd_per_mw_year": "staff per megawatt and year",
    "hosting_usd_per_kw_month": "hosting per kilowatt and month",
    "capital_per_year": "cost of capital",
    "accelerator_per_s": "failure rate of an accelerator",
    "node_other_per_s": "failure rate of a node's rest",
    "nic_per_s": "failure rate of a NIC",
    "software_per_s": "failure rate of software",
    "detection_s": "time until a failure is noticed",
    "restart_s": "time of a restart",
    "repair_s": "time of a repair",
    "checkpoint_bytes_per_parameter": "checkpoint, bytes per parameter",
    "storage_bytes_per_s": "rate at which storage takes checkpoints",
}

#: Field of a part -> what it is called in a table, of that part.
_WORDS_OF_PART = {
    "power_w": "power", "power_per_end_w": "power of one end",
    "annual_failure_rate": "failure rate", "annual_failure_rate_per_end": "failure rate, one end",
}  # fmt: skip


@dataclass(frozen=True)
class Relative:
    """What an input is a share of.

    Attributes
    ----------
    base, share : the other number, and the share of it.
    """

    base: Input
    share: Input


@dataclass(frozen=True)
class Input:
    """One number with its range and evidence.

    Attributes
    ----------
    path : where it stands in the catalogue, or in the study.
    words : what it is, for people.
    value : low, most likely and high, SI.
    dimension : of the value, for people: a key of `netloom.units.show`.
    factor : shared factor; empty where it shares nothing.
    grade, date, basis : of the evidence.
    sources : source keys; empty for what the user says.
    relative : what it is a share of; None when it stands alone.
    """

    path: str
    words: str
    value: Range
    dimension: str
    factor: str
    grade: str
    date: str
    basis: str
    sources: tuple[str, ...]
    relative: Relative | None = None

    def __post_init__(self) -> None:
        check(self.value, self.path)

    @property
    def badness(self) -> int:
        """Place among the grades, 0 is the best evidence."""
        return GRADES.index(self.grade)  # type: ignore[arg-type]

    def draw(self, sampling: Sampling) -> NDArray[np.float64]:
        """Return draws, shape (num_draws,); of a relative number those of both its factors.

        Notes
        -----
        A relative number moves from its most likely value as base and share move from theirs, so
        that it stays on its side of the base on every draw.
        """
        if self.relative is None:
            return sampling.draw(self.path, self.value, self.factor)
        drawn: NDArray[np.float64] = np.full(sampling.num_draws, self.value.mode)
        for each in (self.relative.base, self.relative.share):
            drawn = drawn * each.draw(sampling) / each.value.mode
        return drawn


def of_part(kind: str, part: Part, field: str, factor: str = "") -> Input:
    """Return a number of a catalogue part as an input.

    Examples
    --------
    >>> of_part("site-costs", catalog.get("site-costs", "us-2026"), "pue").value
    Range(low=1.08, mode=1.2, high=1.58)
    """
    quantity: Quantity = getattr(part, field)
    named = _WORDS_OF_PART.get(field) or field.replace("_", " ")
    words = _WORDS.get(field) or f"{named} of {part.name}"
    return from_quantity(f"{kind}/{part.name}.{field}", words, quantity, factor)


def from_quantity(path: str, words: str, quantity: Quantity, factor: str = "") -> Input:
    """Return a catalogue number as an input."""
    return Input(
        path=path,
        words=words,
        value=Range(quantity.low, quantity.mode, quantity.high),
        dimension=quantity.dimension,
        factor=factor,
        grade=quantity.grade,
        date=quantity.date,
        basis=quantity.basis,
        sources=quantity.source,
    )


def of_price(prices: Prices, part: str) -> Input:
    """Return the price of one unit before the study's changes, or the user's quote for it."""
    if part in prices.quotes:
        price = prices.book_price(part)
        return Input(
            f"study.economics.quotes.{part}", f"price of {part}", price.usd, "money", "",
            price.grade, "", price.basis, (),
        )  # fmt: skip
    alone = _book_price(prices, part)
    known = prices.book.relative.get(part)
    if known is None:
        return alone
    share = from_quantity(
        f"price-book/{prices.book.name}.relative.{part}.share",
        f"price of {part}, share of that of {known.part}",
        known.share,
    )
    return replace(alone, relative=Relative(_book_price(prices, known.part), share))


def _book_price(prices: Prices, part: str) -> Input:
    quantity = catalog.price(prices.book, part)
    path = f"price-book/{prices.book.name}.prices.{part}"
    return from_quantity(path, f"price of {part}", quantity, price_factor(part))


def price_factor(part: str) -> str:
    """Return the factor that a part's price shares with others of its kind.

    Examples
    --------
    >>> price_factor("medium/lpo-800g-dr8"), price_factor("medium/dac-800g")
    ('optics supply', 'cables')
    """
    kind, _, name = part.partition("/")
    if kind == "medium":
        medium: Medium = catalog.get(kind, name)
        return OPTICS if medium.optical and medium.technology != "cpo" else CABLES
    if part == FIBRE:
        return CABLES
    return {"switch": SILICON, "nic": SILICON, "node": SERVERS}.get(kind, "")


def of_study(key: str, value: float, dimension: str) -> Input:
    """Return a number that the study says itself.

    Examples
    --------
    >>> of_study("reliability.restart", 60.0, "time").words
    "the study's restart"
    """
    words = f"the study's {key.rpartition('.')[2].replace('_', ' ')}"
    value_range = Range(value, value, value)
    return Input(
        f"study.{key}", words, value_range, dimension, "", "proposal", "", "as the study has it", ()
    )


def worst_first(inputs: Iterable[Input]) -> tuple[Input, ...]:
    """Return inputs by grade, the weakest evidence first, and by path; each once.

    One path may stand for two values, as two studies may quote one part differently.

    Examples
    --------
    >>> asked = of_study("reliability.restart", 60.0, "time")
    >>> [each.path for each in worst_first([asked, asked])]
    ['study.reliability.restart']
    """
    once = {(each.path, each.value): each for each in inputs}
    return tuple(sorted(once.values(), key=lambda each: (-each.badness, each.path)))
