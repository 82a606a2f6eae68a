"""One tag for every word: named entities, slots.

Data: columns `tokens` and `tags`, lists of equal length (JSONL, Parquet), or a CoNLL file.
Loss: cross entropy over the tags, one unit per word: a word's first piece answers for it, further pieces and padding
are ignored. Headline: F1 over whole entities in BIO tags, as CoNLL counts them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from regtune.config.schema import DataSettings
from regtune.data.columns import Role, likely_column
from regtune.data.encode import Collator, EncodedRows, pad_tokens, with_labels
from regtune.data.labels import MOST_CLASSES
from regtune.data.rules import as_name
from regtune.data.table import Table, kind_of
from regtune.errors import ConfigError, DataError
from regtune.tasks.base import IGNORED, Augments, Batch, Processor, Task, Units, count_kept
from regtune.wording import cut

TOKENS = Role("tokens", ("tokens", "words"))
TAGS = Role("tags", ("tags", "ner_tags", "slots", "labels"))
OUTSIDE = "O"


class TokenClassification(Task):
    """An input is a tuple of words, a target a tuple of as many tags."""

    name = "token-classification"
    auto_class = "AutoModelForTokenClassification"
    input_role = TOKENS
    target_role = TAGS
    takes_pairs = False
    metrics = ("entity_f1", "entity_precision", "entity_recall", "token_accuracy")
    headline = "entity_f1"
    problem_type = None
    loss_unit = "nats per word"
    counts_tokens = True
    answer_kind = "tags"

    def recognise(self, table: Table, settings: DataSettings) -> str | None:
        tokens, tags = likely_column(table, settings, TOKENS), likely_column(table, settings, TAGS)
        return None if tokens is None or tags is None else f"columns `{tokens}` and `{tags}`, one tag per word"

    # ---- rows --------------------------------------------------------------------------------------------------------

    def read_input(self, value: Any, *, where: str, folder: Path) -> tuple[str, ...]:
        return _strings(value, where=where)

    def is_empty(self, value: Any) -> bool:
        return not value

    def read_target(self, value: Any, *, where: str, settings: DataSettings) -> tuple[str, ...] | None:
        return None if value is None else _strings(value, where=where)

    def check_row(self, inputs: tuple[Any, ...], target: Any, *, where: str) -> None:
        if target is not None and len(inputs[0]) != len(target):
            raise DataError(
                f"{where}: {len(inputs[0])} tokens and {len(target)} tags, there must be one tag per token",
                hint="a token with a space in it, or a tag that is missing?",
            )

    def show_input(self, inputs: tuple[Any, ...]) -> str:
        return " ".join(inputs[0])

    def show_target(self, target: Any) -> str:
        return json.dumps(list(target), ensure_ascii=False)

    def name_targets(self, targets: Sequence[Any]) -> tuple[list[Any], list[str]]:
        return list(targets), []

    def check_targets(self, targets: Sequence[Any], *, where: str) -> None:
        tags = {tag for target in targets for tag in target}
        if len(tags) < 2:
            raise DataError(
                f"{where}: one tag only, {', '.join(map(cut, tags))}, in {len(targets)} rows; at least 2 are needed"
            )
        if len(tags) > MOST_CLASSES:
            raise DataError(
                f"{where}: {len(tags)} different tags, at most {MOST_CLASSES} are allowed",
                hint="is data.tags the right column?",
            )

    def names_in(self, target: Any) -> tuple[str, ...]:
        return tuple(dict.fromkeys(target))

    def label_names(self, targets: Iterable[Any]) -> tuple[str, ...]:
        """O first, then by entity type. A type seen with B- only gets its I- too: a longer entity of it may come."""
        tags = {tag for target in targets for tag in target}
        types = {entity_type(tag) for tag in tags if is_part(tag)}
        tags |= {f"{part}-{name}" for name in types for part in "BI"}
        return tuple(sorted(tags, key=lambda tag: (tag != OUTSIDE, entity_type(tag), tag)))

    def strata(self, targets: Sequence[Any]) -> list[tuple[str, ...]]:
        return [
            tuple(sorted({entity_type(tag) for tag in target if tag != OUTSIDE})) or (OUTSIDE,) for target in targets
        ]

    # ---- tensors -----------------------------------------------------------------------------------------------------

    def augmented(
        self, inputs: tuple[Any, ...], target: Any, augmentation: Augments, *, epoch: int, row: int
    ) -> tuple[tuple[Any, ...], Any]:
        words, tags = augmentation.augment_tagged(inputs[0], target, epoch=epoch, row=row)
        return (tuple(words),), tuple(tags)

    def vocabulary_texts(self, inputs: Sequence[tuple[Any, ...]], targets: Sequence[Any]) -> list[str]:
        return [self.show_input(parts) for parts in inputs]

    def encode(self, inputs: Sequence[tuple[Any, ...]], *, processor: Processor, settings: DataSettings) -> EncodedRows:
        """Words as in running text, see `spaced`. Besides the tokenizer's lists: answers_for, per token the number of
        its word, from 1, where it is the word's first piece, else 0; and words, how many there are, those beyond
        max_length included."""
        keeps = keeps_spaces(processor)
        encoded = processor(
            [spaced(tokens) if keeps else list(tokens) for (tokens,) in inputs],
            is_split_into_words=True,
            truncation=True,
            max_length=settings.max_length,
        )
        names = [name for name in processor.model_input_names if name in encoded]
        features = []
        for i, (tokens,) in enumerate(inputs):
            owners = encoded.word_ids(i)  # per token its word, None for special tokens
            answers_for = [
                0 if word is None or word == before else word + 1
                for before, word in zip([None, *owners], owners, strict=False)
            ]
            features.append(
                {**{name: encoded[name][i] for name in names}, "answers_for": answers_for, "words": len(tokens)}
            )
        return EncodedRows(
            features,
            gold=[],
            lengths=[len(feature["input_ids"]) for feature in features],
            is_truncated=[bool(encoding.overflowing) for encoding in encoded.encodings or []],
        )

    def encode_labelled(
        self,
        inputs: Sequence[tuple[Any, ...]],
        targets: Sequence[Any],
        *,
        label_names: Sequence[str],
        processor: Processor,
        settings: DataSettings,
    ) -> EncodedRows:
        ids = {name: i for i, name in enumerate(label_names)}
        rows = self.encode(inputs, processor=processor, settings=settings)
        labels = [
            [ids[tags[word - 1]] if word else IGNORED for word in feature["answers_for"]]
            for feature, tags in zip(rows.features, targets, strict=True)
        ]
        return with_labels(rows, labels, gold=[list(tags) for tags in targets])

    def collator(self, processor: Processor, model: PreTrainedModel) -> Collator:
        return pad_tokens(processor, {"labels": IGNORED, "answers_for": 0})

    def check_model(self, model: PreTrainedModel, processor: Processor, *, name: str) -> None:
        if not processor.is_fast:
            raise ConfigError(
                f"model: the tokenizer of {name} does not tell which piece belongs to which word",
                hint="choose a model with a fast tokenizer (tokenizer.json)",
            )

    def model_inputs(self, batch: Batch) -> Batch:
        return {name: tensor for name, tensor in batch.items() if name not in ("labels", "answers_for", "words")}

    def units(self, logits: Tensor, labels: Tensor) -> Units:
        kept = labels != IGNORED  # (rows, tokens)
        return Units(logits[kept].float(), labels[kept], kept.nonzero()[:, 0])

    def count_units(self, labels: Tensor) -> int:
        return int((labels != IGNORED).sum())

    def label_counts(self, rows: EncodedRows) -> Counter[int]:
        return count_kept(feature["labels"] for feature in rows.features)

    # ---- answers -----------------------------------------------------------------------------------------------------

    def answers(self, model: PreTrainedModel, batch: Batch, logits: Tensor, *, processor: Processor) -> list[Any]:
        """Tags, one per word; words beyond max_length are O. A NaN anywhere in a row makes its answer a NaN."""
        names: Any = model.config.id2label
        rows: list[Any] = []
        for scores, owners, words in zip(logits.cpu(), batch["answers_for"].cpu(), batch["words"].cpu(), strict=True):
            at = owners.nonzero()[:, 0]  # (words kept,) where they are answered for
            if not torch.isfinite(scores[at]).all():
                rows.append(float("nan"))
                continue
            tags = [OUTSIDE] * int(words)
            for word, tag in zip(owners[at].tolist(), scores[at].argmax(-1).tolist(), strict=True):
                tags[word - 1] = names[tag]
            rows.append(tags)
        return rows

    def answer_columns(self, label_names: Sequence[str]) -> list[str]:
        return ["prediction"]

    def answer_row(self, answer: Any, label_names: Sequence[str], *, threshold: float) -> dict[str, Any]:
        return {"prediction": answer}


def is_part(tag: str) -> bool:
    """Whether a tag is the beginning or the inside of an entity."""
    return tag.startswith(("B-", "I-")) and len(tag) > 2


def entity_type(tag: str) -> str:
    """B-place → place; a tag of another form is its own type."""
    return tag[2:] if is_part(tag) else tag


def keeps_spaces(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the space before a word is part of its first piece and missing when words come one by one.

    So with byte-level tokenizers (GPT-2, RoBERTa, Llama 3) that do not add it themselves. Asked by behaviour: each
    family says it in a setting of its own, and not all of these settings survive saving and loading.
    """
    first, later = tokenizer.tokenize("a"), tokenizer.tokenize(" a")
    return first != later and tokenizer.tokenize("a a") == [*first, *later]


def spaced(words: Sequence[str]) -> list[str]:
    """Every word but the first with the space before it."""
    return [*words[:1], *(f" {word}" for word in words[1:])]


def _strings(value: Any, *, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise DataError(
            f"{where} holds {kind_of(value)}, expected a list of strings",
            hint="use JSONL or Parquet with lists, or a CoNLL file",
        )
    for item in value:
        if not isinstance(item, str) and not (isinstance(item, int) and not isinstance(item, bool)):
            raise DataError(f"{where} holds {kind_of(item)} in its list, expected strings")
    return tuple(as_name(item) for item in value)
