"""Which rows form a batch: shuffled, but rows of like length together, so that little is padding.

The order is a pure function of (seed, epoch). A resumed run therefore sees exactly the batches it would have seen, and
an evaluation or a report cannot shift them (no global random state is read).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

# Rows are sorted by length inside blocks of this many batches: larger blocks pad less, smaller ones mix better.
# 50, and never fewer than four blocks an epoch, is what transformers' length-grouped sampler settled on.
BATCHES_PER_BLOCK = 50
BLOCKS_PER_EPOCH = 4


def batches_of_epoch(lengths: Sequence[int], *, batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    """Row indices of every batch of one epoch, each row exactly once; only one batch may be smaller.

    lengths: tokens per row. The smaller batch, if any, is the last one, so that accumulation groups are equal.
    """
    generator = random.Random(f"batches {seed} {epoch}")
    order = list(range(len(lengths)))
    generator.shuffle(order)
    remainder = len(order) % batch_size
    order, leftover = order[: len(order) - remainder], order[len(order) - remainder :]
    block = batch_size * max(1, min(len(order) // (batch_size * BLOCKS_PER_EPOCH), BATCHES_PER_BLOCK))
    batches = []
    for start in range(0, len(order), block):
        by_length = sorted(order[start : start + block], key=lambda row: lengths[row])  # stable: ties stay shuffled
        batches += [by_length[i : i + batch_size] for i in range(0, len(by_length), batch_size)]
    generator.shuffle(batches)
    return [*batches, leftover] if leftover else batches


class LengthGroupedBatches:
    """A batch sampler for DataLoader; call `set_epoch` before each epoch."""

    def __init__(self, lengths: Sequence[int], *, batch_size: int, seed: int) -> None:
        self.lengths, self.batch_size, self.seed = lengths, batch_size, seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        return iter(batches_of_epoch(self.lengths, batch_size=self.batch_size, seed=self.seed, epoch=self.epoch))

    def __len__(self) -> int:
        return -(-len(self.lengths) // self.batch_size)  # rounded up
