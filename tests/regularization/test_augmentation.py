import re

import pytest
from PIL import Image

from regtune.errors import ConfigError
from regtune.regularization import augmentation
from regtune.regularization.augmentation import ON_TEXTS, OPERATIONS, Augmentation, operations
from regtune.tasks import TASKS

TEXTS = ("where is the parcel i ordered last week", "it has not come yet and i am waiting")
WORDS = ["Anna", "flew", "to", "Rome", "on", "Monday"]
TAGS = ["B-PER", "O", "O", "B-LOC", "O", "O"]


def on_texts(strength: float, *, seed: int = 0) -> Augmentation:
    return Augmentation(dict.fromkeys(ON_TEXTS, strength), seed=seed, mask_token="[MASK]")


def test_the_card_has_its_headings_and_says_for_whom_it_helps() -> None:
    card = " ".join((augmentation.__doc__ or "").split())

    assert all(f" {heading} " in card for heading in ("What it does", "Formula", "Settings and defaults"))
    assert "Interactions" in card
    assert "https://" in card.partition("Source")[2]
    assert "fail to consistently improve" in card


def test_the_same_key_gives_the_same_texts() -> None:
    first, second = (on_texts(0.3).augment_texts(TEXTS, epoch=4, row=7) for _ in range(2))

    assert first == second != list(TEXTS)


def test_a_key_gives_the_same_text_in_every_process() -> None:
    """Pinned: no hash seed, clock or earlier draw takes part, and a run can be repeated with a later release."""
    technique = Augmentation({"mask": 0.5}, seed=1, mask_token="_")

    assert technique.augment_texts(["a b c d e f g h"], epoch=2, row=3) == ["_ b c d _ _ g h"]


@pytest.mark.parametrize("other", [{"epoch": 5, "row": 7}, {"epoch": 4, "row": 8}])
def test_another_epoch_or_row_gives_other_texts(other: dict[str, int]) -> None:
    technique = on_texts(0.3)

    assert technique.augment_texts(TEXTS, **other) != technique.augment_texts(TEXTS, epoch=4, row=7)


def test_another_seed_gives_other_texts() -> None:
    results = [on_texts(0.3, seed=seed).augment_texts(TEXTS, epoch=0, row=0) for seed in (0, 1)]

    assert results[0] != results[1]


def test_the_parts_of_a_pair_are_changed_each_on_its_own() -> None:
    """The same text twice comes out as two different ones."""
    first, second = on_texts(0.3).augment_texts((TEXTS[0], TEXTS[0]), epoch=0, row=0)

    assert first != second


def test_each_operation_that_is_on_gets_its_turn() -> None:
    technique = on_texts(0.4)
    results = [technique.augment_texts(TEXTS[:1], epoch=epoch, row=0)[0].split() for epoch in range(60)]

    words = TEXTS[0].split()
    assert any("[MASK]" in result for result in results)
    assert any(len(result) == len(words) and sorted(result) == sorted(words) != result for result in results)  # swap
    assert any(len(result) < len(words) for result in results)  # delete or crop


def test_without_operations_everything_is_the_same_object() -> None:
    technique = Augmentation({}, seed=0)
    image = Image.new("RGB", (4, 4), "red")

    assert technique.augment_texts(TEXTS, epoch=1, row=2) is TEXTS
    assert technique.augment_tagged(WORDS, TAGS, epoch=1, row=2)[0] is WORDS
    assert technique.augment_tagged(WORDS, TAGS, epoch=1, row=2)[1] is TAGS
    assert technique.augment_image(image, epoch=1, row=2) is image


def test_tags_stay_aligned() -> None:
    technique = Augmentation({"delete": 0.5, "mask": 0.5}, seed=0, mask_token="[MASK]")
    tag_of = dict(zip(WORDS, TAGS, strict=True))

    for epoch in range(40):
        words, tags = technique.augment_tagged(WORDS, TAGS, epoch=epoch, row=0)
        assert all(tag == tag_of[w] for w, tag in zip(words, tags, strict=True) if w != "[MASK]")


def test_an_image_is_keyed_like_a_text() -> None:
    image = Image.radial_gradient("L").resize((16, 16))
    technique = Augmentation({"shift": 0.2, "crop": 0.2, "rotate": 0.2}, seed=0)

    first, again, later = (technique.augment_image(image, epoch=epoch, row=5).tobytes() for epoch in (0, 0, 1))

    assert first == again != later


@pytest.mark.parametrize(("text", "reached"), [("two words", True), ("我们", True), ("one", False), ("", False)])
def test_reaches_texts_of_two_words(text: str, reached: bool) -> None:
    assert on_texts(0.1).reaches_text(text) is reached


@pytest.mark.parametrize(
    ("strengths", "tags", "reached"),
    [
        ({"delete": 0.1}, ["B-PER", "O"], True),
        ({"delete": 0.1}, ["NOUN", "VERB"], False),
        ({"delete": 0.1, "mask": 0.1}, ["NOUN", "VERB"], True),
        ({"mask": 0.1}, ["O"], False),
        ({}, ["O", "O"], False),
    ],
)
def test_reaches_tagged_rows_that_some_operation_can_change(
    strengths: dict[str, float], tags: list[str], reached: bool
) -> None:
    assert Augmentation(strengths, seed=0, mask_token="[MASK]").reaches_tagged(tags) is reached


# ---- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "names"),
    [
        ("text-classification", ["delete", "swap", "crop", "mask"]),
        ("token-classification", ["delete", "mask"]),
        ("seq2seq", ["delete", "swap", "mask"]),
        ("image-classification", ["shift", "crop", "rotate"]),
    ],
)
def test_one_number_is_the_strength_of_all_that_suits_the_task_but_flip(task: str, names: list[str]) -> None:
    strengths, notes = operations(0.1, task=task, mask_token="[MASK]")

    assert list(strengths.items()) == [(name, 0.1) for name in names]
    assert notes == ()


def test_every_task_says_what_suits_it() -> None:
    assert set(TASKS) <= set(OPERATIONS)


@pytest.mark.parametrize("task", OPERATIONS)
@pytest.mark.parametrize("settings", [0.0, 0, {}, {"delete": 0.0, "rotate": 0.0}])
def test_zero_is_off_for_every_task(task: str, settings: float | dict[str, float]) -> None:
    assert operations(settings, task=task, mask_token=None) == ({}, ())


def test_without_a_mask_token_one_number_leaves_mask_out_and_says_so() -> None:
    strengths, notes = operations(0.1, task="text-classification", mask_token=None)

    assert list(strengths) == ["delete", "swap", "crop"]
    assert notes == ("augmentation leaves mask out: the tokenizer has no mask token",)


def test_images_need_no_mask_token() -> None:
    assert operations(0.1, task="image-classification", mask_token=None)[1] == ()


def test_the_order_of_the_file_does_not_matter() -> None:
    settings = {"mask": 0.2, "delete": 0.1, "swap": 0.0}

    strengths, _ = operations(settings, task="text-classification", mask_token="[MASK]")

    assert list(strengths.items()) == [("delete", 0.1), ("mask", 0.2)]


def test_a_flip_can_be_asked_for() -> None:
    assert operations({"flip": 0.5}, task="image-classification", mask_token=None)[0] == {"flip": 0.5}


@pytest.mark.parametrize(
    ("settings", "task", "text"),
    [
        (0.1, "causal-lm", "regularization.augmentation: no operation suits causal-lm, got 0.1, allowed is 0"),
        (
            {"delete": 0.1},
            "causal-lm",
            "augmentation.delete: does not suit causal-lm, got 0.1; none can act on causal-lm",
        ),
        ({"swap": 0.2}, "token-classification", "swap: does not suit token-classification, got 0.2; delete can act"),
        ({"flip": 0.5}, "regression", "flip: does not suit regression, got 0.5; delete, swap and crop can act"),
        ({"mask": 0.1}, "seq2seq", "mask: the tokenizer has no mask token, got 0.1; delete and swap can act"),
    ],
)
def test_what_cannot_act_is_refused(settings: float | dict[str, float], task: str, text: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(text)):
        operations(settings, task=task, mask_token=None)


def test_all_that_cannot_act_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        operations({"flip": 0.5, "delete": 0.1, "rotate": 0.1}, task="regression", mask_token=None)

    assert [problem.split(":")[0].rpartition(".")[2] for problem in caught.value.problems] == ["flip", "rotate"]
