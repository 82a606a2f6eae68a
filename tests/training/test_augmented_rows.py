from pathlib import Path
from typing import Any

import pytest
from accelerate import skip_first_batches
from accelerate.data_loader import DataLoaderShard
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from regtune.data.batches import LengthGroupedBatches
from regtune.regularization.augmentation import ON_TEXTS, Augmentation
from regtune.training.augmented_rows import AugmentedRows

TEXTS = [f"apple pear plum cherry melon grape {i}" for i in range(13)]


def make_batches() -> LengthGroupedBatches:
    return LengthGroupedBatches([7] * len(TEXTS), batch_size=3, seed=0)


def make_rows(batches: LengthGroupedBatches, *, strength: float = 0.4) -> AugmentedRows[str]:
    technique = Augmentation(dict.fromkeys(ON_TEXTS, strength), seed=0, mask_token="[MASK]")

    def augment(original: str, *, epoch: int, row: int) -> str:
        return technique.augment_texts([original], epoch=epoch, row=row)[0]

    return AugmentedRows(TEXTS, augment=augment, encode=lambda text: {"text": text}, batches=batches)


def test_a_row_is_the_same_whenever_it_is_read_within_an_epoch() -> None:
    rows = make_rows(make_batches())

    forwards, backwards = [rows[i] for i in range(13)], [rows[i] for i in reversed(range(13))]

    assert forwards == backwards[::-1]


def test_the_rows_follow_the_epoch_of_the_batches() -> None:
    batches = make_batches()
    rows = make_rows(batches)
    before = [rows[i] for i in range(len(rows))]

    batches.set_epoch(1)

    assert [rows[i] for i in range(len(rows))] != before


def test_the_originals_stay_as_they_were() -> None:
    before = list(TEXTS)
    rows = make_rows(make_batches())

    changed = [rows[i]["text"] for i in range(len(rows))]

    assert before == TEXTS != changed


def test_a_resumed_epoch_goes_on_with_the_same_batches() -> None:
    """Through accelerate's loaders, as in the Trainer: they set epochs of their own where they find a `set_epoch`."""

    def read(loader: DataLoaderShard, batches: LengthGroupedBatches, epoch: int) -> list[Any]:
        batches.set_epoch(epoch)  # the conductor, when an epoch begins
        return list(loader)

    def make_loader(batches: LengthGroupedBatches) -> DataLoaderShard:
        return DataLoaderShard(make_rows(batches), batch_sampler=batches, collate_fn=list)

    batches = make_batches()
    loader = make_loader(batches)
    uninterrupted = [read(loader, batches, epoch) for epoch in (0, 1)]
    resumed_batches = make_batches()
    resumed = read(skip_first_batches(make_loader(resumed_batches), 2), resumed_batches, 1)

    assert resumed == uninterrupted[1][2:] != uninterrupted[0][2:]


@pytest.fixture
def tokenizer(saved_tiny_model: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(saved_tiny_model)


@pytest.mark.parametrize("is_split", [True, False])
def test_a_masked_word_is_one_mask_token(tokenizer: PreTrainedTokenizerBase, is_split: bool) -> None:
    words = ["apple", tokenizer.mask_token, "plum"]

    ids = tokenizer(words if is_split else " ".join(words), is_split_into_words=is_split)["input_ids"]

    assert ids[2] == tokenizer.mask_token_id
    assert len(ids) == 5  # and the two special tokens around
