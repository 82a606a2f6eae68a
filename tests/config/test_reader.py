"""Strict YAML: the values, the lines, and one clear line for everything that is refused."""

import pytest
import yaml

import regtune.config.reader
from regtune.config.reader import read_document, read_value
from regtune.errors import ConfigError

REFUSED = "anchors and aliases (&x, *x) are not allowed here; write the value out"
NESTED_ALIASES = "a0: &a0 [1]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 10)
)


@pytest.fixture(params=["CSafeLoader", "SafeLoader"], autouse=True)
def loader(request, monkeypatch):
    """Every test runs with PyYAML's C scanner and with its Python one."""
    monkeypatch.setattr(regtune.config.reader, "LOADER", getattr(yaml, request.param))


def problem(text):
    with pytest.raises(ConfigError) as caught:
        read_document(text, name="a.yaml")
    (line,) = caught.value.problems
    return line


def test_values_are_plain():
    document = read_document('a: {b: 2e-5, c: [no, 010, true]}\nd: "1"\ne:\n', name="a.yaml")

    assert document.values == {"a": {"b": 2e-5, "c": ["no", "010", True]}, "d": "1", "e": None}


def test_every_key_and_list_item_has_its_line():
    document = read_document("# title\na:\n  b: 1\n  c:\n  - x\n  - y\n", name="a.yaml")

    assert document.lines == {("a",): 2, ("a", "b"): 3, ("a", "c"): 4, ("a", "c", 0): 5, ("a", "c", 1): 6}


def test_windows_line_ends_count_as_one_line():
    assert read_document("a: 1\r\nb: 2\r\n", name="a.yaml").lines["b",] == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "a.yaml: is empty"),
        ("# only a comment", "a.yaml: is empty"),
        ("---\n", "a.yaml: is empty"),
        ("- a\n", "a.yaml:1: must be a mapping of keys such as data: and training:, got a list"),
        ("\nhello", "a.yaml:2: must be a mapping of keys such as data: and training:, got a single value"),
        ("a: 1\nb: 2\na: 3\n", "a.yaml:3: the key a is set twice, first on line 1"),
        ("a:\n  b: 1\n  b: 1\n", "a.yaml:3: the key b is set twice, first on line 2"),
        ("1: a", "a.yaml:1: a key must be a name, got 1"),
        ("true: a", "a.yaml:1: a key must be a name, got true"),
        ("~: a", "a.yaml:1: a key must be a name, got null"),
        ("? [a]\n: b", "a.yaml:1: a key must be a name, got a list or a mapping"),
        ("{{a: b}: c}", "a.yaml:1: a key must be a name, got a list or a mapping"),
        ("a: 1\n---\nb: 2\n", "a.yaml:2: a second document starts here, a config is one document"),
        (
            "a: !!python/name:os.system x",
            "a.yaml:1: the tag tag:yaml.org,2002:python/name:os.system is not allowed, write",
        ),
        (
            "a: !!python/object/apply:os.system [x]",
            "a.yaml:1: the tag tag:yaml.org,2002:python/object/apply:os.system is",
        ),
        ("a: !!int '3'", "a.yaml:1: the tag tag:yaml.org,2002:int is not allowed, write the plain value"),
        ("a: !mine x", "a.yaml:1: the tag !mine is not allowed, write the plain value"),
        ("[" * 20_000, "a.yaml:1: nested deeper than 50 levels"),
        ("{a: " * 20_000, "a.yaml:1: nested deeper than 50 levels"),
        ("- " * 20_000, "a.yaml:1: nested deeper than 50 levels"),
        ("a: " + "x" * 1_000_000, "a.yaml: is larger than 1,000,000 characters, too large for a config"),
        ("\na: .inf", "a.yaml:2: .inf is not allowed, numbers must be finite"),
        ("a: " + "9" * 5000, "a.yaml:1: a whole number of 5000 digits is too large, at most 18"),
        ("a:\n\t- b", "a.yaml:2: a tab indents this line, YAML allows only spaces"),
        ("a: 1\nb: \0", "a.yaml:2: the character U+0000 is not allowed in a config"),
        ("a: \x1b[31m", "a.yaml:1: the character U+001B is not allowed in a config"),
        ("a: \ud800", "a.yaml:1: the character U+D800 is not allowed in a config"),
        ('a: "x\\0y"', 'a.yaml:1: "x\\x00y" has a character that no name, path or column can have'),
        ("a: 1\nb: c: d", "a.yaml:2: is not valid YAML: mapping values are not allowed"),
        ("a: [1, 2", "a.yaml:1: is not valid YAML: "),
        ("a: 'b", "a.yaml:1: is not valid YAML: found unexpected end of stream, while scanning a quoted scalar"),
        ("a: @b", "a.yaml:1: is not valid YAML: found character"),
    ],
)
def test_what_is_not_plain_yaml_is_one_line_with_its_place(text, expected):
    assert problem(text).startswith(expected)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: &b 2", 2),
        ("a: 1\nb:\n  c: *b", 3),
        ("a: [1,\n  *b]", 2),
        ("a: &a [*a]", 1),
        ("a: 1\n*a : b", 2),
        ("a: 1\n&a b: 2", 2),
        ("? &a [b]\n: c", 1),
        ("&a\nb: c", 1),
        ("a: &a !!set {b}", 1),
        (NESTED_ALIASES, 1),
    ],
)
def test_anchors_and_aliases_are_refused(text, line):
    assert problem(text) == f"a.yaml:{line}: {REFUSED}"


def test_an_ampersand_or_star_inside_a_text_is_text():
    assert read_document("a: R&D *\nb: '*.csv'\n", name="a.yaml").values == {"a": "R&D *", "b": "*.csv"}


def test_a_too_large_escape_is_refused():
    assert problem('a: "\\UFFFFFFFF"').startswith("a.yaml")


def test_a_tag_runs_nothing(tmp_path):
    canary = tmp_path / "canary"

    problem(f"a: !!python/object/apply:pathlib.Path.touch [{canary}]")

    assert not canary.exists()


def test_a_colon_in_a_text_is_told_to_be_quoted():
    with pytest.raises(ConfigError) as caught:
        read_document("a: b: c", name="a.yaml")

    assert caught.value.hint == "a text with a colon and a space in it needs quotes"


def test_fifty_levels_are_allowed():
    assert read_document("a: " + "[" * 49 + "]" * 49, name="a.yaml").values


def test_a_file_name_cannot_break_the_line():
    with pytest.raises(ConfigError, match=r"^a\\nb\\x1b\.yaml: is empty$"):
        read_document("", name="a\nb\x1b.yaml")


def test_a_value_of_its_own_has_no_line():
    with pytest.raises(ConfigError, match=r"^command line: the key a is set twice, first on line 1$"):
        read_value("{a: 1, a: 2}", name="command line")
