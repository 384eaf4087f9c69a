"""Prices of one book with the user's changes: per part, or per class of parts.

Low and high of every price move together: a sum's low is the sum of the lows. Prices of one market
rise and fall together, so a narrower range than that would promise what nobody knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from netloom import catalog
from netloom.catalog.prices import PriceBook
from netloom.catalog.quantity import Grade, Quantity
from netloom.errors import ParameterError, nearest
from netloom.result import Range
from netloom.units import show

#: Classes of prices that `Economics.adjust` may change as a whole: groups of the bill of materials.
CLASSES = ("nodes", "nics", "switches", "optics", "cables", "installation")


@dataclass(frozen=True)
class Price:
    """Price of one unit with its evidence.

    Attributes
    ----------
    usd : low, most likely and high price.
    grade : grade of the evidence.
    basis : list, contract, reseller.
    """

    usd: Range
    grade: Grade
    basis: str

    def scaled(self, factor: float) -> Price:
        """Return the price times a non-negative factor."""
        return Price(self.usd.scaled(factor), self.grade, self.basis)

    def less(self, other: Price, what: str) -> Price:
        """Return what is left of a price when a part inside it is priced apart."""
        ends = (
            self.usd.low - other.usd.low,
            self.usd.mode - other.usd.mode,
            self.usd.high - other.usd.high,
        )
        if min(ends) < 0:
            raise ParameterError(
                f"{what} at {show(self.usd.low, 'money')} costs less than the parts inside it at "
                f"{show(other.usd.low, 'money')}",
                hint="quote it with the parts inside, or quote those, too",
            )
        # a quote is surer than what is inside: then the dear part leaves the cheap rest
        left = Range(min(ends), ends[1], max(ends))
        return Price(left, self.grade, self.basis)


def price_of(quantity: Quantity, what: str) -> Price:
    """Return a catalogue quantity as a price; refuse a negative one."""
    if quantity.low < 0:
        raise ParameterError(f"the price of {what} is negative", hint="correct the price book")
    return Price(Range(quantity.low, quantity.mode, quantity.high), quantity.grade, quantity.basis)


@dataclass(frozen=True)
class Prices:
    """A price book with changes of classes and of single parts, which multiply.

    Attributes
    ----------
    book : the catalogue's price book.
    adjust : change by class (`CLASSES`) or by part of the book, as a fraction: -0.15 is 15 % off.
    quotes : price of one unit of a part, US$, instead of the book's; changes leave it alone.
    """

    book: PriceBook
    adjust: Mapping[str, float]
    quotes: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key, change in self.adjust.items():
            if key not in CLASSES and key not in self.book.prices:
                parts = "" if "/" not in key else f"; {nearest(key, self.book.prices)}"
                raise ParameterError(
                    f"unknown class of prices '{key}'",
                    hint=f"classes: {', '.join(CLASSES)}; or a part like switch/qm9700{parts}",
                )
            if not change >= -1:
                raise ParameterError(
                    f"a change of {change:+.0%} makes the price of {key} negative",
                    hint="write a change above -100%",
                )
        for part, usd in self.quotes.items():
            known = self.book.prices.keys() | self.book.unpriced.keys()
            if part not in known:
                raise ParameterError(f"unknown part '{part}'", hint=nearest(part, known))
            if not usd >= 0:
                raise ParameterError(f"the quote for {part} is negative", hint="write a price")

    def known(self, part: str) -> bool:
        """Return whether a part has a price."""
        return part in self.book.prices or part in self.quotes

    def factor(self, group: str, part: str) -> float:
        """Return what the changes multiply a part's price by."""
        if part in self.quotes:
            return 1.0
        return (1 + self.adjust.get(group, 0.0)) * (1 + self.adjust.get(part, 0.0))

    def book_price(self, part: str) -> Price:
        """Return a part's price as quoted, else as the book has it, without changes."""
        if part in self.quotes:
            usd = self.quotes[part]
            return Price(Range(usd, usd, usd), "A", "quote of the user")
        return price_of(catalog.price(self.book, part), part)

    def of(self, group: str, part: str) -> Price:
        """Return what a part costs in a group of the bill of materials, changes included."""
        return self.book_price(part).scaled(self.factor(group, part))
