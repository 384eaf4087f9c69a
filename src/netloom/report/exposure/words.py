"""Words and numbers of the pages about suppliers: names in three languages, ranges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from netloom import catalog
from netloom.catalog.suppliers import Names
from netloom.cost.draws import Interval
from netloom.supply.chain import OTHERS

Language = Literal["en", "zh", "ja"]

#: What of a cluster is told: without its servers, or with them.
Scope = Literal["network", "everything"]

#: The network as it is bought.
NETWORK_WORDS = "NICs, switches, optics, cables, installation"

#: On every page, in JSON and in every picture.
NOTICE = (
    "Scenario arithmetic on public figures, each with its grade and date; not investment advice."
)

_USD = ((1e12, "T$"), (1e9, "B$"), (1e6, "M$"), (1e3, "k$"), (1.0, "$"))

#: Shares of draws that are told as bounds: what so few draws say is not known better.
_RARE, _SURE = 0.005, 0.995


@dataclass(frozen=True)
class Speaker:
    """Names in one language."""

    language: Language = "en"

    def component(self, name: str) -> str:
        """Return a component's name.

        Examples
        --------
        >>> Speaker("ja").component("photonic-chip")
        'シリコンフォトニクスチップ'
        """
        return self.of(catalog.get("component", name).names)

    def company(self, name: str) -> str:
        """Return a company's name; ``others`` are those that are not listed."""
        return "others" if name == OTHERS else self.of(catalog.get("company", name).names)

    def of(self, names: Names) -> str:
        """Return the name in this language."""
        return str(getattr(names, self.language))


def usd(found: Interval, *, signed: bool = False) -> str:
    """Return the median of dollars with the 10th and the 90th percentile, in one unit.

    Examples
    --------
    >>> usd(Interval(2.2e6, 2.6e6, 2e6, 2.5e6, 3.25e6))
    '2.50 M$ (2.00-3.25)'
    >>> usd(Interval(-2.4e6, -2.6e6, -3.25e6, -2.5e6, 1e6), signed=True)
    '-2.50 M$ (-3.25 to +1.00)'
    """
    values = (found.percentile_50, found.percentile_10, found.percentile_90)
    largest = max(map(abs, values))
    scale, unit = next((pair for pair in _USD if largest >= pair[0]), _USD[-1])
    if largest < 0.005:
        return "0"
    median, low, high = (_digits(value / scale, signed) for value in values)
    if low == high == median:
        return f"{median} {unit}"
    between = " to " if signed or found.percentile_10 < 0 else "-"
    return f"{median} {unit} ({low}{between}{high})"


def cents(amount: int) -> str:
    """Return an amount of cents in dollars, exactly.

    Examples
    --------
    >>> cents(123456789), cents(-5)
    ('1,234,567.89 $', '-0.05 $')
    """
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100:,}.{abs(amount) % 100:02d} $"


def percent(found: Interval) -> str:
    """Return the median of a share with its percentiles, in percent.

    Examples
    --------
    >>> percent(Interval(0.2, 0.31, 0.21, 0.3, 0.42))
    '30.0 % (21.0 to 42.0)'
    """
    median, low, high = (
        _digits(100 * value, False)
        for value in (found.percentile_50, found.percentile_10, found.percentile_90)
    )
    return f"{median} %" if low == high == median else f"{median} % ({low} to {high})"


def probability(share: float) -> str:
    """Return a probability; near 0 and 1 what the draws can still tell.

    Examples
    --------
    >>> probability(0.001), probability(0.42), probability(1.0)
    ('below 0.01', '0.42', '1.00')
    """
    if 0 < share < _RARE:
        return "below 0.01"
    return "above 0.99" if _SURE <= share < 1 else f"{share:.2f}"


def head(text: str) -> str:
    """Return a value without its brackets.

    Examples
    --------
    >>> head("2.50 M$ (2.00-3.25)")
    '2.50 M$'
    """
    return text.partition(" (")[0]


def below(text: str) -> str:
    """Return a value with its brackets on a line of their own, for narrow columns.

    Examples
    --------
    >>> below("2.50 M$ (2.00-3.25)")
    '2.50 M$\\n2.00-3.25'
    """
    return text.replace(" (", "\n").replace(")", "")


def _digits(value: float, signed: bool) -> str:
    decimals = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    text = f"{value:+,.{decimals}f}" if signed else f"{value:,.{decimals}f}"
    return text.replace("-0.00", "0.00").replace("+0.00", "0.00")
