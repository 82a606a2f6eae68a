import random
from collections.abc import Callable
from statistics import fmean

import pytest

from regtune.data.augment_text import (
    augment_tagged,
    augment_text,
    crop,
    delete,
    find_words,
    is_deletable,
    mask,
    round_at_random,
    swap,
)

TEXT = "where is the parcel i ordered last week"
OPERATIONS = ("delete", "swap", "crop", "mask")
TOUCHED: dict[str, Callable[[int, float, random.Random], int]] = {
    "delete": lambda count, share, generator: count - len(delete(count, share, generator)),
    "swap": lambda count, share, generator: sum(i != j for i, j in enumerate(swap(count, share, generator))),
    "crop": lambda count, share, generator: count - len(crop(count, share, generator)),
    "mask": lambda count, share, generator: len(mask(count, share, generator)),
}


class Scripted(random.Random):
    """A generator whose uniform numbers are given."""

    def __init__(self, *numbers: float) -> None:
        super().__init__(0)
        self.numbers = iter(numbers)

    def random(self) -> float:
        return next(self.numbers)


def change(text: str, operation: str, share: float, *, seed: int = 0) -> str:
    return augment_text(text, operation, share, random.Random(seed), mask_token="[MASK]")


def test_delete_takes_the_words_whose_draw_is_below_the_share() -> None:
    # 0.05 < 0.1 goes; 0.5, 0.1 and 0.9 are not below 0.1 and stay.
    assert delete(4, 0.1, Scripted(0.05, 0.5, 0.1, 0.9)) == [1, 2, 3]


def test_mask_hides_the_words_whose_draw_is_below_the_share() -> None:
    assert mask(4, 0.1, Scripted(0.05, 0.5, 0.1, 0.09)) == {0, 3}


@pytest.mark.parametrize("seed", range(20))
def test_swap_moves_two_words_for_each_pair(seed: int) -> None:
    sources = swap(10, 0.4, random.Random(seed))

    # 0.4 · 10 / 2 = 2 pairs, so 4 words stand elsewhere, and each is where the other of its pair was.
    moved = [place for place, source in enumerate(sources) if place != source]
    assert len(moved) == 4
    assert all(sources[sources[place]] == place for place in moved)


@pytest.mark.parametrize("seed", range(20))
def test_crop_leaves_a_run_of_words(seed: int) -> None:
    places = crop(10, 0.2, random.Random(seed))

    # 0.2 · 10 = 2 words are left out at the ends.
    assert places == list(range(places[0], places[0] + 8))


def test_crop_leaves_out_at_either_end() -> None:
    assert {crop(10, 0.2, random.Random(seed))[0] for seed in range(50)} == {0, 1, 2}


@pytest.mark.parametrize(("count", "share"), [(7, 0.1), (3, 0.5), (30, 0.25)])
def test_crop_keeps_at_least_the_share_promised(count: int, share: float) -> None:
    shortest = min(len(crop(count, share, random.Random(seed))) for seed in range(200))

    assert shortest == int((1 - share) * count)  # ⌊0.9 · 7⌋ = 6, ⌊0.5 · 3⌋ = 1, ⌊0.75 · 30⌋ = 22


def test_rounding_is_up_as_often_as_the_fraction_says() -> None:
    generator = random.Random(0)

    drawn = [round_at_random(2.3, generator) for _ in range(4000)]

    assert set(drawn) == {2, 3}
    assert fmean(drawn) == pytest.approx(2.3, abs=0.03)  # 4 standard errors: 4 · √(0.3 · 0.7 / 4000) = 0.029


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(("count", "share"), [(20, 0.1), (7, 0.3)])
def test_each_operation_touches_the_same_expected_share_of_the_words(operation: str, count: int, share: float) -> None:
    generator = random.Random(operation)

    touched = fmean(TOUCHED[operation](count, share, generator) for _ in range(4000)) / count

    assert touched == pytest.approx(share, abs=0.012)  # 4 standard errors: 4 · √(0.3 · 0.7 / 7 / 4000) = 0.011


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("count", [2, 3, 9])
def test_strength_zero_touches_no_word(operation: str, count: int) -> None:
    assert TOUCHED[operation](count, 0.0, random.Random(0)) == 0


@pytest.mark.parametrize("operation", ["delete", "crop", "mask"])
@pytest.mark.parametrize("count", [2, 3, 9])
def test_one_word_always_stays(operation: str, count: int) -> None:
    touched = {TOUCHED[operation](count, 0.99, random.Random(seed)) for seed in range(50)}

    assert max(touched) == count - 1


def test_the_last_word_left_may_be_any() -> None:
    assert {tuple(delete(3, 0.999, random.Random(seed))) for seed in range(50)} == {(0,), (1,), (2,)}


def test_a_strength_near_one_swaps_no_more_words_than_there_are() -> None:
    assert max(TOUCHED["swap"](3, 0.99, random.Random(seed)) for seed in range(50)) == 2


@pytest.mark.parametrize("operation", OPERATIONS)
def test_strength_zero_returns_the_same_object(operation: str) -> None:
    assert change(TEXT, operation, 0.0) is TEXT


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("text", ["", "  \n", "word", " word "])
def test_a_text_without_two_words_is_the_same_object(operation: str, text: str) -> None:
    assert change(text, operation, 0.9) is text


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_changes_a_text(operation: str) -> None:
    assert change(TEXT, operation, 0.5) != TEXT


def test_swapping_equal_words_is_no_change() -> None:
    text = "ha ha"

    assert change(text, "swap", 0.99) is text


def test_delete_and_crop_keep_the_order_and_invent_nothing() -> None:
    for operation in ("delete", "crop"):
        words = change(TEXT, operation, 0.5).split()
        assert sorted(words, key=TEXT.split().index) == words


def test_swap_keeps_the_words() -> None:
    assert sorted(change(TEXT, "swap", 0.5).split()) == sorted(TEXT.split())


def test_mask_puts_the_token_in_the_words_place() -> None:
    masked = augment_text("a b c", "mask", 0.1, Scripted(0.5, 0.05, 0.5), mask_token="<mask>")

    assert masked == "a <mask> c"


def test_white_space_stays_with_what_stands_around_it() -> None:
    deleted = augment_text(" a b\n\nc\td", "delete", 0.1, Scripted(0.5, 0.05, 0.5, 0.5), mask_token=None)
    first_gone = augment_text("a\nb c", "delete", 0.1, Scripted(0.05, 0.5, 0.5), mask_token=None)

    assert deleted == "a\n\nc\td"
    assert first_gone == "b c"


def test_a_swapped_word_takes_the_white_space_of_its_place() -> None:
    assert {change("a\nb c", "swap", 0.6, seed=seed) for seed in range(30)} == {"a\nb c", "b\na c", "c\nb a", "a\nc b"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("don't stop, now", ["don't", "stop,", "now"]),
        ("我用Python写", ["我", "用", "Python", "写"]),
        ("ひらカナ", ["ひ", "ら", "カ", "ナ"]),
        ("한국어 문장", ["한국어", "문장"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert [word.group() for word in find_words(text)] == words


def test_a_spaceless_text_gets_no_spaces() -> None:
    assert augment_text("我要退款", "delete", 0.1, Scripted(0.5, 0.05, 0.5, 0.5), mask_token=None) == "我退款"


# ---- words with tags -------------------------------------------------------------------------------------------------

WORDS = ["Anna", "Smith", "flew", "to", "Rome", "on", "Monday", "morning"]
TAGS = ["B-PER", "I-PER", "O", "O", "B-LOC", "O", "O", "O"]


@pytest.mark.parametrize("operation", ["delete", "mask"])
@pytest.mark.parametrize("seed", range(20))
def test_every_word_keeps_its_tag(operation: str, seed: int) -> None:
    words, tags = augment_tagged(WORDS, TAGS, operation, 0.5, random.Random(seed), mask_token="[MASK]")

    tag_of = dict(zip(WORDS, TAGS, strict=True))
    assert len(words) == len(tags)
    assert all(tag == tag_of[word] for word, tag in zip(words, tags, strict=True) if word != "[MASK]")


@pytest.mark.parametrize("seed", range(20))
def test_delete_never_touches_an_entity(seed: int) -> None:
    words, tags = augment_tagged(WORDS, TAGS, "delete", 0.9, random.Random(seed), mask_token=None)

    entities = [(word, tag) for word, tag in zip(words, tags, strict=True) if tag != "O"]
    assert entities == [("Anna", "B-PER"), ("Smith", "I-PER"), ("Rome", "B-LOC")]


def test_delete_takes_a_word_with_its_tag() -> None:
    draws = Scripted(0.5, 0.5, 0.05, 0.5, 0.5, 0.5, 0.5, 0.05)

    words, tags = augment_tagged(WORDS, TAGS, "delete", 0.1, draws, mask_token=None)

    assert words == ["Anna", "Smith", "to", "Rome", "on", "Monday"]
    assert tags == ["B-PER", "I-PER", "O", "B-LOC", "O", "O"]


def test_masking_leaves_the_tags_as_they_are() -> None:
    words, tags = augment_tagged(WORDS, TAGS, "mask", 0.1, Scripted(0.05, *[0.5] * 7), mask_token="[MASK]")

    assert words == ["[MASK]", *WORDS[1:]]
    assert tags is TAGS


@pytest.mark.parametrize(
    ("tags", "deletable"),
    [
        (["I-PER", "O", "I-PER"], [False, False, False]),  # IOB1: without the O it would be one entity
        (["I-PER", "O", "O", "I-PER"], [False, True, False, False]),
        (["B-PER", "O", "B-PER", "O"], [False, True, False, True]),
        (["O", "S-LOC", "O", "U-LOC"], [True, False, True, False]),
        (["NOUN", "VERB"], [False, False]),
    ],
)
def test_only_words_that_no_entity_needs_can_go(tags: list[str], deletable: list[bool]) -> None:
    assert [is_deletable(tags, place) for place in range(len(tags))] == deletable


def test_one_word_stays_where_all_are_outside() -> None:
    left = {
        len(augment_tagged(list("abc"), ["O"] * 3, "delete", 0.99, random.Random(i), mask_token=None)[0])
        for i in range(20)
    }

    assert left == {1}


@pytest.mark.parametrize("operation", ["delete", "mask"])
def test_tagged_words_at_strength_zero_are_the_same_objects(operation: str) -> None:
    words, tags = augment_tagged(WORDS, TAGS, operation, 0.0, random.Random(0), mask_token="[MASK]")

    assert words is WORDS
    assert tags is TAGS
