"""One text to another: rewriting, summing up, normalising, translating.

Data: columns `source` and `target`. Loss: cross entropy of the target's tokens, each given those before it, one unit
per token. After each evaluation the model also writes its answers, greedily, `data.max_target_length` tokens at most,
and they are compared with the targets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from regtune.config.schema import DataSettings
from regtune.data.columns import Role, likely_column
from regtune.data.encode import Collator, EncodedRows, pad_tokens, with_labels
from regtune.data.table import Table, kind_of
from regtune.errors import ConfigError, DataError
from regtune.tasks.base import IGNORED, Batch, Processor, Task, Units, count_kept
from regtune.tasks.language import kept_units, limit_writing, write_greedily
from regtune.wording import cut

SOURCE = Role("source", ("source", "src", "input"))
TARGET = Role("target", ("target", "tgt", "output", "summary", "translation"))


class Seq2Seq(Task):
    """A target is a text."""

    name = "seq2seq"
    auto_class = "AutoModelForSeq2SeqLM"
    input_role = SOURCE
    target_role = TARGET
    takes_pairs = False
    has_classes = False
    metrics = ("chrf", "rouge_l", "exact_match_text")
    headline = "chrf"
    problem_type = None
    loss_unit = "nats per token"
    counts_tokens = True
    answer_kind = "text"
    takes_class_weights = False

    def recognise(self, table: Table, settings: DataSettings) -> str | None:
        source, target = likely_column(table, settings, SOURCE), likely_column(table, settings, TARGET)
        return None if source is None or target is None else f"columns `{source}` and `{target}`"

    def read_target(self, value: Any, *, where: str, settings: DataSettings) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str):
            raise DataError(f"{where} holds {kind_of(value)}, the target must be a string")
        return value if value.strip() else None

    def check_targets(self, targets: Sequence[Any], *, where: str) -> None:
        if len(set(targets)) == 1:
            raise DataError(f"{where}: every one of the {len(targets)} rows has the same text `{cut(targets[0])}`")

    # ---- model -------------------------------------------------------------------------------------------------------

    def vocabulary_texts(self, inputs: Sequence[tuple[Any, ...]], targets: Sequence[Any]) -> list[str]:
        return [*(text for (text,) in inputs), *targets]

    def head_fields(self, label_names: Sequence[str]) -> dict[str, Any]:
        return {}

    def positions(self, settings: DataSettings) -> int:
        return max(settings.max_length, settings.max_target_length)

    def prepare_model(
        self, model: PreTrainedModel, *, new_parameters: Sequence[str], targets: Sequence[Any], settings: DataSettings
    ) -> None:
        limit_writing(model, most_tokens=settings.max_target_length)

    # ---- tensors -----------------------------------------------------------------------------------------------------

    def encode_labelled(
        self,
        inputs: Sequence[tuple[Any, ...]],
        targets: Sequence[Any],
        *,
        label_names: Sequence[str],
        processor: Processor,
        settings: DataSettings,
    ) -> EncodedRows:
        rows = self.encode(inputs, processor=processor, settings=settings)
        written = processor(text_target=list(targets), truncation=True, max_length=settings.max_target_length)
        is_cut = [bool(encoding.overflowing) for encoding in written.encodings or []]
        rows = replace(rows, is_truncated=[a or b for a, b in zip(rows.is_truncated, is_cut, strict=True)])
        return with_labels(rows, written["input_ids"], gold=list(targets))

    def row_notes(self, rows: EncodedRows, *, side: str, settings: DataSettings) -> list[str]:
        if not rows.truncated:
            return []
        return [
            f"{rows.truncated} of {len(rows)} {side} rows have a source longer than {settings.max_length} or a target"
            f" longer than {settings.max_target_length} tokens, which was cut"
        ]

    def check_model(self, model: PreTrainedModel, processor: Processor, *, name: str) -> None:
        if model.config.decoder_start_token_id is None:
            raise ConfigError(
                f"model: the config of {name} names no decoder_start_token_id, the token every answer begins with",
                hint="choose a model made for text to text, or set it in the model's config.json",
            )

    def collator(self, processor: Processor, model: PreTrainedModel) -> Collator:
        """Adds decoder_input_ids: the target's tokens moved one place to the right, behind the start token."""
        pad = pad_tokens(processor, {"labels": IGNORED})
        start: int = model.config.decoder_start_token_id

        def collate(features: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
            batch = pad(features)
            starts = torch.full((len(features), 1), start)
            if "labels" in batch:
                before = batch["labels"][:, :-1].masked_fill(batch["labels"][:, :-1] == IGNORED, processor.pad_token_id)
                starts = torch.cat([starts, before], dim=1)  # (rows, target tokens)
            return {**batch, "decoder_input_ids": starts}

        return collate

    def units(self, logits: Tensor, labels: Tensor) -> Units:
        return Units(*kept_units(logits, labels))

    def count_units(self, labels: Tensor) -> int:
        return int((labels != IGNORED).sum())

    def label_counts(self, rows: EncodedRows) -> Counter[int]:
        return count_kept(feature["labels"] for feature in rows.features)

    def smoothing_classes(self, label_names: Sequence[str], model: PreTrainedModel) -> int:
        classes: int = model.config.get_text_config().vocab_size
        return classes

    # ---- answers -----------------------------------------------------------------------------------------------------

    def answers(self, model: PreTrainedModel, batch: Batch, logits: Tensor, *, processor: Processor) -> list[Any]:
        source = {name: tensor for name, tensor in batch.items() if name not in ("labels", "decoder_input_ids")}
        return list(write_greedily(model, source, processor))

    def answer_columns(self, label_names: Sequence[str]) -> list[str]:
        return ["prediction"]

    def answer_row(self, answer: Any, label_names: Sequence[str], *, threshold: float) -> dict[str, Any]:
        return {"prediction": answer}
