"""A process's share of every training batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

from regtune.data.batches import LengthGroupedBatches
from regtune.data.encode import Collator
from regtune.training.launch import Place


class ShareOfBatches:
    """A batch sampler for DataLoader: as many batches as `whole` has, of each the rows of one process.

    Rows r, r + n, … of a batch sorted by length, so that all processes have about equally long ones. A batch with fewer
    rows than there are processes leaves some of them an empty one.
    """

    def __init__(self, whole: LengthGroupedBatches, place: Place) -> None:
        self.whole, self.place = whole, place

    def __iter__(self) -> Iterator[list[int]]:
        return (batch[self.place.rank :: self.place.count] for batch in self.whole)

    def __len__(self) -> int:
        return len(self.whole)


class ShareCollator:
    """A collator that also makes a batch of no rows: every tensor of its usual kind, with length 0. spare: any row."""

    def __init__(self, collate: Collator, *, spare: Mapping[str, Any]) -> None:
        self.collate, self.spare = collate, spare

    def __call__(self, features: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        if features:
            return self.collate(features)
        return {name: tensor[:0] for name, tensor in self.collate([dict(self.spare)]).items()}
