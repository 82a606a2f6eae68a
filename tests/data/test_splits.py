"""Properties of every split, over seeds and shapes of data."""

import random
from collections import Counter

import pytest

from regtune.data.example import Example, fold_text
from regtune.data.splits import split_rows, stratified_sample
from regtune.data.units import find_units
from regtune.errors import ConfigError, DataError
from tests.data.made_rows import distinct_rows, example

SEEDS = range(12)


def grouped_rows(seed: int) -> list[Example]:
    """200 rows in 5 uneven classes, 40 groups that mix classes, and one text in four repeated."""
    generator = random.Random(seed)
    labels = generator.choices("abcde", weights=[10, 6, 3, 2, 1], k=200)
    return [
        example(f"Text {generator.randrange(400)}", label, generator.choice([None, f"group {generator.randrange(40)}"]))
        for label in labels
    ]


def labels_of(examples: list[Example], rows: tuple[int, ...]) -> Counter[str]:
    return Counter(examples[row].label for row in rows)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_row_is_on_exactly_one_side(seed: int) -> None:
    examples = grouped_rows(seed)

    sides = split_rows(examples, validation=0.2, test=0.15, seed=seed)

    assert sorted(row for side in sides for row in side) == list(range(200))
    assert all(list(side) == sorted(side) for side in sides)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_text_and_no_group_is_on_two_sides(seed: int) -> None:
    examples = grouped_rows(seed)

    sides = split_rows(examples, validation=0.2, test=0.15, seed=seed)

    for key in (lambda one: fold_text(one.text), lambda one: one.group):
        values = [{key(examples[row]) for row in side} - {None} for side in sides]
        assert sum(map(len, values)) == len(set().union(*values))


def test_same_seed_gives_the_same_split_and_another_seed_another() -> None:
    examples = distinct_rows(a=30, b=20)

    splits = [split_rows(examples, validation=0.2, test=0.2, seed=seed) for seed in (1, 1, 2)]

    assert splits[0] == splits[1] != splits[2]


def test_split_is_the_same_on_every_platform_and_release() -> None:
    _, validation, test = split_rows(distinct_rows(a=10, b=5), validation=0.2, test=0.2, seed=0)

    assert (validation, test) == ((0, 6, 14), (1, 9, 10))


@pytest.mark.parametrize("seed", SEEDS)
def test_sizes_and_class_shares_are_exact_within_one_row(seed: int) -> None:
    examples = distinct_rows(a=101, b=53, c=17, d=9)

    train, validation, test = split_rows(examples, validation=0.2, test=0.1, seed=seed)

    assert (len(train), len(validation), len(test)) == (126, 36, 18)  # 180 · (0.7, 0.2, 0.1)
    for label, total in Counter(one.label for one in examples).items():
        assert abs(labels_of(examples, validation)[label] - 0.2 * total) < 1.01
        assert abs(labels_of(examples, test)[label] - 0.1 * total) < 1.01


@pytest.mark.parametrize("seed", SEEDS)
def test_size_with_repeated_texts_is_within_one_unit(seed: int) -> None:
    generator = random.Random(seed)
    examples = [example(f"{generator.randrange(60)}", "a") for _ in range(150)] + distinct_rows(b=1)
    largest = max(len(unit.rows) for unit in find_units(examples))

    _, validation, _ = split_rows(examples, validation=0.2, test=0.0, seed=seed)

    assert abs(len(validation) - 0.2 * 151) <= largest


@pytest.mark.parametrize("seed", SEEDS)
def test_class_with_one_unit_stays_in_train(seed: int) -> None:
    examples = [*distinct_rows(a=20, b=20), example("Rare", "c"), example("rare ", "c")]

    train, _, _ = split_rows(examples, validation=0.3, test=0.3, seed=seed)

    assert labels_of(examples, train)["c"] == 2


@pytest.mark.parametrize("seed", SEEDS)
def test_class_with_two_units_keeps_one_in_train(seed: int) -> None:
    examples = distinct_rows(a=2, b=2, c=20)

    train, _, _ = split_rows(examples, validation=0.3, test=0.3, seed=seed)

    assert set(labels_of(examples, train)) == {"a", "b", "c"}


@pytest.mark.parametrize("seed", SEEDS)
def test_class_with_three_units_is_on_every_side(seed: int) -> None:
    examples = distinct_rows(a=3, b=3, c=4, d=60)

    sides = split_rows(examples, validation=0.1, test=0.1, seed=seed)

    assert all(set(labels_of(examples, side)) == set("abcd") for side in sides)
    assert [len(side) for side in sides] == [56, 7, 7]


def test_rare_classes_enlarge_a_side_rather_than_miss_it() -> None:
    examples = distinct_rows(**{f"c{number}": 3 for number in range(20)})

    _, validation, test = split_rows(examples, validation=0.1, test=0.1, seed=0)

    assert (len(validation), len(test)) == (20, 20)  # 6 rows would be the share


def test_share_of_zero_leaves_the_side_empty() -> None:
    train, validation, test = split_rows(distinct_rows(a=6, b=4), validation=0.0, test=0.0, seed=0)

    assert (len(train), validation, test) == (10, (), ())


@pytest.mark.parametrize("examples", [distinct_rows(a=1, b=1), [example("Same", "a"), example("same", "b")] * 5])
def test_rows_that_cannot_be_held_out_are_an_error(examples: list[Example]) -> None:
    with pytest.raises(DataError, match=rf"data\.validation: .* share of 0\.2: {len(examples)} rows are") as caught:
        split_rows(examples, validation=0.2, test=0.0, seed=0)
    assert "give data.validation as a file" in str(caught.value.hint)


def test_shares_that_leave_no_training_rows_are_an_error() -> None:
    with pytest.raises(ConfigError, match=r"must be below 1, got 0\.6 \+ 0\.5"):
        split_rows(distinct_rows(a=9, b=9), validation=0.6, test=0.5, seed=0)


def test_units_are_chains_of_equal_texts_and_groups() -> None:
    examples = [
        example("one", "a", "g"),
        example("two", "a", "h"),
        example("TWO ", "b", "g"),  # joins the two before it
        example("three", "b", "i"),
    ]

    assert [unit.rows for unit in find_units(examples)] == [(0, 1, 2), (3,)]


@pytest.mark.parametrize("text", ["Hello  World", " hello world", "HELLO\tWORLD\n"])
def test_folding_ignores_case_and_white_space(text: str) -> None:
    assert fold_text(text) == "hello world"


@pytest.mark.parametrize("seed", SEEDS)
def test_sample_has_its_size_and_the_classes_in_proportion(seed: int) -> None:
    examples = distinct_rows(a=60, b=30, c=10)

    rows = stratified_sample(examples, 20, seed=seed)

    assert labels_of(examples, rows) == {"a": 12, "b": 6, "c": 2}
    assert list(rows) == sorted(set(rows))


def test_sample_larger_than_the_rows_is_all_of_them() -> None:
    assert stratified_sample(distinct_rows(a=2, b=1), 9, seed=0) == (0, 1, 2)


def test_sample_is_fixed_by_its_seed() -> None:
    examples = distinct_rows(a=50, b=50)

    samples = [stratified_sample(examples, 10, seed=seed) for seed in (3, 3, 4)]

    assert samples[0] == samples[1] != samples[2]
