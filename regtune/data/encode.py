"""Rows to model inputs: token ids once, up front; padding per batch, only to the longest row of that batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset
from transformers import DataCollatorWithPadding, PreTrainedTokenizerBase

# Feature dicts to one batch: each input (batch, longest row of the batch, …), and "labels" where the rows have them.
Collator = Callable[[Sequence[dict[str, Any]]], dict[str, Tensor]]


@dataclass(frozen=True)
class EncodedRows(Dataset[dict[str, Any]]):
    """Rows ready for a collator.

    features[i]: what the model reads of row i, plus "labels" where the row has a target. gold[i]: the target as the
    metrics compare it with an answer; empty for unlabelled rows. lengths[i]: tokens, special ones included; 1 for an
    image. is_truncated[i]: the row was longer than max_length and its end is cut off.
    """

    features: list[dict[str, Any]]
    gold: list[Any]
    lengths: list[int]
    is_truncated: list[bool]

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.features[index]

    def take(self, indices: Sequence[int]) -> EncodedRows:
        """The rows with these indices, in this order."""
        return EncodedRows(
            [self.features[i] for i in indices],
            [self.gold[i] for i in indices],
            [self.lengths[i] for i in indices],
            [self.is_truncated[i] for i in indices],
        )

    @property
    def truncated(self) -> int:
        """How many rows were cut off."""
        return sum(self.is_truncated)


def encode_texts(
    inputs: Sequence[tuple[str, ...]], *, tokenizer: PreTrainedTokenizerBase, max_length: int
) -> EncodedRows:
    """Tokenise rows of one text or of a pair, without targets. Of a pair the longer text is cut first."""
    parts = [list(texts) for texts in zip(*inputs, strict=True)]  # one list for each text of a row
    encoded = tokenizer(*parts, truncation=True, max_length=max_length)
    names = [name for name in tokenizer.model_input_names if name in encoded]
    features = [{name: encoded[name][i] for name in names} for i in range(len(inputs))]
    return EncodedRows(
        features,
        gold=[],
        lengths=[len(feature["input_ids"]) for feature in features],
        is_truncated=[bool(encoding.overflowing) for encoding in encoded.encodings or []],
    )


def with_labels(rows: EncodedRows, labels: Sequence[Any], *, gold: Sequence[Any] | None = None) -> EncodedRows:
    """The rows with their targets. labels: what the loss reads, per row. gold: what metrics read; None: the same."""
    features = [{**feature, "labels": label} for feature, label in zip(rows.features, labels, strict=True)]
    return EncodedRows(features, list(labels if gold is None else gold), rows.lengths, rows.is_truncated)


def pad_texts(tokenizer: PreTrainedTokenizerBase) -> Collator:
    """For rows of one text or a pair with one label, or one list of as many labels, each."""
    pad = DataCollatorWithPadding(tokenizer)
    return lambda features: dict(pad(list(features)))


def pad_tokens(tokenizer: PreTrainedTokenizerBase, fillers: Mapping[str, int]) -> Collator:
    """For rows with lists as long as their tokens. fillers: by name, what such a list is padded with, e.g. labels −100.

    Values that are no lists become a tensor as they are. Padding is on the right, whatever the tokenizer prefers.
    """

    def collate(features: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        known = [{k: v for k, v in row.items() if k in tokenizer.model_input_names} for row in features]
        batch = dict(tokenizer.pad(known, padding_side="right", return_tensors="pt"))
        for name in features[0].keys() - batch.keys():
            values = [row[name] for row in features]
            if name in fillers:
                longest = max(len(value) for value in values)
                values = [[*value, *[fillers[name]] * (longest - len(value))] for value in values]
            batch[name] = torch.tensor(values)
        return batch

    return collate
