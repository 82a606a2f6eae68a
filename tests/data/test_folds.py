"""Properties of folds, over seeds and shapes of data."""

import random

import pytest

from regtune.config.folds import Fold
from regtune.data.example import Example
from regtune.data.folds import Parts, divide_rows
from regtune.data.splits import split_rows
from regtune.data.units import count_units, find_units
from regtune.errors import DataError
from tests.data.made_rows import distinct_rows, example

SEEDS = range(25)


def small_set(seed: int) -> list[Example]:
    """30 to 120 rows in 1 to 7 uneven classes, texts repeated with any label, half of the rows in groups."""
    generator = random.Random(seed)
    rows = generator.randrange(30, 120)
    classes = "abcdefg"[: generator.randrange(1, 8)]
    labels = generator.choices(classes, weights=[1 / (place + 1) ** 2 for place in range(len(classes))], k=rows)
    groups = [None, *(f"group {number}" for number in range(rows // 2))]
    return [
        example(f"Text {generator.randrange(rows * 2)}", label, generator.choice([None, generator.choice(groups)]))
        for label in labels
    ]


def divide(examples: list[Example], folds: int, *, seed: int = 0, test: float = 0.0) -> Parts:
    return divide_rows(examples, Fold(1, folds), test=test, seed=seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_row_is_held_out_once_or_tested_or_always_in_train(seed: int) -> None:
    examples = small_set(seed)

    parts = divide(examples, 3, seed=seed, test=0.2)

    rows = [*parts.test, *parts.never_held_out, *(row for part in parts.parts for row in part)]
    assert sorted(rows) == list(range(len(examples)))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_sides_of_a_fold_are_all_rows_and_its_part_is_validation(seed: int) -> None:
    examples = small_set(seed)
    parts = divide(examples, 4, seed=seed, test=0.2)

    for number in range(1, 5):
        train, validation, test = parts.sides(number)

        assert (validation, test) == (parts.parts[number - 1], parts.test)
        assert sorted([*train, *validation, *test]) == list(range(len(examples)))
        assert list(train) == sorted(train)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_text_and_no_group_is_in_two_parts(seed: int) -> None:
    examples = small_set(seed)

    parts = divide(examples, 3, seed=seed, test=0.1)

    home = {row: place for place, part in enumerate([*parts.parts, parts.test, parts.never_held_out]) for row in part}
    assert all(len({home[row] for row in unit.rows}) == 1 for unit in find_units(examples))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_class_is_in_train_in_every_fold(seed: int) -> None:
    examples = small_set(seed)

    parts = divide(examples, 2, seed=seed)

    classes = {one.label for one in examples}
    assert all({examples[row].label for row in parts.sides(number)[0]} == classes for number in (1, 2))


@pytest.mark.parametrize("seed", SEEDS)
def test_only_units_that_are_the_last_of_a_class_are_never_held_out(seed: int) -> None:
    examples = small_set(seed)
    counts = count_units(find_units(examples))

    parts = divide(examples, 3, seed=seed)

    lone = {
        row for unit in find_units(examples) if any(counts[name] == 1 for name in unit.classes) for row in unit.rows
    }
    assert set(parts.never_held_out) == lone


@pytest.mark.parametrize("seed", SEEDS)
def test_the_test_rows_are_those_of_a_split_by_shares(seed: int) -> None:
    examples = small_set(seed)

    _, _, test = split_rows(examples, validation=0.2, test=0.2, seed=seed)

    assert divide(examples, 3, seed=seed, test=0.2).test == test
    assert divide(examples, 5, seed=seed, test=0.2).test == test


@pytest.mark.parametrize("seed", range(12))
def test_distinct_rows_make_parts_of_equal_size_with_classes_in_proportion(seed: int) -> None:
    examples = distinct_rows(a=53, b=26, c=11, d=5)

    parts = divide(examples, 5, seed=seed).parts

    assert [len(part) for part in parts] == [19] * 5  # 95 / 5
    for label, total in {"a": 53, "b": 26, "c": 11, "d": 5}.items():
        counts = [sum(examples[row].label == label for row in part) for part in parts]
        assert min(counts) >= 1
        assert max(abs(count - total / 5) for count in counts) <= 1.5


@pytest.mark.parametrize("seed", range(12))
def test_parts_with_groups_are_equal_within_a_unit(seed: int) -> None:
    examples = [example(f"{number}", "a", f"group {number % 23}") for number in range(200)]  # units of 8 and 9

    parts = divide(examples, 5, seed=seed).parts

    assert all(abs(len(part) - 200 / 5) <= 9 for part in parts)


@pytest.mark.parametrize("seed", range(12))
def test_a_class_with_as_many_rows_as_parts_is_in_every_part(seed: int) -> None:
    examples = distinct_rows(a=60, b=5, c=5)

    parts = divide(examples, 5, seed=seed).parts

    assert all({examples[row].label for row in part} == {"a", "b", "c"} for part in parts)


def test_rows_of_several_labels_are_divided_too() -> None:
    names = [("x",), ("x", "y"), ("y", "z"), ("z",)]
    examples = [Example(**{**vars(one), "strata": names[place % 4]}) for place, one in enumerate(distinct_rows(a=40))]

    parts = divide(examples, 4).parts

    assert [len(part) for part in parts] == [10] * 4
    assert all({name for row in part for name in examples[row].strata} == {"x", "y", "z"} for part in parts)


def test_the_parts_are_the_same_on_every_platform_and_release() -> None:
    parts = divide(distinct_rows(a=6, b=3), 3)

    assert parts.parts == ((1, 5, 7), (0, 2, 8), (3, 4, 6))


def test_another_seed_gives_other_parts() -> None:
    examples = distinct_rows(a=30, b=20)

    assert divide(examples, 5, seed=1) == divide(examples, 5, seed=1) != divide(examples, 5, seed=2)


def test_groups_that_would_hold_out_a_whole_class_leave_one_unit_in_train() -> None:
    """Three groups, each pair of them shares a class: in two parts, one part would hold both groups of some class."""
    pairs = [("c", "e"), ("c", "d"), ("d", "e")]
    examples = [
        example(f"{label} of {number}", label, f"g{number}") for number, labels in enumerate(pairs) for label in labels
    ]

    parts = divide(examples, 2)

    assert [len(part) for part in parts.parts] == [2, 2]
    assert len(parts.never_held_out) == 2
    assert all({examples[row].label for row in parts.sides(number)[0]} == set("cde") for number in (1, 2))


def test_more_parts_than_units_are_an_error() -> None:
    examples = [*distinct_rows(a=2, b=1), example("A 0", "a")]

    with pytest.raises(DataError, match=r"fold:1/3: 4 rows cannot be divided into 3 parts: they are 3 units") as caught:
        divide(examples, 3)
    assert "1 of them the only one of a class" in str(caught.value)
    assert caught.value.hint == "ask for fewer folds, add rows, or choose a finer data.group"
