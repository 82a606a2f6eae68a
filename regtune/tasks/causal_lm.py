"""Text, learnt token by token; or a prompt and its completion, with the loss on the completion only.

Data: a text file, a column `text`, or columns `prompt` and `completion`.
Loss: cross entropy of the next token, one unit per token; a long row counts more than a short one. An end token closes
every row, so that the model learns to stop. `predict` continues each text, greedily, by `data.max_target_length` tokens
at most. Smoothing is off unless asked for: perplexity is about the whole distribution.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from regtune.config.schema import DataSettings
from regtune.data.columns import TEXT, Columns, Role, choose_columns, likely_column
from regtune.data.encode import Collator, EncodedRows, pad_tokens
from regtune.data.table import Table, kind_of
from regtune.errors import ConfigError, DataError
from regtune.tasks.base import IGNORED, Batch, Processor, Task, Units, count_kept
from regtune.tasks.language import kept_units, limit_writing, padded_left, write_greedily

PROMPT = Role("prompt", ("prompt", "instruction"))
COMPLETION = Role("completion", ("completion", "response", "answer"))


class CausalLm(Task):
    """A target is the completion, or None where a row is all text."""

    name = "causal-lm"
    auto_class = "AutoModelForCausalLM"
    target_role = COMPLETION
    takes_pairs = False
    has_classes = False
    metrics = ("perplexity",)
    headline = "perplexity"
    problem_type = None
    loss_unit = "nats per token"
    counts_tokens = True
    answer_kind = "none"
    default_smoothing = 0.0
    takes_class_weights = False

    def recognise(self, table: Table, settings: DataSettings) -> str | None:
        prompt, completion = (likely_column(table, settings, role) for role in (PROMPT, COMPLETION))
        if prompt is not None and completion is not None:
            return f"columns `{prompt}` and `{completion}`"
        if len(table.columns) == 1 and table.columns[0] == likely_column(table, settings, TEXT):
            return f"the only column is `{table.columns[0]}`"
        return None

    def roles(self) -> tuple[Role, ...]:
        return (TEXT, PROMPT, COMPLETION)

    def choose_columns(self, table: Table, settings: DataSettings) -> Columns:
        prompt, completion = (likely_column(table, settings, role) for role in (PROMPT, COMPLETION))
        if settings.text is None and (prompt is not None or completion is not None):
            if completion is None or prompt is None:
                there, missing = ("prompt", "completion") if completion is None else ("completion", "prompt")
                raise DataError(
                    f"{table.path}: column `{prompt or completion}` is a {there}, and no column is its {missing}:"
                    f" the header has {', '.join(f'`{name}`' for name in table.columns)}",
                    hint=f"set data.{missing}, or data.text to learn `{prompt or completion}` alone",
                )
            return choose_columns(table, settings, input_role=PROMPT, target_role=COMPLETION)
        return choose_columns(table, settings, input_role=TEXT, target_role=None)

    def read_target(self, value: Any, *, where: str, settings: DataSettings) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str):
            raise DataError(f"{where} holds {kind_of(value)}, the completion must be a string")
        return value if value.strip() else None

    def check_targets(self, targets: Sequence[Any], *, where: str) -> None:
        """Any text can be learnt."""

    def show_target(self, target: Any) -> str:
        return target or ""

    # ---- model -------------------------------------------------------------------------------------------------------

    def vocabulary_texts(self, inputs: Sequence[tuple[Any, ...]], targets: Sequence[Any]) -> list[str]:
        return [*(text for (text,) in inputs), *(target for target in targets if target)]

    def head_fields(self, label_names: Sequence[str]) -> dict[str, Any]:
        return {}

    def check_model(self, model: PreTrainedModel, processor: Processor, *, name: str) -> None:
        """By behaviour: what comes later must not change what is said of earlier tokens."""
        ids = torch.arange(8)[None] % model.config.get_text_config().vocab_size  # (1, 8)
        other = ids.clone()
        other[0, -1] = 0
        model.eval()
        with torch.no_grad():
            first, second = (model(input_ids=each).logits[0, :-1] for each in (ids, other))
        if not torch.allclose(first, second, atol=1e-4):
            raise ConfigError(
                f"model: {name} ({type(model).__name__}) reads the tokens it should predict, it is no causal language"
                " model",
                hint="choose a model made for text generation, or `model: tiny`",
            )

    def prepare_model(
        self, model: PreTrainedModel, *, new_parameters: Sequence[str], targets: Sequence[Any], settings: DataSettings
    ) -> None:
        most = settings.max_target_length
        positions: int | None = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        if positions is not None:  # architectures without positions lack it
            most = min(most, max(1, positions - settings.max_length))
        limit_writing(model, most_tokens=most)

    # ---- tensors -----------------------------------------------------------------------------------------------------

    def encode(self, inputs: Sequence[tuple[Any, ...]], *, processor: Processor, settings: DataSettings) -> EncodedRows:
        starts = (_opening(text, processor, most=settings.max_length + 1) for (text,) in inputs)
        return _rows([(ids, None) for ids in starts], settings)

    def encode_labelled(
        self,
        inputs: Sequence[tuple[Any, ...]],
        targets: Sequence[Any],
        *,
        label_names: Sequence[str],
        processor: Processor,
        settings: DataSettings,
    ) -> EncodedRows:
        end = [] if processor.eos_token_id is None else [processor.eos_token_id]
        most = settings.max_length + 1  # tokens; enough to tell that a row is too long
        rows = []
        for (text,), completion in zip(inputs, targets, strict=True):
            prompt = _opening(text, processor, most=most)
            if completion is None:
                rows.append(([*prompt, *end], [*prompt, *end]))
            else:
                ids = processor(completion, add_special_tokens=False, truncation=True, max_length=most)["input_ids"]
                learnt = [*ids, *end]
                rows.append(([*prompt, *learnt], [*[IGNORED] * len(prompt), *learnt]))
        return _rows(rows, settings)

    def row_notes(self, rows: EncodedRows, *, side: str, settings: DataSettings) -> list[str]:
        notes = super().row_notes(rows, side=side, settings=settings)
        lost = sum(not any(label != IGNORED for label in feature["labels"][1:]) for feature in rows.features)
        if lost:
            full = f"a prompt that fills data.max_length ({settings.max_length} tokens)"
            notes.append(f"{lost} of {len(rows)} {side} rows have {full}: nothing of them is learnt or scored")
        return notes

    def collator(self, processor: Processor, model: PreTrainedModel) -> Collator:
        return pad_tokens(processor, {"labels": IGNORED})

    def units(self, logits: Tensor, labels: Tensor) -> Units:
        return Units(*kept_units(logits[:, :-1], labels[:, 1:]))  # a token is predicted from those before it

    def count_units(self, labels: Tensor) -> int:
        return int((labels[:, 1:] != IGNORED).sum())

    def label_counts(self, rows: EncodedRows) -> Counter[int]:
        return count_kept(feature["labels"][1:] for feature in rows.features)

    def smoothing_classes(self, label_names: Sequence[str], model: PreTrainedModel) -> int:
        classes: int = model.config.get_text_config().vocab_size
        return classes

    # ---- answers -----------------------------------------------------------------------------------------------------

    def answers(self, model: PreTrainedModel, batch: Batch, logits: Tensor, *, processor: Processor) -> list[Any]:
        """For rows to predict, the continuation; labelled rows are judged by their loss alone."""
        if "labels" in batch:
            return [None] * len(logits)
        return list(write_greedily(model, padded_left(batch), processor))

    def answer_columns(self, label_names: Sequence[str]) -> list[str]:
        return ["prediction"]

    def answer_row(self, answer: Any, label_names: Sequence[str], *, threshold: float) -> dict[str, Any]:
        return {"prediction": answer}


def _opening(text: str, tokenizer: Processor, *, most: int) -> list[int]:
    """Up to `most` tokens of a text that goes on: an end token that the tokenizer puts behind it is left out."""
    ids: list[int] = tokenizer(text, truncation=True, max_length=most + 1)["input_ids"]
    ids = ids[:-1] if ids and ids[-1] == tokenizer.eos_token_id else ids
    return ids or [tokenizer.pad_token_id]  # an empty prompt: something must stand where writing begins


def _rows(rows: Sequence[tuple[list[int], list[int] | None]], settings: DataSettings) -> EncodedRows:
    """(token ids, labels or None for rows to predict) of each row, cut to max_length."""
    limit = settings.max_length
    features = [
        {
            "input_ids": ids[:limit],
            "attention_mask": [1] * min(limit, len(ids)),
            **({} if labels is None else {"labels": labels[:limit]}),
        }
        for ids, labels in rows
    ]
    return EncodedRows(
        features,
        gold=[None] * len(rows),
        lengths=[len(feature["input_ids"]) for feature in features],
        is_truncated=[len(ids) > limit for ids, _ in rows],
    )
