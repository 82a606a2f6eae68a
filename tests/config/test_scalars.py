"""YAML 1.2 scalars: what PyYAML's 1.1 rules get wrong is read right or kept as text."""

import pytest

from regtune.config.scalars import resolve_scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2e-5", 2e-5),
        ("2E-5", 2e-5),
        ("1e-5", 1e-5),
        ("5.0e-05", 5e-5),
        (".5", 0.5),
        ("5.", 5.0),
        ("-.5", -0.5),
        ("1e3", 1000.0),
        ("0.0", 0.0),
    ],
)
def test_decimal_numbers_are_floats(text, value):
    resolved = resolve_scalar(text)

    assert type(resolved) is float
    assert resolved == value


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("3", 3), ("-1", -1), ("+7", 7), ("9" * 18, 10**18 - 1)])
def test_whole_numbers_are_ints(text, value):
    resolved = resolve_scalar(text)

    assert type(resolved) is int
    assert resolved == value


@pytest.mark.parametrize("text", ["true", "True", "TRUE"])
def test_true_is_a_boolean(text):
    assert resolve_scalar(text) is True


@pytest.mark.parametrize("text", ["false", "False", "FALSE"])
def test_false_is_a_boolean(text):
    assert resolve_scalar(text) is False


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_null_and_nothing_are_none(text):
    assert resolve_scalar(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *("no", "No", "yes", "on", "off", "y", "n", "tRUE", "nan", "inf", "+", "-", ".", "<<", "="),
        *("010", "00.5", "1:30", "1_000", "2024-01-31", "0x1F", "0o7", "1e", "e5", "1.2.3", "१२"),
    ],
)
def test_everything_else_stays_text(text):
    assert resolve_scalar(text) == text


@pytest.mark.parametrize("text", [".inf", "-.inf", "+.INF", ".nan", ".NaN"])
def test_infinity_and_nan_are_refused(text):
    with pytest.raises(ValueError, match="is not allowed, numbers must be finite"):
        resolve_scalar(text)


def test_a_float_that_overflows_is_refused():
    with pytest.raises(ValueError, match=r"at most 1\.8e308"):
        resolve_scalar("1e999")


def test_a_whole_number_past_64_bits_is_refused_with_its_length():
    with pytest.raises(ValueError, match="a whole number of 5000 digits is too large, at most 18"):
        resolve_scalar("9" * 5000)
