"""Text from outside cannot move the cursor, break a line or fail to be written."""

import pytest

from regtune.wording import encodable, printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("two\nlines", "two\\nlines"),
        ("\x7f\x9b", "\\x7f\\x9b"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("file\udcff", "file\\udcff"),
        ("naïve 日本", "naïve 日本"),
    ],
)
def test_control_characters_are_escaped(text, expected):
    assert printable(text) == expected


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("utf-8", "★ − é 日"), ("latin-1", "* - é \\u65e5"), ("ascii", "* - \\xe9 \\u65e5")],
)
def test_text_is_written_with_what_the_encoding_has(encoding, expected):
    assert encodable("★ − é 日", encoding=encoding) == expected


@pytest.mark.parametrize(
    ("sign", "look_alike"), [("★", "*"), ("■", "#"), ("⚠", "!"), ("−", "-"), ("×", "x"), ("Σ", "sum"), ("→", "->")]
)
def test_our_signs_have_look_alikes(sign, look_alike):
    assert encodable(sign, encoding="ascii") == look_alike
