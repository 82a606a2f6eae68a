"""Which column is what."""

import pytest

from regtune.config.schema import DataSettings
from regtune.data.columns import LABEL, TEXT, Columns
from regtune.data.columns import choose_columns as choose
from regtune.data.table import Row, Table
from regtune.errors import DataError


def choose_columns(table: Table, **named: str | list[str]) -> Columns:
    settings = DataSettings.model_validate({"train": "a.csv", **named})
    return choose(table, settings, input_role=TEXT, target_role=LABEL, takes_pairs=True)


def table_of(header: str, *lines: str) -> Table:
    columns = tuple(header.split("|"))
    rows = [Row(number, dict(zip(columns, line.split("|"), strict=True))) for number, line in enumerate(lines, start=2)]
    return Table("a.csv", columns, iter(rows))


@pytest.mark.parametrize(
    ("header", "text", "label"),
    [
        ("text|label", "text", "label"),
        ("Utterance|Intent", "Utterance", "Intent"),
        ("id|review|date|sentiment", "review", "sentiment"),
        ("text|content|label|category", "text", "label"),
        ("message|kind", "message", "kind"),
        ("words|class", "words", "class"),
    ],
)
def test_columns_are_found_by_name(header: str, text: str, label: str) -> None:
    columns = choose_columns(table_of(header))

    assert (*columns.inputs, columns.target) == (text, label)


def test_of_two_columns_the_longer_and_more_varied_is_the_text() -> None:
    columns = choose_columns(table_of("b|a", "x|hello there", "y|good morning", "x|please go away"))

    assert (*columns.inputs, columns.target) == ("a", "b")
    assert columns.reasons == (
        "text column `a`, label column `b`: in the first 3 rows `a` is longer (12 characters against 1)"
        " and more varied (3 values against 2)",
    )


def test_given_columns_need_no_reason() -> None:
    columns = choose_columns(table_of("a|b|c"), text="c", label="a", group="b")

    assert (*columns.inputs, columns.target, columns.group, columns.reasons) == ("c", "a", "b", ())


def test_group_column_is_found_by_name() -> None:
    columns = choose_columns(table_of("text|label|group"))

    assert columns.group == "group"
    assert "group column `group`: by its name" in columns.reasons


@pytest.mark.parametrize(
    ("header", "message", "hint"),
    [
        ("review|comment|label", "`review`, `comment` could each be the text", "set data.text"),
        ("text|intent|topic", "`intent`, `topic` could each be the label", "set data.label"),
        ("text_a|text_b|label", "cannot tell which column is the text, .* `text_a`, `text_b`, `label`", "data.label"),
        ("a|b|c", "cannot tell which column is the text or the label", "set data.text and data.label"),
        ("text", "cannot tell which column is the label", "set data.text and data.label"),
    ],
)
def test_doubt_is_an_error_that_lists_the_columns(header: str, message: str, hint: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        choose_columns(table_of(header))
    assert hint in str(caught.value.hint)


def test_two_columns_alike_are_an_error() -> None:
    with pytest.raises(DataError, match="could each be the text"):
        choose_columns(table_of("a|b", "one|two", "six|ten"))


@pytest.mark.parametrize(("asked", "meant"), [("Text", "text"), ("txt", "text"), ("LABEL", "label")])
def test_absent_column_names_the_near_one(asked: str, meant: str) -> None:
    with pytest.raises(DataError, match=f"a.csv: no column `{asked}` .data.text., the header has `text`") as caught:
        choose_columns(table_of("text|label"), text=asked)
    assert caught.value.hint == f"did you mean `{meant}`?"


def test_one_column_cannot_be_both() -> None:
    with pytest.raises(DataError, match=r"data\.text and data\.label are both `text`"):
        choose_columns(table_of("text|label"), text="text", label="text")


def test_a_pair_is_found_by_its_names() -> None:
    columns = choose_columns(table_of("id|premise|hypothesis|label"))

    assert columns.inputs == ("premise", "hypothesis")
    assert "text columns `premise` and `hypothesis`, a pair: by their names" in columns.reasons


def test_a_column_named_text_beats_a_pair() -> None:
    assert choose_columns(table_of("text|text_a|text_b|label")).inputs == ("text",)


def test_a_pair_can_be_named() -> None:
    assert choose_columns(table_of("a|b|label"), text=["b", "a"]).inputs == ("b", "a")


def test_one_column_cannot_be_both_of_a_pair() -> None:
    with pytest.raises(DataError, match=r"data\.text names `a` twice"):
        choose_columns(table_of("a|b|label"), text=["a", "a"])
