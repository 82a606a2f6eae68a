"""Labels as class names."""

import pytest

from regtune.data.labels import check_labels, class_order, clean_labels
from regtune.errors import DataError


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["0.0", "1.0", "0.0"], ["0", "1", "0"]),
        (["0", "1.0"], ["0", "1"]),
        (["-0.0", "-1.0"], ["0", "-1"]),
        (["1.0", "1.5"], ["1.0", "1.5"]),
        (["1.0", "pos"], ["1.0", "pos"]),
        (["01", "1.0"], ["01", "1.0"]),
        (["01", "1"], ["01", "1"]),
        (["true", "false"], ["true", "false"]),
        (["12345678901234567890.0", "1.0"], ["12345678901234567890", "1"]),
        ([" a", "a", "b "], ["a", "a", "b"]),
        (["NA", "null"], ["NA", "null"]),
    ],
)
def test_labels_become_names(labels: list[str], names: list[str]) -> None:
    assert clean_labels(labels)[0] == names


@pytest.mark.parametrize(
    ("labels", "note"),
    [
        ([" a", "a ", "b"], "spaces around 2 labels removed"),
        (["0.0", "1.0"], "labels such as `1.0` are whole numbers: the class is named `1`"),
        (["Pos", "pos", "neg"], "classes that differ only by case or spaces stay apart: `Pos` / `pos`"),
        (["a  b", "a b"], "classes that differ only by case or spaces stay apart: `a  b` / `a b`"),
        (["01", "1", "2"], "classes that are the same number stay apart: `01` / `1`"),
        (["0", "pos"], "some classes are numbers and some are words: `0` beside `pos`"),
    ],
)
def test_what_is_odd_is_noted(labels: list[str], note: str) -> None:
    assert clean_labels(labels)[1] == [note]


def test_plain_labels_need_no_note() -> None:
    assert clean_labels(["pos", "neg", "pos"])[1] == []


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (["10", "2", "-1"], ("-1", "2", "10")),
        (["1", "01"], ("01", "1")),
        (["b", "a", "B"], ("B", "a", "b")),
        (["10", "2", "x"], ("10", "2", "x")),
    ],
)
def test_classes_are_ordered_by_value_or_code_point(labels: list[str], order: tuple[str, ...]) -> None:
    assert class_order(labels) == order


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a"] * 5, r"t\.csv: one class only, `a`, in 5 rows"),
        ([str(n / 10) for n in range(20)] * 2, r"20 distinct numbers such as `0\.0`, .* this looks like regression"),
        (["0.5", "1"] * 2, "2 distinct numbers such as `0.5`, `1`: this looks like regression"),
        (["a", "b", "c"], "every one of the 3 rows has a class of its own"),
        ([str(n) for n in range(1001)] * 2, "1001 classes in 2002 rows, at most 1000 are allowed"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_labels(labels, where="t.csv")


@pytest.mark.parametrize("labels", [["0", "1"], [str(n) for n in range(1000)], ["v0.5", "1.5"], ["1.5", "2", "x"]])
def test_integers_and_names_with_numbers_are_classes(labels: list[str]) -> None:
    check_labels(labels * 2, where="t.csv")
