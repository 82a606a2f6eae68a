"""Training rows that are changed anew in every epoch, and tokenised when a batch asks for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from torch.utils.data import Dataset

from regtune.data.batches import LengthGroupedBatches

Row = TypeVar("Row")


class Augment(Protocol[Row]):
    """A row as the epoch sees it. epoch counts from 0, row is its place among the training rows."""

    def __call__(self, original: Row, *, epoch: int, row: int) -> Row: ...


class AugmentedRows(Dataset[dict[str, Any]], Generic[Row]):
    """Row i is `encode(augment(originals[i]))`, a pure function of (seed, epoch, i): resume and workers alter nothing.

    The epoch is that of `batches`, which draws the order from it. There is no `set_epoch` here on purpose: accelerate's
    loader calls one on any data set that has it, with a count of its own that is 0 again in a resumed run.
    """

    def __init__(
        self,
        originals: Sequence[Row],
        *,
        augment: Augment[Row],
        encode: Callable[[Row], dict[str, Any]],
        batches: LengthGroupedBatches,
    ) -> None:
        self.originals, self.augment, self.encode, self.batches = originals, augment, encode, batches

    def __len__(self) -> int:
        return len(self.originals)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.encode(self.augment(self.originals[index], epoch=self.batches.epoch, row=index))
