"""Text to float and back: the only place where "400 Gb/s" exists.

Inside netloom every float is SI: seconds, bytes, bytes per second one way, watts, metres, US
dollars. The vocabulary is closed, because an open one misreads networking: a general unit library
takes ``400G`` for gauss and ``16k`` for Boltzmann constants, silently.
"""

from __future__ import annotations

import math
import re
from types import MappingProxyType

from netloom.errors import ParameterError

_DECIMAL = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_BINARY = {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50}
#: Seconds of a day and of a year.
DAY_S, YEAR_S = 86400.0, 365.25 * 86400.0

_HOUR = 3600.0


def _prefixed(base: str, factor: float = 1.0, binary: bool = False) -> dict[str, float]:
    prefixes = _DECIMAL | _BINARY if binary else _DECIMAL
    return {prefix + base: scale * factor for prefix, scale in prefixes.items()}


_DATA = _prefixed("B", binary=True) | _prefixed("b", 0.125)
_TIME = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": _HOUR,
    "d": DAY_S, "day": DAY_S, "days": DAY_S, "y": YEAR_S, "year": YEAR_S, "years": YEAR_S,
}  # fmt: skip
_COUNT = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9, "G": 1e9, "T": 1e12, "P": 1e15} | _BINARY

#: Dimension -> unit text -> factor to SI. A dimension's first unit with factor 1 is its SI name.
UNITS: MappingProxyType[str, dict[str, float]] = MappingProxyType(
    {
        "rate": {unit + "/s": factor for unit, factor in _DATA.items()}
        | {prefix + "bps": scale / 8 for prefix, scale in _DECIMAL.items()},
        "data": _DATA,
        "time": _TIME,
        "count": _COUNT,
        "flop rate": _prefixed("FLOP/s") | _prefixed("FLOPS"),
        "power": _prefixed("W"),
        "energy": {"J": 1.0, "kJ": 1e3, "MJ": 1e6, "Wh": 3600.0, "kWh": 3.6e6, "MWh": 3.6e9},
        "energy per bit": {"J/bit": 1.0, "pJ/bit": 1e-12},
        "length": {"m": 1.0, "mm": 1e-3, "cm": 1e-2, "km": 1e3},
        "time per length": {"s/m": 1.0, "ns/m": 1e-9},
        "money": {
            "USD": 1.0, "$": 1.0, "kUSD": 1e3, "k$": 1e3, "MUSD": 1e6, "M$": 1e6, "BUSD": 1e9,
        },
        "energy price": {"USD/J": 1.0, "USD/kWh": 1 / 3.6e6, "$/kWh": 1 / 3.6e6},
        "fraction": {"": 1.0, "%": 0.01},
        "frequency": {
            "/s": 1.0, "/h": 1 / _HOUR, "/day": 1 / DAY_S, "/year": 1 / YEAR_S,
            "%/year": 0.01 / YEAR_S,
            "FIT": 1e-9 / _HOUR, "per 100 unit-years": 0.01 / YEAR_S,
            "per 1000 unit-days": 1e-3 / DAY_S,
        },
        "fraction per year": {"/year": 1.0, "%/year": 0.01},
    }
)  # fmt: skip

_EXAMPLE = {
    "rate": "400 Gb/s", "data": "80 GB", "time": "10 min", "count": "15.6T",
    "flop rate": "989.5 TFLOP/s", "power": "700 W", "energy": "1 kWh",
    "energy per bit": "15 pJ/bit",
    "length": "30 m", "time per length": "5 ns/m", "money": "30 k$", "energy price": "0.08 $/kWh",
    "fraction": "12%", "frequency": "1 %/year", "fraction per year": "4 %/year",
}  # fmt: skip

#: Dimensions that are no countable noun in English.
_CALLED = {"data": "an amount of data", "money": "an amount of money"}

_TEXT = re.compile(r"\s*([-+]?(?:\d[\d_,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*$")


def parse(text: str | float | int, dimension: str) -> float:
    """Return a quantity in SI units.

    Parameters
    ----------
    text : a number with its unit, ``"400 Gb/s"``; a bare number only for counts and fractions.
    dimension : a key of `UNITS`.

    Raises
    ------
    ParameterError
        When the text is no number, has no unit, or has a unit of another dimension.

    Examples
    --------
    >>> parse("400 Gb/s", "rate")
    50000000000.0
    >>> parse("15.6T", "count")
    15600000000000.0
    """
    units = UNITS[dimension]
    example = f"write it like {_EXAMPLE[dimension]}"
    if isinstance(text, bool):
        raise ParameterError(f"'{text}' is no {dimension}", hint=example)
    match = _TEXT.match(str(text))
    if match is None:
        raise ParameterError(f"'{text}' is no {dimension}", hint=example)
    number, unit = float(match[1].replace(",", "").replace("_", "")), match[2]
    if not math.isfinite(number):
        raise ParameterError(f"'{text}' is not finite", hint=example)
    if unit in units:
        # dividing by an exact factor rounds better than multiplying by its inexact inverse
        factor = units[unit]
        return (
            number / round(1 / factor)
            if factor < 1 and (1 / factor).is_integer()
            else number * factor
        )
    raise ParameterError(*_refusal(str(text).strip(), match[1], unit, dimension))


def _refusal(text: str, number: str, unit: str, dimension: str) -> tuple[str, str]:
    """Return message and hint for a unit that does not belong to a dimension."""
    meant = _called(dimension)
    if not unit:
        return (
            f"'{text}' has no unit, {meant} is meant",
            f"write it like {_EXAMPLE[dimension]}",
        )
    if dimension == "rate" and unit in _DATA:
        return f"'{text}' is an amount of data, a rate is meant", f"write {number} {unit}/s"
    if dimension == "data" and unit in UNITS["rate"]:
        return (
            f"'{text}' is a rate, an amount of data is meant",
            f"write {number} {unit.split('/')[0]}",
        )
    for other, units in UNITS.items():
        if unit in units and other != dimension:
            return (
                f"'{text}' is {_called(other)}, {meant} is meant",
                f"write it like {_EXAMPLE[dimension]}",
            )
    folded = [known for known in UNITS[dimension] if known.lower() == unit.lower()]
    if folded:
        return f"'{text}': unit '{unit}' is not known", f"write {number} {' or '.join(folded)}"
    known_units = ", ".join(known for known in UNITS[dimension] if known)
    return (
        f"'{text}': unit '{unit}' is not a unit of {dimension}",
        f"write it like {_EXAMPLE[dimension]}; known units: {known_units}",
    )


def _called(dimension: str) -> str:
    """Return a dimension with its article.

    Examples
    --------
    >>> _called("money"), _called("energy price")
    ('an amount of money', 'an energy price')
    """
    article = "an" if dimension[0] in "aeiou" else "a"
    return _CALLED.get(dimension, f"{article} {dimension}")


def _scaled(value: float, steps: tuple[tuple[float, str], ...], digits: int) -> str:
    # a value that would round up to the next unit is shown in it; the last unit takes the rest
    rounding = 1 - 0.5 * 10.0 ** (1 - digits)
    factor, unit = next((step for step in steps if abs(value) >= step[0] * rounding), steps[-1])
    number = _significant(value / factor, digits)
    # "1 day", "1 year"; every other unit is a symbol
    called = unit.removesuffix("s") if number == "1" and unit in ("days", "years") else unit
    return f"{number} {called}".rstrip()


def _significant(value: float, digits: int) -> str:
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


_STEPS: dict[str, tuple[tuple[float, str], ...]] = {
    "rate": (
        (0.125e15, "Pb/s"), (0.125e12, "Tb/s"), (0.125e9, "Gb/s"), (0.125e6, "Mb/s"),
        (0.125, "b/s"),
    ),
    "data": ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")),
    "memory": ((2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B")),
    "time": (
        (YEAR_S, "years"), (DAY_S, "days"), (_HOUR, "h"), (60.0, "min"), (1.0, "s"),
        (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"),
    ),
    "count": ((1e15, "P"), (1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"), (1.0, "")),
    "flop rate": (
        (1e18, "EFLOP/s"), (1e15, "PFLOP/s"), (1e12, "TFLOP/s"), (1e9, "GFLOP/s"),
        (1.0, "FLOP/s"),
    ),
    "power": ((1e9, "GW"), (1e6, "MW"), (1e3, "kW"), (1.0, "W")),
    "money": ((1e9, "B$"), (1e6, "M$"), (1e3, "k$"), (1.0, "$")),
    "length": ((1e3, "km"), (1.0, "m"), (1e-2, "cm"), (1e-3, "mm")),
    "energy": ((3.6e9, "MWh"), (3.6e6, "kWh"), (3600.0, "Wh"), (1.0, "J")),
    "energy per bit": ((1.0, "J/bit"), (1e-12, "pJ/bit")),
    "energy price": ((1 / 3.6e6, "$/kWh"),),
    "time per length": ((1e-9, "ns/m"),),
    "frequency": ((1 / DAY_S, "/day"), (1 / YEAR_S, "/year"), (0.01 / YEAR_S, "%/year")),
    "fraction per year": ((0.01, "%/year"),),
}  # fmt: skip


def show(value: float, dimension: str, digits: int = 3) -> str:
    """Return a quantity for people, with the largest unit that keeps it above one.

    `dimension` is ``"memory"`` (GiB), ``"fraction"`` (percent) or any key that `parse` knows with
    prefixes. The text is for reading; exact values travel as floats.

    Examples
    --------
    >>> show(50e9, "rate"), show(80 * 2**30, "memory"), show(0.4123, "fraction")
    ('400 Gb/s', '80 GiB', '41.2 %')
    >>> show(5.0, "time"), show(412e6, "money")
    ('5 s', '412 M$')
    """
    if not math.isfinite(value):
        return str(value)
    if dimension == "fraction":
        return f"{_significant(100 * value, digits)} %"
    return _scaled(value, _STEPS[dimension], digits)
