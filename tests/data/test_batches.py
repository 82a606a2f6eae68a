"""The row order: every row once, a function of (seed, epoch) alone, little padding."""

import random

import pytest

from regtune.data.batches import LengthGroupedBatches, batches_of_epoch

LENGTHS = random.Random(1).choices(range(3, 60), k=397)  # tokens per row


@pytest.mark.parametrize("batch_size", [1, 2, 7, 16, 396, 397, 500])
def test_every_row_comes_exactly_once(batch_size: int) -> None:
    batches = batches_of_epoch(LENGTHS, batch_size=batch_size, seed=0, epoch=0)

    assert sorted(row for batch in batches for row in batch) == list(range(397))


def test_only_the_last_batch_is_smaller() -> None:
    sizes = [len(batch) for batch in batches_of_epoch(LENGTHS, batch_size=16, seed=0, epoch=0)]

    assert sizes == [16] * 24 + [13]


def test_same_seed_and_epoch_give_the_same_order() -> None:
    first = batches_of_epoch(LENGTHS, batch_size=16, seed=3, epoch=5)
    random.seed(99)  # global random state must not matter

    assert batches_of_epoch(LENGTHS, batch_size=16, seed=3, epoch=5) == first


@pytest.mark.parametrize("other", [{"seed": 4, "epoch": 5}, {"seed": 3, "epoch": 6}])
def test_another_seed_or_epoch_gives_another_order(other: dict[str, int]) -> None:
    assert batches_of_epoch(LENGTHS, batch_size=16, **other) != batches_of_epoch(
        LENGTHS, batch_size=16, seed=3, epoch=5
    )


def test_grouping_by_length_pads_less_than_half_of_what_plain_shuffling_pads() -> None:
    def padding(batches: list[list[int]]) -> int:
        return sum(max(LENGTHS[r] for r in batch) * len(batch) - sum(LENGTHS[r] for r in batch) for batch in batches)

    order = random.Random(0).sample(range(397), 397)
    shuffled = [order[i : i + 16] for i in range(0, 397, 16)]

    assert padding(batches_of_epoch(LENGTHS, batch_size=16, seed=0, epoch=0)) < padding(shuffled) / 2


def test_sampler_length_is_the_number_of_batches_it_yields() -> None:
    sampler = LengthGroupedBatches(LENGTHS, batch_size=16, seed=0)
    sampler.set_epoch(2)

    assert len(sampler) == len(list(sampler)) == 25
