"""Texts to model inputs: token ids once, up front; padding per batch, only to the longest row of that batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.utils.data import Dataset
from transformers import DataCollatorWithPadding, PreTrainedTokenizerBase

from regtune.data.example import Example


@dataclass(frozen=True)
class EncodedRows(Dataset[dict[str, Any]]):
    """Tokenised rows. features[i]: the tokenizer's lists for row i, plus "labels" where the row has one."""

    features: list[dict[str, Any]]
    is_truncated: list[bool]  # per row: longer than max_length, the rest cut off

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.features[index]

    @property
    def lengths(self) -> list[int]:
        """Tokens per row, special tokens included."""
        return [len(feature["input_ids"]) for feature in self.features]

    def take(self, indices: Sequence[int]) -> EncodedRows:
        return EncodedRows([self.features[i] for i in indices], [self.is_truncated[i] for i in indices])

    @property
    def truncated(self) -> int:
        """How many rows were cut off."""
        return sum(self.is_truncated)


def encode(
    texts: Sequence[str],
    labels: Sequence[int] | None,
    *,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
) -> EncodedRows:
    """Tokenise. labels: class ids, one per text, or None when the rows are only to be predicted."""
    encoded = tokenizer(list(texts), truncation=True, max_length=max_length)
    names = [name for name in tokenizer.model_input_names if name in encoded]
    features = [{name: encoded[name][i] for name in names} for i in range(len(texts))]
    if labels is not None:
        for feature, label in zip(features, labels, strict=True):
            feature["labels"] = label
    return EncodedRows(features, [bool(encoding.overflowing) for encoding in encoded.encodings or []])


def encode_examples(
    examples: Sequence[Example], label_names: Sequence[str], *, tokenizer: PreTrainedTokenizerBase, max_length: int
) -> EncodedRows:
    """Tokenise labelled rows; a label's id is its place in label_names."""
    ids = {name: i for i, name in enumerate(label_names)}
    texts, labels = [example.text for example in examples], [ids[example.label] for example in examples]
    return encode(texts, labels, tokenizer=tokenizer, max_length=max_length)


class Collator:
    """Feature dicts to one padded batch: each input (batch, longest row of the batch), "labels" (batch,)."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._pad = DataCollatorWithPadding(tokenizer)

    def __call__(self, features: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        return dict(self._pad(list(features)))
