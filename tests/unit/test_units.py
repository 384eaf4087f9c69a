"""Text to SI and back, and every way to be refused."""

import pytest

from netloom import units
from netloom.errors import ParameterError


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("400 Gb/s", "rate", 50e9),
        ("400Gb/s", "rate", 50e9),
        ("50 GB/s", "rate", 50e9),
        ("400 Gbps", "rate", 50e9),
        ("3.35 TB/s", "rate", 3.35e12),
        ("80 GiB", "data", 80 * 2**30),
        ("80 GB", "data", 80e9),
        ("15.6T", "count", 15.6e12),
        ("16Mi", "count", 16 * 2**20),
        ("16,384", "count", 16384.0),
        (2048, "count", 2048.0),
        ("10 min", "time", 600.0),
        ("54 days", "time", 54 * 86400.0),
        ("500 ns", "time", 500e-9),
        ("-15%", "fraction", -0.15),
        ("0.08 $/kWh", "energy price", 0.08 / 3.6e6),
        ("30 k$", "money", 30e3),
        ("15 pJ/bit", "energy per bit", 15e-12),
        ("1 %/year", "frequency", 0.01 / (365.25 * 86400)),
        ("100 FIT", "frequency", 1e-7 / 3600),
    ],
)
def test_parse(text, dimension, value):
    assert units.parse(text, dimension) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize(
    ("text", "dimension", "message", "hint"),
    [
        ("400 Gb", "rate", "an amount of data, a rate is meant", "write 400 Gb/s"),
        ("400", "rate", "has no unit", "400 Gb/s"),
        ("400G", "rate", "is a count", "400 Gb/s"),
        ("50 GB/s", "data", "is a rate", "write 50 GB"),
        ("400 gbps", "rate", "unit 'gbps' is not known", "write 400 Gbps"),
        ("700 w", "power", "unit 'w' is not known", "write 700 W"),
        ("5 parsecs", "length", "is not a unit of length", "known units: m, mm"),
        ("many", "count", "is no count", "15.6T"),
        (True, "count", "is no count", "15.6T"),
        ("1e999", "count", "is not finite", "15.6T"),
    ],
)
def test_refusals_name_what_is_wrong_and_what_to_write(text, dimension, message, hint):
    with pytest.raises(ParameterError) as refused:
        units.parse(text, dimension)
    assert message in refused.value.problem.message
    assert hint in refused.value.problem.hint


@pytest.mark.parametrize(
    ("value", "dimension", "text"),
    [
        (246.8, "time", "4.11 min"),
        (7200.0, "time", "2 h"),
        (59.0 * 86400, "time", "59 days"),
        (4.933, "time", "4.93 s"),
        (2.29e-3, "time", "2.29 ms"),
        (0.0, "time", "0 ns"),
        (50e9, "rate", "400 Gb/s"),
        (80 * 2**30, "memory", "80 GiB"),
        (0.4123, "fraction", "41.2 %"),
        (64.7e6, "money", "64.7 M$"),
        (999.9e6, "money", "1 B$"),
        (1.7e6, "power", "1.7 MW"),
    ],
)
def test_show(value, dimension, text):
    assert units.show(value, dimension) == text


@pytest.mark.parametrize("dimension", ["rate", "data", "time", "power", "length", "flop rate"])
@pytest.mark.parametrize("value", [1.0, 3.7e-7, 59.6, 61.0, 3599.0, 86399.0, 1.234e9, 8.8e13])
def test_what_is_shown_parses_back(dimension, value):
    shown = units.show(value, dimension, digits=12)
    assert units.parse(shown.replace(",", ""), dimension) == pytest.approx(value, rel=1e-9)


def test_every_dimension_has_an_example_that_parses():
    for dimension in units.UNITS:
        with pytest.raises(ParameterError) as refused:
            units.parse("nonsense", dimension)
        example = refused.value.problem.hint.removeprefix("write it like ").split(";")[0]
        units.parse(example, dimension)
