import math

import pytest

from regtune.reporting.number_text import bounds, count, decimal, duration, percent, signed, significant


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.612, "0.6120"),
        (0.00612, "0.0061"),
        (0.99999, "1.000 "),
        (1.9459, "1.946 "),
        (9.9999, "10.00"),
        (12.345, "12.35"),
        (123.44, "123.4"),
        (123456.0, "1.2e+05"),
        (math.nan, "nan"),
        (-math.inf, "−inf"),
    ],
)
def test_decimal(value, text):
    assert decimal(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.141, "+0.1410"), (-0.024, "−0.0240"), (0.0, "+0.0000"), (math.nan, "nan")]
)
def test_signed(value, text):
    assert signed(value) == text


@pytest.mark.parametrize(("value", "text"), [(22_713_216, "22.71 M"), (42_000, "42 k"), (512, "512"), (7e9, "7 G")])
def test_count(value, text):
    assert count(value) == text


@pytest.mark.parametrize(("value", "text"), [(4.21, "4.2 s"), (185, "3 min 05 s"), (7620, "2 h 07 min")])
def test_duration(value, text):
    assert duration(value) == text


def test_percent_has_four_significant_digits():
    assert percent(0.0000512345) == "0.005123 %"


def test_significant_drops_trailing_zeros():
    assert significant(0.1) == "0.1"


@pytest.mark.parametrize(
    ("interval", "ends"),
    [
        ({"value": 0.5, "low": 0.25, "high": 0.75}, ("0.2500", "0.7500")),
        ({"value": 0.5, "low": 0.25, "high": None}, ("0.2500", "∞")),
        ({"value": None, "low": None, "high": None}, ("–", "–")),
    ],
)
def test_the_ends_of_an_interval(interval, ends):
    assert bounds(interval) == ends
